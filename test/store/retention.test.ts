import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retain } from '#store/retention.ts';
import { verifyAudit } from '#store/verify.ts';
import { commitOf, countRows, stepOf, tempStore } from './temp-store.ts';

const day = 86_400_000;
const now = 1_790_000_000_000;
const done = (rev: number, record?: string) => ({ ...stepOf(rev, record), status: 'done' });

/** Ten finished runs of long ago with a child each, one that still goes on, one that ended today. */
async function withPast() {
  const store = await tempStore();
  const { committer } = store;
  const long = JSON.stringify({ text: 'x'.repeat(2_000) });
  for (let i = 0; i < 10; i++) {
    const [run, child] = [`order/${i}`, `part/${i}`];
    await committer.commit(commitOf(`start-${i}`, { actor: run, atMs: now - 400 * day, journal: long, step: stepOf(0, '{"snapshot":{"context":{"text":"long"}}}') }));
    await committer.commit(commitOf(`child-${i}`, { actor: child, atMs: now - 400 * day, journal: long, step: { ...done(0), parent: run } }));
    await committer.commit(commitOf(`end-${i}`, { actor: run, atMs: now - 399 * day, journal: long, step: done(1, '{"snapshot":{"value":"end","context":{"text":"long"}}}'), facts: [{ entity: 'organisation/a', predicate: 'asset.note', value: i, label: 'untrusted', confidence: 1 }] }));
  }
  await committer.commit(commitOf('open-0', { actor: 'order/open', atMs: now - 400 * day, journal: long, step: stepOf(0) }));
  await committer.commit(commitOf('fresh-0', { actor: 'order/fresh', atMs: now - day, journal: long, step: done(0) }));
  await committer.commit(commitOf('lonely', { atMs: now - 400 * day, journal: long, blobs: [{ hash: 'nobody-names-it', bytes: 'x' }] }));
  return store;
}
const all = async ({ db, committer }: Awaited<ReturnType<typeof withPast>>) => {
  const turns = [];
  for (let after: number | null = 0; after !== null;) {
    const turn: Awaited<ReturnType<typeof retain>> = await retain(db, committer, { after, beforeMs: now - 365 * day, nowMs: now });
    turns.push(turn);
    after = turn.next;
  }
  return turns;
};

test('the steps of finished work go when their time is over, what is known stays, and the chain verifies', async () => {
  const store = await withPast();
  const [turn] = await all(store);
  assert.deepEqual([turn!.bodies, turn!.actors, turn!.blobs], [31, 20, 1]);
  assert.equal(await countRows(store.db, 'fact'), 10);
  assert.equal((await verifyAudit(store.db)).ok, true);
  const kept = await store.db.all<{ id: string }>('SELECT id FROM journal WHERE body IS NOT NULL ORDER BY seq');
  assert.deepEqual(kept.map(({ id }) => id.replace(/:.*/, '')), ['open-0', 'fresh-0', 'retention']);
});

test('finished children go, finished runs keep their name without what they knew, running ones stay as they are', async () => {
  const store = await withPast();
  await all(store);
  assert.deepEqual(await store.db.all("SELECT count(*) AS n FROM actor WHERE address LIKE 'part/%'"), [{ n: 0 }]);
  assert.deepEqual(await store.db.all("SELECT record FROM actor WHERE address = 'order/3'"), [{ record: '{"snapshot":{"value":"end","context":{}}}' }]);
  assert.deepEqual(await store.db.all("SELECT record FROM actor WHERE address = 'order/open'"), [{ record: '{"context":{}}' }]);
});

test('a second run finds nothing left to do', async () => {
  const store = await withPast();
  await all(store);
  const before = await countRows(store.db, 'journal');
  const [turn] = await all(store);
  assert.deepEqual([turn!.bodies, turn!.actors, turn!.blobs, await countRows(store.db, 'journal')], [0, 0, 0, before]);
});

test('the file does not grow while as much goes as comes', async () => {
  const { db, committer } = await tempStore();
  const pages = async () => (await db.all<{ page_count: number }>('PRAGMA page_count'))[0]!.page_count;
  const body = JSON.stringify({ text: 'x'.repeat(3_000) });
  const sizes: number[] = [];
  for (let round = 0; round < 8; round++) {
    const atMs = now + round * 10 * day;
    await Promise.all(Array.from({ length: 400 }, (_, i) => committer.commit(commitOf(`r${round}-${i}`, { actor: `order/${round}-${i}`, atMs, journal: body, step: { ...done(0, body), parent: 'order/none' } }))));
    for (let after: number | null = 0; after !== null;) after = (await retain(db, committer, { after, beforeMs: atMs - 5 * day, nowMs: atMs })).next;
    sizes.push(await pages());
  }
  // A row of the journal stays: some 300 bytes of the 6,000.
  assert.ok(sizes[7]! - sizes[2]! < (5 * 400 * 600) / 4_096, sizes.join(' '));
});
