// One event of ours as iCalendar text (RFC 5545): made, read back and changed. Escaping and folding are ical.js's; what it does not
// escape (a lone \r) never gets here, the schemas refuse it.
import type ICAL from 'ical.js';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';

type Ical = typeof ICAL;
export async function loadIcal(): Promise<Ical> {
  const { default: ical } = await import('ical.js');
  // It does not count the space that a folded line begins with; 75 octets are allowed.
  ical.foldLength = 74;
  return ical;
}

export interface Attendee { address: string; name?: string }
export interface NewEvent { summary: string; description: string; location: string; startMs: number; endMs: number; attendees: readonly Attendee[] }

/** What stands in the event for each operation that made or changed it. */
export const markOf = (operationId: string) => sha256(operationId).slice(0, 40);
export const uidOf = (operationId: string) => `keelson-${markOf(operationId)}`;
const markName = 'x-keelson-operation';

const utcTime = (ical: Ical, ms: number) => ical.Time.fromJSDate(new Date(ms), true);

export function composeEvent(ical: Ical, event: NewEvent, { operationId, organizer, nowMs }: { operationId: string; organizer: string | undefined; nowMs: number }): string {
  const calendar = new ical.Component('vcalendar');
  calendar.addPropertyWithValue('version', '2.0');
  calendar.addPropertyWithValue('prodid', '-//Keelson//EN');
  const vevent = new ical.Component('vevent');
  calendar.addSubcomponent(vevent);
  vevent.addPropertyWithValue('uid', uidOf(operationId));
  vevent.addPropertyWithValue('dtstamp', utcTime(ical, nowMs));
  vevent.addPropertyWithValue('dtstart', utcTime(ical, event.startMs));
  vevent.addPropertyWithValue('dtend', utcTime(ical, event.endMs));
  vevent.addPropertyWithValue('summary', event.summary);
  if (event.description !== '') vevent.addPropertyWithValue('description', event.description);
  if (event.location !== '') vevent.addPropertyWithValue('location', event.location);
  vevent.addPropertyWithValue('sequence', 0);
  vevent.addPropertyWithValue(markName, markOf(operationId));
  if (event.attendees.length > 0) vevent.addPropertyWithValue('organizer', `mailto:${organizer}`);
  for (const { address, name } of event.attendees) {
    const attendee = vevent.addPropertyWithValue('attendee', `mailto:${address}`);
    if (name !== undefined) attendee.setParameter('cn', name);
    attendee.setParameter('partstat', 'NEEDS-ACTION');
    attendee.setParameter('rsvp', 'TRUE');
  }
  return `${calendar.toString()}\r\n`;
}

export interface OwnEvent {
  calendar: ICAL.Component;
  uid: string;
  /** Of all operations that made or changed it. */
  marks: string[];
  summary: string;
  /** Addresses in small letters, in order. */
  attendees: string[];
}

/** The one event in `text` and what decides about changing it. Throws SEND_REFUSED for what cannot be changed safely. */
export function readEvent(ical: Ical, text: string): OwnEvent {
  let calendar;
  try {
    calendar = new ical.Component(ical.parse(text) as unknown[]);
  } catch (cause) {
    throw refused('it cannot be read', cause);
  }
  const [vevent, ...more] = calendar.name === 'vcalendar' ? calendar.getAllSubcomponents('vevent') : [];
  if (!vevent) throw refused('there is no event in it');
  if (more.length > 0 || ['rrule', 'rdate', 'recurrence-id'].some((name) => vevent.hasProperty(name))) throw refused('it repeats; change it in your calendar program');
  const value = (name: string) => vevent.getFirstPropertyValue(name);
  return {
    calendar,
    uid: String(value('uid') ?? ''),
    marks: vevent.getAllProperties(markName).map((property) => String(property.getFirstValue())),
    summary: String(value('summary') ?? '').replace(/\p{C}+/gu, ' ').slice(0, 250),
    attendees: vevent.getAllProperties('attendee').map((property) => String(property.getFirstValue()).toLowerCase().replace(/^mailto:/, '')).toSorted(),
  };
}

/** The same event with other times, or called off. Everything else in it stays. */
export function changeEvent(ical: Ical, { calendar }: OwnEvent, change: Period | 'cancelled', { operationId, nowMs }: { operationId: string; nowMs: number }): string {
  const vevent = calendar.getFirstSubcomponent('vevent')!;
  const set = (name: string, value: unknown) => {
    vevent.removeAllProperties(name);
    vevent.addPropertyWithValue(name, value);
  };
  if (change === 'cancelled') set('status', 'CANCELLED');
  else {
    vevent.removeAllProperties('duration');
    set('dtstart', utcTime(ical, change.startMs));
    set('dtend', utcTime(ical, change.endMs));
  }
  const sequence = Number(vevent.getFirstPropertyValue('sequence') ?? 0);
  set('sequence', Number.isSafeInteger(sequence) ? sequence + 1 : 1);
  set('dtstamp', utcTime(ical, nowMs));
  set('last-modified', utcTime(ical, nowMs));
  vevent.addPropertyWithValue(markName, markOf(operationId));
  return `${calendar.toString()}\r\n`;
}

interface Period { startMs: number; endMs: number }

const refused = (why: string, cause?: unknown) => new KeelsonError('SEND_REFUSED', `the event was not changed: ${why}`, { cause });
