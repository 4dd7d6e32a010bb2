// The report of a day or a week: what was done, what waits, what it cost, the time it saved, what was learnt, and which debts grew. As data
// and as a page of text; nothing in it is an estimate except the time, and how that is reckoned stands beside it.
import type { Clock } from '#actors/clock.ts';
import type { Activity } from '#actors/worker.ts';
import { dollars } from '#machines/budget.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { OutcomeRow } from '#store/query-quality.ts';
import type { ReportCounts } from '#store/query-report.ts';
import { readDebts, type Debt } from './main-debt.ts';
import { minutesDefault, type ReportSettings } from './quality-settings.ts';

interface Caches { embeddings: { model: string; computed: number; found: number }[]; answers: { kept: number } }

export interface Report {
  /** ISO 8601; the span is from `from` up to, not including, `until`. */
  from: string;
  until: string;
  kind: 'day' | 'week';
  /** The day or the first day of the week: `2026-11-23`. */
  day: string;
  done: Pick<ReportCounts, 'mails' | 'verdicts' | 'replies' | 'operations' | 'booked' | 'moneyIn' | 'moneyOut' | 'questions'>;
  waiting: { kind: string; count: number; oldest: string }[];
  cost: { totalMicros: number; workflows: ReportCounts['costs']; tiers: ReportCounts['answers'] };
  savedMinutes: { total: number; by: { what: string; times: number; minutesEach: number }[] };
  learnt: Pick<ReportCounts, 'corrections' | 'stated' | 'tiers'> & { documents: ReportCounts['learnt'] };
  /** How often a vector of a text was there already, and how many answers of models are kept; since the beginning. */
  caches: Caches;
  debts: Debt[];
}

type Ask = (name: string, args: Record<string, unknown>) => Promise<unknown>;
interface Parts { dataDir: string; query: Ask; settings: ReportSettings }
const iso = (ms: number) => new Date(ms).toISOString();

