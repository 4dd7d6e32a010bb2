// Goal: after a restore the store is the backup, what may have happened since is marked unknown, and a restore that fails has changed
// nothing. Method: backups of real stores, restored over another one; then one way of failing after the other.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Job, Message } from '#machines/message.ts';
import { chainHash } from '#store/audit.ts';
import { backupStore } from '#store/backup.ts';
import { createCommitter } from '#store/commit.ts';
import { readCopies } from '#store/copies.ts';
import type { Database } from '#store/database.ts';
import { eraseAgain } from '#store/erase-copy.ts';
import { rememberErased } from '#store/erased.ts';
import { takeLock } from '#store/lock.ts';
import { runQuery } from '#store/queries.ts';
import { restoreStore, type RestoreOptions } from '#store/restore.ts';
import { verifyAudit } from '#store/verify.ts';
import { withCode } from '#test/contract/database.ts';
import { richStore } from './rich-store.ts';
import { commitOf, countRows, damage, openTemp, stepOf, tempDir, tempStore } from './temp-store.ts';

const nowMs = 1_800_000_000_000;
const atMs = 1_790_000_000_000;
const parts: Omit<RestoreOptions, 'dataDir' | 'file'> = {
  nowMs,
  doubt: { once: ['operation.commit'], takesRestored: (machine, record) => machine === 'operation@1' && (record === null || record.includes('waiting')) },
  eraseAgain: () => assert.fail('nobody was erased'),
};
const backupOf = async (dataDir: string) => (await backupStore({ dataDir, file: join(tempDir(), 'backup.db'), nowMs })).backup;
const open = (dir: string) => openTemp(join(dir, 'keelson.db'));
const incarnationOf = async (db: Database) => (await runQuery(db, 'incarnation', {})) as { incarnation: string; epoch: number };

/** A store that something else was written to; closed. */
async function otherStore(rows = 3) {
  const store = await tempStore();
  for (let i = 0; i < rows; i++) await store.committer.commit(commitOf(`other-${i}`));
  await store.db.run('UPDATE counter SET epoch = 41');
  await store.db.close();
  return store;
}

test('the restored store is the backup, under another incarnation and a higher epoch than any', async () => {
  const source = await richStore(30);
  const before = await incarnationOf(source.db);
  const { rows, head } = await verifyAudit(source.db);
  const file = await backupOf(source.dir);
  const { dir } = await otherStore();
  const restored = await restoreStore({ dataDir: dir, file, ...parts });
  assert.deepEqual(restored, { restored: file, incarnation: restored.incarnation, unknown: 0, head: { seq: rows, hash: head }, backupAtMs: atMs });

  const db = await open(dir);
  const now = await incarnationOf(db);
  assert.deepEqual(now, { incarnation: restored.incarnation, epoch: 42 });
  assert.notEqual(now.incarnation, before.incarnation);
  assert.match(now.incarnation, /^[0-9a-f]{16}$/);
  assert.deepEqual(await db.all("SELECT value FROM setting WHERE key = 'restored'"), [{ value: JSON.stringify({ fromSeq: rows, backupAtMs: atMs, restoredAtMs: nowMs }) }]);
  assert.deepEqual(await db.all('SELECT hash FROM journal WHERE seq = ?', rows), [{ hash: head }]);
  assert.deepEqual(await db.all('SELECT seq, actor FROM journal WHERE seq > ?', rows), [{ seq: rows + 1, actor: 'operator/restore' }]);
  assert.deepEqual([(await verifyAudit(db)).ok, await countRows(db, 'fact')], [true, 30]);
  assert.equal(statSync(join(dir, 'keelson.db')).mode & 0o777, 0o600);
});

test('a newer epoch in the backup counts too', async () => {
  const source = await richStore(4);
  await source.db.run('UPDATE counter SET epoch = 99');
  const { dir } = await otherStore();
  await restoreStore({ dataDir: dir, file: await backupOf(source.dir), ...parts });
  assert.equal((await incarnationOf(await open(dir))).epoch, 100);
});

test('two restores of one backup are two incarnations', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const [a, b] = [await restoreStore({ dataDir: tempDir(), file, ...parts }), await restoreStore({ dataDir: join(tempDir(), 'new'), file, ...parts })];
  assert.notEqual(a.incarnation, b.incarnation);
});

test('the replaced database is gone with its log, and so is what the bus kept', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const { dir } = await otherStore();
  mkdirSync(join(dir, 'jetstream', 'streams'), { recursive: true });
  writeFileSync(join(dir, 'token'), 'mine');
  await restoreStore({ dataDir: dir, file, ...parts });
  assert.deepEqual(readdirSync(dir).toSorted(), ['keelson.db', 'lock.db', 'token']);
});

