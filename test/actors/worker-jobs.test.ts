// Jobs while they run, on a real nats-server and a real store file: cancelled when the state is left, cut off when they fall silent,
// tried again until a deadline; and old, forged and repeated tries, which change nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assign, setup, type AnyStateMachine } from 'xstate';
import { z } from 'zod';
import type { Bus, Delivery, Handler } from '#actors/bus.ts';
import { systemClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import { startWorker, type Activity, type Call } from '#actors/worker.ts';
import { activity, type ActivitySpec } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Job } from '#machines/message.ts';
import { decide } from '#supervisor/strategy.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { counts, names, publishRaw } from './host-kit.ts';
import { loose } from './step-kit.ts';

const anything = { input: z.any(), output: z.object({ ok: z.boolean() }), timeoutMs: 60_000, retry: 'never' } as const;
const specs = {
  SLOW: { ...anything, name: 'slow.free', concurrency: 2 },
  ONCE: { ...anything, name: 'slow.once', once: true },
  SINGLE: { ...anything, name: 'slow.single', concurrency: 1 },
  BEAT: { ...anything, name: 'beat.free', heartbeatMs: 50, retry: { attempts: 2, firstMs: 1, maxMs: 1 } },
  BEATONCE: { ...anything, name: 'beat.once', heartbeatMs: 50, once: true, retry: { attempts: 2, firstMs: 1, maxMs: 1 } },
  UNTIL: { ...anything, name: 'try.until', retry: { untilMs: 300, firstMs: 20, maxMs: 40, jitter: 0 } },
  LATER: { ...anything, name: 'try.later', retry: { attempts: 5, firstMs: 3_600_000, maxMs: 3_600_000 } },
  NOTHING: { ...anything, name: 'free.nothing', input: z.undefined(), output: z.undefined() },
} as const satisfies Record<string, ActivitySpec>;
type Kind = keyof typeof specs;
const kinds = Object.keys(specs) as Kind[];

const jobber = setup({ ...loose(`${kinds.join(' ')} LEAVE PING`), actors: Object.fromEntries(kinds.map((kind) => [kind, activity(specs[kind] as ActivitySpec)])) }).createMachine({
  id: 'jobber',
  version: '1',
  initial: 'idle',
  context: { pings: 0, error: null, output: null },
  on: { PING: { actions: assign({ pings: ({ context }) => context.pings + 1 }) } },
  states: {
    idle: { on: Object.fromEntries(kinds.map((kind) => [kind, kind])) },
    done: {},
    failed: {},
    ...Object.fromEntries(kinds.map((kind) => [kind, {
      invoke: { id: 'job', src: kind, onDone: { target: 'done', actions: assign({ output: ({ event }: any) => event.output }) }, onError: { target: 'failed', actions: assign({ error: ({ event }: any) => event.error }) } },
      on: { LEAVE: 'idle' },
    }])),
  } as never,
});

let world: World;
let jobbers = 0;
const behaviours = new Map<string, Activity>();
const addressIn = (operationId: string) => operationId.split('#')[0]!;
const behave: Activity = (call) => behaviours.get(addressIn(call.operationId))!(call);
const activities = Object.fromEntries(Object.values(specs).map(({ name }) => [name, behave]));
before(async () => {
  world = await startWorld({ machines: [jobber as unknown as AnyStateMachine], activities });
});
after(() => world.stop());

const valueIs = (address: string, value: string) => world.until(`${address} is ${value}`, async () => (await world.record(address))?.snapshot.value === value);
const contextOf = async (address: string) => (await world.record(address))!.snapshot.context as { pings: number; error: { code: string; message: string } | null; output: unknown };
const promised = (gen: string) => world.store.query('promised', { id: gen }) as Promise<Job | null>;
const outcome = (id: string) => world.store.query('outcome', { id });

/** An actor in the state of this kind of job, and what its tries were given and may answer. */
async function begin(kind: Kind, run?: Activity) {
  const address = `jobber/${++jobbers}`;
  const calls: Call[] = [];
  const answer = Promise.withResolvers<unknown>();
  behaviours.set(address, (call) => {
    calls.push(call);
    return run ? run(call) : answer.promise;
  });
  await world.start(address, 'jobber@1', {});
  await world.event(address, { type: kind });
  return { address, gen: `${address}#1.0`, calls, answer, leave: () => world.event(address, { type: 'LEAVE' }), begun: () => world.until('the job to begin', async () => calls.length > 0) };
}
/** A real job of another actor goes through the queue: what was there before it has been taken. */
async function passThrough(kind: Kind) {
  const { address } = await begin(kind, async () => ({ ok: true }));
  await valueIs(address, 'done');
}

