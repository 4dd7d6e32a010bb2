import assert from 'node:assert/strict';
import test from 'node:test';
import { whyOverCap, type Cap } from '#machines/caps.ts';

const caps: Cap[] = [{ currency: 'EUR', perDayMinor: 10_000, perPayeePerDayMinor: 6_000 }, { currency: 'USD', perDayMinor: 0, perPayeePerDayMinor: 0 }];
const pay = (amountMinor: number, payee = 'nina', currency = 'EUR') => ({ amountMinor, payee, currency });

const table: [what: string, others: ReturnType<typeof pay>[], next: ReturnType<typeof pay>, reason: string | null][] = [
  ['exactly what one payee may get', [], pay(6_000), null],
  ['a cent more than one payee may get', [], pay(6_001), 'payments to nina would come to 60.01 EUR within 24 hours; the cap is 60.00'],
  ['what the same payee got before counts', [pay(3_000)], pay(3_001), 'payments to nina would come to 60.01 EUR within 24 hours; the cap is 60.00'],
  ['what others got counts for all, not for the payee', [pay(4_000, 'bo')], pay(6_000), null],
  ['a cent more than all may get', [pay(4_001, 'bo')], pay(6_000), 'all payments would come to 100.01 EUR within 24 hours; the cap is 100.00'],
  ['another currency does not count', [pay(9_000, 'bo', 'CHF')], pay(6_000), null],
  ['a currency without a cap may not move', [], pay(1, 'nina', 'CHF'), 'no cap is set for CHF, so no CHF may move'],
  ['a cap of nothing allows nothing', [], pay(1, 'nina', 'USD'), 'all payments would come to 0.01 USD within 24 hours; the cap is 0.00'],
];
for (const [what, others, next, reason] of table) test(what, () => assert.equal(whyOverCap(caps, others, next), reason));

test('without caps no money may move', () => assert.equal(whyOverCap([], [], pay(1)), 'no cap is set for EUR, so no EUR may move'));
