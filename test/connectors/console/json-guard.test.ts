// Goal: what is read as JSON can be stored and compared as it is. Method: texts on both sides of each bound.
import assert from 'node:assert/strict';
import test from 'node:test';
import { jsonDepthMax, parseJson } from '#connectors/console/json-guard.ts';
import { KeelsonError } from '#machines/errors.ts';

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
  const value = { text: 'ü 🙂', list: [1, null, true, { constructor: 'a word' }] };
  assert.deepEqual(parseJson(JSON.stringify(value), 'it'), value);
  assert.deepEqual(parseJson(Buffer.from(JSON.stringify(value)), 'it'), value);
});

test('lists and objects go as deep as the limit, and not one deeper', () => {
  assert.equal(refusal(nested(jsonDepthMax)), nested(jsonDepthMax));
  assert.equal(refusal(nested(jsonDepthMax + 1)), `it is nested deeper than ${jsonDepthMax}`);
  assert.equal(refusal(nested(400_000)), `it is nested deeper than ${jsonDepthMax}`);
  assert.equal(refusal('{"a":'.repeat(65) + '1' + '}'.repeat(65)), `it is nested deeper than ${jsonDepthMax}`);
});

test('a key that reaches for the prototype is refused, wherever it stands', () => {
  for (const text of ['{"__proto__": 1}', '[{"a": {"__proto__": {}}}]', '{"\\u005f_proto__": 1}']) assert.match(refusal(text), /'__proto__'/);
  assert.equal(refusal('{"text": "__proto__"}'), '{"text":"__proto__"}');
});

test('half a surrogate pair is refused in texts and in keys', () => {
  assert.match(refusal('["\\ud83d"]'), /half a surrogate pair in a text/);
  assert.match(refusal('{"\\udc00": 1}'), /half a surrogate pair in a key/);
});

test('what is no JSON or no UTF-8 is called so', () => {
  for (const source of ['', '{', 'NaN', '[Infinity]', "{'a': 1}", '\u0000', Buffer.from([0x22, 0xff, 0x22])]) assert.equal(refusal(source), 'it is not JSON');
});
