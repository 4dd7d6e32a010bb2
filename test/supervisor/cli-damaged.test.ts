// Goal: a damaged database costs one clear line, before the start, while looking and while running. Method: the real CLI on a
// real company whose file is overwritten.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, beforeEach } from 'node:test';
import { sampleMailbox } from '#supervisor/company.ts';
import { makeCompany, runCli, type Run } from '#test/kit/server.ts';
import { damage, openTemp } from '#test/store/temp-store.ts';

const company = makeCompany();
const file = join(company.dataDir, 'keelson.db');
const good = `${file}.good`;
const settled = () => company.until('nothing in flight', 60_000, async () => (await company.json<{ inFlight: number }>('status')).inFlight === 0);

before(async () => {
  await company.up();
  await company.json('mail', 'import', sampleMailbox);
  await settled();
  assert.equal(await company.down(), 0);
  copyFileSync(file, good);
}, { timeout: 120_000 });
beforeEach(() => copyFileSync(good, file));
after(() => company.remove());

const line = /^keelson: the database \S+keelson\.db is damaged: [^\n]+ Stop the server, keep the file, and restore the newest backup with `keelson restore FILE`\.\n$/;
function assertDamaged({ code, stderr }: Run): void {
  assert.equal(code, 1, stderr);
  assert.match(stderr, line);
}

test('up on a damaged file is one line with what to do, and the file stays as it was', async () => {
  damage(file);
  const found = readFileSync(file);
  assertDamaged(await company.cli('up'));
  assert.deepEqual(readFileSync(file), found);
  assert.ok(!existsSync(join(company.dataDir, 'run.json')));
});

test('commands that look say it as clearly', async () => {
  damage(file, 4096, statSync(file).size);
  for (const args of [['status'], ['inbox'], ['ps'], ['audit', 'verify']]) assertDamaged(await company.cli(...args));
  const { code, stderr } = await company.cli('status', '--json');
  assert.deepEqual([code, (JSON.parse(stderr) as { error: { code: string } }).error.code], [1, 'STORE_DAMAGED']);
});

test('a server whose file is damaged under it stops and says why', { timeout: 60_000 }, async () => {
  const server = runCli(['up', '--data', company.dataDir]);
  await company.until('the server runs', 30_000, async () => existsSync(join(company.dataDir, 'run.json')));
  const other = await openTemp(file);
  await other.exec('UPDATE counter SET received = received; PRAGMA wal_checkpoint(TRUNCATE)');
  await other.close();
  damage(file, 4096, statSync(file).size);
  assert.equal((await company.cli('mail', 'import', sampleMailbox)).code, 1);
  const { code, stderr } = await server;
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^keelson: [^\n]*the database \S+keelson\.db is damaged: [^\n]+\n$/);
  assert.ok(!existsSync(join(company.dataDir, 'run.json')));
});
