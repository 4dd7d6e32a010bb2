// An invoice as words and figures in their order, before it is drawn. The preview and the PDF are both made of it, so they cannot say
// different things: only number and dates stand open in the preview when the order leaves them to the issue.
import type { Order } from '#machines/invoice.ts';
import { minorDigits, toDecimal, toMoney } from '#machines/money-text.ts';
import { addDays, inWords } from './dates.ts';
import type { InvoiceSettings } from './settings.ts';
import type { Totals } from './totals.ts';
import { wordsOf } from './words.ts';

export type Labelled = [label: string, value: string];
export interface Sheet {
  title: string;
  seller: string[];
  to: string;
  customer: string[];
  /** Number, date, due day. */
  about: Labelled[];
  columns: string[];
  rows: string[][];
  sums: Labelled[];
  pay: string;
  note: string[];
  /** Bank and tax numbers of the seller. */
  foot: string[];
  page(page: number, of: number): string;
}

/** Null when it is not issued yet. */
export interface Issue { number: string; issuedOn: string }

export function sheetOf(order: Order, totals: Totals, { seller, prefix }: InvoiceSettings, issue: Issue | null): Sheet {
  const { customer, lines, currency, language, dueDays, note } = order;
  const words = wordsOf[language];
  const digits = minorDigits(currency);
  const decimal = (minor: number) => toDecimal(minor, digits, language);
  /** Without the zeros behind the point: 2,5 and 19. */
  const plain = (value: number, places: number) => toDecimal(Math.round(value * 10 ** places), places, language).replace(/([.,])(\d*?)0+$/, (_, point: string, rest: string) => (rest === '' ? '' : `${point}${rest}`));
  const issuedOn = issue?.issuedOn ?? order.issueDate ?? null;
  const [number, date, due] = [issue?.number ?? words.next(prefix), issuedOn === null ? words.today : inWords(issuedOn, language), issuedOn === null ? words.after(dueDays) : inWords(addDays(issuedOn, dueDays), language)];
  return normalized({
    title: `${words.invoice} ${number}`,
    seller: [seller.name, ...seller.address, ...given('', seller.email), ...given('', seller.phone)],
    to: words.to,
    customer: [customer.name, ...customer.address, customer.email, ...given(`${words.vatId} `, customer.vatId)],
    about: [[words.number, number], [words.date, date], [words.due, due]],
    columns: words.columns.map((name, i) => (i === 3 || i === 5 ? `${name} ${currency}` : name)),
    rows: lines.map(({ text, quantity, unitMinor, taxPercent }, i) => [String(i + 1), text, plain(quantity, 3), decimal(unitMinor), `${plain(taxPercent, 2)} %`, decimal(totals.lines[i]!)]),
    sums: [
      [words.net, toMoney(totals.netMinor, currency, language)],
      ...totals.taxes.map(({ percent, netMinor, taxMinor }): Labelled => [words.tax(plain(percent, 2), decimal(netMinor)), toMoney(taxMinor, currency, language)]),
      [words.total, toMoney(totals.totalMinor, currency, language)],
    ],
    pay: words.pay(toMoney(totals.totalMinor, currency, language), due, number),
    note: note?.split('\n') ?? [],
    foot: [...given('', seller.bank), ...given('IBAN ', seller.iban), ...given('BIC ', seller.bic), ...given(`${words.vatId} `, seller.vatId), ...given(`${words.taxNumber} `, seller.taxNumber)],
    page: words.page,
  });
}

/** The whole invoice as plain text. */
export function toText({ title, seller, to, customer, about, columns, rows, sums, pay, note, foot }: Sheet): string {
  const table = [columns, ...rows].map((row) => row.filter((cell) => cell !== '').join('  |  '));
  const labelled = (list: Labelled[]) => list.map(([label, value]) => `${label}: ${value}`);
  return [title, '', ...seller, '', to, ...customer, '', ...labelled(about), '', ...table, '', ...labelled(sums), '', pay, ...(note.length > 0 ? ['', ...note] : []), ...(foot.length > 0 ? ['', foot.join(' · ')] : [])].join('\n');
}

/** Everything that is printed, one text each. */
export const textsOf = ({ title, seller, to, customer, about, columns, rows, sums, pay, note, foot }: Sheet): string[] =>
  [title, ...seller, to, ...customer, ...about.flat(), ...columns, ...rows.flat(), ...sums.flat(), pay, ...note, ...foot].filter((text) => text !== '');

const given = (label: string, value: string | undefined): string[] => (value === undefined ? [] : [`${label}${value}`]);

/** A letter and its accent are one character: it looks the same, and fonts have it. */
function normalized({ page, ...sheet }: Sheet): Sheet {
  const nfc = (value: unknown): unknown => (typeof value === 'string' ? value.normalize('NFC') : Array.isArray(value) ? value.map(nfc) : value);
  return { ...(Object.fromEntries(Object.entries(sheet).map(([key, value]) => [key, nfc(value)])) as Omit<Sheet, 'page'>), page };
}
