// Goal: an invoice adds up to the cent, whatever quantities and rates it has. Method: tables of roundings, then random orders against
// exact fractions.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { totalsOf } from '#connectors/invoices/totals.ts';
import { orderLineSchema, type Order } from '#machines/invoice.ts';
import { KeelsonError } from '#machines/errors.ts';
import { minorDigits, toDecimal, toMoney } from '#machines/money-text.ts';
import { lineOf } from './kit.ts';

type Line = Order['lines'][number];
const totals = (...lines: Partial<Line>[]) => totalsOf(lines.map(lineOf));

test('a line is rounded to the minor unit, half a unit away from zero', () => {
  const net = (quantity: number, unitMinor: number) => totals({ quantity, unitMinor }, { unitMinor: 1_000_000 }).lines[0];
  const table: [quantity: number, unitMinor: number, net: number][] = [
    [0.5, 1, 1], [0.5, 3, 2], [0.499, 1, 0], [0.501, 1, 1], [1.5, 333, 500], [0.005, 100, 1], [0.004, 100, 0], [2.675, 100, 268],
    [1.005, 100, 101], [0.5, -1, -1], [0.5, -3, -2], [0.499, -1, 0], [3, 0, 0], [0.001, 10_000_000_000, 10_000_000],
  ];
  for (const [quantity, unitMinor, expected] of table) assert.equal(net(quantity, unitMinor), expected, `${quantity} × ${unitMinor}`);
});

test('tax is rounded once per rate, on the sum of its lines', () => {
  const halves = totals(...Array.from({ length: 10 }, () => ({ unitMinor: 50, taxPercent: 7 })));
  assert.deepEqual([halves.netMinor, halves.taxes, halves.totalMinor], [500, [{ percent: 7, netMinor: 500, taxMinor: 35 }], 535], 'line by line it would be 40');
  assert.deepEqual(totals({ unitMinor: 50, taxPercent: 5 }).taxes, [{ percent: 5, netMinor: 50, taxMinor: 3 }], 'half a cent');
  assert.deepEqual(totals({ unitMinor: 49, taxPercent: 5 }).taxes[0]!.taxMinor, 2);
  assert.equal(totals({ unitMinor: -50, taxPercent: 5 }, { unitMinor: 1_000, taxPercent: 19 }).taxes[0]!.taxMinor, -3, 'of a discount too');
});

test('many rates stand beside each other, by rising rate', () => {
  const { taxes, netMinor, totalMinor } = totals({ taxPercent: 19, unitMinor: 10_000 }, { taxPercent: 0 }, { taxPercent: 8.1, unitMinor: 333 }, { taxPercent: 5.5, unitMinor: 777 }, { taxPercent: 19, unitMinor: 1 }, { taxPercent: 2.1, unitMinor: 99 });
  assert.deepEqual(taxes, [
    { percent: 0, netMinor: 100, taxMinor: 0 }, { percent: 2.1, netMinor: 99, taxMinor: 2 }, { percent: 5.5, netMinor: 777, taxMinor: 43 },
    { percent: 8.1, netMinor: 333, taxMinor: 27 }, { percent: 19, netMinor: 10_001, taxMinor: 1_900 },
  ]);
  assert.deepEqual([netMinor, totalMinor], [11_310, 13_282]);
});

test('what comes to nothing or less, or to more than can be written, is refused', () => {
  const refused = (error: unknown) => error instanceof KeelsonError && error.code === 'REFUSED';
  assert.throws(() => totals({ unitMinor: 0 }), refused);
  assert.throws(() => totals({ unitMinor: 100 }, { unitMinor: -200 }), refused);
  assert.throws(() => totals({ quantity: 1_000_000, unitMinor: 10_000_000_000 }), refused);
});

test('quantities and rates with more decimals than are printed are refused', () => {
  for (const quantity of [0.1, 0.001, 1.005, 999_999.999, 2.675, 1e6]) assert.ok(orderLineSchema.safeParse(lineOf({ quantity })).success, String(quantity));
  for (const quantity of [0, -1, 0.0001, 1.0005, 1e7, NaN, Infinity]) assert.ok(!orderLineSchema.safeParse(lineOf({ quantity })).success, String(quantity));
  for (const taxPercent of [0, 5.5, 8.1, 19, 2.1, 100, 12.25]) assert.ok(orderLineSchema.safeParse(lineOf({ taxPercent })).success, String(taxPercent));
  for (const taxPercent of [-1, 101, 5.555]) assert.ok(!orderLineSchema.safeParse(lineOf({ taxPercent })).success, String(taxPercent));
});

test('the parts of any invoice add up, and no line or tax is off by more than half a unit', () => {
  const line = fc.record({ quantity: fc.integer({ min: 1, max: 1_000_000 }), unitMinor: fc.integer({ min: 1, max: 1_000_000 }), rate: fc.constantFrom(0, 210, 550, 700, 810, 1_900, 2_000, 2_550) });
  fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 40 }), (lines) => {
    fc.pre(lines.some(({ quantity, unitMinor }) => quantity * unitMinor >= 500));
    const { lines: nets, taxes, netMinor, totalMinor } = totalsOf(lines.map(({ quantity, unitMinor, rate }) => lineOf({ quantity: quantity / 1_000, unitMinor, taxPercent: rate / 100 })));
    for (const [i, { quantity, unitMinor }] of lines.entries()) assert.ok(Math.abs(2_000 * nets[i]! - 2 * quantity * unitMinor) <= 1_000);
    for (const { percent, netMinor: net, taxMinor } of taxes) assert.ok(Math.abs(20_000 * taxMinor - 2 * net * Math.round(percent * 100)) <= 10_000);
    assert.equal(netMinor, nets.reduce((a, b) => a + b, 0));
    assert.equal(totalMinor, netMinor + taxes.reduce((a, { taxMinor }) => a + taxMinor, 0));
  }), { numRuns: 500 });
});

test('amounts are written with the decimals of their currency and the marks of the language', () => {
  assert.deepEqual([123_456_789, -5, 0, 100].map((minor) => toMoney(minor, 'EUR')), ['1,234,567.89 EUR', '-0.05 EUR', '0.00 EUR', '1.00 EUR']);
  assert.deepEqual([toMoney(123_456_789, 'EUR', 'de'), toMoney(1_234, 'JPY', 'de'), toMoney(1_234_567, 'KWD')], ['1.234.567,89 EUR', '1.234 JPY', '1,234.567 KWD']);
  assert.deepEqual(['EUR', 'JPY', 'KWD', 'CHF', 'UGX', 'OMR'].map(minorDigits), [2, 0, 3, 2, 0, 3]);
  assert.equal(toDecimal(Number.MAX_SAFE_INTEGER, 2, 'en'), '90,071,992,547,409.91');
});