/** Midnight of a day by the clock of this computer, so many days on. Days are 23 or 25 hours when the clock is changed. */
export function midnight(ms: number, days = 0): number {
  const day = new Date(ms);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + days).getTime();
}
export function dayName(ms: number): string {
  const day = new Date(ms);
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, '0')}-${String(day.getDate()).padStart(2, '0')}`;
}
export const mondayOf = (ms: number) => midnight(ms, -((new Date(ms).getDay() + 6) % 7));

export interface Span { kind: 'day' | 'week'; fromMs: number; untilMs: number }
export const daySpan = (ms: number): Span => ({ kind: 'day', fromMs: midnight(ms), untilMs: midnight(ms, 1) });
export const weekSpan = (ms: number): Span => ({ kind: 'week', fromMs: mondayOf(ms), untilMs: midnight(mondayOf(ms), 7) });

/** The day or week that was asked for; today's without a day. Throws BAD_ARGUMENT when it is none. */
export function spanOf({ day, week }: { day?: string | undefined; week: boolean }, nowMs: number): Span {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? dayName(nowMs)) ?? [];
  const ms = new Date(Number(year), Number(month) - 1, Number(date)).getTime();
  if (Number.isNaN(ms) || (day !== undefined && dayName(ms) !== day)) throw new KeelsonError('BAD_ARGUMENT', `'${day}' is no day`, { hint: 'Give a date such as 2026-11-23.' });
  return week ? weekSpan(ms) : daySpan(ms);
}

export async function readReport({ dataDir, query, settings }: Parts, { kind, fromMs, untilMs }: Span, nowMs: number): Promise<Report> {
  const endMs = Math.min(untilMs, nowMs + 1);
  const [counts, outcomes, debts] = await Promise.all([
    query('reportCounts', { since: fromMs, until: endMs }) as Promise<ReportCounts>, query('outcomes', { since: fromMs, until: endMs, limit: 20_000 }) as Promise<OutcomeRow[]>, readDebts({ dataDir, query, nowMs: Math.min(nowMs, endMs) }),
  ]);
  const { mails, verdicts, replies, operations, booked, moneyIn, moneyOut, questions, waiting, costs, answers, corrections, learnt, stated, tiers } = counts;
  return {
    from: iso(fromMs), until: iso(endMs), kind, day: dayName(fromMs),
    done: { mails, verdicts, replies, operations, booked, moneyIn, moneyOut, questions },
    waiting: waiting.map((one) => ({ kind: one.kind, count: one.count, oldest: iso(one.oldestMs) })),
    cost: { totalMicros: costs.reduce((sum, { micros }) => sum + micros, 0), workflows: costs, tiers: answers },
    savedMinutes: savedBy(outcomes.filter(({ atMs }) => atMs < endMs), booked, settings),
    learnt: { corrections, stated, tiers, documents: learnt },
    caches: (await query('cacheRates', {})) as Caches,
    debts: debts.filter(({ trend }) => trend !== null && trend > 0),
  };
}

/** What was right without the operator's hand: verdicts that stood, drafts sent as they were, bookings. */
function savedBy(outcomes: readonly OutcomeRow[], booked: number, { minutes }: ReportSettings): Report['savedMinutes'] {
  const each = { ...minutesDefault, ...minutes };
  const times = (task: string, ...became: string[]) => outcomes.filter((one) => one.task === task && became.includes(one.outcome)).length;
  const by = [
    { what: 'mails sorted', times: times('triage', 'unseen') + outcomes.filter((one) => one.task === 'triage' && one.outcome === 'approved' && one.implied).length, minutesEach: each.triage },
    { what: 'replies sent as drafted', times: times('draft', 'approved'), minutesEach: each.draft },
    { what: 'bookings', times: booked, minutesEach: each.booked },
  ];
  return { total: by.reduce((sum, one) => sum + one.times * one.minutesEach, 0), by };
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;
const listOf = <T>(list: readonly T[], say: (one: T) => string, none: string) => (list.length === 0 ? none : list.map(say).join(', '));
const money = ({ amountMinor, currency }: { amountMinor: number; currency: string }) => `${(amountMinor / 100).toFixed(2)} ${currency}`;
const trendOf = ({ trend }: Debt) => (trend === null ? '' : trend > 0 ? `, ${trend} more than a week ago` : trend < 0 ? `, ${-trend} less than a week ago` : ', as a week ago');
export const sayDebt = (debt: Debt) => `${debt.kind}: ${debt.number} ${debt.unit}${trendOf(debt)} (${debt.what}). ${debt.fix}`;

/** The same as a page of Markdown. */
export function sayReport(report: Report): string {
  const { kind, day, done, waiting, cost, savedMinutes, learnt, debts } = report;
  const hours = savedMinutes.total >= 90 ? `${(savedMinutes.total / 60).toFixed(1)} hours` : plural(savedMinutes.total, 'minute');
  return [
    `# ${kind === 'day' ? `Report of ${day}` : `Report of the week from ${day}`}`,
    '', '## Done',
    `- ${plural(done.mails, 'mail')} came: ${listOf(done.verdicts, ({ category, count }) => `${count} ${category}`, 'none was sorted')}`,
    `- replies: ${listOf(done.replies, ({ outcome, count }) => `${count} ${outcome}`, 'none')}; booked: ${done.booked}`,
    ...(done.operations.length > 0 ? [`- other operations: ${listOf(done.operations, ({ action, outcome, count }) => `${action} ${count} ${outcome}`, '')}`] : []),
    `- money in: ${listOf(done.moneyIn, money, 'none')}; money out: ${listOf(done.moneyOut, money, 'none')}`,
    `- you were asked ${plural(done.questions, 'time')}`,
    '', '## Waiting', `- ${listOf(waiting, ({ kind: what, count, oldest }) => `${count} ${what}${count === 1 ? '' : 's'} (the oldest since ${oldest.slice(0, 10)})`, 'nothing waits for you')}`,
    '', '## Cost', cost.workflows.length === 0 ? '- models cost nothing' : `- ${dollars(cost.totalMicros)}: ${listOf(cost.workflows, ({ workflow, micros, calls }) => `${workflow} ${dollars(micros)} for ${plural(calls, 'call')}`, '')}`,
    ...(cost.tiers.length > 0 ? [`- who answered: ${listOf(cost.tiers, ({ task, tier, count }) => `${task} by ${tier} ${count}`, '')}`] : []),
    '', '## Time saved', `- about ${hours}: ${listOf(savedMinutes.by, ({ what, times, minutesEach }) => `${times} ${what} × ${minutesEach} min`, '')}`,
    '- reckoned as: times without your hand × the minutes that company.json (`report.minutes`) says for each',
    '', '## Learnt', `- ${plural(learnt.corrections, 'correction')}, ${plural(learnt.stated, 'fact')} from you`,
    ...sayDocuments(learnt.documents), ...learnt.tiers.map(({ entity, demoted, reason }) => `- ${entity.replace('asset/tier-', 'tier ')}: ${demoted ? 'passed over, ' : ''}${reason}`),
    `- caches: ${sayCaches(report.caches)}`,
    '', '## Debts that grew', ...(debts.length === 0 ? ['- none'] : debts.map((debt) => `- ${sayDebt(debt)}`)),
    '',
  ].join('\n');
}

