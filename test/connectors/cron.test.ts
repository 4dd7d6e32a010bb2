// Goal: times are those that a person who reads the expression in that time zone expects, also where the clock is changed and
// months differ. Method: the calendar itself, years that are known, and both directions against each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeelsonError } from '#machines/errors.ts';
import { openCalendar } from '#connectors/cron.ts';

async function times(cron: string, from: string, count: number, timeZone = 'Europe/Berlin'): Promise<string[]> {
  const calendar = await openCalendar({ cron, timeZone });
  const found: string[] = [];
  for (let at = calendar.next(Date.parse(from)); at !== null && found.length < count; at = calendar.next(at)) found.push(new Date(at).toISOString().slice(0, 16));
  return found;
}

const table: [title: string, cron: string, from: string, expected: string[], timeZone?: string][] = [
  ['the hour of the zone, in winter and in summer', '0 9 1 1,7 *', '2026-01-01T00:00Z', ['2026-01-01T08:00', '2026-07-01T07:00']],
  ['02:30 that summer time leaves out comes at 03:00, once', '30 2 * * *', '2026-03-28T12:00Z', ['2026-03-29T01:00', '2026-03-30T00:30']],
  ['02:30 that comes twice in autumn runs the first time only', '30 2 * * *', '2026-10-24T12:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
  ['02:30 in a list of hours as well', '30 2,14 * * *', '2026-03-28T20:00Z', ['2026-03-29T01:00', '2026-03-29T12:30']],
  ['each half hour follows the clock: none in the gap', '*/30 * * * *', '2026-03-29T00:15Z', ['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30']],
  ['each half hour follows the clock: the hour that comes twice, twice', '*/30 2 * * *', '2026-10-24T23:59Z', ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30', '2026-10-26T01:00']],
  ['the 31st comes in months that have one', '0 12 31 * *', '2026-01-31T20:00Z', ['2026-03-31T10:00', '2026-05-31T10:00', '2026-07-31T10:00']],
  ['L is the last day of each month', '0 12 L * *', '2026-01-31T20:00Z', ['2026-02-28T11:00', '2026-03-31T10:00', '2026-04-30T10:00']],
  ['29 February comes in leap years', '0 0 29 2 *', '2026-01-01T00:00Z', ['2028-02-29T00:00', '2032-02-29T00:00'], 'UTC'],
  ['the first Monday of a month', '0 8 * * 1#1', '2026-11-23T00:00Z', ['2026-12-07T07:00', '2027-01-04T07:00']],
  ['@daily is midnight in the zone', '@daily', '2026-11-23T00:00Z', ['2026-11-23T23:00']],
  ['a zone with quarter hours', '0 9 * * *', '2026-11-23T00:00Z', ['2026-11-23T03:15'], 'Asia/Kathmandu'],
];
for (const [title, cron, from, expected, timeZone] of table) {
  test(title, async () => assert.deepEqual(await times(cron, from, expected.length, timeZone), expected));
}

test('a time itself is not after itself, and is the last one up to itself', async () => {
  const { next, last } = await openCalendar({ cron: '0 9 * * *', timeZone: 'UTC' });
  const nine = Date.parse('2026-11-23T09:00Z');
  const day = 86_400_000;
  assert.deepEqual([next(nine - 1), next(nine), next(nine + 1)], [nine, nine + day, nine + day]);
  assert.deepEqual([last(nine - 1, 1), last(nine, 1), last(nine + 1, 2)], [[nine - day], [nine], [nine - day, nine]]);
});

test('looking back finds the same times as looking ahead, over both changes of the clock', async () => {
  for (const timeZone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']) {
    for (const cron of ['30 2 * * *', '*/20 1-3 * * *', '0 2,14 * * *', '45 1 * * 0']) {
      const { next, last } = await openCalendar({ cron, timeZone });
      for (const [from, to] of [['2026-03-05', '2026-04-08'], ['2026-10-01', '2026-11-05']] as const) {
        const ahead: number[] = [];
        for (let at = next(Date.parse(from)); at !== null && at <= Date.parse(to); at = next(at)) ahead.push(at);
        assert.deepEqual(last(Date.parse(to), ahead.length), ahead, `${cron} in ${timeZone}`);
      }
    }
  }
});

test('a time that never comes is null', async () => {
  assert.equal((await openCalendar({ cron: '0 0 30 2 *', timeZone: 'UTC' })).next(Date.parse('2026-01-01')), null);
});

test('what cannot be read is BAD_CONFIG and names the field', async () => {
  const bad: [cron: string, timeZone: string, words: RegExp][] = [
    ['0 9 * * *', 'Mars/Base', /^timeZone: 'Mars\/Base' is no time zone/], ['0 9 * * *', 'Berlin', /^timeZone: /],
    ['61 9 * * *', 'UTC', /^cron: '61 9 \* \* \*' cannot be read: /], ['every day', 'UTC', /^cron: /], ['0 9 * *', 'UTC', /^cron: /], ['0 0 9 * * *', 'UTC', /^cron: /], ['2027-01-01T00:00:00', 'UTC', /^cron: /], ['@never', 'UTC', /^cron: /],
  ];
  for (const [cron, timeZone, words] of bad) {
    await assert.rejects(openCalendar({ cron, timeZone }), (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && words.test(error.message), `${cron} ${timeZone}`);
  }
});
