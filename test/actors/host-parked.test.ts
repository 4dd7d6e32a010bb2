// Parked messages, handed in again: each is applied once and its row goes with the promise of it, whatever the order of things. Forks:
// nothing leaves them. Real servers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assign, enqueueActions, raise, sendParent, sendTo, setup, type AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { systemClock } from '#actors/clock.ts';
import type { Delivery } from '#actors/bus.ts';
import { forkActor } from '#actors/fork.ts';
import { startHost } from '#actors/host.ts';
import { silentLog } from '#actors/log.ts';
import { readHistory, replay } from '#actors/replay.ts';
import type { StorePort } from '#actors/store-port.ts';
import { createParkedDesk, type ParkedDesk } from '#connectors/console/desk-parked.ts';
import { typeOf } from '#machines/address.ts';
import { activity, records } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { counts, names, publishRaw } from './host-kit.ts';
import { loose } from './step-kit.ts';

/** Takes what it is told; a `TRAP` breaks a rule of the host until it is told that it may. */
const taker: AnyStateMachine = setup({ ...loose('SAY TRAP ALLOW') }).createMachine({
  id: 'taker', version: '1', context: { said: [], allowed: false },
  on: {
    SAY: { actions: assign({ said: ({ context, event }: any) => [...context.said, event.n] }) },
    ALLOW: { actions: assign({ allowed: () => true }) },
    TRAP: { actions: assign({ said: ({ context, event }: any) => [...context.said, context.allowed ? event.n : new Date(0)] }) },
  },
} as never) as never;

const ring = activity({ name: 'bell.ring', input: z.any(), output: z.any(), timeoutMs: 5_000, retry: 'never' });
/** Does everything that leaves an actor. */
const doer: AnyStateMachine = setup({ ...loose('GO WAIT HEARD ADD'), actions: records, actors: { ring, taker: taker as never } }).createMachine({
  id: 'doer', version: '1', initial: 'idle', context: { ticks: 0, added: 0 },
  on: { ADD: { actions: assign({ added: ({ context }: any) => context.added + 1 }) }, HEARD: { actions: assign({ ticks: ({ context }: any) => context.ticks + 1 }) } },
  states: {
    idle: { on: { GO: 'going', WAIT: { actions: raise({ type: 'HEARD' }, { id: 'later', delay: 200 }) } } },
    going: {
      entry: [
        sendTo(({ system }: any) => system.get('taker/hears'), { type: 'SAY', n: 'from a fork' } as never),
        sendParent({ type: 'NEWS' }),
        { type: 'recordDecision', params: { what: 'went', outcome: 'yes', confidence: null, reasons: [], evidence: [] } },
        { type: 'recordIntent', params: ({ event }: any) => ({ id: `esc-${event.who}`, kind: 'escalation', state: 'input-required', summary: 'look' }) },
      ],
      invoke: [{ id: 'bell', src: 'ring', input: {} }, { id: 'help', src: 'taker', input: {} }],
      on: { WAIT: 'idle' },
    },
  },
} as never) as never;
const home: AnyStateMachine = setup({ ...loose('NEWS'), actors: { doer: doer as never } }).createMachine({
  id: 'home', version: '1', context: { news: 0 }, invoke: { id: 'doer', src: 'doer', input: {} }, on: { NEWS: { actions: assign({ news: ({ context }: any) => context.news + 1 }) } },
} as never) as never;

/** Sends a thousand messages at once: `what` TRAP cannot be applied, an order from it is refused. */
const flooder: AnyStateMachine = setup({ ...loose('FLOOD') }).createMachine({
  id: 'flooder', version: '1', context: {},
  on: { FLOOD: { actions: enqueueActions(({ event, enqueue }: any) => {
    for (let i = 0; i < 1_000; i++) enqueue.sendTo(({ system }: any) => system.get(event.to[i % event.to.length]), { type: event.what, n: i, do: 'pause' });
  }) } },
} as never) as never;

let world: World;
let desk: ParkedDesk;
let rings = 0;
before(async () => {
  world = await startWorld({ machines: [taker, home, flooder], activities: { 'bell.ring': async () => ++rings } });
  desk = createParkedDesk({ store: world.store, clock: systemClock, makeId: () => `retry-${++n}` });
});
after(() => world.stop());

