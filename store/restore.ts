// Puts a backup in the place of the database. What happened after the backup is not known any more, only that it may have happened:
// whatever could have left the company since is `unknown` and is not done again. The bus and other stores see another incarnation.
import { existsSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { sha256 } from '#actors/hash.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { attemptId, type Job, type Message } from '#machines/message.ts';
import { createPrivateCommitter, type Committer } from './commit.ts';
import { rememberCopy } from './copies.ts';
import { openDatabase, type Database } from './database.ts';
import { openErasures } from './erase.ts';
import { erasedFile, mergeErased, rememberErased } from './erased.ts';
import { badCopy } from './export-format.ts';
import { copyPrivately, replaceLive, withIncoming } from './incoming.ts';
import { firstHash } from './audit.ts';
import { checkIntegrity } from './integrity.ts';
import type { Head } from './judge.ts';
import { migrate, ownMigrations, planMigrations } from './migrate.ts';
import { verifyAudit } from './verify.ts';
import { writeSetting } from './setting.ts';

export interface Doubt {
  /** Activities that are claimed before they run: their pending jobs may have run since. */
  once: readonly string[];
  /** Does the actor take RESTORED now? Its record as JSON; null for one that is only about to start. */
  takesRestored(machine: string, record: string | null): boolean;
}

export interface RestoreOptions {
  dataDir: string;
  file: string;
  nowMs: number;
  doubt: Doubt;
  /** Lists of people who were erased, from elsewhere; the folder's own one takes them in. */
  erasedLists?: readonly string[];
  /** Erases from it whoever was erased since the backup. Called when the data folder has `erased.jsonl`. */
  eraseAgain(database: Database): Promise<void>;
  /** Where the replaced database is kept. Otherwise it is gone: it may hold people who were erased. */
  keepOld?: string | undefined;
  say?(line: string): void;
}
export interface Restored { restored: string; incarnation: string; unknown: number; /** The end of the backup's journal. */ head: Head; backupAtMs: number | null }

const sendsPerCommit = 500;

/** Throws BAD_COPY, STORE_TOO_NEW, STORE_OTHER_BUILD, STORE_BUSY or BAD_ARGUMENT; then the present database is as it was. */
export async function restoreStore({ dataDir, file: given, nowMs, doubt, erasedLists = [], eraseAgain, keepOld, say = () => {} }: RestoreOptions): Promise<Restored> {
  const file = resolve(given);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new KeelsonError('BAD_ARGUMENT', `there is no file ${file}`, { hint: 'Name a file that `keelson backup` made.' });
  if (keepOld !== undefined && existsSync(keepOld)) throw new KeelsonError('BAD_ARGUMENT', `${keepOld} exists`, { hint: 'Name a file that does not exist yet for --keep-old.' });
  return withIncoming(dataDir, async ({ incoming, live }) => {
    if (existsSync(live) && realpathSync(live) === realpathSync(file)) throw new KeelsonError('BAD_ARGUMENT', `${file} is the present database`, { hint: 'Name a file that `keelson backup` made.' });
    await copyPrivately(file, incoming);
    say('checking the backup …');
    await asBadCopy(file, () => checkBackup(incoming));
    for (const list of erasedLists) mergeErased(list, erasedFile(dataDir));
    const database = await openDatabase(incoming);
    let restored: Restored;
    try {
      await migrate(database);
      restored = { restored: file, ...(await startAnew(database, await epochOf(live, dataDir, nowMs), nowMs)), unknown: 0 };
      if (existsSync(erasedFile(dataDir))) {
        say('erasing again who was erased since …');
        await eraseAgain(database);
      }
      say('marking what may have happened since …');
      restored.unknown = await markUnknown(database, restored, { nowMs, doubt });
      const { ok, firstBad } = await verifyAudit(database);
      if (!ok) throw new KeelsonError('STORE_DAMAGED', `after restoring, the journal does not verify: row ${firstBad?.seq}: ${firstBad?.reason}`, { hint: 'This is a defect of Keelson; the present database was not touched.' });
      await database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      await database.close();
    }
    if (keepOld !== undefined && existsSync(live)) rememberCopy(dataDir, { kind: 'backup', path: resolve(keepOld), at: new Date(nowMs).toISOString() });
    await replaceLive({ dataDir, incoming, live, keepOld });
    return restored;
  });
}

/** Is it a whole database of ours, and no newer than this build? Its schema is compared too: a foreign trigger would run with every commit. */
async function checkBackup(file: string): Promise<void> {
  const database = await openDatabase(file);
  const fresh = await openDatabase(':memory:');
  try {
    const { version } = await planMigrations(database);
    if (version === 0) throw badCopy('it is no database of Keelson');
    await checkIntegrity(database, Infinity);
    await migrate(fresh, ownMigrations, version);
    const schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name";
    if (JSON.stringify(await database.all(schema)) !== JSON.stringify(await fresh.all(schema))) throw badCopy('its tables are not those of Keelson');
    if ((await database.all('SELECT one FROM counter')).length !== 1) throw badCopy('it has no counters');
    const { ok, firstBad } = await verifyAudit(database);
    if (!ok) throw badCopy(`its journal does not verify: row ${firstBad?.seq}: ${firstBad?.reason}`);
  } finally {
    await Promise.all([database.close(), fresh.close()]);
  }
}

/** What is wrong with a copy is said of the file that was named. */
async function asBadCopy(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof KeelsonError)) throw badCopy(`${file} cannot be restored: ${(error as Error).message}`, error);
    if (!['BAD_COPY', 'STORE_DAMAGED', 'STORE_FAILED'].includes(error.code)) throw error;
    throw badCopy(`${file} cannot be restored: ${error.code === 'STORE_DAMAGED' ? 'it is no database, or it is damaged' : error.message}`, error);
  }
}

