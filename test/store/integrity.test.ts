import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { KeelsonError } from '#machines/errors.ts';
import { startStore, type Store } from '#store/actor.ts';
import { checkIntegrity } from '#store/integrity.ts';
import { withCode } from '#test/contract/database.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';
import { commitOf, damage, openTemp, stepOf, tempDir } from './temp-store.ts';

const damaged = (error: unknown) => withCode('STORE_DAMAGED', /^the database .*\.db is damaged: [^\n]+$/)(error) && /keelson restore FILE/.test((error as KeelsonError).hint);

/** A table and its index over some 300 pages, closed. */
async function filled(): Promise<string> {
  const file = join(tempDir(), 'a.db');
  const db = await openTemp(file);
  await db.exec("CREATE TABLE t (a TEXT UNIQUE); WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000) INSERT INTO t SELECT printf('%0200d', n) FROM c");
  await db.close();
  return file;
}
const check = async (file: string, bytesMax?: number) => checkIntegrity(await openTemp(file), bytesMax);

test('a good file passes, and stays as it was', async () => {
  const file = await filled();
  const before_ = readFileSync(file);
  await check(file);
  assert.deepEqual(readFileSync(file), before_);
});

test('the check leaves the connection its cache', async () => {
  const db = await openTemp(await filled());
  const before_ = await db.all('PRAGMA cache_size');
  await checkIntegrity(db);
  assert.deepEqual(await db.all('PRAGMA cache_size'), before_);
  await db.close();
});

test('an empty file is a new database', async () => {
  const file = join(tempDir(), 'a.db');
  writeFileSync(file, '');
  await check(file);
});

const ways: Record<string, (file: string) => void> = {
  'whose middle is noise': (file) => damage(file),
  'with one page of noise': (file) => damage(file, 40 * 4096, 41 * 4096),
  'with one page of zeros': (file) => writeFileSync(file, readFileSync(file).fill(0, 40 * 4096, 41 * 4096)),
  'that ends half way': (file) => truncateSync(file, statSync(file).size >> 1),
  'that ends within its first page': (file) => truncateSync(file, 1000),
  'without its header': (file) => damage(file, 0, 100),
  'that is no database': (file) => writeFileSync(file, 'Dear diary, this is no database.\n'.repeat(500)),
};
for (const [what, damageIt] of Object.entries(ways)) {
  test(`a file ${what} is STORE_DAMAGED, in one line with what to do`, async () => {
    const file = await filled();
    damageIt(file);
    await assert.rejects(check(file), damaged);
  });
}

test('a file above the limit is not read at the start', async () => {
  const file = await filled();
  damage(file);
  await check(file, statSync(file).size - 1);
  await assert.rejects(check(file, statSync(file).size), damaged);
});

suite('the store', () => {
  let nats: TestNats;
  before(async () => {
    nats = await withNats();
  });
  after(() => nats.stop());
  const start = (dataDir: string) => startStore({ dataDir, bus: { url: nats.url, token: nats.token, company: 'test' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null });

  /** A company of 100 actors that was stopped cleanly. */
  async function stopped() {
    const dir = tempDir();
    const store = await start(dir);
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.commit(commitOf(`c${i}`, { actor: `order/${i}`, step: stepOf(0, JSON.stringify({ text: 'x'.repeat(2_000) })) }))));
    await store.close();
    return { dir, file: join(dir, 'keelson.db') };
  }

  test('does not start on a damaged file and leaves it alone', async () => {
    const { dir, file } = await stopped();
    damage(file);
    const found = readFileSync(file);
    await assert.rejects(start(dir), damaged);
    assert.deepEqual(readFileSync(file), found);
  });

  const requests: Record<string, (store: Store) => Promise<unknown>> = {
    'a commit': (store) => store.commit(commitOf('new', { actor: 'order/50', step: stepOf(1) })),
    'a read': (store) => store.load('order/50'),
  };
  for (const [what, ask] of Object.entries(requests)) {
    test(`stops when ${what} meets damage, and says so`, async () => {
      const { dir, file } = await stopped();
      const store = await start(dir);
      const exited = new Promise<KeelsonError>((resolve) => store.onExit(resolve));
      // A write by somebody else empties the caches, so that the next statement reads the file.
      const other = await openTemp(file);
      await other.exec('UPDATE counter SET received = received; PRAGMA wal_checkpoint(TRUNCATE)');
      await other.close();
      damage(file, 4096, statSync(file).size);
      await assert.rejects(ask(store), KeelsonError);
      assert.match((await exited).message, /the database .*keelson\.db is damaged: /);
      await assert.rejects(store.commit(commitOf('later')), withCode('STORE_STOPPED'));
      await store.close();
    });
  }
});
