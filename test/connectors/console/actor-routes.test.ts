// Goal: the console's routes say of an actor what it is, was and may become. Method: the real store, bus and host with one small machine,
// and the routes called as the server calls them, with what their schemas make of a request.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { systemClock } from '#actors/clock.ts';
import { forkActor } from '#actors/fork.ts';
import { randomId } from '#actors/ids.ts';
import { actorRoutes, type ActorRow, type ShownActor, type ShownStep, type Tried } from '#connectors/console/actor-routes.ts';
import { createActors } from '#connectors/console/desk-actors.ts';
import type { Route } from '#connectors/console/route.ts';
import { protocol } from '#machines/define.ts';
import { emptyCommit } from '#machines/commit.ts';
import { startWorld, type World } from '#test/kit/world.ts';

const shop = protocol({
  input: z.object({ item: z.string() }), output: z.object({ paid: z.number() }), operatorOnly: ['VOID'],
  context: z.object({ item: z.string(), paid: z.number(), notes: z.array(z.string()) }),
  events: { PAY: z.object({ amount: z.number(), note: z.string().optional() }), SHIP: z.object({}), VOID: z.object({}) },
});
const orderMachine = setup({ types: shop.types, schemas: shop.schemas }).createMachine({
  id: 'order', version: '1', initial: 'open', context: ({ input }) => ({ item: input.item, paid: 0, notes: [] }),
  states: {
    open: { after: { 86_400_000: 'late' }, on: { PAY: { target: 'paid', actions: assign({ paid: ({ event }) => event.amount, notes: ({ context, event }) => [...context.notes, event.note ?? ''] }) }, VOID: 'late' } },
    paid: { on: { SHIP: 'shipped' } },
    late: {},
    shipped: { type: 'final' },
  },
  output: ({ context }) => ({ paid: context.paid }),
});

let world: World;
let routes: Route[];

before(async () => {
  world = await startWorld({ machines: [orderMachine] });
  const { store, bus, registry } = world;
  routes = actorRoutes({
    query: store.query, registry, nowMs: systemClock.now, actors: createActors({ store, bus, makeId: randomId, machines: registry.list() }),
    fork: (request) => forkActor({ store, registry, nowMs: systemClock.now(), from: 'operator/desk' }, request),
  });
});
after(() => world.stop());

async function ask<T>(method: 'get' | 'post', path: string, { params = {}, query = {}, body = null }: { params?: object; query?: object; body?: unknown }): Promise<T> {
  const route = routes.find((one) => one.method === method && one.path === path)!;
  return route.handle({ params, query: route.query.parse(query), body: route.body?.parse(body) ?? null, by: { who: 'operator', via: 'token' } }) as Promise<T>;
}
const show = (address: string, query = {}) => ask<ShownActor>('get', '/api/actors/:address', { params: { address }, query });
const steps = (address: string, query = {}) => ask<{ steps: ShownStep[]; next: number | null }>('get', '/api/actors/:address/steps', { params: { address }, query });
const list = (query = {}) => ask<{ actors: ActorRow[]; next: string | null }>('get', '/api/actors', { query });
const attempt = (address: string, body: object) => ask<Tried>('post', '/api/actors/:address/try', { params: { address }, body });

let made = 0;
async function order(...events: { type: string; [field: string]: unknown }[]): Promise<string> {
  const address = `order/o-${++made}`;
  await world.start(address, 'order@1', { item: 'lamp' });
  for (const event of events) await world.event(address, event);
  return address;
}

test('an actor is shown with what it understands, the fields of each event, its deadline and what can be done with it', async () => {
  const address = await order();
  const shown = await show(address);
  assert.deepEqual([shown.key, shown.known, shown.value, shown.rev, shown.newest, shown.status], ['order@1', true, 'open', 0, 0, 'active']);
  assert.deepEqual(shown.next, [
    { type: 'PAY', isForOperator: false, fields: [{ name: 'amount', type: 'number', isRequired: true }, { name: 'note', type: 'string', isRequired: false }] },
    { type: 'VOID', isForOperator: true, fields: [] },
  ]);
  assert.deepEqual(shown.deeds, ['pause', 'stop', 'cancel']);
  assert.deepEqual([shown.waitingFor, Object.values(shown.timers).map(({ dueMs }) => new Date(dueMs).toISOString())], ['a message', [shown.until]]);
});

test('going back in time shows the state, the data and what that step changed', async () => {
  const address = await order({ type: 'PAY', amount: 40, note: 'cash' }, { type: 'SHIP' });
  const then = await show(address, { at: '0' });
  assert.deepEqual([then.value, then.rev, then.newest, then.next, then.deeds], ['open', 0, 2, [], []]);
  const paid = await show(address, { at: '1' });
  assert.deepEqual([paid.value, paid.changes], ['paid', [{ path: 'paid', before: 0, after: 40 }, { path: 'notes[0]', after: 'cash' }]]);
  const now = await show(address);
  assert.deepEqual([now.status, now.output, now.changes, now.deeds, now.waitingFor], ['done', { paid: 40 }, [], [], '']);
  await assert.rejects(show(address, { at: '3' }), /has revisions 0 to 2, not 3/);
});

