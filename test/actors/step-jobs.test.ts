import assert from 'node:assert/strict';
import test from 'node:test';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { jobAddress } from '#actors/effects.ts';
import { createRegistry } from '#actors/registry.ts';
import { step } from '#actors/step.ts';
import { address } from '#machines/address.ts';
import { activity } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Body, Message } from '#machines/message.ts';
import { createSim, type Sim } from '#test/kit/sim.ts';
import { inEachMode, loose } from './step-kit.ts';

const me = address('boss', '1');
const queue = jobAddress('math.square');
const got = (sim: Sim) => sim.context<{ got: unknown[] }>(me).got;
const ask = async (sim: Sim, x: number) => {
  await sim.event(me, { type: 'CALC', x }).idle();
};

inEachMode('an invoked activity gives its result to onDone', async (sim) => {
  await ask(sim, 7);
  assert.deepEqual(got(sim), [49]);
  assert.equal(sim.value(me), 'idle');
  assert.deepEqual(sim.jobs(), []);
});

inEachMode('an activity that fails gives its reason to onError', async (sim) => {
  await ask(sim, -1);
  assert.deepEqual(got(sim), ['negative']);
});

inEachMode('input that the activity refuses goes to onError and the activity does not run', async (sim, { operations }) => {
  await sim.event(me, { type: 'CALC', x: 'seven' }).idle();
  assert.equal(sim.value(me), 'idle');
  assert.equal(operations.length, 0);
});

inEachMode('leaving the state withdraws the job and its late result changes nothing', async (sim, { operations }) => {
  sim.runJobs = false;
  await ask(sim, 2);
  const [job] = sim.jobs();
  await sim.event(me, { type: 'LEAVE' }).idle();
  assert.deepEqual(sim.jobs(), []);
  sim.runJobs = true;
  await ask(sim, 3);
  sim.send(me, queue, { kind: 'done', child: 'sq', gen: job!.id, output: 'STALE' });
  await sim.idle();
  assert.deepEqual(got(sim), [9]);
  assert.ok(sim.notes().includes('ignored: stale child result'));
  assert.ok(new Set(operations).size <= 2, 'one operation id per invocation, also when a job runs again');
});

inEachMode('a late result of an earlier invocation is not taken by a newer one of the same name', async (sim) => {
  sim.runJobs = false;
  await ask(sim, 2);
  const [job] = sim.jobs();
  await sim.event(me, { type: 'RECALC', x: 3 }).idle();
  assert.equal(sim.jobs().length, 1, 'the first was withdrawn');
  sim.send(me, queue, { kind: 'done', child: 'sq', gen: job!.id, output: 'STALE' });
  sim.send(me, queue, { kind: 'error', child: 'sq', gen: job!.id, error: { code: 'X', message: 'STALE' } });
  await sim.idle();
  assert.equal(sim.value(me), 'calc', 'still waiting for the newer one');
  sim.runJobs = true;
  await sim.idle();
  assert.deepEqual(got(sim), [9]);
});

inEachMode('the same result under two message ids is taken once', async (sim, { does }) => {
  await does('SPAWN');
  const { gen, address: kid } = sim.record(me)!.children['kid']!;
  for (let i = 0; i < 2; i++) sim.send(me, kid, { kind: 'done', child: 'kid', gen, output: 1 });
  await sim.idle();
  assert.deepEqual(got(sim), ['done:1']);
  assert.ok(sim.notes().includes('ignored: stale child result'));
});

inEachMode('a result for a child that never was is stale', async (sim) => {
  sim.send(me, queue, { kind: 'done', child: 'toString', gen: 'x', output: 1 });
  sim.send(me, queue, { kind: 'done', child: 'nobody', gen: 'x', output: 1 });
  await sim.idle();
  assert.deepEqual(sim.notes(), ['ignored: stale child result', 'ignored: stale child result']);
});

inEachMode('a result that another actor forged with the right generation is refused', async (sim) => {
  sim.runJobs = false;
  await ask(sim, 4);
  const [job] = sim.jobs();
  for (const body of [{ kind: 'done' as const, output: 1_000 }, { kind: 'error' as const, error: { code: 'X', message: 'forged' } }]) sim.send(me, 'mallory/1', { ...body, child: 'sq', gen: job!.id });
  await sim.idle();
  assert.equal(sim.value(me), 'calc');
  assert.equal(sim.notes().filter((note) => /^refused: .*mallory\/1/.test(note)).length, 2, sim.notes().join('\n'));
  sim.runJobs = true;
  await sim.idle();
  assert.deepEqual(got(sim), [16], 'the true result is still taken');
});

