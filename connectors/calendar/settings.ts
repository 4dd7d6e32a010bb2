// connectors/calendar.json: which calendar, whose, and when its owner works.
import { z } from 'zod';
import { isSafeBase, withSlash } from '../named-server.ts';
import { isTimeZone } from './zone.ts';

const span = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, 'expected a span such as 09:00-17:00').refine((text) => text.slice(0, 5) < text.slice(6), 'expected a span that ends after it begins');
const spans = z.array(span).max(10).refine((list) => list.toSorted().every((text, n, all) => n === 0 || all[n - 1]!.slice(6) <= text.slice(0, 5)), 'expected spans that do not overlap');

export const settingsSchema = z.strictObject({
  /** Where the user's calendars are. */
  url: z.string().max(500).refine(isSafeBase, 'expected https://… (http:// only on this machine) without user, password, ? and #'),
  user: z.string().min(1).max(200),
  /** The calendar's path under `url`: `anna/work`. */
  calendar: z.string().regex(/^[A-Za-z0-9_@+~-][A-Za-z0-9._@+~-]*(?:\/[A-Za-z0-9_@+~-][A-Za-z0-9._@+~-]*)*\/?$/, 'expected a path such as anna/work'),
  timeZone: z.string().refine(isTimeZone, 'expected a time zone such as Europe/Berlin'),
  workingHours: z.strictObject({ mon: spans, tue: spans, wed: spans, thu: spans, fri: spans, sat: spans, sun: spans }).partial(),
  /** Who invites. Without it no event has attendees. */
  organizer: z.email().max(254).optional(),
});
export type CalendarSettings = z.output<typeof settingsSchema>;

export const calendarUrl = ({ url, calendar }: CalendarSettings) => withSlash(new URL(calendar, withSlash(url)).href);
