// A long list of like cases, each slow: a day takes every nth of them, another day others. KEELSON_TEST_FULL=1 takes all.
const dayMs = 86_400_000;

export const takesAll = process.env['KEELSON_TEST_FULL'] === '1';

/** In their order. `parts` days together take every case once. */
export function todaysShare<T>(cases: readonly T[], parts: number, nowMs = Date.now()): T[] {
  return takesAll ? [...cases] : cases.filter((_, i) => i % parts === Math.floor(nowMs / dayMs) % parts);
}

/** Whose turn it is, of so many. */
export const turnOfToday = (turns = 2, nowMs = Date.now()): number => Math.floor(nowMs / dayMs) % turns;

/** For a slow test: whether it rests today, with the reason. Give it to `test(…, {skip: restsToday(0)})`. */
export function restsToday(turn: 0 | 1): string | false {
  return !takesAll && turnOfToday() !== turn && 'slow: runs every second day; KEELSON_TEST_FULL=1 runs it now';
}
