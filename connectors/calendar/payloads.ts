// What is proposed to the calendar, and how it reads to whoever approves it.
import { z } from 'zod';
import type { Control } from '#machines/effects.ts';
import { manyLines, oneLine } from '../plain-text.ts';
import type { CalendarSettings } from './settings.ts';
import { showMoment } from './zone.ts';

const moment = z.iso.datetime({ offset: true }).refine((text) => Number.isFinite(Date.parse(text)), 'expected a moment such as 2026-03-02T09:30:00+01:00');
const address = z.email().max(254).refine((text) => text === text.toLowerCase(), 'expected an address in small letters');
const dayMs = 86_400_000;
const lasts = (maxDays: number, from: string, to: string): [check: (payload: object) => boolean, refusal: { path: string[]; message: string }] => [
  (payload) => {
    const times = payload as Record<string, string>;
    const length = Date.parse(times[to]!) - Date.parse(times[from]!);
    return length > 0 && length <= maxDays * dayMs;
  },
  { path: [to], message: `expected a moment after '${from}', at most ${maxDays} days` },
];

export const windowSchema = z.strictObject({ from: moment, to: moment }).refine(...lasts(92, 'from', 'to'));
export const slotsSchema = z.strictObject({ from: moment, to: moment, minutes: z.number().int().min(5).max(1_440), limit: z.number().int().min(1).max(200).default(20) }).refine(...lasts(92, 'from', 'to'));

/** Without it nothing is put where something is: two yeses to one time are one event. */
const evenIfTaken = z.boolean().default(false);

export const createSchema = z.strictObject({
  summary: oneLine(250), start: moment, end: moment,
  description: manyLines(10_000).default(''),
  location: oneLine(250, 0).default(''),
  // A name is a quoted parameter: it cannot hold a quote, and programs disagree about a backslash in it.
  evenIfTaken,
  attendees: z.array(z.strictObject({ address, name: oneLine(100).refine((text) => !/["\\]/.test(text), 'expected a name without " and \\').optional() })).max(50).default([]),
}).refine(...lasts(31, 'start', 'end'));

/** The version of an event as `calendar.events` or `calendar.create` named it. What of it the operator is shown must be true of it. */
const version = {
  event: z.string().regex(/^[^/\\\p{C}.][^/\\\p{C}]{0,250}$/u, "expected the event's file name"),
  etag: z.string().regex(/^(?:W\/)?"[\x21\x23-\x7e]{1,250}"$/, 'expected the etag of the event, with its quotes'),
  summary: oneLine(250, 0),
  /** All who take part: the server may write to them. */
  attendees: z.array(address).max(50).default([]),
};
export const moveSchema = z.strictObject({ ...version, start: moment, end: moment, evenIfTaken }).refine(...lasts(31, 'start', 'end'));
export const cancelSchema = z.strictObject(version);

export type SlotsPayload = z.output<typeof slotsSchema>;
export type WindowPayload = z.output<typeof windowSchema>;
export type CreatePayload = z.output<typeof createSchema>;
export type MovePayload = z.output<typeof moveSchema>;
export type CancelPayload = z.output<typeof cancelSchema>;

export const periodOf = ({ start, end }: { start: string; end: string }) => ({ startMs: Date.parse(start), endMs: Date.parse(end) });
export const windowOf = ({ from, to }: { from: string; to: string }) => ({ startMs: Date.parse(from), endMs: Date.parse(to) });

/** `2026-03-02 09:30 to 2026-03-02 10:00 (Europe/Berlin)` */
export const showPeriod = ({ timeZone }: CalendarSettings, { startMs, endMs }: { startMs: number; endMs: number }) => `${showMoment(timeZone, startMs)} to ${showMoment(timeZone, endMs)} (${timeZone})`;

export const hostControl = ({ url }: CalendarSettings): Control => ({ kind: 'host', field: 'settings.url', value: new URL(url).host, vouchedBy: 'named in connectors/calendar.json' });
export const recipients = (addresses: readonly string[], field: (n: number) => string): Control[] => addresses.map((value, n) => ({ kind: 'recipient', field: field(n), value, vouchedBy: null }));
