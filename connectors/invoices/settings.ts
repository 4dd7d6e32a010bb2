// What the operator says about invoices once: who issues them, and how they are numbered (connectors/invoices.json).
import { z } from 'zod';

const line = (maxChars: number) => z.string().min(1).max(maxChars).regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, 'expected one line of visible characters');

export const settingsSchema = z.strictObject({
  /** Before the number: `2026-`. Another prefix is another series. It must not end in a digit, or two series could meet. */
  prefix: z.string().max(20).regex(/^(?:[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z-]|[A-Za-z])?$/, 'expected letters, digits and dashes, no digit at the end').default(''),
  /** The first number. Raised later, it leaves a gap on purpose: after a restore, go on behind the last invoice that left. */
  from: z.int().min(1).max(999_999_999).default(1),
  /** Filled up with zeros to so many digits. */
  digits: z.int().min(1).max(9).default(4),
  /** By which the day of issue is told: `Europe/Berlin`. */
  timeZone: z.string().default('UTC').refine(isTimeZone, 'expected a time zone such as Europe/Berlin'),
  seller: z.strictObject({
    name: line(100),
    address: z.array(line(100)).min(1).max(6),
    email: z.email().optional(),
    phone: line(40).optional(),
    vatId: line(30).optional(),
    taxNumber: line(30).optional(),
    bank: line(100).optional(),
    iban: line(42).optional(),
    bic: line(11).optional(),
  }),
});
export type InvoiceSettings = z.output<typeof settingsSchema>;

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