let n = 0;
async function startTaker(): Promise<string> {
  const me = `taker/${++n}`;
  await world.start(me, 'taker@1', {});
  return me;
}
const said = async (me: string) => ((await world.record(me))!.snapshot.context as { said: unknown[] }).said;
const parkedOf = async (actor: string) => (await world.store.query('parkedMessages', { actor })) as { parkId: string; message: { id: string } }[];
const openItems = async () => ((await world.store.query('inbox', {})) as { id: string }[]).filter(({ id }) => id.startsWith('parked-')).length;
const trap = (me: string, value: number) => world.event(me, { type: 'TRAP', n: value });
const balanced = async () => {
  const { received, applied, duplicate, parked } = await counts(world);
  assert.equal(received, applied + duplicate + parked);
};

test('all parked messages of an actor are delivered again in their order, and nothing of them is left behind', async () => {
  const me = await startTaker();
  const open = await openItems();
  for (const value of [1, 2, 3]) assert.equal((await trap(me, value)).outcome, 'parked');
  assert.deepEqual([(await parkedOf(me)).length, await openItems()], [3, open + 3]);
  await world.event(me, { type: 'ALLOW' });
  const { retried, kept } = await desk.retry({ actor: me });
  assert.deepEqual([retried.length, kept], [3, []]);
  await world.until('all three are applied', async () => (await said(me)).length === 3);
  assert.deepEqual(await said(me), [1, 2, 3]);
  assert.deepEqual([await parkedOf(me), await openItems(), await world.store.query('promised', { id: retried[0]! })], [[], open, null]);
  await balanced();
});

test('one message is delivered again by its id, and the others stay', async () => {
  const me = await startTaker();
  for (const value of [1, 2]) await trap(me, value);
  const [, second] = await parkedOf(me);
  await world.event(me, { type: 'ALLOW' });
  assert.deepEqual((await desk.retry({ id: second!.message.id })).retried, [second!.message.id]);
  await world.until('it is applied', async () => (await said(me)).length === 1);
  assert.deepEqual([await said(me), (await parkedOf(me)).length], [[2], 1]);
});

test('what cannot be applied again is parked once more, under its own number and with an item of its own, and can be tried once more', async () => {
  const me = await startTaker();
  const open = await openItems();
  await trap(me, 7);
  for (const time of [1, 2]) {
    const [first] = await parkedOf(me);
    await desk.retry({ actor: me });
    const again = await world.until(`parked again, time ${time}`, async () => (await parkedOf(me)).find(({ parkId }) => parkId !== first!.parkId));
    assert.equal(again.message.id, first!.message.id);
    assert.deepEqual([(await parkedOf(me)).length, await openItems(), await world.store.query('promised', { id: again.message.id })], [1, open + 1, null]);
  }
  await world.event(me, { type: 'ALLOW' });
  await desk.retry({ actor: me });
  await world.until('it is applied', async () => (await said(me)).length === 1);
  assert.deepEqual([await said(me), await parkedOf(me), await openItems()], [[7], [], open]);
  await balanced();
});

test('the bus repeating a parked message adds nothing', async () => {
  const me = await startTaker();
  const subject = names.mailbox(me, 'operator/test');
  for (let time = 0; time < 3; time++) {
    const { received } = await counts(world);
    await publishRaw(world, subject, JSON.stringify({ kind: 'event', event: { type: 'TRAP', n: 1 } }), `again-${me}`);
    await world.until('it came', async () => (await counts(world)).received > received);
  }
  assert.equal((await parkedOf(me)).length, 1);
  await balanced();
});

test('a message that was applied meanwhile is not applied again by a retry', async () => {
  const me = await startTaker();
  const id = `meanwhile-${me}`;
  const bytes = JSON.stringify({ kind: 'event', event: { type: 'TRAP', n: 5 } });
  await publishRaw(world, names.mailbox(me, 'operator/test'), bytes, id);
  await world.until('it is parked', async () => (await parkedOf(me)).length === 1);
  await world.event(me, { type: 'ALLOW' });
  await publishRaw(world, names.mailbox(me, 'operator/test'), bytes, id);
  await world.until('it is applied', async () => (await said(me)).length === 1);
  const { duplicate } = await counts(world);
  await desk.retry({ actor: me });
  await world.until('the repeat was seen', async () => (await counts(world)).duplicate > duplicate);
  assert.deepEqual([await said(me), await world.store.query('promised', { id })], [[5], null]);
});

