import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkVersion, openDatabase } from '#store/database.ts';
import { databaseContract, withCode } from '#test/contract/database.ts';
import { openNodeSqlite } from '#test/kit/node-sqlite.ts';
import { cleanups, openTemp, tempDir } from './temp-store.ts';

databaseContract({ name: 'sqlite3', open: (file, options) => openTemp(file, options, openDatabase), tempDir });
databaseContract({ name: 'node:sqlite', open: (file, options) => openTemp(file, options, openNodeSqlite), tempDir });

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