test('the replaced database is kept where it was asked for, whole and remembered as a copy', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const { dir } = await otherStore(5);
  const keepOld = join(tempDir(), 'old.db');
  await restoreStore({ dataDir: dir, file, ...parts, keepOld });
  assert.equal(await countRows(await openTemp(keepOld, { readOnly: true }), 'journal'), 5);
  assert.deepEqual([statSync(keepOld).mode & 0o777, readCopies(dir).map(({ path }) => path)], [0o600, [keepOld]]);
});

test('a write-ahead log that a killed server left is not read into the restored database', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const killed = await richStore(60); // still open: its log is full
  const dir = tempDir();
  for (const name of ['keelson.db', 'keelson.db-wal']) copyFileSync(join(killed.dir, name), join(dir, name));
  const keepOld = join(tempDir(), 'old.db');
  await restoreStore({ dataDir: dir, file, ...parts, keepOld });
  assert.equal(await countRows(await open(dir), 'fact'), 4);
  assert.equal(await countRows(await openTemp(keepOld, { readOnly: true }), 'fact'), 60);
});

test('a backup that was copied together with its write-ahead log is restored with it', async () => {
  const running = await richStore(60);
  const file = join(tempDir(), 'copied.db');
  for (const end of ['', '-wal']) copyFileSync(join(running.dir, `keelson.db${end}`), file + end);
  const dir = tempDir();
  await restoreStore({ dataDir: dir, file, ...parts });
  assert.equal(await countRows(await open(dir), 'fact'), 60);
});

test('a damaged database is replaced', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const { dir } = await otherStore(300);
  damage(join(dir, 'keelson.db'), 0);
  await restoreStore({ dataDir: dir, file, ...parts });
  assert.equal(await countRows(await open(dir), 'fact'), 4);
});

const job = (id: string, activity: string, from: string, attempt = 1, dueMs?: number): Message<Job> => ({ id, to: `job/${activity.replace('.', '-')}`, from, ...(dueMs === undefined ? {} : { dueMs }), body: { kind: 'job', activity, input: {}, owner: { address: from, child: 'send', gen: id }, attempt } });
const operation = (state: string) => stepOf(0, JSON.stringify({ state }));
const operationStep = (state: string) => ({ ...operation(state), machine: 'operation@1' });

/** Operations in all states that matter; in the outbox first the result that would let the waiting one go on. */
async function storeWithOperations() {
  const store = await tempStore();
  const commit = (id: string, actor: string, state: string, sends: Message[] = []) => store.committer.commit(commitOf(id, { actor, step: operationStep(state), sends }));
  await commit('1', 'operation/waits', 'waiting', [{ id: 'check.done', to: 'operation/waits', from: 'job/operation-check', body: { kind: 'done', child: 'check', gen: 'g', output: {} } }, job('operation/waits#0.1', 'operation.check', 'operation/waits')]);
  await commit('2', 'operation/sends', 'sending', [job('operation/sends#0.0', 'operation.commit', 'operation/sends')]);
  await commit('3', 'operation/claimed', 'sending', [job('operation/claimed#0.0', 'operation.commit', 'operation/claimed')]);
  await store.committer.commit({ ...emptyCommit('operation/claimed#0.0!claim', atMs, 'host/worker', { claimed: true }), requires: 'operation/claimed#0.0' });
  await commit('4', 'operation/again', 'sending', [job('operation/again#0.0', 'operation.commit', 'operation/again', 2, 1_900_000_000_000)]);
  await commit('5', 'operation/done', 'gone');
  await store.committer.commit(commitOf('6', { actor: 'mail/1', sends: [{ id: 'mail/1#4.0', to: 'operation/new', from: 'mail/1', body: { kind: 'start', machine: 'operation@1', input: {} } }] }));
  return store;
}
const outboxOf = (db: Database) => db.all<{ receiver: string; type: string; id: string; sender: string; body: string }>("SELECT receiver, coalesce(body ->> '$.event.type', body ->> '$.kind') AS type, id, sender, body FROM outbox ORDER BY n");

test('pending jobs that may have run since are claimed, so that no worker runs them again', async () => {
  const { dir: source } = await storeWithOperations();
  const dir = tempDir();
  const { unknown } = await restoreStore({ dataDir: dir, file: await backupOf(source), ...parts });
  assert.equal(unknown, 5);
  const db = await open(dir);
  const committer = await createCommitter(db, (await incarnationOf(db)).epoch, { onWritten() {} });
  for (const [gen, id] of [['operation/sends#0.0', 'operation/sends#0.0'], ['operation/claimed#0.0', 'operation/claimed#0.0'], ['operation/again#0.0', 'operation/again#0.0~2']] as const) {
    assert.equal((await committer.commit({ ...emptyCommit(`${id}!claim`, nowMs, 'host/worker', { job: id, claimed: true }), requires: gen })).outcome, 'duplicate', id);
  }
  const other = 'operation/waits#0.1'; // harmless: runs again
  assert.equal((await committer.commit({ ...emptyCommit(`${other}!claim`, nowMs, 'host/worker', {}), requires: other })).outcome, 'written');
});

