// What every bench needs: the shape of a result, work with a fixed number in flight, and the middle of many times.
export interface Result { id: string; value: number; unit: string; baseline: number; ratio: number; p50Ms: number; p99Ms: number }

/** Where the work reports how far it is; nothing with `--json`. */
export type Say = (line: string) => void;

export const percentile = (times: number[], p: number) => times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor((times.length * p) / 100))] ?? 0;
export const median = (xs: number[]) => percentile(xs, 50);
const round = (x: number) => Math.round(x * 1_000) / 1_000;

export function toResult({ id, unit, value, baseline, ratio = value / baseline, timesMs }: { id: string; unit: string; value: number; baseline: number; ratio?: number; timesMs: number[] }): Result {
  return { id, value: round(value), unit, baseline: round(baseline), ratio: round(ratio), p50Ms: round(median(timesMs)), p99Ms: round(percentile(timesMs, 99)) };
}

/** Does `work` for each item, `inFlight` at a time; answers the rate and the time of each. */
export async function pool<T>(items: T[], inFlight: number, work: (item: T) => Promise<unknown>): Promise<{ perSecond: number; timesMs: number[] }> {
  const timesMs: number[] = [];
  const iterator = items.values();
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, async () => {
    for (const item of iterator) {
      const from = performance.now();
      await work(item);
      timesMs.push(performance.now() - from);
    }
  }));
  return { perSecond: (items.length * 1_000) / (performance.now() - started), timesMs };
}
