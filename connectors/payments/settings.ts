// What the operator writes into connectors/payments.json, and the fields that all payloads share. Money is counted in minor units as
// ISO 4217 has them; currencies that Stripe counts otherwise are refused, for an amount would mean a hundred times as much or as little.
import { z } from 'zod';
import type { Control, Money } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { isSafeBase } from '../named-server.ts';

const otherUnits = ['ISK', 'MGA', 'UGX'];
const noDecimals = ['BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'];
const threeDecimals = ['BHD', 'JOD', 'KWD', 'OMR', 'TND'];

const currency = z.string().regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code such as EUR');

export const settingsSchema = z.strictObject({
  /** What the Stripe account is called in plans and rules: `holt-stripe`. */
  account: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected small letters, digits, dot, dash and underscore'),
  currencies: z.array(currency.refine((code) => !otherUnits.includes(code), 'Stripe counts it in other units than ISO 4217')).min(1),
  apiUrl: z.string().refine((url) => isSafeBase(url) && new URL(url).pathname === '/', 'expected https://host, or http to this machine').default('https://api.stripe.com'),
  /** For one request, from connecting to the last byte of the reply. */
  timeoutMs: z.number().int().min(100).max(120_000).default(30_000),
});
export type PaymentsSettings = z.output<typeof settingsSchema>;

/** Stripe takes at most eight digits. */
export const amountMinor = z.number().int().positive().max(99_999_999);
export const currencyField = currency;
/** What an invoice is called: facts about it stand at `account/<reference>`. */
export const reference = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/, 'expected letters, digits, dot, slash, dash and underscore');
export const oneLine = z.string().min(1).max(200).regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, 'expected one line without control or hidden characters');

/** `119.00 EUR` */
export function showMoney({ amountMinor: minor, currency: code }: { amountMinor: number; currency: string }): string {
  const places = noDecimals.includes(code) ? 0 : threeDecimals.includes(code) ? 3 : 2;
  return `${(minor / 10 ** places).toFixed(places)} ${code}`;
}

/** Throws REFUSED when the account is not set up for such an amount. */
export function assertMoney({ currencies, account }: PaymentsSettings, money: { amountMinor: number; currency: string }): void {
  if (!currencies.includes(money.currency)) throw new KeelsonError('REFUSED', `${account} is not set up for ${money.currency}`, { hint: 'Add the currency to connectors/payments.json, if the account takes it.' });
  if (threeDecimals.includes(money.currency) && money.amountMinor % 10 !== 0) throw new KeelsonError('REFUSED', `Stripe takes ${money.currency} only in steps of ten of its smallest units`);
}

/** The fields that decide how much goes where. `payeeField` is where the payload names the payee. */
export function moneyControls({ account }: PaymentsSettings, money: Money, payeeField: string): Control[] {
  return [
    { kind: 'amount', field: 'amountMinor', value: { amountMinor: money.amountMinor, currency: money.currency }, vouchedBy: null },
    { kind: 'payee', field: payeeField, value: money.payee, vouchedBy: null },
    { kind: 'account', field: 'account', value: account, vouchedBy: 'named in connectors/payments.json' },
  ];
}
