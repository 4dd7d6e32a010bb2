// Wall-clock times of a zone and moments, both ways. A time that the change to summer time leaves out is read with the offset before
// it, so it falls after the gap; one that the change back brings twice is its first coming.

export interface Wall { year: number; month: number; day: number; hour: number; minute: number; second?: number }

const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', { timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
  formats.set(timeZone, made);
  return made;
}

export function isTimeZone(name: string): boolean {
  try {
    return formatOf(name) !== undefined;
  } catch {
    return false;
  }
}

export function wallOf(timeZone: string, ms: number): Required<Wall> {
  const parts = Object.fromEntries(formatOf(timeZone).formatToParts(ms).map(({ type, value }) => [type, Number(value)])) as unknown as Required<Wall>;
  const { year, month, day, hour, minute, second } = parts;
  return { year, month, day, hour, minute, second };
}

const asUtc = ({ year, month, day, hour, minute, second = 0 }: Wall) => Date.UTC(year, month - 1, day, hour, minute, second);
const offsetMs = (timeZone: string, ms: number) => asUtc(wallOf(timeZone, ms)) - Math.floor(ms / 1_000) * 1_000;

/** Days and hours may run over: the 32nd is the first of the next month. */
export function momentOf(timeZone: string, wall: Wall): number {
  const guess = asUtc(wall);
  // No zone changes twice within two days, so one of the offsets around it is the right one.
  const before = offsetMs(timeZone, guess - 86_400_000);
  const after = offsetMs(timeZone, guess + 86_400_000);
  const hits = [before, after].map((offset) => guess - offset).filter((ms) => asUtc(wallOf(timeZone, ms)) === guess);
  return hits.length > 0 ? Math.min(...hits) : guess - before;
}

const two = (n: number) => String(n).padStart(2, '0');

/** `2026-03-02 09:30` */
export function showMoment(timeZone: string, ms: number): string {
  const { year, month, day, hour, minute } = wallOf(timeZone, ms);
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}`;
}

/** `2026-03-02T09:30:00+01:00` */
export function isoMoment(timeZone: string, ms: number): string {
  const { second } = wallOf(timeZone, ms);
  const offset = offsetMs(timeZone, ms) / 60_000;
  return `${showMoment(timeZone, ms).replace(' ', 'T')}:${two(second)}${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
}
