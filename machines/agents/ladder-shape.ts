// What goes into the ladder and what comes out of it.
import { z } from 'zod';
import { linkSchema } from '../records.ts';
import { triedOutcomes } from './activities.ts';

const rungSchema = z.object({ tier: z.string(), outcome: z.enum(triedOutcomes), confidence: z.number().nullable(), costMicros: z.number().int().nullable(), reason: z.string() });

export const ladderInput = z.object({
  /** Of machines/task-list.ts. */
  task: z.string(),
  /** In the shape of the task's input. */
  input: z.json(),
  /** What is there already from a cheaper tier, and stands when nothing better is to be had. */
  floor: z.object({ answer: z.json(), confidence: z.number(), tier: z.string() }).nullable(),
});

export const ladderOutput = z.object({
  /** In the shape of the task's answer; null when nobody had any. */
  answer: z.json(),
  /** 0 without an answer. */
  confidence: z.number(),
  /** Whether the tier that gave it is believed at this confidence; if not, the operator is asked. */
  sure: z.boolean(),
  tier: z.string().nullable(),
  model: z.string().nullable(),
  /** Of all tiers that were asked; null when one has an unknown price. */
  costMicros: z.number().int().nullable(),
  prompt: z.object({ id: z.string(), version: z.number().int() }).nullable(),
  evidence: z.array(linkSchema),
  /** Every tier that was asked or passed over, cheapest first, and why. */
  trail: z.array(rungSchema),
  reason: z.string(),
});
export type Climbed = z.output<typeof ladderOutput>;
