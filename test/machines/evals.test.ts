// Goal: scores say how good answers are, and nothing else changes them. Method: cases with known answers; properties over random texts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { compareScored, evalResultSchema, pickCases, scoreCase, scoreCases, type EvalAnswer, type EvalCase } from '#machines/evals.ts';
import { findPromises } from '#machines/promises.ts';
import { wordSimilarity } from '#machines/similarity.ts';
import { randomFrom } from '#test/kit/random.ts';

const triage = (id: string, category: string, atMs = 0): EvalCase => ({ id, input: {}, expected: { category }, source: 'answered', atMs });
const said = (id: string, answer: EvalAnswer['answer'], more: Partial<EvalAnswer> = {}): EvalAnswer => ({ id, answer, confidence: null, costMicros: 0, ms: 1, model: null, reason: '', ...more });

test('right is 1, wrong and unanswered are 0, and what was not asked counts as wrong', () => {
  const scored = scoreCases([triage('a', 'spam'), triage('b', 'spam'), triage('c', 'spam'), triage('d', 'spam')], [said('a', { category: 'spam' }), said('b', { category: 'notice' }), said('c', null, { reason: 'refused' })]);
  assert.deepEqual(scored.list.map(({ score }) => score), [1, 0, 0, 0]);
  assert.deepEqual([scored.score, scored.unanswered, scored.measure, scored.list[2]!.why], [0.25, 2, 'accuracy', 'refused']);
});

test('the order of asking changes nothing', () => {
  const cases = ['a', 'b', 'c'].map((id) => triage(id, 'spam'));
  const answers = cases.map(({ id }, i) => said(id, { category: i === 0 ? 'spam' : 'notice' }, { confidence: 0.5, costMicros: i, ms: i }));
  assert.deepEqual(scoreCases(cases, answers), scoreCases(cases, answers.toReversed()));
});

test('an unknown cost makes the sum unknown, never smaller', () => {
  assert.equal(scoreCases([triage('a', 'spam'), triage('b', 'spam')], [said('a', { category: 'spam' }, { costMicros: 5 }), said('b', { category: 'spam' }, { costMicros: null })]).costMicros, null);
});

test('who says 0.9 and is right nine times of ten is off by nothing, who is always wrong is off by 0.9', () => {
  const cases = Array.from({ length: 10 }, (_, i) => triage(`c${i}`, 'spam'));
  const sure = (right: number) => scoreCases(cases, cases.map(({ id }, i) => said(id, { category: i < right ? 'spam' : 'notice' }, { confidence: 0.9 }))).calibrationError;
  assert.equal(sure(9), 0);
  assert.equal(sure(0), 0.9);
});

test('a text is compared by its words, and a promise that nobody stated makes it worthless', () => {
  const reply: EvalCase = { id: 'a', input: {}, expected: { text: 'Hello Anna, it takes two weeks.' }, source: 'corrected', atMs: 0, stated: 'A page costs 90 EUR.' };
  assert.equal(scoreCase(reply, said('a', { text: 'hello anna,  it takes two weeks.' })).score, 1);
  const close = scoreCase(reply, said('a', { text: 'Hello Anna, it takes three weeks.' }));
  assert.ok(close.score > 0.8 && close.score < 1);
  assert.equal(scoreCase(reply, said('a', { text: 'Hello Anna, it takes two weeks. It costs 90 euros.' })).promises.length, 0);
  const promised = scoreCase(reply, said('a', { text: 'Hello Anna, it takes two weeks and costs 50 EUR.' }));
  assert.deepEqual([promised.score, promised.promises], [0, ['50 EUR']]);
  assert.match(promised.why, /promises 50 EUR, which nobody has stated/);
});

for (const [text, stated, found] of [
  ['It costs € 1,200.00.', 'We charge 1,200 euros.', []],
  ['You get 20 % off.', 'We give no discount.', ['20 %']],
  ['By 3 December at the latest.', 'We open on 4 December.', ['3 December']],
  ['Am 03.12.2026.', 'Termin: 03.12.2026', []],
  ['Pay to DE89 3704 0044 0532 0130 00', '', ['DE89 3704 0044 0532 0130 00']],
  ['See https://evil.example/x', 'https://good.example', ['https://evil.example/x']],
  ['I have three questions about the 2 pages.', '', []],
] as const) test(`promises in “${text}”`, () => assert.deepEqual(findPromises(text, stated), found));

test('similarity is between 0 and 1, the same both ways, and 1 only for the same words', () => {
  const random = randomFrom(7);
  const words = ['a', 'b', 'c', 'dd', 'é', '!'];
  const text = () => Array.from({ length: random.int(12) }, () => words[random.int(words.length)]!).join(' ');
  for (let i = 0; i < 500; i++) {
    const [one, other] = [text(), text()];
    const similar = wordSimilarity(one, other);
    assert.ok(similar >= 0 && similar <= 1);
    assert.equal(similar, wordSimilarity(other, one));
    assert.equal(similar === 1, one === other);
  }
});

test('a long text is compared in bounded time', () => assert.equal(wordSimilarity('word '.repeat(200_000), 'word '.repeat(200_000)), 1));

test('what is answered otherwise than before is listed, with whether it is better', () => {
  const cases = [triage('a', 'spam'), triage('b', 'spam'), triage('c', 'spam'), triage('d', 'spam')];
  const answers = (categories: string[]) => scoreCases(cases, categories.map((category, i) => said(cases[i]!.id, { category })));
  const list = compareScored(answers(['spam', 'notice', 'notice', 'spam']), answers(['notice', 'spam', 'inquiry', 'spam']));
  assert.deepEqual(list.map(({ id, better }) => [id, better]), [['a', false], ['b', true], ['c', null]]);
});

test('cases are the newest, once each, in an order that is always the same', () => {
  const cases = [triage('b', 'spam', 2), triage('a', 'spam', 2), triage('c', 'spam', 1), triage('a', 'notice', 2)];
  assert.deepEqual(pickCases(cases, 2).map(({ id, expected }) => [id, expected['category']]), [['a', 'notice'], ['b', 'spam']]);
  assert.deepEqual(pickCases(cases.toReversed(), 3).map(({ id }) => id), ['a', 'b', 'c']);
});

test('a result is a value of its predicate', () => {
  const { list: _, ...measures } = scoreCases([triage('a', 'spam')], [said('a', { category: 'spam' })]);
  evalResultSchema.parse({ task: 'triage', kind: 'rules', tier: 'rules', model: null, hash: null, version: null, caseSet: 'x', differs: null, before: null, ...measures });
});
