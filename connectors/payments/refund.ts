// Money back to whoever made a payment. Refunds of a payment are listed before one is made: Stripe would make a second part of it
// under a key that it has forgotten.
import { z } from 'zod';
import type { Performed } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { action, type Call } from '../connector.ts';
import { findMarked, markOf, type Ask } from './ask.ts';
import { amountMinor, assertMoney, currencyField, moneyControls, reference, showMoney, type PaymentsSettings } from './settings.ts';

const input = z.strictObject({
  /** The payment (pi_…) or charge (ch_…); the money goes back where it came from. */
  payment: z.string().regex(/^(pi|ch)_\w{1,64}$/, 'expected a payment id such as pi_… or ch_…'),
  amountMinor, currency: currencyField,
  reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).default('requested_by_customer'),
  reference,
});
type Payload = z.output<typeof input>;
const refundSchema = z.object({ id: z.string(), status: z.string(), amount: z.number().int(), currency: z.string() });
type Refund = z.output<typeof refundSchema>;

export function refundAction(settings: PaymentsSettings, ask: Ask, isTest: boolean) {
  const target = ({ payment }: Payload) => (payment.startsWith('pi_') ? { payment_intent: payment } : { charge: payment });
  const find = (payload: Payload, call: Call) => findMarked(ask, call, refundSchema, (stripe, page) => stripe.refunds.list({ ...target(payload), ...page }));
  const isOther = ({ amount, currency }: Refund, payload: Payload) => amount !== payload.amountMinor || currency.toUpperCase() !== payload.currency;
  const hasFailed = ({ status }: Refund) => status === 'failed' || status === 'canceled';

  return action<Payload>({
    name: 'payments.refund',
    title: 'Give back a payment or a part of it',
    input,
    effect: 'write', risk: 'high', reversible: false, money: true,
    idempotency: { kind: 'native', keyLifetimeMs: 86_400_000 },
    plan(payload) {
      return Promise.resolve().then(() => {
        assertMoney(settings, payload);
        const money = { amountMinor: payload.amountMinor, currency: payload.currency, payee: payload.payment, moves: true };
        return {
          summary: `Refund ${showMoney(money)} of ${payload.payment} (${payload.reference})`,
          preview: `${showMoney(money)}\nback to whoever paid ${payload.payment}\nReference: ${payload.reference}\nReason: ${payload.reason}\nFrom: ${settings.account}`,
          risk: 'high' as const,
          reasons: ['money leaves', ...(isTest ? ['the key is a test key: no money moves'] : [])],
          control: moneyControls(settings, money, 'payment'),
          enclosures: [],
          money,
        };
      });
    },
    async commit(payload, call) {
      const { marked } = await find(payload, call);
      if (marked && isOther(marked, payload)) throw new KeelsonError('SEND_UNKNOWN', `under this operation id there is ${marked.id} over another amount already`);
      const made = marked ?? await make(payload, call);
      if (hasFailed(made)) throw new KeelsonError('SEND_REFUSED', `${made.id} is ${made.status}: the money did not go back`);
      return performed(made, payload, call.operationId);
    },
    async lookup(payload, call) {
      const { marked, complete } = await find(payload, call);
      if (marked === null) return complete ? { found: 'absent', note: `no refund of ${payload.payment} carries this operation id` } : { found: 'unclear', note: 'there are more refunds than are looked through' };
      if (isOther(marked, payload)) return { found: 'unclear', note: `${marked.id} is over another amount` };
      // Done again it would be found as failed again: another refund is another operation.
      return hasFailed(marked) ? { found: 'absent', note: `${marked.id} is ${marked.status}` } : { found: 'done', performed: performed(marked, payload, call.operationId) };
    },
  });

  async function make(payload: Payload, call: Call): Promise<Refund> {
    // A refund is counted in the currency of the payment, whatever was approved.
    const { currency } = await ask(call, { what: 'show the payment', write: false, reply: z.object({ currency: z.string() }) }, (stripe) => (payload.payment.startsWith('pi_') ? stripe.paymentIntents.retrieve(payload.payment) : stripe.charges.retrieve(payload.payment)));
    if (currency.toUpperCase() !== payload.currency) throw new KeelsonError('REFUSED', `${payload.payment} was paid in ${currency.toUpperCase()}, not in ${payload.currency}`);
    const operation = markOf(call.operationId);
    return ask(call, { what: 'refund the payment', write: true, reply: refundSchema }, (stripe) => stripe.refunds.create({ ...target(payload), amount: payload.amountMinor, reason: payload.reason, metadata: { operation, reference: payload.reference } }, { idempotencyKey: operation }));
  }
}

function performed({ id, amount, currency, status }: Refund, { payment, reference: about }: Payload, operation: string): Performed {
  const value = { amountMinor: amount, currency: currency.toUpperCase(), refund: id, payment, reference: about, operation };
  return { done: true, providerRef: id, note: `${showMoney(value)} of ${payment} go back as ${id} (${status})`, result: { refund: id, status }, facts: [{ entity: `account/${about}`, predicate: 'payment.refund-made', value, label: 'system', confidence: 1 }] };
}
