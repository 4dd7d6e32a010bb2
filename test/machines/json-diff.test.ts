// Goal: what changed between two values is told place by place, and nothing else is. Method: pairs with the answer beside them, and the
// answer applied to a copy.
import assert from 'node:assert/strict';
import test from 'node:test';
import { changedMax, diffJson } from '#machines/json-diff.ts';

test('each place that came, went or is another is named, and no other', () => {
  const cases: [before: unknown, after: unknown, changed: object[]][] = [
    [{ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 }, []],
    [{ a: 1 }, { a: 2 }, [{ path: 'a', before: 1, after: 2 }]],
    [{ a: { b: 1, gone: true } }, { a: { b: 1, came: null } }, [{ path: 'a.gone', before: true }, { path: 'a.came', after: null }]],
    [{ list: [{ x: 1 }, 2] }, { list: [{ x: 3 }, 2, 4] }, [{ path: 'list[0].x', before: 1, after: 3 }, { path: 'list[2]', after: 4 }]],
    [{ a: [1] }, { a: { 0: 1 } }, [{ path: 'a', before: [1], after: { 0: 1 } }]],
    [{ a: null }, { a: {} }, [{ path: 'a', before: null, after: {} }]],
    [{ 'a b': 1, 'x.y': { z: 1 } }, { 'a b': 2, 'x.y': { z: 2 } }, [{ path: '["a b"]', before: 1, after: 2 }, { path: '["x.y"].z', before: 1, after: 2 }]],
    [1, 'one', [{ path: '', before: 1, after: 'one' }]],
    [{ __proto__x: 1 }, JSON.parse('{"__proto__": {"a": 1}}'), [{ path: '__proto__x', before: 1 }, { path: '__proto__', after: { a: 1 } }]],
  ];
  for (const [before, after, changed] of cases) assert.deepEqual(diffJson(before, after), changed, JSON.stringify([before, after]));
});

test('a list that is all new is told up to a limit', () => {
  assert.equal(diffJson({}, Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i]))).length, changedMax);
});
