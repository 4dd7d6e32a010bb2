// Against a real CalDAV server: what is booked stands there, what changed meanwhile is not touched, and what was lost is found again.
import assert from 'node:assert/strict';
import { createServer } from 'node:tls';
import test from 'node:test';
import type { AddressInfo } from 'node:net';
import { createCalendarConnector, settingsSchema } from '#connectors/calendar/connector.ts';
import { ics, lookUp, perform, plainSettings, secret, skip, startWorld, type World } from './calendar-kit.ts';

const morning = { start: '2026-03-03T09:00:00+01:00', end: '2026-03-03T10:00:00+01:00' };
const later = { start: '2026-03-04T09:00:00+01:00', end: '2026-03-04T10:00:00+01:00' };
const call = { summary: 'Call with Nina', ...morning, attendees: [{ address: 'nina@holt.example', name: 'Nina Holt' }] };
const window = { from: '2026-03-03T00:00:00+01:00', to: '2026-03-04T00:00:00+01:00' };
interface Booked { event: string; etag: string; start: string; end: string }
const book = async (world: World, id: string, payload: object = call) => (await perform(world.connector, 'calendar.create', payload, id)).result as unknown as Booked;
const freeTimes = async ({ connector }: World, days = window) => ((await perform(connector, 'calendar.slots', { ...days, minutes: 60 })).result as unknown as { slots: { start: string }[] }).slots.map(({ start }) => start.slice(11, 16));

