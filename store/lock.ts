// One writer. The operating system holds the lock for us as long as the process lives, also through kill -9: an SQLite file
// opened exclusively beside the database. The epoch in the database fences a store that was frozen and superseded.
import { join } from 'node:path';
import { KeelsonError } from '#machines/errors.ts';
import { openDatabase, type Database } from './database.ts';

/** A server that is just stopping may finish; one that runs on is reported at once. */
const waitMs = 250;

/** Takes the lock or throws STORE_BUSY. Keep the answer open as long as the store runs. */
export async function takeLock(dataDir: string): Promise<Database> {
  const lock = await openDatabase(join(dataDir, 'lock.db'), { bare: true });
  try {
    await lock.exec(`PRAGMA busy_timeout = ${waitMs}; BEGIN EXCLUSIVE`);
  } catch (cause) {
    await lock.close().catch(() => {});
    if (!(cause instanceof KeelsonError) || cause.code !== 'STORE_BUSY') throw cause;
    throw new KeelsonError('STORE_BUSY', `another server already owns ${dataDir}`, { cause });
  }
  return lock;
}

/** Counts up and answers the epoch; every commit checks that it is still the newest. */
export async function nextEpoch(database: Database): Promise<number> {
  await database.run('UPDATE counter SET epoch = epoch + 1');
  const [row] = await database.all<{ epoch: number }>('SELECT epoch FROM counter');
  return row!.epoch;
}
