// `budgets` of company.json: what models may cost, and how each workflow spends it. Amounts are in US dollars there and micros inside.
import { z } from 'zod';
import { profileDefault, type Budgets, type Limits, type Profile } from '#machines/budget.ts';

const usd = z.number().nonnegative().max(1_000_000);
const limits = { perRunUsd: usd.nullable().optional(), perDayUsd: usd.nullable().optional(), perMonthUsd: usd.nullable().optional() };
const workflowSchema = z.strictObject({
  ...limits,
  latency: z.enum(['now', 'batch']).optional(),
  otherwise: z.enum(['wait', 'go-on']).optional(),
  tiers: z.array(z.string().min(1)).nullable().optional(),
  cache: z.boolean().optional(),
});

export const budgetsSchema = z.strictObject({
  /** Of all workflows together; `perRunUsd` is that of any run whose workflow does not say. */
  company: z.strictObject(limits).default({ perRunUsd: 0.25, perDayUsd: 1, perMonthUsd: 20 }),
  /** By the machine that a run begins with; `*` for all others. */
  workflows: z.record(z.string(), workflowSchema).default({}),
  /** Shares of a day's or month's budget at which you are told, once each. */
  alertAt: z.array(z.number().gt(0).max(1)).default([0.5, 0.8, 1]),
}).default({ company: { perRunUsd: 0.25, perDayUsd: 1, perMonthUsd: 20 }, workflows: {}, alertAt: [0.5, 0.8, 1] });
export type BudgetSettings = z.output<typeof budgetsSchema>;
type WorkflowSettings = z.output<typeof workflowSchema>;

const toMicros = (amount: number | null | undefined) => (amount === undefined || amount === null ? amount : Math.round(amount * 1_000_000));

function toLimits({ perRunUsd, perDayUsd, perMonthUsd }: Pick<WorkflowSettings, 'perRunUsd' | 'perDayUsd' | 'perMonthUsd'>): Limits {
  return { perRunMicros: toMicros(perRunUsd), perDayMicros: toMicros(perDayUsd), perMonthMicros: toMicros(perMonthUsd) };
}

export function toBudgets({ company, workflows }: BudgetSettings): Budgets {
  const { '*': others = {}, ...named } = workflows;
  return { company: toLimits(company), workflows: Object.fromEntries(Object.entries(named).map(([name, one]) => [name, toLimits(one)])), others: toLimits(others) };
}

/** How this workflow spends. */
export function profileOf({ workflows }: BudgetSettings, workflow: string): Profile {
  const { latency, otherwise, tiers, cache }: WorkflowSettings = { ...workflows['*'], ...(Object.hasOwn(workflows, workflow) ? workflows[workflow] : {}) };
  return { latency: latency ?? profileDefault.latency, otherwise: otherwise ?? profileDefault.otherwise, tiers: tiers ?? profileDefault.tiers, cache: cache ?? profileDefault.cache };
}