test('the calendar on a real server', { skip }, async (t) => {
  const world = await startWorld(t);
  const { radicale, proxy, connector } = world;

  await t.test('a free time is found, booked, taken, moved and free again', async () => {
    assert.deepEqual(await freeTimes(world), ['09:00', '10:00', '11:00', '12:00', '13:00', '14:00', '15:00', '16:00']);
    const done = await perform(connector, 'calendar.create', call, 'operation/flow');
    assert.deepEqual(done.facts.map(({ entity, predicate }) => [entity, predicate]), [['person/nina@holt.example', 'calendar.booked']]);
    const { event, etag } = done.result as unknown as Booked;
    const stored = (await radicale.get(event))!.replaceAll('\r\n ', '');
    for (const line of ['DTSTART:20260303T080000Z', 'DTEND:20260303T090000Z', 'ORGANIZER:mailto:anna@holt.example']) assert.ok(stored.includes(line), stored);
    assert.match(stored, /ATTENDEE;[^\r]*CN="?Nina Holt"?[^\r]*:mailto:nina@holt\.example/);
    assert.equal((await freeTimes(world))[0], '10:00');
    const moved = await perform(connector, 'calendar.move', { event, etag, summary: call.summary, attendees: ['nina@holt.example'], ...later }, 'operation/flow-move');
    assert.equal((await freeTimes(world))[0], '09:00');
    assert.equal((await freeTimes(world, { from: '2026-03-04T00:00:00+01:00', to: '2026-03-05T00:00:00+01:00' }))[0], '10:00');
    await perform(connector, 'calendar.cancel', { event, etag: (moved.result as unknown as Booked).etag, summary: call.summary, attendees: ['nina@holt.example'] }, 'operation/flow-cancel');
    assert.match((await radicale.get(event))!, /STATUS:CANCELLED/);
    assert.equal((await freeTimes(world, { from: '2026-03-04T00:00:00+01:00', to: '2026-03-05T00:00:00+01:00' }))[0], '09:00');
    for (const [name, id] of [['calendar.move', 'operation/flow-move'], ['calendar.cancel', 'operation/flow-cancel']] as const) {
      assert.equal((await lookUp(connector, name, { event, etag: '"x"', summary: call.summary, ...(name === 'calendar.move' ? later : {}) }, id)).found, 'done', `${name} is still found after what came later`);
    }
    await radicale.remove(event);
  });

  await t.test('repeated events, whole days and those of other programs take their time', async () => {
    await radicale.put('weekly.ics', ics('UID:weekly', 'DTSTART:20250107T090000Z', 'DTEND:20250107T110000Z', 'RRULE:FREQ=WEEKLY;BYDAY=TU', 'SUMMARY:Weekly'));
    assert.deepEqual(await freeTimes(world), ['09:00', '12:00', '13:00', '14:00', '15:00', '16:00']);
    await radicale.put('day.ics', ics('UID:day', 'DTSTART;VALUE=DATE:20260303', 'SUMMARY:Holiday'));
    assert.deepEqual(await freeTimes(world), []);
    const { events } = (await perform(connector, 'calendar.events', window)).result as { events: { event: string; etag: string; summary: string; repeats: boolean; allDay: boolean }[] };
    assert.deepEqual(events.map(({ event, summary, repeats, allDay }) => [event, summary, repeats, allDay]), [['day.ics', 'Holiday', false, true], ['weekly.ics', 'Weekly', true, false]]);
    const [, weekly] = events;
    await assert.rejects(perform(connector, 'calendar.cancel', { event: 'weekly.ics', etag: weekly!.etag, summary: 'Weekly' }), { code: 'SEND_REFUSED', message: /it repeats/ });
    for (const name of ['weekly.ics', 'day.ics']) await radicale.remove(name);
  });

  await t.test('times in the past are not offered', async () => {
    assert.deepEqual(await freeTimes(world, { from: '2026-02-02T00:00:00+01:00', to: '2026-02-06T00:00:00+01:00' }), []);
  });

  await t.test('the same operation twice is one event, also when the first reply was lost and the server was killed in between', async () => {
    const before = radicale.names().length;
    const met = proxy.once(/^PUT$/, { kind: 'lose-reply' });
    await assert.rejects(book(world, 'operation/twice'), { code: 'SEND_UNKNOWN' });
    await met;
    await radicale.kill();
    await assert.rejects(lookUp(connector, 'calendar.create', call, 'operation/twice'), { code: 'SEND_DEFERRED' });
    await radicale.start();
    assert.equal((await lookUp(connector, 'calendar.create', call, 'operation/twice')).found, 'done');
    const { event } = await book(world, 'operation/twice');
    assert.equal(radicale.names().length, before + 1);
    await radicale.remove(event);
    assert.equal((await lookUp(connector, 'calendar.create', call, 'operation/twice')).found, 'absent');
  });

  await t.test('a server that is down, and one that dies before it has answered, are told apart', async () => {
    await radicale.kill();
    const gone = createCalendarConnector(settingsSchema.parse({ ...plainSettings, url: radicale.url }), secret);
    await assert.rejects(perform(gone, 'calendar.create', call), { code: 'SEND_DEFERRED' });
    // The proxy is reached, what stands behind it is not: from here nobody can tell.
    await assert.rejects(book(world, 'operation/down', { ...call, evenIfTaken: true }), { code: 'SEND_UNKNOWN' });
    await assert.rejects(perform(connector, 'calendar.slots', { ...window, minutes: 60 }), { code: 'SEND_DEFERRED' });
    await radicale.start();
    assert.equal((await lookUp(connector, 'calendar.create', call, 'operation/down')).found, 'absent');
  });

  await t.test('what came in between is not booked over, by a new event or a moved one', async () => {
    const { event, etag } = await book(world, 'operation/first');
    await assert.rejects(book(world, 'operation/second', { ...call, start: '2026-03-03T09:30:00+01:00', end: '2026-03-03T10:30:00+01:00' }), { code: 'SEND_REFUSED', message: /taken by “Call with Nina”/ });
    assert.equal((await lookUp(connector, 'calendar.create', call, 'operation/second')).found, 'absent');
    const next = await book(world, 'operation/next', { ...call, start: '2026-03-03T10:00:00+01:00', end: '2026-03-03T11:00:00+01:00' });
    const known = { summary: call.summary, attendees: ['nina@holt.example'], start: '2026-03-03T09:30:00+01:00', end: '2026-03-03T10:00:00+01:00' };
    await assert.rejects(perform(connector, 'calendar.move', { ...known, event: next.event, etag: next.etag }), { code: 'SEND_REFUSED', message: /taken by/ });
    await perform(connector, 'calendar.move', { ...known, event, etag }, 'operation/within-itself');
    await book(world, 'operation/anyway', { ...call, evenIfTaken: true });
    for (const name of radicale.names()) await radicale.remove(name);
  });

  await t.test('a foreign object under our name is neither overwritten nor taken for ours', async () => {
    const { event } = await book(world, 'operation/name');
    await radicale.remove(event);
    await radicale.put(event, ics('UID:foreign', 'DTSTART:20260303T090000Z', 'DTEND:20260303T100000Z', 'SUMMARY:Foreign'));
    await assert.rejects(book(world, 'operation/name'), { code: 'SEND_REFUSED', message: /another one stands/ });
    assert.equal((await lookUp(connector, 'calendar.create', call, 'operation/name')).found, 'unclear');
    assert.match((await radicale.get(event))!, /Foreign/);
    await radicale.remove(event);
  });

  await t.test('an event that somebody changed meanwhile is neither moved nor called off', async () => {
    const { event, etag } = await book(world, 'operation/changed');
    const known = { event, etag, summary: call.summary, attendees: ['nina@holt.example'] };
    await radicale.put(event, (await radicale.get(event))!.replace('SUMMARY:Call with Nina', 'SUMMARY:Board meeting'));
    const now = await radicale.get(event);
    for (const [name, payload] of [['calendar.move', { ...known, ...later }], ['calendar.cancel', known]] as const) {
      await assert.rejects(perform(connector, name, payload, 'operation/late'), { code: 'SEND_REFUSED', message: /changed since/ });
      assert.equal((await lookUp(connector, name, payload, 'operation/late')).found, 'unclear');
    }
    const { events } = (await perform(connector, 'calendar.events', window)).result as { events: { event: string; etag: string }[] };
    const fresh = { ...known, etag: events.find((one) => one.event === event)!.etag };
    await assert.rejects(perform(connector, 'calendar.cancel', fresh), { code: 'SEND_REFUSED', message: /it is called “Board meeting”/ }, 'what the operator was shown is not what it is');
    await assert.rejects(perform(connector, 'calendar.cancel', { ...fresh, summary: 'Board meeting', attendees: [] }), { code: 'SEND_REFUSED', message: /nina@holt\.example would hear of it/ });
    assert.equal(await radicale.get(event), now);
    await radicale.remove(event);
    await assert.rejects(perform(connector, 'calendar.cancel', fresh), { code: 'SEND_REFUSED', message: /not there any more/ });
    assert.equal((await lookUp(connector, 'calendar.cancel', fresh, 'operation/late')).found, 'unclear');
  });

  await t.test('a change that is repeated by its own operation is done once', async () => {
    const { event, etag } = await book(world, 'operation/again');
    const move = { event, etag, summary: call.summary, attendees: ['nina@holt.example'], ...later };
    const [first, writes] = [await perform(connector, 'calendar.move', move, 'operation/again-move'), proxy.writes()];
    assert.deepEqual(await perform(connector, 'calendar.move', move, 'operation/again-move'), first);
    assert.equal(proxy.writes(), writes);
    assert.equal((await radicale.get(event))!.match(/X-KEELSON-OPERATION/g)?.length, 2);
    await radicale.remove(event);
  });

  await t.test('moving keeps what other programs wrote into the event', async () => {
    const { etag } = await radicale.put('rich.ics', ics('UID:rich', 'DTSTART;TZID=Europe/Berlin:20260303T090000', 'DURATION:PT1H', 'SUMMARY:Rich', 'X-OTHER:kept', 'CATEGORIES:a,b', 'BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:x\r\nEND:VALARM'));
    await perform(connector, 'calendar.move', { event: 'rich.ics', etag, summary: 'Rich', ...later }, 'operation/rich');
    const text = (await radicale.get('rich.ics'))!;
    for (const line of ['X-OTHER:kept', 'CATEGORIES:a,b', 'BEGIN:VALARM', 'DTSTART:20260304T080000Z', 'DTEND:20260304T090000Z']) assert.ok(text.includes(line), `${line} in ${text}`);
    assert.ok(!/^DURATION/m.test(text));
    await radicale.remove('rich.ics');
  });

  await t.test('a wrong password, a missing calendar and a redirect are definite, and name no password', async () => {
    const other = (changed: object, password = radicale.password) => createCalendarConnector(settingsSchema.parse({ ...plainSettings, url: radicale.url, ...changed }), { CALDAV_PASSWORD: password });
    for (const wrong of [other({}, 'wrong-password-77'), other({ calendar: 'anna/none' }), other({ calendar: 'eve/work' })]) {
      for (const [name, payload] of [['calendar.create', call], ['calendar.slots', { ...window, minutes: 60 }]] as const) {
        await assert.rejects(perform(wrong, name, payload), (error: { code: string; message: string; cause?: unknown }) => error.code === 'SEND_REFUSED' && !error.message.includes('wrong-password-77') && error.cause === undefined);
      }
    }
    void proxy.once(/^PUT$/, { kind: 'answer', status: 302, headers: { location: radicale.url } });
    await assert.rejects(book(world, 'operation/redirect'), { code: 'SEND_UNKNOWN' });
    assert.equal((await lookUp(connector, 'calendar.create', call, 'operation/redirect')).found, 'absent');
  });

  await t.test('a 500 after executing is unknown and settled by asking; busy servers are tried later', async () => {
    void proxy.once(/^PUT$/, { kind: 'answer-after', status: 500 });
    await assert.rejects(book(world, 'operation/500'), { code: 'SEND_UNKNOWN' });
    assert.equal((await lookUp(connector, 'calendar.create', call, 'operation/500')).found, 'done');
    void proxy.once(/^PUT$/, { kind: 'answer', status: 429, headers: { 'retry-after': '7' } });
    await assert.rejects(book(world, 'operation/429', { ...call, evenIfTaken: true }), { code: 'SEND_DEFERRED', retryAfterMs: 7_000 });
    void proxy.once(/^REPORT$/, { kind: 'answer', status: 500 });
    await assert.rejects(freeTimes(world), { code: 'SEND_DEFERRED' });
  });

  const noList = {
    'an answer without end': { kind: 'flood', bytes: 100_000_000 }, 'no XML': { kind: 'answer', status: 207, headers: { 'content-type': 'text/xml' }, body: '{"a":1}' }, 'another page': { kind: 'answer', status: 200, headers: { 'content-type': 'text/html' }, body: '<html>please log in</html>' },
    'a list cut in the middle': { kind: 'answer', status: 207, headers: { 'content-type': 'text/xml' }, body: '<?xml version="1.0"?><multistatus xmlns="DAV:"><response><href>/a.ics</href>' },
    'a list cut after its first event': { kind: 'answer', status: 207, headers: { 'content-type': 'text/xml' }, body: `<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><response><href>/anna/work/a.ics</href><propstat><prop><getetag>"1"</getetag><C:calendar-data>${ics('UID:a', 'DTSTART:20260303T090000Z')}</C:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>` },
    'a list that says not found': { kind: 'answer', status: 207, headers: { 'content-type': 'text/xml' }, body: '<multistatus xmlns="DAV:"><response><href>/anna/work/</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>' },
    'events without their text': { kind: 'answer', status: 207, headers: { 'content-type': 'text/xml' }, body: '<multistatus xmlns="DAV:"><response><href>/anna/work/a.ics</href><propstat><prop><getetag>"1"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>' },
    'a compressed answer': { kind: 'answer', status: 207, headers: { 'content-type': 'text/xml', 'content-encoding': 'gzip' }, body: 'x' },
  } as const;
  for (const [what, fault] of Object.entries(noList)) await t.test(`no time counts as free because of ${what}`, async () => {
    void proxy.once(/^REPORT$/, fault);
    await assert.rejects(freeTimes(world), { code: /^SEND_(REFUSED|DEFERRED)$/ });
  });

  await t.test('silence ends with the call: a read may be tried again, a booking is unknown', async () => {
    for (const [name, payload, code] of [['calendar.slots', { ...window, minutes: 60 }, 'SEND_DEFERRED'], ['calendar.create', { ...call, evenIfTaken: true }, 'SEND_UNKNOWN']] as const) {
      const controller = new AbortController();
      const met = proxy.once(/^(?:REPORT|PUT)$/, { kind: 'silence' });
      const asked = assert.rejects(perform(connector, name, payload, 'operation/silence', controller.signal), { code });
      await met;
      controller.abort();
      await asked;
    }
  });
});

test('a server whose certificate nobody vouches for hears nothing', async (t) => {
  let heard = 0;
  const server = createServer({}, (socket) => socket.on('data', () => (heard += 1)));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const connector = createCalendarConnector(settingsSchema.parse({ ...plainSettings, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }), secret);
  await assert.rejects(perform(connector, 'calendar.create', call), { code: 'SEND_DEFERRED' });
  assert.equal(heard, 0);
});
