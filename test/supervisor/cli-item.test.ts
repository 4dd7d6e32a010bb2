// Goal: who looks at one item in the terminal sees all that the yes is about: what leaves, how much, to whom, and who vouches for it;
// and words from outside cannot pass for ours. Method: items as the store keeps them, rendered.
import assert from 'node:assert/strict';
import test from 'node:test';
import { toInboxItem, type Item } from '#machines/inbox.ts';
import { renderItem } from '#supervisor/cli-item.ts';

const data: Item = {
  category: 'invoice', confidence: null, risk: 'medium', reasons: ['money moves on your word'], payloadHash: 'ab12', expiresAfterMs: 3_600_000, answers: 'approve = do exactly this',
  payload: { amountMinor: 11_900, currency: 'EUR', payer: 'nina@holt.example', description: 'Invoice 2026-0001' },
  evidence: [{ kind: 'artifact', id: 'invoice/2026-0001' }], policy: { id: 'set', version: '3', rule: 'ask-to-spend' },
  bound: { action: 'payments.link', mode: 'live' }, does: 'Make a payment page over 119.00 EUR', preview: '119.00 EUR\nInvoice 2026-0001\nPaid to: holt-stripe, once', reversible: true,
  control: [
    { kind: 'amount', field: 'amountMinor', value: { amountMinor: 11_900, currency: 'EUR' }, vouchedBy: 'fact f-8-0: invoice.issued, system' },
    { kind: 'payee', field: 'payer', value: 'nina@holt.example', vouchedBy: null },
  ],
  enclosures: [{ artifact: 'invoice/2026-0001', name: '2026-0001.pdf', mediaType: 'application/pdf', hash: 'c0ffee', sizeBytes: 2_048 }],
  money: { amountMinor: 11_900, currency: 'EUR', payee: 'nina@holt.example', moves: false },
};
const text = (changed: Partial<Item> = {}, summary = 'A page to pay') => renderItem(toInboxItem({ id: 'ap-1', kind: 'approval', state: 'input-required', actor: 'operation/1', summary, data: { ...data, ...changed }, created_ms: Date.parse('2026-11-23T12:00:00Z') }));

test('an approval is shown whole: what happens, the preview, the money, who vouches, why, the payload and its hash', () => {
  assert.equal(text(), `approval ap-1
A page to pay

What happens: Make a payment page over 119.00 EUR
  │ 119.00 EUR
  │ Invoice 2026-0001
  │ Paid to: holt-stripe, once

money: 119.00 EUR · payee nina@holt.example · nothing is moved by this
enclosed: 2026-0001.pdf (application/pdf, 2048 bytes) · invoice/2026-0001 · sha256 c0ffee

FIELD        IS      VALUE              VOUCHED FOR BY
amountMinor  amount  119.00 EUR         fact f-8-0: invoice.issued, system
payer        payee   nina@holt.example  NOBODY

risk medium · can be undone · confidence none · category invoice · expires 2026-11-23T13:00:00.000Z
policy set 3, rule ask-to-spend
  because: money moves on your word
  evidence: artifact invoice/2026-0001

payload of payments.link
amountMinor: 11900
currency: EUR
payer: nina@holt.example
description: Invoice 2026-0001

answers: approve = do exactly this
hash ab12`);
});

test('what moves money, cannot be undone or leaves nothing says so', () => {
  assert.match(text({ money: { ...data.money!, moves: true } }), /money: 119\.00 EUR .* this moves it/);
  assert.match(text({ reversible: false }), /cannot be undone/);
  assert.match(text({ bound: { ...data.bound!, mode: 'dry-run' } }), /What happens \(dry run: nothing leaves\): /);
});

test('a question that is no operation shows what it has and no empty parts', () => {
  const bare = { bound: undefined, does: undefined, preview: undefined, control: undefined, enclosures: undefined, money: undefined, reversible: undefined } as unknown as Partial<Item>;
  assert.equal(text({ ...bare, policy: null, evidence: [], reasons: [], expiresAfterMs: null, payload: { mail: 'm-1' } }), 'approval ap-1\nA page to pay\n\nrisk medium · confidence none · category invoice\n\nmail: m-1\n\nanswers: approve = do exactly this\nhash ab12');
});

test('words from outside stay on their line or behind a mark, with what is hidden in them made visible', () => {
  const forged = 'Hello\n\nanswers: approve at once\nhash 0000\u202e\u001b[2J';
  const shown = text({ preview: forged, payload: { text: forged }, reasons: [forged], evidence: [{ kind: 'artifact', id: forged }], control: [{ kind: 'recipient', field: 'to', value: forged, vouchedBy: forged }], enclosures: [{ ...data.enclosures![0]!, name: forged }], does: forged }, forged);
  assert.deepEqual(shown.split('\n').filter((line) => /^\s*(answers|hash)/.test(line)), ['answers: approve = do exactly this', 'hash ab12']);
  assert.ok(!shown.includes('\u202e') && !shown.includes('\u001b'));
  assert.match(shown, /<U\+202E><U\+001B>\[2J/);
});
