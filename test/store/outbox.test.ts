import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#actors/log.ts';
import type { Message } from '#machines/message.ts';
import { createCommitter } from '#store/commit.ts';
import { createRelay } from '#store/outbox.ts';
import { withCode } from '#test/contract/database.ts';
import { commitOf, countRows, messageOf, tempDir, tempStore } from './temp-store.ts';

const atMs = 1_790_000_000_000; // of every commitOf

/** A store whose relay publishes into an array. `refuses` names messages that the bus throws at. */
async function relayed(dir = tempDir(), refuses: string[] = []) {
  const { db, epoch } = await tempStore(dir);
  const published: Message[] = [];
  const warnings: object[] = [];
  const bus = {
    publish(message: Message) {
      if (refuses.includes(message.id)) throw new Error('payload too large');
      published.push(message);
    },
    flush: async () => {},
  };
  const relay = createRelay(db, bus, { ...silentLog, warn: (what: object) => void warnings.push(what) } as typeof silentLog);
  const committer = await createCommitter(db, epoch, { onWritten: relay.publish });
  const ids = () => published.splice(0).map(({ id }) => id);
  return { db, committer, relay, published, warnings, ids };
}

test('a commit publishes its messages in order, with their cause, and keeps its deadlines', async () => {
  const { committer, published } = await relayed();
  await committer.commit(commitOf('c1', { sends: [messageOf('a'), messageOf('later', atMs + 1), { ...messageOf('b'), cause: 'earlier' }] }));
  assert.deepEqual(published, [{ ...messageOf('a'), cause: 'c1' }, { ...messageOf('b'), cause: 'earlier' }]);
});

test('nothing is published for a commit that was not written', async () => {
  const { committer, ids } = await relayed();
  await committer.commit(commitOf('c1', { sends: [messageOf('a')] }));
  ids();
  await committer.commit(commitOf('c1', { sends: [messageOf('b')] }));
  await committer.commit(commitOf('c2', { requires: 'nothing', sends: [messageOf('c')] }));
  await committer.commit(commitOf('c3', { atMs: 0.5, sends: [messageOf('d')] }));
  assert.deepEqual(ids(), []);
});

test('a row leaves the outbox when its message was applied, not when it was published', async () => {
  const { db, committer } = await relayed();
  await committer.commit(commitOf('c1', { sends: [messageOf('a'), messageOf('b')] }));
  assert.equal(await countRows(db, 'outbox'), 2);
  await committer.commit(commitOf('a'));
  await committer.commit(commitOf('c2', { settles: ['b'] }));
  assert.equal(await countRows(db, 'outbox'), 0);
});

test('republishing sends what is not applied, in order and unchanged, as often as it is asked', async () => {
  const { committer, relay, published, ids } = await relayed();
  for (const id of ['z', 'y', 'x', 'w']) await committer.commit(commitOf(`c-${id}`, { sends: [messageOf(id)] }));
  await committer.commit(commitOf('y'));
  ids();
  for (let i = 0; i < 2; i++) {
    assert.equal(await relay.republish(atMs + 1), 3);
    assert.deepEqual(published[0], { ...messageOf('z'), cause: 'c-z' });
    assert.deepEqual(ids(), ['z', 'x', 'w']);
  }
});

test('republishing leaves alone what is newer than asked for, and deadlines', async () => {
  const { committer, relay, ids } = await relayed();
  await committer.commit(commitOf('c1', { sends: [messageOf('old'), messageOf('deadline', atMs - 1)] }));
  await committer.commit(commitOf('c2', { atMs: atMs + 10, sends: [messageOf('new')] }));
  ids();
  assert.equal(await relay.republish(atMs + 10), 1);
  assert.deepEqual(ids(), ['old']);
});

test('2,500 messages are republished in order, in pages', async () => {
  const { committer, relay, ids } = await relayed();
  const all = Array.from({ length: 2_500 }, (_, i) => `m${i}`);
  await committer.commit(commitOf('c1', { sends: all.map((id) => messageOf(id)) }));
  ids();
  assert.equal(await relay.republish(atMs + 1), 2_500);
  assert.deepEqual(ids(), all);
});

test('a message the bus throws at is logged and does not keep back the others', async () => {
  const { committer, relay, warnings, ids } = await relayed(tempDir(), ['b']);
  assert.equal((await committer.commit(commitOf('c1', { sends: [messageOf('a'), messageOf('b'), messageOf('c')] }))).outcome, 'written');
  assert.deepEqual(ids(), ['a', 'c']);
  await relay.republish(atMs + 1);
  assert.deepEqual(ids(), ['a', 'c']);
  assert.equal(warnings.length, 2);
  assert.equal((await committer.commit(commitOf('c2'))).outcome, 'written');
});

