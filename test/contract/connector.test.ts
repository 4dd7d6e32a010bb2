// The contract suite itself: a connector that keeps it passes, and each way of breaking it is found.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { z } from 'zod';
import { action, type Action, type Connector } from '#connectors/connector.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Performed } from '#machines/effects.ts';
import { connectorContract, type Provider } from '#test/contract/connector.ts';

const input = z.strictObject({ item: z.string().min(1), amountMinor: z.number().int().positive() });
type Order = z.output<typeof input>;
const secret = 'sk-canary-8231-never-to-be-seen';

/** A shop in memory: its provider takes keys, can lose a reply and can fall silent. */
function shop(broken: Partial<Action<Order>> = {}, connectorBroken: Partial<Connector> = {}) {
  const orders = new Map<string, string>();
  const held = new Map<string, string>();
  let lost = false;
  let silent: (() => void) | null = null;
  const done = (ref: string): Performed => ({ done: true, providerRef: ref, note: 'ordered', result: null, facts: [] });
  const order: Action<Order> = {
    name: 'shop.order', title: 'Order an item', input, effect: 'write', risk: 'high', reversible: false, money: true, idempotency: { kind: 'native', keyLifetimeMs: 1_000 },
    plan: ({ item, amountMinor }) => {
      const amount = { amountMinor, currency: 'EUR' };
      return item === 'bomb' ? Promise.reject(new KeelsonError('REFUSED', 'not sold here')) : Promise.resolve({
        summary: `Order ${item}`, preview: item, risk: 'high', reasons: [], enclosures: [], money: { ...amount, payee: 'shop', moves: true },
        control: [{ kind: 'amount', field: 'amountMinor', value: amount, vouchedBy: null }, { kind: 'payee', field: 'item', value: 'shop', vouchedBy: 'the settings' }],
      });
    },
    async prepare(_, { operationId }) {
      if (!held.has(operationId)) held.set(operationId, `hold-${held.size}`);
      return { ref: held.get(operationId)!, expiresAtMs: 1, note: 'held' };
    },
    async abort(_, { operationId }) {
      held.delete(operationId);
    },
    async commit(_, { operationId, signal }) {
      if (signal.aborted) throw new KeelsonError('SEND_DEFERRED', 'no time left');
      if (silent) {
        silent();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new KeelsonError('SEND_UNKNOWN', 'no answer'))));
      }
      if (!orders.has(operationId)) orders.set(operationId, `order-${orders.size}`);
      if (!lost) return done(orders.get(operationId)!);
      lost = false;
      throw new KeelsonError('SEND_UNKNOWN', 'the reply was lost');
    },
    lookup: (_, { operationId }) => Promise.resolve(orders.has(operationId) ? { found: 'done', performed: done(orders.get(operationId)!) } : { found: 'absent', note: 'no such order' }),
    ...broken,
  };
  const connector: Connector = { name: 'shop', version: '1', hosts: ['shop.example'], secrets: ['SHOP_KEY'], actions: [action(order)], ...connectorBroken };
  const provider: Provider = {
    executed: () => orders.size,
    loseNextReply: () => void (lost = true),
    silence() {
      const { promise: reached, resolve } = Promise.withResolvers<void>();
      silent = resolve;
      return { reached, end: () => void (silent = null) };
    },
  };
  return { connector, provider, orders, order };
}

const contractOf = (of: Pick<ReturnType<typeof shop>, 'connector' | 'provider'>) => ({ ...of, secrets: { SHOP_KEY: secret }, good: { 'shop.order': { item: 'pen', amountMinor: 100 } }, bad: { 'shop.order': [{ item: '', amountMinor: 1 }, { item: 'bomb', amountMinor: 1 }] } });

test('a connector that keeps the contract passes all of it', (t) => connectorContract(t, contractOf(shop())));

