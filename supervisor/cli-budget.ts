// `keelson budget`: what models cost and may cost. Reads with and without a running server; a limit is set through it, in your name.
import type { Command } from 'commander';
import { readBudgets, type BudgetView, type LimitsRequest } from '#connectors/console/budget-routes.ts';
import { dollars } from '#machines/budget.ts';
import { KeelsonError } from '#machines/errors.ts';
import { runQuery } from '#store/queries.ts';
import { toBudgets } from './budget-settings.ts';
import { oneLine, table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';
import { readConfig } from './config.ts';

const iso = (ms: number) => new Date(ms).toISOString();
const amount = (micros: number | null) => (micros === null ? 'no limit' : dollars(micros));
const whose = (workflow: string | null) => workflow ?? 'company';
const kindOf = (period: string) => period.slice(0, period.indexOf(':'));
const forecastRule = 'Forecast: what is taken, and for the rest of the day or month the pace of the last seven days. Days and months are those of UTC.';

export function addBudgetCommands(program: Command, define: Define): void {
  const budget = program.command('budget').description('what models cost and may cost');
  define(budget.command('show', { isDefault: true }).description('spent, reserved, allowed and to be expected').option('--runs', 'the runs that cost most this month').option('--first <n>', 'so many runs', '10'), async ({ dataDir, out }, { runs, first }: { runs?: boolean; first: string }) => {
    if (!/^[1-9]\d{0,2}$/.test(first)) throw new KeelsonError('BAD_ARGUMENT', `--first must be a number from 1 to 999, not '${first}'`);
    const { budgets } = readConfig(dataDir).company;
    const view = await withDatabase(dataDir, (db) => readBudgets((name, args) => runQuery(db, name, args), toBudgets(budgets), Date.now(), Number(first)));
    out.result(toJson(view), () => (runs ? showRuns(view) : showBudgets(view)));
  });

  const usd = ['<usd>', 'in US dollars; `none` for no limit, `settings` for what company.json says'] as const;
  define(budget.command('set').argument('<workflow>', 'the machine that runs begin with, such as mail; `company` for all together').description('set what may be spent; holds from the next call on')
    .option(`--per-run ${usd[0]}`, `for one run, ${usd[1]}`).option(`--per-day ${usd[0]}`, 'for a day').option(`--per-month ${usd[0]}`, 'for a month'), async ({ dataDir, out }, workflow: string, options: { perRun?: string; perDay?: string; perMonth?: string }) => {
    const asked: LimitsRequest = { ...limitOf('perRunMicros', '--per-run', options.perRun), ...limitOf('perDayMicros', '--per-day', options.perDay), ...limitOf('perMonthMicros', '--per-month', options.perMonth) };
    if (Object.keys(asked).length === 0) throw new KeelsonError('BAD_ARGUMENT', 'say which limit: --per-run, --per-day or --per-month');
    const server = await connectToServer(dataDir);
    const set = await server.post<{ fact: string; workflow: string; limits: Record<string, number | null> }>(`/api/budgets/${encodeURIComponent(workflow)}`, asked);
    out.result(set, ({ fact, limits }) => `${fact}: ${workflow} may spend ${Object.entries(limits).map(([name, micros]) => `${amount(micros)} ${words[name]}`).join(', ') || 'what company.json says'}`);
  });
}

const words: Record<string, string> = { perRunMicros: 'for a run', perDayMicros: 'a day', perMonthMicros: 'a month' };

function limitOf(name: keyof LimitsRequest, flag: string, text: string | undefined): LimitsRequest {
  if (text === undefined) return {};
  if (text === 'none') return { [name]: null };
  if (text === 'settings') return { [name]: 'settings' };
  const usd = Number(text);
  if (!/^\d{1,7}(\.\d{1,6})?$/.test(text) || usd > 1_000_000) throw new KeelsonError('BAD_ARGUMENT', `${flag} must be an amount in US dollars up to 1000000, such as 0.50, or none, or settings, not '${text}'`);
  return { [name]: Math.round(usd * 1_000_000) };
}

/** Stable for scripts. */
const toJson = ({ atMs, budgets, perRun, tiers, runs, calls }: BudgetView) => ({
  at: iso(atMs), currency: 'USD',
  budgets: budgets.map(({ workflow, period, settledMicros, reservedMicros, limitMicros, forecastMicros, endsAtMs }) => ({ workflow, period: kindOf(period), of: period.slice(period.indexOf(':') + 1), spentMicros: settledMicros, reservedMicros, limitMicros, forecastMicros, endsAt: iso(endsAtMs) })),
  perRun, tiers,
  runs: runs.map(({ atMs: lastMs, ...run }) => ({ ...run, lastAt: iso(lastMs) })),
  calls: calls.map(({ atMs: askedMs, ...call }) => ({ ...call, at: iso(askedMs) })),
});

function showBudgets({ budgets, perRun, tiers }: BudgetView): string {
  const used = (taken: number, limit: number | null) => (limit === null ? '' : limit === 0 ? 'closed' : `${Math.floor((taken / limit) * 100)} %`);
  const rows = budgets.map(({ workflow, period, settledMicros, reservedMicros, limitMicros, forecastMicros }) => [whose(workflow), kindOf(period), dollars(settledMicros), dollars(reservedMicros), amount(limitMicros), used(settledMicros + reservedMicros, limitMicros), `${dollars(forecastMicros)}${limitMicros !== null && forecastMicros > limitMicros ? ' over' : ''}`]);
  const assumed = tiers.reduce((sum, tier) => sum + tier.assumed, 0);
  const overrun = tiers.reduce((sum, tier) => sum + tier.overrun, 0);
  return [
    table(['BUDGET', 'PERIOD', 'SPENT', 'RESERVED', 'LIMIT', 'USED', 'FORECAST'], rows),
    '', `One run may cost: ${perRun.map(({ workflow, limitMicros }) => `${amount(limitMicros)} (${workflow ?? 'any'})`).join(', ')}`,
    '', ...(tiers.length === 0 ? ['No model was asked this month. Limits stand in company.json; change one: keelson budget set company --per-day 2'] : [
      table(['THIS MONTH BY TIER', 'PROVIDER', 'MODEL', 'WORKFLOW', 'CALLS', 'COST', 'TOKENS IN', 'OUT'], tiers.map((tier) => [tier.tier, tier.provider, tier.model, tier.workflow, tier.calls, dollars(tier.micros), tier.inputTokens, tier.outputTokens])),
      '', forecastRule, 'Where it went: keelson budget --runs. Change a limit: keelson budget set WORKFLOW --per-day USD',
      ...(assumed > 0 ? [`The price of ${assumed} of these calls is not known; they count with an estimate on the high side. Name prices in models.json: docs/budgets.md`] : []),
      ...(overrun > 0 ? [`${overrun} of these calls cost more than was reserved for them: the prices in use are too low. Correct them in models.json: docs/budgets.md`] : []),
    ]),
  ].join('\n');
}

function showRuns({ runs }: BudgetView): string {
  if (runs.length === 0) return 'No run has asked a model this month.';
  return [table(['RUN', 'WORKFLOW', 'CALLS', 'COST', 'RESERVED', 'LAST CALL'], runs.map(({ run, workflow, calls, micros, reservedMicros, atMs }) => [oneLine(run, 60), workflow, calls, dollars(micros), dollars(reservedMicros), iso(atMs)])), '', 'What happened in one: keelson history RUN'].join('\n');
}
