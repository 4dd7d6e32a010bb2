// Goal: who runs again, and when, is exactly this table.
import assert from 'node:assert/strict';
import test from 'node:test';
import { codes } from '#machines/errors.ts';
import { decide } from '#supervisor/strategy.ts';

const retry = { attempts: 5, firstMs: 100, maxMs: 500 };
const error = { code: 'TIMEOUT', message: 'no answer' };
const ask = (disposition: 'retry' | 'fail' | 'ask' | 'bug', attempt: number, policy = retry) => decide({ error, disposition, attempt, retry: policy });

const table = [
  { disposition: 'retry', attempt: 1, means: { retryAfterMs: 100 } },
  { disposition: 'retry', attempt: 2, means: { retryAfterMs: 200 } },
  { disposition: 'retry', attempt: 3, means: { retryAfterMs: 400 } },
  { disposition: 'retry', attempt: 4, means: { retryAfterMs: 500 } },
  { disposition: 'retry', attempt: 5, means: 'give-up' },
  { disposition: 'retry', attempt: 99, means: 'give-up' },
  { disposition: 'bug', attempt: 1, means: { retryAfterMs: 100 } },
  { disposition: 'bug', attempt: 5, means: 'give-up' },
  { disposition: 'fail', attempt: 1, means: 'give-up' },
  { disposition: 'ask', attempt: 1, means: 'give-up' },
] as const;

for (const { disposition, attempt, means } of table) {
  test(`after attempt ${attempt}, a failure to '${disposition}' means ${typeof means === 'string' ? means : `again in ${means.retryAfterMs} ms`}`, () => {
    assert.deepEqual(ask(disposition, attempt), means);
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
