// Who was erased, kept beside the database so that an older backup does not bring them back: a salted hash, no name.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '#actors/hash.ts';
import type { Database } from './database.ts';
import { findAddresses } from './erase-mentions.ts';
import { appendLine, readLines } from './jsonl.ts';
import { entitiesOf } from './needles.ts';

const tombstoneSchema = z.object({ id: z.string(), salt: z.string(), hash: z.string(), at: z.string() });
type Tombstone = z.output<typeof tombstoneSchema>;

const fileName = 'erased.jsonl';
const hashOf = (salt: string, entity: string) => sha256(`${salt}|${entity}`);

/** Throws BAD_CONFIG for a line that cannot be read: nobody may come back by it. */
const readTombstones = (dataDir: string): Tombstone[] => readLines(join(dataDir, fileName), tombstoneSchema, 'Put the file back as it was; it keeps people who were erased from coming back with a backup.');

/** One line for each name of the person, once per erasure, however often it is asked. */
export function rememberErased(dataDir: string, { id, entity, addresses = [] }: { id: string; entity: string; addresses?: string[] }, nowMs: number): void {
  const known = readTombstones(dataDir).filter((tombstone) => tombstone.id === id);
  for (const name of entitiesOf(entity, addresses)) {
    if (known.some(({ salt, hash }) => hashOf(salt, name) === hash)) continue;
    const salt = randomBytes(16).toString('hex');
    appendLine(join(dataDir, fileName), { id, salt, hash: hashOf(salt, name), at: new Date(nowMs).toISOString() } satisfies Tombstone);
  }
}

/** The entities of a database that were erased here, also those that are only named in it by their address. */
export async function findErased(dataDir: string, database: Database): Promise<string[]> {
  const tombstones = readTombstones(dataDir);
  if (tombstones.length === 0) return [];
  const wasErased = (entity: string) => tombstones.some(({ salt, hash }) => hashOf(salt, entity) === hash);
  const known = (await database.all<{ id: string }>('SELECT id FROM entity')).map(({ id }) => id);
  const named = [...await findAddresses(database)].map((address) => `person/${address}`);
  return [...new Set([...known, ...named])].filter(wasErased);
}