for (const [how, finish] of [
  ['answers', (answer: PromiseWithResolvers<unknown>) => answer.resolve({ ok: true })],
  ['fails', (answer: PromiseWithResolvers<unknown>) => answer.reject(new KeelsonError('MODEL_FAILED', 'aborted'))],
] as const) {
  for (const kind of ['SLOW', 'ONCE'] as const) {
    test(`a job (${kind}) hears that its state was left; that it ${how} then changes nothing`, async () => {
      const job = await begin(kind);
      await job.begun();
      assert.equal((await world.event(job.address, { type: 'PING' })).outcome, 'applied', 'its mailbox is not blocked meanwhile');
      assert.equal(job.calls[0]!.signal.aborted, false);
      await job.leave();
      await world.until('the signal', async () => job.calls[0]!.signal.aborted);
      const { rev } = (await world.record(job.address))!;
      finish(job.answer);
      await passThrough(kind);
      assert.equal((await world.record(job.address))!.rev, rev);
      assert.deepEqual(await contextOf(job.address), { pings: 1, error: null, output: null });
      assert.equal(await outcome(`${job.gen}!result`), null, 'nothing was written for it');
      assert.equal(await promised(job.gen), null);
      assert.equal(job.calls.length, 1);
    });
  }
}

test('a cancelled job that does not listen does not hold up the next one', async () => {
  const deaf = await begin('SINGLE');
  await deaf.begun();
  await deaf.leave();
  await passThrough('SINGLE');
});

test('a job that was withdrawn while it waited behind another never begins', async () => {
  const first = await begin('SINGLE');
  await first.begun();
  const second = await begin('SINGLE');
  await second.leave();
  first.answer.resolve({ ok: true });
  await passThrough('SINGLE');
  assert.equal(second.calls.length, 0);
});

test('a notice that nobody of us sent cancels nothing', async () => {
  const [wanted, left] = [await begin('SLOW'), await begin('SLOW')];
  await Promise.all([wanted.begun(), left.begun()]);
  await publishRaw(world, names.withdrawn, 'not a list');
  await publishRaw(world, names.withdrawn, JSON.stringify([wanted.gen, 'nobody/1#0.0']));
  await left.leave();
  await world.until('the true notice', async () => left.calls[0]!.signal.aborted);
  assert.equal(wanted.calls[0]!.signal.aborted, false);
  wanted.answer.resolve({ ok: true });
  await valueIs(wanted.address, 'done');
});

test('leaving the state takes back a try that waits for its time', async () => {
  const job = await begin('LATER', async () => { throw new KeelsonError('MODEL_FAILED', 'not now'); });
  await world.until('the second try to wait', async () => (await promised(job.gen))?.attempt === 2);
  await job.leave();
  assert.equal(await promised(job.gen), null);
  assert.equal(((await world.store.query('status', {})) as { deadlines: number }).deadlines, 0);
});

test('a job that falls silent is tried again, and its error says what it last said', async () => {
  const job = await begin('BEAT', (call) => {
    call.heartbeat(`half of try ${call.attempt}`);
    return new Promise(() => {});
  });
  await valueIs(job.address, 'failed');
  assert.deepEqual((await contextOf(job.address)).error, { code: 'TIMEOUT', message: 'beat.free said nothing for 50 ms; it last said: half of try 2' });
  assert.deepEqual(job.calls.map(({ attempt, signal }) => [attempt, signal.aborted]), [[1, true], [2, true]]);
});

test('an at-most-once job that falls silent is unknown and never runs again', async () => {
  const job = await begin('BEATONCE');
  await valueIs(job.address, 'failed');
  assert.equal((await contextOf(job.address)).error!.code, 'SEND_UNKNOWN');
  assert.equal(job.calls.length, 1);
});

