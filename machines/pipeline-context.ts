// What a running pipeline remembers, as plain JSON: the input, the results of its stages, and how far the one at work is.
import { z } from 'zod';
import type { Scope, StepPlan, Worker } from './pipeline-plan.ts';
import { linkSchema } from './records.ts';

const problemSchema = z.object({ kind: z.enum(['failed', 'invalid', 'timed out', 'unsure', 'stopped']), text: z.string() });

/** One place where an agent works or the operator is asked. */
export const slotSchema = z.object({
  /** Which agent is at it: 0 is the first, then the alternatives. */
  worker: z.number().int(),
  /** Of this agent. */
  tries: z.number().int(),
  timeouts: z.number().int(),
  running: z.boolean(),
  done: z.boolean(),
  output: z.json(),
  problem: problemSchema.nullable(),
  /** Why the next try may not start: the budget. */
  blocked: z.string().nullable(),
  /** Questions so far; the item's id counts them. */
  asked: z.number().int(),
  /** The question was not answered in time and is an escalation now. */
  escalated: z.boolean(),
  spentMicros: z.number().int(),
  /** The most that what runs now may cost. */
  reservedMicros: z.number().int(),
  /** Tries whose price nobody knows, and how many of these the operator has accepted. */
  unknownPrices: z.number().int(),
  acceptedPrices: z.number().int(),
  /** null: no limit of its own. */
  allowedMicros: z.number().int().nullable(),
});
export type Slot = z.output<typeof slotSchema>;

const failedSchema = z.object({ index: z.number().int(), reason: z.string() });
export const batchSchema = z.object({
  /** Indexes of items: not begun, begun, and of these those that wait for a person. */
  queue: z.array(z.number().int()),
  running: z.array(z.number().int()),
  parked: z.array(z.number().int()),
  outputs: z.array(z.json()),
  failed: z.array(failedSchema),
});
export type Batch = z.output<typeof batchSchema>;

const roundSchema = z.object({ round: z.number().int(), remarks: z.json(), previous: z.json() });

export const contextSchema = z.object({
  address: z.string(),
  title: z.string(),
  evidence: z.array(linkSchema),
  input: z.unknown(),
  results: z.record(z.string(), z.json()),
  /** Of the stage at work; what a stage has spent stays in `spent` when it is done. */
  slots: z.record(z.string(), slotSchema),
  spent: slotSchema.pick({ spentMicros: true, unknownPrices: true, acceptedPrices: true }),
  batches: z.record(z.string(), batchSchema),
  rounds: z.record(z.string(), roundSchema),
  /** What the run may spend in all, and what the operator's yes adds to it; null: no limit. */
  allowedMicros: z.number().int().nullable(),
  grantMicros: z.number().int().nullable(),
  /** Places that wait for a person. */
  parked: z.number().int(),
  reason: z.string(),
});
export type Context = z.output<typeof contextSchema>;

export const emptySlot = (allowedMicros: number | null): Slot => ({ worker: 0, tries: 0, timeouts: 0, running: false, done: false, output: null, problem: null, blocked: null, asked: 0, escalated: false, spentMicros: 0, reservedMicros: 0, unknownPrices: 0, acceptedPrices: 0, allowedMicros });
export const firstRound = { round: 1, remarks: null, previous: null };

export const scopeOf = ({ input, results }: Context): Scope => ({ input, results });
export const workerOf = (step: StepPlan, slot: Slot): Worker => step.workers[slot.worker]!;
export const slotOf = (context: Context, name: string): Slot => context.slots[name] ?? emptySlot(null);
export const withSlot = (context: Context, name: string, change: Partial<Slot>): Pick<Context, 'slots'> => ({ slots: { ...context.slots, [name]: { ...slotOf(context, name), ...change } } });

/** The stage is done: of all it remembered only the result and the money stay. */
export function endStage({ slots, batches, rounds, spent, results }: Context, stage: string, result: Slot['output']): Partial<Context> {
  const isOurs = (name: string) => name === stage || name.startsWith(`${stage}.`);
  const others = <T>(record: Record<string, T>) => Object.fromEntries(Object.entries(record).filter(([name]) => !isOurs(name)));
  const ours = Object.entries(slots).filter(([name]) => isOurs(name)).map(([, slot]) => slot);
  return { results: { ...results, [stage]: result }, slots: others(slots), batches: others(batches), rounds: others(rounds), spent: sumMoney([spent, ...ours]) };
}

type Money = Context['spent'];
const sumMoney = (all: readonly Money[]): Money => ({
  spentMicros: all.reduce((sum, one) => sum + one.spentMicros, 0),
  unknownPrices: all.reduce((sum, one) => sum + one.unknownPrices, 0),
  acceptedPrices: all.reduce((sum, one) => sum + one.acceptedPrices, 0),
});

/** What the whole run has spent, and reserved for what runs now. */
export function moneyOf({ slots, spent }: Context): Money & { reservedMicros: number } {
  const all = Object.values(slots);
  return { ...sumMoney([spent, ...all]), reservedMicros: all.reduce((sum, one) => sum + one.reservedMicros, 0) };
}
