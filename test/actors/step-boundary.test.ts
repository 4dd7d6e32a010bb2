// What the host lets in and out: reserved types, schemas, senders, plain JSON, failures.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assign, emit, raise, sendTo, setup, type AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { activity, machineKey, protocol } from '#machines/define.ts';
import { createSim, type Sim } from '#test/kit/sim.ts';
import { inEachMode, loose } from './step-kit.ts';

const me = 'boss/1';

for (const type of ['xstate.done.actor.kid', 'xstate.after.100.boss.waiting', 'xstate.stop', 'xstate.init', 'keelson.timer', '*']) {
  inEachMode(`an event that calls itself '${type}' is refused`, async (sim, { does }) => {
    await does('WAIT');
    const before = sim.stored(me);
    await sim.event(me, { type, output: 'forged' }).idle();
    assert.deepEqual(sim.notes(), [`refused: the event type '${type}' is reserved`]);
    assert.equal(sim.stored(me), before);
  });
}

inEachMode("an event that the machine's protocol does not name is ignored", async (sim) => {
  await sim.event(me, { type: 'toString' }).idle();
  assert.deepEqual(sim.notes(), [`ignored: 'boss' knows no event 'toString'`]);
});

inEachMode('an event with the wrong fields is refused, naming the field', async (sim) => {
  await sim.event(me, { type: 'NUMBER', n: 'three' }).idle();
  assert.match(sim.notes()[0]!, /^refused: event NUMBER: n: /);
});

inEachMode('fields that the schema does not name do not reach the machine', async (sim) => {
  await sim.event(me, { type: 'NUMBER', n: 3, extra: 1 }).idle();
  assert.deepEqual(sim.context(me)['got'], [3]);
});

const shop = protocol({
  context: z.any(),
  input: z.object({ price: z.number(), name: z.string().default('none') }),
  output: z.object({ paid: z.number() }),
  events: { PAY: z.object({ sum: z.unknown() }), APPROVE: z.object({}) },
  operatorOnly: ['APPROVE'],
});
const sale = setup({ types: shop.types, schemas: shop.schemas }).createMachine({
  id: 'sale',
  version: '1',
  initial: 'open',
  context: ({ input }: any) => ({ ...input, paid: null as unknown }),
  states: { open: { after: { 60_000: 'paid' }, on: { PAY: { target: 'paid', actions: assign({ paid: ({ event }) => event.sum }) }, APPROVE: 'approved' } }, approved: {}, paid: { type: 'final' } },
  output: ({ context }) => ({ paid: context.paid as number }),
});
const watcher = setup({ ...loose('X'), actors: { sale } }).createMachine({
  id: 'watcher',
  version: '1',
  initial: 'on',
  states: { on: { invoke: { id: 'sale', src: 'sale', input: { price: 1, name: 'n' }, onDone: 'glad', onError: 'sad' } }, glad: {}, sad: {} },
});
const simWith = async (machine: AnyStateMachine, input: unknown = {}): Promise<Sim> => {
  const sim = createSim({ machines: [machine] });
  await sim.start(`${machine.id}/1`, machine, input).idle();
  return sim;
};

/** With somebody above who hears of its end: without one it would be held for the operator (see hold.test.ts). */
const simWithChild = async (machine: AnyStateMachine, input: unknown = {}): Promise<Sim> => {
  const sim = createSim({ machines: [machine] });
  await sim.send(`${machine.id}/1`, 'boss/1', { kind: 'start', machine: machineKey(machine), input, parent: { address: 'boss/1', child: 'kid', gen: 'boss/1#0.0' } }).idle();
  return sim;
};

test('input that the schema refuses starts no actor and says which field', async () => {
  const sim = await simWith(sale, { price: 'free' });
  assert.equal(sim.record('sale/1'), null);
  assert.match(sim.notes()[0]!, /^refused: input: price: /);
});

test("the input's defaults are filled in", async () => {
  const sim = await simWith(sale, { price: 1 });
  assert.deepEqual(sim.context('sale/1'), { price: 1, name: 'none', paid: null });
});

test('an output that the schema refuses is an error, not a result', async () => {
  const sim = await simWithChild(sale, { price: 1 });
  await sim.event('sale/1', { type: 'PAY', sum: 'nothing' }).idle();
  const { status, snapshot } = sim.record('sale/1')!;
  assert.equal(status, 'error');
  assert.match((snapshot.error as { message: string }).message, /output of sale@1: paid: /);
  assert.deepEqual(sim.deadlines(), []);
});

test('the parent hears of a refused output as an error', async () => {
  const sim = await simWith(watcher);
  await sim.event('sale/watcher.1.sale~0', { type: 'PAY', sum: 'nothing' }).idle();
  assert.equal(sim.value('watcher/1'), 'sad');
});

test('the parent hears of a good output', async () => {
  const sim = await simWith(watcher);
  await sim.event('sale/watcher.1.sale~0', { type: 'PAY', sum: 5 }).idle();
  assert.equal(sim.value('watcher/1'), 'glad');
});

for (const from of ['mail/m-1', 'operator2/x', 'job/operator']) {
  test(`an event for the operator only is refused from ${from}`, async () => {
    const sim = await simWith(sale, { price: 1 });
    await sim.event('sale/1', { type: 'APPROVE' }, from).idle();
    assert.equal(sim.value('sale/1'), 'open');
    assert.deepEqual(sim.notes(), [`refused: 'APPROVE' may only come from the operator, not from ${from}`]);
  });
}

test('an event for the operator only is taken from the operator', async () => {
  const sim = await simWith(sale, { price: 1 });
  await sim.event('sale/1', { type: 'APPROVE' }, 'operator/phone').idle();
  assert.equal(sim.value('sale/1'), 'approved');
});

