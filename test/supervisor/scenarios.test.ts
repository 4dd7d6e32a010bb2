// Goal: a scenario of a company runs with the real agents, rules and budgets, without server, key or network, and what is not as expected
// is said with file and line. Method: a company as `keelson init` makes it; scenarios that pass, and ones that differ in one thing.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { createCompany } from '#supervisor/company.ts';
import { runScenario } from '#supervisor/main-scenario.ts';
import { failsWith } from '#test/kit/gate.ts';
import { runCli } from '#test/kit/server.ts';

const root = mkdtempSync(join(tmpdir(), 'keelson-scenarios-'));
after(() => rmSync(root, { recursive: true, force: true }));
const dataDir = join(root, 'company');
createCompany(dataDir);
const folder = join(dataDir, 'scenarios');
const samples = readdirSync(folder);

let made = 0;
/** Runs it as a file of its own folder, so that the samples stay alone in theirs. */
async function run(scenario: object | string, name = `s-${++made}.json`) {
  const file = join(root, name);
  writeFileSync(file, typeof scenario === 'string' ? scenario : JSON.stringify(scenario, null, 2));
  return runScenario({ dataDir, file, nowMs: () => 0 });
}
const mail = (text: string, more: object = {}) => ({ mail: { from: 'Anna Lindqvist <anna@example.org>', subject: 'A question', text, ...more } });
const question = mail('Hello,\n\ncan you paint owls on wooden signs? Which wood do you like?\n\nAnna');
const answer = (text: string, confidence: number) => ({ text, templateId: null, confidence });

test('the company that init makes has scenarios, and all of them pass', async () => {
  assert.ok(samples.length >= 4);
  for (const name of samples) {
    const { faults } = await runScenario({ dataDir, file: join(folder, name), nowMs: () => 0 });
    assert.deepEqual(faults, [], name);
  }
});

test('the same scenario gives the same result, and writes nothing into the company', async () => {
  const before = readdirSync(dataDir).toSorted();
  const one = await run({ title: 't', steps: [question], expect: { asks: [], operations: [] } }, 'twice.json');
  assert.deepEqual(await run({ title: 't', steps: [question], expect: { asks: [], operations: [] } }, 'twice.json'), one);
  assert.equal(one.ok, false);
  assert.deepEqual(readdirSync(dataDir).toSorted(), before);
});

test('what is not as expected is said with its line, what was expected and what is there', async () => {
  const text = `{
  "title": "wrong",
  "steps": [
    ${JSON.stringify(mail('Hello,\n\nhow much does a website with five pages cost? Could you send me a quote?\n\nAnna', { subject: 'Price' }))}
  ],
  "expect": {
    "decisions": [
      { "what": "triage", "outcome": "inquiry" },
      { "what": "draft", "outcome": "refund-en" }
    ],
    "sent": 1
  }
}`;
  const { ok, faults } = await run(text);
  assert.equal(ok, false);
  assert.deepEqual(faults.map(({ line }) => line), [9, 11]);
  assert.match(faults[0]!.expected, /refund-en/);
  assert.match(faults[0]!.found, /draft: quote-en/);
  assert.deepEqual([faults[1]!.expected, faults[1]!.found], ['1', 'none']);
});

test('a model is asked by its script, tier after tier, and its cost counts', async () => {
  const { faults, modelCalls, costMicros } = await run({
    title: 'climbs', tiers: [{ name: 'small', threshold: 0.7 }, { name: 'large', threshold: 0.7 }],
    models: [{ task: 'draft', tier: 'small', costMicros: 10, answer: answer('Hello, no idea. Mara Voss', 0.2) }, { task: 'draft', tier: 'large', costMicros: 500, when: ['owls', 'wood'], answer: answer('Hello Anna, oak is best for owls. Mara Voss', 0.9) }, { task: 'triage', tier: 'small', answer: { category: 'inquiry', language: 'en', reason: 'asks', confidence: 0.95 } }],
    steps: [question],
    expect: { decisions: [{ what: 'draft', tier: 'large', task: 'draft' }], operations: [{ action: 'mail.send', contains: 'oak is best', state: 'awaiting-approval' }], costMicros: { atMost: 510 } },
  });
  assert.deepEqual(faults, []);
  assert.equal(costMicros, 510);
  assert.ok(modelCalls >= 2);
});

