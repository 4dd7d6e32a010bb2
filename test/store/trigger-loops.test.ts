// Goal: triggers that feed each other stop by themselves, however the work goes from one to the other, and the operator learns of it
// once. Method: a store on a real file, and a stand-in for the host that applies whatever was promised.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '#actors/log.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { parseTrigger, type Trigger } from '#machines/triggers.ts';
import { createCommitter } from '#store/commit.ts';
import type { Database } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { chainMax } from '#store/trigger-loops.ts';
import { createTriggers, putInForce } from '#store/triggers.ts';
import { verifyAudit } from '#store/verify.ts';
import { commitOf, openTemp, tempDir } from './temp-store.ts';

const nowMs = 1_790_000_000_000;
const trigger = (name: string, predicate: string): Trigger => parseTrigger({ name, on: 'fact', predicate, start: { machine: `${name}@1` } });
const fact = (predicate: string) => ({ entity: 'organisation/acme', predicate, value: 'x', label: 'system' as const, confidence: 1 });
/** What `ping` starts records what starts `pong`, and the other way round. */
const pingPong = [trigger('ping', 'to.ping'), trigger('pong', 'to.pong')];
const answerOf = (receiver: string) => (receiver.startsWith('ping/') ? fact('to.pong') : fact('to.ping'));

async function open(dir = tempDir(), triggers = pingPong) {
  const db = await openTemp(join(dir, 'keelson.db'));
  await migrate(db);
  const committer = await createCommitter(db, await nextEpoch(db), { onWritten() {}, triggered: createTriggers(triggers, silentLog) });
  await putInForce({ database: db, committer, triggers, nowMs });
  return { dir, db, committer };
}
type Store = Awaited<ReturnType<typeof open>>;
interface Promised { id: string; receiver: string; chain: string | null }
const promised = (db: Database) => db.all<Promised>('SELECT id, receiver, chain FROM outbox ORDER BY n');
const escalations = (db: Database) => db.all<{ id: string; summary: string; actor: string }>("SELECT id, summary, actor FROM intent WHERE kind = 'escalation' ORDER BY id");
const told = 'Triggers set each other off without end and were stopped: ping, pong';

/** Applies what was promised until nothing is; `apply` says in which commits. Answers how many messages of triggers there were. */
async function applyAll({ db, committer }: Pick<Store, 'db' | 'committer'>, apply = (message: Promised): Commit[] => [{ ...emptyCommit(message.id, nowMs, message.receiver, {}), facts: [answerOf(message.receiver)] }]): Promise<number> {
  let fired = 0;
  for (let waiting = await promised(db); waiting.length > 0; waiting = await promised(db)) {
    for (const message of waiting) {
      if (message.id.startsWith('trigger:')) fired++;
      for (const commit of apply(message)) assert.equal((await committer.commit(commit)).outcome, 'written');
      assert.ok(fired <= 10 * chainMax, 'it does not end');
    }
  }
  return fired;
}

test('two triggers that feed each other fire as often as the limit says; then the operator is told who they are', async () => {
  const store = await open();
  await store.committer.commit(commitOf('c1', { facts: [fact('to.ping')] }));
  assert.equal(await applyAll(store), chainMax);
  const [escalation, ...others] = await escalations(store.db);
  assert.deepEqual([escalation!.summary, escalation!.actor, others], [told, 'store/questions', []]);
  assert.deepEqual((await verifyAudit(store.db)).firstBad, undefined);
});

test('what was recorded is kept when its trigger is stopped', async () => {
  const store = await open();
  await store.committer.commit(commitOf('c1', { facts: [fact('to.ping')] }));
  await applyAll(store);
  assert.deepEqual(await store.db.all('SELECT count(*) AS n FROM fact'), [{ n: chainMax + 1 }]);
});

