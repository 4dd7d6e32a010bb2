// When a stored actor may go on with another machine than it was made by. Goal: strictly, by reasons that can be named. Method: one
// small machine, brought to a state in the simulator, and its record shown to builds that differ in one thing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { ActorRecord } from '#actors/record.ts';
import { createRegistry } from '#actors/registry.ts';
import { meet, meetUnfit, takeOver } from '#actors/versions.ts';
import { activity } from '#machines/define.ts';
import { createSim } from '#test/kit/sim.ts';
import { order } from './versions-kit.ts';

const me = 'order/1';
const now = 5_000_000;

async function stored(...events: string[]): Promise<ActorRecord> {
  const sim = createSim({ machines: [order()] });
  sim.runJobs = false;
  await sim.start(me, order()).idle();
  for (const type of events) await sim.event(me, { type }).idle();
  return sim.record(me)!;
}
const meetIn = (record: ActorRecord, ...machines: ReturnType<typeof order>[]) => meet(createRegistry(machines), structuredClone(record), now);
const unfit = (record: ActorRecord, ...machines: ReturnType<typeof order>[]) => {
  const met = meetIn(record, ...machines);
  return 'unfit' in met ? met.unfit : `taken by ${met.definition.key}`;
};
/** What is taken over, by which machine. */
const taken = (record: ActorRecord, ...machines: ReturnType<typeof order>[]) => {
  const met = meetIn(record, ...machines);
  if ('unfit' in met) throw new Error(met.unfit);
  return { ...met, record: met.first?.record ?? null };
};

test('the same machine goes on without a step of its own', async () => {
  const { first, definition } = taken(await stored('PACK'), order());
  assert.deepEqual([first, definition.key], [undefined, 'order@1']);
});

test('a machine that was changed under its version goes on when what is stored fits, in a step of its own', async () => {
  const record = await stored('PACK');
  const other = order({ states: { extra: {} } });
  const { record: next, first, definition } = taken(record, other);
  assert.deepEqual(next, { ...record, rev: record.rev + 1, structure: definition.hash });
  assert.notEqual(next.structure, record.structure);
  assert.equal(first!.note, 'goes on as order@1');
});

const changed: [string, string[], Parameters<typeof order>[0], RegExp][] = [
  ['a state that is gone', ['PACK'], { states: { packing: undefined } }, /there is no state 'order\.packing'/],
  ['a state that has inner states now', ['PACK'], { states: { packing: { initial: 'x', states: { x: {} }, invoke: [{ id: 'label', src: 'print' }, { id: 'help', src: 'helper' }] } } }, /'order\.packing' has inner states/],
  ['a state whose inner states are gone', ['SHELVE'], { states: { shelf: {} } }, /'order\.shelf' has no inner states/],
  ['a region that is new', ['SHELVE'], { states: { shelf: { type: 'parallel', states: { left: { initial: 'low', states: { low: {} } }, right: {}, middle: {} } } } }, /the region 'order\.shelf\.middle' is not stored/],
  ['a region that is gone', ['SHELVE'], { states: { shelf: { type: 'parallel', states: { left: { initial: 'low', states: { low: {} } } } } } }, /there is no state 'order\.shelf\.right'/],
  ['a state that is final now', ['PACK'], { states: { packing: { type: 'final' } } }, /'order\.packing' is final, but the actor has not ended/],
  ['a deadline that nothing waits for any more', [], { states: { open: {} } }, /'xstate\.after\.patience\.order\.open' is running, and nothing waits for it/],
  ['a deadline that does not run', ['PACK'], { states: { packing: { after: { patience: 'late' }, invoke: [{ id: 'label', src: 'print' }, { id: 'help', src: 'helper' }] } } }, /'xstate\.after\.patience\.order\.packing' is not running/],
  ['a child whose source is gone', ['PACK'], { actors: { print: undefined }, states: { packing: { on: { BACK: 'open' } } } }, /its child 'label' was made of 'print'/],
  ['a child that is another activity now', ['PACK'], { actors: { print: activity({ name: 'label.other', input: z.any(), output: z.any(), timeoutMs: 1, retry: 'never' }) } }, /its child 'label' was made of 'print' \(job\)/],
  ['a child that was a machine and is an activity', ['PACK'], { actors: { helper: activity({ name: 'help', input: z.any(), output: z.any(), timeoutMs: 1, retry: 'never' }) } }, /its child 'help' was made of 'helper' \(helper\)/],
  ['an invoke that does not run', ['PACK'], { states: { packing: { invoke: [{ id: 'label', src: 'print' }, { id: 'help', src: 'helper' }, { id: 'third', src: 'helper' }] } } }, /'order\.packing' invokes 'third', which does not run/],
];
for (const [what, events, shape, reason] of changed) {
  test(`under the same version it does not go on with ${what}`, async () => {
    const record = await stored(...events);
    // The changed structure must differ in itself, also where the schemas alone would not show it.
    const text = unfit(record, order({ ...shape, on: { TICK: {} } }));
    assert.match(text, /^order@1 was changed under its version and what is stored does not fit it: /);
    assert.match(text, reason);
  });
}

