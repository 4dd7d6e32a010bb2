// Goal: an activity whose numbers make no sense is refused where it is declared, with its name, the number and what to write.
import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { activity, activityOf, type ActivitySpec, type RetryPolicy } from '#machines/define.ts';

const spec = { name: 'page.read', input: z.any(), output: z.any(), timeoutMs: 1_000, retry: { attempts: 2, firstMs: 1, maxMs: 5 } };
const backoff = { firstMs: 1, maxMs: 5 };

for (const [change, message] of [
  [{ timeoutMs: 0 }, /^activity 'page\.read': timeoutMs is 0; use a whole number from 1 on$/],
  [{ timeoutMs: Number.NaN }, /timeoutMs is NaN/],
  [{ heartbeatMs: -1 }, /heartbeatMs is -1/],
  [{ heartbeatMs: 1_000 }, /^activity 'page\.read': heartbeatMs is 1000; use less than timeoutMs, 1000$/],
  [{ concurrency: 0 }, /concurrency is 0/],
  [{ retry: { ...backoff, attempts: 0 } }, /attempts is 0/],
  [{ retry: { ...backoff, attempts: 1.5 } }, /attempts is 1\.5/],
  [{ retry: { ...backoff, untilMs: Infinity } }, /untilMs is Infinity/],
  [{ retry: { attempts: 2, firstMs: 0, maxMs: 5 } }, /firstMs is 0/],
  [{ retry: { ...backoff, attempts: 2, jitter: 1.1 } }, /jitter is 1\.1; use a share from 0 to 1/],
  [{ retry: { ...backoff, untilMs: 5, jitter: Number.NaN } }, /jitter is NaN/],
] as [Partial<ActivitySpec>, RegExp][]) {
  test(`an activity with ${JSON.stringify(change)} is refused: ${message.source}`, () => {
    assert.throws(() => activity({ ...spec, ...change }), { code: 'MACHINE_NOT_DURABLE', message });
  });
}

for (const retry of ['never', { ...backoff, attempts: 1 }, { ...backoff, untilMs: 60_000 }, { ...backoff, untilMs: 60_000, jitter: 0 }] as RetryPolicy[]) {
  test(`an activity may be retried by ${JSON.stringify(retry)}`, () => {
    assert.equal(activityOf(activity({ ...spec, retry, heartbeatMs: 999 }))?.retry, retry);
  });
}
