// A failing actor and one that stands still, on the real bus and store: the operator is asked, and each answer helps on.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { silentLog } from '#actors/log.ts';
import { replay, type HistoryRow } from '#actors/replay.ts';
import { createDesk, type Desk } from '#connectors/console/desk.ts';
import { failureItem, supervisorMachine } from '#machines/agents/supervisor.ts';
import { protocol, records } from '#machines/define.ts';
import { supervisorAddress } from '#machines/hold.ts';
import { startStanding } from '#supervisor/main-standing.ts';
import { watchStuck } from '#supervisor/main-supervisor.ts';
import { startWorld, type World } from '#test/kit/world.ts';

const shapes = protocol({ context: z.object({ sum: z.number() }), input: z.object({}), output: z.any(), events: { ADD: z.object({ by: z.number() }), SINK: z.object({}), MUTE: z.object({}), APPROVE: z.object({}) }, operatorOnly: ['APPROVE'] });
/** Fails on 13; SINK leads to where nothing leads out of, MUTE to where it waits for the operator without a question. */
const adder = setup({ types: shapes.types, schemas: shapes.schemas, actions: records }).createMachine({
  id: 'adder', version: '1', initial: 'on', context: { sum: 0 },
  states: {
    on: { on: { ADD: { actions: assign({ sum: ({ context, event }) => { if (event.by === 13) throw new TypeError('no 13 here'); return context.sum + event.by; } }) }, SINK: 'sunk', MUTE: 'mute' } },
    sunk: {},
    mute: { on: { APPROVE: 'on' } },
  },
});

let world: World;
let desk: Desk;
before(async () => {
  world = await startWorld({ machines: [adder, supervisorMachine] });
  desk = createDesk({ store: world.store, bus: world.bus, clock: systemClock, makeId: randomId });
  await startStanding(world.store, supervisorMachine, Date.now());
  await world.until('the supervisor', () => world.record(supervisorAddress));
});
after(() => world.stop());

const intent = (id: string) => world.store.query('intent', { id }) as Promise<{ state: string; summary: string } | null>;
const sum = async (address: string) => (await world.record(address))!.snapshot.context as { sum: number };

test('a second start of the server starts no second supervisor', async () => {
  await startStanding(world.store, supervisorMachine, Date.now());
  assert.equal((await world.record(supervisorAddress))!.rev, 0);
});

test('a step that fails becomes a question; "skip" goes on with what waited behind it, and everything replays', async () => {
  await world.start('adder/1', 'adder@1', {});
  const said = await world.event('adder/1', { type: 'ADD', by: 13 });
  assert.deepEqual([said.outcome, said.note], ['applied', 'failed: no 13 here']);
  assert.match((await world.event('adder/1', { type: 'ADD', by: 2 })).note!, /^kept/);
  const item = failureItem('adder/1', 1);
  await world.until('the question', async () => (await intent(item))?.state === 'input-required');
  await assert.rejects(desk.respond(item, { text: 'do something' }), { code: 'REFUSED' });
  await desk.respond(item, { text: 'skip' });
  await world.until('the end of the question', async () => (await intent(item))?.state === 'completed');
  await world.until('what waited', async () => (await sum('adder/1')).sum === 2);
  for (const address of ['adder/1', supervisorAddress]) {
    const rows = (await world.store.query('history', { address })) as HistoryRow[];
    assert.deepEqual(replay(world.registry, address, rows, JSON.stringify(await world.record(address))).difference, undefined);
  }
});

test('"reject" ends it as failed, and a second answer is told that it is over', async () => {
  await world.start('adder/2', 'adder@1', {});
  await world.event('adder/2', { type: 'ADD', by: 13 });
  const item = failureItem('adder/2', 1);
  await world.until('the question', () => intent(item));
  await desk.reject(item, { reason: 'enough' });
  await world.until('its end', async () => (await world.record('adder/2'))!.status === 'error');
  await world.until('the end of the question', async () => (await intent(item))?.state === 'completed');
  await assert.rejects(desk.approve(item, {}), { code: 'REFUSED' });
});

test('who can never move again is raised once; who waits for an event is not', async () => {
  for (const [address, type] of [['adder/sunk', 'SINK'], ['adder/mute', 'MUTE'], ['adder/fine', 'ADD']] as const) {
    await world.start(address, 'adder@1', {});
    await world.event(address, { type, by: 1 });
  }
  const stuck = async () => ((await world.store.query('inbox', {})) as { id: string; summary: string }[]).filter(({ id }) => id.startsWith('stuck-'));
  watchStuck({ store: world.store, registry: world.registry, clock: systemClock, log: silentLog })();
  await world.until('both', async () => (await stuck()).length === 2);
  watchStuck({ store: world.store, registry: world.registry, clock: systemClock, log: silentLog })();
  await systemClock.sleep(300);
  const found = (await stuck()).map(({ summary }) => summary).toSorted();
  assert.equal(found.length, 2);
  assert.match(found[0]!, /^adder\/mute stands still for ever: in "mute" it waits for the operator, but asks nothing/);
  assert.match(found[1]!, /^adder\/sunk stands still for ever: "sunk" is not final, but/);
});
