// What events mean for the time they take: repeated ones, whole days, zones, and those written by somebody hostile.
import assert from 'node:assert/strict';
import test from 'node:test';
import { occurrencesOf } from '#connectors/calendar/occurrences.ts';
import { isoMoment } from '#connectors/calendar/zone.ts';
import { ics } from './calendar-kit.ts';

const zone = 'Europe/Berlin';
const signal = () => AbortSignal.timeout(60_000);
const ask = (texts: string[], from = '2026-03-23T00:00:00+01:00', to = '2026-04-06T00:00:00+02:00', maxMs?: number) =>
  occurrencesOf({ objects: texts.map((text, n) => ({ name: `e${n}.ics`, text, etag: '"1"' })), startMs: Date.parse(from), endMs: Date.parse(to), timeZone: zone }, signal(), maxMs);
const starts = async (...texts: string[]) => (await ask(texts)).map(({ startMs }) => isoMoment(zone, startMs).slice(0, 16));
const periods = async (...texts: string[]) => (await ask(texts)).map(({ startMs, endMs }) => `${isoMoment(zone, startMs)}/${isoMoment(zone, endMs)}`);
const berlin = 'BEGIN:VTIMEZONE\r\nTZID:Office\r\nBEGIN:DAYLIGHT\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nDTSTART:19700329T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\nBEGIN:STANDARD\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n';

test('a weekly event keeps its wall-clock time over the change to summer time, with or without a description of its zone', async () => {
  const expected = ['2026-03-24T10:00', '2026-03-31T10:00'];
  const weekly = ['UID:a', 'RRULE:FREQ=WEEKLY;BYDAY=TU', 'DURATION:PT1H'];
  assert.deepEqual(await starts(ics(...weekly, 'DTSTART;TZID=Europe/Berlin:20250107T100000')), expected, 'a zone that only the system knows');
  assert.deepEqual(await starts(ics(...weekly, 'DTSTART;TZID=Office:20250107T100000').replace('BEGIN:VEVENT', `${berlin}BEGIN:VEVENT`)), expected, 'a zone that only the event knows');
  assert.deepEqual(await starts(ics(...weekly, 'DTSTART:20250107T100000')), expected, 'no zone: the calendar\'s own');
  assert.deepEqual(await starts(ics(...weekly, 'DTSTART:20250107T090000Z')), ['2026-03-24T10:00', '2026-03-31T11:00'], 'UTC does not follow the clock');
  assert.deepEqual(await starts(ics(...weekly, 'DTSTART;TZID=America/New_York:20250107T040000')), ['2026-03-24T09:00', '2026-03-31T10:00'], 'another zone, which changes at another time');
});

test('the last date of a rule with an end in UTC counts, in a zone the event does not describe', async () => {
  assert.deepEqual(await starts(ics('UID:a', 'DTSTART;TZID=Europe/Berlin:20260330T100000', 'DTEND;TZID=Europe/Berlin:20260330T110000', 'RRULE:FREQ=DAILY;UNTIL=20260401T080000Z')), ['2026-03-30T10:00', '2026-03-31T10:00', '2026-04-01T10:00']);
});

test('whole days are days of the calendar\'s zone, also when they have 23 hours', async () => {
  assert.deepEqual(await periods(ics('UID:a', 'DTSTART;VALUE=DATE:20260329', 'DTEND;VALUE=DATE:20260330')), ['2026-03-29T00:00:00+01:00/2026-03-30T00:00:00+02:00']);
  assert.deepEqual(await periods(ics('UID:a', 'DTSTART;VALUE=DATE:20260329')), ['2026-03-29T00:00:00+01:00/2026-03-30T00:00:00+02:00'], 'without an end it is that day');
});

