// Goal: what a status means for an effect is one table, and a time that the server names is kept to, within reason.
import assert from 'node:assert/strict';
import test from 'node:test';
import { readRetryAfter, statusError, type Effect } from '#connectors/http-errors.ts';

const nowMs = Date.UTC(2026, 0, 1);
const codeFor = (status: number, effect: Effect, headers: Record<string, string> = {}, keyed = false) => statusError({ status, headers, host: 'shop.example', effect, nowMs, keyed })?.code ?? null;

test('a status means the same for every connector', () => {
  const table: [status: number, read: string | null, write: string | null][] = [
    [200, null, null], [201, null, null], [204, null, null], [299, null, null],
    [301, 'SEND_REFUSED', 'SEND_UNKNOWN'], [302, 'SEND_REFUSED', 'SEND_UNKNOWN'], [303, 'SEND_REFUSED', 'SEND_UNKNOWN'], [304, 'SEND_REFUSED', 'SEND_REFUSED'], [307, 'SEND_REFUSED', 'SEND_REFUSED'], [308, 'SEND_REFUSED', 'SEND_REFUSED'],
    [400, 'SEND_REFUSED', 'SEND_REFUSED'], [401, 'SEND_REFUSED', 'SEND_REFUSED'], [403, 'SEND_REFUSED', 'SEND_REFUSED'], [404, 'SEND_REFUSED', 'SEND_REFUSED'], [409, 'SEND_REFUSED', 'SEND_REFUSED'], [422, 'SEND_REFUSED', 'SEND_REFUSED'],
    [408, 'SEND_DEFERRED', 'SEND_UNKNOWN'], [425, 'SEND_DEFERRED', 'SEND_DEFERRED'], [429, 'SEND_DEFERRED', 'SEND_DEFERRED'],
    [500, 'SEND_DEFERRED', 'SEND_UNKNOWN'], [502, 'SEND_DEFERRED', 'SEND_UNKNOWN'], [503, 'SEND_DEFERRED', 'SEND_UNKNOWN'], [504, 'SEND_DEFERRED', 'SEND_UNKNOWN'], [599, 'SEND_DEFERRED', 'SEND_UNKNOWN'],
  ];
  for (const [status, read, write] of table) assert.deepEqual([status, codeFor(status, 'read'), codeFor(status, 'write')], [status, read, write]);
  assert.equal(codeFor(503, 'write', { 'retry-after': '5' }), 'SEND_DEFERRED', 'it says that it did not do it, and when it will');
  assert.equal(codeFor(503, 'write', { 'retry-after': 'soon' }), 'SEND_UNKNOWN');
  assert.equal(codeFor(409, 'write', {}, true), 'SEND_UNKNOWN', 'with a key it may speak of our own first try');
});

test('a Retry-After is kept to, as seconds or as a date, within a day', () => {
  const cases: [string | undefined, number | undefined][] = [
    [undefined, undefined], ['7', 7_000], [' 0 ', 0], ['9999999999', 86_400_000], ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000], ['Wed, 31 Dec 2025 00:00:00 GMT', 0], ['Fri, 01 Jan 2100 00:00:00 GMT', 86_400_000],
    ['', undefined], ['soon', undefined], ['-5', undefined], ['1e9', undefined], ['5.5', undefined], ['99999999999999', undefined], ['Foo, bar', undefined],
  ];
  for (const [header, ms] of cases) assert.equal(readRetryAfter(header, nowMs), ms, header);
  assert.equal(statusError({ status: 429, headers: { 'retry-after': '7' }, host: 'shop.example', effect: 'write', nowMs })?.retryAfterMs, 7_000);
});
