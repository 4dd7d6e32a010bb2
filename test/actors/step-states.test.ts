import assert from 'node:assert/strict';
import { address } from '#machines/address.ts';
import { inEachMode } from './step-kit.ts';

const me = address('boss', '1');

inEachMode('parallel regions move on their own and deep history restores all of them', async (sim, { does }) => {
  await does('PAR', 'L', 'X', 'OUT');
  assert.equal(sim.value(me), 'out');
  await does('BACK');
  assert.deepEqual(sim.value(me), { par: { left: { l2: 'y' }, right: 'r1' } });
});

inEachMode('onDone of a parallel state waits for every region', async (sim, { does }) => {
  await does('PAR', 'L', 'LF');
  assert.deepEqual(sim.value(me), { par: { left: 'lf', right: 'r1' } });
  await does('R');
  assert.equal(sim.value(me), 'idle');
});

inEachMode('shallow history restores the child and starts inside it anew', async (sim, { does }) => {
  await does('PAR', 'OUT', 'L');
  assert.deepEqual(sim.value(me), { nest: { n2: 'x' } });
  await does('X', 'OUT', 'SHALLOW');
  assert.deepEqual(sim.value(me), { nest: { n2: 'x' } }, 'n2 is remembered, y inside it is not');
});

inEachMode('an undelayed raise, an emit and a log are seen in the same step', async (sim, { does }) => {
  await does('MISC');
  assert.deepEqual(sim.context(me)['got'], ['raised']);
  assert.deepEqual(sim.recorded.notices, [{ kind: 'emit', value: { type: 'hello', v: 1 } }, { kind: 'log', value: 500 }]);
  assert.equal(sim.record(me)!.rev, 1);
});

inEachMode('enqueueActions enqueues durable actions', async (sim, { does }) => {
  await does('ENQUEUE');
  assert.deepEqual(sim.context(me)['got'], ['enqueued']);
  assert.deepEqual(sim.recorded.notices, [{ kind: 'emit', value: { type: 'enqueued' } }]);
  assert.deepEqual(sim.context(sim.record(me)!.children['kid']!.address), { n: 7 });
});

inEachMode('the four records of a step are handed to the store, a draft with its hash', async (sim, { does }) => {
  await does('RECORD');
  const { facts, intents, artifacts, decisions } = sim.recorded;
  assert.deepEqual([facts.length, intents.length, artifacts.length, decisions.length], [1, 1, 1, 1]);
  assert.equal(artifacts[0]!.sizeBytes, 5);
  assert.equal(artifacts[0]!.hash, 'fe263064ba02eaeac482aaf1309553779bdb78e385cb1374654de293e191d785');
});

inEachMode('a final state ends the actor with its output', async (sim, { does }) => {
  await does('MISC', 'END');
  const record = sim.record(me)!;
  assert.equal(record.status, 'done');
  assert.deepEqual(record.snapshot.output, { got: ['raised'] });
});

inEachMode('an event to an ended actor is kept as ignored', async (sim, { does }) => {
  await does('END', 'MISC');
  assert.deepEqual(sim.notes(), ['ignored: the actor is done']);
  assert.equal(sim.record(me)!.rev, 1);
});

inEachMode('starting an actor twice is ignored', async (sim) => {
  const before = sim.stored(me);
  sim.send(me, 'operator/test', { kind: 'start', machine: 'boss@1', input: { patience: 1 } });
  await sim.idle();
  assert.deepEqual(sim.notes(), ['ignored: already started']);
  assert.equal(sim.stored(me), before);
});

inEachMode('an event to nobody is kept as ignored', async (sim) => {
  await sim.event('boss/nobody', { type: 'MISC' }).idle();
  assert.deepEqual(sim.notes(), ['ignored: no such actor']);
});

inEachMode('an event the state does not know changes nothing and says so', async (sim, { does }) => {
  const before = sim.stored(me);
  await does('BACK');
  assert.deepEqual(sim.notes(), [`ignored: no transition for 'BACK' in "idle"`]);
  assert.equal(sim.stored(me), before);
});
