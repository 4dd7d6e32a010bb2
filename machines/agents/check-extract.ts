// Holds what a mind read against the text that it read: the amount must stand there, in that currency; dates must be days; account
// numbers must have their checksum and stand there too. What fails is left out and said, and lowers the confidence. Pure.
import type { Mail } from '../mail.ts';
import { hasIbanChecksum, ibanShape } from '../iban.ts';
import { extractAnswer, type Extracted } from '../tasks/extract.ts';
import { findAmounts, soleCurrency } from './amounts.ts';
import { findDates, isoDate } from './dates.ts';
import type { MoneyFacts } from './extract-money.ts';
import { flattenText, safeLine } from './read-text.ts';
import { findSuspicious } from './suspicious.ts';

/** A mail that talks to the agent is shown to the operator, whatever was read in it. */
const suspiciousMax = 0.4;
const isDay = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isoDate(...(text.split('-').map(Number) as [number, number, number])) === text;
const bare = (text: string) => text.toUpperCase().replace(/[^A-Z0-9]/g, '');

/** Null when it is not in the shape of an answer. `rules`: what was read without a mind; its lines and its party stand where this one says nothing. */
export function checkExtract(answer: unknown, mail: Mail, rules: MoneyFacts): MoneyFacts | null {
  const parsed = extractAnswer.safeParse(answer);
  if (!parsed.success) return null;
  const said = parsed.data;
  const whole = `${mail.subject}\n${mail.text}`;
  const reasons: string[] = [];
  let confidence = said.confidence;
  const doubt = (factor: number, reason: string) => {
    confidence *= factor;
    reasons.push(reason);
    return null;
  };

  const amounts = findAmounts(whole).filter(({ amountMinor }) => amountMinor === said.amountMinor);
  const currency = said.currency === null ? null : amounts.some((one) => one.currency === said.currency) || soleCurrency(whole) === said.currency ? said.currency : doubt(0.3, 'The text does not name that currency.');
  const stands = said.amountMinor !== null && said.amountMinor > 0 && amounts.some((one) => one.currency === null || said.currency === null || one.currency === said.currency);
  const amountMinor = stands ? said.amountMinor : said.amountMinor === null ? null : doubt(0.2, 'The amount that was read does not stand in the text.');
  if (said.amountMinor === null || said.currency === null) {
    confidence = Math.min(confidence, 0.3);
    reasons.push(said.amountMinor === null ? 'No amount was read.' : 'No currency was read.');
  }

  const date = (name: string, text: string | null): string | null => {
    if (text === null) return null;
    if (!isDay(text)) return doubt(0.7, `The ${name} that was read is no day.`);
    return findDates(whole, mail.date?.slice(0, 10) ?? null).some(({ iso }) => iso === text) || text === rules.dueDate || text === rules.documentDate || mail.date?.startsWith(text) ? text : doubt(0.8, `The ${name} that was read does not stand in the text.`);
  };
  const [dueDate, documentDate] = [date('due date', said.dueDate), date('document date', said.documentDate)];
  const iban = checkIban(said, whole);
  if (iban === 'wrong') doubt(0.5, 'The account number that was read is wrong: its check digits do not fit, or it does not stand in the text.');
  const reference = said.reference === null ? rules.reference : bare(said.reference) !== '' && bare(whole).includes(bare(said.reference)) ? safeLine(said.reference, 40) : doubt(0.9, 'The reference that was read does not stand in the text.');
  const payee = said.payee !== null && occurs(said.payee, `${whole}\n${mail.from?.name ?? ''}\n${mail.from?.address ?? ''}`) ? safeLine(said.payee) : said.payee === null ? rules.payee : (doubt(0.9, 'The payee that was read is not named in the mail.'), rules.payee);
  const suspicious = findSuspicious(mail);
  if (suspicious.length > 0) {
    confidence = Math.min(confidence, suspiciousMax);
    reasons.push(`It is suspicious: it ${suspicious[0]}.`);
  }
  if (reasons.length === 0) reasons.push('Everything that was read stands in the text.');
  return { payee, amountMinor, currency, dueDate, documentDate: documentDate ?? rules.documentDate, reference, confidence: Math.round(confidence * 100) / 100, reasons, line: amountMinor === rules.amountMinor ? rules.line : lineOf(mail.text, amountMinor) };
}

function checkIban({ iban }: Extracted, whole: string): 'right' | 'wrong' | 'none' {
  if (iban === null) return 'none';
  const text = bare(iban);
  return ibanShape.test(text) && hasIbanChecksum(text) && bare(whole).includes(text) ? 'right' : 'wrong';
}

const occurs = (part: string, whole: string) => flattenText(part).length > 1 && flattenText(whole).includes(flattenText(part));

/** The line where the amount stands, from 1. */
function lineOf(text: string, amountMinor: number | null): number | null {
  const place = text.split(/\r\n|\r|\n/).findIndex((line) => findAmounts(line).some((one) => one.amountMinor === amountMinor));
  return amountMinor === null || place === -1 ? null : place + 1;
}

/** In the shape of an answer, for the ladder. */
export const toAnswer = ({ payee, amountMinor, currency, dueDate, documentDate, reference, confidence }: MoneyFacts): Extracted => ({ payee, amountMinor, currency, dueDate, documentDate, reference, iban: null, confidence });
