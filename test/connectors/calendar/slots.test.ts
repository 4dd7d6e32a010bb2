// Free times on days of every kind, without a server.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { freeSlots, type Period } from '#connectors/calendar/slots.ts';
import { isoMoment, momentOf, wallOf } from '#connectors/calendar/zone.ts';
import { plainSettings } from './calendar-kit.ts';

const zone = 'Europe/Berlin';
const ms = (text: string) => Date.parse(text);
const day = (from: string, to: string): Period => ({ startMs: ms(from), endMs: ms(to) });
const slots = (window: Period, taken: Period[], minutes: number, limit = 100) => freeSlots({ ...plainSettings, timeZone: zone }, window, taken, { lengthMs: minutes * 60_000, limit }).map(({ startMs }) => isoMoment(zone, startMs));

test('slots lie within the working hours of their day, one after the other', () => {
  assert.deepEqual(slots(day('2026-03-02T00:00+01:00', '2026-03-03T00:00+01:00'), [], 60), ['09', '10', '11', '13', '14', '15', '16'].map((hour) => `2026-03-02T${hour}:00:00+01:00`));
  assert.deepEqual(slots(day('2026-03-07T00:00+01:00', '2026-03-08T00:00+01:00'), [], 15), [], 'nobody works on this Saturday');
  assert.equal(slots(day('2026-03-02T00:00+01:00', '2026-03-09T00:00+01:00'), [], 15, 3).length, 3);
});

test('what is taken is left out to the minute, and the next slot begins at a full quarter of an hour', () => {
  const taken = [day('2026-03-02T10:05+01:00', '2026-03-02T11:20+01:00'), day('2026-03-02T13:00+01:00', '2026-03-02T16:40+01:00')];
  assert.deepEqual(slots(day('2026-03-02T00:00+01:00', '2026-03-03T00:00+01:00'), taken, 30), ['09:00', '09:30', '11:30'].map((time) => `2026-03-02T${time}:00+01:00`));
});

test('a window that begins or ends within a slot cuts it off, and what has no length takes no time', () => {
  assert.deepEqual(slots(day('2026-03-02T09:10+01:00', '2026-03-02T10:40+01:00'), [day('2026-03-02T09:40+01:00', '2026-03-02T09:40+01:00')], 30), ['09:15', '09:45'].map((time) => `2026-03-02T${time}:00+01:00`));
});

test('working hours follow the clock on the days on which it is changed', () => {
  // On 29 March 2026 the hour from 02:00 is left out, on 25 October it comes twice.
  assert.deepEqual(slots(day('2026-03-29T00:00+01:00', '2026-03-30T00:00+02:00'), [], 60), ['00:00:00+01', '01:00:00+01', '03:00:00+02', '04:00:00+02', '05:00:00+02'].map((time) => `2026-03-29T${time}:00`));
  assert.equal(slots(day('2026-10-25T00:00+02:00', '2026-10-26T00:00+01:00'), [], 60).length, 7);
});

test('a time that is left out lies after the gap, one that comes twice is its first coming', () => {
  const read = (month: number, date: number) => isoMoment(zone, momentOf(zone, { year: 2026, month, day: date, hour: 2, minute: 30 }));
  assert.deepEqual([read(3, 29), read(10, 25)], ['2026-03-29T03:30:00+02:00', '2026-10-25T02:30:00+02:00']);
});

test('every slot is free, long enough, inside of window and hours, and none overlaps another', () => {
  const start = ms('2026-03-20T00:00Z');
  const period = fc.record({ startMs: fc.integer({ min: start, max: start + 20 * 86_400_000 }), endMs: fc.integer({ min: 0, max: 12 * 3_600_000 }) }).map((one) => ({ startMs: one.startMs, endMs: one.startMs + one.endMs }));
  fc.assert(fc.property(period, fc.array(period, { maxLength: 30 }), fc.integer({ min: 5, max: 300 }), (window, taken, minutes) => {
    const found = freeSlots({ ...plainSettings, timeZone: zone }, window, taken, { lengthMs: minutes * 60_000, limit: 1_000 });
    for (const [n, slot] of found.entries()) {
      assert.equal(slot.endMs - slot.startMs, minutes * 60_000);
      assert.ok(slot.startMs >= window.startMs && slot.endMs <= window.endMs);
      assert.ok(taken.every((one) => one.endMs === one.startMs || one.endMs <= slot.startMs || one.startMs >= slot.endMs));
      assert.ok(n === 0 || found[n - 1]!.endMs <= slot.startMs);
    }
  }), { numRuns: 300 });
});

test('wall-clock times and moments lead to each other in any zone, at any time of the year', () => {
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia', 'America/St_Johns'];
  fc.assert(fc.property(fc.constantFrom(...zones), fc.integer({ min: ms('2000-01-01T00:00Z') / 1_000, max: ms('2100-01-01T00:00Z') / 1_000 }), (timeZone, seconds) => {
    const [at, back] = [seconds * 1_000, momentOf(timeZone, wallOf(timeZone, seconds * 1_000))];
    // An hour that comes twice is read as its first coming.
    assert.ok(back === at || (back < at && at - back <= 3_600_000 && isoMoment(timeZone, back).slice(0, 19) === isoMoment(timeZone, at).slice(0, 19)), `${timeZone} ${isoMoment(timeZone, at)}`);
    assert.equal(Date.parse(isoMoment(timeZone, at)), at);
  }), { numRuns: 2_000 });
});