test('what a history state remembers must still be there', async () => {
  const sim = createSim({ machines: [order()] });
  await sim.start(me, order()).event(me, { type: 'SHELVE' }).event(me, { type: 'BACK' }).idle();
  const shelf = { type: 'parallel', states: { left: { initial: 'only', states: { only: {}, past: { type: 'history' } } }, right: {} } };
  assert.match(unfit(sim.record(me)!, order({ states: { shelf } })), /there is no state 'order\.shelf\.left\.low', which a history state remembers/);
});

test('a context that the schema of the machine refuses does not go on', async () => {
  const record = await stored('NOTE');
  const more = { context: z.object({ n: z.string() }) };
  assert.match(unfit(record, order({ more, states: { extra: {} } })), /context\.n: /);
});

test('another version goes on only where it says that it takes over', async () => {
  const record = await stored('PACK');
  assert.equal(unfit(record), `this build has no machine 'order@1'`);
  assert.equal(unfit(record, order({ version: '2' })), `this build has no machine 'order@1', and order@2 does not take over from it`);
  assert.equal(unfit(record, order({ version: '2', more: { takesOver: ['0'] } })), `this build has no machine 'order@1', and order@2 does not take over from it`);
  const { record: next, first } = taken(record, order({ version: '2', more: { takesOver: ['1'] } }));
  assert.deepEqual([next!.machine, next!.rev, first!.note], ['order@2', record.rev + 1, 'goes on from order@1 to order@2']);
  assert.match(unfit(record, order({ version: '2', more: { takesOver: ['1'] }, states: { packing: undefined } })), /^order@2 cannot take over from order@1: there is no state/);
});

test('as long as the old version is in the build, its actors stay with it', async () => {
  const record = await stored('PACK');
  const { first, definition } = taken(record, order(), order({ version: '2', more: { takesOver: ['1'] } }));
  assert.deepEqual([first, definition.key], [undefined, 'order@1']);
});

test('two versions that both take over leave it to nobody', async () => {
  const heirs = ['2', '3'].map((version) => order({ version, more: { takesOver: ['1'] } }));
  assert.equal(unfit(await stored(), ...heirs), `this build has no machine 'order@1', and order@2 and order@3 both take over from it`);
});

const migrating = (migrate: (before: any) => any, more: Parameters<typeof order>[0] = {}) => order({ version: '2', ...more, more: { migrate: { 1: migrate } } });

test('a declared migration gives state and context, and is used also where the old state would fit', async () => {
  const record = await stored('NOTE', 'PACK');
  const { record: next, first } = taken(record, migrating(({ value, context }) => ({ value, context: { ...context, n: context.n * 10 } })));
  assert.deepEqual([next!.snapshot.value, next!.snapshot.context, next!.children], ['packing', { n: 10 }, record.children]);
  assert.equal(first!.note, 'migrated from order@1 to order@2');
});

