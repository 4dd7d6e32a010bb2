import assert from 'node:assert/strict';
import { jobAddress } from '#actors/effects.ts';
import { address } from '#machines/address.ts';
import type { Sim } from '#test/kit/sim.ts';
import { inEachMode } from './step-kit.ts';

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
