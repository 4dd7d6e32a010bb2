// An actor that is paused or has failed stands still and loses nothing; the supervisor restarts or asks.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assign, setup, type AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { replay } from '#actors/replay.ts';
import { failureItem, supervisorMachine } from '#machines/agents/supervisor.ts';
import { activity, protocol, records } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import { orderType, supervisorAddress, type Order, type Supervision } from '#machines/hold.ts';
import { createSim, type Sim } from '#test/kit/sim.ts';

const shape = { context: z.any(), input: z.any(), output: z.any() };
const fetchNumber = activity({ name: 'number.fetch', input: z.object({ n: z.number() }), output: z.number(), timeoutMs: 1_000, retry: { attempts: 1, firstMs: 1, maxMs: 1 } });
/** Adds what it is told; fails on 13 and on anything that `poison` names; CALC has nobody who hears the activity's error. */
const makeAdder = (id: string, supervise?: Supervision) => setup({ ...typed(protocol({ ...shape, events: { ADD: z.object({ by: z.number() }), CALC: z.object({ n: z.number() }), END: z.object({}) }, ...(supervise ? { supervise } : {}), may: { act: ['number.fetch'] } })), actors: { fetchNumber } }).createMachine({
  id, version: '1', initial: 'on',
  context: ({ input }: any) => ({ sum: input.from ?? 0, seen: [] }),
  states: {
    on: { on: { ADD: { actions: assign(({ context, event }: any) => { if (event.by === 13) throw new TypeError('no 13 here'); return { sum: context.sum + event.by, seen: [...context.seen, event.by] }; }) }, CALC: 'calculating', END: 'end' } },
    calculating: { invoke: { id: 'fetch', src: 'fetchNumber', input: ({ event }: any) => ({ n: event.n }), onDone: { target: 'on', actions: assign(({ context, event }: any) => ({ sum: context.sum + event.output })) } } },
    end: { type: 'final' },
  },
  output: ({ context }: any) => context.sum,
});
function typed<T extends { schemas: unknown }>({ schemas }: T) {
  return { schemas: schemas as never, types: {} as { context: any; events: any; input: any; output: any } };
}

const adder = makeAdder('adder');
const restarting = makeAdder('restarting', { restarts: 2, withinMs: 60_000, firstMs: 1_000, maxMs: 10_000 });
const me = 'adder/1';
const order = (sim: Sim, what: Order, to = me, from = 'operator/desk') => sim.event(to, { type: orderType, ...what }, from);
const sum = (sim: Sim, of = me) => sim.context<{ sum: number }>(of).sum;

async function company(machines: AnyStateMachine[] = [adder, restarting], chaos = 0, activities = {}): Promise<Sim> {
  const sim = createSim({ machines: [...machines, supervisorMachine], chaos, seed: 7, activities });
  await sim.start(supervisorAddress, supervisorMachine).start(me, adder).idle();
  return sim;
}
async function add(sim: Sim, ...numbers: number[]): Promise<void> {
  for (const by of numbers) await sim.event(me, { type: 'ADD', by }).idle();
}
const replays = (sim: Sim, of: string) => assert.deepEqual(replay(sim.registry, of, sim.history(of), sim.stored(of)).difference, undefined);

