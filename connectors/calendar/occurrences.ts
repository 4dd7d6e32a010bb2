// What of a calendar falls between two moments, with repeated events expanded. Anyone who may send an invitation writes what is read
// here, and some rules never come to an end in ical.js: so it runs in a thread (occurrences-thread.ts) that can be ended.
import { Worker } from 'node:worker_threads';
import type ICAL from 'ical.js';
import { KeelsonError } from '#machines/errors.ts';
import { momentOf, type Wall } from './zone.ts';

export interface Occurrence {
  /** File name and etag of the object that holds it. */
  event: string;
  etag: string;
  summary: string;
  startMs: number;
  endMs: number;
  allDay: boolean;
  repeats: boolean;
  /** False for what is called off or does not block time. */
  busy: boolean;
  attendees: string[];
}

export interface Question {
  objects: { name: string; text: string; etag: string }[];
  startMs: number;
  endMs: number;
  /** For times that name no zone, and whole days. */
  timeZone: string;
}
export type Said = { at: string } | { occurrences: Occurrence[] } | { unreadable: string; because: string };

const occurrencesMax = 5_000;
const expandMs = 10_000;

/** Throws SEND_REFUSED with the event's name when one cannot be read or expanded: to leave it out would make its time free. */
export async function occurrencesOf(question: Question, signal: AbortSignal, maxMs = expandMs): Promise<Occurrence[]> {
  if (question.objects.length === 0) return [];
  const over = AbortSignal.any([signal, AbortSignal.timeout(maxMs)]);
  const worker = new Worker(new URL('./occurrences-thread.ts', import.meta.url), { workerData: question, env: {}, resourceLimits: { maxOldGenerationSizeMb: 256 } });
  let at = '';
  const refused = (because: string, event = at) => new KeelsonError('SEND_REFUSED', `the event ${event} cannot be worked out: ${because}`, { hint: 'Correct or delete this event in your calendar program.' });
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', (said: Said) => {
        if ('at' in said) at = said.at;
        else if ('occurrences' in said) resolve(said.occurrences);
        else reject(refused(said.because, said.unreadable));
      });
      worker.once('error', (error: Error) => reject(refused(error.message)));
      const stop = () => reject(signal.aborted ? new KeelsonError('SEND_DEFERRED', 'the calendar was not read: the time was up') : refused('its repetitions find no end'));
      over.addEventListener('abort', stop, { once: true });
      if (over.aborted) stop();
    });
  } finally {
    await worker.terminate();
  }
}

/** The part that runs in the thread. `tell` hears the name of each object before it is read. */
export function expand(ical: typeof ICAL, { objects, startMs, endMs, timeZone }: Question, tell: (said: Said) => void): Said {
  const occurrences: Occurrence[] = [];
  for (const { name, text, etag } of objects) {
    tell({ at: name });
    try {
      for (const one of occurrencesIn(ical, text, { startMs, endMs, timeZone })) {
        if (occurrences.length === occurrencesMax) throw new Error(`the calendar has more than ${occurrencesMax} entries in this time`);
        occurrences.push({ event: name, etag, ...one });
      }
    } catch (error) {
      return { unreadable: name, because: error instanceof Error ? error.message.slice(0, 200) : String(error) };
    }
  }
  return { occurrences: occurrences.toSorted((a, b) => a.startMs - b.startMs) };
}

function* occurrencesIn(ical: typeof ICAL, text: string, { startMs, endMs, timeZone }: Omit<Question, 'objects'>): Generator<Omit<Occurrence, 'event' | 'etag'>> {
  const calendar = new ical.Component(ical.parse(text) as unknown[]);
  if (calendar.name !== 'vcalendar') throw new Error('it is no iCalendar object');
  const events = calendar.getAllSubcomponents('vevent').map((component) => new ical.Event(component));
  const toMs = (time: ICAL.Time): number => (time.isDate || time.zone === ical.Timezone.localTimezone ? momentOf(timeZone, wallFrom(time)) : time.toUnixTime() * 1_000);
  // An exception whose master is not in the object (one is invited to a single date) stands for itself.
  const masters = events.filter((event) => !event.isRecurrenceException());
  const orphans = masters.length === 0 ? events : [];
  const exceptionsOf = (master: ICAL.Event) => events.filter((event) => event.isRecurrenceException() && event.uid === master.uid);
  for (const master of masters) for (const event of exceptionsOf(master)) master.relateException(event);

  const occurrence = (event: ICAL.Event, start: ICAL.Time, end: ICAL.Time, repeats: boolean) => ({
    summary: (event.summary ?? '').replace(/\p{C}+/gu, ' ').slice(0, 250),
    startMs: toMs(start), endMs: Math.max(toMs(end), toMs(start)), allDay: start.isDate, repeats,
    busy: !['TRANSPARENT', 'CANCELLED'].some((word) => [event.component.getFirstPropertyValue('transp'), event.component.getFirstPropertyValue('status')].includes(word)),
    attendees: event.attendees.map((property) => String(property.getFirstValue()).toLowerCase().replace(/^mailto:/, '')).toSorted(),
  });
  const isInside = (period: { startMs: number; endMs: number }) => period.startMs < endMs && (period.endMs > startMs || period.startMs >= startMs);

  for (const event of [...masters, ...orphans]) {
    if (!event.startDate) throw new Error('it has no beginning');
    if (!event.isRecurring()) {
      const once = occurrence(event, event.startDate, event.endDate, event.isRecurrenceException());
      if (isInside(once)) yield once;
      continue;
    }
    const dates = event.iterator();
    for (let date = dates.next(); date; date = dates.next()) {
      const { item, startDate, endDate } = event.getOccurrenceDetails(date);
      const one = occurrence(item, startDate, endDate, true);
      if (isInside(one)) yield one;
      // Exceptions may lie anywhere; the rule's own dates only rise.
      if (toMs(date) >= endMs) break;
    }
    // Moved into this time from a date after it.
    for (const moved of exceptionsOf(event)) {
      const one = occurrence(moved, moved.startDate, moved.endDate, true);
      if (isInside(one) && toMs(moved.recurrenceId) >= endMs) yield one;
    }
  }
}

const wallFrom = ({ year, month, day, hour, minute, second }: ICAL.Time): Wall => ({ year, month, day, hour, minute, second });