test('jobs, tries again, deadlines and other actors on the way do not make it begin anew', async () => {
  const store = await open();
  let n = 0;
  await store.committer.commit(commitOf('c1', { facts: [fact('to.ping')] }));
  const fired = await applyAll(store, ({ id, receiver }) => {
    const next = (to: string, dueMs?: number) => ({ id: `m${n++}`, to, from: receiver, body: { kind: 'event' as const, event: { type: 'GO' } }, ...(dueMs === undefined ? {} : { dueMs }) });
    const kind = /^(?:ping|pong)\/\w+-/.test(receiver) ? 'start' : receiver.split('/')[1]!;
    const what = receiver.includes('ping') ? 'ping' : 'pong';
    switch (kind) {
      case 'start': return [{ ...emptyCommit(id, nowMs, receiver, {}), sends: [next(`${what}er/job`)] }];
      // The result of a job is a commit of its own, which requires the job.
      case 'job': return [{ ...emptyCommit(`${id}!again`, nowMs, 'host/worker', {}), requires: id, settles: [id], sends: [next(`${what}er/retry`, nowMs)] }];
      case 'retry': return [{ ...emptyCommit(`${id}!result`, nowMs, 'host/worker', {}), requires: id, settles: [id], sends: [next(`${what}er/child`)] }];
      case 'child': return [{ ...emptyCommit(id, nowMs, receiver, {}), sends: [next(`${what}er/end`, nowMs)] }];
      default: return [{ ...emptyCommit(id, nowMs, receiver, {}), facts: [answerOf(what === 'ping' ? 'ping/' : 'pong/')] }];
    }
  });
  assert.equal(fired, chainMax);
  assert.equal((await escalations(store.db)).length, 1);
});

test('a restart in the middle does not make it begin anew', async () => {
  let store = await open();
  await store.committer.commit(commitOf('c1', { facts: [fact('to.ping')] }));
  let fired = 0;
  for (let waiting = await promised(store.db); waiting.length > 0; waiting = await promised(store.db)) {
    const [{ id, receiver }] = waiting as [Promised];
    await store.committer.commit({ ...emptyCommit(id, nowMs, receiver, {}), facts: [answerOf(receiver)] });
    fired++;
    assert.ok(fired <= chainMax, 'it does not end');
    await store.db.close();
    store = await open(store.dir);
  }
  assert.equal(fired, chainMax);
  assert.equal((await escalations(store.db)).length, 1);
});

test('loops that go round again are told once until the operator has answered, and are stopped each time', async () => {
  const store = await open();
  const goRound = async (id: string) => {
    await store.committer.commit(commitOf(id, { facts: [fact('to.ping')] }));
    assert.equal(await applyAll(store), chainMax, id);
    return (await escalations(store.db)).length;
  };
  assert.deepEqual([await goRound('c1'), await goRound('c2')], [1, 1]);
  const id = (await escalations(store.db))[0]!.id;
  await store.committer.commit(commitOf('seen', { actor: 'operator/you', intents: [{ id, kind: 'escalation', state: 'completed' }] }));
  assert.equal(await goRound('c3'), 2);
});

test('several commits of one group that are all too deep tell it once', async () => {
  const store = await open();
  const chain = Array.from({ length: chainMax }, (_, i) => (i % 2 ? 'pong' : 'ping')).join(' ');
  for (const i of [1, 2, 3]) await store.db.run("INSERT INTO outbox (id, receiver, sender, at_ms, body, chain) VALUES (?, 'ping/x', 'store/triggers', 0, '{}', ?)", `m${i}`, chain);
  await Promise.all([1, 2, 3].map((i) => store.committer.commit({ ...emptyCommit(`m${i}`, nowMs, 'ping/x', {}), facts: [fact('to.pong'), fact('to.ping')] })));
  assert.deepEqual([(await promised(store.db)).length, (await escalations(store.db)).length], [0, 1]);
});

test('many changes from outside, and the operator in between, stop no trigger', async () => {
  const store = await open();
  for (let i = 0; i < 3 * chainMax; i++) await store.committer.commit(commitOf(`c${i}`, { actor: i % 2 ? 'operator/you' : 'order/1', facts: [fact('to.ping')] }));
  assert.deepEqual((await promised(store.db)).map(({ chain }) => chain), Array.from({ length: 3 * chainMax }, () => 'ping'));
  assert.deepEqual(await escalations(store.db), []);
});

test('nobody else can take the name of such a question', async () => {
  const { committer } = await open();
  const answer = await committer.commit(commitOf('c1', { intents: [{ id: 't-2-0', kind: 'escalation', state: 'input-required' }] }));
  assert.deepEqual(answer, { outcome: 'invalid', reason: 't-2-0 is a name for questions of the store' });
});
