// What thinking may cost. A tree: the company, its workflows, each run; within a day, a month, a run. The most that a call can cost is
// reserved before it, what it cost is settled after it, and settled + reserved never passes a limit. Pure; the store asks it in the
// transaction that reserves. Money is in micros: millionths of a US dollar, because providers charge in dollars.
import { z } from 'zod';

/** No more than a million dollars at once, so that sums stay exact. */
const micros = z.int().nonnegative().max(1e12);

/** What is not given is not limited here; a limit further up the tree holds all the same. */
export const limitsSchema = z.strictObject({ perRunMicros: micros.nullable().optional(), perDayMicros: micros.nullable().optional(), perMonthMicros: micros.nullable().optional() });
export type Limits = z.output<typeof limitsSchema>;

export interface Budgets {
  company: Limits;
  /** By workflow: the id of the machine that a run began with, `mail`. */
  workflows: Readonly<Record<string, Limits>>;
  /** Of workflows that are not named. */
  others: Limits;
}

/** `company`, `workflow/mail`, `run/mail/m-1` */
export type Scope = string;

/** The operator's word about a limit counts more than the settings; it is a fact about this entity. */
export const budgetEntity = (workflow: string | null) => `asset/budget-${workflow ?? 'company'}`;
export const budgetPredicate = 'budget.limits';

export const reservedSchema = z.strictObject({
  state: z.literal('reserved'),
  /** Of the call: it is settled under the same id, once. */
  id: z.string().min(1).max(500),
  /** The most that it can cost. */
  micros,
  workflow: z.string().min(1).max(100),
  /** Address of the actor that the run began with. */
  run: z.string().min(1).max(500),
  /** From then on nobody settles it any more: it is counted in full. */
  untilMs: z.int(),
  task: z.string().max(100),
  tier: z.string().max(100),
  provider: z.string().max(100),
  model: z.string().max(200),
  /** Where the price is from: `list`, `settings`, or `assumed` where nobody knows it. */
  price: z.enum(['list', 'settings', 'assumed']),
});
export const settledSchema = z.strictObject({
  state: z.literal('settled'),
  id: z.string().min(1).max(500),
  /** What it cost; all that was reserved when nobody can tell. 0 only when certainly nothing was asked, or nothing is charged. */
  micros,
  /** How the call ended, and why it is counted so. */
  outcome: z.string().max(100),
  inputTokens: z.int().nonnegative().nullable(),
  outputTokens: z.int().nonnegative().nullable(),
  note: z.string().max(500),
});
export const spendSchema = z.discriminatedUnion('state', [reservedSchema, settledSchema]);
export type Reserved = z.output<typeof reservedSchema>;
export type Settled = z.output<typeof settledSchema>;
export type Spend = z.output<typeof spendSchema>;

/** What a model said, kept to be given again; `key` is the hash of all that was asked. */
export const answerSchema = z.strictObject({ key: z.string().min(1).max(500), task: z.string().max(100), model: z.string().max(200), value: z.string().max(1_000_000).refine(isJson, 'expected JSON') });

/** What is taken of one budget. */
export interface Balance { settledMicros: number; reservedMicros: number }

/** Which limit stands in the way, and from when on it may not any more; null for a run, which has no end. */
export interface Shortage { scope: Scope; period: string; limitMicros: number; takenMicros: number; wantedMicros: number; againAtMs: number | null }

/** A budget that a call is counted in. */
export interface Account { scope: Scope; period: string; limit: keyof Limits; againAtMs: number | null }

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const dayMs = 86_400_000;
const iso = (ms: number) => new Date(ms).toISOString();
/** Days and months are those of UTC, so that no change of the clock makes one longer. */
export const dayOf = (ms: number) => `day:${iso(ms).slice(0, 10)}`;
export const monthOf = (ms: number) => `month:${iso(ms).slice(0, 7)}`;
const nextDay = (ms: number) => (Math.floor(ms / dayMs) + 1) * dayMs;
const nextMonth = (ms: number) => Date.UTC(new Date(ms).getUTCFullYear(), new Date(ms).getUTCMonth() + 1, 1);
export const runPeriod = 'run';