test('the same command given twice is done once', async () => {
  const me = await startTaker();
  await trap(me, 1);
  await world.event(me, { type: 'ALLOW' });
  const first = await desk.retry({ actor: me, commandId: `twice-${me}` });
  const second = await desk.retry({ actor: me, commandId: `twice-${me}` });
  assert.deepEqual([first.retried.length, second.retried.length], [1, 0]);
  await assert.rejects(desk.retry({ id: 'x', commandId: `twice-${me}` }), (error) => error instanceof KeelsonError && error.code === 'REFUSED');
});

test('bytes that are no message cannot be delivered again and stay', async () => {
  const me = await startTaker();
  await publishRaw(world, names.mailbox(me, 'operator/test'), '{"kind":', `bad-${me}`);
  await world.until('it is parked', async () => (await parkedOf(me)).length === 1);
  await assert.rejects(desk.retry({ id: `bad-${me}` }), /cannot be delivered again: the body is not JSON/);
  assert.equal((await parkedOf(me)).length, 1);
  await assert.rejects(desk.retry({ actor: 'taker/nobody' }), (error) => error instanceof KeelsonError && error.code === 'NOT_FOUND');
});

test('what is thrown away is gone with its item, the reason stays as a decision, and the others stay', async () => {
  const me = await startTaker();
  const open = await openItems();
  for (const value of [1, 2]) await trap(me, value);
  await publishRaw(world, names.mailbox(me, 'operator/test'), '{"kind":', `junk-${me}`);
  await world.until('it is parked', async () => (await parkedOf(me)).length === 3);
  assert.deepEqual(await desk.discard({ id: `junk-${me}`, reason: 'a test of ours', commandId: `junk-${me}` }), { discarded: [`junk-${me}`], more: false });
  assert.deepEqual([(await parkedOf(me)).length, await openItems()], [2, open + 2]);
  const decided = (await world.store.query('decisions', { what: 'parked' })) as { outcome: string; reasons: string[]; actor: string }[];
  assert.deepEqual(decided.map(({ outcome, reasons, actor }) => ({ outcome, reasons, actor })), [{ outcome: 'discarded', reasons: ['a test of ours'], actor: 'operator/desk' }]);
  assert.equal((await desk.discard({ actor: me, reason: 'the rest' })).discarded.length, 2);
  assert.deepEqual([await parkedOf(me), await openItems(), await said(me)], [[], open, []]);
  assert.deepEqual(await desk.discard({ id: `junk-${me}`, reason: 'a test of ours', commandId: `junk-${me}` }), { discarded: [], more: false }, 'the same command given again does nothing more');
  await assert.rejects(desk.discard({ id: `junk-${me}`, reason: 'again' }), (error) => error instanceof KeelsonError && error.code === 'NOT_FOUND');
  await balanced();
});

test('the page of parked messages is newest first, with the first bytes and the size of each, and goes on behind a cursor', async () => {
  const me = await startTaker();
  for (let i = 0; i < 3; i++) {
    await publishRaw(world, names.mailbox(me, 'operator/test'), `no JSON ${i} ${'x'.repeat(i * 5_000)}`, `page-${i}-${me}`);
    await world.until('it is parked', async () => (await parkedOf(me)).length === i + 1);
  }
  const page = async (args: object) => (await world.store.query('parkedPage', { actor: me, ...args })) as { id: string; sender: string; bytes: Uint8Array; size: number; cursor: string }[];
  const first = await page({ limit: 2 });
  assert.deepEqual(first.map(({ id, sender, bytes, size }) => [id, sender, bytes.length, size]), [[`page-2-${me}`, 'operator/test', 4_096, 10_010], [`page-1-${me}`, 'operator/test', 4_096, 5_010]]);
  assert.deepEqual((await page({ limit: 2, cursor: first.at(-1)!.cursor })).map(({ id, size }) => [id, size]), [[`page-0-${me}`, 10]]);
  await desk.discard({ actor: me, reason: 'done' });
});

