import assert from 'node:assert/strict';
import test from 'node:test';
import { createRegistry } from '#actors/registry.ts';
import { replay, type HistoryRow } from '#actors/replay.ts';
import { assign, setup } from 'xstate';
import { createSim } from '#test/kit/sim.ts';
import { boss, loose, squares } from './step-kit.ts';

const me = 'boss/1';

async function makeHistory(chaos = 0) {
  const sim = createSim({ machines: [boss], activities: squares().activities, chaos, seed: 5 });
  await sim.start(me, boss, { patience: 700 }).idle();
  for (const type of ['SPAWN', 'TELL', 'WAIT', 'FORGED', 'AGAIN']) await sim.event(me, { type }).idle();
  await sim.advance(100);
  for (const event of [{ type: 'CALC', x: 4 }, { type: 'CALC', x: -4 }, { type: 'TELL_LATER' }, { type: 'xstate.stop' }, { type: 'PING', replyTo: 'no address' }, { type: 'RECORD' }]) await sim.event(me, event).idle();
  await sim.advance(60);
  await sim.event(me, { type: 'FIRE' }).event(me, { type: 'END' }).event(me, { type: 'MISC' }).idle();
  return { sim, rows: sim.history(me), stored: sim.stored(me)! };
}
const copy = (rows: HistoryRow[]) => JSON.parse(JSON.stringify(rows)) as HistoryRow[];

test('folding the history of an actor gives its stored record, to the byte', async () => {
  for (const chaos of [0, 0.3]) {
    const { sim, rows, stored } = await makeHistory(chaos);
    const result = replay(sim.registry, me, rows, stored);
    assert.equal(result.difference, undefined);
    assert.deepEqual({ matches: result.matches, steps: result.steps }, { matches: true, steps: rows.filter(({ outcome }) => outcome !== 'parked').length });
    assert.ok(result.steps > 15);
  }
});

test('the history of a child, sent to and stopped, replays as well', async () => {
  const { sim } = await makeHistory();
  const kid = sim.addresses().find((address) => address.startsWith('kid/'))!;
  assert.equal(replay(sim.registry, kid, sim.history(kid), sim.stored(kid)).matches, true);
});

test('replay up to a revision gives the record of that time', async () => {
  const { sim, rows, stored } = await makeHistory();
  const { matches, record } = replay(sim.registry, me, rows, stored, 4);
  assert.equal(matches, true);
  assert.equal(record!.rev, 4);
  assert.notEqual(JSON.stringify(record), stored);
});

test('a machine that was changed under the same version is found', async () => {
  const { rows, stored } = await makeHistory();
  const other = setup({ ...loose('SPAWN TELL WAIT') }).createMachine({ id: 'boss', version: '1', initial: 'idle', context: { got: [] }, states: { idle: {} } });
  const { matches, difference } = replay(createRegistry([other]), me, rows, stored);
  assert.equal(matches, false);
  assert.deepEqual([difference!.rev, difference!.reason], [0, 'gave another state than was stored']);
});

test('a build without the machine says so', async () => {
  const { rows, stored } = await makeHistory();
  const { matches, difference } = replay(createRegistry([]), me, rows, stored);
  assert.deepEqual([matches, difference!.reason], [false, `this build has no machine 'boss@1'`]);
});

test('a changed message is found at its row', async () => {
  const { sim, rows, stored } = await makeHistory();
  const changed = copy(rows);
  const row = changed.find(({ body }) => body!.message?.kind === 'done' && body!.message.child === 'sq')!;
  Object.assign(row.body!.message!, { output: 17 });
  const { matches, difference } = replay(sim.registry, me, changed, stored);
  assert.deepEqual([matches, difference!.seq], [false, row.seq]);
});

test('a changed time is found where a deadline came from it', async () => {
  const { sim, rows, stored } = await makeHistory();
  const changed = copy(rows);
  const row = changed.find(({ body }) => body!.message?.kind === 'event' && body!.message.event.type === 'WAIT')!;
  row.at_ms += 1;
  assert.deepEqual(replay(sim.registry, me, changed, stored).difference, { rev: row.rev, seq: row.seq, reason: 'gave another state than was stored' });
});

test('any missing step is found', async () => {
  const { sim, rows, stored } = await makeHistory();
  for (const row of rows.filter(({ outcome }) => outcome === 'applied')) {
    const result = replay(sim.registry, me, rows.filter((other) => other !== row), stored);
    assert.equal(result.matches, false, `without revision ${row.rev}`);
  }
});

test('an outcome that was changed is found', async () => {
  const { sim, rows, stored } = await makeHistory();
  const changed = copy(rows);
  const row = changed.find(({ outcome }) => outcome === 'ignored')!;
  row.outcome = 'refused';
  assert.deepEqual(replay(sim.registry, me, changed, stored).difference, { rev: null, seq: row.seq, reason: 'was refused, is ignored now' });
});

test('a stored record that its history does not give is found', async () => {
  const { sim, rows, stored } = await makeHistory();
  const { matches, difference } = replay(sim.registry, me, rows, stored.replace('"patience":700', '"patience":701'));
  assert.deepEqual([matches, difference!.reason], [false, 'the stored record is not what its history gives']);
});

test('a machine that only got one more state under the same version gives the same, and the change is told', async () => {
  const make = (more: object) => setup({ ...loose('GO') }).createMachine({ id: 'small', version: '1', initial: 'a', context: { n: 0 }, states: { a: { on: { GO: { actions: assign({ n: ({ context }: any) => context.n + 1 }) } } }, ...more } });
  const sim = createSim({ machines: [make({})] });
  await sim.start('small/1', make({})).event('small/1', { type: 'GO' }).idle();
  const again = (more: object) => replay(createRegistry([make(more)]), 'small/1', sim.history('small/1'), sim.stored('small/1'));
  assert.deepEqual([again({}).matches, again({}).changed], [true, undefined]);
  assert.deepEqual([again({ b: {} }).matches, again({ b: {} }).changed], [true, 'small@1']);
});
