// Booking, moving and calling off. Each leaves the mark of its operation in the event, by which a lost reply is settled: a new event
// stands under a name that follows from the operation, a change goes only onto the very version that was approved.
import { KeelsonError } from '#machines/errors.ts';
import type { Found, Performed } from '#machines/effects.ts';
import type { Fact } from '#machines/records.ts';
import { action, type Action, type Call } from '../connector.ts';
import type { Dav, StoredEvent } from './dav.ts';
import { changeEvent, composeEvent, loadIcal, markOf, readEvent, uidOf, type OwnEvent } from './ics.ts';
import { cancelSchema, createSchema, hostControl, moveSchema, periodOf, recipients, showPeriod, type CancelPayload, type CreatePayload, type MovePayload } from './payloads.ts';
import type { Look } from './reads.ts';
import type { CalendarSettings } from './settings.ts';
import { overlaps } from './slots.ts';
import { isoMoment } from './zone.ts';

const fixed = { effect: 'write', risk: 'low', reversible: true, money: false, idempotency: { kind: 'lookup' } } as const;
const told = (addresses: readonly string[]) => (addresses.length === 0 ? [] : [`the calendar server may write to ${addresses.length === 1 ? 'one person' : `${addresses.length} people`}: ${addresses.join(', ')}`]);
const riskOf = (addresses: readonly string[]) => (addresses.length === 0 ? 'low' as const : 'medium' as const);

const nameOf = (operationId: string) => `${uidOf(operationId)}.ics`;

/** What the operator was shown of the event must be true of it. */
function whyNotSame({ summary, attendees }: CancelPayload, event: OwnEvent): string | null {
  if (summary !== event.summary) return `it is called “${event.summary}”`;
  const missing = event.attendees.filter((address) => !attendees.includes(address));
  return missing.length === 0 ? null : `${missing.join(', ')} would hear of it and is not named`;
}