/** The names of the checks that fail. */
async function failures(of: Pick<ReturnType<typeof shop>, 'connector' | 'provider'>): Promise<string[]> {
  const failed: string[] = [];
  // Each check as a context of its own, but without node:test, to which a failed one would be a failure of this file.
  const run = async (name: string, check: (t: TestContext) => void | Promise<void>) => {
    const undo: (() => void)[] = [];
    const mock = {
      method: (owner: Record<string, unknown>, key: string, by: unknown) => {
        const original = owner[key];
        owner[key] = by;
        undo.push(() => void (owner[key] = original));
      },
      timers: { enable: () => undefined, setTime: () => undefined },
    };
    try {
      await check({ mock } as unknown as TestContext);
    } catch (error) {
      failed.push(`${name}: ${(error as Error).message}`);
    } finally {
      for (const back of undo) back();
    }
  };
  await connectorContract({ test: run }, contractOf(of));
  return failed;
}

const { order } = shop();
const call = { operationId: '', documents: {} as never };
const planned = await order.plan({ item: 'pen', amountMinor: 100 }, call);
let plans = 0;

const broken: [what: string, Partial<Action<Order>>, found: RegExp, connector?: Partial<Connector>][] = [
  ['takes unknown fields', { input: z.object(input.shape) }, /unknown fields/],
  ['has a name of another connector', { name: 'pub.order' }, /not <connector>|one good payload/],
  ['holds and never lets go', { abort: undefined }, /abort lets go/],
  ['promises a lookup and has none', { idempotency: { kind: 'lookup' }, lookup: undefined }, /says 'lookup'/],
  ['moves money without key and phases', { idempotency: { kind: 'none' }, prepare: undefined, abort: undefined }, /moves money/],
  ['names a host as a URL', {}, /a host is a name/, { hosts: ['https://shop.example/'] }],
  ['plans with the network', { plan: async () => (await fetch('http://127.0.0.1:1/'), planned) }, /must not fetch/],
  ['plans differently each time', { plan: async () => ({ ...planned, summary: `${++plans}` }) }, /another time/],
  ['names no amount', { plan: async () => ({ ...planned, control: planned.control.slice(1) }) }, /amount is a control field/],
  ['names no payee', { plan: async () => ({ ...planned, control: planned.control.slice(0, 1) }) }, /payee is a control field/],
  ['hides the money', { plan: async () => ({ ...planned, money: null }) }, /disagree/],
  ['plans everything', { plan: async () => planned }, /bad payload 1 .*succeeded/],
  ['shows its secret in the plan', { plan: async () => ({ ...planned, reasons: [secret] }) }, /shows the secret SHOP_KEY/],
  ['calls a lost reply refused', { commit: async (payload, given) => order.commit(payload, given).then(() => Promise.reject(new KeelsonError('SEND_REFUSED', 'no'))) }, /lost reply/],
  ['shows its secret in the cause of an error', { commit: () => Promise.reject(new KeelsonError('SEND_UNKNOWN', 'no', { cause: { headers: { authorization: secret } } })) }, /shows the secret SHOP_KEY/],
  ['holds something new at each try', { prepare: async () => ({ ref: `${++plans}`, expiresAtMs: 1, note: '' }) }, /something else is held/],
  ['looks for any order', { lookup: async () => ({ found: 'done', performed: { done: true, providerRef: 'order-0', note: '', result: null, facts: [] } }) }, /what never happened/],
  ['looks and finds nothing', { lookup: async () => ({ found: 'absent', note: '' }) }, /lookup says/],
  ['throws what is no code', { commit: () => Promise.reject(new Error('socket hang up')) }, /no KeelsonError/],
];

for (const [what, mutation, found, connectorMutation] of broken) {
  test(`a connector that ${what} is found out`, async () => {
    const failed = await failures(shop(mutation, connectorMutation));
    assert.ok(failed.some((message) => found.test(message)), `not found; what failed: ${failed.join(' | ') || 'nothing'}`);
  });
}

test('a connector that ignores the operation id is found out', async () => {
  const { provider, orders, connector } = shop({ lookup: undefined, commit: async () => {
    orders.set(`${orders.size}`, '');
    return { done: true, providerRef: 'x', note: '', result: null, facts: [] };
  } });
  assert.match((await failures({ connector, provider })).join(' | '), /was executed again/);
});
