// `quality` and `report` of company.json: what share of answers must be right before a tier is believed, and how many minutes it would have
// cost to do by hand what was done without one.
import { z } from 'zod';
import type { Demand } from '#machines/calibration.ts';
import type { Demands } from '#machines/tier-quality.ts';

const share = z.number().gt(0).max(1);

export const qualitySchema = z.strictObject({
  /** By task: the share that must be right. Default: the threshold of the task, else `others`. */
  targets: z.record(z.string(), share).default({}),
  others: share.default(0.8),
  /** However good a tier is, below this confidence it is not believed. */
  minimum: z.number().min(0).max(1).default(0.5),
  /** Whether measured thresholds may also be lower than `thresholds` of this file. */
  mayRelax: z.boolean().default(false),
}).prefault({});
export type QualitySettings = z.output<typeof qualitySchema>;

/** Minutes by hand, by what was done. */
export const minutesDefault = { triage: 1, draft: 8, booked: 4 } as const;
export const reportSchema = z.strictObject({
  minutes: z.strictObject({ triage: z.number().min(0).optional(), draft: z.number().min(0).optional(), booked: z.number().min(0).optional() }).default({}),
  /** Hour of the day, by the clock of this computer, at which the report of the day before is written. */
  atHour: z.int().min(0).max(23).default(6),
}).prefault({});
export type ReportSettings = z.output<typeof reportSchema>;

export function toDemands({ targets, others, minimum, mayRelax }: QualitySettings, thresholds: Readonly<Record<string, number>>): Demands {
  const tasks = [...new Set([...Object.keys(targets), ...Object.keys(thresholds)])];
  const demand = (task: string): Demand => {
    const usual = thresholds[task] ?? targets[task] ?? others;
    return { target: targets[task] ?? thresholds[task] ?? others, usual, minimum: mayRelax ? minimum : Math.max(minimum, thresholds[task] ?? 0) };
  };
  return { tasks: Object.fromEntries(tasks.map((task) => [task, demand(task)])), others: { target: others, usual: others, minimum } };
}