test('whoever waits hears RESTORED before any result that was on its way, and whoever is to start right after the start', async () => {
  const { dir: source } = await storeWithOperations();
  const dir = tempDir();
  const { incarnation } = await restoreStore({ dataDir: dir, file: await backupOf(source), ...parts });
  const rows = await outboxOf(await open(dir));
  const heard = (receiver: string) => rows.filter((row) => row.receiver === receiver).map(({ type }) => type);
  assert.deepEqual(heard('operation/waits'), ['RESTORED', 'done']);
  assert.deepEqual(heard('operation/new'), ['start', 'RESTORED']);
  for (const nobody of ['operation/sends', 'operation/done', 'mail/1']) assert.deepEqual(heard(nobody), []);
  const [told] = rows;
  assert.equal(told!.sender, 'operator/restore');
  assert.match(told!.id, new RegExp(`^restored:${incarnation}:[0-9a-f]{24}$`));
  assert.deepEqual(JSON.parse(told!.body), { kind: 'event', event: { type: 'RESTORED', note: 'the database was restored from a backup of 2026-09-21T14:13:20.000Z; what happened since is not known' } });
});

test('hundreds of waiting operations all hear it', async () => {
  const store = await tempStore();
  await Promise.all(Array.from({ length: 700 }, (_, i) => store.committer.commit(commitOf(`o${i}`, { actor: `operation/${i}`, step: operationStep('waiting') }))));
  const dir = tempDir();
  assert.equal((await restoreStore({ dataDir: dir, file: await backupOf(store.dir), ...parts })).unknown, 700);
  const db = await open(dir);
  assert.deepEqual([await countRows(db, 'outbox'), (await verifyAudit(db)).ok], [700, true]);
});

test('who was erased since the backup is erased again before the restored database is the live one', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const { dir } = await otherStore();
  writeFileSync(join(dir, 'erased.jsonl'), '{}\n');
  const present = readFileSync(join(dir, 'keelson.db'));
  await restoreStore({ dataDir: dir, file, ...parts, async eraseAgain(database) {
    assert.equal(await countRows(database, 'journal'), 5);
    assert.deepEqual(readFileSync(join(dir, 'keelson.db')), present);
    await database.run("DELETE FROM setting WHERE key = 'odd'");
  } });
  assert.deepEqual((await (await open(dir)).all<{ key: string }>('SELECT key FROM setting ORDER BY key')).map(({ key }) => key), ['k', 'restored']);
});

test('a person who was erased here does not come back', async () => {
  const { dir: source } = await richStore(30);
  const file = await backupOf(source);
  const { dir } = await otherStore();
  rememberErased(dir, { id: 'e', entity: 'person/p5@example.org' }, nowMs);
  await restoreStore({ dataDir: dir, file, ...parts, eraseAgain: async (database) => void (await eraseAgain(dir, database, nowMs)) });
  const db = await open(dir);
  assert.deepEqual(await db.all("SELECT id FROM entity WHERE id = 'person/p5@example.org'"), []);
  assert.equal((await verifyAudit(db)).ok, true);
});

test('an erasure that fails stops the restore', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const { dir } = await otherStore();
  writeFileSync(join(dir, 'erased.jsonl'), '{}\n');
  const present = readFileSync(join(dir, 'keelson.db'));
  await assert.rejects(restoreStore({ dataDir: dir, file, ...parts, eraseAgain: () => Promise.reject(new KeelsonError('REFUSED', 'cannot')) }), withCode('REFUSED'));
  assert.deepEqual(readFileSync(join(dir, 'keelson.db')), present);
});

