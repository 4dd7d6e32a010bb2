// Who was erased, kept beside the database so that an older backup does not bring them back: a salted hash, no name.
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { Database } from './database.ts';

interface Tombstone { id: string; salt: string; hash: string; at: string }

const fileName = 'erased.jsonl';
const hashOf = (salt: string, entity: string) => createHash('sha256').update(`${salt}|${entity}`).digest('hex');

function readTombstones(dataDir: string): Tombstone[] {
  const file = join(dataDir, fileName);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Tombstone) : [];
}

/** Once per erasure, however often it is asked. */
export function rememberErased(dataDir: string, { id, entity }: { id: string; entity: string }, nowMs: number): void {
  if (readTombstones(dataDir).some((tombstone) => tombstone.id === id)) return;
  const salt = randomBytes(16).toString('hex');
  appendFileSync(join(dataDir, fileName), `${JSON.stringify({ id, salt, hash: hashOf(salt, entity), at: new Date(nowMs).toISOString() } satisfies Tombstone)}\n`, { mode: 0o600 });
}

/** The entities of a database that were erased here. */
export async function findErased(dataDir: string, database: Database): Promise<string[]> {
  const tombstones = readTombstones(dataDir);
  if (tombstones.length === 0) return [];
  const entities = await database.all<{ id: string }>('SELECT id FROM entity');
  return entities.map(({ id }) => id).filter((id) => tombstones.some(({ salt, hash }) => hashOf(salt, id) === hash));
}
