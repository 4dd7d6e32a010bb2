// What is to be done about money when nobody calls: what was reserved and never settled counts in full once its time is over, and the
// operator hears once of each budget that comes near its limit. Looks once a minute, at two small reads; asks no model and no provider.
import type { Clock } from '#actors/clock.ts';
import type { Log } from '#actors/log.ts';
import { alertId, alertsOf, outlook, type Alert, type BalanceRow } from '#machines/budget-outlook.ts';
import { dollars, type Limits } from '#machines/budget.ts';
import { emptyCommit } from '#machines/commit.ts';
import { plainError } from '#machines/errors.ts';
import { toItemData, type StoredIntent } from '#machines/inbox.ts';
import type { Store } from '#store/actor.ts';
import { toBudgets, type BudgetSettings } from './budget-settings.ts';

const everyMs = 60_000;
const sweepMax = 1_000;
const teller = 'store/budgets';

export interface BudgetParts { store: Pick<Store, 'query' | 'commit'>; settings: BudgetSettings; clock: Clock; log: Log }

/** At once and every minute. `look` does it now. */
export function keepBudgets(parts: BudgetParts): { look(): Promise<void>; stop(): Promise<void> } {
  const { clock, log } = parts;
  const tell = createTeller(parts);
  let running: Promise<void> | null = null;
  const run = async () => {
    try {
      while ((await settleLate(parts)) === sweepMax);
      await tell();
    } catch (error) {
      log.error(plainError(error), 'could not look after the budgets; tried again within a minute');
    }
  };
  const look = () => (running ??= run().finally(() => void (running = null)));
  const stop = clock.every(everyMs, () => void look());
  void look();
  return {
    look,
    async stop() {
      stop();
      await running;
    },
  };
}

/** Whoever reserved it has died, or never heard the end. What it cost nobody can tell, so it cost the most that it may have. Answers how many. */
async function settleLate({ store, clock, log }: BudgetParts): Promise<number> {
  const late = (await store.query('reservations', { before: clock.now(), limit: sweepMax })) as { id: string; run: string; micros: number }[];
  let settled = 0;
  for (const { id, run, micros } of late) {
    const answer = await store.commit({
      ...emptyCommit(`budget:unsettled:${id}`, clock.now(), 'connector/model', { unsettled: id }),
      spends: [{ state: 'settled', id, micros, outcome: 'unknown', inputTokens: null, outputTokens: null, note: 'nobody said in time how it ended, so it counts in full' }],
    });
    // Closed: its caller was faster.
    if (answer.outcome === 'written') {
      settled++;
      log.warn({ id, run, micros }, 'a call of a model was never settled; it counts in full');
    } else if (answer.outcome !== 'closed' && answer.outcome !== 'duplicate') throw new Error(`the call ${id} could not be settled: ${answer.outcome}`);
  }
  return settled;
}

/** The item stays the same one whoever asks for it again: its id says which budget, period, limit and threshold it is about. */
function createTeller({ store, settings, clock, log }: BudgetParts): () => Promise<void> {
  const budgets = toBudgets(settings);
  const told = new Set<string>();
  /** Items that wait, by id, with the end of their period; null before the inbox was read. */
  let open: Map<string, number> | null = null;

  const readOpen = async () => new Map(((await store.query('inbox', {})) as StoredIntent[]).flatMap(({ id, actor, data }) => (actor === teller ? [[id, endOf(data?.payload)] as const] : [])));
  /** An item about a day that is over, or about half of what is now used up whole, has nothing left to say. */
  const close = async (id: string) => {
    await store.commit({ ...emptyCommit(`budget:over:${id}`, clock.now(), teller, { over: id }), intents: [{ id, kind: 'escalation', state: 'canceled' }] });
    open!.delete(id);
  };

  return async () => {
    const nowMs = clock.now();
    const [rows, said] = await Promise.all([store.query('balances', { nowMs }) as Promise<BalanceRow[]>, store.query('budgetLimits', {}) as Promise<Record<string, Limits>>]);
    const due = alertsOf(outlook(budgets, said, rows, nowMs), settings.alertAt).filter((alert) => !told.has(alertId(alert)));
    open ??= await readOpen();
    for (const [id, endsAtMs] of open) if (endsAtMs <= nowMs) await close(id);
    for (const alert of due) {
      const id = alertId(alert);
      const answer = await store.commit({ ...emptyCommit(`budget:alert:${id}`, nowMs, teller, { alert: id }), intents: [{ id, kind: 'escalation', state: 'input-required', summary: sayAlert(alert), data: toItemData(toItem(alert)) }] });
      if (answer.outcome !== 'written' && answer.outcome !== 'duplicate') throw new Error(`the item ${id} was not written: ${answer.outcome}`);
      told.add(id);
      if (answer.outcome === 'written') {
        log.warn(alert, 'a budget comes near its limit');
        open.set(id, alert.endsAtMs);
      }
      // Also when it was told before: whoever told it may have died here.
      for (const before of open.keys()) if (before !== id && before.startsWith(samePeriod(alert))) await close(before);
    }
  };
}

const endOf = (payload: unknown) => Number((payload as { endsAtMs?: unknown } | null)?.endsAtMs ?? Infinity);
const samePeriod = (alert: Alert) => alertId(alert).replace(/-\d+-of-\d+$/, '-');
const whose = ({ workflow }: Alert) => (workflow === null ? 'the company' : `the workflow ${workflow}`);
const percent = (share: number) => `${Math.floor(share * 100)} %`;

const sayAlert = (alert: Alert) => `Models: ${percent(alert.takenMicros / alert.limitMicros)} of what ${whose(alert)} may spend ${alert.period.startsWith('day') ? 'today' : 'this month'} is taken, ${dollars(alert.takenMicros)} of ${dollars(alert.limitMicros)}`;

function toItem(alert: Alert) {
  const { workflow, period, limitMicros, takenMicros, forecastMicros, endsAtMs } = alert;
  const flag = period.startsWith('day') ? '--per-day' : '--per-month';
  return {
    category: 'budget', confidence: null, risk: 'low' as const, payloadHash: '', evidence: [], policy: null, expiresAfterMs: null,
    reasons: [
      `At the pace of the last seven days it will be ${dollars(forecastMicros)} at the end of the period, ${new Date(endsAtMs).toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
      'A call that would pass the limit is not made: work goes on with rules, templates and what was learnt, or waits, as its workflow says.',
      `To allow more: keelson budget set ${workflow ?? 'company'} ${flag} ${(limitMicros * 2 / 1e6).toString()}. Where the money goes: keelson budget --runs`,
    ],
    payload: { workflow, period, takenMicros, limitMicros, forecastMicros, endsAtMs },
    answers: 'approve or reject = seen',
  };
}
