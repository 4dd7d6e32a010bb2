// A page where one invoice can be paid once. Nobody is charged by it; the webhook says when the money is there.
import { z } from 'zod';
import type { Performed } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { action } from '../connector.ts';
import { findMarked, markOf, type Ask } from './ask.ts';
import { amountMinor, assertMoney, currencyField, moneyControls, oneLine, reference, showMoney, type PaymentsSettings } from './settings.ts';

const input = z.strictObject({ amountMinor, currency: currencyField, payer: z.email().max(254).toLowerCase(), description: oneLine, reference });
type Payload = z.output<typeof input>;
const linkSchema = z.object({ id: z.string(), url: z.url(), metadata: z.record(z.string(), z.string()) });
type Link = z.output<typeof linkSchema>;

export function linkAction(settings: PaymentsSettings, ask: Ask, isTest: boolean) {
  const find = (call: Parameters<Ask>[0]) => findMarked(ask, call, linkSchema, (stripe, page) => stripe.paymentLinks.list(page));
  // The list does not say what a link asks for, so it is written on it.
  const isOther = ({ metadata }: Link, payload: Payload) => metadata['asks'] !== showMoney(payload);

  return action<Payload>({
    name: 'payments.link',
    title: 'Make a page where one invoice can be paid',
    input,
    effect: 'write', risk: 'medium', reversible: true, money: true,
    idempotency: { kind: 'native', keyLifetimeMs: 86_400_000 },
    plan(payload) {
      return Promise.resolve().then(() => {
        assertMoney(settings, payload);
        const money = { amountMinor: payload.amountMinor, currency: payload.currency, payee: payload.payer, moves: false };
        return {
          summary: `Make a payment page over ${showMoney(money)} for ${payload.payer} (${payload.reference})`,
          preview: `${showMoney(money)}\n${payload.description}\nReference: ${payload.reference}\nPayer: ${payload.payer}\nPaid to: ${settings.account}, once`,
          risk: 'medium' as const,
          reasons: isTest ? ['the key is a test key: no money moves'] : [],
          control: moneyControls(settings, money, 'payer'),
          enclosures: [],
          money,
        };
      });
    },
    async commit(payload, call) {
      const { marked } = await find(call);
      if (marked && isOther(marked, payload)) throw new KeelsonError('SEND_UNKNOWN', `under this operation id there is ${marked.id} over ${marked.metadata['asks']} already`);
      if (marked) return performed(marked, payload, call.operationId);
      const metadata = { operation: markOf(call.operationId), reference: payload.reference, asks: showMoney(payload) };
      const made = await ask(call, { what: 'make a payment link', write: true, reply: linkSchema }, (stripe) => stripe.paymentLinks.create({
        line_items: [{ quantity: 1, price_data: { currency: payload.currency.toLowerCase(), unit_amount: payload.amountMinor, product_data: { name: payload.description } } }],
        metadata,
        payment_intent_data: { description: payload.description, metadata: { operation: metadata.operation, reference: payload.reference } },
        restrictions: { completed_sessions: { limit: 1 } },
      }, { idempotencyKey: metadata.operation }));
      return performed(made, payload, call.operationId);
    },
    async lookup(payload, call) {
      const { marked, complete } = await find(call);
      if (marked) return isOther(marked, payload) ? { found: 'unclear', note: `${marked.id} is over ${marked.metadata['asks']}` } : { found: 'done', performed: performed(marked, payload, call.operationId) };
      return complete ? { found: 'absent', note: 'no payment link carries this operation id' } : { found: 'unclear', note: 'there are more payment links than are looked through' };
    },
  });
}

function performed({ id, url }: Link, { payer, reference: about, amountMinor: minor, currency }: Payload, operation: string): Performed {
  const page = new URL(url);
  page.searchParams.set('prefilled_email', payer);
  const value = { amountMinor: minor, currency, url: page.href, link: id, payer, reference: about, operation };
  return { done: true, providerRef: id, note: `a page over ${showMoney(value)}: ${page.href}`, result: { url: page.href, link: id }, facts: [{ entity: `account/${about}`, predicate: 'payment.linked', value, label: 'system', confidence: 1 }] };
}
