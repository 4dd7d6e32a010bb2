// Which tiers a task has, and from which confidence on each is believed. Asks no model and costs nothing.
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { typeOf } from '#machines/address.ts';
import type { Profile } from '#machines/budget.ts';
import { taskOf } from '#machines/task-list.ts';
import type { Quality } from '../quality.ts';
import type { Gateway } from './gateway.ts';
import { localTier, tiersOf, type ModelSettings } from './settings.ts';

/** Whose money it is: the run that the job belongs to, and the machine that the run began with. */
export async function runOf(store: Pick<StorePort, 'query'>, operationId: string): Promise<{ workflow: string; run: string }> {
  const address = operationId.slice(0, operationId.lastIndexOf('#'));
  const run = ((await store.query('rootOf', { address })) as string | null) ?? address;
  return { workflow: typeOf(run), run };
}

/** Where somebody outside waits, nothing is put off. */
export const latencyOf = (task: string, { latency }: Pick<Profile, 'latency'>): Profile['latency'] => (taskOf(task)?.facing === 'customer' ? 'now' : latency);

export interface PlanParts { settings: ModelSettings; gateway: Pick<Gateway, 'whyNot'>; store: Pick<StorePort, 'query'>; profileOf(workflow: string): Profile; readQuality(): Promise<Quality>; thresholdDefault(task: string): number }

export function planTiers({ settings, gateway, store, profileOf, readQuality, thresholdDefault }: PlanParts): Activity {
  return async ({ input, operationId }) => {
    const { task } = input as { task: string };
    const profile = profileOf((await runOf(store, operationId)).workflow);
    const latency = latencyOf(task, profile);
    const tiers: { name: string; threshold: number }[] = [];
    const skipped: { name: string; reason: string }[] = [];
    const quality = await readQuality();
    for (const name of tiersOf(settings, task)) {
      const reason = whyPassedOver(name, { profile, latency }) ?? quality.demoted(task, name);
      if (reason === null) tiers.push({ name, threshold: quality.thresholdOf(task, name) ?? thresholdDefault(task) });
      else skipped.push({ name, reason });
    }
    return { tiers, skipped, latency, otherwise: profile.otherwise };
  };

  function whyPassedOver(name: string, { profile, latency }: { profile: Profile; latency: 'now' | 'batch' }): string | null {
    if (profile.tiers !== null && !profile.tiers.includes(name)) return 'this workflow does not use it';
    if (name === localTier) return null;
    if (settings.tiers[name]!.latency === 'batch' && latency === 'now') return 'it is for work that can wait, and somebody waits for this';
    return gateway.whyNot(name);
  }
}
