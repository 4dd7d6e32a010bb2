// Ids are a parameter, like time. Inside a step ids come from the address and the revision; only the edge needs fresh ones.
import { randomBytes, randomUUID } from 'node:crypto';

export type MakeId = () => string;
export const randomId: MakeId = () => randomUUID();
/** 256 bits that nobody can guess, in characters that need no escaping. */
export const randomSecret: MakeId = () => randomBytes(32).toString('base64url');
