// Goal: a rule says exactly what it says, and a proposal has its evidence and a replay. Method: single rules on single mails; proposals
// from small pasts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseMail } from '#connectors/mail/parse.ts';
import type { Case } from '#machines/learning/memory.ts';
import { fingerprintOf, proposeRules } from '#machines/learning/propose-rules.ts';
import { proposeTemplates } from '#machines/learning/propose-templates.ts';
import { parseRule, ruleMatches, sayRule, type Rule } from '#machines/learning/rule.ts';
import type { Category, Mail } from '#machines/mail.ts';
import { buildMail } from '#test/kit/held-out.ts';

const rule = (when: object, category = 'notice') => parseRule(JSON.stringify({ name: 'r', when, category }));
const mail = buildMail({ from: 'News <desk@mail.club.example>', subject: 'Club sheet 7', text: 'Dear members, the boat shed is painted. See you on Sunday.' }, 1);

test('all that a rule names must hold, and of a list one', () => {
  const cases: [object, boolean][] = [
    [{ domain: ['club.example'] }, true], [{ domain: ['lub.example'] }, false], [{ domain: ['other.example', 'CLUB.example'] }, true],
    [{ sender: ['desk@mail.club.example'] }, true], [{ sender: ['desk@club.example'] }, false],
    [{ says: ['boat shed'] }, true], [{ says: ['Boat  SHED'] }, true], [{ says: ['oat shed'] }, false], [{ says: ['boat shed', 'club sheet'] }, true], [{ says: ['boat shed', 'invoice'] }, false],
    [{ domain: ['club.example'], saysNot: ['painted'] }, false], [{ domain: ['club.example'], saysNot: ['invoice'] }, true], [{ list: ['a.club.example'] }, false],
  ];
  for (const [when, expected] of cases) assert.equal(ruleMatches(rule(when), mail), expected, JSON.stringify(when));
});

test('a phrase is found as it stands: signs in it mean nothing', () => {
  assert.equal(ruleMatches(rule({ says: ['.*'] }), mail), false);
  assert.equal(ruleMatches(rule({ says: ['boat.shed'] }), mail), true, 'signs count as spaces');
  assert.equal(ruleMatches(rule({ says: ['(boat|car) shed'] }), mail), false);
});

test('a file that is no rule is refused with what is wrong in it', () => {
  const bad: [string, RegExp][] = [
    ['{', /no JSON/], ['{"name":"a","when":{},"category":"spam"}', /a rule for every mail is none/], ['{"name":"a","when":{"saysNot":["x y"]},"category":"spam"}', /a rule for every mail is none/],
    ['{"name":"a","when":{"domain":["x@y.example"]},"category":"spam"}', /domain/], ['{"name":"a","when":{"says":["ab"]},"category":"junk"}', /category/], ['{"name":"A b","when":{"says":["ab"]},"category":"spam"}', /name/],
    ['{"name":"a","when":{"says":["ab"]},"category":"spam","run":"code"}', /run|key/i],
  ];
  for (const [text, expected] of bad) assert.throws(() => parseRule(text), expected, text);
  assert.throws(() => parseRule('{"name":"a","when":{"says":["ab"]},"category":"spam"}', 'b'), /expected 'b'/);
});

test('a rule is said in words', () => assert.equal(sayRule(rule({ domain: ['club.example'], says: ['club sheet'], saysNot: ['invoice'] })), 'mail from club.example, saying “club sheet”, not saying “invoice” is: notice'));

let made = 100;
const past = (from: string, subject: string, category: Category, by: Case['by'] = 'operator'): Case => {
  const one: Mail = buildMail({ from, subject, text: `Hello, this is about number ${++made}. Yours, the desk.` }, made);
  return { id: one.id, category, by, before: null, source: { kind: 'decision', id: `d-${made}-0` }, mail: one };
};
const options = { inForce: [] as Rule[], known: [] as string[], names: [] as string[], limit: 3 };
const desk = 'Desk <desk@club.example>';

test('three answers about one sender make a proposal with its cases and a replay over the past', () => {
  const cases = [1, 2, 3].map((n) => past(desk, `Sheet ${n}`, 'notice'));
  const stood = past(desk, 'Sheet 9', 'notice', 'rules');
  const [proposal, ...more] = proposeRules([...cases, stood, past('A <a@b.example>', 'Else', 'spam')], options);
  assert.deepEqual([proposal!.rule.when, proposal!.rule.category, more.length], [{ sender: ['desk@club.example'] }, 'notice', 0]);
  assert.deepEqual(proposal!.replay, { matched: 4, right: 4, wrong: [], spared: 3 });
  assert.deepEqual(proposal!.evidence, cases.map(({ source }) => source));
});

test('one answer makes no proposal, and neither do three that the operator contradicted', () => {
  assert.deepEqual(proposeRules([past(desk, 'Sheet', 'notice')], options), []);
  assert.deepEqual(proposeRules([...[1, 2, 3].map((n) => past(desk, `Sheet ${n}`, 'notice')), past(desk, 'Sheet 4', 'invoice')], options), []);
});

test('what only stood and was never taught makes no proposal: a flood of mails cannot write a rule', () => {
  for (const by of ['rules', 'other'] as const) assert.deepEqual(proposeRules(Array.from({ length: 50 }, (_, n) => past('Thief <pay@thief.example>', `The rule is payment ${n}`, 'payment', by)), options), []);
});

