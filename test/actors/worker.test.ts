// Jobs on a real nats-server and a real store file: retried with patience, withdrawn in time, and at most once where it counts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Activity } from '#actors/worker.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { counts, shipper } from './host-kit.ts';

/** What each shipper's job does; the operation id begins with the shipper's address. */
const behaviours = new Map<string, Activity>();
const behave: Activity = (call) => {
  const run = behaviours.get(call.operationId.split('#')[0]!);
  if (!run) throw new Error(`unexpected job ${call.operationId}`);
  return run(call);
};
let world: World;
let shippers = 0;
before(async () => {
  world = await startWorld({ machines: [shipper], activities: { 'try.twice': behave, 'send.once': behave } });
});
after(() => world.stop());

function shipperThat(run: Activity): string {
  const address = `shipper/${++shippers}`;
  behaviours.set(address, run);
  return address;
}
const valueIs = (address: string, value: string) => world.until(`${address} is ${value}`, async () => (await world.record(address))?.snapshot.value === value);
const errorOf = async (address: string) => ((await world.record(address))!.snapshot.context as { error: { code: string; message: string } }).error;
const begin = async (address: string, type: string) => {
  await world.start(address, 'shipper@1', {});
  await world.event(address, { type });
};

test('a job that fails is tried again with the same operation id until it works', async () => {
  const calls: { operationId: string; attempt: number }[] = [];
  const me = shipperThat(async ({ operationId, attempt }) => {
    calls.push({ operationId, attempt });
    if (attempt < 3) throw new KeelsonError('MODEL_FAILED', 'not yet');
    return { ok: true };
  });
  await begin(me, 'TRY');
  await valueIs(me, 'done');
  assert.deepEqual(calls, [1, 2, 3].map((attempt) => ({ operationId: `${me}#1.0`, attempt })));
  await world.until('an empty outbox', async () => (await counts(world)).inFlight === 0);
});

test('a job that keeps failing goes to onError after its last try', async () => {
  const attempts: number[] = [];
  const me = shipperThat(async ({ attempt }) => { attempts.push(attempt); throw new KeelsonError('MODEL_FAILED', `try ${attempt}`); });
  await begin(me, 'TRY');
  await valueIs(me, 'failed');
  assert.deepEqual(attempts, [1, 2, 3]);
  assert.deepEqual(await errorOf(me), { code: 'MODEL_FAILED', message: 'try 3' });
});

test('a failure that will not change is not tried again', async () => {
  const attempts: number[] = [];
  const me = shipperThat(async ({ attempt }) => { attempts.push(attempt); throw new KeelsonError('SEND_REFUSED', 'never'); });
  await begin(me, 'TRY');
  await valueIs(me, 'failed');
  assert.deepEqual(attempts, [1]);
});

test('an answer that the schema refuses is a failure', async () => {
  const me = shipperThat(async () => ({ ok: 'maybe' }));
  await begin(me, 'TRY');
  await valueIs(me, 'failed');
  assert.equal((await errorOf(me)).code, 'BAD_MESSAGE');
});

test('an at-most-once job that was claimed by a worker that is gone is unknown and never runs', async () => {
  let runs = 0;
  const me = shipperThat(async () => { runs++; return { ok: true }; });
  // What the gone worker left behind: its claim, and no result.
  await world.store.commit(emptyCommit(`${me}#1.0!claim`, Date.now(), 'host/worker', {}));
  await begin(me, 'SEND');
  await valueIs(me, 'failed');
  assert.equal((await errorOf(me)).code, 'SEND_UNKNOWN');
  assert.equal(runs, 0);
});

test('an at-most-once job whose state was left before it was claimed never runs', async () => {
  const ran: string[] = [];
  const gate = Promise.withResolvers<void>();
  const run: Activity = async ({ operationId }) => {
    ran.push(operationId);
    await gate.promise;
    return { ok: true };
  };
  const [first, left, last] = [shipperThat(run), shipperThat(run), shipperThat(run)];
  await begin(first, 'SEND');
  await world.until('the first to run', async () => ran.length === 1);
  await begin(left, 'SEND'); // waits behind the first: one at a time
  await world.event(left, { type: 'LEAVE' });
  await begin(last, 'SEND');
  gate.resolve();
  await valueIs(last, 'done');
  assert.deepEqual(ran, [`${first}#1.0`, `${last}#1.0`]);
  assert.equal((await world.record(left))!.snapshot.value, 'idle');
});

test('an at-most-once job that certainly did not happen may be tried again', async () => {
  const attempts: number[] = [];
  const me = shipperThat(async ({ attempt }) => { attempts.push(attempt); if (attempt === 1) throw new KeelsonError('SEND_DEFERRED', 'no connection'); return { ok: true }; });
  await begin(me, 'SEND');
  await valueIs(me, 'done');
  assert.deepEqual(attempts, [1, 2]);
});

for (const [what, run] of [
  ['fails in a way nobody foresaw', async () => { throw new TypeError('x is undefined'); }],
  ['answers what its schema refuses', async () => ({ ok: 'sent' })],
] as [string, Activity][]) {
  test(`an at-most-once job that ${what} is unknown and never runs again`, async () => {
    let runs = 0;
    const me = shipperThat((call) => { runs++; return run(call); });
    await begin(me, 'SEND');
    await valueIs(me, 'failed');
    assert.equal((await errorOf(me)).code, 'SEND_UNKNOWN');
    assert.equal(runs, 1);
  });
}
