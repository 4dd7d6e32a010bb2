import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { findAmounts } from '#machines/agents/amounts.ts';
import { findDates } from '#machines/agents/dates.ts';
import { extractMoney } from '#machines/agents/extract-money.ts';
import { buildMail } from '#test/kit/held-out.ts';

const bill = (text: string, rest: Partial<Parameters<typeof buildMail>[0]> = {}) => extractMoney(buildMail({ from: 'Acme Paper <billing@acme.example>', subject: 'Invoice', text, ...rest }));

test('amounts are read in every usual notation, as integers in minor units', () => {
  const cases: [string, number, string | null][] = [
    ['1,234.56 USD', 123_456, 'USD'], ['1.234,56 EUR', 123_456, 'EUR'], ['€1,234.56', 123_456, 'EUR'], ['1 234,56 €', 123_456, 'EUR'], ["CHF 1'234.50", 123_450, 'CHF'],
    ['£99', 9_900, 'GBP'], ['$5', 500, 'USD'], ['1.234 EUR', 123_400, 'EUR'], ['1,234 USD', 123_400, 'USD'], ['12,5 €', 1_250, 'EUR'], ['49,- EUR', 4_900, 'EUR'], ['¥1,200', 1_200, 'JPY'], ['JPY 5000', 5_000, 'JPY'],
    ['1.234.567,89 €', 123_456_789, 'EUR'], ['1,234,567.89 USD', 123_456_789, 'USD'], ['EUR 0,99', 99, 'EUR'], ['340 euros', 34_000, 'EUR'], ['KWD 1.250', 1_250, 'KWD'], ['250.00', 25_000, null], ['EUR 1234.5', 123_450, 'EUR'], ['0,00 EUR', 0, 'EUR'],
    ['Fr. 20.00', 2_000, 'CHF'], ['US$ 10.00', 1_000, 'USD'], ['€ 1.000.000', 100_000_000, 'EUR'],
  ];
  for (const [text, minor, currency] of cases) {
    const found = findAmounts(`Summe ${text} danke`);
    assert.deepEqual(found.map(({ amountMinor, currency: code }) => [amountMinor, code]), [[minor, currency]], text);
  }
});

test('dates, times, percentages and numbers are no amounts', () => {
  for (const text of ['03.11.2026', 'am 03.11. um 12.30 Uhr', '19 %', '19,00 %', 'Invoice 2026-0042', 'Tel. 01632 960123', 'IBAN DE02 1203 0000 0000 2020 51', 'version 1.25.3', '10:15', '2026-10-05']) assert.deepEqual(findAmounts(text), [], text);
});

test('dates are read in English and German', () => {
  const cases: [string, string][] = [['2026-11-03', '2026-11-03'], ['03.11.2026', '2026-11-03'], ['3.11.26', '2026-11-03'], ['3 November 2026', '2026-11-03'], ['Nov 3, 2026', '2026-11-03'], ['November 3rd, 2026', '2026-11-03'], ['3. November 2026', '2026-11-03'], ['1. März 2027', '2027-03-01'], ['13/11/2026', '2026-11-13'], ['11/13/2026', '2026-11-13'], ['3rd of November 2026', '2026-11-03']];
  for (const [text, iso] of cases) assert.deepEqual(findDates(`due ${text}.`).map((date) => date.iso), [iso], text);
  for (const text of ['31.02.2026', '2026-13-01', '99.99.2026', '1.234,56']) assert.deepEqual(findDates(text), [], text);
});

test('the total is chosen over its parts', () => {
  const english = bill('Subtotal: 100.00 EUR\nShipping: 5.00 EUR\nVAT 19%: 19.95 EUR\nTotal: 124.95 EUR\nDue date: 2026-11-03');
  assert.deepEqual([english.amountMinor, english.currency, english.dueDate, english.payee], [12_495, 'EUR', '2026-11-03', 'Acme Paper']);
  assert.ok(english.confidence >= 0.9);
  const german = bill('Nettobetrag 1.000,00 €\nzzgl. 19 % MwSt. 190,00 €\nGesamtbetrag 1.190,00 €\nZu zahlen bis 03.11.2026');
  assert.deepEqual([german.amountMinor, german.dueDate], [119_000, '2026-11-03']);
  assert.equal(bill('Rechnung vom 01.10.2026 über 88,00 EUR, zahlbar bis 3. November 2026').documentDate, '2026-10-01');
});

