// Children that are machines: started, spoken to, stopped, failing, and left behind by nobody.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assign, raise, sendTo, setup, spawnChild, type AnyStateMachine } from 'xstate';
import { address } from '#machines/address.ts';
import { createSim, type Sim } from '#test/kit/sim.ts';
import { boss, inEachMode, kid as child, loose, square } from './step-kit.ts';

const me = address('boss', '1');
const got = (sim: Sim) => sim.context<{ got: unknown[] }>(me).got;
const kidOf = (sim: Sim) => sim.record(me)!.children['kid']!.address;

inEachMode('spawnChild starts a durable actor that can speak to its parent', async (sim, { does }) => {
  await does('SPAWN');
  assert.equal(sim.context(me)['ready'], 1);
  assert.deepEqual(sim.context(kidOf(sim)), { n: 10 });
  assert.equal(sim.record(kidOf(sim))!.parent!.address, me);
});

inEachMode('sendTo reaches the child and sendParent answers', async (sim, { does }) => {
  await does('SPAWN', 'TELL');
  assert.deepEqual(sim.context(kidOf(sim)), { n: 15 });
  assert.deepEqual(got(sim), [15]);
});

inEachMode('a delayed sendTo goes out when due unless it is cancelled', async (sim, { does }) => {
  await does('SPAWN', 'TELL_LATER', 'UNTELL');
  await sim.advance(60);
  assert.deepEqual(sim.context(kidOf(sim)), { n: 10 });
  await does('TELL_LATER');
  await sim.advance(49);
  assert.deepEqual(sim.context(kidOf(sim)), { n: 10 });
  await sim.advance(1);
  assert.deepEqual(sim.context(kidOf(sim)), { n: 110 });
  assert.deepEqual(got(sim), [110]);
});

inEachMode("a child's output comes back as done", async (sim, { does }) => {
  await does('SPAWN', 'FIRE');
  assert.deepEqual(got(sim), ['done:10']);
  assert.equal(sim.record(kidOf(sim))!.status, 'done');
  assert.equal(sim.record(me)!.children['kid']!.settled, true);
});

inEachMode('a child that throws tells its parent and stays in error', async (sim, { does }) => {
  await does('SPAWN');
  const kid = kidOf(sim);
  await does('BREAK');
  assert.equal(sim.record(kid)!.status, 'error');
  assert.deepEqual(sim.record(kid)!.snapshot.error, { code: 'TypeError', message: 'broken' });
  assert.deepEqual(got(sim), ['error:broken']);
  assert.equal(sim.record(me)!.status, 'active');
});

inEachMode('spawning again under the same id is another actor and stops the first', async (sim, { does }) => {
  await does('SPAWN');
  const first = kidOf(sim);
  await does('SPAWN');
  assert.notEqual(kidOf(sim), first);
  assert.equal(sim.record(first)!.status, 'stopped');
  assert.equal(sim.record(kidOf(sim))!.status, 'active');
});

inEachMode('spawning again after the first is done does not disturb the first', async (sim, { does }) => {
  await does('SPAWN', 'FIRE');
  const first = kidOf(sim);
  await does('SPAWN');
  assert.notEqual(kidOf(sim), first);
  assert.equal(sim.record(first)!.status, 'done');
});

inEachMode('stopChild stops the child and forgets it; its late word is stale', async (sim, { does }) => {
  await does('SPAWN');
  const { address: kid, gen } = sim.record(me)!.children['kid']!;
  await does('KILL');
  assert.equal(sim.record(kid)!.status, 'stopped');
  assert.deepEqual(sim.record(me)!.children, {});
  sim.send(me, kid, { kind: 'done', child: 'kid', gen, output: 1 });
  await sim.idle();
  assert.deepEqual(got(sim), []);
  assert.ok(sim.notes().includes('ignored: stale child result'));
});

inEachMode('a stopped child says nothing to its parent', async (sim, { does }) => {
  await does('SPAWN', 'KILL');
  assert.deepEqual(got(sim), []);
  assert.equal(sim.record(me)!.rev, 3, 'started, SPAWN, KID_READY, KILL');
});

inEachMode('a child spawned inside assign is as durable as any', async (sim, { does }) => {
  await does('ASPAWN');
  const kid = sim.record(me)!.children['akid']!.address;
  assert.deepEqual(sim.context(kid), { n: 1 });
  await does('END');
  assert.equal(sim.record(kid)!.status, 'stopped');
});

inEachMode('a final state stops the children', async (sim, { does }) => {
  await does('SPAWN');
  const kid = kidOf(sim);
  await does('END');
  assert.equal(sim.record(kid)!.status, 'stopped');
});

inEachMode('stopping an actor stops its children', async (sim, { does }) => {
  await does('SPAWN');
  const kid = kidOf(sim);
  sim.send(me, 'operator/test', { kind: 'stop' });
  await sim.idle();
  assert.equal(sim.record(me)!.status, 'stopped');
  assert.equal(sim.record(kid)!.status, 'stopped');
});