test('a model that is down, or an answer off its schema, or a question that the script does not know, is no silent success', async () => {
  const tiers = [{ name: 'small', threshold: 0.7 }];
  const down = await run({ title: 'down', tiers, models: [{ task: 'draft', tier: 'small', outcome: 'down', reason: 'no answer' }, { task: 'triage', tier: 'small', answer: { category: 'inquiry', language: 'en', reason: 'asks', confidence: 0.95 } }], steps: [question], expect: { operations: [], asks: [{ kind: 'question', contains: 'be answered' }], costMicros: 0 } });
  assert.deepEqual(down.faults, []);
  const off = await run({ title: 'off', tiers, models: [{ task: 'draft', tier: 'small', answer: { words: 'x' } }, { task: 'triage', tier: 'small', answer: { category: 'inquiry', language: 'en', reason: 'asks', confidence: 0.95 } }], steps: [question] });
  assert.match(off.faults.map(({ found }) => found).join('\n'), /models\[0\] is no answer to draft/);
  const unknown = await run({ title: 'unknown', tiers, models: [{ task: 'draft', tier: 'small', when: 'giraffes', answer: answer('x', 0.9) }, { task: 'triage', tier: 'small', answer: { category: 'inquiry', language: 'en', reason: 'asks', confidence: 0.95 } }], steps: [question] });
  assert.match(unknown.faults.map(({ found }) => found).join('\n'), /the script has no answer of small for draft/);
});

test('a budget holds as it would: over the limit no model is asked', async () => {
  const { faults, modelCalls } = await run({
    title: 'no money', given: { company: { budgets: { company: { perDayUsd: 0.0001 } } } }, tiers: [{ name: 'large', threshold: 0.7 }],
    models: [{ task: 'draft', tier: 'large', costMicros: 500, answer: answer('Hello Anna, oak. Mara Voss', 0.9) }, { task: 'triage', tier: 'large', costMicros: 500, answer: { category: 'inquiry', language: 'en', reason: 'asks', confidence: 0.95 } }],
    steps: [question], expect: { operations: [], modelCalls: 0, costMicros: 0, sent: 0 },
  });
  assert.deepEqual(faults, []);
  assert.equal(modelCalls, 0);
});

test('work that waits for a provider goes on by itself when it is back, with one notice', async () => {
  const { faults, modelCalls } = await run({
    title: 'down for an hour', given: { company: { budgets: { workflows: { mail: { otherwise: 'wait' } } } } }, tiers: [{ name: 'large', threshold: 0.7 }],
    models: [
      { task: 'triage', tier: 'large', answer: { category: 'inquiry', language: 'en', reason: 'asks', confidence: 0.95 } },
      { task: 'draft', tier: 'large', outcome: 'down', reason: 'no answer', again: { minutes: 30 } }, { task: 'draft', tier: 'large', costMicros: 7, answer: answer('Hello Anna, oak. Mara Voss', 0.9) },
    ],
    steps: [
      question, { after: { minutes: 10 } },
      { expect: { operations: [], asks: [{ contains: 'wait' }] } },
      { after: { hours: 1 } },
    ],
    expect: { operations: [{ action: 'mail.send', contains: 'oak', state: 'awaiting-approval' }], asks: [] },
  });
  assert.deepEqual(faults, []);
  assert.ok(modelCalls >= 2);
});

test('the operator answers, edits and rejects; facts, rules, templates and prompts are given; time passes', async () => {
  const { faults } = await run({
    title: 'all of it',
    given: {
      facts: [{ entity: 'person/anna@example.org', predicate: 'person.role', value: 'owner' }],
      templates: { 'owls-en': '---\nid: owls-en\nlanguage: en\ntopic: owls\nkeywords: owls, wooden signs, paint owls\n---\n{{greeting}}\n\nowls are painted on oak.\n\n{{signature}}\n' },
      prompts: { draft: '---\ntask: draft\n---\nWrite well.' },
      rules: { partner: { name: 'partner', when: { domain: ['partner.example'] }, category: 'notice' } },
    },
    steps: [
      question,
      { expect: { decisions: [{ what: 'draft', outcome: 'owls-en' }], operations: [{ action: 'mail.send', contains: 'painted on oak', state: 'awaiting-approval' }], facts: [{ predicate: 'person.role', value: 'owner', label: 'operator' }] } },
      { approve: { edit: 'Hello Anna, owls on maple. Mara', reason: 'we have no oak' } },
      { expect: { operations: [{ action: 'mail.send', contains: 'maple', lacks: 'oak', state: 'done' }], sent: 1 } },
      { mail: { from: 'News <news@partner.example>', subject: 'What is new', text: 'How much does it cost? Please answer. Can you send me a quote?' } },
      { expect: { decisions: [{ what: 'triage', outcome: 'notice', because: 'partner' }], operations: [{ action: 'mail.send' }] } },
      { after: { days: 3 } },
    ],
    expect: { sent: 1, modelCalls: 0 },
  });
  assert.deepEqual(faults, []);
});