function sayCaches({ embeddings, answers }: Caches): string {
  const vectors = embeddings.map(({ model, computed, found }) => `vectors of texts by ${model}: ${found} of ${found + computed} were there already`);
  return [...vectors, `${plural(answers.kept, 'answer')} of models kept`].join('; ');
}

/** `template: 3 (prices-en, …)` */
function sayDocuments(documents: ReportCounts['learnt']): string[] {
  return [...Map.groupBy(documents.filter(({ id }) => id !== 'policy/schema'), ({ kind }) => kind)].map(([kind, list]) => {
    const names = [...new Set(list.map(({ id }) => id.slice(id.indexOf('/') + 1)))];
    return `- put in force, ${kind}: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
  });
}

/** What report/main asks for: every report that is due since the last one, and when the next one is. */
export function reportActivity({ clock, demo = false, ...parts }: Parts & { clock: Pick<Clock, 'now'>; demo?: boolean | undefined }): Activity {
  return async ({ input }) => {
    const { doneMs } = input as { doneMs: number | null };
    const nowMs = clock.now();
    // A demo has no yesterday: it shows the report of its first minute.
    if (demo && doneMs === null) return { documents: [], doneMs: demoMark, waitMs: demoWaitMs };
    const due = doneMs === demoMark ? [daySpan(nowMs)] : dueSpans(doneMs, nowMs, parts.settings.atHour);
    const documents = [];
    for (const span of due) documents.push({ id: reportId(span), text: sayReport(await readReport(parts, span, nowMs)) });
    const next = nextTime(nowMs, parts.settings.atHour);
    return { documents, doneMs: nowMs, waitMs: Math.max(1_000, next - nowMs) };
  };
}

export const reportId = ({ kind, fromMs }: Span) => `report/${kind === 'day' ? dayName(fromMs) : `week-${dayName(fromMs)}`}`;
const demoMark = 0;
const demoWaitMs = 30_000;
/** So many missed days are made up for. */
const daysMax = 7;
const atOf = (ms: number, hour: number) => new Date(new Date(ms).setHours(hour, 0, 0, 0)).getTime();
const nextTime = (nowMs: number, hour: number) => (atOf(nowMs, hour) > nowMs ? atOf(nowMs, hour) : atOf(midnight(nowMs, 1), hour));

/** The spans whose time of report lies after `doneMs` and not after now. At the first look there is nothing to look back on. */
export function dueSpans(doneMs: number | null, nowMs: number, hour: number): Span[] {
  if (doneMs === null) return [];
  const spans: Span[] = [];
  for (let back = daysMax; back >= 0; back--) {
    const morning = atOf(midnight(nowMs, -back), hour);
    if (morning <= doneMs || morning > nowMs) continue;
    spans.push(daySpan(midnight(morning, -1)));
    if (new Date(morning).getDay() === 1) spans.push(weekSpan(midnight(morning, -1)));
  }
  return spans;
}
