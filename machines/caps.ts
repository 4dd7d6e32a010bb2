// How much money may leave within 24 hours: in all, and to one payee. Pure; the store asks it before it writes that money is on its
// way, and the gate before it asks the provider to hold any.
import type { Money } from './effects.ts';

export interface Cap {
  currency: string;
  /** In minor units, within any 24 hours. */
  perDayMinor: number;
  perPayeePerDayMinor: number;
}

export const capWindowMs = 86_400_000;

/** Why this is too much, or null. `others`: what is on its way or has arrived within the window. A currency without a cap may not move at all. */
export function whyOverCap(caps: readonly Cap[], others: readonly Money[], next: Money): string | null {
  const cap = caps.find(({ currency }) => currency === next.currency);
  if (!cap) return `no cap is set for ${next.currency}, so no ${next.currency} may move`;
  const sum = (list: readonly Money[]) => list.reduce((total, { amountMinor }) => total + amountMinor, next.amountMinor);
  const same = others.filter(({ currency }) => currency === next.currency);
  const [all, toPayee] = [sum(same), sum(same.filter(({ payee }) => payee === next.payee))];
  const over = (what: string, would: number, allowed: number) => `${what} would come to ${(would / 100).toFixed(2)} ${next.currency} within 24 hours; the cap is ${(allowed / 100).toFixed(2)}`;
  if (all > cap.perDayMinor) return over('all payments', all, cap.perDayMinor);
  return toPayee > cap.perPayeePerDayMinor ? over(`payments to ${next.payee}`, toPayee, cap.perPayeePerDayMinor) : null;
}
