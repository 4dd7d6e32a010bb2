// Goal: who runs again, and when, is exactly these tables.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RetryPolicy } from '#machines/define.ts';
import { codes } from '#machines/errors.ts';
import { decide } from '#supervisor/strategy.ts';

const backoff = { firstMs: 100, maxMs: 500, jitter: 0 };
const five: RetryPolicy = { ...backoff, attempts: 5 };
const error = { code: 'TIMEOUT', message: 'no answer' };
interface Asked { disposition?: 'retry' | 'fail' | 'ask' | 'bug'; attempt?: number; tryingMs?: number; retry?: RetryPolicy; operationId?: string; retryAfterMs?: number }
const ask = ({ disposition = 'retry', attempt = 1, tryingMs = 0, retry = five, operationId = 'op/1#0.0', retryAfterMs }: Asked) => decide({ error, disposition, operationId, attempt, tryingMs, retryAfterMs, retry });

const table = [
  { disposition: 'retry', attempt: 1, means: { retryAfterMs: 100 } },
  { disposition: 'retry', attempt: 2, means: { retryAfterMs: 200 } },
  { disposition: 'retry', attempt: 3, means: { retryAfterMs: 400 } },
  { disposition: 'retry', attempt: 4, means: { retryAfterMs: 500 } },
  { disposition: 'retry', attempt: 5, means: 'give-up' },
  { disposition: 'retry', attempt: 99, means: 'give-up' },
  // Whoever asks to be left alone is, for an hour at most, and not for less than the strategy says.
  { disposition: 'retry', attempt: 1, retryAfterMs: 30_000, means: { retryAfterMs: 30_000 } },
  { disposition: 'retry', attempt: 1, retryAfterMs: 1, means: { retryAfterMs: 100 } },
  { disposition: 'retry', attempt: 1, retryAfterMs: 86_400_000, means: { retryAfterMs: 3_600_000 } },
  { disposition: 'retry', attempt: 5, retryAfterMs: 30_000, means: 'give-up' },
  { disposition: 'bug', attempt: 1, means: { retryAfterMs: 100 } },
  { disposition: 'bug', attempt: 5, means: 'give-up' },
  { disposition: 'fail', attempt: 1, means: 'give-up' },
  { disposition: 'ask', attempt: 1, means: 'give-up' },
] as const;

for (const { disposition, attempt, means, ...rest } of table) {
  test(`after attempt ${attempt}, a failure to '${disposition}'${'retryAfterMs' in rest ? ` that asks for ${rest.retryAfterMs} ms` : ''} means ${typeof means === 'string' ? means : `again in ${means.retryAfterMs} ms`}`, () => {
    assert.deepEqual(ask({ disposition, attempt, ...rest }), means);
  });
}

const untilTable = [
  { attempt: 1, tryingMs: 0, means: { retryAfterMs: 100 } },
  { attempt: 3, tryingMs: 599, means: { retryAfterMs: 400 } },
  { attempt: 3, tryingMs: 600, means: { retryAfterMs: 400 } },
  { attempt: 3, tryingMs: 601, means: 'give-up' },
  { attempt: 500, tryingMs: 400, means: { retryAfterMs: 500 } },
  { attempt: 1, tryingMs: 5_000, means: 'give-up' },
  // The clock was set back meanwhile.
  { attempt: 2, tryingMs: -3_600_000, means: { retryAfterMs: 200 } },
] as const;

for (const { attempt, tryingMs, means } of untilTable) {
  test(`until 1,000 ms: ${tryingMs} ms after the first try began, the end of try ${attempt} means ${typeof means === 'string' ? means : `again in ${means.retryAfterMs} ms`}`, () => {
    assert.deepEqual(ask({ attempt, tryingMs, retry: { ...backoff, untilMs: 1_000 } }), means);
  });
}

test('what is known or only a person can tell ends also what may be tried for long', () => {
  for (const disposition of ['fail', 'ask'] as const) assert.equal(ask({ disposition, retry: { ...backoff, untilMs: 1_000_000 } }), 'give-up');
});

test('an activity with one attempt, or with never, is not run again', () => {
  for (const disposition of ['retry', 'bug', 'fail', 'ask'] as const) {
    assert.equal(ask({ disposition, retry: { ...backoff, attempts: 1 } }), 'give-up');
    assert.equal(ask({ disposition, retry: 'never' }), 'give-up');
  }
});

test('the wait stays finite and bounded after many attempts', () => {
  assert.deepEqual(ask({ attempt: 5_000, retry: { attempts: 10_000, firstMs: 1_000, maxMs: 60_000, jitter: 0 } }), { retryAfterMs: 60_000 });
});

const waits = (jitter: number | undefined) => Array.from({ length: 500 }, (_, i) => {
  const decision = ask({ operationId: `op/${i}#0.0`, retry: { attempts: 2, firstMs: 1_000, maxMs: 1_000, ...(jitter === undefined ? {} : { jitter }) } });
  assert.ok(decision !== 'give-up');
  return decision.retryAfterMs;
});

for (const [name, jitter, share] of [['half of it by default', undefined, 0.5], ['the share that is asked for', 0.2, 0.2], ['all of it', 1, 1]] as const) {
  test(`chance takes off at most ${name}, and spreads those that failed together`, () => {
    const found = waits(jitter);
    assert.ok(Math.min(...found) >= 1_000 * (1 - share) && Math.max(...found) <= 1_000);
    const third = (from: number) => found.filter((wait) => wait >= 1_000 * (1 - share * (from + 1) / 3) && wait < 1_000 * (1 - share * from / 3)).length;
    for (const from of [0, 1, 2]) assert.ok(third(from) > 100, `third ${from}: ${third(from)} of 500`);
  });
}

test('the same failure is decided in the same way, the next one of the same job in another', () => {
  const retry = { attempts: 3, firstMs: 100_000, maxMs: 100_000 };
  assert.deepEqual(ask({ retry }), ask({ retry }));
  assert.notDeepEqual(ask({ retry }), ask({ retry, attempt: 2 }));
});

test('what nobody can know about a sent mail is never retried', () => {
  for (const code of ['SEND_UNKNOWN', 'SEND_REFUSED'] as const) assert.equal(ask({ disposition: codes[code].disposition }), 'give-up');
});
