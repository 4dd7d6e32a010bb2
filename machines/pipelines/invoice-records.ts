// What a run of an invoice writes down and asks on its way. Words and shapes, no control flow.
import { z } from 'zod';
import { modeSchema } from '../effects.ts';
import { toItemData } from '../inbox.ts';
import { incomingSchema, invoiceEntity, issuedSchema, orderSchema, type Incoming, type InvoiceState, type Standing } from '../invoice.ts';
import { mailboxSchema } from '../mail.ts';
import { toMoney } from '../money-text.ts';
import type { Fact, Intent } from '../records.ts';

const hourMs = 3_600_000;

export const inputSchema = z.object({
  order: orderSchema,
  /** Whose mails these are. */
  from: mailboxSchema,
  /** Ask for a page to pay at; where payments are configured. */
  paymentLink: z.boolean().default(false),
  /** Days from the due day to the first reminder, from that to the second, and so on. */
  reminderDays: z.array(z.int().min(1).max(365)).max(3).default([3, 7, 14]),
  /** As in every operation: when the operator is reminded of an approval, and when it lapses. */
  remindAfterMs: z.int().positive().default(8 * hourMs),
  expireAfterMs: z.int().positive().default(72 * hourMs),
  mode: modeSchema.default('live'),
});

export const outcomeSchema = z.enum(['paid', 'overpaid', 'not-issued', 'canceled', 'written-off', 'dry-run']);

export const contextSchema = inputSchema.extend({
  /** Of the actor; operations are named by it. */
  key: z.string(),
  issued: issuedSchema.nullable(),
  link: z.string().nullable(),
  payments: z.array(incomingSchema),
  /** How often the first mail was proposed, and how often a reminder. */
  mails: z.int(),
  reminders: z.int(),
  /** Of those, the ones that left. */
  reminded: z.int(),
  overdue: z.boolean(),
  /** It was paid while a reminder was under way, and the operator has been told. */
  moot: z.boolean(),
  outcome: outcomeSchema,
  reason: z.string(),
});
export type Context = z.output<typeof contextSchema>;

export const paidOf = ({ payments }: Pick<Context, 'payments'>) => payments.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
/** Where it stands by what has come in; null while nothing has. */
export function paidStanding(context: Context): 'partly-paid' | 'paid' | 'overpaid' | null {
  const [paid, total] = [paidOf(context), context.issued!.totalMinor];
  return paid === 0 ? null : paid < total ? 'partly-paid' : paid === total ? 'paid' : 'overpaid';
}

export function standing(context: Context, state: Standing, reason = context.reason): Fact {
  const { issued, payments } = context;
  const value: InvoiceState = { state, reason: reason.slice(0, 2_000), totalMinor: issued!.totalMinor, paidMinor: paidOf(context), currency: issued!.currency, payments: payments.map(({ id }) => id) };
  return { entity: invoiceEntity(issued!.number), predicate: 'invoice.state', value, label: 'system', confidence: 1, source: issued!.document };
}

export const evidenceOf = ({ issued }: Context) => (issued ? [{ kind: 'artifact' as const, id: issued.document }] : []);
export const decided = (context: Context, outcome: string, reason = context.reason) => ({ what: 'invoice', outcome, confidence: null, reasons: [reason], evidence: evidenceOf(context) });
export const describePayment = ({ id, amountMinor, currency }: Incoming) => `${toMoney(amountMinor, currency)} (${id})`;

export const describe = ({ issued, order }: Context) => `invoice ${issued?.number ?? '(no number)'} over ${issued ? toMoney(issued.totalMinor, issued.currency) : '?'} to ${order.customer.name}`;

export type Task = 'unsent' | 'unpaid' | 'moot';
/** What may be asked more than once is another question each time. */
const taskId = ({ key, mails, reminders }: Context, task: Task) => `t-${key}-${task}${{ unsent: `-${mails}`, moot: `-${reminders}`, unpaid: '' }[task]}`;
const words: Record<Task, { summary(context: Context): string; answers: string }> = {
  unsent: {
    summary: (context) => `The ${describe(context)} was not mailed: ${context.reason}`,
    answers: 'approve = propose the mail again; reject = no mail, wait for the payment all the same; `send ACTOR CANCEL` = give it up',
  },
  moot: {
    summary: (context) => `The ${describe(context)} is paid: reject the reminder that still waits for you`,
    answers: 'approve or reject = seen; the reminder itself is the other item',
  },
  unpaid: {
    summary: (context) => `The ${describe(context)} is not paid: ${toMoney(context.issued!.totalMinor - paidOf(context), context.issued!.currency)} open after ${context.reminded} reminders`,
    answers: 'approve = it is paid, book it; reject = write it off',
  },
};

export const ask = (context: Context, task: Task): Intent => ({
  id: taskId(context, task),
  kind: 'task',
  state: 'input-required',
  summary: words[task].summary(context),
  data: toItemData({ category: 'invoice', confidence: null, risk: 'medium', reasons: context.reason === '' ? [] : [context.reason], payload: { number: context.issued!.number, customer: context.order.customer.email, totalMinor: context.issued!.totalMinor, paidMinor: paidOf(context), currency: context.issued!.currency, dueOn: context.issued!.dueOn }, payloadHash: taskId(context, task), evidence: evidenceOf(context), policy: null, expiresAfterMs: null, answers: words[task].answers }),
});
export const askAgain = (context: Context, task: Task): Intent => ({ id: taskId(context, task), kind: 'task', state: 'input-required', summary: `Reminder: ${words[task].summary(context)}` });
export const close = (context: Context, task: Task, state: Intent['state']): Intent => ({ id: taskId(context, task), kind: 'task', state });
