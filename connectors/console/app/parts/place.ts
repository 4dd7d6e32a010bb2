// Moments in addresses of screens: ISO 8601, as the command line takes them.

/** Milliseconds; null when it is no date that this browser can read. Without a zone it is UTC, as on the command line. */
export function readPlace(words: string | null): number | null {
  if (words === null || !/^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?$/.test(words)) return null;
  const ms = Date.parse(/T[\d:.]+$/.test(words) ? `${words}Z` : words);
  return Number.isNaN(ms) ? null : ms;
}

export const writePlace = (ms: number) => new Date(ms).toISOString();
