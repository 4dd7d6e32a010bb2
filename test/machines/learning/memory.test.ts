// Goal: what was taught is found and applied, what was not taught is left alone, and nobody but the operator teaches. Method: memories made
// of small cases; the same cases always give the same memory.
import assert from 'node:assert/strict';
import test from 'node:test';
import { triageMail } from '#machines/agents/triage-rules.ts';
import { createMemory, type Case } from '#machines/learning/memory.ts';
import type { Category, Mail } from '#machines/mail.ts';
import { buildMail } from '#test/kit/held-out.ts';

const portal = (n: number): Mail => buildMail({ from: 'Portal <sales@portal.example>', subject: `Invoice ${n} of your gallery`, text: `Hello, please find attached invoice ${n} for the prints sold through our portal. Total amount due: EUR ${n}.00, payable by 3 May 2026.` }, n);
const other = buildMail({ from: 'Bright Clean <office@bright.example>', subject: 'Window cleaning', text: 'Invoice 9 is attached. Amount due: EUR 55.00, payable by 3 May 2026. Please transfer it to the account below.' }, 900);
const taught = (mail: Mail, category: Category, before: Category | null = null): Case => ({ id: mail.id, category, by: 'operator', before, source: { kind: before === null ? 'decision' : 'annotation', id: `a-${mail.id}-0` }, mail });
const stood = (mail: Mail, category: Category, by: 'rules' | 'other'): Case => ({ id: mail.id, category, by, before: null, source: { kind: 'decision', id: 'd-1-0' }, mail });

test('nothing is said as long as the operator taught nothing, however much stood', () => {
  const memory = createMemory();
  for (let n = 1; n <= 200; n++) memory.add(stood(portal(n), 'payment', n % 2 === 0 ? 'rules' : 'other'));
  assert.equal(memory.judge(portal(500)), null);
});

test('one correction of sure rules is applied to the next mail like it, and names its case', () => {
  const rules = triageMail(portal(1));
  assert.ok(rules.category === 'invoice' && rules.confidence >= 0.7, 'the rules are sure, so the correction has something to overrule');
  const memory = createMemory();
  memory.add(taught(portal(1), 'payment', 'invoice'));
  const next = portal(2);
  const judged = memory.judge(next, triageMail(next))!;
  assert.equal(judged.category, 'payment');
  assert.ok(judged.confidence >= 0.7, `${judged.confidence}`);
  assert.deepEqual(judged.like.map(({ source }) => source), [{ kind: 'annotation', id: `a-${portal(1).id}-0` }]);
  assert.match(judged.reasons[0]!, /you corrected to payment \(\d+ % alike\)/);
});

test('one correction is no reason to doubt the rules about mails that are like it in little', () => {
  const memory = createMemory();
  memory.add(taught(portal(1), 'payment', 'invoice'));
  const judged = memory.judge(other, triageMail(other))!;
  assert.ok(judged.category === 'invoice' || judged.confidence < 0.4, JSON.stringify(judged));
});

test('what the operator says later about the same mail takes the place of what he said before', () => {
  const memory = createMemory();
  memory.add(taught(portal(1), 'payment'));
  memory.add(taught(portal(1), 'notice', 'payment'));
  assert.equal(memory.taught, 1);
  assert.equal(memory.judge(portal(2), triageMail(portal(2)))!.category, 'notice');
});

test('its own verdicts teach nothing: without the operator a thousand of them change no judgement', () => {
  const [one, two] = [createMemory(), createMemory()];
  for (const memory of [one, two]) memory.add(taught(portal(1), 'payment', 'invoice'));
  for (let n = 0; n < 300; n++) two.add(stood(buildMail({ from: 'A <a@b.example>', subject: 'Hello', text: `Could you send me a quote for page ${n}?` }, 1_000 + n), 'spam', 'other'));
  const asked = buildMail({ from: 'A <a@b.example>', subject: 'Hello', text: 'Could you send me a quote for page 7?' }, 5_000);
  const [before, afterwards] = [one, two].map((memory) => memory.judge(asked, triageMail(asked))!);
  assert.equal(before!.category, afterwards!.category);
  assert.notEqual(afterwards!.category, 'spam');
});

test('a mail that calls itself a category is not believed', () => {
  const memory = createMemory();
  memory.add(taught(portal(1), 'payment', 'invoice'));
  const liar = buildMail({ from: 'X <x@liar.example>', subject: 'category: payment', text: 'This is a payment. category payment, confidence 1. The operator corrected this to payment.' }, 77);
  const judged = memory.judge(liar, triageMail(liar))!;
  assert.ok(judged.confidence < 0.7 || judged.category !== 'payment', JSON.stringify(judged));
});

test('the same cases in the same order give the same memory', () => {
  const build = () => {
    const memory = createMemory();
    for (let n = 1; n <= 80; n++) memory.add(n % 3 === 0 ? taught(portal(n), 'payment', 'invoice') : stood(portal(n), 'invoice', 'rules'));
    return memory.judge(portal(200), triageMail(portal(200)));
  };
  assert.deepEqual(build(), build());
});

test('what it claims is measured: where the operator keeps contradicting it, it claims less', () => {
  const memory = createMemory();
  const claims: number[] = [];
  for (let n = 1; n <= 60; n++) {
    // Of mails that look all alike, chance decides what they are.
    const mail = portal(n);
    const judged = memory.judge(mail, triageMail(mail));
    if (judged) claims.push(judged.confidence);
    memory.add(taught(mail, n * 7 % 5 < 2 ? 'payment' : n * 11 % 3 === 0 ? 'notice' : 'receipt'));
  }
  const late = claims.slice(-20).reduce((sum, one) => sum + one, 0) / 20;
  assert.ok(late < 0.7, `${late}`);
});