export function writeActions(settings: CalendarSettings, dav: Dav, look: Look): Action<never>[] {
  const iso = (ms: number) => isoMoment(settings.timeZone, ms);
  const facts = (predicate: 'calendar.booked' | 'calendar.cancelled', people: readonly string[], value: Record<string, string>): Fact[] =>
    people.map((address) => ({ entity: `person/${address}`, predicate, value, label: 'system', confidence: 1 }));
  const etagAfter = async (etag: string | null, name: string, call: Call) => etag ?? (await dav.read(name, call).catch(() => null))?.etag ?? null;

  /** What stands there may have come after the approval. The event itself, from an earlier try, is not in its own way. */
  const mustBeFree = async (payload: { start: string; end: string; evenIfTaken: boolean }, itself: string, call: Call) => {
    const period = periodOf(payload);
    const inTheWay = payload.evenIfTaken ? undefined : (await look(period, call)).find((one) => one.busy && one.event !== itself && overlaps(one, period));
    if (inTheWay) throw new KeelsonError('SEND_REFUSED', `${showPeriod(settings, period)} is taken by “${inTheWay.summary}”`, { hint: 'Propose another time, or set evenIfTaken.' });
  };

  const booked = (payload: CreatePayload, event: string, etag: string | null, operationId: string): Performed => {
    const { startMs, endMs } = periodOf(payload);
    const times = { start: iso(startMs), end: iso(endMs) };
    return { done: true, providerRef: event, note: `booked: ${showPeriod(settings, { startMs, endMs })}`, result: { event, etag, ...times }, facts: facts('calendar.booked', payload.attendees.map(({ address }) => address), { event, summary: payload.summary, ...times, operation: operationId }) };
  };
  const isOurs = async ({ text }: StoredEvent, operationId: string) => readEvent(await loadIcal(), text).uid === uidOf(operationId);

  const create: Action<CreatePayload> = {
    ...fixed,
    name: 'calendar.create', title: 'Book a time and invite people', input: createSchema,
    plan(payload) {
      const people = payload.attendees.map(({ address }) => address);
      if (people.length > 0 && settings.organizer === undefined) throw new KeelsonError('REFUSED', 'nobody can be invited: connectors/calendar.json names no organizer');
      const when = showPeriod(settings, periodOf(payload));
      const lines = [payload.summary, when, ...(payload.location === '' ? [] : [`at ${payload.location}`]), ...payload.attendees.map(({ address, name }) => `invited: ${name === undefined ? address : `${name} <${address}>`}`), ...(payload.description === '' ? [] : ['', payload.description])];
      return Promise.resolve({ summary: `Book “${payload.summary}”, ${when}${people.length === 0 ? '' : `, and invite ${people.join(', ')}`}`, preview: lines.join('\n'), risk: riskOf(people), reasons: told(people), control: [hostControl(settings), ...recipients(people, (n) => `attendees.${n}.address`)], enclosures: [], money: null });
    },
    async commit(payload, call) {
      const name = nameOf(call.operationId);
      await mustBeFree(payload, name, call);
      const text = composeEvent(await loadIcal(), { ...payload, ...periodOf(payload) }, { operationId: call.operationId, organizer: settings.organizer, nowMs: call.nowMs() });
      const { created, etag } = await dav.create(name, text, call);
      if (created) return booked(payload, name, await etagAfter(etag, name, call), call.operationId);
      const there = await dav.read(name, call);
      if (there && (await isOurs(there, call.operationId))) return booked(payload, name, there.etag, call.operationId);
      throw new KeelsonError('SEND_REFUSED', `the event was not booked: another one stands under the name ${name}`);
    },
    async lookup(payload, call): Promise<Found> {
      const name = nameOf(call.operationId);
      const there = await dav.read(name, call);
      if (there === null) return { found: 'absent', note: 'the calendar has no event of this operation; booking it again uses the same name' };
      if (!(await isOurs(there, call.operationId))) return { found: 'unclear', note: `another event stands under the name ${name}` };
      return { found: 'done', performed: booked(payload, name, there.etag, call.operationId) };
    },
  };

  /** What moving and calling off have in common. */
  const changing = <P extends CancelPayload>({ mayBegin, edit, done }: { mayBegin?(payload: P, call: Call): Promise<void>; edit(payload: P): Parameters<typeof changeEvent>[2]; done(payload: P, etag: string | null, operationId: string): Performed }): Pick<Action<P>, 'commit' | 'lookup'> => ({
    async commit(payload, call) {
      const ical = await loadIcal();
      const refused = (why: string) => new KeelsonError('SEND_REFUSED', `the event “${payload.summary}” was not changed: ${why}`, { hint: 'Look at the calendar and propose it anew.' });
      const there = await dav.read(payload.event, call);
      if (there === null) throw refused('it is not there any more');
      const event = readEvent(ical, there.text);
      if (event.marks.includes(markOf(call.operationId))) return done(payload, there.etag, call.operationId);
      const why = there.etag === payload.etag ? whyNotSame(payload, event) : 'it has changed since';
      if (why !== null) throw refused(why);
      await mayBegin?.(payload, call);
      const { replaced, etag } = await dav.replace(payload.event, payload.etag, changeEvent(ical, event, edit(payload), { operationId: call.operationId, nowMs: call.nowMs() }), call);
      if (!replaced) throw refused('it changed at this very moment');
      return done(payload, await etagAfter(etag, payload.event, call), call.operationId);
    },
    async lookup(payload, call): Promise<Found> {
      const there = await dav.read(payload.event, call);
      if (there === null) return { found: 'unclear', note: 'the event is not there any more' };
      if (readEvent(await loadIcal(), there.text).marks.includes(markOf(call.operationId))) return { found: 'done', performed: done(payload, there.etag, call.operationId) };
      return there.etag === payload.etag ? { found: 'absent', note: 'the event is as it was' } : { found: 'unclear', note: 'somebody else changed the event' };
    },
  });

  const move: Action<MovePayload> = {
    ...fixed,
    name: 'calendar.move', title: 'Move an event to another time', input: moveSchema,
    plan(payload) {
      const when = showPeriod(settings, periodOf(payload));
      return Promise.resolve({ summary: `Move “${payload.summary}” to ${when}`, preview: [payload.summary, `new time: ${when}`, ...payload.attendees].join('\n'), risk: riskOf(payload.attendees), reasons: told(payload.attendees), control: [hostControl(settings), ...recipients(payload.attendees, (n) => `attendees.${n}`)], enclosures: [], money: null });
    },
    ...changing<MovePayload>({
      mayBegin: (payload, call) => mustBeFree(payload, payload.event, call),
      edit: periodOf,
      done(payload, etag, operation) {
        const { startMs, endMs } = periodOf(payload);
        const times = { start: iso(startMs), end: iso(endMs) };
        return { done: true, providerRef: payload.event, note: `moved to ${showPeriod(settings, { startMs, endMs })}`, result: { event: payload.event, etag, ...times }, facts: facts('calendar.booked', payload.attendees, { event: payload.event, summary: payload.summary, ...times, operation }) };
      },
    }),
  };

  const cancel: Action<CancelPayload> = {
    ...fixed,
    name: 'calendar.cancel', title: 'Call an event off', input: cancelSchema,
    plan: (payload) => Promise.resolve({ summary: `Call off “${payload.summary}”`, preview: [payload.summary, 'is marked as cancelled', ...payload.attendees].join('\n'), risk: riskOf(payload.attendees), reasons: told(payload.attendees), control: [hostControl(settings), ...recipients(payload.attendees, (n) => `attendees.${n}`)], enclosures: [], money: null }),
    ...changing<CancelPayload>({
      edit: () => 'cancelled',
      done: (payload, etag, operation) => ({ done: true, providerRef: payload.event, note: 'called off', result: { event: payload.event, etag }, facts: facts('calendar.cancelled', payload.attendees, { event: payload.event, summary: payload.summary, operation }) }),
    }),
  };

  return [action(create), action(move), action(cancel)];
}