for (const chaos of [0, 0.3]) {
  const mode = chaos > 0 ? ', with crashes and repeats' : '';

  test(`what comes for a paused actor waits in order and is taken after the resume, before anything new${mode}`, async () => {
    const sim = await company(undefined, chaos);
    await order(sim, { do: 'pause', reason: 'holiday' }).idle();
    await add(sim, 1, 2, 3);
    assert.equal(sum(sim), 0);
    assert.equal(sim.record(me)!.held!.waiting.length, 3);
    order(sim, { do: 'resume' }).event(me, { type: 'ADD', by: 4 });
    await sim.event(me, { type: 'ADD', by: 5 }).idle();
    assert.deepEqual(sim.context<{ seen: number[] }>(me).seen, [1, 2, 3, 4, 5]);
    assert.equal(sim.record(me)!.held, undefined);
    replays(sim, me);
  });

  test(`a step that fails changes nothing; the operator is asked, and "approve" tries it again${mode}`, async () => {
    const sim = await company(undefined, chaos);
    await add(sim, 1, 13, 2);
    assert.deepEqual([sum(sim), sim.record(me)!.status, sim.record(me)!.held!.by], [1, 'active', 'failure']);
    const [item] = sim.recorded.intents;
    assert.equal(item!.id, failureItem(me, 2));
    assert.match(item!.summary ?? '', /adder\/1 has failed and stands still: no 13 here/);
    await sim.event(supervisorAddress, { type: 'APPROVE', about: item!.id, payloadHash: item!.id }, 'operator/desk').idle();
    assert.equal(sum(sim), 1, 'the same failed again');
    const second = sim.recorded.intents.at(-1)!;
    assert.equal(second.state, 'input-required');
    assert.notEqual(second.id, item!.id);
    assert.ok(sim.recorded.intents.some(({ id, state }) => id === item!.id && state === 'completed'), 'the first question is closed');
    replays(sim, me);
    replays(sim, supervisorAddress);
  });

  test(`"respond skip" goes on without it, in order${mode}`, async () => {
    const sim = await company(undefined, chaos);
    await add(sim, 1, 13, 2, 3);
    await sim.event(supervisorAddress, { type: 'RESPOND', about: failureItem(me, 2), text: ' Skip ' }, 'operator/desk').idle();
    assert.deepEqual(sim.context<{ seen: number[] }>(me).seen, [1, 2, 3]);
    assert.equal(sim.value(supervisorAddress), 'quiet');
    assert.equal(sim.recorded.intents.at(-1)!.state, 'completed');
  });

  test(`"respond" with JSON goes on with that event instead${mode}`, async () => {
    const sim = await company(undefined, chaos);
    await add(sim, 1, 13, 2);
    await sim.event(supervisorAddress, { type: 'RESPOND', about: failureItem(me, 2), text: '{"type": "ADD", "by": 100}' }, 'operator/desk').idle();
    assert.deepEqual(sim.context<{ seen: number[] }>(me).seen, [1, 100, 2]);
  });

  test(`"reject" ends it as failed${mode}`, async () => {
    const sim = await company(undefined, chaos);
    await add(sim, 1, 13, 2);
    await sim.event(supervisorAddress, { type: 'REJECT', about: failureItem(me, 2), reason: 'not worth it' }, 'operator/desk').idle();
    assert.equal(sim.record(me)!.status, 'error');
    assert.match(JSON.stringify(sim.record(me)!.snapshot.error), /not worth it/);
    assert.equal(sim.value(supervisorAddress), 'quiet');
    replays(sim, me);
  });

  test(`a strategy restarts as often as it says, with growing waits, and then asks${mode}`, async () => {
    const sim = await company(undefined, chaos);
    await sim.start('restarting/1', restarting).event('restarting/1', { type: 'ADD', by: 13 }).idle();
    const failures = () => sim.context<{ failures: number }>(supervisorAddress).failures;
    assert.deepEqual([failures(), sim.recorded.intents.length], [1, 0]);
    await sim.advance(999);
    assert.equal(failures(), 1);
    await sim.advance(1);
    assert.equal(failures(), 2);
    await sim.advance(2_000);
    assert.deepEqual([failures(), sim.recorded.intents.length], [3, 1]);
    assert.deepEqual(sim.recorded.decisions.map(({ outcome }) => outcome), ['restart', 'restart', 'escalate']);
    await order(sim, { do: 'skip' }, 'restarting/1').idle();
    assert.equal(sim.record('restarting/1')!.held, undefined);
    assert.equal(sim.recorded.intents.at(-1)!.state, 'completed', 'an order of the operator closes the question too');
  });
}

test('an activity that fails for good, and whose error nobody handles, is run again with the same input by "retry"', async () => {
  let works = false;
  const asked: number[] = [];
  const sim = await company(undefined, 0, { 'number.fetch': ({ input }: { input: { n: number } }) => { asked.push(input.n); return works ? Promise.resolve(input.n) : Promise.reject(new KeelsonError('SEND_REFUSED', 'no')); } });
  await sim.event(me, { type: 'CALC', n: 40 }).idle();
  assert.equal(sim.record(me)!.held!.by, 'failure');
  works = true;
  await order(sim, { do: 'retry' }).idle();
  assert.deepEqual([sum(sim), sim.value(me), asked], [40, 'on', [40, 40]]);
  replays(sim, me);
});

test('the result of a failed activity can be given by hand', async () => {
  const sim = await company(undefined, 0, { 'number.fetch': () => Promise.reject(new KeelsonError('SEND_REFUSED', 'no')) });
  await sim.event(me, { type: 'CALC', n: 40 }).idle();
  await order(sim, { do: 'replace', with: 7 }).idle();
  assert.deepEqual([sum(sim), sim.value(me)], [7, 'on']);
});

