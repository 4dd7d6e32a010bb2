// What is known of a tier at a task: from which confidence on it is believed, and whether it is believed at all. Judged from outcomes, on
// top of what was found before, so that a tier is demoted once, comes back on trial, and stays when the operator says so. Pure.
import { z } from 'zod';
import { calibrationError, findDrift, findThreshold, percent, reliability, type Case, type Demand } from './calibration.ts';

export const tierQualitySchema = z.strictObject({
  task: z.string().min(1).max(100),
  tier: z.string().min(1).max(100),
  /** Believed from this confidence on; null: at none. */
  threshold: z.number().min(0).max(1).nullable(),
  /** Passed over: it became worse than it was. */
  demoted: z.boolean(),
  /** Of how many answers it is known what became of them; what only stood counts less. */
  cases: z.number().min(0),
  /** The share that was right; null without cases. */
  right: z.number().min(0).max(1).nullable(),
  /** How far claim and truth lie apart on average. */
  error: z.number().min(0).max(1).nullable(),
  /** Since when it is demoted or not. */
  sinceMs: z.int().nonnegative(),
  /** Only what came from then on says whether it becomes worse: it came back, or the operator kept it. */
  freshFromMs: z.int().nonnegative(),
  by: z.enum(['measured', 'operator']),
  reason: z.string().max(500),
});
export type TierQuality = z.output<typeof tierQualitySchema>;

export const tierPredicate = 'tier.quality';
const inKey = (name: string) => name.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
export const tierEntity = ({ task, tier }: Pick<TierQuality, 'task' | 'tier'>) => `asset/tier-${inKey(task)}-${inKey(tier)}`;
export const tierKey = ({ task, tier }: Pick<TierQuality, 'task' | 'tier'>) => `${task} ${tier}`;

/** One answer and what became of it, as the query `outcomes` says. */
export interface Outcome { atMs: number; task: string; tier: string; confidence: number; outcome: string }

const dayMs = 86_400_000;
/** What nobody objected to for so long counts as right, but for little: silence is not a look. */
export const silence = { afterMs: 3 * dayMs, weight: 0.3 } as const;
/** Who is not asked gives no evidence: after so long he is tried again. */
export const trialAfterMs = 14 * dayMs;
const backCases = 20;
const firstCases = 10;
/** Smaller changes are not worth a word. */
const noticed = 0.05;

/** Null while nothing is known of it. */
export function toCase({ atMs, confidence, outcome }: Outcome, nowMs: number): Case | null {
  const right = outcome === 'approved';
  if (right || outcome === 'edited' || outcome === 'rejected' || outcome === 'contradicted') return { atMs, confidence, right, weight: 1 };
  return outcome === 'unseen' && nowMs - atMs >= silence.afterMs ? { atMs, confidence, right: true, weight: silence.weight } : null;
}

export const toCases = (outcomes: readonly Outcome[], nowMs: number): Case[] => outcomes.flatMap((one) => toCase(one, nowMs) ?? []);

/** How it stands now. `kept`: the operator's word that it stays. */
export function judgeTier(name: Pick<TierQuality, 'task' | 'tier'>, cases: readonly Case[], before: TierQuality | null, { demand, nowMs, kept = false }: { demand: Demand; nowMs: number; kept?: boolean }): TierQuality {
  const bins = reliability(cases);
  const weight = cases.reduce((sum, one) => sum + one.weight, 0);
  const right = cases.reduce((sum, one) => sum + (one.right ? one.weight : 0), 0);
  const { threshold, reason } = findThreshold(cases, demand);
  const { task, tier } = name;
  const base = { task, tier, threshold, cases: Math.round(weight * 10) / 10, right: weight === 0 ? null : right / weight, error: calibrationError(bins), sinceMs: before?.sinceMs ?? nowMs, freshFromMs: before?.freshFromMs ?? 0, by: 'measured' as const, reason };
  if (kept) return { ...base, demoted: false, sinceMs: nowMs, freshFromMs: nowMs, by: 'operator', reason: 'the operator keeps it' };
  if (before?.demoted) {
    const back = whyBack(cases.filter(({ atMs }) => atMs >= before.sinceMs), before.sinceMs, demand, nowMs);
    return back === null ? { ...base, demoted: true, reason: before.reason } : { ...base, demoted: false, sinceMs: nowMs, freshFromMs: nowMs, reason: back };
  }
  const drift = findDrift(cases.filter(({ atMs }) => atMs >= base.freshFromMs), demand);
  return drift.drifts ? { ...base, demoted: true, sinceMs: nowMs, reason: drift.reason } : { ...base, demoted: false };
}

function whyBack(since: readonly Case[], sinceMs: number, { target }: Demand, nowMs: number): string | null {
  const newest = since.toSorted((a, b) => b.atMs - a.atMs).slice(0, 50);
  const weight = newest.reduce((sum, one) => sum + one.weight, 0);
  const share = newest.reduce((sum, one) => sum + (one.right ? one.weight : 0), 0) / weight;
  if (weight >= backCases && share >= target) return `${percent(share)} of the last ${Math.round(weight)} were right again`;
  return since.length === 0 && nowMs - sinceMs >= trialAfterMs ? 'it was not asked for two weeks: on trial' : null;
}

/** Whether there is anything to say that was not said before. */
export function isNews(now: TierQuality, before: TierQuality | null): boolean {
  if (before === null) return now.demoted || now.cases >= firstCases;
  return now.demoted !== before.demoted || now.freshFromMs !== before.freshFromMs || (now.threshold === null) !== (before.threshold === null) || Math.abs((now.threshold ?? 0) - (before.threshold ?? 0)) >= noticed - 1e-9;
}

export interface Demands { /** By task. */ tasks: Readonly<Record<string, Demand>>; others: Demand }
export const demandOf = ({ tasks, others }: Demands, task: string): Demand => (Object.hasOwn(tasks, task) ? tasks[task]! : others);

/** Every tier that gave answers or is known, as it stands now. */
export function judgeTiers(outcomes: readonly Outcome[], known: readonly TierQuality[], { demands, nowMs, kept = [] }: { demands: Demands; nowMs: number; kept?: readonly string[] }): TierQuality[] {
  const groups = Map.groupBy(outcomes, tierKey);
  const before = new Map(known.map((one) => [tierKey(one), one]));
  const names = new Map([...known, ...outcomes].map((one) => [tierKey(one), { task: one.task, tier: one.tier }]));
  return [...names].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, name]) => judgeTier(name, toCases(groups.get(key) ?? [], nowMs), before.get(key) ?? null, { demand: demandOf(demands, name.task), nowMs, kept: kept.includes(key) }));
}