test('a desk that dies after its write has handed it in, and the same command given again hands in nothing more', async () => {
  const me = await startTaker();
  await trap(me, 1);
  await world.event(me, { type: 'ALLOW' });
  const dying: StorePort = { ...world.store, async commit(commit) { await world.store.commit(commit); return new Promise(() => {}); } };
  void createParkedDesk({ store: dying, clock: systemClock, makeId: () => 'unused' }).retry({ actor: me, commandId: `dies-${me}` });
  await world.until('it is applied', async () => (await said(me)).length === 1);
  assert.deepEqual(await desk.retry({ actor: me, commandId: `dies-${me}` }), { retried: [], kept: [], more: false });
  assert.deepEqual([await said(me), await parkedOf(me)], [[1], []]);
});

test('a desk that dies before its write leaves everything as it was', async () => {
  const me = await startTaker();
  await trap(me, 1);
  let asked = false;
  const dying: StorePort = { ...world.store, commit() { asked = true; return new Promise(() => {}); } };
  void createParkedDesk({ store: dying, clock: systemClock, makeId: () => 'unused' }).retry({ actor: me, commandId: `before-${me}` });
  await world.until('it was about to write', async () => asked);
  assert.equal((await parkedOf(me)).length, 1);
  assert.equal((await desk.retry({ actor: me, commandId: `before-${me}` })).retried.length, 1);
});

test('a message that came five times is applied; with the sixth time it is parked, because it may be what kills the process', async () => {
  const me = await startTaker();
  let handle!: (delivery: Delivery) => Promise<void>;
  const bus = { ...world.bus, async consumeMail(handler: typeof handle) { handle = handler; return { stop: async () => {} }; } };
  await startHost({ bus, store: world.store, registry: world.registry, clock: systemClock, log: silentLog });
  const come = (said_: number, deliveries: number) => handle({ id: `times-${me}-${said_}`, to: me, from: 'operator/test', cause: undefined, subject: 'x', bytes: new TextEncoder().encode(JSON.stringify({ kind: 'event', event: { type: 'SAY', n: said_ } })), deliveries, working() {} });
  await come(5, 5);
  await come(6, 6);
  assert.deepEqual([await said(me), (await parkedOf(me)).map(({ message }) => message.id)], [[5], [`times-${me}-6`]]);
});

const fork = (address: string, at?: number) => forkActor({ store: world.store, registry: world.registry, nowMs: systemClock.now(), from: 'operator/desk' }, { id: `fork-${++n}`, address, ...(at === undefined ? {} : { at }) });

test('a fork is what the actor was at that revision, goes its own way, and its history says what it would have done', async () => {
  await world.start('taker/hears', 'taker@1', {});
  await world.start('home/1', 'home@1', {});
  const original = await world.until('the doer is there', async () => Object.values((await world.record('home/1'))!.children)[0]?.address);
  await world.until('it has started', async () => world.record(original));
  await world.event(original, { type: 'ADD' });
  await world.event(original, { type: 'ADD' });
  const forked = await fork(original, 1);
  assert.deepEqual({ ...forked, address: '' }, { address: '', from: original, at: 1 });
  const twin = (await world.record(forked.address))!;
  assert.deepEqual([(twin.snapshot.context as any).added, twin.rev, twin.dryRun], [1, 0, { of: original, rev: 1 }]);
  const untouched = [rings, await said('taker/hears'), (await world.store.query('inbox', {}) as unknown[]).length, ((await world.store.query('actors', { type: 'taker' })) as unknown[]).length];
  assert.equal((await world.event(forked.address, { type: 'GO', who: 'fork' })).value, 'going');
  const rows = await readHistory((args) => world.store.query('history', args), forked.address);
  const would = rows.at(-1)!.body!['would'] as { sends: { to: string }[]; decisions: unknown[]; intents: unknown[] };
  assert.deepEqual([would.sends.map(({ to }) => typeOf(to)).toSorted(), would.decisions.length, would.intents.length], [['home', 'job', 'taker', 'taker'], 1, 1]);
  // The original does the same; when its bell has rung, that of the fork would have rung too.
  await world.event(original, { type: 'GO', who: 'original' });
  await world.until('the original did it', async () => rings === 1 && (await said('taker/hears')).length === 1 && (await world.record('home/1'))!.rev >= 1);
  await world.event(forked.address, { type: 'ADD' });
  assert.deepEqual([untouched[0], untouched[1], rings, (await said('taker/hears')).length, ((await world.record('home/1'))!.snapshot.context as any).news], [0, [], 1, 1, 1]);
  assert.deepEqual(((await world.store.query('decisions', { actor: forked.address })) as unknown[]).length, 0);
  const result = replay(world.registry, forked.address, await readHistory((args) => world.store.query('history', args), forked.address), await world.store.load(forked.address));
  assert.deepEqual([result.matches, result.difference, result.steps], [true, undefined, 3]);
});