test('a migration that leaves a state withdraws its deadline, and begins that of the state it comes to', async () => {
  const record = await stored();
  const [old] = Object.values(record.timers);
  const renamed = migrating(({ context }) => ({ value: 'fresh', context }), { states: { fresh: { after: { patience: 'late', 500: 'late' } } }, waitMs: 700 });
  const { record: next, first } = taken(record, renamed);
  assert.deepEqual(Object.fromEntries(Object.entries(next!.timers).map(([id, { dueMs }]) => [id, dueMs])), { 'xstate.after.500.order.fresh': now + 500, 'xstate.after.patience.order.fresh': now + 700 });
  assert.deepEqual(first!.effects.settles, [old!.gen]);
  assert.deepEqual(first!.effects.sends.map(({ id, to, dueMs, body }) => [id, to, dueMs, body.kind]), Object.values(next!.timers).map(({ gen, dueMs }) => [gen, me, dueMs, 'timer']));
});

test('a deadline that goes on keeps its time', async () => {
  const record = await stored();
  const { record: next, first } = taken(record, migrating(({ value, context }) => ({ value, context }), { waitMs: 1 }));
  assert.deepEqual([next!.timers, first!.effects.sends, first!.effects.settles], [record.timers, [], []]);
});

test('a migration ends the children that it names: a job is withdrawn, a machine is told to stop', async () => {
  const record = await stored('PACK');
  const { label, help } = record.children;
  const { record: next, first } = taken(record, migrating(({ context, children }) => ({ value: 'late', context, stop: children })));
  assert.deepEqual(next!.children, {});
  assert.deepEqual([first!.effects.settles, first!.effects.withdrawn], [[label!.gen], [label!.gen]]);
  assert.deepEqual(first!.effects.sends.map(({ to, body }) => [to, body]), [[help!.address, { kind: 'stop', gen: help!.gen }]]);
});

const misfits: [string, (before: any) => any, RegExp][] = [
  ['throws', () => { throw new TypeError('no such field'); }, /order@2 cannot take over from order@1: no such field/],
  ['gives nothing', () => undefined, /its migration gave/],
  ['gives more than a state', ({ value, context }) => ({ value, context, timers: {} }), /its migration gave/],
  ['gives a state that is not there', ({ context }) => ({ value: 'nowhere', context }), /there is no state 'order\.nowhere'/],
  ['gives a context that is not plain JSON', ({ value }) => ({ value, context: { n: new Date(0) } }), /a Date is not plain JSON/],
  ['stops what does not run', ({ value, context }) => ({ value, context, stop: ['nobody'] }), /stops the child 'nobody', which does not run/],
  ['comes to a state that invokes what does not run', ({ context }) => ({ value: 'packing', context }), /invokes 'label', which does not run/],
];
for (const [what, migrate, reason] of misfits) {
  test(`a migration that ${what} leaves the actor alone`, async () => {
    const record = await stored();
    assert.match(unfit(record, migrating(migrate)), reason);
  });
}

test('a migration cannot change what is stored', async () => {
  const record = await stored('NOTE');
  const before = structuredClone(record);
  const registry = createRegistry([migrating((snapshot) => { snapshot.context.n = 99; throw new Error('after that'); })]);
  assert.ok('unfit' in meet(registry, record, now));
  assert.deepEqual(record, before);
});

test('a delay that is no time for the migrated context leaves the actor alone', async () => {
  const record = await stored('PACK');
  const back = migrating(({ context, children }) => ({ value: 'open', context, stop: children }), { waitMs: Number.NaN });
  assert.match(unfit(record, back), /the delay 'patience' is NaN/);
});

