// Erasing from a database that nobody serves: a backup, or a file that is about to be restored.
import { createPrivateCommitter, type Committer } from './commit.ts';
import { openDatabase, type Database } from './database.ts';
import { erase, findAddressesOf, finishErasure, openErasures, type Erasure } from './erase.ts';
import { findErased } from './erased.ts';

type Given = Pick<Erasure, 'id' | 'entity'> & Partial<Pick<Erasure, 'addresses'>>;

/** Erases from an open database, under the addresses that are given and those it knows itself. Answers whether they were in it. */
async function eraseFrom(database: Database, committer: Committer, { id, entity, addresses = [] }: Given, nowMs: number): Promise<boolean> {
  const all = [...new Set([...addresses, ...(await findAddressesOf(database, entity))])];
  const { counts } = await erase(database, committer, { id, entity, addresses: all }, nowMs);
  if (Object.values(counts).every((n) => n === 0)) return false;
  await finishErasure(database, committer, id);
  return true;
}

/** Erases from a backup file. Answers whether the person was in it. */
export async function eraseFromFile(file: string, erasure: Given, nowMs: number): Promise<boolean> {
  const database = await openDatabase(file);
  try {
    const committer = await createPrivateCommitter(database);
    const erased = await eraseFrom(database, committer, erasure, nowMs);
    // A backup may have been made, or another erasure may have died, between the rows and the old bytes.
    const left = await openErasures(database);
    for (const { id } of left) await finishErasure(database, committer, id);
    return erased || left.length > 0;
  } finally {
    await database.close();
  }
}

/** Before a backup becomes the living database: whoever was erased in this folder since is erased from it. Answers how many. */
export async function eraseAgain(dataDir: string, database: Database, nowMs: number): Promise<number> {
  const entities = await findErased(dataDir, database);
  const committer = await createPrivateCommitter(database);
  for (const [i, entity] of entities.entries()) await eraseFrom(database, committer, { id: `again-${nowMs}-${i}`, entity }, nowMs);
  return entities.length;
}
