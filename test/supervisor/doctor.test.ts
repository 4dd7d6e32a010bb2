// Goal: doctor sees what is wrong with the database before a start does. Method: the real CLI on a company that runs, is stopped, is damaged.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { makeCompany } from '#test/kit/server.ts';
import { damage, openTemp } from '#test/store/temp-store.ts';

interface Check { check: string; ok: boolean; detail: string }
const company = makeCompany();
const file = join(company.dataDir, 'keelson.db');
async function doctor(): Promise<{ code: number | null; find(check: string): Check | undefined }> {
  const { code, stdout } = await company.cli('doctor', '--json');
  const checks = JSON.parse(stdout) as Check[];
  return { code, find: (name) => checks.find(({ check }) => check === name) };
}
const whole = /^every page is whole, schema \d+\. .*keelson audit verify$/;

before(() => company.cli('init', company.dataDir));
after(() => company.remove());

test('without a database doctor says nothing about one', async () => {
  const { find } = await doctor();
  assert.deepEqual([find('database'), find('disk')], [undefined, undefined]);
});

test('doctor checks the whole database and the space beside it while the server runs', { timeout: 60_000 }, async () => {
  await company.up();
  const { code, find } = await doctor();
  assert.equal(code, 0);
  assert.match(find('database')!.detail, whole);
  assert.match(find('disk')!.detail, /^[\d.]+ MiB free, the database has [\d.]+ MiB$/);
  assert.equal(await company.down(), 0);
});

test('doctor checks the database of a stopped company and writes nothing to it', async () => {
  const present = readFileSync(file);
  assert.match((await doctor()).find('database')!.detail, whole);
  assert.deepEqual(readFileSync(file), present);
});

test('a database of a newer build is a failure with what to do', async () => {
  const db = await openTemp(file);
  const [row] = await db.all<{ user_version: number }>('PRAGMA user_version');
  await db.exec('PRAGMA user_version = 999');
  const { code, find } = await doctor();
  assert.deepEqual([code, find('database')!.ok], [1, false]);
  assert.match(find('database')!.detail, /schema 999.*newer Keelson; install that version/);
  await db.exec(`PRAGMA user_version = ${row!.user_version}`);
  await db.close();
});

test('a damaged database is a failure that names the restore', async () => {
  damage(file, 8_192, statSync(file).size);
  const { code, find } = await doctor();
  assert.deepEqual([code, find('database')!.ok], [1, false]);
  assert.match(find('database')!.detail, /is damaged: .*restore the newest backup with `keelson restore FILE`/);
  assert.equal(find('nats-server')!.ok, true);
});
