// Who was erased, kept beside the database so that an older backup does not bring them back: a salted hash, no name.
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Database } from './database.ts';
import { findAddresses } from './erase-mentions.ts';
import { appendLine, readLines } from './jsonl.ts';
import { entitiesOf } from './needles.ts';

const tombstoneSchema = z.object({ id: z.string(), salt: z.string(), hash: z.string(), at: z.string() });
type Tombstone = z.output<typeof tombstoneSchema>;

/** The list of a data folder. Each line has its own salt, so a copy of it, or a line alone, is as good. */
export const erasedFile = (dataDir: string) => join(dataDir, 'erased.jsonl');
const hashOf = (salt: string, entity: string) => sha256(`${salt}|${entity}`);

/** Throws BAD_CONFIG for a line that cannot be read: nobody may come back by it. */
const readTombstones = (file: string): Tombstone[] => readLines(file, tombstoneSchema, 'Put the file back as it was; it keeps people who were erased from coming back with a backup.');

/** One line for each name of the person, once per erasure, however often it is asked. */
export function rememberErased(dataDir: string, { id, entity, addresses = [] }: { id: string; entity: string; addresses?: string[] }, nowMs: number): void {
  const file = erasedFile(dataDir);
  const known = readTombstones(file).filter((tombstone) => tombstone.id === id);
  for (const name of entitiesOf(entity, addresses)) {
    if (known.some(({ salt, hash }) => hashOf(salt, name) === hash)) continue;
    const salt = randomBytes(16).toString('hex');
    appendLine(file, { id, salt, hash: hashOf(salt, name), at: new Date(nowMs).toISOString() } satisfies Tombstone);
  }
}

/** Writes what one list has and the other lacks to that other. Throws BAD_ARGUMENT when the first is no file. */
export function mergeErased(from: string, to: string): void {
  if (!statSync(from, { throwIfNoEntry: false })?.isFile()) throw new KeelsonError('BAD_ARGUMENT', `there is no file ${from}`, { hint: 'Name the list `erased.jsonl` of a data folder, or a copy of it.' });
  const known = new Set(readTombstones(to).map(({ hash }) => hash));
  for (const tombstone of readTombstones(from)) if (!known.has(tombstone.hash)) appendLine(to, tombstone);
}

/** The entities of a database that were erased here, also those that are only named in it by their address. */
export async function findErased(dataDir: string, database: Database): Promise<string[]> {
  const tombstones = readTombstones(erasedFile(dataDir));
  if (tombstones.length === 0) return [];
  const wasErased = (entity: string) => tombstones.some(({ salt, hash }) => hashOf(salt, entity) === hash);
  const known = (await database.all<{ id: string }>('SELECT id FROM entity')).map(({ id }) => id);
  const named = [...await findAddresses(database)].map((address) => `person/${address}`);
  return [...new Set([...known, ...named])].filter(wasErased);
}
