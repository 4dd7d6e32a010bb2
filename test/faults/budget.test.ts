// Goal: a hundred callers at once never pass a budget that is one cent short, and a process that dies anywhere between reserve, call and settle
// makes no call free. Method: the real gateway on a real store, a provider that counts what it charges, and kill -9 at named places. A day takes
// a part; KEELSON_TEST_FULL=1 takes 10,000 calls and 200 kills, as do `budget-race.ts` and `budget-killed.ts` by themselves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takesAll, todaysShare } from '#test/kit/todays-share.ts';
import { killCallers, killsOf } from './budget-killed.ts';
import { faultsOf, raceBudget } from './budget-race.ts';

const calls = takesAll ? 10_000 : 1_000;

test(`of ${calls} calls, 100 at a time, against a budget one cent short none starts above the limit`, { timeout: 600_000 }, async (t) => {
  const race = await raceBudget({ calls, parallel: 100 });
  t.diagnostic(JSON.stringify(race));
  assert.deepEqual(faultsOf(race), []);
});

test('a caller that is killed anywhere between reserve, call and settle leaves a ledger that sums, and nothing is free', { timeout: 1_200_000 }, async (t) => {
  const kills = todaysShare(killsOf(200), 9); // no multiple of the eight places, so that a day sees each of them
  const told = await killCallers(kills);
  t.diagnostic(JSON.stringify(told));
  assert.deepEqual(told.faults, []);
  assert.equal(told.killed, kills.length);
});
