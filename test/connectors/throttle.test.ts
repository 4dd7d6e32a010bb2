// Goal: a provider is called so often a minute and left alone after it failed several times in a row; what does not get through certainly
// did not happen, and says when to come back. Method: a clock that the test moves, and for the pause of the circuit the timers of node:test.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Connector } from '#connectors/connector.ts';
import { createThrottle } from '#connectors/throttle.ts';
import { KeelsonError, type Code } from '#machines/errors.ts';

const connector = (name: string, perMinute?: number): Connector => ({ name, version: '1', hosts: [], secrets: [], actions: [], ...(perMinute === undefined ? {} : { perMinute }) });
const begin = () => {
  const at = { nowMs: 1_000_000 };
  return { at, throttle: createThrottle({ clock: { now: () => at.nowMs } as never }) };
};
const failing = (code: Code) => () => Promise.reject(new KeelsonError(code, code));
const deferred = (message: RegExp, retryAfterMs?: number) => (error: unknown) => error instanceof KeelsonError && error.code === 'SEND_DEFERRED' && message.test(error.message) && (retryAfterMs === undefined || error.retryAfterMs === retryAfterMs);

test('calls beyond so many a minute are deferred until the first of them is a minute old', async () => {
  const { at, throttle } = begin();
  const twice = connector('shop', 2);
  let calls = 0;
  const call = () => throttle.run(twice, async () => ++calls);
  await call();
  at.nowMs += 10_000;
  await call();
  await assert.rejects(call(), deferred(/shop takes 2 calls a minute/, 50_000));
  assert.equal(calls, 2);
  await throttle.run(connector('other', 2), async () => ++calls);
  at.nowMs += 50_000;
  await call();
  assert.equal(calls, 4);
});

test('after five failures in a row nothing is called for half a minute, then one call tries', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] });
  const { throttle } = begin();
  const shop = connector('shop');
  for (let i = 0; i < 5; i++) await assert.rejects(throttle.run(shop, failing('SEND_UNKNOWN')), (error) => error instanceof KeelsonError && error.code === 'SEND_UNKNOWN');
  let calls = 0;
  const call = () => throttle.run(shop, async () => ++calls);
  await assert.rejects(call(), deferred(/shop failed 5 times in a row/, 30_000));
  assert.equal(calls, 0);
  await throttle.run(connector('other'), async () => ++calls);
  t.mock.timers.tick(30_001);
  await call();
  await call();
  assert.equal(calls, 3);
});

test('a definite no is an answer and no outage', async () => {
  const { throttle } = begin();
  const shop = connector('shop');
  for (let i = 0; i < 20; i++) await assert.rejects(throttle.run(shop, failing('SEND_REFUSED')), (error) => error instanceof KeelsonError && error.code === 'SEND_REFUSED');
  assert.equal(await throttle.run(shop, async () => 'served'), 'served');
});
