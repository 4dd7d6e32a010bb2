// What may be missing: bodies of journal rows, and records, that a later row of the chain says were taken away, and why.
import { z } from 'zod';

const rangesSchema = z.array(z.tuple([z.number().int(), z.number().int()]));

/**
 * In the body of a journal row of `store/…`. Ranges of commit numbers, both ends included, in order. `left` is the hash of what is
 * left of a commit's records, by its number; what is not in it has none left.
 */
export const removalSchema = z.object({ reason: z.enum(['erased', 'too old']), bodies: rangesSchema, records: rangesSchema, left: z.record(z.string(), z.string()).default({}) });
export type Removal = z.output<typeof removalSchema>;
export type Ranges = Removal['bodies'];

/** `[1, 2, 3, 7]` is `[[1, 3], [7, 7]]`. */
export function toRanges(sorted: Iterable<number>): Ranges {
  const ranges: Ranges = [];
  for (const n of sorted) {
    const last = ranges.at(-1);
    if (last && n === last[1] + 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges;
}

/** The removal a journal row declares, or null. */
export function readRemoval(actor: string, body: string | null): Removal | null {
  if (!actor.startsWith('store/') || body === null) return null;
  const { removed } = JSON.parse(body) as { removed?: unknown };
  return removalSchema.safeParse(removed).data ?? null;
}

/** The first number of `ranges` that none of `declared` covers, or null. */
export function firstUncovered(ranges: Ranges, declared: Ranges[]): number | null {
  const covered = declared.flat().toSorted((a, b) => a[0] - b[0]);
  let place = 0;
  for (const [from, to] of ranges) {
    let next = from;
    while (next <= to) {
      while (place < covered.length && covered[place]![1] < next) place++;
      const cover = covered[place];
      if (!cover || cover[0] > next) return next;
      next = cover[1] + 1;
    }
  }
  return null;
}

/** What the last removal that names this commit says is left of its records; undefined when none names it. */
export function leftOf(seq: number, removals: Removal[]): string | null | undefined {
  const last = removals.findLast(({ records }) => records.some(([from, to]) => from <= seq && seq <= to));
  return last && (last.left[seq] ?? null);
}
