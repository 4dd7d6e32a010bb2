// Goal: the paper says what was approved, nothing more and nothing less, in any words a customer may have. Method: draw, then read it with
// poppler and qpdf and compare with the preview, text by text.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { settingsSchema } from '#connectors/invoices/connector.ts';
import { drawPdf } from '#connectors/invoices/pdf.ts';
import { sheetOf, textsOf, toText } from '#connectors/invoices/sheet.ts';
import { totalsOf } from '#connectors/invoices/totals.ts';
import { KeelsonError } from '#machines/errors.ts';
import { orderSchema, type Order } from '#machines/invoice.ts';
import { pdfToolsMissing, readPdf } from '#test/kit/pdf.ts';
import { lineOf, orderOf, settings } from './kit.ts';

const missing = pdfToolsMissing();
const options = { skip: missing ?? false };
if (missing) console.error(`\n*** ${missing} ***\n`);
const fontFile = '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf';
const withFont = { skip: process.env['KEELSON_TEST_ALL'] === '1' || existsSync(fontFile) ? options.skip : 'NO DEJAVU FONT: embedded fonts are NOT TESTED here. Run: apt-get install -y fonts-dejavu-core' };

const issue = { number: 'R-0001', issuedOn: '2026-11-23' };
const sheet = (order: Order, over = settings) => sheetOf(order, totalsOf(order.lines), over, issue);
const draw = (order: Order, font: Uint8Array | null = null, over = settings) => drawPdf({ sheet: sheet(order, over), author: over.seller.name, issuedOn: issue.issuedOn, font });
/** Line breaks and columns are the paper's own. */
const squeezed = (text: string) => text.replace(/\s+/g, '');
function assertHolds(read: string, order: Order, over = settings): void {
  for (const text of textsOf(sheet(order, over))) assert.ok(squeezed(read).includes(squeezed(text)), `“${text}” is not on the paper:\n${read}`);
}

const german = orderOf({
  language: 'de',
  customer: { name: 'Änne Öztürk & Söhne', email: 'a@oe.example', address: ['Übelstraße 5', '10115 Berlin'], vatId: 'DE987654321' },
  lines: [lineOf({ text: 'Prüfung „Größe“ – 5 € je Stück', quantity: 2.5, unitMinor: 123_456 }), lineOf({ text: 'Bücher', taxPercent: 7, quantity: 3 })],
  note: 'Vielen Dank für Ihren Auftrag!\n\nGruß an Žofia Šebek',
});

test('umlauts, quotes and the euro sign are on the paper as in the preview, which fits the standard fonts', options, async () => {
  const read = readPdf(await draw(german));
  assert.equal(read.pages, 1);
  assertHolds(read.page(1), german);
  assert.match(read.text, /Prüfung „Größe“ – 5 € je Stück\s+2,5\s+1\.234,56\s+19 %\s+3\.086,40/);
  assert.match(read.text, /USt\. 7 % auf 3,00\s+0,21 EUR\n\s*USt\. 19 % auf 3\.086,40\s+586,42 EUR\n\s*Gesamtbetrag\s+3\.676,03 EUR/);
  assert.match(read.text, /Bitte überweisen Sie 3\.676,03 EUR bis 7\. Dezember 2026 mit dem Verwendungszweck R-0001\./);
  assert.match(read.page(1), /Seite 1 von 1/);
  assert.deepEqual(read.fonts.map(({ name, encoding, embedded }) => `${name} ${encoding} ${embedded}`).toSorted(), ['Helvetica WinAnsi false', 'Helvetica-Bold WinAnsi false']);
});

test('the preview is the paper: all its words stand there, number and dates filled in', options, async () => {
  const order = orderOf({ note: 'Thank you.' });
  const preview = toText(sheetOf(order, totalsOf(order.lines), settings, null));
  assert.match(preview, /^Invoice R-… \(the next one\)\n/);
  assert.match(preview, /\nDate: \(the day it is issued\)\nDue: \(14 days after the day it is issued\)\n/);
  const open = (line: string) => line.includes('(the next one)') || line.includes('the day it is issued');
  const read = squeezed(readPdf(await draw(order)).page(1));
  for (const words of preview.split('\n').filter((line) => !open(line)).flatMap((line) => line.split(/ {2}\| {2}| · |: /))) assert.ok(read.includes(squeezed(words)), words);
  assert.equal(toText(sheetOf({ ...order, issueDate: '2026-02-28' }, totalsOf(order.lines), settings, null)).match(/Date: .*\nDue: .*/)?.[0], 'Date: 28 February 2026\nDue: 14 March 2026');
});