test('dates that are left out, added, moved within, out of and into the time are each where they are', async () => {
  const series = ics('UID:a', 'DTSTART:20260302T100000Z', 'DTEND:20260302T110000Z', 'RRULE:FREQ=WEEKLY', 'EXDATE:20260323T100000Z', 'RDATE:20260326T100000Z');
  const moved = (from: string, to: string) => `BEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:${from}\r\nDTSTART:${to}\r\nDURATION:PT1H\r\nEND:VEVENT\r\n`;
  const with_ = (...exceptions: string[]) => series.replace('END:VCALENDAR', `${exceptions.join('')}END:VCALENDAR`);
  assert.deepEqual(await starts(series), ['2026-03-26T11:00', '2026-03-30T12:00']);
  assert.deepEqual(await starts(with_(moved('20260330T100000Z', '20260331T080000Z'))), ['2026-03-26T11:00', '2026-03-31T10:00']);
  assert.deepEqual(await starts(with_(moved('20260330T100000Z', '20260501T080000Z'))), ['2026-03-26T11:00']);
  assert.deepEqual(await starts(with_(moved('20260504T100000Z', '20260324T080000Z'))), ['2026-03-24T09:00', '2026-03-26T11:00', '2026-03-30T12:00'], 'from a date far after it');
  assert.deepEqual(await starts(moved('20260504T100000Z', '20260324T080000Z').replace(/^/, 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\n').concat('END:VCALENDAR\r\n')), ['2026-03-24T09:00'], 'a single date of somebody else\'s series');
});

test('what is called off or does not block time is seen, and is not busy', async () => {
  const found = await ask([ics('UID:a', 'DTSTART:20260324T100000Z', 'DTEND:20260324T110000Z', 'TRANSP:TRANSPARENT'), ics('UID:b', 'DTSTART:20260324T100000Z', 'DTEND:20260324T110000Z', 'STATUS:CANCELLED'), ics('UID:c', 'DTSTART:20260324T100000Z', 'DTEND:20260324T110000Z', 'STATUS:TENTATIVE')]);
  assert.deepEqual(found.map(({ event, busy }) => [event, busy]), [['e0.ics', false], ['e1.ics', false], ['e2.ics', true]]);
});

test('an event whose end lies before its beginning takes no time, and one that began long ago still counts', async () => {
  assert.deepEqual(await periods(ics('UID:a', 'DTSTART:20260324T100000Z', 'DTEND:20260324T090000Z'), ics('UID:b', 'DTSTART:20260101T000000Z', 'DTEND:20270101T000000Z')), ['2026-01-01T01:00:00+01:00/2027-01-01T01:00:00+01:00', '2026-03-24T11:00:00+01:00/2026-03-24T11:00:00+01:00']);
});

const at = ['UID:a', 'DTSTART:20260101T100000Z', 'DTEND:20260101T110000Z'];
const endless = ['FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=31', 'FREQ=DAILY;INTERVAL=999999999'];
for (const rule of endless) test(`a rule that never comes to an end is named, and the loop goes on meanwhile: ${rule}`, async () => {
  let turns = 0;
  const ticking = setInterval(() => (turns += 1), 20);
  const asked = ask([ics('UID:good', 'DTSTART:20260324T100000Z', 'DURATION:PT1H'), ics(...at, `RRULE:${rule}`)], undefined, undefined, 2_000);
  await assert.rejects(asked.finally(() => clearInterval(ticking)), (error: { code: string; message: string }) => error.code === 'SEND_REFUSED' && error.message.includes('e1.ics'));
  assert.ok(turns > 20, `${turns} turns`);
});

const broken: Record<string, string> = {
  'no iCalendar': 'hello', 'an event cut in the middle': ics(...at).slice(0, 90), 'no beginning': ics('UID:a', 'SUMMARY:x'), 'a date that is none': ics('UID:a', 'DTSTART:2026-99-99'), 'a rule that is none': ics(...at, 'RRULE:FREQ=WEEKLY;BYDAY=XX'),
  'each second of a year': ics(...at, 'RRULE:FREQ=SECONDLY'), 'a vcard': 'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:x\r\nEND:VCARD\r\n',
};
for (const [what, text] of Object.entries(broken)) test(`an event that cannot be worked out is named and never counts as free: ${what}`, async () => {
  await assert.rejects(ask([text], undefined, undefined, 2_000), (error: { code: string; message: string }) => error.code === 'SEND_REFUSED' && error.message.includes('e0.ics'));
});

test('reading ends when the time is up', async () => {
  const question = { objects: [{ name: 'e.ics', text: ics(...at, `RRULE:${endless[0]}`), etag: '' }], startMs: 0, endMs: Date.parse('2027-01-01T00:00Z'), timeZone: zone };
  await assert.rejects(occurrencesOf(question, AbortSignal.timeout(300)), { code: 'SEND_DEFERRED' });
  await assert.rejects(occurrencesOf(question, AbortSignal.abort()), { code: 'SEND_DEFERRED' });
});