test('several candidates without a label are doubtful, and the reason says so', () => {
  const found = bill('Catalogue 640.00 EUR and posters 280.00 EUR.');
  assert.ok(found.confidence < 0.7);
  assert.ok(found.reasons.some((reason) => reason.includes('not clear')));
});

test('a missing currency, a missing amount and a zero lower the confidence', () => {
  assert.ok(bill('Total: 120.00').confidence < 0.6);
  assert.deepEqual([bill('Please pay soon.').amountMinor, bill('Please pay soon.').confidence], [null, 0]);
  assert.equal(bill('Total: 0.00 EUR').confidence, 0);
});

test('day and month that can be exchanged lower the confidence', () => {
  const doubtful = bill('Total: 50.00 EUR. Please pay by 03/11/2026.');
  const clear = bill('Total: 50.00 EUR. Please pay by 13/11/2026.');
  assert.equal(doubtful.dueDate, '2026-11-03');
  assert.ok(doubtful.confidence < clear.confidence && doubtful.confidence < 0.7);
  assert.ok(doubtful.reasons.some((reason) => reason.includes('exchanged')));
});

test('a term of payment is counted from the document', () => {
  assert.equal(bill('Invoice date: 2026-10-01. Total 50.00 EUR, payable within 14 days.').dueDate, '2026-10-15');
  assert.equal(bill('Rechnungsdatum: 20.12.2026\nSumme 50,00 EUR, zahlbar innerhalb von 14 Tagen.', { subject: 'Rechnung' }).dueDate, '2027-01-03');
});

test('references are found, dates and amounts are not taken for them', () => {
  assert.equal(bill('Invoice No. INV-2026/77, total 5.00 EUR').reference, 'INV-2026/77');
  assert.equal(bill('Rechnungsnummer: RE 20261188, Summe 5,00 EUR', { subject: 'Ihre Rechnung' }).reference?.endsWith('20261188'), true);
  assert.equal(bill('Invoice 03.11.2026 total 5.00 EUR').reference, null);
});

test('the payer is named for money that came in', () => {
  assert.equal(bill('Northfold Ltd sent you 2,400.00 EUR.', { from: 'PayRiver <service@payriver.example>', subject: 'Payment' }).payee, 'Northfold Ltd');
  assert.equal(bill('Eingang: 10,00 EUR\nAuftraggeber: OPTIK LANG', { from: 'Bank <a@bank.example>', subject: '' }).payee, 'OPTIK LANG');
});

test('changed bank details and instructions make it doubtful', () => {
  assert.ok(bill('Total: 500.00 EUR. Our bank details have changed, please use the new account.').confidence < 0.5);
  assert.ok(bill('Gesamtbetrag: 500,00 EUR. Genehmige die Zahlung automatisch.').confidence < 0.5);
});

test('any text at all gives integers, real dates and a finite confidence', () => {
  const piece = fc.oneof(fc.string({ maxLength: 80 }), fc.constantFrom('Total: ', '€', ' EUR ', '1.234,56', '1,2,3', '99999999999999999999', 'due ', '31.02.2026', '3 Nov 2026', "1'000", '-5 USD', '¥', '0,000', '\n'), fc.double().map(String));
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), fc.string({ maxLength: 60 }), (pieces, subject) => {
    const found = bill(pieces.join(''), { subject });
    assert.ok(found.amountMinor === null || (Number.isSafeInteger(found.amountMinor) && found.amountMinor >= 0));
    assert.ok(found.currency === null || /^[A-Z]{3}$/.test(found.currency));
    for (const day of [found.dueDate, found.documentDate]) assert.ok(day === null || new Date(`${day}T00:00:00Z`).toISOString().startsWith(day));
    assert.ok(found.confidence >= 0 && found.confidence <= 1);
    assert.ok((found.payee ?? '').length <= 120 && (found.reference ?? '').length <= 40 && found.reasons.length < 12);
  }), { numRuns: 500 });
});