test('a sender who writes about two things is told apart by a phrase', () => {
  const cases = [...[1, 2, 3].map((n) => past(desk, `Shed account open ${n}`, 'invoice')), ...[1, 2, 3].map((n) => past(desk, `Members sheet news ${n}`, 'notice'))];
  const found = proposeRules(cases, options).map(({ rule: { when, category } }) => [when.sender, category, when.says?.length]);
  assert.deepEqual(found.toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))), [[['desk@club.example'], 'invoice', 1], [['desk@club.example'], 'notice', 1]]);
});

test('two addresses of one domain make a rule for the domain; an address that many share makes none', () => {
  const two = [1, 2, 3, 4].map((n) => past(`Desk <desk${n % 2}@club.example>`, `Sheet ${n}`, 'notice'));
  assert.deepEqual(proposeRules(two, options)[0]!.rule.when, { domain: ['club.example'] });
  const shared = [1, 2, 3, 4].map((n) => past(`P <p${n}@gmail.com>`, `Thing${'abcd'[n - 1]}`, 'spam'));
  assert.ok(proposeRules(shared, options).every(({ rule: { when } }) => when.domain === undefined));
});

test('what was proposed before, or is in force, is not proposed again', () => {
  const cases = [1, 2, 3].map((n) => past(desk, `Sheet${n}`, 'notice'));
  const [first] = proposeRules(cases, options);
  assert.equal(first!.fingerprint, fingerprintOf(first!.rule));
  assert.ok(proposeRules(cases, { ...options, known: [first!.fingerprint] }).every(({ fingerprint }) => fingerprint !== first!.fingerprint));
  assert.deepEqual(proposeRules(cases, { ...options, inForce: [first!.rule] }), []);
});

test('a name that is taken is not taken again', () => {
  const cases = [1, 2, 3].map((n) => past(desk, `Sheet${n}`, 'notice'));
  const [first] = proposeRules(cases, options);
  assert.equal(proposeRules(cases, { ...options, names: [first!.rule.name] })[0]!.rule.name, `${first!.rule.name}-2`);
});

const template = '---\nid: quote-en\nlanguage: en\ntopic: quote\nkeywords: quote, price\n---\nHello {{name}},\n\nthank you for asking.\nI will answer within a week.\n\n{{signature}}\n';
const edit = (n: number, out: string, put: string) => ({ id: `a-${n}-0`, template: 'quote-en', before: `Hello Nina ${n},\n\nthank you for asking.\n${out}\n\nMara`, after: `Hello Nina ${n},\n\nthank you for asking.\n${put}\n\nMara` });
const stored = [{ id: 'template/quote-en', text: template }];

test('the same change made three times becomes the next version of the template', () => {
  const edits = [1, 2, 3].map((n) => edit(n, 'I will answer within a week.', 'I will answer within two days.'));
  const [proposal] = proposeTemplates(edits, stored, { known: [], limit: 3 });
  assert.equal(proposal!.text, template.replace('within a week', 'within two days'));
  assert.deepEqual([proposal!.replay, proposal!.evidence.length, proposal!.name], [{ edited: 3, same: 3 }, 3, 'quote-en']);
  assert.deepEqual(proposeTemplates(edits, stored, { known: [proposal!.fingerprint], limit: 3 }), []);
});

test('different changes, too few, and lines that were filled in make no version', () => {
  assert.deepEqual(proposeTemplates([1, 2, 3].map((n) => edit(n, 'I will answer within a week.', `In ${n} days.`)), stored, { known: [], limit: 3 }), []);
  assert.deepEqual(proposeTemplates([1, 2].map((n) => edit(n, 'I will answer within a week.', 'Soon.')), stored, { known: [], limit: 3 }), []);
  const greeted = [1, 2, 3].map((n) => ({ id: `a-${n}-0`, template: 'quote-en', before: 'Hello Nina,\n\nBye', after: 'Dear Nina,\n\nBye' }));
  assert.deepEqual(proposeTemplates(greeted, stored, { known: [], limit: 3 }), []);
});

test('a line that is added again and again goes where it was added', () => {
  const edits = [1, 2, 3].map((n) => edit(n, 'I will answer within a week.', 'I will answer within a week.\nWe are closed on Fridays.'));
  assert.match(proposeTemplates(edits, stored, { known: [], limit: 3 })[0]!.text, /within a week\.\nWe are closed on Fridays\.\n/);
});

test('a mail that came over a list is known by the list, whoever wrote it', async () => {
  const raw = ['From: A <a@one.example>', 'To: b@two.example', 'Subject: Hello', 'List-Id: Our News <News.Club.example>', 'MIME-Version: 1.0', '', 'Hello', ''].join('\r\n');
  const { mail: read } = await parseMail(Buffer.from(raw));
  assert.equal(read.listId, 'news.club.example');
  assert.equal(ruleMatches(rule({ list: ['news.club.example'] }), read), true);
  const { mail: without } = await parseMail(Buffer.from(raw.replace(/List-Id: .*\r\n/, '')));
  assert.ok(!('listId' in without));
  assert.equal(ruleMatches(rule({ list: ['news.club.example'] }), without), false);
});
