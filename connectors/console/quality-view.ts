// How good the tiers are, as it is shown: per task and tier what was claimed against what became of it, the confidence from which it is
// believed, and whether it is passed over. For `keelson quality` and for the console.
import { z } from 'zod';
import { calibrationError, findThreshold, reliability } from '#machines/calibration.ts';
import { demandOf, tierKey, tierQualitySchema, toCases, type Demands, type Outcome } from '#machines/tier-quality.ts';

const binSchema = z.object({ from: z.number(), to: z.number(), cases: z.number(), claimed: z.number().nullable(), share: z.number().nullable() });
export const tierViewSchema = z.object({
  task: z.string(), tier: z.string(),
  /** In force: what was measured, else what the settings say. Null: at no confidence. */
  threshold: z.number().nullable(),
  /** As it would be measured now, and why. */
  measured: z.number().nullable(), reason: z.string(),
  demoted: z.boolean(), sinceMs: z.number().nullable(), why: z.string().nullable(),
  /** How many answers ended how. */
  outcomes: z.record(z.string(), z.int()),
  cases: z.number(), right: z.number().nullable(), error: z.number().nullable(),
  bins: z.array(binSchema),
});
export type TierView = z.output<typeof tierViewSchema>;

const windowMs = 180 * 86_400_000;
type Ask = (name: string, args: Record<string, unknown>) => Promise<unknown>;

export async function viewQuality(query: Ask, { demands, nowMs }: { demands: Demands; nowMs: number }): Promise<TierView[]> {
  const outcomes = (await query('outcomes', { since: Math.max(0, nowMs - windowMs) })) as Outcome[];
  const stated = new Map(((await query('tierQuality', {})) as Record<string, unknown>[]).flatMap(({ entity: _, id: __, atMs: ___, ...value }) => {
    const one = tierQualitySchema.safeParse(value).data;
    return one ? [[tierKey(one), one] as const] : [];
  }));
  const groups = Map.groupBy(outcomes, tierKey);
  const names = new Map([...outcomes, ...stated.values()].map((one) => [tierKey(one), one]));
  return [...names].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, { task, tier }]) => {
    const [own, known] = [groups.get(key) ?? [], stated.get(key)];
    const cases = toCases(own, nowMs);
    const bins = reliability(cases);
    const demand = demandOf(demands, task);
    const { threshold: measured, reason } = findThreshold(cases, demand);
    const weight = bins.reduce((sum, bin) => sum + bin.cases, 0);
    return {
      task, tier, measured, reason, threshold: known ? known.threshold : demand.usual, demoted: known?.demoted ?? false, sinceMs: known?.sinceMs ?? null, why: known?.reason ?? null,
      outcomes: Object.fromEntries([...Map.groupBy(own, ({ outcome }) => outcome)].map(([outcome, list]) => [outcome, list.length])),
      cases: Math.round(weight * 10) / 10, right: weight === 0 ? null : bins.reduce((sum, bin) => sum + bin.right, 0) / weight, error: calibrationError(bins),
      bins: bins.map(({ right: _, ...bin }) => bin),
    };
  });
}
