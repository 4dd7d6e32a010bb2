// Erasing from a database that nobody serves: a backup, or a file that is about to be restored.
import { createCommitter } from './commit.ts';
import { openDatabase, type Database } from './database.ts';
import { erase, findSubject, finishErasure, type Erasure } from './erase.ts';
import { findErased } from './erased.ts';

/** Erases from an open database; who is not in it is not an error. */
export async function eraseFrom(database: Database, erasure: Pick<Erasure, 'id' | 'entity'>, nowMs: number): Promise<boolean> {
  const [counter] = await database.all<{ epoch: number }>('SELECT epoch FROM counter');
  const committer = await createCommitter(database, counter?.epoch ?? 0, { onWritten() {} });
  const [known] = await database.all('SELECT id FROM entity WHERE id = ?', erasure.entity);
  if (!known) return false;
  await erase(database, committer, { ...erasure, ...(await findSubject(database, erasure.entity)) }, nowMs);
  await finishErasure(database, committer, erasure.id);
  return true;
}

/** Erases from a backup file. Answers whether the person was in it. */
export async function eraseFromFile(file: string, erasure: Pick<Erasure, 'id' | 'entity'>, nowMs: number): Promise<boolean> {
  const database = await openDatabase(file);
  try {
    return await eraseFrom(database, erasure, nowMs);
  } finally {
    await database.close();
  }
}

/** Before a backup becomes the living database: whoever was erased in this folder since is erased from it. Answers how many. */
export async function eraseAgain(dataDir: string, database: Database, nowMs: number): Promise<number> {
  const entities = await findErased(dataDir, database);
  for (const [i, entity] of entities.entries()) await eraseFrom(database, { id: `again-${nowMs}-${i}`, entity }, nowMs);
  return entities.length;
}
