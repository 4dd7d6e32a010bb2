import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startStore, type Store } from '#store/actor.ts';
import { withCode } from '#test/contract/database.ts';
import { storeContract } from '#test/contract/store.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';
import { commitOf, messageOf, stepOf, tempDir } from './temp-store.ts';

let nats: TestNats;
let shared: Promise<Store> | undefined;
const sharedDir = mkdtempSync(join(tmpdir(), 'keelson-store-'));
before(async () => {
  nats = await withNats();
});
after(async () => {
  await (await shared)?.close();
  rmSync(sharedDir, { recursive: true });
  await nats.stop();
});

const start = (dataDir: string) => startStore({ dataDir, bus: { url: nats.url, token: nats.token, company: 'test' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null });
storeContract({ name: 'the store thread in the same process', open: () => (shared ??= start(sharedDir)) });

test('what was written is there after a restart, under a higher epoch', async () => {
  const dir = tempDir();
  const first = await start(dir);
  await first.commit(commitOf('c1', { step: stepOf(0), sends: [messageOf('late', 5), messageOf('now')] }));
  await first.close();
  const second = await start(dir);
  assert.deepEqual([first.epoch, second.epoch], [1, 2]);
  assert.equal((await second.commit(commitOf('c1', { step: stepOf(0) }))).outcome, 'duplicate');
  assert.equal(await second.load('order/1'), stepOf(0).record);
  assert.deepEqual(await second.release(4), { released: 0, nextDueMs: 5, jumpMs: 0, held: 0 });
  assert.deepEqual(await second.release(5), { released: 1, nextDueMs: null, jumpMs: 0, held: 0 });
  assert.equal(await second.republish(8e15), 2);
  await second.close();
});

test('new deadlines are announced once they are written, and only then', async () => {
  const store = await start(tempDir());
  const due: number[] = [];
  store.onDeadline((dueMs) => due.push(dueMs));
  const commit = commitOf('c1', { sends: [messageOf('a', 7), messageOf('b'), messageOf('c', 9)] });
  await store.commit(commit);
  await store.commit(commit);
  await store.commit(commitOf('c2', { requires: 'nothing', sends: [messageOf('d', 8)] }));
  assert.deepEqual(due, [7, 9]);
  await store.close();
});

test('a second store on the folder is STORE_BUSY and does not disturb the first', async () => {
  const dir = tempDir();
  const first = await start(dir);
  await assert.rejects(start(dir), withCode('STORE_BUSY'));
  assert.equal((await first.commit(commitOf('c1'))).outcome, 'written');
  await first.close();
});

test('a closed store rejects, closes again without a word, and did not exit by itself', async () => {
  const store = await start(tempDir());
  const exits: unknown[] = [];
  store.onExit((error) => exits.push(error));
  const lastWords = store.commit(commitOf('c1'));
  await Promise.all([store.close(), store.close()]);
  assert.equal((await lastWords).outcome, 'written');
  await store.close();
  await assert.rejects(store.commit(commitOf('c2')), withCode('STORE_STOPPED', /stopped/));
  assert.deepEqual(exits, []);
});

test('closing folds the log into the file', async () => {
  const dir = tempDir();
  const store = await start(dir);
  await store.commit(commitOf('a-very-special-id'));
  await store.close();
  assert.ok(readFileSync(join(dir, 'keelson.db')).includes('a-very-special-id'));
});