inEachMode('a final state withdraws the jobs that still run', async (sim, { does }) => {
  sim.runJobs = false;
  await ask(sim, 4);
  await does('LEAVE', 'END');
  assert.deepEqual(sim.jobs(), []);
  assert.deepEqual(sim.record(me)!.children, {});
});

const patient = activity({ name: 'wait.long', input: z.any(), output: z.any(), timeoutMs: 1_000, retry: { untilMs: 100_000, firstMs: 1_000, maxMs: 4_000, jitter: 0 } });
const waiter = setup({ ...loose('LEAVE'), actors: { patient } }).createMachine({
  id: 'waiter',
  version: '1',
  initial: 'asking',
  context: { error: null },
  states: {
    asking: { invoke: { id: 'job', src: 'patient', onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) } }, on: { LEAVE: 'left' } },
    left: {},
    failed: {},
  },
});

for (const chaos of [0, 0.35]) {
  const waiting = async () => {
    const sim = createSim({ machines: [waiter], activities: { 'wait.long': async ({ attempt }) => { throw new KeelsonError('MODEL_FAILED', `try ${attempt}`); } }, chaos, seed: 21 });
    await sim.start('waiter/1', waiter).idle();
    return sim;
  };

  test(`a job with a deadline is tried as long as it may, whatever number of tries that is (chaos ${chaos})`, async () => {
    const sim = await waiting();
    await sim.advance(98_999);
    assert.equal(sim.value('waiter/1'), 'asking');
    await sim.advance(1);
    assert.equal(sim.value('waiter/1'), 'failed');
    // After 1, 3 and 7 seconds, then every 4 up to 99.
    assert.deepEqual(sim.context('waiter/1'), { error: { code: 'MODEL_FAILED', message: 'try 27' } });
    assert.deepEqual([sim.jobs(), sim.deadlines()], [[], []]);
  });

  test(`leaving the state takes back whichever try is next (chaos ${chaos})`, async () => {
    for (const ms of [0, 1_000, 60_000]) {
      const sim = await waiting();
      await sim.advance(ms);
      assert.equal(sim.deadlines().length, 1);
      await sim.event('waiter/1', { type: 'LEAVE' }).idle();
      assert.deepEqual([sim.value('waiter/1'), sim.jobs(), sim.deadlines()], ['left', [], []]);
      await sim.advance(200_000);
      assert.equal(sim.value('waiter/1'), 'left');
    }
  });
}

test('a step names the jobs that it withdraws, but none that it made itself and no timers', () => {
  const both = setup({ ...loose('GO OUT'), actors: { patient } }).createMachine({
    id: 'both',
    version: '1',
    initial: 'idle',
    states: {
      idle: { on: { GO: 'brief', OUT: 'asking' } },
      brief: { invoke: { id: 'brief', src: 'patient' }, always: 'asking' },
      asking: { invoke: { id: 'job', src: 'patient' }, after: { 1_000: 'idle' }, on: { OUT: 'idle' } },
    },
  });
  const definition = createRegistry([both]).get('both@1')!;
  const event = (type: string): Message<Body> => ({ id: type, to: 'both/1', from: 'operator/test', body: { kind: 'event', event: { type } } });
  const started = step(definition, null, { ...event('start'), body: { kind: 'start', machine: 'both@1', input: {} } }, 0);
  const asking = step(definition, started.record, event('GO'), 0);
  assert.deepEqual(asking.effects.withdrawn, []);
  const { gen } = asking.record!.children['job']!;
  const out = step(definition, asking.record, event('OUT'), 0);
  assert.deepEqual(out.effects.withdrawn, [gen]);
  assert.deepEqual(out.effects.settles.length, 2, 'the job and the timer');
});

test('an `after` of the machine limits a job over all its tries', async () => {
  const limited = setup({ ...loose(''), actors: { patient } }).createMachine({
    id: 'limited',
    version: '1',
    initial: 'asking',
    states: { asking: { invoke: { id: 'job', src: 'patient', onError: 'failed' }, after: { 10_000: 'tooLate' } }, failed: {}, tooLate: {} },
  });
  let tries = 0;
  const sim = createSim({ machines: [limited], activities: { 'wait.long': async () => { tries++; throw new KeelsonError('MODEL_FAILED', 'not yet'); } } });
  await sim.start('limited/1', limited).advance(300_000);
  assert.equal(sim.value('limited/1'), 'tooLate');
  assert.equal(tries, 4, 'after 0, 1, 3 and 7 seconds');
  assert.deepEqual([sim.jobs(), sim.deadlines()], [[], []]);
});