/** Also who was just being erased in the database that goes. 0 when there is none, or none that can be read. */
async function epochOf(live: string, dataDir: string, nowMs: number): Promise<number> {
  if (!existsSync(live)) return 0;
  try {
    const database = await openDatabase(live, { readOnly: true });
    try {
      for (const plan of await openErasures(database)) rememberErased(dataDir, plan, nowMs);
      return (await database.all<{ epoch: number }>('SELECT epoch FROM counter'))[0]?.epoch ?? 0;
    } finally {
      await database.close();
    }
  } catch {
    return 0;
  }
}

/** Another incarnation with a higher epoch than any before: neither a bus nor a store of the other past fits it. */
async function startAnew(database: Database, presentEpoch: number, nowMs: number): Promise<Pick<Restored, 'incarnation' | 'head' | 'backupAtMs'>> {
  const [last] = await database.all<Head & { at_ms: number }>('SELECT seq, hash, at_ms FROM journal ORDER BY seq DESC LIMIT 1');
  const head: Head = { seq: last?.seq ?? 0, hash: last?.hash ?? firstHash };
  const backupAtMs = last?.at_ms ?? null;
  await database.run('UPDATE counter SET epoch = max(epoch, ?) + 1, incarnation = lower(hex(randomblob(8)))', presentEpoch);
  await writeSetting(database, 'restored', { fromSeq: head.seq, backupAtMs, restoredAtMs: nowMs });
  const [counter] = await database.all<{ incarnation: string }>('SELECT incarnation FROM counter');
  return { incarnation: counter!.incarnation, head, backupAtMs };
}

/** Answers of how many actors it is unknown now what they did. */
async function markUnknown(database: Database, { incarnation, head, backupAtMs }: Restored, { nowMs, doubt }: Pick<RestoreOptions, 'nowMs' | 'doubt'>): Promise<number> {
  const committer = await createPrivateCommitter(database);
  const restored = { fromSeq: head.seq, backupAtMs, restoredAtMs: nowMs };

  const jobs = await pendingJobs(database, doubt.once);
  for (const { body } of jobs) {
    const job = JSON.parse(body) as Job;
    const id = attemptId(job);
    // As a worker claims it: the worker that meets it finds it claimed and says that nobody can tell.
    await write(committer, { ...emptyCommit(`${id}!claim`, nowMs, 'host/worker', { job: id, claimed: true, restored }), requires: job.owner.gen });
  }

  const note = `the database was restored from a backup${backupAtMs === null ? '' : ` of ${new Date(backupAtMs).toISOString()}`}; what happened since is not known`;
  const tell = (address: string): Message => ({ id: `restored:${incarnation}:${sha256(address).slice(0, 24)}`, to: address, from: 'operator/restore', body: { kind: 'event', event: { type: 'RESTORED', note } } });
  const present = await actorsIn(database, doubt);
  const starting = await startingActors(database, doubt);
  const sends = [...present, ...starting].map(tell);
  for (let from = 0; from === 0 || from < sends.length; from += sendsPerCommit) {
    const name = `restored:${incarnation}${from === 0 ? '' : `:${from}`}`;
    await write(committer, { ...emptyCommit(name, nowMs, 'operator/restore', { note, restored }), sends: sends.slice(from, from + sendsPerCommit) });
  }
  await putFirst(database, present.map((address) => tell(address).id));
  return new Set([...jobs.map(({ owner }) => owner), ...present, ...starting]).size;
}

async function write(committer: Committer, commit: Commit): Promise<void> {
  const { outcome } = await committer.commit(commit);
  // `duplicate`: claimed before the backup already.
  if (outcome !== 'written' && outcome !== 'duplicate') throw new KeelsonError('STORE_FAILED', `${commit.id} was not written: ${outcome}`);
}

function pendingJobs(database: Database, once: readonly string[]): Promise<{ owner: string; body: string }[]> {
  return database.all("SELECT sender AS owner, body FROM outbox WHERE body ->> '$.kind' = 'job' AND body ->> '$.activity' IN (SELECT value FROM json_each(?)) ORDER BY n", JSON.stringify(once));
}

async function actorsIn(database: Database, { takesRestored }: Doubt): Promise<string[]> {
  const found: string[] = [];
  let after = '';
  for (;;) {
    const rows = await database.all<{ address: string; machine: string; record: string }>("SELECT address, machine, record FROM actor WHERE status = 'active' AND address > ? ORDER BY address LIMIT 200", after);
    if (rows.length === 0) return found;
    after = rows.at(-1)!.address;
    found.push(...rows.filter(({ machine, record }) => takesRestored(machine, record)).map(({ address }) => address));
  }
}

async function startingActors(database: Database, { takesRestored }: Doubt): Promise<string[]> {
  const rows = await database.all<{ address: string; machine: string }>("SELECT receiver AS address, body ->> '$.machine' AS machine FROM outbox WHERE body ->> '$.kind' = 'start' AND receiver NOT IN (SELECT address FROM actor) ORDER BY n");
  return [...new Set(rows.filter(({ machine }) => takesRestored(machine, null)).map(({ address }) => address))];
}

/** The outbox is published in the order of `n`: an actor must hear this before a result that was on its way lets it go on. */
async function putFirst(database: Database, ids: string[]): Promise<void> {
  await database.run('UPDATE outbox SET n = n + (SELECT max(n) FROM outbox) WHERE id NOT IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
}
