// Money from a stored payment method, in two phases: Stripe holds it (a PaymentIntent with manual capture), then it is captured or let
// go. The state of that one intent is what makes it happen once: it can be captured a single time, whatever becomes of keys.
import { z } from 'zod';
import type { Performed, Reservation } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { action, type Call } from '../connector.ts';
import { findMarked, markOf, type Ask } from './ask.ts';
import { amountMinor, assertMoney, currencyField, moneyControls, oneLine, reference, showMoney, type PaymentsSettings } from './settings.ts';

const input = z.strictObject({
  amountMinor, currency: currencyField,
  customer: z.string().regex(/^cus_\w{1,64}$/, 'expected a customer id such as cus_…'),
  paymentMethod: z.string().regex(/^pm_\w{1,64}$/, 'expected a payment method id such as pm_…'),
  description: oneLine, reference,
});
type Payload = z.output<typeof input>;
const intentSchema = z.object({
  id: z.string(), status: z.string(), amount: z.number().int(), amount_received: z.number().int(), currency: z.string(), created: z.number().int(),
  metadata: z.record(z.string(), z.string()),
  latest_charge: z.union([z.string(), z.object({ payment_method_details: z.object({ card: z.object({ capture_before: z.number().int().nullish() }).nullish() }).nullish() })]).nullable(),
});
type PaymentIntent = z.output<typeof intentSchema>;
/** What a card holds at least, where Stripe names no time. */
const holdMs = 7 * 86_400_000;

