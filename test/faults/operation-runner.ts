// Run by kill-operation.test.ts: `operation-runner.ts OPTIONS` is a company with the real gate and the payments connector. It brings
// what an earlier process left to an end and says how (`settled ADDRESS STATE`), then starts one charge and kills itself at `killAt`;
// `missed` when the charge ended without passing there.
import { writeSync } from 'node:fs';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { silentLog } from '#actors/log.ts';
import { createRegistry } from '#actors/registry.ts';
import type { StorePort } from '#actors/store-port.ts';
import { startWorker } from '#actors/worker.ts';
import type { Action, Connector } from '#connectors/connector.ts';
import { createDocuments } from '#connectors/documents.ts';
import { createGate } from '#connectors/gate.ts';
import { createPaymentsConnector, settingsSchema } from '#connectors/payments/connector.ts';
import type { Policies } from '#connectors/policy.ts';
import { createThrottle } from '#connectors/throttle.ts';
import { operationMachine } from '#machines/agents/operation.ts';
import type { Commit } from '#machines/commit.ts';
import { startStore } from '#store/actor.ts';
import { watchDeadlines } from '#supervisor/deadlines.ts';
import { decide } from '#supervisor/strategy.ts';
import type { Point, RunnerOptions } from './operation-points.ts';

const { store: storeOptions, apiUrl, secretKey, settle, start, killAt, inCallMs } = JSON.parse(process.argv[2]!) as RunnerOptions;
const say = (line: string) => writeSync(1, `${line}\n`);
let armed = false;
const pass = (point: Point) => {
  if (armed && point === killAt) process.kill(process.pid, 'SIGKILL');
};

/** The point of the operation that this commit is. */
const pointOf = ({ id, step }: Commit): 'prepared' | 'dispatching' | 'done' | 'claim' | 'result' | null => {
  if (id.includes('operation/') && id.endsWith('!claim')) return 'claim';
  if (id.endsWith('!result')) return 'result';
  if (step?.value === '"dispatching"' || step?.value === '"done"') return step.value.slice(1, -1) as 'dispatching';
  return step?.value === '{"prepared":"preparing"}' ? 'prepared' : null;
};
const given = await startStore(storeOptions);
const store: StorePort = {
  query: given.query, load: given.load,
  async commit(commit) {
    const point = pointOf(commit);
    if (point) pass(`before ${point}`);
    const answer = await given.commit(commit);
    if (point) pass(`after ${point}`);
    return answer;
  },
};

/** Passes the points around and inside of its calls. */
function watched(connector: Connector): Connector {
  const around = <T extends unknown[], R>(name: 'call' | 'prepare', run: (...args: T) => Promise<R>) => async (...args: T): Promise<R> => {
    pass(`before ${name}`);
    if (armed && killAt === `in ${name}`) setTimeout(() => pass(`in ${name}`), inCallMs);
    const answer = await run(...args);
    pass(`after ${name}`);
    return answer;
  };
  return { ...connector, actions: (connector.actions as unknown as Action<unknown>[]).map((one) => ({ ...one, commit: around('call', one.commit), ...(one.prepare ? { prepare: around('prepare', one.prepare) } : {}) })) as never };
}

const allow: Policies = { version: '1', decide: () => ({ answer: 'allow', policy: { id: 'test', version: '1', rule: 'allow' }, why: 'a test', expiresAfterMs: null }) } as unknown as Policies;
const connectors = [watched(createPaymentsConnector(settingsSchema.parse({ account: 'holt-stripe', currencies: ['EUR'], apiUrl }), { STRIPE_SECRET_KEY: secretKey }))];
const clock = systemClock;
const gate = createGate({ connectors, store, clock, dryRun: false, caps: [{ currency: 'EUR', perDayMinor: 1e12, perPayeePerDayMinor: 1e12 }], policies: async () => allow, documents: createDocuments({ store, clock, from: 'connector/documents' }), supervised: () => null, throttle: createThrottle({ clock }) });
const registry = createRegistry([operationMachine]);
const bus = await connectBus({ ...storeOptions.bus, name: 'host', clock, log: silentLog });
const parts = { bus, store, registry, clock, log: silentLog };
await startWorker({ ...parts, decide, activities: gate });
await startHost(parts);
await given.republish(clock.now());
await watchDeadlines({ ...parts, store: given });

const valueOf = async (address: string) => (JSON.parse((await store.load(address)) ?? 'null') as { snapshot: { value: unknown } } | null)?.snapshot.value;
const isSettled = (value: unknown) => typeof value === 'string' && ['done', 'failed', 'refused', 'expired', 'canceled', 'unknown'].includes(value);
const settled = async (address: string) => {
  for (;;) {
    const value = await valueOf(address);
    if (value === undefined || isSettled(value)) return value;
    await clock.sleep(10);
  }
};
for (const address of settle) say(`settled ${address} ${String(await settled(address))}`);
if (start !== null) {
  armed = true;
  const payload = { amountMinor: 5_000, currency: 'EUR', customer: 'cus_nina', paymentMethod: 'pm_card', description: 'Hosting', reference: '2026-0008' };
  await bus.submit({ id: `start:${start}`, to: start, from: 'operator/test', body: { kind: 'start', machine: 'operation@1', input: { id: start.slice('operation/'.length), action: 'payments.charge', payload, summary: 'Hosting' } } }, 10_000);
  say(`settled ${start} ${String(await settled(start))}`);
  say('missed');
}
await given.close();
process.exit(0);
