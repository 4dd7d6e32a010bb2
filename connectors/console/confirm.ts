// A yes to what is risky is typed, not pressed: the words are those that matter most, so that they were read once.
import type { Item } from '#machines/inbox.ts';
import { KeelsonError } from '#machines/errors.ts';
import { toMoney } from '#machines/money-text.ts';

/** What says where it goes. */
const places: readonly string[] = ['recipient', 'payee', 'account', 'host', 'path'];
/** What every keyboard can type: what looks like it and is not is never asked for. */
const typable = /^[!-~](?:[ -~]{0,78}[!-~])?$/;

/** What must be typed to approve this; null when a press is enough. */
export function confirmPhrase({ risk, money, control = [] }: Pick<Partial<Item>, 'risk' | 'money' | 'control'>): string | null {
  if (risk !== 'high') return null;
  if (money) return toMoney(money.amountMinor, money.currency);
  const place = control.find(({ kind }) => places.includes(kind))?.value;
  return typeof place === 'string' && typable.test(place) ? place : 'approve';
}

/** Throws REFUSED unless `typed` are those words. Case and blanks around them do not count. */
export function assertConfirmed(item: Partial<Item>, typed: string | undefined): void {
  const phrase = confirmPhrase(item);
  if (phrase === null || typed?.trim().toLowerCase() === phrase.toLowerCase()) return;
  throw new KeelsonError('REFUSED', typed === undefined ? `the risk is high: approving it needs the words '${phrase}'` : `'${typed.slice(0, 80)}' is not '${phrase}'; nothing was approved`, { hint: 'Type exactly what is shown, then approve.' });
}
