// Goal: who runs again, and when, is exactly this table.
import assert from 'node:assert/strict';
import test from 'node:test';
import { codes } from '#machines/errors.ts';
import { decide } from '#supervisor/strategy.ts';

const retry = { attempts: 5, firstMs: 100, maxMs: 500 };
const error = { code: 'TIMEOUT', message: 'no answer' };
const ask = (disposition: 'retry' | 'fail' | 'ask' | 'bug', attempt: number, policy = retry) => decide({ error, disposition, attempt, retry: policy });

const table = [
  { disposition: 'retry', attempt: 1, then: { retryAfterMs: 100 } },
  { disposition: 'retry', attempt: 2, then: { retryAfterMs: 200 } },
  { disposition: 'retry', attempt: 3, then: { retryAfterMs: 400 } },
  { disposition: 'retry', attempt: 4, then: { retryAfterMs: 500 } },
  { disposition: 'retry', attempt: 5, then: 'give-up' },
  { disposition: 'retry', attempt: 99, then: 'give-up' },
  { disposition: 'bug', attempt: 1, then: { retryAfterMs: 100 } },
  { disposition: 'bug', attempt: 5, then: 'give-up' },
  { disposition: 'fail', attempt: 1, then: 'give-up' },
  { disposition: 'ask', attempt: 1, then: 'give-up' },
] as const;

for (const { disposition, attempt, then } of table) {
  test(`after attempt ${attempt}, a failure to '${disposition}' means ${typeof then === 'string' ? then : `again in ${then.retryAfterMs} ms`}`, () => {
    assert.deepEqual(ask(disposition, attempt), then);
  });
}

test('an activity with one attempt is never run again', () => {
  for (const disposition of ['retry', 'bug', 'fail', 'ask'] as const) assert.equal(ask(disposition, 1, { ...retry, attempts: 1 }), 'give-up');
});

test('the wait stays finite and bounded after many attempts', () => {
  assert.deepEqual(ask('retry', 5_000, { attempts: 10_000, firstMs: 1_000, maxMs: 60_000 }), { retryAfterMs: 60_000 });
});

test('what nobody can know about a sent mail is never retried', () => {
  assert.equal(decide({ error: { code: 'SEND_UNKNOWN', message: '' }, disposition: codes.SEND_UNKNOWN.disposition, attempt: 1, retry }), 'give-up');
  assert.equal(decide({ error: { code: 'SEND_REFUSED', message: '' }, disposition: codes.SEND_REFUSED.disposition, attempt: 1, retry }), 'give-up');
});