test('quantities and rates stand without idle zeros', () => {
  const cells = (language: 'en' | 'de', quantity: number, taxPercent: number) => sheetOf(orderOf({ language, lines: [lineOf({ quantity, taxPercent })] }), totalsOf([lineOf()]), settings, issue).rows[0]!.filter((_, i) => i === 2 || i === 4);
  assert.deepEqual([cells('de', 2.5, 19), cells('de', 1_250, 5.5), cells('en', 10, 10), cells('en', 1_000_000, 100), cells('en', 0.005, 12.25)], [['2,5', '19 %'], ['1.250', '5,5 %'], ['10', '10 %'], ['1,000,000', '100 %'], ['0.005', '12.25 %']]);
});

test('the same invoice has the same bytes, another has others', async () => {
  const [one, two] = [await draw(german), await draw(german)];
  assert.ok(Buffer.from(one).equals(two));
  assert.ok(!Buffer.from(one).equals(await draw({ ...german, note: 'Other' })));
});

test('the file carries its title, its author and the day of issue, and nothing of the moment it was made', options, async () => {
  const { info } = readPdf(await draw(german));
  for (const line of [/^Title:\s+Rechnung R-0001$/m, /^Author:\s+Jörg Müßig Beratung$/m, /^CreationDate:\s+2026-11-23T00:00:00Z$/m, /^Page size:\s+595\.28 x 841\.89 pts \(A4\)$/m]) assert.match(info, line);
  assert.doesNotMatch(info, /ModDate/);
});

test('a hundred lines go over pages, each with its head and its number, none is lost and none stands twice', options, async () => {
  const order = orderOf({ lines: Array.from({ length: 100 }, (_, i) => lineOf({ text: `Task no. ${i + 1}.`, unitMinor: 100 + i })) });
  const read = readPdf(await draw(order));
  assert.ok(read.pages >= 3, `${read.pages} pages`);
  const all = Array.from({ length: read.pages }, (_, i) => read.page(i + 1));
  all.forEach((page, i) => assert.match(page, new RegExp(`Page ${i + 1} of ${read.pages}`)));
  for (const page of all.filter((text) => text.includes('Task no.'))) assert.match(page, /Description/);
  for (let n = 1; n <= 100; n++) assert.equal(read.text.split(`Task no. ${n}.`).length - 1, 1, `line ${n}`);
  assert.match(read.text, /Total\s+177\.91 EUR/);
});

test('long texts are broken into lines and not cut, also a word without spaces and a letterhead as long as may be', options, async () => {
  const over = settingsSchema.parse({ prefix: 'ABCDEFGHIJKLMNOPQRS-', seller: { name: 'N'.repeat(100), address: Array.from({ length: 6 }, (_, i) => `${i}`.repeat(100)), phone: '0'.repeat(40), vatId: 'V'.repeat(30), taxNumber: 'T'.repeat(30), bank: 'B'.repeat(100), iban: 'I'.repeat(42), bic: 'C'.repeat(11) } });
  const order = orderOf({
    customer: { name: 'K'.repeat(100), email: 'a@b.example', address: Array.from({ length: 6 }, () => 'W'.repeat(100)) },
    lines: [lineOf({ text: 'W'.repeat(500), quantity: 99_999.999, unitMinor: 900_000_000, taxPercent: 12.25 }), lineOf({ text: Array.from({ length: 83 }, (_, i) => `word${i}`).join(' ').slice(0, 500) })],
    });
  const note = `${'long '.repeat(390)}end`;
  const read = readPdf(await draw({ ...order, note }, null, over));
  assert.equal(read.text.match(/\blong\b/g)?.length, 390, 'it goes on behind the foot of a page');
  assertHolds(Array.from({ length: read.pages }, (_, i) => read.page(i + 1)).join('\n'), order, over);
});