test('release sends only what is due, in the order of due times, once, and answers the next due time', async () => {
  const { db, committer, relay, ids } = await relayed();
  await committer.commit(commitOf('c1', { sends: [messageOf('third', 30), messageOf('first', 10), messageOf('same', 20), messageOf('second', 20), messageOf('future', 41)] }));
  assert.deepEqual(await relay.release(9), { released: 0, nextDueMs: 10 });
  assert.deepEqual(await relay.release(40), { released: 4, nextDueMs: 41 });
  assert.deepEqual(ids(), ['first', 'same', 'second', 'third']);
  assert.deepEqual(await relay.release(40), { released: 0, nextDueMs: 41 });
  assert.deepEqual(await relay.release(41), { released: 1, nextDueMs: null });
  assert.deepEqual(ids(), ['future']);
  assert.equal(await countRows(db, 'outbox'), 5, 'released is not applied');
});

test('a deadline that was settled is never released', async () => {
  const { committer, relay, ids } = await relayed();
  await committer.commit(commitOf('c1', { sends: [messageOf('timer', 10)] }));
  await committer.commit(commitOf('c2', { settles: ['timer'] }));
  assert.deepEqual(await relay.release(100), { released: 0, nextDueMs: null });
  assert.deepEqual(ids(), []);
});

test('a released deadline is republished until it was applied', async () => {
  const { committer, relay, ids } = await relayed();
  await committer.commit(commitOf('c1', { sends: [messageOf('timer', 10)] }));
  await relay.release(50);
  ids();
  assert.equal(await relay.republish(50), 0);
  assert.equal(await relay.republish(51), 1);
  await committer.commit(commitOf('timer'));
  assert.equal(await relay.republish(51), 0);
});

test('2,500 overdue deadlines are each released exactly once, in order', async () => {
  const { committer, relay, ids } = await relayed();
  const due = Array.from({ length: 2_500 }, (_, i) => ({ id: `t${i}`, dueMs: (i * 7919) % 2_503 }));
  await committer.commit(commitOf('c1', { sends: due.map(({ id, dueMs }) => messageOf(id, dueMs)) }));
  const counts: number[] = [];
  for (let released = -1; released !== 0; counts.push(released)) ({ released } = await relay.release(10_000));
  assert.deepEqual(counts, [1_000, 1_000, 500, 0]);
  assert.deepEqual(ids(), due.toSorted((a, b) => a.dueMs - b.dueMs).map(({ id }) => id));
});

test('when a release cannot be written nothing is sent', async () => {
  const { db, committer, relay, ids } = await relayed();
  await committer.commit(commitOf('c1', { sends: [messageOf('timer', 10)] }));
  await db.exec('PRAGMA query_only = ON');
  await assert.rejects(relay.release(50), withCode('STORE_FAILED'));
  assert.deepEqual(ids(), []);
  await db.exec('PRAGMA query_only = OFF');
  assert.equal((await relay.release(50)).released, 1);
});

test('deadlines and unapplied messages survive a restart', async () => {
  const dir = tempDir();
  const before = await relayed(dir);
  await before.committer.commit(commitOf('c1', { sends: [messageOf('a'), messageOf('timer', 10), messageOf('far', 1_000)] }));
  await before.db.close();
  const { relay, published, ids } = await relayed(dir);
  assert.deepEqual(await relay.release(50), { released: 1, nextDueMs: 1_000 });
  assert.deepEqual(published[0], { ...messageOf('timer'), cause: 'c1' });
  ids();
  assert.equal(await relay.republish(atMs + 1), 2);
  assert.deepEqual(ids(), ['a', 'timer']);
});

test('a write between two groups never falls inside one', async () => {
  const { db, epoch } = await tempStore();
  const committer = await createCommitter(db, epoch, { onWritten() {} });
  const inside: unknown[] = [];
  const work = Array.from({ length: 20 }, (_, i) => [
    committer.commit(commitOf(`c${i}`)),
    committer.exclusively(async () => inside.push(await db.run('BEGIN').then(() => db.run('COMMIT')))),
  ]).flat();
  await Promise.all(work);
  assert.equal(inside.length, 20);
  await assert.rejects(committer.exclusively(() => Promise.reject(new Error('mine'))), /mine/);
  assert.equal((await committer.commit(commitOf('after'))).outcome, 'written');
});

