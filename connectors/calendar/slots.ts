// Free slots: the working hours of each day, less what is taken. Pure.
import type { CalendarSettings } from './settings.ts';
import { momentOf, wallOf } from './zone.ts';

export interface Period { startMs: number; endMs: number }

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const quarterMs = 15 * 60_000;

/** Slots of `lengthMs`, one after the other, beginning at full quarters of an hour and at most `limit`. */
export function freeSlots({ timeZone, workingHours }: Pick<CalendarSettings, 'timeZone' | 'workingHours'>, window: Period, taken: readonly Period[], { lengthMs, limit }: { lengthMs: number; limit: number }): Period[] {
  const sorted = taken.toSorted((a, b) => a.startMs - b.startMs);
  const slots: Period[] = [];
  for (const hours of workingPeriods(timeZone, workingHours, window)) {
    let startMs = nextQuarter(Math.max(hours.startMs, window.startMs));
    const endMs = Math.min(hours.endMs, window.endMs);
    while (startMs + lengthMs <= endMs) {
      if (slots.length === limit) return slots;
      const slot = { startMs, endMs: startMs + lengthMs };
      const inTheWay = sorted.find((period) => overlaps(period, slot));
      if (!inTheWay) slots.push(slot);
      startMs = nextQuarter(inTheWay ? Math.max(inTheWay.endMs, startMs + 1) : slot.endMs);
    }
  }
  return slots;
}

// What has no length takes no time.
export const overlaps = (a: Period, b: Period) => a.startMs < b.endMs && a.endMs > b.startMs && a.endMs > a.startMs;
// All offsets in use today are whole quarters of an hour, so a full quarter of UTC is one of every zone.
const nextQuarter = (ms: number) => Math.ceil(ms / quarterMs) * quarterMs;

function* workingPeriods(timeZone: string, hours: CalendarSettings['workingHours'], { startMs, endMs }: Period): Generator<Period> {
  const first = wallOf(timeZone, startMs);
  for (let n = 0; ; n++) {
    const date = new Date(Date.UTC(first.year, first.month - 1, first.day + n));
    const at = (text: string) => momentOf(timeZone, { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), hour: Number(text.slice(0, 2)), minute: Number(text.slice(3, 5)) });
    if (at('00:00') >= endMs) return;
    const spans = hours[days[date.getUTCDay()]!] ?? [];
    yield* spans.toSorted().map((span) => ({ startMs: at(span.slice(0, 5)), endMs: at(span.slice(6)) }));
  }
}
