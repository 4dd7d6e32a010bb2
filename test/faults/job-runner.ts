// Run by job-killed.test.ts: `job-runner.ts OPTIONS` is a store with host, worker and deadlines. It says `begun N` when try N of the
// job begins and never ends that try, or ends it at once with `answer`; `done` when the actor has its result.
import { writeSync } from 'node:fs';
import { setup } from 'xstate';
import { z } from 'zod';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { silentLog } from '#actors/log.ts';
import { createRegistry } from '#actors/registry.ts';
import { startWorker } from '#actors/worker.ts';
import { activity, protocol } from '#machines/define.ts';
import { startStore } from '#store/actor.ts';
import type { StoreOptions } from '#store/protocol.ts';
import { watchDeadlines } from '#supervisor/deadlines.ts';
import { decide } from '#supervisor/strategy.ts';

interface Options { store: StoreOptions; answer: boolean; once: boolean }
const { store: storeOptions, answer, once } = JSON.parse(process.argv[2]!) as Options;
const say = (line: string) => writeSync(1, `${line}\n`);

const wait = activity({ name: 'wait.long', input: z.any(), output: z.any(), timeoutMs: 600_000, heartbeatMs: 300_000, once, retry: { attempts: 3, firstMs: 10, maxMs: 10 } });
const types = protocol({ context: z.object({}), input: z.object({}), output: z.unknown(), events: {} });
const asker = setup({ types: types.types, schemas: types.schemas, actors: { wait } }).createMachine({
  id: 'asker',
  version: '1',
  context: {},
  initial: 'asking',
  states: { asking: { invoke: { id: 'job', src: 'wait', onDone: 'done', onError: 'failed' } }, done: {}, failed: {} },
});

const registry = createRegistry([asker]);
const store = await startStore(storeOptions);
const bus = await connectBus({ ...storeOptions.bus, name: 'host', clock: systemClock, log: silentLog });
const parts = { bus, store, registry, clock: systemClock, log: silentLog };
const run = async ({ attempt }: { attempt: number }) => {
  say(`begun ${attempt}`);
  if (!answer) await new Promise(() => {});
  return { ok: true };
};
await startWorker({ ...parts, decide, activities: { 'wait.long': run } });
await startHost(parts);
await store.republish(systemClock.now());
await watchDeadlines(parts);
const present = await store.load('asker/1');
if (present === null) await bus.submit({ id: 'start', to: 'asker/1', from: 'operator/test', body: { kind: 'start', machine: 'asker@1', input: {} } }, 10_000);
for (;;) {
  const value = (JSON.parse((await store.load('asker/1')) ?? 'null') as { snapshot: { value: string } } | null)?.snapshot.value;
  if (value === 'done' || value === 'failed') {
    say(value);
    break;
  }
  await systemClock.sleep(20);
}
