// The calendar connector keeps the contract, against a real CalDAV server.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createCalendarConnector, settingsSchema } from '#connectors/calendar/connector.ts';
import { connectorContract } from '#test/contract/connector.ts';
import { ics, plainSettings, secret, skip, startWorld } from './calendar-kit.ts';

const at = { start: '2026-03-03T09:00:00+01:00', end: '2026-03-03T09:30:00+01:00' };

test('the calendar connector keeps the contract', { skip }, async (t) => {
  const { radicale, proxy, connector } = await startWorld(t);
  const made: { event: string; etag: string; summary: string }[] = [];
  for (let n = 0; n < 40; n += 1) {
    const { etag } = await radicale.put(`own-${n}.ics`, ics(`UID:own-${n}`, 'DTSTART:20260310T090000Z', 'DTEND:20260310T100000Z', 'SUMMARY:Own'));
    made.push({ event: `own-${n}.ics`, etag, summary: 'Own' });
  }
  let taken = 0;
  const own = () => made[taken++]!;
  await connectorContract(t, {
    connector, secrets: { CALDAV_PASSWORD: radicale.password },
    good: {
      'calendar.slots': { from: '2027-03-02T00:00:00+01:00', to: '2027-03-09T00:00:00+01:00', minutes: 30 },
      'calendar.events': { from: '2026-03-02T00:00:00+01:00', to: '2026-03-20T00:00:00+01:00' },
      'calendar.create': (n: number) => ({ summary: `Call ${n}`, ...at, evenIfTaken: true, attendees: [{ address: 'nina@holt.example', name: 'Nina Holt' }] }),
      'calendar.move': () => ({ ...own(), ...at, evenIfTaken: true }),
      'calendar.cancel': own,
    },
    bad: {
      'calendar.slots': [{ from: '2026-03-09T00:00:00Z', to: '2026-03-02T00:00:00Z', minutes: 30 }, { from: '2020-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z', minutes: 30 }, { from: 'tomorrow', to: '2026-03-02T00:00:00Z', minutes: 30 }],
      'calendar.create': [{ summary: 'x', start: at.end, end: at.start }, { summary: 'a\r\nATTENDEE:mailto:eve@evil.example', ...at }, { summary: 'x', ...at, attendees: [{ address: 'Nina@holt.example' }] }, { summary: 'x', ...at, attendees: [{ address: 'nina@holt.example', name: 'N"' }] }, { summary: 'x', ...at, organizer: 'eve@evil.example' }],
      'calendar.move': [{ event: '../other/x.ics', etag: '"1"', summary: 'x', ...at }, { event: 'x.ics', etag: '*', summary: 'x', ...at }, { event: 'x.ics', etag: '"1"\r\nX: y', summary: 'x', ...at }],
      'calendar.cancel': [{ event: '..', etag: '"1"', summary: 'x' }, { event: '', etag: '"1"', summary: 'x' }],
    },
    provider: {
      executed: () => proxy.writes(),
      loseNextReply: () => void proxy.once(/^PUT$/, { kind: 'lose-reply' }),
      silence: () => ({ reached: proxy.always({ kind: 'silence' }), end: () => void proxy.always(null) }),
    },
  });
});

test('settings that would send the password in the clear, or mean nothing, are refused', () => {
  const wrong = [{ url: 'http://dav.example' }, { url: 'https://anna:secret@dav.example' }, { url: 'https://dav.example/?x=1' }, { calendar: '../eve' }, { calendar: '/abs' }, { calendar: 'https://evil.example/' }, { timeZone: 'Europe/Atlantis' }, { workingHours: { mon: ['17:00-09:00'] } }, { workingHours: { mon: ['09:00-12:00', '11:00-13:00'] } }, { workingHours: { someday: [] } }, { password: 'x' }];
  for (const one of wrong) assert.equal(settingsSchema.safeParse({ ...plainSettings, ...one }).success, false, JSON.stringify(one));
  const settings = settingsSchema.parse(plainSettings);
  assert.throws(() => createCalendarConnector(settings, {}), { code: 'BAD_CONFIG' });
  assert.deepEqual(createCalendarConnector(settings, secret).hosts, ['dav.example']);
});
