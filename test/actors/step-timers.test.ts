import assert from 'node:assert/strict';
import { address } from '#machines/address.ts';
import { inEachMode } from './step-kit.ts';

const me = address('boss', '1');

inEachMode('`after` fires at its time, not before, and only the one that was first', async (sim, { does }) => {
  await does('WAIT');
  assert.equal(sim.deadlines().length, 2);
  await sim.advance(99);
  assert.equal(sim.value(me), 'waiting');
  await sim.advance(1);
  assert.equal(sim.value(me), 'idle');
  assert.deepEqual(sim.context(me)['got'], ['timeout100']);
  assert.deepEqual(sim.deadlines(), [], 'leaving the state withdrew the other timer');
  await sim.advance(10_000);
  assert.deepEqual(sim.context(me)['got'], ['timeout100']);
});

inEachMode('a timer of an earlier visit of the state is stale, even under the same name', async (sim, { does }) => {
  await does('WAIT');
  const [old] = sim.deadlines();
  await does('AGAIN');
  sim.send(me, me, old!.body as never);
  await sim.idle();
  assert.equal(sim.value(me), 'waiting');
  assert.ok(sim.notes().includes('ignored: stale timer'));
  await sim.advance(100);
  assert.deepEqual(sim.context(me)['got'], ['timeout100'], 'the timer of this visit still works');
});

inEachMode('a timer fires once, also when it is delivered under two message ids', async (sim, { does }) => {
  await does('REMIND');
  const [timer] = sim.deadlines();
  for (let i = 0; i < 2; i++) sim.send(me, me, timer!.body as never);
  await sim.idle();
  assert.deepEqual(sim.context(me)['got'], ['reminder']);
});

inEachMode('leaving a state withdraws its timers from the outbox', async (sim, { does }) => {
  await does('WAIT', 'LEAVE');
  assert.deepEqual(sim.deadlines(), []);
  assert.deepEqual(sim.record(me)!.timers, {});
});

inEachMode('a delayed raise fires unless it is cancelled', async (sim, { does }) => {
  await does('REMIND', 'UNREMIND');
  await sim.advance(2_000);
  assert.deepEqual(sim.context(me)['got'], []);
  await does('REMIND');
  await sim.advance(999);
  assert.deepEqual(sim.context(me)['got'], []);
  await sim.advance(1);
  assert.deepEqual(sim.context(me)['got'], ['reminder']);
});

inEachMode('raising again under the same id replaces the earlier one', async (sim, { does }) => {
  await does('REMIND');
  await sim.advance(600);
  await does('REMIND');
  assert.equal(sim.deadlines().length, 1);
  await sim.advance(600);
  assert.deepEqual(sim.context(me)['got'], []);
  await sim.advance(400);
  assert.deepEqual(sim.context(me)['got'], ['reminder']);
});

inEachMode('a state entered and left within one step leaves no timer and no job behind', async (sim, { does, operations }) => {
  await does('BRIEF');
  assert.equal(sim.value(me), 'idle');
  assert.deepEqual(sim.deadlines(), []);
  assert.deepEqual(sim.jobs(), []);
  assert.deepEqual(operations, []);
});

inEachMode('cancelling what is not scheduled does nothing', async (sim, { does }) => {
  await does('UNREMIND');
  assert.equal(sim.value(me), 'idle');
});

inEachMode('a final state withdraws every timer', async (sim, { does }) => {
  await does('REMIND', 'END');
  assert.equal(sim.record(me)!.status, 'done');
  assert.deepEqual(sim.deadlines(), []);
});

inEachMode('a timer that another actor forged is refused', async (sim, { does }) => {
  await does('REMIND');
  const [timer] = sim.deadlines();
  sim.send(me, 'mallory/1', timer!.body as never);
  await sim.idle();
  assert.deepEqual(sim.context(me)['got'], []);
  assert.ok(sim.notes().some((note) => /^refused: .*timer.*mallory\/1/.test(note)), sim.notes().join('\n'));
  await sim.advance(1_000);
  assert.deepEqual(sim.context(me)['got'], ['reminder'], 'the real one still comes');
});