type Spoil = (file: string, db: Database) => unknown;
const bad: [title: string, spoil: Spoil, message: RegExp, code?: 'STORE_TOO_NEW' | 'STORE_OTHER_BUILD'][] = [
  ['that is no database', (file) => writeFileSync(file, 'no database at all '.repeat(500)), /no database/],
  ['that is empty', (file) => writeFileSync(file, ''), /no database of Keelson/],
  ['that is damaged', (file) => damage(file), /damaged/],
  ['of another program', async (_, db) => db.exec('PRAGMA user_version = 0; DROP TABLE migration'), /no database of Keelson/],
  ['of a newer Keelson', async (_, db) => db.exec('PRAGMA user_version = 999'), /999/, 'STORE_TOO_NEW'],
  ['of another build', async (_, db) => db.exec("UPDATE migration SET sha256 = 'x'"), /another 0001_first.sql/, 'STORE_OTHER_BUILD'],
  ['with a trigger of somebody else', async (_, db) => db.exec('CREATE TRIGGER mine AFTER INSERT ON journal BEGIN DELETE FROM fact; END'), /tables are not those of Keelson/],
  ['without a trigger of ours', async (_, db) => db.exec('DROP TRIGGER journal_is_append_only_delete'), /tables are not those of Keelson/],
  ['without counters', async (_, db) => db.exec('DELETE FROM counter'), /no counters/],
  ['whose journal was changed', async (_, db) => db.exec('UPDATE counter SET applied = 1'), /journal does not verify/],
  ['whose journal holds no JSON', async (_, db) => {
    const [last] = await db.all<{ seq: number; hash: string }>('SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1');
    const row = { seq: last!.seq + 1, id: 'x', actor: 'store/x', rev: null, at_ms: 1, outcome: 'applied', body: '{', digest: null, parts: null };
    await db.run('INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', ...Object.values(row), chainHash(last!.hash, row));
  }, /cannot be restored: .*JSON/],
];
for (const [title, spoil, message, code = 'BAD_COPY'] of bad) {
  test(`a backup ${title} is refused, and the present database is as it was`, async () => {
    const file = await backupOf((await richStore(300)).dir);
    const db = await openTemp(file);
    await spoil(file, db);
    await db.close();
    const { dir } = await otherStore();
    const present = readFileSync(join(dir, 'keelson.db'));
    await assert.rejects(restoreStore({ dataDir: dir, file, ...parts }), (error) => withCode(code, message)(error) && (code !== 'BAD_COPY' || (error as Error).message.includes(file)));
    assert.deepEqual(readFileSync(join(dir, 'keelson.db')), present);
    assert.deepEqual(readdirSync(dir).toSorted(), ['keelson.db', 'lock.db']);
  });
}

test('a file that is not there, a folder, and the present database itself are no backups', async () => {
  const { dir } = await otherStore();
  const link = join(tempDir(), 'link');
  symlinkSync(join(dir, 'keelson.db'), link);
  for (const [file, message] of [[join(dir, 'nothing'), /no file/], [dir, /no file/], [join(dir, 'keelson.db'), /is the present database/], [link, /is the present database/]] as const) {
    await assert.rejects(restoreStore({ dataDir: dir, file, ...parts }), withCode('BAD_ARGUMENT', message));
  }
});

test('the old database is not kept over a file that exists', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const { dir } = await otherStore();
  await assert.rejects(restoreStore({ dataDir: dir, file, ...parts, keepOld: file }), withCode('BAD_ARGUMENT', /exists/));
});

test('a restore is refused while a server holds the folder, and while somebody reads', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const { dir } = await otherStore();
  const lock = await takeLock(dir);
  await assert.rejects(restoreStore({ dataDir: dir, file, ...parts }), withCode('STORE_BUSY', /another server/));
  await lock.close();
  const reader = await openTemp(join(dir, 'keelson.db'), { readOnly: true });
  await reader.exec('BEGIN');
  await reader.all('SELECT count(*) FROM journal');
  await assert.rejects(restoreStore({ dataDir: dir, file, ...parts }), withCode('STORE_BUSY', /being read/));
  assert.equal(await countRows(reader, 'journal'), 3);
  await reader.close();
  await restoreStore({ dataDir: dir, file, ...parts });
});

for (const line of ['checking', 'erasing', 'marking']) {
  test(`a restore that is killed while ${line} has changed nothing, and the next one succeeds`, async () => {
    const file = await backupOf((await richStore(30)).dir);
    const { dir } = await otherStore();
    writeFileSync(join(dir, 'erased.jsonl'), '');
    const present = readFileSync(join(dir, 'keelson.db'));
    const script = `import { restoreStore } from ${JSON.stringify(import.meta.resolve('#store/restore.ts'))};
      await restoreStore({ dataDir: ${JSON.stringify(dir)}, file: ${JSON.stringify(file)}, nowMs: 1, doubt: { once: [], takesRestored: () => true }, eraseAgain: async () => {},
        say: (line) => line.startsWith('${line}') && process.kill(process.pid, 'SIGKILL') });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    assert.equal((await once(child, 'close'))[1], 'SIGKILL');
    assert.deepEqual(readFileSync(join(dir, 'keelson.db')), present);
    await restoreStore({ dataDir: dir, file, ...parts, eraseAgain: async () => {} });
    assert.equal(await countRows(await open(dir), 'fact'), 30);
  });
}

test('what a restore left behind that was killed is cleared away by the next', async () => {
  const file = await backupOf((await richStore(4)).dir);
  const dir = tempDir();
  mkdirSync(join(dir, 'incoming.tmp'));
  writeFileSync(join(dir, 'incoming.tmp', 'keelson.db'), 'half');
  await restoreStore({ dataDir: dir, file, ...parts });
  assert.equal(existsSync(join(dir, 'incoming.tmp')), false);
});
