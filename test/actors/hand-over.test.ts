// The short way inside of one process, on a real bus: what goes it does not cross the bus, and what cannot go it does.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { sendParent, setup } from 'xstate';
import { connectNats } from '#actors/nats-connection.ts';
import { handingOver } from '#actors/hand-over.ts';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit, type Commit, type Committed } from '#machines/commit.ts';
import type { Message } from '#machines/message.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { loose } from './step-kit.ts';

const child = setup(loose('GO')).createMachine({ id: 'child', version: '1', entry: sendParent({ type: 'READY' }), initial: 'a', states: { a: {} } });
const parent = setup({ ...loose('READY'), actors: { child } }).createMachine({ id: 'parent', version: '1', initial: 'a', states: { a: { invoke: { id: 'child', src: 'child' }, on: { READY: 'b' } }, b: {} } });

let world: World;
before(async () => {
  world = await startWorld({ machines: [parent] });
});
after(() => world.stop());

test('what a step sends to actors of this process does not cross the bus, and leaves the outbox all the same', async () => {
  await world.until('the mailboxes to have caught up', async () => Array.from({ length: 200 }, (_, n) => `child/${n}`).every(world.bus.takesHere));
  const seen: string[] = [];
  const nc = await connectNats({ url: world.nats.url, token: world.nats.token, name: 'listener' });
  nc.subscribe('ks.test.msg.>', { callback: (_, m) => void seen.push(m.subject) });
  await nc.flush();
  await world.start('parent/1', 'parent@1', {});
  await world.until('the answer of the child', async () => (await world.record('parent/1'))?.snapshot.value === 'b');
  await nc.flush();
  assert.deepEqual(seen, ['ks.test.msg.parent.1.operator.test']);
  await world.until('an empty outbox', async () => ((await world.store.query('status', {})) as { inFlight: number }).inFlight === 0);
  await nc.close();
});

test('what was committed and not taken, because the process died there, is published again', async () => {
  const id = 'lost-1';
  const body = { kind: 'event' as const, event: { type: 'GO' } };
  // A commit that says that its sender hands the message over, and a sender that does not.
  await world.store.commit({ ...emptyCommit('c-lost', Date.now(), 'host/test', {}), sends: [{ id, to: 'parent/1', from: 'host/test', body }], handed: [id] });
  const outcome = () => world.store.query('outcome', { id });
  assert.equal(await outcome(), null);
  await world.store.republish(Date.now() + 1);
  await world.until('the message', async () => (await outcome()) === 'ignored');
});

const message = (id: string, parts: Partial<Message> = {}): Message => ({ id, to: 'here/1', from: 'a/1', body: { kind: 'event', event: { type: 'N' } }, ...parts });
async function commitWith(sends: Message[], outcome: Committed['outcome']): Promise<{ handed: string[]; taken: string[]; given: Commit }> {
  const taken: string[] = [];
  let given: Commit | undefined;
  const store = { commit: async (commit: Commit) => { given = commit; return { outcome, seq: 1 } as Committed; } } as StorePort;
  const bus = { takesHere: (to: string) => to.startsWith('here/'), handOver: ({ id, cause }: Message) => void taken.push(`${id} because of ${cause}`) };
  await handingOver(store, bus).commit({ ...emptyCommit('c-1', 1, 'a/1', {}), sends });
  return { handed: given!.handed ?? [], taken, given: given! };
}

test('deadlines, jobs and what is for others go by the bus', async () => {
  const job = message('j', { to: 'here/job', body: { kind: 'job', activity: 'x', input: null, owner: { address: 'a/1', child: 'c', gen: 'g' }, attempt: 1 } });
  const { handed, taken } = await commitWith([message('m-1'), message('m-2', { to: 'there/1' }), message('m-3', { dueMs: 5 }), job, message('m-4', { cause: 'm-0' })], 'written');
  assert.deepEqual(handed, ['m-1', 'm-4']);
  assert.deepEqual(taken, ['m-1 because of c-1', 'm-4 because of m-0']);
});

for (const outcome of ['duplicate', 'conflict', 'closed', 'invalid', 'mismatch'] as const) {
  test(`nothing is handed over when the commit is a ${outcome}`, async () => {
    assert.deepEqual((await commitWith([message('m-1')], outcome)).taken, []);
  });
}
