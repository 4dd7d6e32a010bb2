import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { KeelsonError } from '#machines/errors.ts';
import { checkVersion } from '#store/database.ts';
import { databaseContract, withCode } from '#test/contract/database.ts';
import { cleanups, openTemp, tempDir } from './temp-store.ts';

databaseContract({ name: 'sqlite3', open: openTemp, tempDir });

const reporting = (v: string) => ({ all: async <T>() => [{ v }] as T[] });

test('an SQLite with the WAL-reset bug is refused, naming both versions', async () => {
  for (const old of ['3.51.2', '3.50.9', '2.99.99']) await assert.rejects(checkVersion(reporting(old)), withCode('STORE_FAILED', new RegExp(`${old.replaceAll('.', '\\.')}.*3\\.51\\.3`)));
  for (const good of ['3.51.3', '3.51.10', '3.52.0', '4.0.0']) await checkVersion(reporting(good));
});

test('the writer uses a write-ahead log and waits for the disk', async () => {
  const db = await openTemp(join(tempDir(), 'a.db'));
  assert.deepEqual(await db.all('PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
  assert.deepEqual(await db.all('PRAGMA synchronous'), [{ synchronous: 2 }]);
});

const says = (word: RegExp) => (error: unknown) => withCode('STORE_FAILED', word)(error) && /backup/.test((error as KeelsonError).hint);

test('a file that is no database is STORE_FAILED with the advice to restore a backup, and nothing stays open', async () => {
  const file = join(tempDir(), 'a.db');
  writeFileSync(file, 'this is not a database, but long enough to look like one '.repeat(100));
  await assert.rejects(openTemp(file), says(/damaged/));
  assert.ok(!existsSync(`${file}-wal`));
});

test('a damaged page is STORE_FAILED with the advice to restore a backup', async () => {
  const file = join(tempDir(), 'a.db');
  const db = await openTemp(file);
  await db.exec("CREATE TABLE t (a TEXT); WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) INSERT INTO t SELECT printf('%0200d', n) FROM c");
  await db.close();
  const bytes = readFileSync(file);
  bytes.fill(0xff, 4096 * 4, 4096 * 12);
  writeFileSync(file, bytes);
  await assert.rejects(openTemp(file).then((again) => again.all('SELECT * FROM t')), says(/damaged/));
});

test('a missing folder is STORE_FAILED and names the file', async () => {
  await assert.rejects(openTemp(join(tempDir(), 'no/such.db')), withCode('STORE_FAILED', /such\.db/));
});

/** A process that writes rows and says so, until it is killed. */
async function startWriter(file: string) {
  const script = `import { openDatabase } from ${JSON.stringify(import.meta.resolve('#store/database.ts'))};
    const db = await openDatabase(${JSON.stringify(file)});
    await db.exec('CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)');
    for (;;) { await db.run('INSERT INTO t DEFAULT VALUES'); process.stdout.write('.'); }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanups.push(() => child.kill('SIGKILL'));
  const dots: Buffer[] = [];
  child.stdout.on('data', (some: Buffer) => dots.push(some));
  const rows = () => Buffer.concat(dots).length;
  while (rows() < 50) await once(child.stdout, 'data');
  return { child, rows };
}
const countOf = async (file: string) => {
  const reader = await openTemp(file, { readOnly: true });
  return (await reader.all<{ n: number }>('SELECT count(*) AS n FROM t'))[0]!.n;
};

test('a reader opens the file while another process writes it', async () => {
  const file = join(tempDir(), 'a.db');
  const writer = await startWriter(file);
  const atLeast = writer.rows();
  assert.ok((await countOf(file)) >= atLeast);
});

test('a reader opens the file after kill -9 and finds every acknowledged row in the left-over log', async () => {
  const file = join(tempDir(), 'a.db');
  const writer = await startWriter(file);
  writer.child.kill('SIGKILL');
  await once(writer.child, 'close');
  assert.ok(statSync(`${file}-wal`).size > 0, 'the log is hot');
  assert.ok((await countOf(file)) >= writer.rows());
});

test('a reader opens the file after a clean stop, when there is no log', async () => {
  const file = join(tempDir(), 'a.db');
  const db = await openTemp(file);
  await db.exec('CREATE TABLE t (n); INSERT INTO t VALUES (1)');
  await db.close();
  assert.ok(!existsSync(`${file}-wal`));
  assert.equal(await countOf(file), 1);
});
