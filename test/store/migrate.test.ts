import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { KeelsonError } from '#machines/errors.ts';
import { startStore } from '#store/actor.ts';
import type { Database } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';
import { withCode } from '#test/contract/database.ts';
import { openTemp, tempDir } from './temp-store.ts';

const fresh = () => openTemp(join(tempDir(), 'keelson.db'));
const schemaOf = (db: Database) => db.all('SELECT type, name, sql FROM sqlite_schema ORDER BY name');
const versionOf = async (db: Database) => (await db.all<{ user_version: number }>('PRAGMA user_version'))[0]!.user_version;
const own = readdirSync(new URL(import.meta.resolve('#store/migrations/0001_first.sql')).pathname.replace(/[^/]+$/, '')).filter((name) => name.endsWith('.sql'));

function migrations(files: Record<string, string>): URL {
  const dir = join(tempDir(), 'migrations');
  mkdirSync(dir);
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(dir, name), sql);
  return pathToFileURL(`${dir}/`);
}

test('a fresh file gets the whole schema and its version', async () => {
  const db = await fresh();
  assert.equal(await migrate(db), own.length);
  assert.equal(await versionOf(db), own.length);
  assert.deepEqual(await db.all('SELECT epoch, received FROM counter'), [{ epoch: 0, received: 0 }]);
  assert.deepEqual(await db.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
});

test('migrating again changes nothing', async () => {
  const db = await fresh();
  await migrate(db);
  await db.run("INSERT INTO setting VALUES ('k', 'v')");
  const before = await schemaOf(db);
  assert.equal(await migrate(db), own.length);
  assert.deepEqual(await schemaOf(db), before);
  assert.deepEqual(await db.all('SELECT * FROM setting'), [{ key: 'k', value: 'v' }]);
});

test('migrations run in the order of their numbers, and later ones only once', async () => {
  const db = await fresh();
  const first = { '0001_a.sql': 'CREATE TABLE log (n); INSERT INTO log VALUES (1)' };
  assert.equal(await migrate(db, migrations(first)), 1);
  const more = { ...first, '0003_c.sql': 'INSERT INTO log VALUES (3)', '0002_b.sql': 'INSERT INTO log VALUES (2) -- a comment at the end', 'README.md': 'no migration' };
  for (let i = 0; i < 2; i++) assert.equal(await migrate(db, migrations(more)), 3);
  assert.deepEqual(await db.all('SELECT n FROM log'), [{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test('a database of a newer Keelson is STORE_TOO_NEW and stays as it is', async () => {
  const db = await fresh();
  await migrate(db);
  await db.exec(`PRAGMA user_version = ${own.length + 1}`);
  const before = await schemaOf(db);
  await assert.rejects(migrate(db), withCode('STORE_TOO_NEW', new RegExp(`schema ${own.length + 1}`)));
  assert.deepEqual(await schemaOf(db), before);
});

for (const [title, sql] of [['fails half way', "CREATE TABLE half (n); INSERT INTO log VALUES (2); INSERT INTO nowhere VALUES (1); CREATE TABLE rest (n)"], ['breaks a constraint', 'CREATE TABLE half (n); INSERT INTO log VALUES (NULL)'], ['is no SQL', 'CREATE TABLE half (n); This is a note.']] as const) {
  test(`a migration that ${title} leaves the old schema whole, and can be repaired`, async () => {
    const db = await fresh();
    const first = { '0001_a.sql': 'CREATE TABLE log (n NOT NULL); INSERT INTO log VALUES (1)' };
    await migrate(db, migrations(first));
    const before = await schemaOf(db);
    await assert.rejects(migrate(db, migrations({ ...first, '0002_b.sql': sql })), KeelsonError);
    assert.deepEqual([await schemaOf(db), await versionOf(db), await db.all('SELECT n FROM log')], [before, 1, [{ n: 1 }]]);
    assert.equal(await migrate(db, migrations({ ...first, '0002_b.sql': 'INSERT INTO log VALUES (2)' })), 2);
  });
}

const options = (dataDir: string) => ({ dataDir, bus: { url: 'nats://127.0.0.1:1', token: 't', company: 'test' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null });

test('a store does not start on a newer database', async () => {
  const dir = tempDir();
  const db = await openTemp(join(dir, 'keelson.db'));
  await db.exec('PRAGMA user_version = 999');
  await db.close();
  await assert.rejects(startStore(options(dir)), withCode('STORE_TOO_NEW', /999/));
});

test('a store on a damaged file says to restore a backup, across its thread, and leaves the file alone', async () => {
  const dir = tempDir();
  const file = join(dir, 'keelson.db');
  writeFileSync(file, 'no database at all '.repeat(500));
  const before = readFileSync(file);
  await assert.rejects(startStore(options(dir)), (error: unknown) => withCode('STORE_FAILED', /damaged/)(error) && /backup/.test((error as KeelsonError).hint));
  assert.deepEqual(readFileSync(file), before);
});
