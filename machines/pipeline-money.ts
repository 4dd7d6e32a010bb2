// What a pipeline may spend, has spent and has reserved: settled + reserved stays within the budget, and an unknown price is never zero.
import { moneyOf, slotOf, workerOf, type Context, type Slot } from './pipeline-context.ts';
import type { StepPlan, Worker } from './pipeline-plan.ts';

/** What is reserved becomes what was spent. An unknown price is never zero: it counts as the most it may be, or as unknown. */
export function charge(slot: Slot, costMicros: number | null, worker: Worker): Pick<Slot, 'spentMicros' | 'reservedMicros' | 'unknownPrices'> {
  const spent = costMicros ?? worker.tryCostMicros ?? 0;
  const unknown = costMicros === null && worker.tellsCost && worker.tryCostMicros === null;
  return { spentMicros: slot.spentMicros + spent, reservedMicros: 0, unknownPrices: slot.unknownPrices + (unknown ? 1 : 0) };
}

export function sayCost(costMicros: number | null, { tryCostMicros }: Worker): string {
  if (costMicros !== null) return `cost ${costMicros} micros`;
  return tryCostMicros === null ? 'its cost is unknown' : `its cost is unknown and counts as ${tryCostMicros} micros`;
}

/** Why this agent must not start: what it may spend is gone, or nobody knows whether it is. Null when it may. */
export function whyOverBudget(context: Context, slot: Slot, { tellsCost, tryCostMicros }: Worker): string | null {
  if (!tellsCost && tryCostMicros === null) return null;
  return whyGone('the stage', slot, tryCostMicros) ?? whyGone('the pipeline', { ...moneyOf(context), allowedMicros: context.allowedMicros }, tryCostMicros);
}

type Purse = Pick<Slot, 'spentMicros' | 'reservedMicros' | 'unknownPrices' | 'acceptedPrices' | 'allowedMicros'>;

function whyGone(whose: string, { spentMicros, reservedMicros, unknownPrices, acceptedPrices, allowedMicros }: Purse, tryCostMicros: number | null): string | null {
  if (allowedMicros === null) return null;
  const unknown = unknownPrices - acceptedPrices;
  if (unknown > 0) return `${whose} has spent ${spentMicros} of ${allowedMicros} micros, and ${unknown} ${unknown === 1 ? 'price is' : 'prices are'} unknown`;
  const taken = spentMicros + reservedMicros;
  if (taken >= allowedMicros) return `${whose} has spent ${taken} of ${allowedMicros} micros`;
  return tryCostMicros !== null && taken + tryCostMicros > allowedMicros ? `${whose} has ${allowedMicros - taken} micros left, and one try may cost ${tryCostMicros}` : null;
}

/** What the whole run cost; null when a price is unknown. */
export function totalCost(context: Context): number | null {
  const { spentMicros, unknownPrices } = moneyOf(context);
  return unknownPrices > 0 ? null : spentMicros;
}

/** The operator allows the budget that is gone once more, on top of what is taken, and accepts that some prices are unknown. */
export function grant(context: Context, slot: string, { costMicros, tryCostMicros }: { costMicros: number | null; tryCostMicros: number | null }): Partial<Context> {
  const more = (purse: Purse, micros: number | null) => (micros === null || whyGone('', purse, tryCostMicros) === null ? purse.allowedMicros : purse.spentMicros + purse.reservedMicros + Math.max(micros, tryCostMicros ?? 0));
  const own = slotOf(context, slot);
  const slots = { ...context.slots, [slot]: { ...own, allowedMicros: more(own, costMicros) } };
  return {
    slots: Object.fromEntries(Object.entries(slots).map(([name, one]) => [name, { ...one, acceptedPrices: one.unknownPrices }])),
    spent: { ...context.spent, acceptedPrices: context.spent.unknownPrices },
    allowedMicros: more({ ...moneyOf(context), allowedMicros: context.allowedMicros }, context.grantMicros),
  };
}

/** A try that was under way when its state was left has a price that nobody will tell. */
export function settleTry(step: StepPlan, slot: Slot): Slot {
  return slot.running ? { ...slot, ...charge(slot, null, workerOf(step, slot)), running: false } : slot;
}
