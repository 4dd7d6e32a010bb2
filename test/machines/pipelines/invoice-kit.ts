// A run of an invoice in the simulator: operations are real, the gate and the world behind it are scripted.
import assert from 'node:assert/strict';
import { findInvoice } from '#connectors/invoices/find.ts';
import { operationMachine } from '#machines/agents/operation.ts';
import type { Performed } from '#machines/effects.ts';
import { invoiceMachine } from '#machines/pipelines/invoice.ts';
import { invoicePaymentMachine } from '#machines/pipelines/invoice-payment.ts';
import type { Fact, Intent } from '#machines/records.ts';
import { closedStandings, type InvoiceState } from '#machines/invoice.ts';
import { createSim, type Sim } from '#test/kit/sim.ts';
import { operationActivities, performed } from '#test/kit/verdict.ts';

export const dayMs = 86_400_000;
export const address = 'invoice/web-1';
const dueDays = 14;
export const order = {
  customer: { name: 'Nina Holt', email: 'nina@holt.example', address: ['Mill Lane 2'] },
  lines: [{ text: 'Website', quantity: 1, unitMinor: 10_000, taxPercent: 19 }],
  currency: 'EUR', dueDays, language: 'en',
};
export const issued = { number: 'R-0001', document: 'invoice/R-0001', hash: 'a'.repeat(64), totalMinor: 11_900, currency: 'EUR', issuedOn: '2026-11-23', dueOn: '2026-12-07', dueInMs: dueDays * dayMs };
export const input = { order, from: { address: 'me@studio.example', name: 'Me' }, expireAfterMs: 2 * dayMs };

type Payload = Record<string, unknown> & { text: string; subject: string };
export interface Committed { operation: string; action: string; payload: Payload }
export interface World {
  sim: Sim;
  /** What was performed, in order. */
  done: Committed[];
  value(): unknown;
  state(): InvoiceState['state'] | undefined;
  states(): string[];
  operation(id: string): string;
  /** The operator's yes to the operation of this step: `issue`, `mail`, `reminder-1`. */
  approve(step: string): Promise<void>;
  reject(step: string, reason?: string): Promise<void>;
  open(): Intent[];
  asked(): string[];
  answer(type: 'APPROVE' | 'REJECT' | 'CANCEL', reason?: string): Promise<void>;
  /** The operator's own word that money came in. */
  paid(amountMinor: number, id?: string, currency?: string, from?: string): Promise<void>;
  /** A fact of the payments connector, and the run that a trigger starts for it. Answers its address. */
  received(amountMinor: number, over?: { payment?: string; currency?: string; reference?: string; label?: Fact['label'] }): Promise<string>;
  /** A mail that tells of money, as the mail pipeline books it, and the run that a trigger starts for it. */
  told(amountMinor: number, over?: { reference?: string | null; payee?: string | null; currency?: string; source?: string }): Promise<string>;
  decisions(what?: string): string[];
  output(at?: string): Record<string, unknown>;
}

export interface Script { commit?(call: Committed): Promise<Performed>; verdict?: (input: { action: string }) => object; chaos?: number; seed?: number }