export function chargeAction(settings: PaymentsSettings, ask: Ask, isTest: boolean) {
  const find = ({ customer }: Payload, call: Call) => findMarked(ask, call, intentSchema, (stripe, page) => stripe.paymentIntents.list({ customer, expand: ['data.latest_charge'], ...page }));
  const retrieve = (ref: string, call: Call) => ask(call, { what: 'show the payment', write: false, reply: intentSchema }, (stripe) => stripe.paymentIntents.retrieve(ref, { expand: ['latest_charge'] }));
  const whyOther = (intent: PaymentIntent, payload: Payload, { operationId }: Call) => (intent.metadata['operation'] !== markOf(operationId) ? `${intent.id} belongs to another operation`
    : intent.amount !== payload.amountMinor || intent.currency.toUpperCase() !== payload.currency ? `${intent.id} is over ${showMoney({ amountMinor: intent.amount, currency: intent.currency.toUpperCase() })}` : null);

  return action<Payload>({
    name: 'payments.charge',
    title: 'Take money from a payment method that a customer left',
    input,
    effect: 'write', risk: 'high', reversible: true, money: true,
    idempotency: { kind: 'native', keyLifetimeMs: 86_400_000 },
    plan(payload) {
      return Promise.resolve().then(() => {
        assertMoney(settings, payload);
        const money = { amountMinor: payload.amountMinor, currency: payload.currency, payee: payload.customer, moves: true };
        return {
          summary: `Charge ${payload.customer} ${showMoney(money)} (${payload.reference})`,
          preview: `${showMoney(money)}\n${payload.description}\nReference: ${payload.reference}\nFrom: ${payload.paymentMethod} of ${payload.customer}\nTo: ${settings.account}`,
          risk: 'high' as const,
          reasons: ['takes money from a customer', ...(isTest ? ['the key is a test key: no money moves'] : [])],
          control: [...moneyControls(settings, money, 'customer'), { kind: 'account' as const, field: 'paymentMethod', value: payload.paymentMethod, vouchedBy: null }],
          enclosures: [],
          money,
        };
      });
    },
    async prepare(payload, call) {
      // Looked for first: the reply that Stripe keeps for a key says how it was then, not how it is.
      const { marked } = await find(payload, call);
      const operation = markOf(call.operationId);
      const intent = marked ?? await ask(call, { what: 'hold the money', write: true, reply: intentSchema }, (stripe) => stripe.paymentIntents.create({
        amount: payload.amountMinor, currency: payload.currency.toLowerCase(), customer: payload.customer, payment_method: payload.paymentMethod, description: payload.description,
        capture_method: 'manual', confirm: true, off_session: true, expand: ['latest_charge'], metadata: { operation, reference: payload.reference },
      }, { idempotencyKey: `${operation}:prepare` }));
      const other = whyOther(intent, payload, call);
      if (other !== null) throw new KeelsonError('REFUSED', other);
      if (intent.status === 'processing') throw new KeelsonError('SEND_UNKNOWN', `${intent.id} is still being processed`);
      if (intent.status !== 'requires_capture' && intent.status !== 'succeeded') throw new KeelsonError('SEND_REFUSED', `the money is not held: ${intent.id} is ${intent.status}`, { hint: 'Send a payment link, so that the customer can confirm it.' });
      return reservation(intent, payload);
    },
    async commit(payload, call) {
      const ref = call.reservation?.ref;
      if (ref === undefined) throw new KeelsonError('REFUSED', 'no money is held for this operation');
      const held = await retrieve(ref, call);
      const other = whyOther(held, payload, call);
      if (other !== null) throw new KeelsonError('REFUSED', other);
      if (held.status === 'succeeded') return performed(held, payload, call.operationId);
      if (held.status !== 'requires_capture') throw new KeelsonError('SEND_REFUSED', `the money is held no more: ${ref} is ${held.status}`);
      try {
        const captured = await ask(call, { what: 'capture the money', write: true, reply: intentSchema }, (stripe) => stripe.paymentIntents.capture(ref, { amount_to_capture: payload.amountMinor, expand: ['latest_charge'] }, { idempotencyKey: markOf(call.operationId) }));
        if (captured.status === 'succeeded') return performed(captured, payload, call.operationId);
      } catch (error) {
        if (!(error instanceof KeelsonError) || error.code !== 'SEND_REFUSED') throw error;
        // Perhaps because an earlier try of this operation was faster.
        const now = await retrieve(ref, call).catch(() => null);
        if (now?.status === 'succeeded') return performed(now, payload, call.operationId);
        if (now !== null) throw error;
      }
      throw new KeelsonError('SEND_UNKNOWN', `whether ${ref} was captured is not known`);
    },
    async abort(_, call) {
      const { ref } = call.reservation;
      const { status } = await retrieve(ref, call);
      if (status === 'canceled' || status === 'succeeded') return;
      // Without a key of ours: a canceled intent stays canceled, while a key would repeat an old failure.
      await ask(call, { what: 'let go of the money', write: true, reply: intentSchema }, (stripe) => stripe.paymentIntents.cancel(ref, { expand: ['latest_charge'] }));
    },
    async lookup(payload, call) {
      const { marked, complete } = call.reservation ? { marked: await retrieve(call.reservation.ref, call), complete: true } : await find(payload, call);
      if (marked === null) return complete ? { found: 'absent', note: 'no payment of this customer carries this operation id' } : { found: 'unclear', note: 'the customer has more payments than are looked through' };
      const other = whyOther(marked, payload, call);
      if (other !== null) return { found: 'unclear', note: other };
      if (marked.status === 'succeeded') return { found: 'done', performed: performed(marked, payload, call.operationId) };
      return marked.status === 'processing' ? { found: 'unclear', note: `${marked.id} is still being processed` } : { found: 'absent', note: `${marked.id} is ${marked.status}` };
    },
  });
}

function reservation({ id, created, latest_charge: charge }: PaymentIntent, payload: Payload): Reservation {
  const before = typeof charge === 'string' ? undefined : (charge?.payment_method_details?.card?.capture_before ?? undefined);
  return { ref: id, expiresAtMs: before === undefined ? created * 1_000 + holdMs : before * 1_000, note: `${showMoney(payload)} are held on ${payload.paymentMethod}` };
}

function performed({ id, amount_received: received, currency }: PaymentIntent, { customer, reference: about }: Payload, operation: string): Performed {
  const value = { amountMinor: received, currency: currency.toUpperCase(), payment: id, customer, reference: about, operation };
  return { done: true, providerRef: id, note: `${showMoney(value)} captured as ${id}`, result: { payment: id }, facts: [{ entity: `account/${about}`, predicate: 'payment.charged', value, label: 'system', confidence: 1 }] };
}
