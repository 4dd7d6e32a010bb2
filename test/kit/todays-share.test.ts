// Goal: no case is left out for good. Method: the shares of as many days as there are parts, put together.
import assert from 'node:assert/strict';
import test from 'node:test';
import { takesAll, todaysShare } from './todays-share.ts';

test('the shares of some days in a row are all cases, each once', { skip: takesAll && 'KEELSON_TEST_FULL=1 takes all every day' }, () => {
  const cases = Array.from({ length: 77 }, (_, i) => i);
  const days = [0, 1, 2].map((day) => todaysShare(cases, 3, Date.now() + day * 86_400_000));
  assert.deepEqual(days.flat().toSorted((a, b) => a - b), cases);
});
