// What each budget will come to. Taken by now, and for the rest of its day or month the pace of the last seven days; a young company's pace
// is that since its first call, over at least six hours, so that one call in the morning is not a dear month. Pure.
import { accountKey, accountsOf, dayOf, limitOf, monthOf, overlayLimits, type Account, type Balance, type Budgets, type Limits, type Scope } from './budget.ts';

export type BalanceRow = Balance & { scope: Scope; period: string };

export interface Outlook extends Balance {
  /** Null for the company. */
  workflow: string | null;
  period: string;
  limitMicros: number | null;
  forecastMicros: number;
  endsAtMs: number;
}

export const paceDays = 7;
const [hourMs, dayMs] = [3_600_000, 86_400_000];
/** From when on the rows of `balances` must be known. */
export const paceSince = (nowMs: number) => dayOf(nowMs - (paceDays - 1) * dayMs);
const startOf = (day: string) => Date.parse(day.slice('day:'.length));

/** Micros per millisecond. */
function paceOf(rows: readonly BalanceRow[], scope: Scope, nowMs: number): number {
  const days = rows.filter((row) => row.scope === scope && row.period >= paceSince(nowMs) && row.period <= dayOf(nowMs));
  const spent = days.reduce((sum, { settledMicros, reservedMicros }) => sum + settledMicros + reservedMicros, 0);
  const sinceMs = Math.min(nowMs, ...days.map(({ period }) => startOf(period)));
  return spent / Math.max(nowMs - sinceMs, 6 * hourMs);
}

/** Day and month of the company and of every workflow that has a limit of its own or has spent; `said` are the operator's limits. */
export function outlook(settings: Budgets, said: Readonly<Record<string, Limits>>, rows: readonly BalanceRow[], nowMs: number): Outlook[] {
  const budgets = overlayLimits(settings, said);
  const spent = rows.filter(({ scope, period }) => scope.startsWith('workflow/') && (period === dayOf(nowMs) || period === monthOf(nowMs))).map(({ scope }) => scope.slice('workflow/'.length));
  const workflows = [...new Set([...Object.keys(budgets.workflows), ...spent])].toSorted();
  const balances = new Map(rows.map((row) => [accountKey(row), row]));
  const tell = (workflow: string | null) => ({ scope, period, againAtMs, limit }: Account): Outlook => {
    const { settledMicros = 0, reservedMicros = 0 } = balances.get(accountKey({ scope, period })) ?? {};
    const forecastMicros = Math.round(settledMicros + reservedMicros + paceOf(rows, scope, nowMs) * (againAtMs! - nowMs));
    return { workflow, period, settledMicros, reservedMicros, limitMicros: limitOf(budgets, { scope, period, againAtMs, limit }, workflow ?? ''), forecastMicros, endsAtMs: againAtMs! };
  };
  // A run has no day and no month; which one is named does not matter.
  const timed = (workflow: string) => accountsOf(workflow, workflow, nowMs).filter(({ againAtMs }) => againAtMs !== null);
  return [
    ...timed('').filter(({ scope }) => scope === 'company').map(tell(null)),
    ...workflows.flatMap((workflow) => timed(workflow).filter(({ scope }) => scope !== 'company').map(tell(workflow))),
  ];
}

export interface Alert { workflow: string | null; period: string; /** Share of the limit, 0 to 1. */ threshold: number; limitMicros: number; takenMicros: number; forecastMicros: number; endsAtMs: number }

/** The highest threshold that each budget has reached. */
export function alertsOf(budgets: readonly Outlook[], thresholds: readonly number[]): Alert[] {
  return budgets.flatMap(({ workflow, period, settledMicros, reservedMicros, limitMicros, forecastMicros, endsAtMs }) => {
    const takenMicros = settledMicros + reservedMicros;
    if (limitMicros === null || limitMicros === 0) return [];
    const reached = thresholds.filter((threshold) => takenMicros >= threshold * limitMicros);
    return reached.length === 0 ? [] : [{ workflow, period, threshold: Math.max(...reached), limitMicros, takenMicros, forecastMicros, endsAtMs }];
  });
}

/** One item per budget, period, limit and threshold: who raises a limit is told anew. */
export const alertId = ({ workflow, period, threshold, limitMicros }: Pick<Alert, 'workflow' | 'period' | 'threshold' | 'limitMicros'>) => `${alertPrefix(workflow)}${period.replace(':', '-')}-${Math.round(threshold * 100)}-of-${limitMicros}`;
export const alertPrefix = (workflow: string | null) => `budget-${workflow === null ? 'company' : `workflow-${workflow}`}-`;
