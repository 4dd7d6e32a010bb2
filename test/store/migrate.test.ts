import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import { startStore } from '#store/actor.ts';
import type { Database } from '#store/database.ts';
import { counterColumns, exportedTables } from '#store/export-format.ts';
import { migrate, ownMigrations, planMigrations } from '#store/migrate.ts';
import { verifyAudit } from '#store/verify.ts';
import { withCode } from '#test/contract/database.ts';
import { openTemp, tempDir } from './temp-store.ts';

const fresh = () => openTemp(join(tempDir(), 'keelson.db'));
const schemaOf = (db: Database) => db.all('SELECT type, name, sql FROM sqlite_schema ORDER BY name');
const versionOf = async (db: Database) => (await db.all<{ user_version: number }>('PRAGMA user_version'))[0]!.user_version;
const own = readdirSync(ownMigrations).filter((name) => name.endsWith('.sql'));
const released = JSON.parse(readFileSync(new URL('checksums.json', ownMigrations), 'utf8')) as Record<string, string>;
const fixtures = new URL('./fixtures/', import.meta.url);

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

test('a fresh file can give space back', async () => {
  const file = join(tempDir(), 'keelson.db');
  const db = await openTemp(file);
  await migrate(db);
  await db.close();
  const again = await openTemp(file);
  assert.deepEqual([await again.all('PRAGMA auto_vacuum'), await again.all('PRAGMA journal_mode')], [[{ auto_vacuum: 2 }], [{ journal_mode: 'wal' }]]);
  await again.exec("CREATE TABLE large (x); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO large SELECT randomblob(4000) FROM n; DROP TABLE large");
  const pages = async () => (await again.all<{ page_count: number }>('PRAGMA page_count'))[0]!.page_count;
  const before = await pages();
  await again.exec('PRAGMA incremental_vacuum');
  assert.ok(await pages() < before - 150, `${before} pages, then ${await pages()}`);
});

test('a database remembers which migrations made it, and a plan says what is still to do', async () => {
  const db = await fresh();
  const folder = migrations({ '0001_a.sql': 'CREATE TABLE a (n)', '0002_b.sql': 'CREATE TABLE b (n)' });
  assert.equal(await migrate(db, folder, 1), 1);
  const plan = await planMigrations(db, folder);
  assert.deepEqual([plan.version, plan.newest, plan.pending.map(({ name }) => name)], [1, 2, ['0002_b.sql']]);
  assert.equal(await migrate(db, folder), 2);
  assert.deepEqual(await db.all('SELECT version, name, sha256, at_ms > 1700000000000 AS dated FROM migration'), [
    { version: 1, name: '0001_a.sql', sha256: sha256('CREATE TABLE a (n)'), dated: 1 }, { version: 2, name: '0002_b.sql', sha256: sha256('CREATE TABLE b (n)'), dated: 1 },
  ]);
});

test('a database that was made by another file of the same number is refused, and stays as it is', async () => {
  const db = await fresh();
  await migrate(db, migrations({ '0001_a.sql': 'CREATE TABLE a (n)' }));
  const before = await schemaOf(db);
  await assert.rejects(migrate(db, migrations({ '0001_a.sql': 'CREATE TABLE a (n, m)', '0002_b.sql': 'CREATE TABLE b (n)' })), withCode('STORE_OTHER_BUILD', /another 0001_a.sql/));
  assert.deepEqual(await schemaOf(db), before);
});

test('a database that does not remember what made it is refused', async () => {
  const db = await fresh();
  await db.exec('CREATE TABLE a (n); PRAGMA user_version = 1');
  await assert.rejects(migrate(db), withCode('STORE_OTHER_BUILD', /does not remember/));
});

for (const [title, names] of [['leaves a number out', ['0001_a.sql', '0003_c.sql']], ['uses a number twice', ['0001_a.sql', '0001_b.sql']], ['begins later', ['0002_b.sql']], ['is named otherwise', ['0001_a.sql', '2_b.sql']], ['has a name that is no plain word', ["0001_a'b.sql"]]] as const) {
  test(`a folder of migrations that ${title} is refused before anything is written`, async () => {
    const db = await fresh();
    await assert.rejects(migrate(db, migrations(Object.fromEntries(names.map((name) => [name, 'CREATE TABLE t (n)'])))), withCode('BAD_CONFIG', /stands where number/));
    assert.deepEqual(await schemaOf(db), []);
  });
}

