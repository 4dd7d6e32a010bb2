import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { diffLines } from '#machines/diff.ts';

const shown = (before: string, after: string) => diffLines(before, after).map(({ op, line }) => `${op}${line}`);
const side = (before: string, after: string, gone: '+' | '-') => diffLines(before, after).filter(({ op }) => op !== gone).map(({ line }) => line);

test('what both texts have stays, what went comes before what came', () => {
  assert.deepEqual(shown('a\nb\nc', 'a\nx\nc'), [' a', '-b', '+x', ' c']);
  assert.deepEqual(shown('a\nb\nc\nd', 'b\nd\ne'), ['-a', ' b', '-c', ' d', '+e']);
  assert.deepEqual(shown('', 'a'), ['+a']);
  assert.deepEqual(shown('a', ''), ['-a']);
  assert.deepEqual(shown('', ''), []);
});

test('how lines end makes no difference', () => {
  assert.deepEqual(shown('a\r\nb\r\n', 'a\nb'), [' a', ' b']);
  assert.deepEqual(shown('a\n', 'a\n\n'), [' a', '+']);
});

test('each side can be read off, and no other way shows fewer changes', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 7 });
  fc.assert(fc.property(lines, lines, (a, b) => {
    const [before, after] = [a.map((line) => `${line}\n`).join(''), b.map((line) => `${line}\n`).join('')];
    assert.deepEqual(side(before, after, '+'), a);
    assert.deepEqual(side(before, after, '-'), b);
    assert.equal(diffLines(before, after).filter(({ op }) => op === ' ').length, common(a, b));
  }), { numRuns: 500 });
});

test('texts that are too large to compare line by line are shown as gone and come, except for their common start and end', () => {
  const text = (word: string) => ['first', ...Array.from({ length: 3_000 }, (_, i) => `${word} ${i}`), 'last'].join('\n');
  const ops = diffLines(text('old'), text('new')).map(({ op }) => op);
  assert.deepEqual([ops.length, ops[0], ops[1], ops.at(-2), ops.at(-1)], [6_002, ' ', '-', '+', ' ']);
});

/** The plain definition. */
function common([x, ...a]: string[], [y, ...b]: string[]): number {
  if (x === undefined || y === undefined) return 0;
  return x === y ? 1 + common(a, b) : Math.max(common(a, [y, ...b]), common([x, ...a], b));
}
