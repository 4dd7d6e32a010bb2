// One run per payment that came in: which invoice is it for, and what became of it? A trigger starts it (docs/connectors/invoices.md). It
// reads the payment in the store and not in the message that started it, so nobody can make one up; it tells the invoice's actor, and
// what does not come out even is a task for the operator: no such invoice, another currency, too much, too late.
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
  /** Whose reference it carries: the actor that follows it, and where it stands. */
  invoice: z.object({ actor: z.string(), standing: invoiceStateSchema }).nullable(),
});

export const findInvoice = activity({ name: 'invoice.find', input: z.object({ fact: z.string() }), output: foundSchema, timeoutMs: 10_000, retry: { attempts: 6, firstMs: 500, maxMs: 60_000 } });

const outcomeSchema = z.enum(['partly-paid', 'paid', 'known', 'overpaid', 'wrong-currency', 'late', 'no-invoice', 'no-answer', 'not-believed']);

const incoming = protocol({
  input: z.object({ change: changeSchema }),
  context: z.object({ fact: z.string(), found: foundSchema.nullable(), looks: z.int(), outcome: outcomeSchema, reason: z.string() }),
  events: {
    APPROVE: operatorEvents.APPROVE,
    REJECT: operatorEvents.REJECT,
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
const itemId = ({ fact }: Context) => `t-payment-${fact}`;
const evidenceOf = ({ fact }: Context) => [{ kind: 'fact' as const, id: fact }];
const questions: Partial<Record<z.output<typeof outcomeSchema>, (context: Context) => string>> = {
  overpaid: (context) => `The invoice ${context.found?.payment?.reference} is overpaid with ${amountOf(context)}: give the rest back, or agree on it`,
  'wrong-currency': (context) => `${amountOf(context)} came in for the invoice ${context.found?.payment?.reference}, which is in ${context.found?.invoice?.standing.currency}: it was not counted`,
  late: (context) => `${amountOf(context)} came in for the invoice ${context.found?.payment?.reference}, which is ${context.found?.invoice?.standing.state} already`,
  'no-invoice': (context) => `${amountOf(context)} came in with the reference ${context.found?.payment?.reference}, which is no invoice that is followed here`,
  'no-answer': (context) => `${amountOf(context)} came in and is not booked: ${context.reason}`,
};
const task = (context: Context): Intent => ({
  id: itemId(context),
  kind: 'task',
  state: 'input-required',
  summary: (questions[context.outcome] ?? questions['no-answer']!)(context),
  data: toItemData({ category: 'payment', confidence: null, risk: 'medium', reasons: context.reason === '' ? [] : [context.reason], payload: context.found, payloadHash: itemId(context), evidence: evidenceOf(context), policy: null, expiresAfterMs: null, answers: 'approve or reject = seen' }),
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
  context: ({ input }) => ({ fact: input.change.id, found: null, looks: 0, outcome: 'not-believed' as const, reason: '' }),
  initial: 'looking',
  states: {
    looking: {
      entry: assign({ looks: ({ context }) => context.looks + 1 }),
      invoke: {
        id: 'find',
        src: 'findInvoice',
        input: ({ context }) => ({ fact: context.fact }),
        onDone: { target: 'judging', actions: assign({ found: ({ event }) => event.output }) },
        onError: { target: 'asking', actions: assign({ outcome: 'no-answer', reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    judging: {
      always: [
        { guard: 'isNotBelieved', target: 'ended', actions: assign({ outcome: 'not-believed', reason: 'the store holds no such payment of a verified connector' }) },
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
      entry: { type: 'recordIntent', params: ({ context }) => task(context) },
      on: {
        APPROVE: { target: 'ended', actions: { type: 'recordIntent', params: ({ context }) => close(context, 'completed') } },
        REJECT: { target: 'ended', actions: { type: 'recordIntent', params: ({ context }) => close(context, 'rejected') } },
      },
    },
    ended: { type: 'final', entry: { type: 'recordDecision', params: ({ context }) => ({ what: 'payment', outcome: context.outcome, confidence: null, reasons: [context.reason || amountOf(context)], evidence: evidenceOf(context) }) } },
  },
  output: ({ context }) => ({ outcome: context.outcome }),
});