test('a released migration that was changed or is missing is refused before anything is written', async () => {
  const db = await fresh();
  const checksums = (name: string, sql: string) => ({ 'checksums.json': JSON.stringify({ [name]: sha256(sql) }), '0001_a.sql': 'CREATE TABLE a (n)' });
  await assert.rejects(migrate(db, migrations(checksums('0001_a.sql', 'CREATE TABLE a (m)'))), withCode('BAD_CONFIG', /0001_a.sql was released and has been changed/));
  await assert.rejects(migrate(db, migrations(checksums('0002_b.sql', ''))), withCode('BAD_CONFIG', /0002_b.sql was released and is missing/));
  assert.deepEqual(await schemaOf(db), []);
  assert.equal(await migrate(db, migrations(checksums('0001_a.sql', 'CREATE TABLE a (n)'))), 1);
});

test('released migrations are as they were released, each with rows from then', () => {
  for (const [name, checksum] of Object.entries(released)) {
    assert.equal(sha256(readFileSync(new URL(name, ownMigrations))), checksum, `${name} was released: write a new migration instead`);
    assert.ok(existsSync(new URL(`schema-${Number(name.slice(0, 4))}.sql`, fixtures)), `${name} was released without test/store/fixtures/schema-${Number(name.slice(0, 4))}.sql: run test/store/write-fixture.ts`);
  }
});

/** Tables that came with a later schema than the first. */
const later = new Set(['spend', 'answer']);
for (const name of readdirSync(fixtures)) {
  test(`what was written under ${name} is there under the newest schema, and its chain verifies`, async () => {
    const db = await fresh();
    await migrate(db, ownMigrations, Number(/\d+/.exec(name)![0]));
    const text = readFileSync(new URL(name, fixtures), 'utf8');
    await db.exec(text);
    assert.equal(await migrate(db), own.length);
    assert.deepEqual(await verifyAudit(db).then(({ ok, rows, firstBad }) => ({ ok, rows, firstBad })), { ok: true, rows: 11, firstBad: undefined });
    for (const table of Object.keys(exportedTables).filter((one) => text.includes(`INSERT INTO ${one} `) || !later.has(one))) assert.ok((await db.all(`SELECT 1 FROM ${table}`)).length > 0, table);
    assert.equal(Object.keys((await db.all(`SELECT ${counterColumns.join()} FROM counter`))[0]!).length, counterColumns.length);
    assert.deepEqual(await db.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
  });
}

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
  await assert.rejects(startStore(options(dir)), (error: unknown) => withCode('STORE_DAMAGED', /damaged/)(error) && /backup/.test((error as KeelsonError).hint));
  assert.deepEqual(readFileSync(file), before);
});

test('the second try of a job that waited when the schema changed waits under the id of the job', async () => {
  const db = await fresh();
  const first = '0001_first.sql';
  await migrate(db, migrations({ [first]: readFileSync(new URL(first, ownMigrations), 'utf8') }));
  const add = (id: string, body: object) => db.run('INSERT INTO outbox (id, receiver, sender, cause, due_ms, at_ms, body) VALUES (?, ?, ?, ?, ?, ?, ?)', id, 'job/a', 'mail/1', 'c', 9, 1, JSON.stringify(body));
  const job = (gen: string, attempt: number) => ({ kind: 'job', activity: 'a', owner: { address: 'mail/1', child: 'c', gen }, attempt });
  await add('mail/1#1.0', job('mail/1#1.0', 1));
  await add('mail/1#2.0~2', job('mail/1#2.0', 2));
  await add('mail/1#3.0', { kind: 'timer', timer: 't', gen: 'mail/1#3.0' });
  await migrate(db);
  assert.deepEqual((await db.all<{ id: string }>('SELECT id FROM outbox ORDER BY id')).map(({ id }) => id), ['mail/1#1.0', 'mail/1#2.0', 'mail/1#3.0']);
});
