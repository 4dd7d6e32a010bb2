// The company's own actors that are there from the first start on and never end: they look after others and are no work themselves.
import { supervisorAddress } from '../hold.ts';
import { consolidationAddress } from './consolidation.ts';
import { modelsAddress } from './models-shape.ts';
import { qualityAddress } from './quality.ts';
import { reportAddress } from './report.ts';

export const standingAddresses: readonly string[] = [supervisorAddress, modelsAddress, qualityAddress, reportAddress, consolidationAddress];
