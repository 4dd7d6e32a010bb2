// Goal: from the order to the booked payment on real servers: nats, the store with its rules and triggers, the connector that numbers and
// draws. Method: one invoice, approved as the operator would; then the payment's fact, as the payments connector writes it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#actors/clock.ts';
import type { Activity } from '#actors/worker.ts';
import type { Action } from '#connectors/connector.ts';
import { createDocuments } from '#connectors/documents.ts';
import { createInvoicesConnector } from '#connectors/invoices/connector.ts';
import { findInvoice } from '#connectors/invoices/find.ts';
import { operationMachine } from '#machines/agents/operation.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { Order } from '#machines/invoice.ts';
import { invoiceMachine } from '#machines/pipelines/invoice.ts';
import { invoicePaymentMachine } from '#machines/pipelines/invoice-payment.ts';
import { parseTrigger } from '#machines/triggers.ts';
import { operationActivities, performed } from '#test/kit/verdict.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { orderOf, settings } from './kit.ts';

const trigger = parseTrigger({ name: 'payments', on: 'fact', predicate: 'payment.received', label: 'verified-connector', start: { machine: 'invoice-payment@1' } });

test('an order becomes an invoice, a mail with its PDF, and a booked payment', async (t) => {
  const sent: { enclosures: { artifact: string; hash: string }[] }[] = [];
  const inWorld = <T>(work: (store: World['store']) => T) => work(world.store);
  const commit: Activity = async (call) => {
    const { bound: { action }, payload } = call.input as { bound: { action: string }; payload: unknown };
    if (action === 'mail.send') return sent.push(payload as (typeof sent)[number]), performed();
    return inWorld((store) => {
      const [issue] = createInvoicesConnector({ settings, store }).actions as unknown as [Action<Order>];
      return issue.commit(payload as Order, { operationId: call.operationId, documents: createDocuments({ store, clock: systemClock, from: 'connector/invoices' }), signal: call.signal, nowMs: () => systemClock.now(), reservation: null });
    });
  };
  const world = await startWorld({
    machines: [invoiceMachine, invoicePaymentMachine, operationMachine], triggers: [trigger],
    activities: { ...operationActivities({ commit }), 'invoice.find': (call) => inWorld((store) => findInvoice(store)(call)) },
  });
  t.after(() => world.stop());
  const standing = async () => ((await world.store.query('lastFact', { entity: 'asset/invoice-R-0001', predicate: 'invoice.state' })) as { value: { state: string } }[])[0]?.value.state;
  const approve = (summary: RegExp) => world.until(`an approval of ${summary}`, async () => {
    const inbox = (await world.store.query('inbox', {})) as { summary: string; actor: string; data: { payloadHash: string } }[];
    const item = inbox.find((one) => summary.test(one.summary));
    return item && (await world.event(item.actor, { type: 'APPROVE', payloadHash: item.data.payloadHash })).outcome === 'applied';
  });

  await world.start('invoice/web-1', 'invoice@1', { order: orderOf(), from: { address: 'me@studio.example', name: 'Me' } });
  await approve(/^Invoice to Nina Holt/);
  await approve(/^Mail the invoice R-0001/);
  await world.until('it is sent', async () => (await standing()) === 'sent');
  const [{ artifact, hash }] = sent[0]!.enclosures as [{ artifact: string; hash: string }];
  const { bytes } = await createDocuments({ store: world.store, clock: systemClock, from: 'connector/mail' }).read(artifact, hash);
  assert.equal(Buffer.from(bytes).subarray(0, 5).toString(), '%PDF-');

  const fact = { entity: 'account/R-0001', predicate: 'payment.received', value: { amountMinor: 11_900, currency: 'EUR', reference: 'R-0001', payment: 'pi_1', event: 'evt_1', operation: null }, label: 'verified-connector' as const, confidence: 1 };
  assert.equal((await world.store.commit({ ...emptyCommit('stripe:evt_1', systemClock.now(), 'connector/payments', {}), facts: [fact] })).outcome, 'written');
  await world.until('it is booked', async () => (await standing()) === 'paid');
  assert.equal((await world.record('invoice/web-1'))?.status, 'done');
  const runs = (await world.store.query('facts', { predicate: 'invoice.state', limit: 100 })) as { actor: string }[];
  assert.deepEqual([...new Set(runs.map(({ actor }) => actor))], ['invoice/web-1']);
  assert.deepEqual(await world.store.query('inbox', {}), []);
});