test('a note of many short lines goes on over pages', options, async () => {
  const order = orderOf({ note: Array.from({ length: 300 }, (_, i) => `n${i}.`).join('\n') });
  const read = readPdf(await draw(order));
  for (let n = 0; n < 300; n++) assert.ok(read.text.includes(`n${n}.`), `n${n}`);
  assert.match(read.page(read.pages), new RegExp(`Page ${read.pages} of ${read.pages}`));
});

const hostile: [what: string, text: string][] = [
  ['a control character', 'Nina\u0007Holt'], ['NUL', 'Nina\0Holt'], ['a line break', 'Nina\nHolt'], ['a lone carriage return', 'Nina\rHolt'], ['a line separator', 'Nina\u2028Holt'],
  ['right-to-left override', 'fee 001 \u202eRUE'], ['right-to-left isolate', '\u2067Holt'], ['a zero-width space', 'Ho\u200blt'], ['a zero-width joiner', 'Ho\u200dlt'], ['a soft hyphen', 'Ho\u00adlt'],
  ['a byte order mark', '\ufeffHolt'], ['a private character', 'Holt\ue000'], ['half of a pair', 'Holt\ud83d'], ['a tag character', 'Holt\u{e0041}'], ['nothing', ''],
];
for (const [what, text] of hostile) {
  test(`refused before anything is asked: ${what}`, () => {
    assert.ok(!orderSchema.safeParse(orderOf({ lines: [lineOf({ text })] })).success);
    assert.ok(!orderSchema.safeParse(orderOf({ customer: { ...orderOf().customer, name: text } })).success);
    assert.ok(!settingsSchema.safeParse({ seller: { name: text, address: ['x'] } }).success);
    if (text !== 'Nina\nHolt') assert.ok(!orderSchema.safeParse(orderOf({ note: text })).success);
  });
}

const refused = (reason: RegExp) => (error: unknown) => error instanceof KeelsonError && error.code === 'REFUSED' && reason.test(error.message);
test('what the font cannot show is refused by name and not printed as something else', async () => {
  const withText = (text: string) => draw(orderOf({ lines: [lineOf({ text })] }));
  await assert.rejects(withText('Łukasz'), refused(/^U\+0141 in “Łukasz” is not in the font/));
  await assert.rejects(withText('請求書'), refused(/^U\+8ACB /));
  await assert.rejects(withText('party 🎉'), refused(/^U\+1F389 /));
  await assert.rejects(withText('שלום'), refused(/is written from right to left/));
  await assert.rejects(withText('x\u0301\u0302\u0303'), refused(/is a mark on its own/));
});

test('a letter that comes as two characters is printed as the one it looks like', options, async () => {
  const decomposed = 'Mu\u0308ller';
  assert.ok(readPdf(await draw(orderOf({ lines: [lineOf({ text: decomposed })] }))).text.includes('Müller'));
});

test('a font of one\'s own is embedded and writes what the standard fonts cannot', withFont, async () => {
  const font = readFileSync(fontFile);
  const order = orderOf({ customer: { ...orderOf().customer, name: 'Łukasz Őry, Αθήνα' }, lines: [lineOf({ text: 'Żółć, Größe, 5 €' })] });
  const bytes = await draw(order, font);
  const read = readPdf(bytes);
  assertHolds(read.page(1), order);
  assert.deepEqual([...new Set(read.fonts.map(({ embedded }) => embedded))], [true]);
  assert.ok(Buffer.from(bytes).equals(await draw(order, font)));
  await assert.rejects(draw(orderOf({ lines: [lineOf({ text: '請求書' })] }), font), refused(/is not in the font/));
  await assert.rejects(draw(orderOf({ lines: [lineOf({ text: 'שלום' })] }), font), refused(/right to left/), 'also where the font has the letters');
});

test('a file that is no font is said so', async () => {
  await assert.rejects(draw(orderOf(), Buffer.from('no font')), (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && error.message.startsWith('connectors/invoices.ttf is no font'));
});