const bad = setup({ ...loose('THROW PUT SEND LATER NEVER SPIN UNHANDLED'), actors: { slow: activity({ name: 'slow', input: z.any(), output: z.any(), timeoutMs: 1, retry: { attempts: 1, firstMs: 1, maxMs: 1 } }) }, delays: { broken: () => Number.NaN, negative: () => -5 } }).createMachine({
  id: 'bad',
  version: '1',
  initial: 'a',
  context: ({ input }: any) => {
    if (input.explode) throw new RangeError('no start');
    return { kept: 1 };
  },
  states: {
    a: {
      after: { 5_000: 'b' },
      on: {
        THROW: { target: 'b', actions: [emit({ type: 'half' }), raise({ type: 'PUT' }, { delay: 10 }), assign(() => { throw new Error('boom'); })] },
        PUT: { actions: assign({ kept: ({ event }: any) => ({ date: new Date(0), fn: () => 1, nan: Number.NaN, map: new Map() })[event.what as 'date'] }) },
        SEND: { actions: sendTo('slow', { type: 'X' }) },
        LATER: { actions: raise({ type: 'PUT' }, { delay: 'negative' as never }) },
        NEVER: { actions: raise({ type: 'PUT' }, { delay: 'broken' as never }) },
        SPIN: 'spin',
        UNHANDLED: 'work',
      },
    },
    b: {},
    work: { invoke: { id: 'slow', src: 'slow' }, on: { SEND: { actions: sendTo('slow', { type: 'X' }) }, THROW: { actions: assign(() => { throw new Error('boom'); }) } } },
    spin: { always: 'spun' },
    spun: { always: 'spin' },
  },
});

test('an assign that throws ends the actor in error, withdraws its timers and sends nothing', async () => {
  const sim = await simWithChild(bad);
  await sim.event('bad/1', { type: 'THROW' }).idle();
  const { status, snapshot } = sim.record('bad/1')!;
  assert.equal(status, 'error');
  assert.deepEqual(snapshot.error, { code: 'Error', message: 'boom' });
  assert.deepEqual([snapshot.value, snapshot.context], ['a', { kept: 1 }], 'the state before the failure is kept');
  assert.deepEqual(sim.deadlines(), []);
  assert.deepEqual(sim.recorded.notices, [], 'what the step had begun to say is not said');
});

test('an actor that fails withdraws the jobs that still run', async () => {
  const sim = await simWithChild(bad);
  sim.runJobs = false;
  await sim.event('bad/1', { type: 'UNHANDLED' }).idle();
  assert.equal(sim.jobs().length, 1);
  await sim.event('bad/1', { type: 'THROW' }).idle();
  assert.equal(sim.record('bad/1')!.status, 'error');
  assert.deepEqual(sim.jobs(), []);
  assert.deepEqual(sim.record('bad/1')!.children, {});
});

test('a context that cannot be made ends the start in error', async () => {
  const sim = await simWithChild(bad, { explode: true });
  const { status, snapshot, rev } = sim.record('bad/1')!;
  assert.deepEqual([status, rev, snapshot.error], ['error', 0, { code: 'RangeError', message: 'no start' }]);
});

test('a failed actor takes nothing more', async () => {
  const sim = await simWithChild(bad);
  await sim.event('bad/1', { type: 'THROW' }).event('bad/1', { type: 'SPIN' }).idle();
  assert.deepEqual(sim.notes().filter((note) => !note.includes('no such actor')), ['ignored: the actor is error']);
});

test('an always cycle is an error instead of a hang', async () => {
  const sim = await simWithChild(bad);
  await sim.event('bad/1', { type: 'SPIN' }).idle();
  assert.equal(sim.record('bad/1')!.status, 'error');
  assert.match((sim.record('bad/1')!.snapshot.error as { message: string }).message, /Infinite loop/);
});

test('a failure of a job that no onError takes ends the actor in error', async () => {
  const sim = await simWithChild(bad);
  await sim.event('bad/1', { type: 'UNHANDLED' }).idle();
  assert.equal(sim.record('bad/1')!.status, 'error');
  assert.deepEqual(sim.record('bad/1')!.snapshot.error, { code: 'BAD_CONFIG', message: "nothing implements 'slow'" });
});

for (const [what, says] of [['date', /context\.kept: a Date is not plain JSON/], ['map', /context\.kept: a Map is not plain JSON/], ['nan', /context\.kept: NaN is not JSON/], ['fn', /context\.kept: a function is not JSON/]] as const) {
  test(`a context that holds a ${what} is refused and the actor stays as it was`, async () => {
    const sim = await simWith(bad);
    const before = sim.stored('bad/1');
    await sim.event('bad/1', { type: 'PUT', what }).idle();
    assert.match(sim.notes()[0]!, says);
    assert.match(sim.notes()[0]!, /^parked/);
    assert.equal(sim.stored('bad/1'), before);
  });
}

test('a delay that is no number of milliseconds is refused', async () => {
  const sim = await simWith(bad);
  await sim.event('bad/1', { type: 'LATER' }).event('bad/1', { type: 'NEVER' }).idle();
  assert.deepEqual(sim.notes(), [`parked: the delay of 'PUT' is -5`, `parked: the delay of 'PUT' is NaN`]);
});

test('an activity cannot be sent to: it has no mailbox', async () => {
  const sim = await simWith(bad);
  sim.runJobs = false;
  await sim.event('bad/1', { type: 'UNHANDLED' }).event('bad/1', { type: 'SEND' }).idle();
  assert.deepEqual(sim.notes(), ["parked: cannot send to the activity 'slow'"]);
});