inEachMode('a stop for an earlier start of the child is stale', async (sim, { does }) => {
  await does('SPAWN');
  const kid = kidOf(sim);
  for (const gen of [undefined, 'boss/1#0.0']) sim.send(kid, me, { kind: 'stop', ...(gen ? { gen } : {}) });
  await sim.idle();
  assert.equal(sim.record(kid)!.status, 'active');
  assert.deepEqual(sim.notes(), ['ignored: stale stop', 'ignored: stale stop']);
});

inEachMode('a stop that another actor forged is refused', async (sim, { does }) => {
  await does('SPAWN');
  const { address: kid, gen } = sim.record(me)!.children['kid']!;
  sim.send(kid, 'mallory/1', { kind: 'stop', gen });
  sim.send(me, 'mallory/1', { kind: 'stop' });
  await sim.idle();
  assert.equal(sim.record(kid)!.status, 'active');
  assert.equal(sim.record(me)!.status, 'active');
  assert.equal(sim.notes().filter((note) => /^refused: .*mallory\/1/.test(note)).length, 2);
});

inEachMode('nobody can start an actor in the name of another parent', async (sim) => {
  sim.send('kid/forged', 'mallory/1', { kind: 'start', machine: 'kid@1', input: { n: 1 }, parent: { address: me, child: 'kid', gen: 'x' } });
  await sim.idle();
  assert.equal(sim.record('kid/forged'), null);
  assert.ok(sim.notes().some((note) => /^refused: .*mallory\/1/.test(note)), sim.notes().join('\n'));
});

inEachMode('system.get(address) reaches any actor', async (sim) => {
  await sim.start('boss/2', boss, {}).event(me, { type: 'PING', replyTo: 'boss/2' }).idle();
  assert.deepEqual(sim.context('boss/2')['got'], ['pong']);
});

inEachMode('a name that is no address parks the message instead of losing what it sends', async (sim) => {
  const before = sim.stored(me);
  await sim.event(me, { type: 'PING', replyTo: 'no address' }).idle();
  assert.deepEqual(sim.notes(), [`parked: 'no address' is not an address`]);
  assert.equal(sim.stored(me), before);
});

const middle = setup({ ...loose('TRIP KID_READY LATE'), actors: { kid: child, square } }).createMachine({
  id: 'middle', version: '1', context: {}, invoke: { id: 'sq', src: 'square', input: { x: 2 } },
  entry: [spawnChild('kid', { id: 'kid', input: { n: 1 } }), raise({ type: 'LATE' }, { delay: 1_000 })],
  on: { TRIP: { actions: assign(() => { throw new Error('tripped'); }) } },
} as any);
const top = setup({ ...loose('X'), actors: { middle } }).createMachine({ id: 'top', version: '1', initial: 'on', context: {}, states: { on: { invoke: { id: 'm', src: 'middle', onError: 'sad' } }, sad: {} } } as any);

test('an actor that fails takes what runs below it along: children, jobs and timers', async () => {
  const sim = createSim({ machines: [top as never] });
  sim.runJobs = false;
  await sim.start('top/1', top as never).idle();
  const { m } = sim.record('top/1')!.children;
  const young = sim.record(m!.address)!.children['kid']!.address;
  assert.deepEqual([sim.jobs().length, sim.deadlines().length, sim.record(young)!.status], [1, 1, 'active']);
  await sim.event(m!.address, { type: 'TRIP' }).idle();
  assert.equal(sim.record(m!.address)!.status, 'error');
  assert.deepEqual([sim.jobs(), sim.deadlines(), sim.record(young)!.status], [[], [], 'stopped']);
  assert.equal(sim.value('top/1'), 'sad');
});

const flash = setup({ ...loose('FLASH STAY KID_READY NOTE'), actors: { kid: child } }).createMachine({
  id: 'flash', version: '1', initial: 'idle', context: { got: [] }, on: { '*': { actions: assign({ got: ({ context, event }: any) => [...context.got, event.v ?? event.type] }) } },
  states: {
    idle: { on: { FLASH: 'left', STAY: 'stay' } },
    left: { entry: sendTo('kid', { type: 'ADD', by: 1 }), invoke: { id: 'kid', src: 'kid', input: { n: 0 } }, always: 'idle' },
    stay: { entry: sendTo('kid', { type: 'ADD', by: 1 }), invoke: { id: 'kid', src: 'kid', input: { n: 0 } } },
  },
} as any) as AnyStateMachine;

test('a child that is made and left within one step is never born, and what was said to it is not sent', async () => {
  const sim = createSim({ machines: [flash] });
  await sim.start('flash/1', flash).event('flash/1', { type: 'FLASH' }).idle();
  assert.deepEqual([sim.addresses(), sim.notes(), sim.context('flash/1')['got'], sim.record('flash/1')!.children], [['flash/1'], [], [], {}]);
});

test('what an entry action says to a child that is invoked after it waits for the start of the child', async () => {
  const sim = createSim({ machines: [flash] });
  await sim.start('flash/1', flash).event('flash/1', { type: 'STAY' }).idle();
  assert.deepEqual([sim.notes(), sim.context('flash/1')['got']], [[], ['KID_READY', 1]]);
});
