// Amounts of money in running text: every notation, as integers in minor units.
import { foldText } from './read-text.ts';

export interface Amount {
  amountMinor: number;
  /** ISO 4217, or null when the text names none. */
  currency: string | null;
  /** Where it starts and ends in the text it was found in. */
  start: number;
  end: number;
  /** False when the notation can be read in two ways ("1.234 EUR" is one thousand, but "1,234" may be a price with three decimals). */
  clear: boolean;
}

const symbols: Record<string, string> = { '€': 'EUR', $: 'USD', '£': 'GBP', '¥': 'JPY', us$: 'USD', 'c$': 'CAD', 'ca$': 'CAD', 'a$': 'AUD', 'au$': 'AUD', '₹': 'INR', zł: 'PLN' };
const words: Record<string, string> = { euro: 'EUR', euros: 'EUR', dollar: 'USD', dollars: 'USD', pound: 'GBP', pounds: 'GBP', franken: 'CHF', francs: 'CHF', sfr: 'CHF', fr: 'CHF', yen: 'JPY', pfund: 'GBP' };
const codes = ['EUR', 'USD', 'GBP', 'CHF', 'JPY', 'SEK', 'NOK', 'DKK', 'PLN', 'CZK', 'HUF', 'CAD', 'AUD', 'NZD', 'INR', 'CNY', 'KRW', 'ISK', 'CLP', 'VND', 'KWD', 'BHD', 'TND', 'RON', 'BGN', 'TRY', 'ZAR', 'SGD', 'HKD', 'MXN', 'BRL'];
const decimals: Record<string, number> = { JPY: 0, KRW: 0, ISK: 0, CLP: 0, VND: 0, KWD: 3, BHD: 3, TND: 3 };

const mark = `(?:us\\$|ca?\\$|au?\\$|[€$£¥₹]|zł|\\b(?:${codes.join('|')})\\b|\\b(?:euros?|dollars?|pounds?|franken|francs|sfr|fr|yen|pfund)\\b)`;
const number = "\\d{1,3}(?:(?:[.,'’ \\u00a0\\u202f]\\d{3}){1,4}(?!\\d))(?:[.,]\\d{1,3}(?!\\d))?|\\d{1,12}(?:[.,](?:\\d{1,3}(?!\\d)|[-–—]{1,2}))?";
const pattern = new RegExp(`(${mark})?\\.?[ \\u00a0\\u202f]{0,3}(?<![\\d.,/:-])(-?)(${number})[ \\u00a0\\u202f]{0,3}(${mark})?`, 'giu');

/** Number of decimal places of a currency (ISO 4217): 2, but 0 for yen and 3 for dinars. */
export function decimalsOf(currency: string | null): number {
  return decimals[currency ?? ''] ?? 2;
}

function readCurrency(text: string | undefined): string | null {
  if (text === undefined) return null;
  const key = text.toLowerCase();
  if (symbols[key] !== undefined) return symbols[key];
  if (words[key] !== undefined) return words[key];
  const code = key.toUpperCase();
  return codes.includes(code) ? code : null;
}

/** Minor units of a written number, or null. One thousands separator and no decimals ("1.234") is read as thousands. */
function readNumber(text: string, places: number): { minor: number; clear: boolean } | null {
  const digits = text.replace(/['’\s\u00a0\u202f]/g, '').replace(/[.,][-–—]+$/, '');
  const last = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','));
  const separators = digits.match(/[.,]/g) ?? [];
  const tail = last < 0 ? '' : digits.slice(last + 1);
  const repeated = separators.length > 1 && new Set(separators).size === 1;
  const decimal = last >= 0 && !repeated && (tail.length !== 3 || separators.length === 2 || places === 3 || digits.startsWith('0'));
  const whole = (decimal ? digits.slice(0, last) : digits).replace(/[.,]/g, '');
  const fraction = decimal ? tail : '';
  if (!/^\d{1,12}$/.test(whole) || !/^\d{0,3}$/.test(fraction)) return null;
  if (fraction.length > places && !/^0*$/.test(fraction.slice(places))) return null;
  const minor = Number(`${whole}${fraction.slice(0, places).padEnd(places, '0')}`);
  return Number.isSafeInteger(minor) ? { minor, clear: decimal || last < 0 || repeated } : null;
}

/**
 * All amounts in a text, in reading order. A number counts when a currency stands beside it, or when it has exactly two
 * decimals; dates, percentages and reference numbers do not. Never returns NaN or fractions.
 */
export function findAmounts(text: string, limit = 200): Amount[] {
  const found: Amount[] = [];
  for (const match of text.matchAll(pattern)) {
    if (found.length >= limit) break;
    const [whole, before, , digits = '', after] = match;
    const start = match.index;
    const end = start + whole.trimEnd().length;
    const beforeCurrency = readCurrency(before);
    const currency = beforeCurrency ?? readCurrency(after);
    const rest = text.slice(end, end + 6);
    if (currency === null && !/[.,]\d{2}$/.test(digits)) continue;
    if (/^\s?%/.test(rest) || /^[.,:/-]\d/.test(rest) || (currency === null && /^\.?\d|^\s?(?:uhr|am|pm|h\b)/i.test(rest))) continue;
    if (currency === null && /^(?:[0-2]?\d|3[01])\.(?:0[1-9]|1[0-2])$/.test(digits) && rest.startsWith('.')) continue;
    const read = readNumber(digits, decimalsOf(currency));
    if (read === null) continue;
    found.push({ amountMinor: read.minor, currency, start, end, clear: read.clear });
  }
  return found;
}

/** The currency a text talks in when an amount names none: the only one that occurs, else null. */
export function soleCurrency(text: string): string | null {
  const seen = new Set([...foldText(text).matchAll(/[€$£¥]|\b[a-z]{3}\b/g)].map(([hit]) => symbols[hit] ?? (codes.includes(hit.toUpperCase()) ? hit.toUpperCase() : '')).filter((code) => code !== ''));
  return seen.size === 1 ? [...seen][0] ?? null : null;
}
