// A company's kernel on real servers, on a clock that is moved by hand: its wall and the time that passed, together or apart.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AnyStateMachine } from 'xstate';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock, type SteadyClock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { silentLog } from '#actors/log.ts';
import type { ActorRecord } from '#actors/record.ts';
import { createRegistry } from '#actors/registry.ts';
import { startWorker, type Activity } from '#actors/worker.ts';
import { createDesk } from '#connectors/console/desk.ts';
import { openCalendar } from '#connectors/cron.ts';
import { scheduleMachine, type Schedule } from '#machines/agents/schedule.ts';
import { startStore, type Store } from '#store/actor.ts';
import { effectfulTypes, watchDeadlines } from '#supervisor/deadlines.ts';
import { keepSchedules, scheduleActivities } from '#supervisor/schedules.ts';
import { decide } from '#supervisor/strategy.ts';
import type { TestNats } from '#test/kit/nats.ts';

export interface HandClock extends SteadyClock { pass(ms: number): void; jump(ms: number): void }

/** Runs on, from this moment. */
export function handClock(startMs: number): HandClock {
  let wallMs = startMs - systemClock.now();
  let passedMs = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + wallMs,
    elapsed: () => systemClock.elapsed() + passedMs,
    pass(ms) {
      wallMs += ms;
      passedMs += ms;
    },
    jump: (ms) => void (wallMs += ms),
  };
}

export function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-moved-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

let made = 0;
const makeId = () => `test-${process.pid}-${++made}`;

export interface MovedOptions { nats: TestNats; dataDir: string; clock: HandClock; machines: AnyStateMachine[]; activities?: Record<string, Activity>; schedules?: Schedule[]; beforeWork?: (store: Store) => Promise<void> }

export async function startMoved(t: TestContext, { nats, dataDir, clock, machines, activities = {}, schedules = [], beforeWork = async () => {} }: MovedOptions) {
  const registry = createRegistry([...machines, scheduleMachine]);
  const connection = { url: nats.url, token: nats.token, company: dataDir.split('-').at(-1)! };
  const permissions = Object.fromEntries(registry.list().map(({ id, protocol }) => [id, protocol.may ?? {}]));
  const store = await startStore({ dataDir, bus: connection, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions });
  await beforeWork(store);
  const bus = await connectBus({ ...connection, name: 'host', clock: systemClock, log: silentLog });
  const scheduling = await keepSchedules({ store, schedules, openCalendar, clock, makeId, onError: (error) => t.diagnostic(String(error)) });
  const worker = await startWorker({ bus, store, registry, activities: { ...activities, ...scheduleActivities({ store, clock, openCalendar }) }, decide, clock, log: silentLog });
  const host = await startHost({ bus, store, registry, clock, log: silentLog });
  await store.republish(clock.now());
  let looks = 0;
  let nextDueMs: number | null = null;
  const watched: Pick<Store, 'release' | 'onDeadline'> = {
    onDeadline: store.onDeadline,
    async release(...reading) {
      const looked = await store.release(...reading);
      looks++;
      ({ nextDueMs } = looked);
      return looked;
    },
  };
  const deadlines = await watchDeadlines({ store: watched, clock, log: silentLog, effectful: [...effectfulTypes(registry), 'schedule'], onJump: scheduling.look });
  let down = false;
  const stop = async () => {
    if (down) return;
    down = true;
    deadlines.stop();
    scheduling.stop();
    await host.stop();
    await worker.stop();
    await store.close();
    await bus.close();
  };
  t.after(stop);
  const status = async () => (await store.query('status', {})) as { inFlight: number; deadlines: number; received: number; applied: number; duplicate: number; parked: number };
  const world = {
    store, stop, status, desk: createDesk({ store, bus, clock, makeId, onClockAnswered: deadlines.look }),
    start: (address: string, machine: string, input: unknown) => bus.submit({ id: makeId(), to: address, from: 'operator/test', body: { kind: 'start', machine, input } }, 10_000),
    record: async (address: string) => JSON.parse((await store.load(address)) ?? 'null') as ActorRecord | null,
    addresses: async (type: string) => ((await store.query('actors', { type })) as { address: string }[]).map(({ address }) => address),
    inbox: async () => (await store.query('inbox', {})) as { id: string; kind: string; summary: string; actor: string }[],
    /** Waits for something, with a limit. */
    async until<T>(what: string, test: () => Promise<T | false | null | undefined>): Promise<T> {
      for (let i = 0; i < 3_000; i++) {
        const answer = await test();
        if (answer) return answer;
        await systemClock.sleep(20);
      }
      throw new Error(`waited for: ${what}`);
    },
    /** Nothing under way, and all that is due is let go. */
    quiet: () => world.until('quiet', async () => {
      const before = looks;
      deadlines.look();
      await world.until('a look', async () => looks > before);
      return (await status()).inFlight === 0 && (nextDueMs === null || nextDueMs > clock.now());
    }),
    pass(ms: number) {
      clock.pass(ms);
      return world.quiet();
    },
    jump(ms: number) {
      clock.jump(ms);
      return world.quiet();
    },
  };
  return world;
}
