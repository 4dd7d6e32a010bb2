import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retain } from '#store/retention.ts';
import { verifyAudit } from '#store/verify.ts';
import type { Database, Value } from '#store/database.ts';
import { commitOf, countRows, stepOf, tempStore, type TempStore } from './temp-store.ts';

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
const all = async ({ db, committer }: Pick<TempStore, 'db' | 'committer'>, { at = now, turnRows }: { at?: number; turnRows?: number } = {}) => {
  const turns = [];
  for (let more = true; more;) {
    const turn = await retain(db, committer, { beforeMs: at - 365 * day, nowMs: at, ...(turnRows ? { turnRows } : {}) });
    turns.push(turn);
    more = turn.more;
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
  assert.deepEqual([turn!.walked, turn!.bodies, turn!.actors, turn!.blobs, await countRows(store.db, 'journal')], [0, 0, 0, 0, before]);
});

const bodiesOf = async (db: Database, actor: string) => (await db.all<{ id: string }>('SELECT id FROM journal WHERE actor = ? AND body IS NOT NULL ORDER BY seq', actor)).map(({ id }) => id);
const addresses = async (db: Database) => (await db.all<{ address: string }>('SELECT address FROM actor ORDER BY address')).map(({ address }) => address);

test('each run looks only at what has become old since the one before, also after a restart', async () => {
  const store = await withPast();
  await all(store);
  await store.committer.commit(commitOf('new', { actor: 'order/new', atMs: now, step: done(0) }));
  await store.db.close();
  const again = await tempStore(store.dir);
  const [turn] = await all(again, { at: now + 400 * day });
  // `fresh-0` and `new`, and what the first run wrote about itself.
  assert.deepEqual([turn!.walked, turn!.bodies], [3, 2]);
  assert.equal((await verifyAudit(again.db)).ok, true);
});

test('the steps of an actor that went on when their time came go when it has ended and that is long ago', async () => {
  const store = await withPast();
  await all(store);
  await store.committer.commit(commitOf('open-1', { actor: 'order/open', atMs: now, step: done(1, '{"snapshot":{"context":{"text":"long"}}}') }));
  await all(store, { at: now + 364 * day });
  assert.deepEqual(await bodiesOf(store.db, 'order/open'), ['open-0', 'open-1']);
  await all(store, { at: now + 366 * day });
  assert.deepEqual(await bodiesOf(store.db, 'order/open'), []);
  assert.deepEqual(await store.db.all("SELECT record FROM actor WHERE address = 'order/open'"), [{ record: '{"snapshot":{"context":{}}}' }]);
  assert.equal((await verifyAudit(store.db)).ok, true);
});

test('a child that ended long before its parent goes with the parent, and so do those of its own', async () => {
  const store = await tempStore();
  const step = async (actor: string, rev: number, atDay: number, status: string, parent: string | null = null) => {
    await store.committer.commit(commitOf(`${actor}-${rev}`, { actor, atMs: now + atDay * day, step: { ...stepOf(rev), status, parent } }));
  };
  await step('run/1', 0, 0, 'active');
  await step('child/1', 0, 0, 'active', 'run/1');
  await step('grandchild/1', 0, 0, 'active', 'child/1');
  await step('grandchild/1', 1, 1, 'done', 'child/1');
  await step('child/1', 1, 2, 'done', 'run/1');
  await all(store, { at: now + 370 * day });
  assert.deepEqual(await addresses(store.db), ['child/1', 'run/1'], 'the parent of the child goes on');
  await step('run/1', 1, 371, 'done');
  await step('late/1', 0, 372, 'done', 'run/1');
  await all(store, { at: now + 600 * day });
  assert.deepEqual(await addresses(store.db), ['child/1', 'late/1', 'run/1']);
  await all(store, { at: now + 800 * day });
  assert.deepEqual(await addresses(store.db), ['run/1']);
  for (const actor of ['run/1', 'child/1', 'grandchild/1', 'late/1']) assert.deepEqual(await bodiesOf(store.db, actor), [], actor);
});