test('a job with a deadline is tried until then, and leaves nothing behind', async () => {
  const job = await begin('UNTIL', async () => { throw new KeelsonError('MODEL_FAILED', 'still not'); });
  await valueIs(job.address, 'failed');
  assert.ok(job.calls.length >= 2, `${job.calls.length} tries`);
  assert.deepEqual(job.calls.map(({ attempt }) => attempt), job.calls.map((_, i) => i + 1));
  assert.ok(job.calls.every(({ operationId }) => operationId === job.gen));
  assert.equal(await promised(job.gen), null);
});

test('a job with a deadline that works in the end is done', async () => {
  const job = await begin('UNTIL', async ({ attempt }) => {
    if (attempt < 3) throw new KeelsonError('MODEL_FAILED', 'not yet');
    return { ok: true };
  });
  await valueIs(job.address, 'done');
  assert.equal(job.calls.length, 3);
  assert.equal(await promised(job.gen), null);
});

test('a job may take nothing and give nothing', async () => {
  const job = await begin('NOTHING', async () => undefined);
  await valueIs(job.address, 'done');
  assert.equal((await counts(world)).parked, 0);
});

const bytesOf = (body: Job) => new TextEncoder().encode(JSON.stringify(body));
/** What the queue of this kind of job hands to a second worker. */
async function secondWorker(kind: Kind, run: Activity) {
  const handlers = new Map<string, Handler>();
  const bus: Bus = { ...world.bus, consumeJobs: async (queue, _concurrency, handler) => (handlers.set(queue, handler), { stop: async () => {} }) };
  const { name } = specs[kind];
  const worker = await startWorker({ bus, store: world.store, registry: world.registry, activities: { [name]: run }, decide, clock: systemClock, log: silentLog });
  return {
    stop: worker.stop,
    deliver: (body: Job, deliveries: number) => handlers.get(name.replace('.', '-'))!({ id: 'any', to: 'job/any', from: 'jobber/any', cause: undefined, subject: 'any', bytes: bytesOf(body), deliveries, working() {} } satisfies Delivery),
  };
}

test('a try that has ended is not begun again when the bus delivers it once more, and cannot end the next one', async (t) => {
  const job = await begin('LATER', async () => { throw new KeelsonError('MODEL_FAILED', 'not now'); });
  await world.until('the second try to wait', async () => (await promised(job.gen))?.attempt === 2);
  const waiting = (await promised(job.gen))!;
  const { sinceMs: _, ...first } = { ...waiting, attempt: 1 };
  let runs = 0;
  const worker = await secondWorker('LATER', async () => { runs++; return { ok: true }; });
  t.after(worker.stop);
  await worker.deliver(first, 2);
  assert.equal(runs, 0);
  // Seen for the first time, for all this worker knows: it may run, and is not heard.
  await worker.deliver(first, 1);
  assert.equal(runs, 1);
  assert.deepEqual(await promised(job.gen), waiting);
  assert.equal((await world.record(job.address))!.snapshot.value, 'LATER');
});

test('a try that nobody decided on is not run', async () => {
  const job = await begin('ONCE');
  await job.begun();
  const committed = (await promised(job.gen))!;
  await publishRaw(world, names.queue('slow-once'), bytesOf({ ...committed, attempt: 7 }), 'forged-try');
  await passThrough('ONCE');
  assert.equal(job.calls.length, 1);
  job.answer.resolve({ ok: true });
  await valueIs(job.address, 'done');
});

test('a job of one activity is not run as another', async () => {
  const job = await begin('LATER', async () => { throw new KeelsonError('MODEL_FAILED', 'not now'); });
  const waiting = await world.until('the second try to wait', async () => {
    const next = await promised(job.gen);
    return next?.attempt === 2 && next;
  });
  await publishRaw(world, names.queue('slow-once'), bytesOf({ ...waiting, activity: 'slow.once' }), 'forged-activity');
  await passThrough('ONCE');
  assert.equal(job.calls.length, 1);
  assert.deepEqual(await promised(job.gen), waiting);
});

test('a job whose workers never come back fails, and its strategy decides', async (t) => {
  const first = await begin('SLOW');
  await first.begun();
  let runs = 0;
  const worker = await secondWorker('SLOW', async () => { runs++; return { ok: true }; });
  t.after(worker.stop);
  await worker.deliver((await promised(first.gen))!, 11);
  assert.equal(runs, 0);
  await valueIs(first.address, 'failed');
  assert.match((await contextOf(first.address)).error!.message, /^10 workers began slow\.free and none of them came back$/);
  first.answer.resolve({ ok: true });
});
