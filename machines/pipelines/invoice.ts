// From accepted work to money: issue the invoice, ask for a payment page, mail both, wait, remind, book. Every effect is an operation of
// its own that policy and operator decide; payments come as PAID, from machines/pipelines/invoice-payment.ts or from the operator.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { keyOf, typeOf } from '../address.ts';
import { operationMachine } from '../agents/operation.ts';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { operatorEvents, operatorOnly } from '../inbox.ts';
import { incomingSchema, issuedSchema, type Incoming } from '../invoice.ts';
import { toMoney } from '../money-text.ts';
import * as write from './invoice-records.ts';
import { contextSchema, inputSchema, outcomeSchema, paidOf, paidStanding, type Context } from './invoice-records.ts';
import { invoiceMail, reminderMail } from './invoice-texts.ts';

const invoice = protocol({
  input: inputSchema,
  context: contextSchema,
  events: {
    APPROVE: operatorEvents.APPROVE,
    REJECT: operatorEvents.REJECT,
    /** Given up by the operator; heard when nothing is under way. */
    CANCEL: z.object({ reason: z.string().min(1).max(2_000) }),
    /** Money came in. Believed from the operator, and from the actor that read it in the store. */
    PAID: z.object({ payment: incomingSchema, from: z.string() }),
  },
  output: z.object({ outcome: outcomeSchema, number: z.string().nullable(), paidMinor: z.int(), reason: z.string() }),
  operatorOnly: [...operatorOnly, 'CANCEL'],
  hearsSender: true,
  may: { facts: ['invoice.state'], intents: ['task'], act: ['invoices.issue', 'payments.link', 'mail.send'] },
});

const dayMs = 86_400_000;
const believed = ['operator', 'invoice-payment'];
const linkOf = (result: unknown) => z.object({ url: z.url({ protocol: /^https$/ }).max(2_000) }).safeParse(result).data?.url ?? null;
const readIssued = (result: unknown) => issuedSchema.safeParse(result).data ?? null;

const mailParts = (context: Context) => ({ order: context.order, issued: context.issued!, from: context.from, link: context.link, paidMinor: paidOf(context) });
const reminderOf = (context: Context) => reminderMail(mailParts(context), { nth: context.reminded + 1, last: context.reminders === context.reminderDays.length });

/** Everything an operation needs; its name follows from the actor's, so it is the same at every try and no other has it. */
const propose = (context: Context, step: string, action: string, payload: object, summary: string) => ({
  id: `${context.key}-${step}`, action, payload: payload as z.core.util.JSONType, summary, category: 'invoice', confidence: null, reasons: [], evidence: write.evidenceOf(context),
  remindAfterMs: context.remindAfterMs, expireAfterMs: context.expireAfterMs, mode: context.mode, origin: null,
});

const ended = ({ outcome, reason }: { outcome: string; reason: string }) => `${outcome}: ${reason}`;

const parts = setup({
  types: invoice.types,
  schemas: invoice.schemas,
  actions: records,
  actors: { operation: operationMachine },
  delays: {
    /** From the issue to the first reminder. */
    overdue: ({ context }) => context.issued!.dueInMs + (context.reminderDays[0] ?? 0) * dayMs,
    spacing: ({ context }) => (context.reminderDays[context.reminders] ?? context.reminderDays.at(-1) ?? 1) * dayMs,
    reminding: ({ context }) => context.remindAfterMs,
  },
  guards: {
    wasIssued: (_, { outcome, result }: { outcome: string; result: unknown }) => outcome === 'done' && readIssued(result) !== null,
    wasDone: (_, { outcome }: { outcome: string }) => outcome === 'done',
    isDryRun: (_, { outcome }: { outcome: string }) => outcome === 'dry-run',
    gaveLink: (_, { outcome, result }: { outcome: string; result: unknown }) => outcome === 'done' && linkOf(result) !== null,
    wantsLink: ({ context }) => context.paymentLink,
    isPaid: ({ context }) => paidOf(context) >= context.issued!.totalMinor,
    isOverdue: ({ context }) => context.overdue,
    remindersLeft: ({ context }) => context.reminders < context.reminderDays.length,
    isMoot: ({ context }) => paidOf(context) >= context.issued!.totalMinor && !context.moot,
    isStranger: (_, { from }: { from: string }) => !believed.includes(typeOf(from)),
    isKnown: ({ context }, { payment }: { payment: Incoming }) => context.payments.some(({ id }) => id === payment.id),
    isForeign: ({ context }, { payment }: { payment: Incoming }) => payment.currency !== context.issued!.currency,
  },
});