test('a fork leaves the job of the original alone when it leaves the state that asked for it', async () => {
  await world.start('home/2', 'home@1', {});
  const slow = await world.until('the doer is there', async () => Object.values((await world.record('home/2'))!.children)[0]?.address);
  await world.until('it has started', async () => world.record(slow));
  const went = await world.event(slow, { type: 'GO', who: 'slow' });
  assert.deepEqual([went.outcome, went.value, went.note], ['applied', 'going', null]);
  const forked = await fork(slow);
  await world.event(forked.address, { type: 'WAIT' });
  const [theirs, ours] = [(await world.record(slow))!, (await world.record(forked.address))!];
  assert.deepEqual([Object.keys(theirs.children).toSorted(), ours.children, ours.snapshot.value], [['bell', 'help'], {}, 'idle']);
  const helper = theirs.children['help']!.address;
  assert.equal((await world.record(helper))!.status, 'active', 'the child of the original was not stopped');
});

test('a deadline of a fork runs on its own', async () => {
  const me = 'doer/timer';
  await world.start(me, 'doer@1', {});
  await world.event(me, { type: 'WAIT' });
  const forked = await fork(me);
  for (const address of [me, forked.address]) await world.until(`the deadline of ${address}`, async () => ((await world.record(address))!.snapshot.context as any).ticks === 1);
});

test('a fork asked for again under its id is the same one; a revision that is not there is refused', async () => {
  const me = await startTaker();
  const again = () => forkActor({ store: world.store, registry: world.registry, nowMs: 1, from: 'operator/desk' }, { id: `same-${me}`, address: me });
  assert.deepEqual(await again(), await again());
  await assert.rejects(fork(me, 9), (error) => error instanceof KeelsonError && error.code === 'BAD_ARGUMENT');
  await assert.rejects(fork('taker/nobody'), (error) => error instanceof KeelsonError && error.code === 'NOT_FOUND');
});

test('an agent that floods the inbox with what cannot be applied makes ten items, and none with what is refused; all of it is kept', async () => {
  const takers = await Promise.all(Array.from({ length: 20 }, () => startTaker()));
  await world.start('flooder/1', 'flooder@1', {});
  const [open, parkedBefore] = [await openItems(), (await counts(world)).parked];
  const refused = async (me: string) => ((await world.store.query('history', { address: me, limit: 1_000 })) as { outcome: string }[]).filter(({ outcome }) => outcome === 'refused').length;
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  await world.event('flooder/1', { type: 'FLOOD', what: 'keelson.order', to: takers });
  await world.until('all orders are refused', async () => sum(await Promise.all(takers.map(refused))) === 1_000);
  assert.deepEqual([await openItems(), (await counts(world)).parked], [open, parkedBefore]);
  await world.event('flooder/1', { type: 'FLOOD', what: 'TRAP', to: takers });
  await world.until('all others are parked', async () => (await counts(world)).parked === parkedBefore + 1_000);
  assert.deepEqual([await openItems(), sum(await Promise.all(takers.map(async (me) => (await parkedOf(me)).length)))], [open + 10, 1_000]);
  assert.equal(((await world.store.query('inbox', {})) as { actor: string; id: string }[]).filter(({ actor, id }) => takers.includes(actor) && !id.startsWith('parked-')).length, 0);
  await balanced();
});
