// Calendar dates in running text, English and German, as YYYY-MM-DD.

export interface FoundDate {
  iso: string;
  start: number;
  end: number;
  /** False when day and month could be exchanged (03/11/2026) or the year is missing. */
  clear: boolean;
}

const months: Record<string, number> = {};
['january jan januar jänner', 'february feb februar', 'march mar märz mrz maerz', 'april apr', 'may mai', 'june jun juni', 'july jul juli', 'august aug', 'september sep sept', 'october oct oktober okt', 'november nov', 'december dec dezember dez']
  .forEach((names, index) => { for (const name of names.split(' ')) months[name] = index + 1; });
const month = `(${Object.keys(months).toSorted((a, b) => b.length - a.length).join('|')})\\.?`;

const shapes: { pattern: RegExp; read(part: string[]): [number, number, number] | null; doubtful?(part: string[]): boolean }[] = [
  { pattern: /(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])/g, read: ([y, m, d]) => [Number(y), Number(m), Number(d)] },
  { pattern: /(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})(?![\d.]\d)/g, read: ([d, m, y]) => [year(y), Number(m), Number(d)] },
  { pattern: new RegExp(`(?<![\\d])(\\d{1,2})(?:st|nd|rd|th|\\.)?\\s{1,3}(?:of\\s)?${month},?\\s{1,3}(\\d{4})(?!\\d)`, 'giu'), read: ([d, m, y]) => [Number(y), monthOf(m), Number(d)] },
  { pattern: new RegExp(`(?<!\\p{L})${month}\\s{1,3}(\\d{1,2})(?:st|nd|rd|th)?,?\\s{1,3}(\\d{4})(?!\\d)`, 'giu'), read: ([m, d, y]) => [Number(y), monthOf(m), Number(d)] },
  { pattern: /(?<![\d/])(\d{1,2})\/(\d{1,2})\/(\d{4})(?![\d/])/g, read: ([a, b, y]) => slashed(Number(a), Number(b), Number(y)), doubtful: ([a, b]) => Number(a) <= 12 && Number(b) <= 12 && a !== b },
];

function year(text: string | undefined): number {
  const value = Number(text);
  return text?.length === 2 ? 2000 + value : value;
}

function monthOf(text: string | undefined): number {
  return months[(text ?? '').toLowerCase()] ?? 0;
}

/** Day first, unless only month first is a date. */
function slashed(a: number, b: number, y: number): [number, number, number] {
  return b > 12 ? [y, a, b] : [y, b, a];
}

/** YYYY-MM-DD of a day that exists between 1970 and 2199, else null. */
export function isoDate(y: number, m: number, d: number): string | null {
  if (!Number.isInteger(y) || !Number.isInteger(m) || !Number.isInteger(d) || y < 1970 || y > 2199 || m < 1 || m > 12 || d < 1) return null;
  const leap = (y % 4 === 0 && y % 100 !== 0) || y % 400 === 0;
  const last = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m - 1] ?? 0;
  return d > last ? null : `${y}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`;
}

function addFound(found: FoundDate[], start: number, end: number, iso: string | null, clear: boolean): void {
  if (iso !== null && !found.some((other) => start < other.end && end > other.start)) found.push({ iso, start, end, clear });
}

/**
 * All dates in a text, in reading order. `near` (ISO date, usually the mail's) supplies the year of dates written without
 * one ("by 15 October", "bis 15.10."): the first such day not before it.
 */
export function findDates(text: string, near: string | null = null, limit = 100): FoundDate[] {
  const found: FoundDate[] = [];
  for (const shape of shapes) {
    for (const match of text.matchAll(shape.pattern)) {
      const parts = match.slice(1);
      const read = shape.read(parts);
      if (read) addFound(found, match.index, match.index + match[0].length, isoDate(...read), !(shape.doubtful?.(parts) ?? false));
      if (found.length >= limit) break;
    }
  }
  if (near !== null) findYearless(text, near, found);
  return found.toSorted((a, b) => a.start - b.start).slice(0, limit);
}

const yearless = [
  { pattern: new RegExp(`(?<![\\d.])(\\d{1,2})(?:st|nd|rd|th|\\.)?\\s{1,3}(?:of\\s)?${month}(?![\\p{L}\\d])(?!,?\\s{1,3}\\d{4})`, 'giu'), day: 1, month: 2 },
  { pattern: new RegExp(`(?<!\\p{L})${month}\\s{1,3}(\\d{1,2})(?:st|nd|rd|th)?(?![\\d.,]?\\d)(?!,?\\s{1,3}\\d{4})`, 'giu'), day: 2, month: 1 },
  { pattern: /(?<![\d.])(\d{1,2})\.(\d{1,2})\.(?!\s?\d)/g, day: 1, month: 2 },
];

function findYearless(text: string, near: string, found: FoundDate[]): void {
  const nearYear = Number(near.slice(0, 4));
  for (const { pattern, day, month: at } of yearless) {
    for (const match of text.matchAll(pattern)) {
      if (found.length >= 200) return;
      const m = monthOf(match[at]) || Number(match[at]);
      const now = isoDate(nearYear, m, Number(match[day]));
      const iso = now !== null && now < near.slice(0, 10) ? isoDate(nearYear + 1, m, Number(match[day])) : now;
      addFound(found, match.index, match.index + match[0].length, iso, false);
    }
  }
}

/** The day `days` after an ISO day, counted in the proleptic Gregorian calendar without a clock. */
export function addDays(iso: string, days: number): string | null {
  const time = Date.parse(`${iso.slice(0, 10)}T00:00:00Z`) + days * 86_400_000;
  if (!Number.isFinite(time)) return null;
  const date = new Date(time);
  return isoDate(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
}