test('steps come in pages, with the transitions they took', async () => {
  const address = await order({ type: 'PAY', amount: 1 }, { type: 'DANCE' }, { type: 'SHIP' });
  const first = await steps(address, { limit: '2' });
  assert.deepEqual(first.steps.map(({ rev, event, value, taken }) => [rev, event, value, taken]), [[0, 'start', 'open', []], [1, 'PAY', 'paid', ['order.open -> order.paid']]]);
  const rest = await steps(address, { after: String(first.next) });
  assert.deepEqual([rest.steps.map(({ rev, event, outcome }) => [rev, event, outcome]), rest.next], [[[null, 'DANCE', 'ignored'], [2, 'SHIP', 'applied']], null]);
});

test('the list goes on where a page ended, is cut by type and status, and can be asked for by name', async () => {
  const [a, b] = [await order(), await order({ type: 'PAY', amount: 2 }, { type: 'SHIP' })];
  const all = await list();
  const paged: ActorRow[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await list({ limit: '1', ...(cursor === undefined ? {} : { cursor }) });
    paged.push(...page.actors);
    if (page.next === null) break;
    cursor = page.next;
  }
  assert.deepEqual(paged, all.actors);
  assert.ok((await list({ type: 'order', status: 'done' })).actors.every(({ status }) => status === 'done'));
  assert.deepEqual((await list({ type: 'nobody' })).actors, []);
  const named = await ask<{ actors: ActorRow[] }>('post', '/api/actors/named', { body: { addresses: [b, 'order/none', a] } });
  assert.deepEqual(named.actors.map(({ address, value, status, waitingFor, forYou }) => [address, value, status, waitingFor, forYou]), [[a, 'open', 'active', 'a message', false], [b, 'shipped', 'done', '', false]]);
});

test('an event is tried on a fork: the answer says where it leads, and the actor itself has heard nothing', async () => {
  const address = await order();
  const { fork, told, step, changes } = await attempt(address, { type: 'PAY', fields: { amount: 7, note: 'x' } });
  assert.deepEqual([told.value, step?.event, step?.taken, changes.map(({ path }) => path)], ['paid', 'PAY', ['order.open -> order.paid'], ['paid', 'notes[0]']]);
  assert.deepEqual((await show(fork)).dryRun, { of: address, rev: 0 });
  assert.deepEqual((await show(address)).rev, 0);
  const paid = await order({ type: 'PAY', amount: 1 });
  assert.equal((await attempt(paid, { type: 'VOID', at: 0, fields: {} })).told.value, 'late');
});

test('what would not be taken is refused before a fork is made', async () => {
  const address = await order();
  const known = (await list()).actors.length;
  await assert.rejects(attempt(address, { type: 'keelson.order', fields: { do: 'stop' } }), /is reserved/);
  await assert.rejects(attempt(address, { type: 'SHIP' }), /would not take 'SHIP'/);
  await assert.rejects(attempt(address, { type: 'PAY', fields: { amount: 'much' } }), /event PAY: amount/);
  await assert.rejects(attempt('order/none', { type: 'PAY' }), /there is no actor 'order\/none'/);
  assert.equal((await list()).actors.length, known);
});

test('a paused actor waits for you and can go on; one of a machine that this build lacks is shown and says so', async () => {
  const address = await order();
  await world.event(address, { type: 'keelson.order', do: 'pause', reason: 'thinking' }, 'operator/desk');
  const paused = await show(address);
  assert.deepEqual([paused.deeds, paused.held?.by, paused.waitingFor], [['resume', 'stop', 'cancel'], 'operator', 'you: it is paused (thinking)']);
  assert.equal((await list()).actors.find((row) => row.address === address)!.forYou, true);
  const record = { address: 'old/1', machine: 'old@9', structure: '', rev: 0, status: 'active', parent: null, snapshot: { value: 'asleep', context: {} }, children: {}, timers: {} };
  await world.store.commit({ ...emptyCommit('old', systemClock.now(), 'old/1', { message: { kind: 'event', event: { type: 'PING' } } }), step: { rev: 0, machine: 'old@9', status: 'active', value: '"asleep"', parent: null, record: JSON.stringify(record) } });
  const old = await show('old/1');
  assert.deepEqual([old.known, old.next, old.value], [false, [], 'asleep']);
  await assert.rejects(attempt('old/1', { type: 'PING' }), /this build has no machine 'old@9'/);
});

test('an actor that was never there and one that was erased are told apart', async () => {
  await assert.rejects(show('order/none'), { code: 'NOT_FOUND', message: "there is no actor 'order/none'" });
  const record = { address: 'order/anna', machine: 'order@1', structure: '', rev: 0, status: 'active', parent: null, snapshot: { value: 'paid', context: { item: 'lamp', paid: 1, notes: [] } }, children: {}, timers: {} };
  const fact = { entity: 'person/anna@holt.example', predicate: 'city', value: 'Berlin', label: 'operator' as const, confidence: 1 };
  await world.store.commit({ ...emptyCommit('anna', systemClock.now(), 'order/anna', { message: { kind: 'event', event: { type: 'PING' } } }), facts: [fact], step: { rev: 0, machine: 'order@1', status: 'active', value: '"paid"', parent: null, record: JSON.stringify(record) } });
  assert.equal((await show('order/anna')).value, 'paid');
  await world.store.erase({ id: 'erase-anna', subject: 'anna@holt.example' }, systemClock.now());
  await assert.rejects(show('order/anna'), { code: 'NOT_FOUND', message: 'order/anna was erased' });
  await assert.rejects(steps('order/anna'), { code: 'NOT_FOUND', message: 'order/anna was erased' });
});
