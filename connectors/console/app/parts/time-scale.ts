// Where a moment stands on the axis of a run. Seconds of work beside days of waiting could not be seen, so the waits share a quarter.

export interface Stretch { fromMs: number; toMs: number }

/** Percent from the left. `isSqueezed`: waits are drawn shorter than they were. */
export type Scale = ((ms: number) => number) & { isSqueezed: boolean };

const waitsShare = 0.25;

/** `waits` may overlap. */
export function timeScale({ fromMs, toMs }: Stretch, waits: readonly Stretch[]): Scale {
  const merged = merge(waits.map((wait) => ({ fromMs: Math.max(wait.fromMs, fromMs), toMs: Math.min(wait.toMs, toMs) })).filter((wait) => wait.toMs > wait.fromMs));
  const waited = merged.reduce((sum, wait) => sum + wait.toMs - wait.fromMs, 0);
  const worked = toMs - fromMs - waited;
  const isSqueezed = worked > 0 && waited > (worked * waitsShare) / (1 - waitsShare);
  const weight = isSqueezed ? (worked * waitsShare) / (1 - waitsShare) / waited : 1;
  const total = worked + waited * weight || 1;
  const place = (ms: number) => {
    const at = Math.min(Math.max(ms, fromMs), toMs);
    const before = merged.reduce((sum, wait) => sum + Math.max(0, Math.min(at, wait.toMs) - wait.fromMs), 0);
    return ((at - fromMs - before + before * weight) / total) * 100;
  };
  return Object.assign(place, { isSqueezed });
}

export function merge(stretches: readonly Stretch[]): Stretch[] {
  const merged: Stretch[] = [];
  for (const next of stretches.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1);
    if (last && next.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, next.toMs);
    else merged.push({ ...next });
  }
  return merged;
}
