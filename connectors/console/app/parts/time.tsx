// Moments: how long ago or until, with the exact time on it. One clock for the page.
import { signal } from '@preact/signals';

/** The browser's time, moved once a second. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1_000);

const units: [ms: number, word: string][] = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1_000, 's']];

/** 95,000 ms is `1 min 35 s`. */
export function span(ms: number): string {
  const first = units.findIndex(([size]) => ms >= size);
  if (first === -1) return '0 s';
  const [size, word] = units[first]!;
  const next = units[first + 1];
  const rest = next ? Math.floor((ms % size) / next[0]) : 0;
  return `${Math.floor(ms / size)} ${word}${rest > 0 ? ` ${rest} ${next![1]}` : ''}`;
}

/** Milliseconds since 1970, or ISO 8601. */
export function Time({ at }: { at: number | string }) {
  const ms = typeof at === 'number' ? at : Date.parse(at);
  const past = now.value - ms;
  return <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toLocaleString()}>{past >= 0 ? `${span(past)} ago` : `in ${span(-past)}`}</time>;
}
