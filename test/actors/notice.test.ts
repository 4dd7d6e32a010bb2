// What a machine emits and logs stands in its history, whatever it is and however much.
import assert from 'node:assert/strict';
import test from 'node:test';
import { emit, enqueueActions, log, setup } from 'xstate';
import { noticesMax, toNotice } from '#actors/notice.ts';
import { createSim } from '#test/kit/sim.ts';
import { loose } from './step-kit.ts';

const circle: Record<string, unknown> = {};
circle['self'] = circle;

const talker = setup({ ...loose('SAY MUCH ODD') }).createMachine({
  id: 'talker', version: '1', context: { n: 2 },
  on: {
    SAY: { actions: [emit(({ context }: any) => ({ type: 'counted', n: context.n })), log(({ context }: any) => context.n, 'n is'), log('said')] },
    MUCH: { actions: enqueueActions(({ enqueue }: any) => { for (let i = 0; i < 200; i++) enqueue.emit({ type: 'again', i }); }) },
    ODD: { actions: [log(() => circle), log(() => () => 1), log(() => 10n), log(() => new RangeError('too far')), log(() => 'x'.repeat(10_000))] },
  },
});

test('emit and log stand in the journal row of their step, in order, with the label of the log', async () => {
  const sim = createSim({ machines: [talker] });
  await sim.start('talker/1', talker).event('talker/1', { type: 'SAY' }).idle();
  assert.deepEqual(sim.history('talker/1').at(-1)!.body!['notices'], [{ kind: 'emit', value: { type: 'counted', n: 2 } }, { kind: 'log', label: 'n is', value: 2 }, { kind: 'log', value: 'said' }]);
});

test('a step says only so much: the rest is dropped and the step is taken', async () => {
  const sim = createSim({ machines: [talker] });
  await sim.start('talker/1', talker).event('talker/1', { type: 'MUCH' }).idle();
  assert.deepEqual(sim.recorded.notices.map(({ value }) => (value as { i: number }).i), Array.from({ length: noticesMax }, (_, i) => i));
  assert.equal(sim.record('talker/1')!.rev, 1);
});

test('what is no JSON is said as a text, and never parks the step', async () => {
  const sim = createSim({ machines: [talker] });
  await sim.start('talker/1', talker).event('talker/1', { type: 'ODD' }).idle();
  assert.deepEqual(sim.notes(), []);
  assert.deepEqual(sim.recorded.notices.slice(0, 4).map(({ value }) => value), ['(object)', '(function)', '(bigint)', 'RangeError: too far']);
  const long = sim.recorded.notices[4]!.value as string;
  assert.ok(long.length < 5_000 && long.endsWith('…'));
});

test('a value that holds what JSON has not is kept without it', () => {
  assert.deepEqual(toNotice('log', { a: 1, run: () => 1, at: new Date(0) }).value, { a: 1, at: '1970-01-01T00:00:00.000Z' });
});