/** All budgets that a call of this run at this time is counted in: by when it was reserved, also when it is settled later. */
export function accountsOf(workflow: string, run: string, atMs: number): Account[] {
  const timed = (scope: Scope): Account[] => [
    { scope, period: dayOf(atMs), limit: 'perDayMicros', againAtMs: nextDay(atMs) },
    { scope, period: monthOf(atMs), limit: 'perMonthMicros', againAtMs: nextMonth(atMs) },
  ];
  return [...timed('company'), ...timed(`workflow/${workflow}`), { scope: `run/${run}`, period: runPeriod, limit: 'perRunMicros', againAtMs: null }];
}

export const accountKey = ({ scope, period }: Pick<Account, 'scope' | 'period'>) => `${scope} ${period}`;

/** The limits of a workflow; of a run, those of its workflow, and where they say nothing those of the company. */
export function limitOf(budgets: Budgets, { scope, limit }: Account, workflow: string): number | null {
  const own = Object.hasOwn(budgets.workflows, workflow) ? budgets.workflows[workflow]! : budgets.others;
  if (scope === 'company') return budgets.company[limit] ?? null;
  return own[limit] ?? (scope.startsWith('run/') ? budgets.company.perRunMicros ?? null : null);
}

/** The first limit that this reservation would pass, or null. `balanceOf` answers what is taken by now. */
export function whyUnaffordable(budgets: Budgets, balanceOf: (account: Account) => Balance, { workflow, run, micros: wanted }: Pick<Reserved, 'workflow' | 'run' | 'micros'>, atMs: number): Shortage | null {
  for (const account of accountsOf(workflow, run, atMs)) {
    const limitMicros = limitOf(budgets, account, workflow);
    const { settledMicros, reservedMicros } = balanceOf(account);
    const takenMicros = settledMicros + reservedMicros;
    if (limitMicros !== null && takenMicros + wanted > limitMicros) return { scope: account.scope, period: account.period, limitMicros, takenMicros, wantedMicros: wanted, againAtMs: account.againAtMs };
  }
  return null;
}

export const dollars = (amount: number) => (amount === 0 ? '$0' : `$${(amount / 1_000_000).toFixed(amount < 1_000_000 ? 4 : 2)}`);

/** `the budget of mail for day 2026-11-23 has $0.0012 of $0.5000 left, and one call may cost $0.0040` */
export function sayShortage({ scope, period, limitMicros, takenMicros, wantedMicros }: Shortage): string {
  const whose = scope === 'company' ? 'the company' : scope.slice(scope.indexOf('/') + 1);
  return `the budget of ${whose}${period === runPeriod ? '' : ` for ${period.replace(':', ' ')}`} has ${dollars(Math.max(0, limitMicros - takenMicros))} of ${dollars(limitMicros)} left, and one call may cost ${dollars(wantedMicros)}`;
}

/** Operator's limits over those of the settings. */
export function overlayLimits(budgets: Budgets, said: Readonly<Record<string, Limits>>): Budgets {
  const { company: ofCompany = {}, ...others } = said;
  const workflows = Object.fromEntries([...new Set([...Object.keys(budgets.workflows), ...Object.keys(others)])].map((name) => [name, { ...(Object.hasOwn(budgets.workflows, name) ? budgets.workflows[name] : budgets.others), ...(Object.hasOwn(others, name) ? others[name] : {}) }]));
  return { company: { ...budgets.company, ...ofCompany }, workflows, others: budgets.others };
}

/** How a workflow spends what it may. */
export interface Profile {
  /** `now`: somebody waits · `batch`: cheap, and some time today. */
  latency: 'now' | 'batch';
  /** When no tier can be asked: wait until one can, or go on with the best there is. */
  otherwise: 'wait' | 'go-on';
  /** The tiers it may use; null for all that are set up. */
  tiers: readonly string[] | null;
  /** Whether an answer to exactly the same question may be given again. */
  cache: boolean;
}
export const profileDefault: Profile = { latency: 'now', otherwise: 'go-on', tiers: null, cache: true };
