// Run by kill-operation.test.ts: `operation-runner.ts OPTIONS` is a company with the real gate and the payments connector. It brings
// what an earlier process left to an end and says how (`settled ADDRESS STATE`), then starts charges, says where each is (`at ADDRESS POINT`)
// and kills itself at `killAt`; `missed` when all ended before that.
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
import { operationMachine } from '#machines/agents/operation.ts';
import type { Commit } from '#machines/commit.ts';
import { startStore } from '#store/actor.ts';
import { watchDeadlines } from '#supervisor/deadlines.ts';
import { decide } from '#supervisor/strategy.ts';
import type { Point, RunnerOptions } from './operation-points.ts';

const { store: storeOptions, apiUrl, secretKey, settle, start, killAt, inCallMs } = JSON.parse(process.argv[2]!) as RunnerOptions;
const say = (line: string) => writeSync(1, `${line}\n`);
const pass = (address: string, point: Point) => {
  if (!start.includes(address)) return;
  say(`at ${address} ${point}`);
  if (address === killAt?.address && point === killAt.point) process.kill(process.pid, 'SIGKILL');
};

/** Whose operation this commit is about, and the point of it. */
const addressIn = ({ id, actor }: Commit) => (actor.startsWith('operation/') ? actor : id.slice(0, id.lastIndexOf('#')));
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
    if (point) pass(addressIn(commit), `before ${point}`);
    const answer = await given.commit(commit);
    if (point) pass(addressIn(commit), `after ${point}`);
    return answer;
  },
};

/** Passes the points around and inside of its calls. */
function watched(connector: Connector): Connector {
  const around = <C extends { operationId: string }, R>(name: 'call' | 'prepare', run: (payload: unknown, call: C) => Promise<R>) => async (payload: unknown, call: C): Promise<R> => {
    pass(call.operationId, `before ${name}`);
    const inside = setTimeout(() => pass(call.operationId, `in ${name}`), inCallMs);
    const answer = await run(payload, call).finally(() => clearTimeout(inside));
    pass(call.operationId, `after ${name}`);
    return answer;
  };
  return { ...connector, actions: (connector.actions as unknown as Action<unknown>[]).map((one) => ({ ...one, commit: around('call', one.commit), ...(one.prepare ? { prepare: around('prepare', one.prepare) } : {}) })) as never };
}

const allow: Policies = { version: '1', decide: () => ({ answer: 'allow', policy: { id: 'test', version: '1', rule: 'allow' }, why: 'a test', expiresAfterMs: null }) } as unknown as Policies;
const connectors = [watched(createPaymentsConnector(settingsSchema.parse({ account: 'holt-stripe', currencies: ['EUR'], apiUrl }), { STRIPE_SECRET_KEY: secretKey }))];
const clock = systemClock;
const gate = createGate({ connectors, store, clock, caps: [{ currency: 'EUR', perDayMinor: 1e12, perPayeePerDayMinor: 1e12 }], policies: async () => allow, documents: createDocuments({ store, clock, from: 'connector/documents' }), supervised: () => null, throttle: { run: (_, work) => work() } }); // a rest of the provider would only be waited for
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
await Promise.all(settle.map(async (address) => say(`settled ${address} ${String(await settled(address))}`)));
if (start.length > 0) {
  const payload = { amountMinor: 5_000, currency: 'EUR', customer: 'cus_nina', paymentMethod: 'pm_card', description: 'Hosting', reference: '2026-0008' };
  await Promise.all(start.map(async (address) => {
    await bus.submit({ id: `start:${address}`, to: address, from: 'operator/test', body: { kind: 'start', machine: 'operation@1', input: { id: address.slice('operation/'.length), action: 'payments.charge', payload, summary: 'Hosting' } } }, 60_000);
    say(`settled ${address} ${String(await settled(address))}`);
  }));
  say('missed');
}
await given.close();
process.exit(0);
