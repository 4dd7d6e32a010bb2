// Two builds over one store. Goal: an actor whose machine a build cannot host stands still with everything that comes for it, in
// order, and goes on by itself under a build that can; whatever dies in between, each message is applied once. Real servers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assign, setup, type AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { systemClock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { silentLog } from '#actors/log.ts';
import { createRegistry } from '#actors/registry.ts';
import { readHistory, replay } from '#actors/replay.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Protocol } from '#machines/define.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';
import { counts } from './host-kit.ts';
import { loose } from './step-kit.ts';

let nats: TestNats;
before(async () => {
  nats = await withNats();
});
after(() => nats.stop());

/** Notes what it hears, in order. */
const diary = (version: string, more: Partial<Protocol> = {}, states: object = {}): AnyStateMachine => setup({ ...loose('HEAR TICK', more) }).createMachine({
  id: 'diary', version, initial: 'open', context: { heard: [] },
  on: { HEAR: { actions: assign({ heard: ({ context, event }: any) => [...context.heard, event.n] }) } },
  states: { open: {}, ...states },
} as never) as never;
const other = (): AnyStateMachine => setup({ ...loose('X') }).createMachine({ id: 'other', version: '1', context: {} }) as never;

/** A world on a data folder of its own, taken over by one build after the other. */
async function inTurn(builds: ((world: World) => Promise<void>)[], machines: AnyStateMachine[][]): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-versions-'));
  try {
    for (const [i, build] of builds.entries()) {
      const world = await startWorld({ machines: machines[i]!, dataDir, nats });
      try {
        await build(world);
      } finally {
        await world.stop({ keep: true });
      }
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
let n = 0;
const fresh = () => `diary/${process.pid}-${++n}`;
const hear = (world: World, me: string, said: number) => world.event(me, { type: 'HEAR', n: said });
const heard = async (world: World, me: string) => ((await world.record(me))!.snapshot.context as { heard: number[] }).heard;
const escalations = async (world: World) => ((await world.store.query('inbox', {})) as { id: string; summary: string }[]).filter(({ id }) => id.startsWith('held-'));
async function assertReplays(world: World, me: string): Promise<void> {
  const result = replay(world.registry, me, await readHistory((args) => world.store.query('history', args), me), await world.store.load(me));
  assert.deepEqual([result.matches, result.difference], [true, undefined]);
}
const balanced = async (world: World) => {
  const { received, applied, duplicate, parked } = await counts(world);
  assert.equal(received, applied + duplicate + parked);
};

test('an actor without a machine is quarantined with one escalation, and goes on by itself, in order, when its build is back', async () => {
  const me = fresh();
  await inTurn([
    async (world) => {
      await world.start(me, 'diary@1', {});
      await hear(world, me, 1);
    },
    async (world) => {
      for (const said of [2, 3, 4]) {
        const { outcome, note } = await hear(world, me, said);
        assert.equal(outcome, 'applied');
        assert.match(note!, /quarantined: this build has no machine 'diary@1'|kept/);
      }
      assert.deepEqual([await heard(world, me), (await counts(world)).parked], [[1], 0]);
      const [only, ...rest] = await escalations(world);
      assert.match(only!.summary, /is quarantined: this build has no machine 'diary@1'/);
      assert.deepEqual(rest, []);
      assert.equal((await world.start('other/1', 'other@1', {})).outcome, 'applied', 'neighbours are not disturbed');
    },
    async (world) => {
      await world.until('everything that waited was applied', async () => (await heard(world, me)).length === 4);
      await hear(world, me, 5);
      assert.deepEqual(await heard(world, me), [1, 2, 3, 4, 5]);
      assert.equal((await world.record(me))!.held, undefined);
      assert.deepEqual(await escalations(world), []);
      await assertReplays(world, me);
      await balanced(world);
    },
  ], [[diary('1')], [other()], [diary('1'), other()]]);
});

test('a declared migration is a recorded step before the message that met it, and a replay folds it without the old definition', async () => {
  const me = fresh();
  const second = diary('2', { migrate: { 1: ({ value, context }: any) => ({ value, context: { heard: context.heard.map((said: number) => said * 10) } }) } });
  await inTurn([
    async (world) => {
      await world.start(me, 'diary@1', {});
      await hear(world, me, 1);
    },
    async (world) => {
      assert.equal((await hear(world, me, 2)).rev, 3, 'the migration has a revision of its own');
      assert.deepEqual([await heard(world, me), (await world.record(me))!.machine], [[10, 2], 'diary@2']);
      const rows = await readHistory((args) => world.store.query('history', args), me);
      assert.deepEqual(rows.map(({ rev, body }) => [rev, body!.message?.kind ?? 'version']), [[0, 'start'], [1, 'event'], [2, 'version'], [3, 'event']]);
      const without = replay(world.registry, me, rows, await world.store.load(me));
      assert.deepEqual([without.matches, without.steps, without.skipped], [true, 1, 2]);
      const both = replay(createRegistry([diary('1'), second]), me, rows, await world.store.load(me));
      assert.deepEqual([both.matches, both.steps, both.skipped], [true, 4, 0]);
      const at = (rev: number, registry = world.registry) => replay(registry, me, rows, null, rev);
      assert.deepEqual((at(2).record!.snapshot.context as any).heard, [10]);
      assert.match(at(1).difference!.reason, /no machine 'diary@1'/);
      assert.deepEqual((at(1, createRegistry([diary('1')])).record!.snapshot.context as any).heard, [1]);
    },
  ], [[diary('1')], [second]]);
});

test('a migration that throws puts the actor into quarantine, and a build with a better one takes it out', async () => {
  const me = fresh();
  const broken = diary('2', { migrate: { 1: () => { throw new Error('cannot read the old diary'); } } });
  const better = diary('2', { migrate: { 1: (old: any) => ({ value: old.value, context: old.context }) } });
  await inTurn([
    async (world) => void (await world.start(me, 'diary@1', {})),
    async (world) => {
      await hear(world, me, 1);
      assert.match((await escalations(world))[0]!.summary, /diary@2 cannot take over from diary@1: cannot read the old diary/);
      assert.equal((await world.record(me))!.machine, 'diary@1');
    },
    async (world) => {
      await world.until('what waited was applied', async () => (await heard(world, me)).length === 1);
      assert.equal((await world.record(me))!.machine, 'diary@2');
      await assertReplays(world, me);
    },
  ], [[diary('1')], [broken], [better]]);
});

test('with both versions in the build each actor stays with its own, and a start gets the version it names', async () => {
  const [old, fresher] = [fresh(), fresh()];
  const second = diary('2', { takesOver: ['1'] });
  await inTurn([
    async (world) => void (await world.start(old, 'diary@1', {})),
    async (world) => {
      await hear(world, old, 1);
      await world.start(fresher, 'diary@2', {});
      assert.deepEqual([(await world.record(old))!.machine, (await world.record(fresher))!.machine], ['diary@1', 'diary@2']);
    },
    async (world) => {
      await hear(world, old, 2);
      assert.deepEqual([await heard(world, old), (await world.record(old))!.machine], [[1, 2], 'diary@2']);
    },
  ], [[diary('1')], [diary('1'), second], [second]]);
});

test('a machine changed under its version goes on when the state fits, else it waits for a build where it does', async () => {
  const [fits, unfit] = [fresh(), fresh()];
  const first = diary('1', {}, { open: { on: { TICK: 'gone' } }, gone: {} });
  await inTurn([
    async (world) => {
      for (const me of [fits, unfit]) await world.start(me, 'diary@1', {});
      await world.event(unfit, { type: 'TICK' });
    },
    async (world) => {
      for (const me of [fits, unfit]) await hear(world, me, 1);
      assert.deepEqual([await heard(world, fits), await heard(world, unfit)], [[1], []]);
      assert.match((await escalations(world))[0]!.summary, /changed under its version .* there is no state 'diary\.gone'/);
      await assertReplays(world, fits);
    },
    async (world) => {
      await world.until('it goes on', async () => (await heard(world, unfit)).length === 1);
      for (const me of [fits, unfit]) await assertReplays(world, me);
    },
  ], [[first], [diary('1')], [first]]);
});

test('a deadline that falls due in quarantine is kept too, and taken by the build that fits', async () => {
  const me = fresh();
  const patient = diary('1', {}, { open: { after: { 3_600_000: 'late' } }, late: {} });
  await inTurn([
    async (world) => void (await world.start(me, 'diary@1', {})),
    async (world) => {
      await world.store.release(Date.now() + 4_000_000);
      await world.until('the deadline is kept', async () => (await world.record(me))!.held?.waiting.length === 1);
      assert.equal((await counts(world)).parked, 0);
    },
    async (world) => {
      await world.until('the deadline is taken', async () => (await world.record(me))!.snapshot.value === 'late');
      await assertReplays(world, me);
    },
  ], [[patient], [other()], [patient]]);
});

test('an actor that has ended ignores what comes, whatever the build knows', async () => {
  const me = fresh();
  await inTurn([
    async (world) => {
      await world.start(me, 'diary@1', {});
      await world.event(me, { type: 'TICK' });
    },
    async (world) => {
      const { outcome, note } = await hear(world, me, 1);
      assert.deepEqual([outcome, note, await escalations(world)], ['ignored', 'the actor is done', []]);
    },
  ], [[diary('1', {}, { open: { on: { TICK: 'end' } }, end: { type: 'final' } })], [other()]]);
});

test('a host that dies between the migration and the step leaves the migration made, and the message is applied once', async () => {
  const me = fresh();
  const second = diary('2', { context: z.object({ heard: z.array(z.number()) }), migrate: { 1: ({ value, context }: any) => ({ value, context: { heard: [...context.heard, 100] } }) } });
  await inTurn([
    async (world) => void (await world.start(me, 'diary@1', {})),
    async (world) => {
      // This world hosts nothing of ours; a host with the new machine comes beside it and dies after its first write.
      let writes = 0;
      const dying: StorePort = {
        ...world.store,
        async commit(commit) {
          if (commit.actor !== me) return world.store.commit(commit);
          if (writes++ > 0) return new Promise(() => {});
          return world.store.commit(commit);
        },
      };
      await diesWith(world, dying, second, me);
      assert.deepEqual([writes > 1, await heard(world, me), (await world.record(me))!.machine], [true, [100], 'diary@2']);
    },
    async (world) => {
      await world.store.release(Date.now() + 4_000_000);
      await world.until('the message is applied', async () => (await heard(world, me)).length === 2);
      assert.deepEqual(await heard(world, me), [100, 1]);
      await assertReplays(world, me);
      await balanced(world);
    },
  ], [[diary('1')], [], [second]]);
});

/** Delivers one message to a host that hangs for ever in its second write, as a killed process does. */
async function diesWith(world: World, store: StorePort, machine: AnyStateMachine, me: string): Promise<void> {
  const deliveries: ((delivery: never) => Promise<void>)[] = [];
  const bus = { ...world.bus, consumeMail: async (handler: never) => { deliveries.push(handler); return { stop: async () => {} }; } };
  await startHost({ bus, store, registry: createRegistry([machine]), clock: systemClock, log: silentLog });
  const message = { id: `dies-${me}`, to: me, from: 'operator/test', body: { kind: 'event' as const, event: { type: 'HEAR', n: 1 } } };
  // Promised, so that it comes again after the death, and not before.
  await world.store.commit({ id: `cmd-${me}`, atMs: 1, actor: 'operator/test', outcome: 'applied', journal: '{}', sends: [{ ...message, dueMs: Date.now() + 3_600_000 }], settles: [], facts: [], intents: [], artifacts: [], decisions: [], annotations: [], blobs: [] });
  void deliveries[0]!({ ...message, cause: undefined, subject: 'x', bytes: new TextEncoder().encode(JSON.stringify(message.body)), deliveries: 1, working() {} } as never);
  await world.until('the migration is written', async () => (await world.record(me))!.machine === 'diary@2');
}
