// Reads of how good the tiers are: the measurement that the quality agent asks for, and what is in force for who plans an answer. From the
// store alone; nobody is asked and nothing is spent.
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { noAnswer } from '#machines/agents/activities.ts';
import type { AskLearnt } from './learnt.ts';
import { isNews, judgeTiers, tierKey, tierQualitySchema, type Demands, type Outcome, type TierQuality } from '#machines/tier-quality.ts';

/** Older answers say little about today's. */
const windowMs = 180 * 86_400_000;

export function measureQuality({ store, clock, demands }: { store: Pick<StorePort, 'query'>; clock: Pick<Clock, 'now'>; demands: Demands }): Activity {
  return async ({ input }) => {
    const { known, kept } = input as { known: TierQuality[]; kept: string[] };
    const nowMs = clock.now();
    const outcomes = (await store.query('outcomes', { since: Math.max(0, nowMs - windowMs) })) as Outcome[];
    const before = new Map(known.map((one) => [tierKey(one), one]));
    const news = judgeTiers(outcomes, known, { demands, nowMs, kept }).filter((one) => isNews(one, before.get(tierKey(one)) ?? null));
    return { news };
  };
}

export interface Quality {
  /** From which confidence on a tier is believed at a task; null when nothing was measured yet. */
  thresholdOf(task: string, tier: string): number | null;
  /** Why it is passed over; null when it is not. */
  demoted(task: string, tier: string): string | null;
}

/** What was found out last; a new measurement counts from the next call. */
export function readQuality(store: Pick<StorePort, 'query'>): () => Promise<Quality> {
  return async () => {
    const rows = ((await store.query('tierQuality', {})) as unknown[]).flatMap((row) => {
      const { entity: _, atMs: __, id: ___, ...value } = row as Record<string, unknown>;
      return tierQualitySchema.safeParse(value).data ?? [];
    });
    const known = new Map(rows.map((one) => [tierKey(one), one]));
    const find = (task: string, tier: string) => known.get(tierKey({ task, tier }));
    return {
      thresholdOf: (task, tier) => find(task, tier)?.threshold ?? null,
      demoted(task, tier) {
        const found = find(task, tier);
        if (!found) return null;
        return found.demoted ? `demoted: ${found.reason}` : found.threshold === null ? `not believed: ${found.reason}` : null;
      },
    };
  };
}

/** What was learnt, as long as it is not demoted: then it is unsure of everything. Who plans an answer passes it over anyway; who asks it straight hears this. */
export function unlessDemoted(learnt: AskLearnt, read: () => Promise<Quality>): AskLearnt {
  return async (task, input) => {
    const reason = (await read()).demoted(task, 'local');
    return reason === null ? learnt(task, input) : noAnswer('unsure', reason, 0);
  };
}