test('what comes for an actor that nothing fits is kept inside its record, in order, and asked about once', async () => {
  const record = await stored('PACK');
  const message = (n: number) => ({ id: `m-${n}`, to: me, from: 'operator/test', body: { kind: 'event' as const, event: { type: 'NOTE', n } } });
  const first = meetUnfit(record, message(1), 'no such machine', now);
  const second = meetUnfit(first.record!, message(2), 'no such machine', now);
  assert.deepEqual([first.record!.rev, second.record!.rev], [record.rev + 1, record.rev + 2]);
  assert.deepEqual(second.record!.held!.waiting.map(({ id }) => id), ['m-1', 'm-2']);
  assert.deepEqual([first.effects.intents.length, second.effects.intents.length], [1, 0]);
  assert.match(first.effects.intents[0]!.summary!, /^order\/1 is quarantined: no such machine\. /);
});

test('an order or a stale turn changes nothing in quarantine', async () => {
  const { record } = meetUnfit(await stored(), { id: 'x', to: me, from: 'operator/test', body: { kind: 'event', event: { type: 'NOTE' } } }, 'why', now);
  const resume = meetUnfit(record!, { id: 'o', to: me, from: 'operator/test', body: { kind: 'event', event: { type: 'keelson.order', do: 'resume' } } }, 'why', now);
  const turn = meetUnfit(record!, { id: 't', to: me, from: me, body: { kind: 'next' } }, 'why', now);
  assert.deepEqual([resume.outcome, turn.outcome, resume.record === record, turn.record === record], ['refused', 'ignored', true, true]);
});

test('taking over ends the quarantine: what waited goes on with a turn of its own', async () => {
  const { record } = meetUnfit(await stored(), { id: 'x', to: me, from: 'operator/test', body: { kind: 'event', event: { type: 'NOTE' } } }, 'why', now);
  const { first } = taken(record!, order());
  assert.deepEqual([first!.record!.held!.by, first!.record!.held!.waiting.length], ['release', 1]);
  assert.deepEqual(first!.effects.sends.map(({ id, body }) => [id, body.kind]), [[`${me}#${first!.record!.rev}.next`, 'next']]);
});

test('an actor that was held for another reason stays held under the new machine', async () => {
  const record: ActorRecord = { ...(await stored('PACK')), held: { by: 'operator', reason: 'wait', rev: 1, sinceMs: 1, failed: null, waiting: [] } };
  const definition = createRegistry([order({ version: '2', more: { takesOver: ['1'] } })]).get('order@2')!;
  assert.deepEqual(takeOver(definition, record, now).record!.held, record.held);
});

test('the operator, and nobody else, can end an actor in quarantine: its jobs, deadlines and children go, and its parent hears so', async () => {
  const started: ActorRecord = { ...(await stored('PACK')), parent: { address: 'boss/1', child: 'order', gen: 'boss/1#0.0' }, timers: { t: { gen: 'g-t', dueMs: 1, event: { type: 'TICK' }, to: null } } };
  const { record } = meetUnfit(started, { id: 'x', to: me, from: 'operator/test', body: { kind: 'event', event: { type: 'NOTE' } } }, 'why', now);
  const stop = (from: string) => meetUnfit(record!, { id: 's', to: me, from, body: { kind: 'event', event: { type: 'keelson.order', do: 'stop', reason: '' } } }, 'why', now);
  assert.equal(stop('other/1').outcome, 'refused');
  const ended = stop('operator/desk');
  const { label, help } = started.children;
  assert.deepEqual([ended.record!.status, ended.record!.held, ended.record!.children, ended.record!.timers], ['error', undefined, {}, {}]);
  assert.deepEqual([ended.effects.settles, ended.effects.withdrawn], [['g-t', label!.gen], [label!.gen]]);
  assert.deepEqual(ended.effects.sends.map(({ to, body }) => [to, body.kind]), [[help!.address, 'stop'], ['boss/1', 'error']]);
});