/** Whoever brought the payment hears what became of it. */
const answer = (how?: 'known' | 'wrong-currency') => parts.enqueueActions(({ context, event, system, enqueue }) => {
  if (event.type !== 'PAID' || typeOf(event.from) !== 'invoice-payment') return;
  enqueue.sendTo(system.get(event.from) as never, { type: 'TAKEN', payment: event.payment.id, how: how ?? paidStanding(context) } as never);
});
const paidInFull = { guard: 'isPaid', target: '#invoice.booked' } as const;
const givenUp = { target: '#invoice.canceled', actions: parts.assign({ reason: ({ event }) => ('reason' in event ? (event.reason ?? '') : '') }) } as const;

export const invoiceMachine = parts.createMachine({
  id: 'invoice',
  version: '1',
  description: 'One invoice, from its issue to the money, or to the reason why there is none.',
  context: ({ input, self }) => ({ ...input, key: keyOf(self.id).slice(-180), issued: null, link: null, payments: [], mails: 0, reminders: 0, reminded: 0, overdue: false, moot: false, outcome: 'not-issued' as const, reason: '' }),
  initial: 'issuing',
  states: {
    issuing: {
      invoke: {
        id: 'issue',
        src: 'operation',
        input: ({ context }) => propose(context, 'issue', 'invoices.issue', context.order, `Invoice to ${context.order.customer.name} <${context.order.customer.email}>`),
        onDone: [
          { guard: { type: 'wasIssued', params: ({ event }) => event.output }, target: 'open', actions: assign({ issued: ({ event }) => readIssued(event.output.result), reason: ({ event }) => event.output.reason }) },
          { guard: { type: 'isDryRun', params: ({ event }) => event.output }, target: 'not issued', actions: assign({ outcome: 'dry-run', reason: ({ event }) => event.output.reason }) },
          { guard: { type: 'wasDone', params: ({ event }) => event.output }, target: 'not issued', actions: assign({ reason: 'it was issued, but what came back cannot be read; look at the documents' }) },
          { target: 'not issued', actions: assign({ reason: ({ event }) => ended(event.output) }) },
        ],
        onError: { target: 'not issued', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    open: {
      description: 'It has its number, and is neither paid nor given up.',
      entry: { type: 'recordFact', params: ({ context }) => write.standing(context, 'issued') },
      // Counted from the issue, also while the mail waits for its approval.
      after: { overdue: { actions: assign({ overdue: true }) } },
      on: {
        PAID: [
          { guard: { type: 'isStranger', params: ({ event }) => event }, actions: { type: 'recordDecision', params: ({ context, event }) => write.decided(context, 'refused', `${event.from} says that ${write.describePayment(event.payment)} came in; that is not believed from there`) } },
          { guard: { type: 'isKnown', params: ({ event }) => event }, actions: [{ type: 'recordDecision', params: ({ context, event }) => write.decided(context, 'known', `${write.describePayment(event.payment)} counts already`) }, answer('known')] },
          { guard: { type: 'isForeign', params: ({ event }) => event }, actions: [{ type: 'recordDecision', params: ({ context, event }) => write.decided(context, 'wrong-currency', `${write.describePayment(event.payment)} does not count: the invoice is in ${context.issued!.currency}`) }, answer('wrong-currency')] },
          {
            actions: [
              assign({ payments: ({ context, event }) => [...context.payments, { id: event.payment.id, amountMinor: event.payment.amountMinor, currency: event.payment.currency }] }),
              { type: 'recordDecision', params: ({ context, event }) => write.decided(context, paidStanding(context)!, `${write.describePayment(event.payment)} came in`) },
              // What is paid in full is said once it is booked.
              parts.enqueueActions(({ context, enqueue }) => {
                if (paidStanding(context) === 'partly-paid') enqueue({ type: 'recordFact', params: write.standing(context, 'partly-paid', `${toMoney(paidOf(context), context.issued!.currency)} of ${toMoney(context.issued!.totalMinor, context.issued!.currency)}`) });
              }),
              answer(),
            ],
          },
        ],
      },
      initial: 'begun',
      states: {
        begun: { always: [{ guard: 'wantsLink', target: 'linking' }, { target: 'mailing' }] },
        linking: {
          invoke: {
            id: 'link',
            src: 'operation',
            input: ({ context }) => propose(context, 'link', 'payments.link', { amountMinor: context.issued!.totalMinor, currency: context.issued!.currency, payer: context.order.customer.email.toLowerCase(), description: `${context.order.language === 'de' ? 'Rechnung' : 'Invoice'} ${context.issued!.number}`, reference: context.issued!.number }, `A page to pay the ${write.describe(context)}`),
            onDone: [
              { guard: { type: 'gaveLink', params: ({ event }) => event.output }, target: 'mailing', actions: assign({ link: ({ event }) => linkOf(event.output.result) }) },
              { target: 'mailing', actions: { type: 'recordDecision', params: ({ context, event }) => write.decided(context, 'without-link', ended(event.output)) } },
            ],
            onError: { target: 'mailing', actions: { type: 'recordDecision', params: ({ context, event }) => write.decided(context, 'without-link', reasonOf(event.error)) } },
          },
        },
        mailing: {
          entry: assign({ mails: ({ context }) => context.mails + 1 }),
          invoke: {
            id: 'mail',
            src: 'operation',
            input: ({ context }) => propose(context, context.mails > 1 ? `mail-${context.mails}` : 'mail', 'mail.send', invoiceMail(mailParts(context)), `Mail the ${write.describe(context)}`),
            onDone: [
              { guard: { type: 'wasDone', params: ({ event }) => event.output }, target: 'waiting', actions: { type: 'recordFact', params: ({ context, event }) => write.standing(context, 'sent', event.output.reason) } },
              { target: 'unsent', actions: assign({ reason: ({ event }) => ended(event.output) }) },
            ],
            onError: { target: 'unsent', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
          },
        },
        unsent: {
          entry: [{ type: 'recordFact', params: ({ context }) => write.standing(context, 'not-sent') }, { type: 'recordIntent', params: ({ context }) => write.ask(context, 'unsent') }],
          always: { ...paidInFull, actions: { type: 'recordIntent', params: ({ context }) => write.close(context, 'unsent', 'canceled') } },
          after: { reminding: { actions: { type: 'recordIntent', params: ({ context }) => write.askAgain(context, 'unsent') } } },
          on: {
            APPROVE: { target: 'mailing', actions: { type: 'recordIntent', params: ({ context }) => write.close(context, 'unsent', 'completed') } },
            REJECT: { target: 'waiting', actions: { type: 'recordIntent', params: ({ context }) => write.close(context, 'unsent', 'rejected') } },
            CANCEL: { target: '#invoice.canceled', actions: [assign({ reason: ({ event }) => event.reason }), { type: 'recordIntent', params: ({ context }) => write.close(context, 'unsent', 'canceled') }] },
          },
        },
        waiting: { always: [paidInFull, { guard: 'isOverdue', target: 'dunning' }], on: { CANCEL: givenUp } },
        dunning: { always: [{ guard: 'remindersLeft', target: 'reminding' }, { target: 'unpaid' }] },
        reminding: {
          description: 'A reminder is proposed. It is not stopped when the money comes first, for it may be leaving already: the operator is told.',
          entry: assign({ reminders: ({ context }) => context.reminders + 1, moot: false }),
          exit: parts.enqueueActions(({ context, enqueue }) => {
            if (context.moot) enqueue({ type: 'recordIntent', params: write.close(context, 'moot', 'completed') });
          }),
          always: { guard: 'isMoot', actions: [assign({ moot: true }), { type: 'recordIntent', params: ({ context }) => write.ask(context, 'moot') }] },
          on: {
            APPROVE: { actions: { type: 'recordIntent', params: ({ context }) => write.close(context, 'moot', 'completed') } },
            REJECT: { actions: { type: 'recordIntent', params: ({ context }) => write.close(context, 'moot', 'completed') } },
          },
          invoke: {
            id: 'reminder',
            src: 'operation',
            input: ({ context }) => propose(context, `reminder-${context.reminders}`, 'mail.send', reminderOf(context), `Remind ${context.order.customer.name} of the ${write.describe(context)}`),
            onDone: [
              { guard: { type: 'wasDone', params: ({ event }) => event.output }, target: 'pausing', actions: [assign({ reminded: ({ context }) => context.reminded + 1 }), { type: 'recordFact', params: ({ context }) => write.standing(context, 'reminded', `reminder ${context.reminded}`) }] },
              { target: 'pausing', actions: { type: 'recordDecision', params: ({ context, event }) => write.decided(context, 'not-reminded', ended(event.output)) } },
            ],
            onError: { target: 'pausing', actions: { type: 'recordDecision', params: ({ context, event }) => write.decided(context, 'not-reminded', reasonOf(event.error)) } },
          },
        },
        pausing: { always: paidInFull, after: { spacing: 'dunning' }, on: { CANCEL: givenUp } },
        unpaid: {
          entry: { type: 'recordIntent', params: ({ context }) => write.ask(context, 'unpaid') },
          always: { ...paidInFull, actions: { type: 'recordIntent', params: ({ context }) => write.close(context, 'unpaid', 'canceled') } },
          after: { reminding: { actions: { type: 'recordIntent', params: ({ context }) => write.askAgain(context, 'unpaid') } } },
          on: {
            APPROVE: { target: '#invoice.booked', actions: [assign({ reason: 'the operator says that it is paid' }), { type: 'recordIntent', params: ({ context }) => write.close(context, 'unpaid', 'completed') }] },
            REJECT: { target: '#invoice.written off', actions: [assign({ reason: ({ event }) => event.reason }), { type: 'recordIntent', params: ({ context }) => write.close(context, 'unpaid', 'rejected') }] },
          },
        },
      },
    },
    booked: {
      type: 'final',
      entry: [
        assign({ outcome: ({ context }) => (paidStanding(context) === 'overpaid' ? ('overpaid' as const) : ('paid' as const)), reason: ({ context }) => (paidOf(context) >= context.issued!.totalMinor ? `${toMoney(paidOf(context), context.issued!.currency)} came in` : context.reason) }),
        { type: 'recordFact', params: ({ context }) => write.standing(context, context.outcome === 'overpaid' ? 'overpaid' : 'paid') },
        { type: 'recordDecision', params: ({ context }) => write.decided(context, 'booked') },
      ],
    },
    canceled: { type: 'final', entry: [assign({ outcome: 'canceled' }), { type: 'recordFact', params: ({ context }) => write.standing(context, 'canceled') }, { type: 'recordDecision', params: ({ context }) => write.decided(context, 'canceled') }] },
    'written off': { type: 'final', entry: [assign({ outcome: 'written-off' }), { type: 'recordFact', params: ({ context }) => write.standing(context, 'written-off') }, { type: 'recordDecision', params: ({ context }) => write.decided(context, 'written-off') }] },
    'not issued': { type: 'final', entry: { type: 'recordDecision', params: ({ context }) => write.decided(context, context.outcome) } },
  },
  output: ({ context }) => ({ outcome: context.outcome, number: context.issued?.number ?? null, paidMinor: context.issued ? paidOf(context) : 0, reason: context.reason }),
});
