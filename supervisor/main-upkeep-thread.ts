// One task of main-upkeep.ts, on a thread of its own. It only reads the database; what it makes is a file beside it.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { writeSet } from '#connectors/policy-set.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { openDatabase, type Database } from '#store/database.ts';
import { readHeads } from './main-heads.ts';
import type { Finished, Task } from './main-upkeep.ts';

async function reading<T>(dataDir: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(join(dataDir, 'keelson.db'), { readOnly: true });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

async function perform(task: Task): Promise<unknown> {
  const { dataDir, nowMs } = task;
  switch (task.do) {
    case 'verify': return reading(dataDir, async (db) => (await import('#store/verify-whole.ts')).verifyWhole(db, readHeads(task.heads)));
    case 'export': return (await import('#store/export.ts')).exportStore({ dataDir, dir: task.dir, nowMs });
    case 'backup': return (await import('#store/backup.ts')).backupStore({ dataDir, file: task.file, nowMs });
    case 'policies': return reading(dataDir, async (db) => (await import('./main-policy-draft.ts')).testDraft(db, writeSet(task.files)));
  }
}

async function finish(): Promise<Finished> {
  try {
    return { result: await perform(workerData as Task) };
  } catch (error) {
    return { error: { ...plainError(error), hint: error instanceof KeelsonError ? error.hint : '' } };
  }
}

parentPort!.postMessage(await finish());
