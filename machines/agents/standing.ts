// The company's own actors that are there from the first start on and never end: they look after others and are no work themselves.
import { supervisorAddress } from '../hold.ts';

export const modelsAddress = 'models/main';
export const qualityAddress = 'quality/main';
export const reportAddress = 'report/main';
export const consolidationAddress = 'consolidation/main';

export const standingAddresses: readonly string[] = [supervisorAddress, modelsAddress, qualityAddress, reportAddress, consolidationAddress];
