// A company's kernel on real servers: nats-server, the store's thread on a real file, host and worker. For tests and benches.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { connectBus } from '#actors/bus-nats.ts';
import type { Bus } from '#actors/bus.ts';
import { systemClock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { silentLog } from '#actors/log.ts';
import type { ActorRecord } from '#actors/record.ts';
import { createRegistry, type Registry } from '#actors/registry.ts';
import { startWorker, type Activity } from '#actors/worker.ts';
import type { Applied } from '#machines/commit.ts';
import type { Message } from '#machines/message.ts';
import type { Trigger } from '#machines/triggers.ts';
import { startStore, type Store } from '#store/actor.ts';
import { watchDeadlines } from '#supervisor/deadlines.ts';
import { decide } from '#supervisor/strategy.ts';
import { withNats, type TestNats } from './nats.ts';

export interface World {
  dataDir: string;
  nats: TestNats;
  bus: Bus;
  store: Store;
  registry: Registry;
  submit(message: Omit<Message, 'from'> & { from?: string }): Promise<Applied>;
  start(address: string, machine: string, input: unknown): Promise<Applied>;
  event(address: string, event: { type: string; [key: string]: unknown }, from?: string): Promise<Applied>;
  record(address: string): Promise<ActorRecord | null>;
  /** Waits until `test` answers something true; fails after 10 s. */
  until<T>(what: string, test: () => Promise<T | undefined | false | null>): Promise<T>;
  stop(options?: { keep?: boolean }): Promise<void>;
}

export async function startWorld({ machines, activities = {}, dataDir = mkdtempSync(join(tmpdir(), 'keelson-world-')), nats: given, triggers = [] }: { machines: AnyStateMachine[]; activities?: Record<string, Activity>; dataDir?: string; nats?: TestNats; triggers?: Trigger[] }): Promise<World> {
  const registry = createRegistry(machines);
  const nats = given ?? (await withNats());
  const connection = { url: nats.url, token: nats.token, company: 'test' };
  const store = await startStore({ dataDir, bus: connection, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null, triggers });
  const bus = await connectBus({ ...connection, name: 'host', clock: systemClock, log: silentLog });
  const host = await startHost({ bus, store, registry, clock: systemClock, log: silentLog });
  const worker = await startWorker({ bus, store, registry, activities, decide, clock: systemClock, log: silentLog });
  const deadlines = await watchDeadlines({ store, clock: systemClock, log: silentLog });
  await store.republish(systemClock.now());
  let n = 0;
  const run = `${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const world: World = {
    dataDir, nats, bus, store, registry,
    submit: (message) => bus.submit({ from: 'operator/test', ...message }, 10_000),
    start: (address, machine, input) => world.submit({ id: `test-${run}-${++n}`, to: address, body: { kind: 'start', machine, input } }),
    event: (address, event, from = 'operator/test') => world.submit({ id: `test-${run}-${++n}`, to: address, from, body: { kind: 'event', event } }),
    async record(address) {
      const text = await store.load(address);
      return text === null ? null : (JSON.parse(text) as ActorRecord);
    },
    async until(what, test) {
      const end = Date.now() + 10_000;
      while (Date.now() < end) {
        const answer = await test();
        if (answer) return answer;
        await systemClock.sleep(20);
      }
      throw new Error(`waited 10 s for: ${what}`);
    },
    async stop({ keep = false } = {}) {
      deadlines.stop();
      await worker.stop();
      await host.stop();
      await store.close();
      await bus.close();
      if (!given) await nats.stop();
      if (!keep) rmSync(dataDir, { recursive: true, force: true });
    },
  };
  return world;
}
