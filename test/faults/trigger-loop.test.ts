// Goal: two machines whose triggers start each other come to rest by themselves, and the operator can say that it was seen. Method:
// store, bus, host, worker, deadlines and desk for real; between two triggers lie a deadline and a job.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setup } from 'xstate';
import { z } from 'zod';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { createDesk } from '#connectors/console/desk.ts';
import { emptyCommit } from '#machines/commit.ts';
import { activity, protocol, records } from '#machines/define.ts';
import { changeSchema, parseTrigger } from '#machines/triggers.ts';
import { chainMax } from '#store/trigger-loops.ts';
import { startWorld } from '#test/kit/world.ts';

const shape = protocol({ context: z.object({}), input: z.object({ change: changeSchema }), output: z.unknown(), events: {} });
const look = activity({ name: 'look.up', input: z.object({}), output: z.object({}), timeoutMs: 10_000, retry: 'never' });
const facts = {
  ping: { entity: 'asset/table', predicate: 'asset.note', value: 'again', label: 'system', confidence: 1 },
  pong: { entity: 'product/chair', predicate: 'product.name', value: 'Chair', label: 'system', confidence: 1 },
} as const;
/** Waits a moment, looks something up, and records what starts the other one. */
const machineOf = (id: 'ping' | 'pong', other: 'ping' | 'pong') => setup({ types: shape.types, schemas: shape.schemas, actors: { look }, actions: { ...records }, delays: { moment: 5 } }).createMachine({
  id, version: '1', context: {}, initial: 'waiting',
  states: {
    waiting: { after: { moment: 'looking' } },
    looking: { invoke: { id: 'look', src: 'look', input: {}, onDone: 'recorded' } },
    recorded: { type: 'final', entry: { type: 'recordFact', params: facts[other] } },
  },
});
const triggers = (['ping', 'pong'] as const).map((name) => parseTrigger({ name, on: 'fact', predicate: facts[name].predicate, start: { machine: `${name}@1` } }));

test('machines that start each other through triggers come to rest, and the inbox says why until it is seen', { timeout: 60_000 }, async (t) => {
  const world = await startWorld({ machines: [machineOf('ping', 'pong'), machineOf('pong', 'ping')], activities: { 'look.up': async () => ({}) }, triggers });
  t.after(() => world.stop());
  await world.store.commit({ ...emptyCommit('begin', systemClock.now(), 'order/1', {}), facts: [facts.ping] });
  const inbox = async () => (await world.store.query('inbox', {})) as { id: string; kind: string; summary: string }[];
  const [told] = await world.until('the operator is told', async () => { const items = await inbox(); return items.length > 0 && items; });
  assert.match(told!.summary, /without end and were stopped: ping, pong$/);
  await world.until('rest', async () => ((await world.store.query('status', {})) as { inFlight: number }).inFlight === 0);
  const actors = (await world.store.query('actors', {})) as { address: string }[];
  assert.equal(actors.filter(({ address }) => /^(ping|pong)\//.test(address)).length, chainMax);
  const desk = createDesk({ store: world.store, bus: world.bus, clock: systemClock, makeId: randomId });
  assert.equal((await desk.approve(told!.id, {})).state, 'completed');
  assert.deepEqual(await inbox(), []);
});