test('a start that fails is tried again, or given another input', async () => {
  const fussy = setup({ ...typed(protocol({ ...shape, events: {} })) }).createMachine({ id: 'fussy', version: '1', context: ({ input }: any) => { if (input.n < 0) throw new RangeError('negative'); return { n: input.n }; } });
  const sim = await company([adder, fussy]);
  await sim.start('fussy/1', fussy, { n: -1 }).idle();
  assert.equal(sim.record('fussy/1')!.held!.failed!.body.kind, 'start');
  await order(sim, { do: 'skip' }, 'fussy/1').idle();
  assert.ok(sim.notes().includes('ignored: it never started; retry, replace or stop'));
  await order(sim, { do: 'replace', with: { n: 5 } }, 'fussy/1').idle();
  assert.deepEqual(sim.context('fussy/1'), { n: 5 });
  replays(sim, 'fussy/1');
});

test('only those above an actor may order it about, and an order for an earlier failure is stale', async () => {
  const sim = await company();
  await order(sim, { do: 'pause', reason: '' }, me, 'order/9').idle();
  await order(sim, { do: 'pause', reason: '' }, me, supervisorAddress).idle();
  assert.equal(sim.record(me)!.held, undefined);
  await add(sim, 13);
  await order(sim, { do: 'skip', rev: 0 }).idle();
  assert.equal(sim.record(me)!.held!.by, 'failure');
  assert.ok(sim.notes().some((note) => note.startsWith('ignored: stale order')));
  await sim.event(supervisorAddress, { type: 'APPROVE', about: failureItem(me, 1), payloadHash: '' }, 'adder/2').idle();
  assert.ok(sim.notes().some((note) => note.includes("'APPROVE' may only come from the operator")));
});

test('a failure that somebody reports about another actor is about the one who reports', async () => {
  const sim = await company();
  await sim.event(supervisorAddress, { type: 'FAILED', from: me, machine: 'adder@1', rev: 0, atMs: 1, what: 'X', error: { code: 'X', message: 'forged' }, supervision: null, parent: null }, 'mallory/1').idle();
  assert.deepEqual(Object.keys(sim.context<{ tracked: object }>(supervisorAddress).tracked), ['mallory/1']);
});

test('siblings start from the beginning together when one of them fails', async () => {
  const kid = makeAdder('kid', { restarts: 1, withinMs: 1_000, firstMs: 10, maxMs: 10, how: 'fresh', scope: 'siblings', otherwise: 'stop' });
  const boss = setup({ ...typed(protocol({ ...shape, events: { KID: z.object({}) } })), actors: { kid } }).createMachine({
    id: 'boss', version: '1', type: 'parallel', context: { errors: 0 },
    states: { a: { invoke: { id: 'a', src: 'kid', input: { from: 1 }, onError: { actions: assign({ errors: ({ context }: any) => context.errors + 1 }) } } }, b: { invoke: { id: 'b', src: 'kid', input: { from: 2 }, onError: {} } } },
  });
  const sim = await company([adder, boss]);
  await sim.start('boss/1', boss).idle();
  const [a, b] = ['a', 'b'].map((id) => sim.record('boss/1')!.children[id]!.address) as [string, string];
  await sim.event(a, { type: 'ADD', by: 5 }).event(b, { type: 'ADD', by: 5 }).idle();
  assert.deepEqual([sum(sim, a), sum(sim, b)], [6, 7]);
  await sim.event(a, { type: 'ADD', by: 13 }).idle();
  await sim.advance(10);
  assert.deepEqual([sum(sim, a), sum(sim, b)], [1, 2]);
  await sim.event(a, { type: 'ADD', by: 13 }).idle();
  assert.equal(sim.context<{ errors: number }>('boss/1').errors, 1, 'given up: the parent hears the error');
  for (const address of [a, b, 'boss/1']) replays(sim, address);
});

test('an actor that is ended from outside takes its open questions with it; one that is done leaves them', async () => {
  const asker = setup({ ...typed(protocol({ ...shape, events: { ASK: z.object({}), END: z.object({}) }, may: { intents: ['question'] } })), actions: records }).createMachine({
    id: 'asker', version: '1', initial: 'on',
    states: { on: { on: { ASK: { actions: { type: 'recordIntent', params: { id: 'q-1', kind: 'question', state: 'input-required', summary: 'Well?' } } }, END: 'end' } }, end: { type: 'final' } },
  });
  const sim = await company([adder, asker]);
  await sim.start('asker/1', asker).event('asker/1', { type: 'ASK' }).idle();
  assert.deepEqual(sim.record('asker/1')!.asks, { 'q-1': 'question' });
  await sim.send('asker/1', 'operator/desk', { kind: 'stop' }).idle();
  assert.deepEqual(sim.recorded.intents.map(({ id, state }) => [id, state]), [['q-1', 'input-required'], ['q-1', 'canceled']]);
  await sim.start('asker/2', asker).event('asker/2', { type: 'ASK' }).event('asker/2', { type: 'END' }).idle();
  assert.equal(sim.recorded.intents.at(-1)!.state, 'input-required');
});
