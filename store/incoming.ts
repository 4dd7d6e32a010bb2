// A database that is made beside the live one and then takes its place. Until the last rename the live one is as it was; a crash
// leaves at most a folder that the next try clears away.
import { chmodSync, closeSync, createReadStream, createWriteStream, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { KeelsonError } from '#machines/errors.ts';
import { openDatabase } from './database.ts';
import { takeLock } from './lock.ts';

const databaseName = 'keelson.db';
/** One name: whoever holds the lock is alone, and what a crash left there is found. */
const folderName = 'incoming.tmp';
/** What nats-server keeps, see nats.conf. It is about the database that was here, and is made anew from the outbox. */
export const busFolder = 'jetstream';

/** Hands in the path of a database to be made, and the path of the live one. Throws STORE_BUSY while a server runs. */
export async function withIncoming<T>(dataDir: string, work: (paths: { incoming: string; live: string }) => Promise<T>): Promise<T> {
  const made = mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = await takeLock(dataDir);
  const folder = join(dataDir, folderName);
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    return await work({ incoming: join(folder, databaseName), live: join(dataDir, databaseName) });
  } catch (error) {
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await lock.close();
  }
}

/** Both are closed. `keepOld` gets a copy of what was there. */
export async function replaceLive({ dataDir, incoming, live, keepOld }: { dataDir: string; incoming: string; live: string; keepOld?: string | undefined }): Promise<void> {
  await settleOld(live);
  if (keepOld !== undefined && existsSync(live)) await copyPrivately(live, keepOld);
  chmodSync(incoming, 0o600);
  syncPath(incoming);
  rmSync(join(dataDir, busFolder), { recursive: true, force: true });
  for (const log of [`${live}-wal`, `${live}-shm`]) rmSync(log, { force: true });
  renameSync(incoming, live);
  syncPath(dataDir);
}

/**
 * A write-ahead log that stayed behind would be read into the new database. What it holds goes into the old one first, which is
 * then whole by itself. A file too damaged for that is replaced all the same.
 */
async function settleOld(live: string): Promise<void> {
  if (!existsSync(live)) return;
  const old = await openDatabase(live, { bare: true });
  try {
    await old.exec('PRAGMA busy_timeout = 2000; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE');
  } catch (error) {
    if (!(error instanceof KeelsonError) || ['STORE_BUSY', 'STORE_FULL'].includes(error.code)) throw busy(error, live);
  } finally {
    await old.close().catch(() => {});
  }
}

const busy = (error: unknown, live: string) => (error instanceof KeelsonError && error.code === 'STORE_BUSY' ? new KeelsonError('STORE_BUSY', `${live} is being read`, { cause: error, hint: 'Wait until the other command ends, and try again.' }) : error);

/** With its write-ahead log, when it has one. Throws when `to` exists. */
export async function copyPrivately(from: string, to: string): Promise<void> {
  for (const end of ['', '-wal']) {
    if (end !== '' && (!existsSync(from + end) || statSync(from + end).size === 0)) continue;
    // Not copyFile: that gives the copy the mode of the source.
    await pipeline(createReadStream(from + end, { highWaterMark: 2 ** 20 }), createWriteStream(to + end, { flags: 'wx', mode: 0o600 }));
    syncPath(to + end);
  }
}

export function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
