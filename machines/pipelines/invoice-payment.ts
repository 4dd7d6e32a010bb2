// One run per payment that came in: which invoice is it for, and what became of it? A trigger starts it (docs/connectors/invoices.md). It
// reads the payment in the store and not in the message that started it, so nobody can make one up; it tells the invoice's actor, and
// what does not come out even is a task for the operator: no such invoice, another currency, too much, too late. Money that only a mail
// tells of is booked by the operator's yes alone, however well it fits: anybody can write such a mail.
import { assign, sendTo, setup } from 'xstate';
import { z } from 'zod';
import { activity, protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { operatorEvents, operatorOnly, toItemData } from '../inbox.ts';
import { closedStandings, incomingSchema, invoiceStateSchema } from '../invoice.ts';
import { toMoney } from '../money-text.ts';
import type { Intent } from '../records.ts';
import { changeSchema } from '../triggers.ts';

const paymentSchema = incomingSchema.extend({ reference: z.string() });
const foundSchema = z.object({
  /** Null when there is no such fact, or nobody who may be believed said it. */
  payment: paymentSchema.nullable(),
  /** Whose reference it carries, or which the operator named: the actor that follows it, and where it stands. */
  invoice: z.object({ actor: z.string(), standing: invoiceStateSchema }).nullable(),
  /** A verified connector says so; else it was read from a mail. */
  believed: z.boolean().optional(),
  /** Open invoices that it might be for, the most likely first. `exact`: one, by its reference and the very amount. */
  exact: z.boolean().optional(),
  candidates: z.array(z.object({ number: z.string(), actor: z.string(), customer: z.string(), standing: invoiceStateSchema })).optional(),
});

/** `number`: the invoice that the operator named. */
export const findInvoice = activity({ name: 'invoice.find', input: z.object({ fact: z.string(), number: z.string().nullable().optional() }), output: foundSchema, timeoutMs: 10_000, retry: { attempts: 6, firstMs: 500, maxMs: 60_000 } });

const outcomeSchema = z.enum(['partly-paid', 'paid', 'known', 'overpaid', 'wrong-currency', 'late', 'no-invoice', 'no-answer', 'not-believed', 'told', 'left']);

const incoming = protocol({
  input: z.object({ change: changeSchema }),
  context: z.object({ fact: z.string(), found: foundSchema.nullable(), looks: z.int(), outcome: outcomeSchema, reason: z.string(), number: z.string().nullable().optional(), asks: z.int().optional() }),
  events: {
    APPROVE: operatorEvents.APPROVE,
    REJECT: operatorEvents.REJECT,
    /** With the number of an invoice: it is for that one. */
    RESPOND: operatorEvents.RESPOND,
    /** What the invoice made of it. */
    TAKEN: z.object({ payment: z.string(), how: z.enum(['partly-paid', 'paid', 'known', 'overpaid', 'wrong-currency']), from: z.string() }),
  },
  output: z.object({ outcome: outcomeSchema }),
  operatorOnly,
  hearsSender: true,
  may: { intents: ['task'], act: ['invoice.find'] },
});
type Context = z.output<typeof incoming.schemas.context>;

/** An invoice that says nothing has ended meanwhile, or is held up. */
const answerMs = 60_000;
const looksMax = 5;

const amountOf = ({ found }: Context) => (found?.payment ? toMoney(found.payment.amountMinor, found.payment.currency) : 'a payment');
/** What is asked again is another question. */
const itemId = ({ fact, asks = 1 }: Context) => `t-payment-${fact}${asks > 1 ? `-${asks}` : ''}`;
const evidenceOf = ({ fact }: Context) => [{ kind: 'fact' as const, id: fact }];
const questions: Partial<Record<z.output<typeof outcomeSchema>, (context: Context) => string>> = {
  overpaid: (context) => `The invoice ${context.found?.payment?.reference} is overpaid with ${amountOf(context)}: give the rest back, or agree on it`,
  'wrong-currency': (context) => `${amountOf(context)} came in for the invoice ${context.found?.payment?.reference}, which is in ${context.found?.invoice?.standing.currency}: it was not counted`,
  late: (context) => `${amountOf(context)} came in for the invoice ${context.found?.payment?.reference}, which is ${context.found?.invoice?.standing.state} already`,
  'no-invoice': (context) => (context.number
    ? `${amountOf(context)} came in, and ${context.number} is no invoice that is followed here`
    : `${amountOf(context)} came in with the reference ${context.found?.payment?.reference}, which is no invoice that is followed here${suggestion(context)}`),
  told: (context) => `A mail says that ${amountOf(context)} came in${context.found?.payment?.reference ? ` with the reference ${context.found.payment.reference}` : ''}${suggestion(context)}`,
  'no-answer': (context) => `${amountOf(context)} came in and is not booked: ${context.reason}`,
};
/** Of the one that it may be for, if there is only one. */
const likely = ({ found }: Context) => (found?.candidates?.length === 1 ? found.candidates[0]! : null);
function suggestion(context: Context): string {
  const { found } = context;
  const one = likely(context);
  if (!one) return found?.candidates?.length ? `; open are ${found.candidates.map(({ number, standing }) => `${number} (${restOf(standing)})`).join(', ')}` : '';
  return found?.exact ? `: exactly what is open of ${one.number}` : `; it may be for ${one.number}, of which ${restOf(one.standing)} are open`;
}
const restOf = ({ totalMinor, paidMinor, currency }: z.output<typeof invoiceStateSchema>) => toMoney(totalMinor - paidMinor, currency);
/** Only these can still be given to an invoice. */
const isOpenQuestion = ({ outcome }: Context) => outcome === 'no-invoice' || outcome === 'told';
const answersOf = (context: Context) => (isOpenQuestion(context) ? `${likely(context) ? `approve = book it for ${likely(context)!.number}; ` : ''}respond --text NUMBER = book it for that invoice; reject = leave it` : 'approve or reject = seen');
const task = (context: Context): Intent => ({
  id: itemId(context),
  kind: 'task',
  state: 'input-required',
  summary: (questions[context.outcome] ?? questions['no-answer']!)(context),
  data: toItemData({ category: 'payment', confidence: null, risk: 'medium', reasons: context.reason === '' ? [] : [context.reason], payload: context.found, payloadHash: itemId(context), evidence: evidenceOf(context), policy: null, expiresAfterMs: null, answers: answersOf(context) }),
});
const close = (context: Context, state: Intent['state']): Intent => ({ id: itemId(context), kind: 'task', state });

export const invoicePaymentMachine = setup({
  types: incoming.types,
  schemas: incoming.schemas,
  actions: records,
  actors: { findInvoice },
  delays: { answer: answerMs },
  guards: {
    isNotBelieved: ({ context }) => !context.found?.payment,
    /** A mail says so, and the operator has not said for which invoice it is. */
    isOnlyTold: ({ context }) => context.found?.believed === false && !context.number,
    fitsNothing: ({ context }) => context.found?.believed === false && !context.number && (context.found.candidates?.length ?? 0) === 0,
    isOpenQuestion: ({ context }) => isOpenQuestion(context),
    hasOneLikely: ({ context }) => isOpenQuestion(context) && likely(context) !== null,
    namesNumber: ({ context }, { text }: { text: string }) => isOpenQuestion(context) && /^\S{1,60}$/.test(text.trim()),
    hasNoInvoice: ({ context }) => !context.found?.invoice,
    countsAlready: ({ context }) => context.found!.invoice!.standing.payments.includes(context.found!.payment!.id),
    isOtherCurrency: ({ context }) => context.found!.invoice!.standing.currency !== context.found!.payment!.currency,
    isLate: ({ context }) => closedStandings.includes(context.found!.invoice!.standing.state),
    hasAskedEnough: ({ context }) => context.looks > looksMax,
    /** Only the invoice itself says what became of it. */
    isFromElsewhere: ({ context }, { from, payment }: { from: string; payment: string }) => from !== context.found?.invoice?.actor || payment !== context.found.payment?.id,
    needsOperator: (_, { how }: { how: string }) => how === 'overpaid' || how === 'wrong-currency',
  },
}).createMachine({
  id: 'invoice-payment',
  version: '1',
  description: 'Brings a payment to its invoice, or to the operator.',
  context: ({ input }) => ({ fact: input.change.id, found: null, looks: 0, outcome: 'not-believed' as const, reason: '', number: null, asks: 0 }),
  initial: 'looking',
  states: {
    looking: {
      entry: assign({ looks: ({ context }) => context.looks + 1 }),
      invoke: {
        id: 'find',
        src: 'findInvoice',
        input: ({ context }) => ({ fact: context.fact, number: context.number ?? null }),
        onDone: { target: 'judging', actions: assign({ found: ({ event }) => event.output }) },
        onError: { target: 'asking', actions: assign({ outcome: 'no-answer', reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    judging: {
      always: [
        { guard: 'isNotBelieved', target: 'ended', actions: assign({ outcome: 'not-believed', reason: 'the store holds no such payment of a verified connector' }) },
        { guard: 'fitsNothing', target: 'ended', actions: assign({ outcome: 'no-invoice', reason: 'a mail tells of it, and no open invoice has its reference, amount or payer' }) },
        { guard: 'isOnlyTold', target: 'asking', actions: assign({ outcome: 'told' }) },
        { guard: 'hasNoInvoice', target: 'asking', actions: assign({ outcome: 'no-invoice' }) },
        { guard: 'countsAlready', target: 'ended', actions: assign({ outcome: 'known', reason: 'it counts already' }) },
        { guard: 'isOtherCurrency', target: 'asking', actions: assign({ outcome: 'wrong-currency' }) },
        { guard: 'isLate', target: 'asking', actions: assign({ outcome: 'late' }) },
        { guard: 'hasAskedEnough', target: 'asking', actions: assign({ outcome: 'no-answer', reason: ({ context }) => `${context.found!.invoice!.actor} does not answer` }) },
        { target: 'telling' },
      ],
    },
    telling: {
      entry: sendTo(({ system, context }) => system.get(context.found!.invoice!.actor) as never, ({ context: { found } }) => ({ type: 'PAID', payment: { id: found!.payment!.id, amountMinor: found!.payment!.amountMinor, currency: found!.payment!.currency } }) as never),
      after: { answer: 'looking' },
      on: {
        TAKEN: [
          { guard: { type: 'isFromElsewhere', params: ({ event }) => event }, actions: { type: 'recordDecision', params: ({ event, context }) => ({ what: 'payment', outcome: 'refused', confidence: null, reasons: [`${event.from} has no say in this payment`], evidence: evidenceOf(context) }) } },
          { guard: { type: 'needsOperator', params: ({ event }) => event }, target: 'asking', actions: assign({ outcome: ({ event }) => event.how }) },
          { target: 'ended', actions: assign({ outcome: ({ event }) => event.how }) },
        ],
      },
    },
    asking: {
      entry: [assign({ asks: ({ context }) => (context.asks ?? 0) + 1 }), { type: 'recordIntent', params: ({ context }) => task(context) }],
      on: {
        APPROVE: [
          { guard: 'hasOneLikely', target: 'looking', actions: [{ type: 'recordIntent', params: ({ context }) => close(context, 'completed') }, assign({ number: ({ context }) => likely(context)!.number, looks: 0 })] },
          { target: 'ended', actions: { type: 'recordIntent', params: ({ context }) => close(context, 'completed') } },
        ],
        RESPOND: { guard: { type: 'namesNumber', params: ({ event }) => ({ text: event.text }) }, target: 'looking', actions: [{ type: 'recordIntent', params: ({ context }) => close(context, 'completed') }, assign({ number: ({ event }) => event.text.trim(), looks: 0 })] },
        REJECT: [
          { guard: 'isOpenQuestion', target: 'ended', actions: [{ type: 'recordIntent', params: ({ context }) => close(context, 'rejected') }, assign({ outcome: 'left', reason: ({ event }) => event.reason })] },
          { target: 'ended', actions: { type: 'recordIntent', params: ({ context }) => close(context, 'rejected') } },
        ],
      },
    },
    ended: { type: 'final', entry: { type: 'recordDecision', params: ({ context }) => ({ what: 'payment', outcome: context.outcome, confidence: null, reasons: [context.reason || amountOf(context)], evidence: evidenceOf(context) }) } },
  },
  output: ({ context }) => ({ outcome: context.outcome }),
});
