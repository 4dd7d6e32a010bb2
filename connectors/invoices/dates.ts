// Days of a calendar as `2026-11-23`: no time of day, so no zone once the day is known.
import type { Language } from '#machines/mail.ts';

const dayMs = 86_400_000;
const startOf = (day: string) => Date.parse(`${day}T00:00:00Z`);

/** The day it is there at that moment. */
export function dayAt(ms: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, calendar: 'gregory', numberingSystem: 'latn', year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(ms);
  return (['year', 'month', 'day'] as const).map((type) => parts.find((part) => part.type === type)!.value).join('-');
}

export const addDays = (day: string, days: number): string => new Date(startOf(day) + days * dayMs).toISOString().slice(0, 10);

/** Until that day is over everywhere west of it too, give or take half a day; 0 when it is. */
export const msUntilOver = (day: string, nowMs: number): number => Math.max(0, startOf(day) + dayMs - nowMs);

/** `23 November 2026`, `23. November 2026`. */
export const inWords = (day: string, language: Language): string =>
  new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(startOf(day));

export const midnightUtc = (day: string): Date => new Date(startOf(day));