export function createWorld({ commit, verdict = () => ({}), chaos, seed }: Script = {}): World {
  const done: Committed[] = [];
  const payments = new Map<string, Fact & { id: string; actor: string }>();
  const sim = createSim({
    machines: [invoiceMachine, operationMachine, invoicePaymentMachine], permissions: true, ...(chaos === undefined ? {} : { chaos }), ...(seed === undefined ? {} : { seed }),
    activities: {
      ...operationActivities({
        verdict,
        async commit({ input: given }) {
          const { bound: { operation, action }, payload } = given as { bound: { operation: string; action: string }; payload: Payload };
          const call = { operation, action, payload };
          const result = await (commit?.(call) ?? performedOf(action));
          done.push(call);
          return result;
        },
      }),
      'invoice.find': findInvoice({
        load: async () => null,
        commit: () => assert.fail('looking writes nothing'),
        async query(name, args) {
          if (name === 'fact') return payments.get(args['id'] as string) ?? null;
          if (name === 'lastFact') return [];
          if (name === 'openInvoices') return openInvoices();
          return sim.recorded.facts.filter(({ entity, predicate }) => entity === args['entity'] && predicate === args['predicate']).map((fact) => ({ ...fact, actor: address }));
        },
      }),
    },
  });
  /** As the store answers it: the newest word about the one invoice there is, while it is open. */
  const openInvoices = () => {
    const state = sim.recorded.facts.findLast(({ predicate }) => predicate === 'invoice.state')?.value as InvoiceState | undefined;
    return state && !closedStandings.includes(state.state) ? [{ entity: 'asset/invoice-R-0001', actor: address, issued: { number: 'R-0001', customerEmail: order.customer.email }, state, facts: ['f-1-0', 'f-2-0'] }] : [];
  };
  const fold = () => {
    const items = new Map<string, Intent>();
    for (const intent of sim.recorded.intents) {
      const before = items.get(intent.id);
      assert.ok(!before || before.state === 'input-required' || before.state === intent.state, `${intent.id} is ${before?.state} and cannot become ${intent.state}`);
      items.set(intent.id, { ...before, ...intent });
    }
    return [...items.values()];
  };
  const world: World = {
    sim, done,
    value: () => sim.value(address),
    states: () => sim.recorded.facts.filter(({ predicate }) => predicate === 'invoice.state').map(({ value }) => (value as InvoiceState).state),
    state: () => world.states().at(-1) as InvoiceState['state'] | undefined,
    operation: (step) => sim.addresses().find((one) => one.startsWith('operation/') && sim.context<{ id: string }>(one).id === `web-1-${step}`) ?? assert.fail(`nobody proposed ${step}; there is ${sim.addresses().join(', ')}`),
    async approve(step) {
      const at = world.operation(step);
      await sim.event(at, { type: 'APPROVE', payloadHash: sim.context<{ payloadHash: string }>(at).payloadHash }).idle();
    },
    reject: (step, reason = 'not now') => sim.event(world.operation(step), { type: 'REJECT', reason }).idle(),
    open: () => fold().filter(({ state }) => state === 'input-required'),
    asked: () => world.open().map(({ summary }) => summary ?? ''),
    answer: (type, reason = 'so be it') => sim.event(address, { type, reason, ...(type === 'APPROVE' ? { payloadHash: '' } : {}) }).idle(),
    paid: (amountMinor, id = 'p-1', currency = 'EUR', from = 'operator/test') => sim.event(address, { type: 'PAID', payment: { id, amountMinor, currency } }, from).idle(),
    async received(amountMinor, { payment = 'pi_1', currency = 'EUR', reference = 'R-0001', label = 'verified-connector' } = {}) {
      const id = `f-${payments.size + 1}-0`;
      payments.set(id, { id, actor: 'connector/payments', entity: `account/${reference}`, predicate: 'payment.received', value: { amountMinor, currency, reference, payment, event: 'evt', operation: null }, label, confidence: 1 });
      const at = `invoice-payment/payments-${id}`;
      await sim.start(at, invoicePaymentMachine, { change: { kind: 'fact', id, seq: 1, atMs: 1, actor: 'connector/payments' } }).idle();
      return at;
    },
    async told(amountMinor, { reference = 'R-0001', payee = null, currency = 'EUR', source = 'm-1#L3' } = {}) {
      const id = `f-${payments.size + 1}-0`;
      payments.set(id, { id, actor: 'mail/m-1', entity: 'organisation/bank', predicate: 'payment', value: { payee, amountMinor, currency, dueDate: null, documentDate: null, reference, confidence: 0.9, reasons: [], line: 3 }, label: 'untrusted', confidence: 0.9, source });
      const at = `invoice-payment/told-${id}`;
      await sim.start(at, invoicePaymentMachine, { change: { kind: 'fact', id, seq: 1, atMs: 1, actor: 'mail/m-1' } }).idle();
      return at;
    },
    decisions: (what = 'invoice') => sim.recorded.decisions.filter((decision) => decision.what === what).map(({ outcome }) => outcome),
    output: (at = address) => sim.record(at)!.snapshot.output as Record<string, unknown>,
  };
  return world;
}

export const link = 'https://pay.example/l/1';
export const performedOf = (action: string): Promise<Performed> => Promise.resolve(performed(action === 'invoices.issue' ? { result: issued, providerRef: issued.number } : action === 'payments.link' ? { result: { url: link, link: 'plink_1' } } : {}));

/** A run up to the point where it waits for the money. */
export async function sentInvoice(over: object = {}, script: Script = {}): Promise<World> {
  const world = await begun(over, script);
  await world.approve('issue');
  await world.approve('mail');
  assert.deepEqual(world.value(), { open: 'waiting' });
  return world;
}

export async function begun(over: object = {}, script: Script = {}): Promise<World> {
  const world = createWorld(script);
  await world.sim.start(address, invoiceMachine, { ...input, ...over }).idle();
  return world;
}
