// Goal: what a scenario expects is compared with what is there, and each difference says where, what was expected and what was found.
// Method: one outcome, and expectations that differ from it in one thing each.
import assert from 'node:assert/strict';
import test from 'node:test';
import { lineOfFault, lineOfPath } from '#machines/json-place.ts';
import { judgeScenario, scenarioSchema, type Expect, type Outcome } from '#machines/scenario.ts';

const there: Outcome = {
  decisions: [{ what: 'triage', outcome: 'inquiry', actor: 'triage/1', confidence: 0.8, reasons: ['asks a question', 'greets like a person'], tier: 'rules' }, { what: 'draft', outcome: 'quote-en', actor: 'copy/1', confidence: 0.9, reasons: [] }],
  operations: [{ action: 'mail.send', payload: { to: { address: 'anna@example.org' }, subject: 'Re: Price', text: 'Hello  Anna,\nthree things' }, state: 'done', done: true }],
  asks: [{ id: 'q-1', kind: 'question', summary: 'What is “Hi” from x@example.org?', category: 'spam' }],
  facts: [{ entity: 'person/anna@example.org', predicate: 'mail.sent', value: { subject: 'Re: Price', operation: 'o' }, label: 'system' }],
  actors: { 'mail/1': 'closed', 'follow-up/1': { waiting: 'long' } },
  costMicros: 400, modelCalls: 2,
};

test('what is there is as expected', () => {
  assert.deepEqual(judgeScenario({
    decisions: [{ what: 'triage', outcome: 'inquiry', tier: 'rules', because: 'ASKS A question', confidenceAtLeast: 0.8 }],
    operations: [{ action: 'mail.send', to: 'Anna@example.org', contains: ['hello anna', 'three'], lacks: 'discount', state: 'done' }],
    asks: [{ kind: 'question', contains: 'Hi', category: 'spam' }],
    facts: [{ predicate: 'mail.sent', value: { subject: 'Re: Price' } }], noFacts: [{ label: 'operator' }, { predicate: 'mail.sent', entity: 'person/b@example.org' }],
    actors: [{ address: 'mail/1', state: 'closed' }, { address: 'follow-up/1', state: { waiting: 'long' } }],
    sent: 1, costMicros: { atMost: 400 }, modelCalls: 2,
  }, there), []);
});

const differing: [what: string, expect: Expect, path: (string | number)[], found: RegExp][] = [
  ['a decision with another outcome', { decisions: [{ what: 'draft' }, { what: 'triage', outcome: 'spam' }] }, ['decisions', 1], /triage: inquiry by rules 0\.8/],
  ['a decision with another reason', { decisions: [{ what: 'triage', because: 'a rule of yours' }] }, ['decisions', 0], /asks a question/],
  ['a decision that is too sure', { decisions: [{ what: 'triage', confidenceAtMost: 0.5 }] }, ['decisions', 0], /0\.8/],
  ['an operation that nobody expected', { operations: [] }, ['operations'], /mail\.send done to anna@example\.org/],
  ['two operations where one is', { operations: [{ action: 'mail.send' }, { action: 'mail.send' }] }, ['operations', 1], /none/],
  ['an operation to somebody else', { operations: [{ action: 'mail.send', to: 'b@example.org' }] }, ['operations', 0], /anna@example\.org/],
  ['an operation with words that it must not have', { operations: [{ action: 'mail.send', lacks: ['three things'] }] }, ['operations', 0], /three things/],
  ['a question too many', { asks: [] }, ['asks'], /question q-1 \[spam\]/],
  ['a fact with another value', { facts: [{ predicate: 'mail.sent', value: { subject: 'Re: Other' } }] }, ['facts', 0], /"subject":"Re: Price"/],
  ['a fact that must not be', { noFacts: [{ label: 'policy' }, { label: 'system' }] }, ['noFacts', 1], /mail\.sent/],
  ['an actor elsewhere', { actors: [{ address: 'mail/1', state: 'asking' }] }, ['actors', 0], /"closed"/],
  ['no such actor', { actors: [{ address: 'mail/2', state: 'asking' }] }, ['actors', 0], /no such actor/],
  ['something was sent', { sent: 0 }, ['sent'], /mail\.send to anna@example\.org/],
  ['it cost more', { costMicros: { atMost: 399 } }, ['costMicros'], /^400$/],
  ['it cost something', { costMicros: 0 }, ['costMicros'], /^400$/],
  ['models were asked', { modelCalls: 0 }, ['modelCalls'], /^2$/],
];
for (const [what, expect, path, found] of differing) {
  test(`said with its place: ${what}`, () => {
    const [mismatch, ...others] = judgeScenario(expect, there);
    assert.deepEqual(others, []);
    assert.deepEqual(mismatch!.path, path);
    assert.match(mismatch!.found, found);
  });
}

const minimal = { title: 't', steps: [{ after: { days: 1 } }] };
for (const [what, change] of [
  ['an unknown field', { expects: {} }],
  ['a line of a tier that is not there', { models: [{ task: 'draft', tier: 'small', answer: {} }] }],
  ['a line without answer or outcome', { tiers: [{ name: 'small', threshold: 0.5 }], models: [{ task: 'draft', tier: 'small' }] }],
  ['a file outside of the folder', { steps: [{ mail: { file: '../../company.json' } }] }],
  ['a header with a line end', { steps: [{ mail: { from: 'a@example.org', text: 'x', headers: { 'X-A': 'b\nBcc: c' } } }] }],
  ['nothing that happens', { steps: [] }],
] as const) test(`no scenario: ${what}`, () => assert.equal(scenarioSchema.safeParse({ ...minimal, ...change }).success, false));

test('a scenario needs a title and steps, no more', () => assert.equal(scenarioSchema.parse(minimal).at, '2026-03-02T09:00:00Z'));

test('a place in a JSON text has its line, whatever stands before it', () => {
  const text = '{\n "a": [1,\n {"b": "x\\"}, [{\\n"},\n "c":\n 3],\n "z": {"y": null}}';
  assert.deepEqual([['a'], ['a', 1], ['a', 1, 'b'], ['z', 'y'], ['a', 9], []].map((path) => lineOfPath(text, path)), [2, 3, 3, 6, 2, 1]);
});

for (const [text, line] of [['{\n "a": }', 2], ['{\n "a": 1,\n}', 3], ['[1,\n2\n3]', 3], ['{"a": 1}\n x', 2], ['{\n"a"\n', 2], ['', 1], ['{"a": 01}', 1], ['{\n\n "a\nb": 1}', 3]] as const) {
  test(`the line of a fault: ${JSON.stringify(text)}`, () => {
    assert.throws(() => JSON.parse(text) as unknown);
    assert.equal(lineOfFault(text), line);
  });
}
