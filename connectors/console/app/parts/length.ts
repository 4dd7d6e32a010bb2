// Lengths of time and sums of money as people read them.
import { isCurrency, toMoney } from '#machines/money-text.ts';
import { span } from './time.tsx';

/** Below ten seconds the parts of a second matter. */
export const lengthOf = (ms: number) => (ms < 1_000 ? `${Math.round(ms)} ms` : ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : span(ms));

export const money = (minor: number, currency: string | null) => (currency !== null && isCurrency(currency) ? toMoney(minor, currency) : `${minor} in the smallest unit of ${currency ?? 'an unclear currency'}`);

/** Millionths of a US dollar. */
export const usd = (amount: number) => (amount === 0 ? '$0' : `$${micros(amount)}`);

/** Of a model, in millionths of its currency unit. */
export const micros = (amount: number) => (amount / 1_000_000).toFixed(amount < 10_000 ? 4 : 2);
