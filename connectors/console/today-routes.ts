// The first screen: what needs the operator, what runs, what was done, what it cost, and whether everything is well.
import { capWindowMs, type Cap } from '#machines/caps.ts';
import type { Outlook } from '#machines/budget-outlook.ts';
import type { Money } from '#machines/effects.ts';
import { z } from 'zod';
import type { ConnectorView } from './desk-connectors.ts';
import { healthLines, type Counts, type Known, type Line, type Machine, type Standing } from './health.ts';
import type { InboxLine, InboxList } from './inbox-routes.ts';
import { get, type Route } from './route.ts';
import type { RunPage } from './trace-routes.ts';

export interface TodayPorts {
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  /** All that waits, the most pressing first. */
  inbox(): Promise<InboxList>;
  connectors(): Promise<ConnectorView[]>;
  paused(): string | null;
  look(): Promise<Machine>;
  caps: readonly Cap[];
  /** What models may cost, company first. */
  budgets(): Promise<Outlook[]>;
  nowMs(): number;
}

interface Sum { currency: string | null; amountMinor: number | null; count: number }
export interface Done {
  mails: number;
  operations: { action: string; outcome: string; done: number | null; count: number; lastMs: number }[];
  failures: { action: string; actor: string; outcome: string; atMs: number; reason: string | null }[];
  decisions: { agent: string; what: string; outcome: string; count: number }[];
  escalations: number;
  spend: { costMicros: number; modelCalls: number; unknownPrices: number };
  invoicesIn: Sum[]; invoicesOut: Sum[]; moneyIn: Sum[]; moneyOut: Sum[];
}

export interface Today {
  atMs: number;
  sinceMs: number;
  needsYou: { waiting: number; snoozed: number; byKind: { kind: string; count: number }[]; first: InboxLine[] };
  /** `isAll` is false when older ones may run that were not counted. */
  running: { runs: number; waitForYou: number; byMachine: { machine: string; runs: number; waitForYou: number }[]; isAll: boolean };
  done: Done;
  caps: { currency: string; perDayMinor: number; usedMinor: number }[];
  /** Of the company: its day and its month. */
  budgets: Outlook[];
  health: Line[];
  /** Nothing was ever handed in. */
  isFresh: boolean;
}

const shownItems = 5;
const runsMax = 500;
const dayMs = 86_400_000;

export function todayRoutes({ query, inbox, connectors, paused, look, caps, budgets, nowMs }: TodayPorts): Route[] {
  return [
    get('/api/today', {
      summary: 'What needs you, what runs, what was done since midnight or in the last 24 hours, what it cost, and how everything stands.',
      query: z.object({ span: z.enum(['day', '24h']).default('day') }),
      async handle({ query: { span } }): Promise<Today> {
        const now = nowMs();
        const since = span === 'day' ? midnight(now) : now - dayMs;
        const [list, page, done, payments, counts, standing, effects, machine, ways, outlooks] = await Promise.all([
          inbox(), query('runs', { status: 'active', limit: runsMax }) as Promise<RunPage>, query('done', { since }) as Promise<Done>, query('payments', { sinceMs: now - capWindowMs }) as Promise<Money[]>,
          query('status', {}) as Promise<Counts>, query('standing', {}) as Promise<Standing>, query('effects', {}) as Promise<Known['effects']>, look(), connectors(), budgets(),
        ]);
        const byMachine = [...Map.groupBy(page.runs, (run) => run.machine.split('@')[0]!)].map(([name, runs]) => ({ machine: name, runs: runs.length, waitForYou: runs.filter(({ waitsForYou }) => waitsForYou).length }));
        return {
          atMs: now, sinceMs: since,
          needsYou: { waiting: list.waiting, snoozed: list.snoozed, byKind: countKinds(list.items), first: list.items.filter(({ snoozedUntil }) => snoozedUntil === null).slice(0, shownItems) },
          running: { runs: page.runs.length, waitForYou: byMachine.reduce((sum, { waitForYou }) => sum + waitForYou, 0), byMachine: byMachine.toSorted((a, b) => b.runs - a.runs), isAll: page.next === null },
          done,
          caps: caps.map(({ currency, perDayMinor }) => ({ currency, perDayMinor, usedMinor: payments.filter((money) => money.currency === currency).reduce((sum, { amountMinor }) => sum + amountMinor, 0) })),
          budgets: outlooks.filter(({ workflow }) => workflow === null),
          health: healthLines({ machine, standing, counts, effects, paused: paused(), connectors: ways, nowMs: now }),
          isFresh: counts.mails === 0 && list.waiting === 0 && page.runs.length === 0,
        };
      },
    }),
  ];
}

const countKinds = (items: readonly InboxLine[]) => [...Map.groupBy(items, ({ kind }) => kind)].map(([kind, { length }]) => ({ kind, count: length })).toSorted((a, b) => b.count - a.count);

/** Of the day by the clock of the computer that the company runs on. */
function midnight(nowMs: number): number {
  const day = new Date(nowMs);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}
