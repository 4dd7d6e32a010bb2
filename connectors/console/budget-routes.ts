// What thinking costs: each budget with what is spent, reserved, allowed and to be expected, where it went, and the operator's limits.
import { z } from 'zod';
import { outlook, type BalanceRow, type Outlook } from '#machines/budget-outlook.ts';
import { budgetEntity, budgetPredicate, limitsSchema, monthOf, overlayLimits, type Budgets, type Limits } from '#machines/budget.ts';
import { KeelsonError } from '#machines/errors.ts';
import { commandIdSchema as commandId } from './desk-commands.ts';
import type { Knowledge } from './desk-facts.ts';
import { get, post, type Route } from './route.ts';

type Query = (name: string, args: Record<string, unknown>) => Promise<unknown>;
export interface BudgetPorts { query: Query; desk: Pick<Knowledge, 'addFact'>; budgets: Budgets; nowMs(): number }

export interface TierSpend { workflow: string; tier: string; provider: string; model: string; calls: number; micros: number; inputTokens: number | null; outputTokens: number | null; /** Calls whose price nobody knows. */ assumed: number; /** Calls that cost more than was reserved. */ overrun: number }
export interface RunSpend { workflow: string; run: string; calls: number; micros: number; reservedMicros: number; atMs: number }
/** `micros` is null while it is under way. */
export interface ModelCall { id: string; workflow: string; run: string; task: string; tier: string; provider: string; model: string; reservedMicros: number; micros: number | null; outcome: string | null; atMs: number }
export interface BudgetView {
  atMs: number;
  budgets: Outlook[];
  /** What one run may cost; null for no limit of its own. */
  perRun: { workflow: string | null; limitMicros: number | null }[];
  /** Since the month began. */
  tiers: TierSpend[];
  runs: RunSpend[];
  calls: ModelCall[];
}

export async function readOutlook(query: Query, settings: Budgets, nowMs: number): Promise<Outlook[]> {
  const [rows, said] = await Promise.all([query('balances', { nowMs }) as Promise<BalanceRow[]>, query('budgetLimits', {}) as Promise<Record<string, Limits>>]);
  return outlook(settings, said, rows, nowMs);
}

export async function readBudgets(query: Query, settings: Budgets, nowMs: number, first = 10): Promise<BudgetView> {
  const since = Date.parse(`${monthOf(nowMs).slice('month:'.length)}-01T00:00:00Z`);
  const [rows, said, tiers, runs, calls] = await Promise.all([
    query('balances', { nowMs }) as Promise<BalanceRow[]>, query('budgetLimits', {}) as Promise<Record<string, Limits>>, query('spendByTier', { since }) as Promise<TierSpend[]>,
    query('dearestRuns', { since, limit: first }) as Promise<RunSpend[]>, query('modelCalls', { limit: first }) as Promise<ModelCall[]>,
  ]);
  const { company, workflows } = overlayLimits(settings, said);
  const perRun = [{ workflow: null, limitMicros: company.perRunMicros ?? null }, ...Object.entries(workflows).flatMap(([workflow, { perRunMicros }]) => (perRunMicros === undefined ? [] : [{ workflow, limitMicros: perRunMicros }]))];
  return { atMs: nowMs, budgets: outlook(settings, said, rows, nowMs), perRun, tiers, runs, calls };
}

const limit = z.union([limitsSchema.shape.perDayMicros.unwrap(), z.literal('settings')]).optional();
/** Null for no limit, `settings` for what company.json says; what is not named stays. */
export const limitsRequest = z.strictObject({ perRunMicros: limit, perDayMicros: limit, perMonthMicros: limit });
export type LimitsRequest = z.output<typeof limitsRequest>;

export function budgetRoutes({ query, desk, budgets, nowMs }: BudgetPorts): Route[] {
  return [
    get('/api/budgets', { summary: 'What models cost: spent, reserved, allowed and to be expected, by company and workflow, and where it went.', handle: () => readBudgets(query, budgets, nowMs()) }),
    post('/api/budgets/:workflow', {
      summary: 'What a workflow, or the company, may spend on models, in millionths of a dollar. It holds from the next call on.', body: limitsRequest.extend({ commandId }),
      async handle({ params: { workflow }, body: { commandId: given, ...asked } }) {
        if (!/^[\w.-]{1,100}$/.test(workflow)) throw new KeelsonError('BAD_ARGUMENT', `'${workflow.slice(0, 100)}' is no name of a workflow`, { hint: 'A workflow is called by the machine that its runs begin with, such as mail; `company` stands for all together.' });
        const before = ((await query('budgetLimits', {})) as Record<string, Limits>)[workflow] ?? {};
        const value = Object.fromEntries(Object.entries({ ...before, ...asked }).filter(([, micros]) => micros !== undefined && micros !== 'settings')) as Limits;
        const { fact } = await desk.addFact({ entity: budgetEntity(workflow === 'company' ? null : workflow), predicate: budgetPredicate, value, correct: false, confidence: 1, commandId: given });
        return { fact, workflow, limits: value };
      },
    }),
  ];
}
