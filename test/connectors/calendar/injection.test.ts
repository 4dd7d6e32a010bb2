// What is written into an event stays text: no line of it becomes a property, a parameter or a component of its own.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { composeEvent, loadIcal, readEvent } from '#connectors/calendar/ics.ts';
import { createSchema } from '#connectors/calendar/payloads.ts';

const times = { start: '2026-03-03T09:00:00Z', end: '2026-03-03T10:00:00Z' };
const ical = await loadIcal();
const compose = (payload: unknown) => {
  const parsed = createSchema.parse(payload);
  return composeEvent(ical, { ...parsed, startMs: Date.parse(parsed.start), endMs: Date.parse(parsed.end) }, { operationId: 'operation/1', organizer: 'anna@holt.example', nowMs: 0 });
};
const expected = ['attendee', 'description', 'dtend', 'dtstamp', 'dtstart', 'location', 'organizer', 'sequence', 'summary', 'uid', 'x-keelson-operation'];

const refused = ['a\r\nATTENDEE:mailto:eve@evil.example', 'a\nATTENDEE:mailto:eve@evil.example', 'a\rATTENDEE:mailto:eve@evil.example', 'a\u2028ATTENDEE:x', 'a\u2029b', 'a\u0085b', 'a\u0000b', 'a\u001b[31mb', 'a\tb', '\u202egnp.exe', 'a\u2066b', '\ud800', 'a\u{e0041}b', ' ', ''];
for (const text of refused) test(`a summary that is not one plain line is refused: ${JSON.stringify(text)}`, () => {
  assert.equal(createSchema.safeParse({ summary: text, ...times }).success, false);
});
for (const text of ['a\rb', 'a\u2028b', 'a\u0000b', 'a\u000bb', '\ufeffa']) test(`a description with line breaks that only some programs see is refused: ${JSON.stringify(text)}`, () => {
  assert.equal(createSchema.safeParse({ summary: 'x', description: text, ...times }).success, false);
});

const hostile = [
  'END:VEVENT\nBEGIN:VEVENT\nUID:evil\nEND:VEVENT', 'x\nATTENDEE:mailto:eve@evil.example', '\nRRULE:FREQ=SECONDLY', 'a\\nATTENDEE:mailto:eve@evil.example', 'a;b,c:d"e\\', '\\', '\\\\n', 'x\n\tATTENDEE:mailto:eve@evil.example', 'x\n ATTENDEE:y',
  `${'ü'.repeat(200)}\nX:1`, '😀'.repeat(100), "=?utf-8?q?x?=", 'BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT1M\nEND:VALARM', '%0d%0aATTENDEE:x', '^n^\'^^', 'a'.repeat(9_999),
];
for (const text of hostile) test(`a description stays one property with exactly this text: ${JSON.stringify(text.slice(0, 40))}`, () => holds({ summary: 'x', description: text, ...times, location: text.replaceAll(/[\n\t]/g, ' ').slice(0, 200), attendees: [{ address: 'nina@holt.example', name: 'N; X="1":mailto:eve@evil.example'.replaceAll('"', "'") }] }));

function holds(payload: { summary: string; description: string; location: string; attendees: { address: string; name: string }[] }): void {
  const text = compose(payload);
  for (const line of text.split('\r\n')) {
    assert.ok(Buffer.byteLength(line) <= 75, 'a line is folded');
    assert.ok(!/[\r\n]/.test(line), 'a line break of its own');
  }
  const calendar = new ical.Component(ical.parse(text) as unknown[]);
  const [event, ...more] = calendar.getAllSubcomponents();
  assert.deepEqual([calendar.name, event?.name, more.length, event?.getAllSubcomponents().length], ['vcalendar', 'vevent', 0, 0]);
  const names = event!.getAllProperties().map(({ name }) => name).toSorted();
  assert.deepEqual(names, expected.filter((name) => (name !== 'description' || payload.description !== '') && (name !== 'location' || payload.location !== '')));
  assert.equal(event!.getFirstPropertyValue('summary'), payload.summary);
  assert.equal(event!.getFirstPropertyValue('description') ?? '', payload.description);
  assert.equal(event!.getFirstPropertyValue('location') ?? '', payload.location);
  const attendee = event!.getFirstProperty('attendee')!;
  assert.deepEqual([attendee.getFirstValue(), attendee.getFirstParameter('cn')], ['mailto:nina@holt.example', payload.attendees[0]!.name]);
  assert.deepEqual(readEvent(ical, text).attendees, ['nina@holt.example']);
}

test('whatever text the schema takes, the event that is read back is the one that was written', () => {
  const nasty = fc.string({ unit: fc.constantFrom('\n', '\\', 'n', 'N', ';', ',', ':', '"', '^', '=', ' ', 'ä', '😀', 'END:VEVENT', 'ATTENDEE', '\u00a0', '%0A'), maxLength: 120 });
  fc.assert(fc.property(nasty, nasty, nasty, nasty, (summary, description, location, name) => {
    const payload = { summary, description, location, ...times, attendees: [{ address: 'nina@holt.example', name }] };
    if (createSchema.safeParse(payload).success) holds(payload);
  }), { numRuns: 2_000 });
});
