import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { address, childAddress, fromToken, isAddress, keyOf, toToken, typeOf } from '#machines/address.ts';
import { KeelsonError } from '#machines/errors.ts';

const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }).filter((text) => !/\p{Cc}|\p{Cs}/u.test(text));
const type = fc.stringMatching(/^[a-z][a-z0-9-]{0,47}$/);
const badArgument = (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_ARGUMENT';

test('an address gives back its type and its key, whatever the key holds', () => {
  fc.assert(fc.property(type, key, (t, k) => {
    const a = address(t, k);
    assert.ok(isAddress(a));
    assert.deepEqual([typeOf(a), keyOf(a)], [t, k]);
  }));
});

test('a key may contain slashes: only the first one divides', () => {
  assert.deepEqual([typeOf('mail/a/b'), keyOf('mail/a/b')], ['mail', 'a/b']);
});

test('any key survives as one subject token', () => {
  fc.assert(fc.property(key, (k) => assert.equal(fromToken(toToken(k)), k)));
});

test('a token never holds what a subject gives a meaning to', () => {
  fc.assert(fc.property(fc.oneof(key, fc.stringMatching(/^[.*>!'() \t]{1,20}$/)), (k) => assert.match(toToken(k), /^[^.*>\s]+$/)));
});

test('different keys have different tokens', () => {
  fc.assert(fc.property(key, key, (a, b) => assert.equal(toToken(a) === toToken(b), a === b)));
  assert.notEqual(toToken('a%2Eb'), toToken('a.b'));
});

test('a wildcard in a key stays text', () => {
  assert.equal(toToken('*'), '%2A');
  assert.equal(toToken('>'), '%3E');
  assert.equal(toToken('a.b'), 'a%2Eb');
});

for (const bad of ['', 'Mail', '1mail', 'mail.run', 'mail run', 'm*', 'x'.repeat(49), 'mäil']) {
  test(`'${bad}' is no type`, () => {
    assert.throws(() => address(bad, 'k'), badArgument);
    assert.equal(isAddress(`${bad}/k`), false);
  });
}

for (const [what, bad] of [['empty', ''], ['too long', 'k'.repeat(301)], ['a line break', 'a\nb'], ['a NUL', 'a\0'], ['half a surrogate pair', 'a\ud800']] as const) {
  test(`a key with ${what} is refused`, () => {
    assert.throws(() => address('mail', bad), badArgument);
    assert.equal(isAddress(`mail/${bad}`), false);
  });
}

test('text without a slash is no address', () => {
  for (const text of ['', 'mail', '/k', 'mail/']) assert.equal(isAddress(text), false, text);
});

test("a child's address differs by parent, by child and by start", () => {
  const all = [childAddress('kid', 'boss/1', 'a', 1), childAddress('kid', 'boss/1', 'a', 2), childAddress('kid', 'boss/1', 'b', 1), childAddress('kid', 'boss/2', 'a', 1)];
  assert.equal(new Set(all).size, all.length);
  for (const a of all) assert.ok(isAddress(a));
});
