// What no reading of a machine can find before it runs: the step is parked with the reason, and the actor stays as it was.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assign, enqueueActions, fromPromise, raise, sendTo, setup, spawnChild } from 'xstate';
import { createSim } from '#test/kit/sim.ts';
import { kid, loose } from './step-kit.ts';

const careless = setup({ ...loose('INLINE BARE NAMELESS REF BODY NAMED INPUT LATER SENT EARLY'), actors: { kid } }).createMachine({
  id: 'careless', version: '1', context: { kept: 1 },
  on: {
    INLINE: { actions: assign(({ spawn }: any) => { spawn(fromPromise(async () => 1), { id: 'p' }); return {}; }) },
    BARE: { actions: assign(({ spawn }: any) => { spawn('kid', { input: { n: 1 } }); return {}; }) },
    NAMELESS: { actions: enqueueActions(({ enqueue }: any) => enqueue.spawnChild('kid', { input: { n: 1 } })) },
    REF: { actions: assign(({ spawn }: any) => ({ kept: spawn('kid', { id: 'k', input: { n: 1 } }) })) },
    BODY: { actions: enqueueActions(({ enqueue }: any) => enqueue(function shout() {})) },
    NAMED: { actions: enqueueActions(({ enqueue }: any) => enqueue('whisper')) },
    INPUT: { actions: spawnChild('kid', { id: 'k', input: () => ({ n: new Map() }) }) },
    LATER: { actions: raise({ type: 'LATER', at: new Date(0) } as never, { delay: 5 }) },
    SENT: { actions: sendTo(({ self }: any) => self, { type: 'LATER', run: () => {} } as never) },
    EARLY: { actions: enqueueActions(({ enqueue }: any) => enqueue.raise({ type: 'LATER' }, { delay: -5 })) },
  },
} as any);

for (const [type, says] of [
  ['INLINE', 'a spawned actor needs a source registered in setup({actors})'],
  ['BARE', "the spawn of 'kid' needs an explicit id"],
  ['NAMELESS', "the spawn of 'kid' needs an explicit id"],
  ['REF', 'context.kept: a live actor reference; store its address or id'],
  ['BODY', "the action 'shout' is not one a durable machine can take"],
  ['NAMED', "the action 'whisper' is not one a durable machine can take"],
  ['INPUT', 'input of k.n: a Map is not plain JSON'],
  ['LATER', 'delayed event.at: a Date is not plain JSON'],
  ['SENT', 'sent event.run: a function is not JSON'],
  ['EARLY', "the delay of 'LATER' is -5"],
] as const) {
  test(`a step that cannot be kept is parked: ${says}`, async () => {
    const sim = createSim({ machines: [careless as never] });
    await sim.start('careless/1', careless as never).idle();
    const before = sim.stored('careless/1');
    await sim.event('careless/1', { type }).idle();
    assert.deepEqual(sim.notes(), [`parked: ${says}`]);
    assert.equal(sim.stored('careless/1'), before);
    assert.deepEqual([sim.addresses(), sim.deadlines()], [['careless/1'], []]);
  });
}