test('parent and children that end in one moment go in whatever order they are met, with all their steps', async () => {
  for (const turnRows of [1, 2, 3, 5_000]) {
    const store = await tempStore();
    const commit = (actor: string, rev: number, atMs: number, status: string, parent: string | null) => store.committer.commit(commitOf(`${actor}-${rev}`, { actor, atMs, step: { ...stepOf(rev), status, parent } }));
    for (const [actor, parent] of [['run/1', null], ['child/1', 'run/1'], ['child/2', 'child/1']] as const) await commit(actor, 0, now, 'active', parent);
    for (const [actor, parent] of [['child/2', 'child/1'], ['run/1', null], ['child/1', 'run/1']] as const) await commit(actor, 1, now + day, 'done', parent);
    await all(store, { at: now + 400 * day, turnRows });
    assert.deepEqual(await addresses(store.db), ['run/1'], `${turnRows} rows per turn`);
    for (const actor of ['run/1', 'child/1', 'child/2']) assert.deepEqual(await bodiesOf(store.db, actor), [], actor);
    assert.equal((await verifyAudit(store.db)).ok, true);
  }
});

test('an actor with more steps than one turn takes is finished in several, and a process that dies between them goes on there', async () => {
  let store = await tempStore();
  for (let rev = 0; rev < 40; rev++) await store.committer.commit(commitOf(`s${rev}`, { actor: 'order/long', atMs: now + rev * day, step: { ...stepOf(rev, '{"snapshot":{"context":{"a":1}}}'), status: rev < 39 ? 'active' : 'done' } }));
  await all(store, { at: now + 380 * day, turnRows: 4 });
  assert.equal((await bodiesOf(store.db, 'order/long')).length, 40);
  for (let left = 40; left > 0;) {
    await store.db.close();
    store = await tempStore(store.dir);
    const { bodies, more } = await retain(store.db, store.committer, { beforeMs: now + 41 * day, nowMs: now + 406 * day, turnRows: 4 });
    assert.ok(bodies <= 8, `${bodies} in one turn`);
    const now1 = (await bodiesOf(store.db, 'order/long')).length;
    assert.ok(now1 < left || more, 'it goes on');
    left = now1;
  }
  await all(store, { at: now + 406 * day, turnRows: 4 });
  assert.deepEqual(await store.db.all("SELECT record FROM actor WHERE address = 'order/long'"), [{ record: '{"snapshot":{"context":{}}}' }]);
  assert.equal((await verifyAudit(store.db)).ok, true);
});

test('however the work is cut into turns, the same is left', async () => {
  const left = async (turnRows: number) => {
    const store = await withPast();
    await all(store, { turnRows });
    return [await store.db.all("SELECT id FROM journal WHERE body IS NOT NULL AND actor <> 'store/retention' ORDER BY seq"), await store.db.all('SELECT address, record FROM actor ORDER BY address'), await countRows(store.db, 'blob')];
  };
  const whole = await left(5_000);
  for (const turnRows of [1, 2, 7]) assert.deepEqual(await left(turnRows), whole);
});

test('the walk uses an index, and so does the look at what came before', async () => {
  const { db, committer } = await withPast();
  const plans: string[] = [];
  const watched: Database = { ...db, async all<T>(sql: string, ...values: Value[]) {
    if (sql.startsWith('SELECT') && sql.includes('journal')) plans.push(...(await db.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values)).map(({ detail }) => detail));
    return db.all<T>(sql, ...values);
  } };
  await retain(watched, committer, { beforeMs: now - 365 * day, nowMs: now });
  assert.ok(plans.some((plan) => plan.includes('journal_at')) && plans.some((plan) => plan.includes('journal_actor')), plans.join('\n'));
  assert.deepEqual(plans.filter((plan) => /^SCAN (?!json_each)|TEMP B-TREE FOR ORDER BY/.test(plan) && !/journal_actor/.test(plan)), []);
});

test('the file does not grow while as much goes as comes', async () => {
  const { db, committer } = await tempStore();
  const pages = async () => (await db.all<{ page_count: number }>('PRAGMA page_count'))[0]!.page_count;
  const body = JSON.stringify({ text: 'x'.repeat(3_000) });
  const sizes: number[] = [];
  for (let round = 0; round < 8; round++) {
    const atMs = now + round * 10 * day;
    await Promise.all(Array.from({ length: 400 }, (_, i) => committer.commit(commitOf(`r${round}-${i}`, { actor: `order/${round}-${i}`, atMs, journal: body, step: { ...done(0, body), parent: 'order/none' } }))));
    for (let more = true; more;) more = (await retain(db, committer, { beforeMs: atMs - 5 * day, nowMs: atMs })).more;
    sizes.push(await pages());
  }
  // A row of the journal stays: some 300 bytes of the 6,000.
  assert.ok(sizes[7]! - sizes[2]! < (5 * 400 * 600) / 4_096, sizes.join(' '));
});
