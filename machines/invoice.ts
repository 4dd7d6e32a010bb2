// An invoice as it is ordered, as it comes back once it has a number, and where it stands. The connector that issues it and the
// machine that follows it to the money share these.
import { z } from 'zod';
import { languageSchema } from './mail.ts';

const currency = z.string().regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code such as EUR');
/** One line without control, format and private characters: nothing that prints as something else than it is. */
const line = (maxChars: number) => z.string().min(1).max(maxChars).regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, 'expected one line of visible characters');

/** Prices are net. Negative ones are discounts; the whole must come to more than nothing. */
export const orderLineSchema = z.strictObject({
  text: line(500),
  quantity: z.number().positive().max(1_000_000).multipleOf(0.001),
  unitMinor: z.int().min(-10_000_000_000).max(10_000_000_000),
  taxPercent: z.number().min(0).max(100).multipleOf(0.01),
});

export const orderSchema = z.strictObject({
  customer: z.strictObject({ name: line(100), email: z.email().max(254), address: z.array(line(100)).min(1).max(6), vatId: line(30).optional() }),
  lines: z.array(orderLineSchema).min(1).max(200),
  currency,
  /** The day it is issued when absent. */
  issueDate: z.iso.date().optional(),
  dueDays: z.int().min(0).max(365),
  language: languageSchema,
  note: z.string().min(1).max(2_000).regex(/^(?:[^\p{C}\p{Zl}\p{Zp}]|\n)+$/u, 'expected lines of visible characters').optional(),
});
export type Order = z.output<typeof orderSchema>;

/** The value of `work.accepted`: a piece of work of a project, and what it is invoiced as. `work` is its name: the same name is the same work. */
export const workSchema = z.strictObject({ work: line(100), order: orderSchema, paymentLink: z.exactOptional(z.boolean()) });

/** What `invoices.issue` answers. */
export const issuedSchema = z.object({
  number: z.string(),
  /** The artifact, and the sha256 of its PDF. */
  document: z.string(),
  hash: z.string(),
  totalMinor: z.int().positive(),
  currency,
  issuedOn: z.iso.date(),
  dueOn: z.iso.date(),
  /** From then until the due day is over; 0 when it is. */
  dueInMs: z.int().nonnegative(),
});
export type Issued = z.output<typeof issuedSchema>;

export const invoiceEntity = (number: string) => `asset/invoice-${number}`;

export const standingSchema = z.enum(['issued', 'sent', 'not-sent', 'reminded', 'partly-paid', 'paid', 'overpaid', 'canceled', 'written-off']);
export type Standing = z.output<typeof standingSchema>;
export const closedStandings: readonly Standing[] = ['paid', 'overpaid', 'canceled', 'written-off'];

/** The value of `invoice.state`. */
export const invoiceStateSchema = z.strictObject({
  state: standingSchema,
  reason: z.string(),
  totalMinor: z.int(),
  paidMinor: z.int(),
  currency,
  /** Ids of the payments that count. */
  payments: z.array(z.string()),
});
export type InvoiceState = z.output<typeof invoiceStateSchema>;

/** Money that came in. `id` is the provider's, or the operator's own word for it: the same id counts once. */
export const incomingSchema = z.object({ id: z.string().min(1).max(200), amountMinor: z.int().positive(), currency });
export type Incoming = z.output<typeof incomingSchema>;
