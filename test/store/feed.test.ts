// Goal: what is written is announced in order and without values, and a follower misses nothing. Method: the store's thread and a
// follower on a real nats-server; announcements are dropped on the follower's side, and store and server are stopped on the way.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock } from '#actors/clock.ts';
import { followChanges, type FollowOptions } from '#actors/feed.ts';
import { silentLog } from '#actors/log.ts';
import { announcementSchema, changeLimits, type AnnouncedCommit, type Announcement } from '#machines/changes.ts';
import type { Commit } from '#machines/commit.ts';
import { startStore, type Store } from '#store/actor.ts';
import { createCommitter } from '#store/commit.ts';
import { createFeed } from '#store/feed.ts';
import { runQuery } from '#store/queries.ts';
import { startNatsServer } from '#supervisor/nats-server.ts';
import { until } from '#test/contract/bus.ts';
import { withNats } from '#test/kit/nats.ts';
import { cleanups, commitOf, tempDir, tempStore } from './temp-store.ts';

const manyFacts = (count: number) => Array.from({ length: count }, (_, i) => ({ entity: `person/p${i}`, predicate: 'seen', value: `secret ${i}`, label: 'system' as const, confidence: 1 }));
const everything: Partial<Commit> = {
  facts: manyFacts(2),
  intents: [{ id: 'q-1', kind: 'question', state: 'input-required', summary: 'a secret question', data: { secret: true } }],
  artifacts: [{ id: 'mail/2', kind: 'mail', mediaType: 'm', hash: 'h2', sizeBytes: 1, name: 'secret name' }, { id: 'mail/1', kind: 'mail', mediaType: 'm', hash: 'h1', sizeBytes: 1 }],
  decisions: [{ what: 'a secret', outcome: 'secret', confidence: null, reasons: ['secret'], evidence: [], policy: null, model: null, costMicros: null }],
  annotations: [{ kind: 'remark', target: { kind: 'fact', id: 'f-1-0' }, text: 'secret' }],
};

/** A store whose feed announces into an array. */
async function announced() {
  const { db, epoch } = await tempStore();
  const said: Announcement[] = [];
  let refusing = false;
  const feed = createFeed({ announce: (announcement) => { if (refusing) throw new Error('too large'); said.push(structuredClone(announcement)); } }, 0, silentLog);
  const committer = await createCommitter(db, epoch, { onWritten: feed.announce });
  return { db, committer, feed, said, refuse: (now: boolean) => void (refusing = now) };
}

test('a commit is announced with ids, kinds, names and labels, and with no value', async () => {
  const { committer, said } = await announced();
  await committer.commit(commitOf('c1', everything));
  assert.deepEqual(said, [{
    after: 0, last: 1,
    changes: [{
      seq: 1, at: 1_790_000_000_000, id: 'c1', actor: 'order/1', rev: null, outcome: 'applied',
      records: [
        { kind: 'fact', id: 'f-1-0', entity: 'person/p0', predicate: 'seen', label: 'system' }, { kind: 'fact', id: 'f-1-1', entity: 'person/p1', predicate: 'seen', label: 'system' },
        { kind: 'intent', id: 'q-1', state: 'input-required' }, { kind: 'artifact', id: 'mail/1' }, { kind: 'artifact', id: 'mail/2' }, { kind: 'decision', id: 'd-1-0' }, { kind: 'annotation', id: 'a-1-0' },
      ],
    }],
  }]);
  assert.ok(!JSON.stringify(said).includes('secret'));
  assert.ok(announcementSchema.safeParse(said[0]).success);
});

test('a group is one message, and each follows on the one before', async () => {
  const { committer, feed, said } = await announced();
  await Promise.all([1, 2, 3].map((n) => committer.commit(commitOf(`a${n}`))));
  feed.remind();
  await Promise.all([1, 2].map((n) => committer.commit(commitOf(`b${n}`))));
  await committer.commit(commitOf('b1'));
  assert.deepEqual(said.map(({ after, last, changes }) => [after, last, changes.map(({ seq }) => seq)]), [[0, 3, [1, 2, 3]], [3, 3, []], [3, 5, [4, 5]]]);
});

test('a large group is several messages, a large commit is cut, and each fits on the bus', async () => {
  const { committer, said } = await announced();
  await Promise.all(Array.from({ length: 20 }, (_, i) => committer.commit(commitOf(`c${i}`, { facts: manyFacts(600) }))));
  assert.ok(said.length > 1);
  assert.deepEqual(said.flatMap(({ changes }) => changes.map(({ seq }) => seq)), Array.from({ length: 20 }, (_, i) => i + 1));
  said.forEach(({ after }, i) => assert.equal(after, said[i - 1]?.last ?? 0));
  for (const { changes } of said) for (const { records, more } of changes) assert.deepEqual([records.length, more], [changeLimits.recordsPerCommit, 100]);
  for (const announcement of said) assert.ok(JSON.stringify(announcement).length < 1_000_000);
});

