// Ids are a parameter, like time. Inside a step ids come from the address and the revision; only the edge needs fresh ones.
import { randomUUID } from 'node:crypto';

export type MakeId = () => string;
export const randomId: MakeId = () => randomUUID();
