// Goal: what is read as JSON can be stored and compared as it is. Method: texts on both sides of each bound.
import assert from 'node:assert/strict';
import test from 'node:test';
import { jsonLimits, parseJson } from '#connectors/console/json-guard.ts';
import { KeelsonError } from '#machines/errors.ts';
import { bannedKeys } from '#machines/json-limits.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const refusal = (source: string | Uint8Array) => {
  try {
    return JSON.stringify(parseJson(source, 'it'));
  } catch (error) {
    assert.ok(error instanceof KeelsonError && error.code === 'BAD_ARGUMENT');
    return error.message;
  }
};

test('plain JSON comes through as it is, from text and from bytes', () => {
  const value = { text: 'ü 🙂', list: [1, null, true, { constructed: 'a word' }] };
  assert.deepEqual(parseJson(JSON.stringify(value), 'it'), value);
  assert.deepEqual(parseJson(Buffer.from(JSON.stringify(value)), 'it'), value);
});

test('lists and objects go as deep as the limit, and not one deeper', () => {
  const tooDeep = new RegExp(`^it\\S+: expected at most ${jsonLimits.depth} levels$`);
  assert.equal(refusal(nested(jsonLimits.depth)), nested(jsonLimits.depth));
  for (const text of [nested(jsonLimits.depth + 1), nested(400_000), '{"a":'.repeat(65) + '1' + '}'.repeat(65)]) assert.match(refusal(text), tooDeep);
});

test('a key that reaches for the prototype is refused, wherever it stands', () => {
  for (const key of bannedKeys) assert.equal(refusal(`[{"a": {"${key}": {}}}]`), `it.0.a: the key '${key}' is not allowed`);
  assert.match(refusal('{"\\u005f_proto__": 1}'), /'__proto__'/);
  assert.equal(refusal('{"text": "__proto__"}'), '{"text":"__proto__"}');
});

test('half a surrogate pair is refused in texts and in keys', () => {
  for (const text of ['["\\ud83d"]', '{"\\udc00": 1}']) assert.match(refusal(text), /^it(\.0)?: expected text without half a surrogate pair$/);
});

test('what is said about a long key stays short', () => {
  assert.ok(refusal(`{"${'k'.repeat(100_000)}": {"__proto__": 1}}`).length <= 300);
});

test('what is no JSON or no UTF-8 is called so', () => {
  for (const source of ['', '{', 'NaN', '[Infinity]', "{'a': 1}", '\u0000', Buffer.from([0x22, 0xff, 0x22])]) assert.equal(refusal(source), 'it is not JSON');
});