test('what the bus does not take is passed over, and shows as a gap', async () => {
  const { committer, said, refuse } = await announced();
  refuse(true);
  assert.equal((await committer.commit(commitOf('c1'))).outcome, 'written');
  refuse(false);
  await committer.commit(commitOf('c2'));
  assert.deepEqual(said.map(({ after, last }) => [after, last]), [[1, 2]]);
});

test('the query `changes` answers what was announced, in pages', async () => {
  const { db, committer, said } = await announced();
  await committer.commit(commitOf('c1', everything));
  for (let i = 0; i < 30; i++) await committer.commit(commitOf(`d${i}`, { facts: manyFacts(i % 4 === 0 ? 520 : 2) }));
  const pages: AnnouncedCommit[][] = [];
  for (let after = 0; ;) {
    const page = (await runQuery(db, 'changes', { after, limit: 1_000 })) as AnnouncedCommit[];
    if (page.length === 0) break;
    pages.push(page);
    after = page.at(-1)!.seq;
  }
  assert.deepEqual(pages.flat(), said.flatMap(({ changes }) => changes));
  assert.ok(pages.length > 1, 'large commits make shorter pages');
  assert.deepEqual(await runQuery(db, 'changes', { after: 31 }), []);
  await assert.rejects(async () => runQuery(db, 'changes', { after: -1 }), /whole number/);
});

test('a follower that is away for a part of 1,000 commits hears of each once, in order', async () => {
  const nats = await withNats();
  cleanups.push(nats.stop);
  const connection = { url: nats.url, token: nats.token, company: 'test' };
  const dataDir = tempDir();
  const store = await startStore({ dataDir, bus: connection, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null });
  const bus = await connectBus({ ...connection, name: 'follower', clock: systemClock, log: silentLog });
  const got: number[] = [];
  let away = false;
  let heard = 0;
  let reconnect = () => {};
  const lossy: FollowOptions['bus'] = {
    onReconnect: (task) => void (reconnect = task),
    // What arrives is passed on twice, or not at all.
    onChanges: (task) => bus.onChanges((announcement) => {
      if (away || heard++ % 5 === 4) return;
      task(announcement);
      task(announcement);
    }),
  };
  const follower = followChanges({ bus: lossy, query: store.query, after: 0, onChange: ({ seq }) => void got.push(seq), clock: systemClock, log: silentLog });
  for (let i = 0; i < 1_000; i++) {
    const written = store.commit(commitOf(`c${i}`));
    if (i % 7 === 0) await written;
    if (i === 300) away = true;
    if (i !== 700) continue;
    await written;
    away = false;
    reconnect();
  }
  await store.commit(commitOf('last'));
  reconnect();
  await until('1,001 commits', () => got.at(-1) === 1_001);
  assert.deepEqual(got, Array.from({ length: 1_001 }, (_, i) => i + 1));
  assert.ok(heard > 20, 'announcements came');
  await follower.stop();
  await store.close();
  await bus.close();
});

test('a follower goes on when the store and the bus were stopped and started again', async () => {
  const dir = tempDir();
  const token = randomBytes(16).toString('hex');
  const first = await startNatsServer({ dataDir: dir, token, log: () => {} });
  const port = Number(new URL(first.url).port);
  const connection = { url: first.url, token, company: 'test' };
  const open = () => startStore({ dataDir: dir, bus: connection, logFile: join(dir, 'store.log'), logLevel: 'info', permissions: null });
  let store: Store = await open();
  const bus = await connectBus({ ...connection, name: 'follower', clock: systemClock, log: silentLog });
  const got: number[] = [];
  const follower = followChanges({ bus, query: (name, args) => store.query(name, args), after: 0, onChange: ({ seq }) => void got.push(seq), clock: systemClock, log: silentLog });
  const write = async (n: number) => void (await Promise.all(Array.from({ length: n }, (_, i) => store.commit(commitOf(`${got.length}-${i}-${n}`)))));
  await write(50);
  await until('the first', () => got.length === 50);

  await store.close();
  store = await open();
  await write(50);
  await until('those after the restart of the store', () => got.length === 100);

  await first.stop();
  await write(51);
  const second = await startNatsServer({ dataDir: dir, token, port, log: () => {} });
  await until('those while the bus was away', () => got.length === 151);
  await write(49);
  await until('those after it', () => got.length === 200);
  await sleep(50);
  assert.deepEqual(got, Array.from({ length: 200 }, (_, i) => i + 1));
  await follower.stop();
  await store.close();
  await bus.close();
  await second.stop();
});