test('an answer to what does not wait is a fault of its step', async () => {
  const { faults } = await run(`{ "title": "t",\n "steps": [\n  { "after": { "minutes": 1 } },\n  { "approve": { "item": "w-1" } }\n ] }`);
  assert.deepEqual(faults.map(({ line, found }) => [line, found]), [[4, "'w-1' does not wait; what waits: nothing"]]);
});

test('agents of the company run in scenarios, with events and deadlines', async () => {
  const { faults } = await run({
    title: 'follow-up', steps: [
      { start: { address: 'follow-up/o-7', machine: 'follow-up@1', input: { customer: 'Anna', offer: 'o-7', days: 14 } } },
      { after: { days: 13 } }, { expect: { actors: [{ address: 'follow-up/o-7', state: 'waiting' }], asks: [] } },
      { after: { days: 1 } }, { expect: { asks: [{ contains: 'Anna has not answered' }] } }, { approve: {} },
    ], expect: { asks: [] },
  });
  assert.deepEqual(faults, []);
});

test('a mail is given as .eml text or as a file beside the scenario', async () => {
  mkdirSync(join(root, 'mails'), { recursive: true });
  const eml = (from: string) => `From: ${from}\nTo: hello@studio-voss.example\nSubject: Invoice 7\nMessage-ID: <7@${from.split('@')[1]}>\n\nInvoice 7 for hosting. Invoice amount: 50.00 EUR, payable by 2026-04-01.\n`;
  writeFileSync(join(root, 'mails', 'invoice.eml'), eml('billing@host.example'));
  const { faults } = await run({ title: 'eml', steps: [{ mail: { file: 'mails/invoice.eml' } }, { mail: { eml: eml('billing@other.example') } }], expect: { asks: [{ kind: 'task', contains: '50.00 EUR' }, { kind: 'task', contains: '50.00 EUR' }] } });
  assert.deepEqual(faults, []);
});

for (const [what, text, message] of [
  ['text that is no JSON', '{\n "title": }', /line 2: it is not JSON/],
  ['an unknown field', '{\n "title": "t",\n "steps": [{ "after": { "days": 1 } }],\n "expect": {\n  "sends": 1\n }\n}', /line 4: expect: .*sends/],
  ['a prompt with a fault', '{ "title": "t", "given": { "prompts": { "draft": "---\\ntask: nonsense\\n---\\nx" } }, "steps": [{ "after": { "days": 1 } }] }', /Prompt, line 2: there is no task/],
] as const) test(`refused with its place: ${what}`, () => assert.rejects(run(text), failsWith('BAD_CONFIG', message)));

test('keelson test runs them beside the tests of agents; one that fails fails it', async () => {
  const passing = await runCli(['test', 'price-question', '--data', dataDir]);
  assert.equal(passing.code, 0, passing.stderr + passing.stdout);
  assert.match(passing.stdout, /✔ A price question[^]*1 scenarios, 0 failed/);
  writeFileSync(join(folder, 'zz-wrong.json'), '{ "title": "Too much",\n "steps": [{ "after": { "days": 1 } }],\n "expect": {\n  "sent": 1 } }');
  const failing = await runCli(['test', 'zz-wrong', '--data', dataDir]);
  assert.equal(failing.code, 1);
  assert.match(failing.stdout, /✖ Too much[^]*scenarios\/zz-wrong\.json:4\n {4}expected: 1\n {4}found: none/);
  const json = await runCli(['test', 'zz-wrong', 'price-question', '--json', '--data', dataDir]);
  const parsed = JSON.parse(json.stdout) as { ok: boolean; scenarios: { ok: boolean; title: string }[] };
  assert.deepEqual([json.code, parsed.ok, parsed.scenarios.map(({ ok }) => ok)], [1, false, [false, true]]);
  writeFileSync(join(folder, 'zz-wrong.json'), '{ "title": 1 }');
  const unreadable = await runCli(['test', 'zz-wrong', '--data', dataDir]);
  assert.equal(unreadable.code, 1);
  assert.match(unreadable.stdout, /zz-wrong\.json, line 1: title/);
  rmSync(join(folder, 'zz-wrong.json'));
  assert.equal((await runCli(['test', 'nobody', '--data', dataDir])).code, 1);
});
