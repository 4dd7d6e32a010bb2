// Goal: the policies that a new company has say what their comments say, and the example of a standing rule holds once it is
// taken into use. Method: the files of supervisor/sample/, each rule from both sides.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import type { PolicyContext } from '#connectors/policy.ts';
import { parse, request } from './policy-kit.ts';

const dir = fileURLToPath(new URL('./sample/policies/', import.meta.resolve('#supervisor/cli.ts')));
const files = Object.fromEntries(readdirSync(dir).map((file) => [file.replace('.cedar', ''), readFileSync(join(dir, file), 'utf8')]));
const policies = await parse(files);
const decide = (action: string, context: Partial<PolicyContext> = {}, by = policies) => {
  const { answer, policy, expiresAfterMs } = by.decide(request(action, context));
  return [answer, policy.rule, expiresAfterMs === null ? null : expiresAfterMs / 3_600_000];
};

test('reading is allowed, and asked about when nobody vouches for where', () => {
  assert.deepEqual(decide('web.read'), ['allow', 'read-freely', null]);
  assert.deepEqual(decide('web.read', { tainted: ['host'] }), ['ask', 'keelson.tainted', null]);
});

test('writing is asked about, tainted or not, also as a dry run', () => {
  assert.deepEqual(decide('mail.send'), ['ask', 'ask-to-write', null]);
  assert.deepEqual(decide('mail.send', { mode: 'dry-run' }), ['ask', 'ask-to-write', null]);
  assert.deepEqual(decide('mail.send', { tainted: ['recipient'] }), ['ask', 'keelson.tainted', null]);
  assert.deepEqual(decide('mail.send', { supervised: true }), ['ask', 'keelson.supervised', null]);
});

test('spending is asked about, and the yes lapses after an hour, tainted or not', () => {
  assert.deepEqual(decide('payments.charge'), ['ask', 'ask-to-spend', 1]);
  assert.deepEqual(decide('payments.charge', { tainted: ['payee'] }), ['ask', 'keelson.tainted', 1]);
});

test('addresses that reach nobody are never written to', () => {
  for (const domain of ['invalid', 'localhost']) assert.deepEqual(decide('mail.send', { recipientDomains: ['holt.example', domain] }), ['deny', 'never-to-machines', null]);
});

test('an action that no connector has is denied', () => {
  assert.deepEqual(decide('mail.burn'), ['deny', 'no-rule', null]);
});

test('the example of the documentation is a policy', async () => {
  const page = readFileSync(fileURLToPath(new URL('../docs/policies.md', import.meta.resolve('#supervisor/cli.ts'))), 'utf8');
  const examples = [...page.matchAll(/^```cedar\n([^]*?)^```$/gm)].map(([, text]) => text!);
  assert.equal(examples.length, 1);
  assert.deepEqual(decide('payments.charge', {}, await parse(examples[0]!)), ['allow', 'pay-the-hosting', 1]);
});

test('the files are without oddities, and every rule is named once', () => {
  assert.deepEqual(policies.warnings, []);
  assert.deepEqual(policies.rules.filter(({ file }) => file !== 'keelson').map(({ id }) => id), ['ask-to-spend', 'ask-to-write', 'never-to-machines', 'read-freely']);
});

test('the standing rule of the example speaks for that payee, that currency and that amount, and never for what an outsider named', async () => {
  const begins = files['standing']!.indexOf('// @id(');
  const inUse = await parse({ ...files, standing: files['standing']!.slice(0, begins) + files['standing']!.slice(begins).replaceAll(/^\/\/ /gm, '') });
  const pay = (context: Partial<PolicyContext>) => decide('payments.charge', context, inUse).slice(0, 2);
  for (const amountMinor of [1, 4_999, 5_000]) assert.deepEqual(pay({ amountMinor }), ['allow', 'pay-the-hosting']);
  assert.deepEqual(pay({ amountMinor: 5_001 }), ['ask', 'ask-to-spend']);
  assert.deepEqual(pay({ amountMinor: 0 }), ['ask', 'ask-to-spend']);
  assert.deepEqual(pay({ amountMinor: -1 }), ['ask', 'ask-to-spend']);
  assert.deepEqual(pay({ currency: 'USD' }), ['ask', 'ask-to-spend']);
  assert.deepEqual(pay({ payees: ['billing@h0sting.example'] }), ['ask', 'ask-to-spend']);
  assert.deepEqual(pay({ payees: ['billing@hosting.example', 'x@evil.example'] }), ['ask', 'ask-to-spend']);
  assert.deepEqual(pay({ payees: [] }), ['ask', 'ask-to-spend']);
  for (const kind of ['payee', 'amount', 'account']) assert.deepEqual(pay({ tainted: [kind] }), ['ask', 'keelson.tainted']);
  assert.deepEqual(pay({ supervised: true }), ['ask', 'keelson.supervised']);
  assert.deepEqual(decide('mail.send', {}, inUse), ['ask', 'ask-to-write', null]);
});
