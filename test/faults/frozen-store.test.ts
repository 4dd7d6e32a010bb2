// Goal: one writer. Method: a real process is frozen with SIGSTOP, another connection takes the database over as a newer store would,
// SIGCONT; then what the first one still tries.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { emptyCommit } from '#machines/commit.ts';
import { startStore } from '#store/actor.ts';
import { openDatabase, type Database } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { verifyAudit } from '#store/verify.ts';
import { sampleMailbox } from '#supervisor/company.ts';
import { withCode } from '#test/contract/database.ts';
import { withNats } from '#test/kit/nats.ts';
import { makeCompany, runCli } from '#test/kit/server.ts';

const written = ['journal', 'actor', 'outbox', 'entity', 'fact', 'intent', 'artifact', 'blob', 'decision', 'counter'];
const everything = async (db: Database) => JSON.stringify(await Promise.all(written.map((table) => db.all(`SELECT * FROM ${table}`))));
async function open(t: TestContext, dataDir: string): Promise<Database> {
  const db = await openDatabase(join(dataDir, 'keelson.db'));
  t.after(() => db.close());
  return db;
}

const writer = fileURLToPath(import.meta.resolve('#test/faults/frozen-writer.ts'));

test('a frozen store keeps its folder; superseded, it writes nothing when it wakes, refuses every commit and ends', { timeout: 60_000 }, async (t) => {
  const nats = await withNats();
  t.after(() => nats.stop());
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-frozen-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const options = { dataDir, bus: { url: nats.url, token: nats.token, company: 'frozen' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null };
  const child = spawn(process.execPath, [writer, JSON.stringify(options)]);
  t.after(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value as string;
  assert.equal(await line(), 'ready', stderr);
  child.stdin.write('before\n');
  assert.equal(await line(), 'before written');

  child.kill('SIGSTOP');
  await assert.rejects(startStore(options), withCode('STORE_BUSY', /another server already owns/));
  const db = await open(t, dataDir);
  await nextEpoch(db);
  const taken = await everything(db);
  child.stdin.write('after-1\nafter-2\nafter-3\n');
  child.kill('SIGCONT');

  assert.deepEqual([await line(), await line(), await line()].toSorted(), ['after-1 STALE_EPOCH', 'after-2 STALE_EPOCH', 'after-3 STALE_EPOCH']);
  assert.equal((await ended)[0], 1);
  assert.match(stderr, /^STALE_EPOCH: this store has epoch 1, but a newer one has taken the database over\. [^\n]+\n$/);
  assert.equal(await everything(db), taken);
  const next = await startStore(options);
  const again = await next.commit(emptyCommit('after-1', 1_790_000_000_000, 'order/1', {}));
  await next.close();
  assert.equal(again.outcome, 'written');
});

test('a frozen server keeps its company; superseded, it stops at its next write and says why', { timeout: 120_000 }, async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  const runFile = join(company.dataDir, 'run.json');
  const server = runCli(['up', '--data', company.dataDir]);
  const { pid } = await company.until('the server runs', 60_000, async () => existsSync(runFile) && (JSON.parse(readFileSync(runFile, 'utf8')) as { pid: number }));
  let ended = false;
  void server.then(() => (ended = true));
  t.after(() => void (ended || process.kill(pid, 'SIGKILL')));

  // Frozen within a transaction it would hold the database's lock, which is another story.
  let before = -1;
  await company.until('what a start writes is written', 30_000, async () => {
    const { commits } = await company.json<{ commits: number }>('status');
    const isSame = commits === before;
    before = commits;
    return isSame;
  });
  process.kill(pid, 'SIGSTOP');
  const second = await company.cli('up', '--json');
  assert.equal(second.code, 1);
  assert.equal((JSON.parse(second.stderr) as { error: { code: string } }).error.code, 'STORE_BUSY');
  const db = await open(t, company.dataDir);
  await nextEpoch(db);
  const taken = await everything(db);
  process.kill(pid, 'SIGCONT');

  assert.notEqual((await company.cli('mail', 'import', sampleMailbox)).code, 0);
  const { code, stderr } = await server;
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^keelson: this store has epoch \d+, but a newer one has taken the database over\. [^\n]+\n$/m);
  assert.doesNotMatch(stderr, /^\s+at /m);
  assert.equal(await everything(db), taken);
  assert.equal((await verifyAudit(db)).ok, true);
  assert.equal(existsSync(runFile), false);
});
