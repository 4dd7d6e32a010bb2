// Money for one call: the most that it can cost is reserved before it, what it cost is settled after it, in full when nobody can tell.
// Nothing is asked without a reservation on disk. A process that dies in between leaves one; the next try of its job, or the sweep when its
// time is over, counts it in full.
import type { Clock } from '#actors/clock.ts';
import type { MakeId } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import { commitPatiently } from '#actors/patience.ts';
import type { StorePort } from '#actors/store-port.ts';
import { sayShortage, type Shortage } from '#machines/budget.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Charged } from './failed-call.ts';
import type { Price } from './prices.ts';
import type { Usage } from './provider.ts';

export const modelActor = 'connector/model';

export interface Purchase {
  /** Of the job or call that it is for; several may be made for one. */
  for: string;
  workflow: string;
  run: string;
  task: string;
  tier: string;
  provider: string;
  model: string;
  price: Price;
  mostMicros: number;
  /** The call ends within this time, one way or the other. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** What came of the call, for the books. Its answer may be kept with it, in the same write. */
export interface Bill { outcome: string; usage: Usage | null; charged: Charged | 'usage'; answers?: Commit['answers'] }

export type Bought<T> = { value: T; micros: number } | { shortage: Shortage; reason: string };

export interface Till {
  buy<T>(purchase: Purchase, call: () => Promise<{ value: T; bill: Bill }>): Promise<Bought<T>>;
  /** What an earlier try of this job left open. Answers what it is counted as, or null when there was nothing. */
  settleLeftovers(id: string): Promise<number | null>;
}

/** Beyond the call: for the store to come back, and to be settled. */
const slackMs = 120_000;
const left = 'the process stopped during the call; it may have been charged';

export function createTill({ store, clock, log, makeId }: { store: StorePort; clock: Clock; log: Log; makeId: MakeId }): Till {
  const write = (id: string, note: object, more: Partial<Commit>) => commitPatiently({ store, clock, log }, { ...emptyCommit(id, clock.now(), modelActor, note), ...more });

  const settle = async (id: string, micros: number, { outcome, usage, answers }: Omit<Bill, 'charged'>, note: string) => {
    const spend = { state: 'settled' as const, id, micros, outcome, inputTokens: usage?.inputTokens ?? null, outputTokens: usage?.outputTokens ?? null, note };
    const answer = await write(`${id}!settle`, { settled: id, micros, outcome }, { spends: [spend], ...(answers ? { answers } : {}) });
    if (answer.outcome === 'closed') log.warn({ call: id, micros, outcome }, 'a call was settled before it ended; it stays counted in full');
    else if (answer.outcome === 'invalid') log.error({ call: id, micros, outcome, reason: answer.reason }, 'a call could not be settled; it stays reserved until its time is over');
  };

  return {
    async buy({ for: job, price, mostMicros, timeoutMs, signal, ...what }, call) {
      const id = `${job}/${makeId()}`;
      const untilMs = clock.now() + timeoutMs + slackMs;
      const spend = { state: 'reserved' as const, id, micros: mostMicros, untilMs, price: price.from, ...what };
      const answer = await write(`${id}!reserve`, { reserved: id, micros: mostMicros }, { spends: [spend] });
      if (answer.outcome === 'unaffordable') return { shortage: answer.shortage, reason: sayShortage(answer.shortage) };
      if (answer.outcome !== 'written' && answer.outcome !== 'duplicate') throw new KeelsonError('BAD_MESSAGE', `no money can be reserved for ${job}: ${answer.outcome === 'invalid' ? answer.reason : answer.outcome}`);
      // The store may have been away for long: whoever sweeps must not count what is only beginning.
      if (signal.aborted || clock.now() + timeoutMs > untilMs) {
        await settle(id, 0, { outcome: 'not asked', usage: null }, 'the time was over before anything was asked');
        throw new KeelsonError('TIMEOUT', `${what.model} was not asked: the time was over before its money was reserved`);
      }
      const done = await call().catch(async (error: unknown) => {
        await settle(id, mostMicros, { outcome: 'failed', usage: null }, 'nobody can tell what it cost, so all that was reserved is counted');
        throw error;
      });
      const { usage, charged } = done.bill;
      const micros = usage !== null ? price.cost(usage) : charged === 'nothing' ? 0 : mostMicros;
      if (micros > mostMicros) log.error({ call: id, model: what.model, reservedMicros: mostMicros, micros, usage }, 'a provider charges more than the most that a call can cost: it is counted, and its model should be looked at');
      const note = usage !== null ? '' : charged === 'nothing' ? 'nothing was charged' : 'nobody can tell what it cost, so all that was reserved is counted';
      await settle(id, micros, done.bill, note);
      return { value: done.value, micros };
    },

    async settleLeftovers(job) {
      const open = (await store.query('reservations', { prefix: `${job}/` })) as { id: string; micros: number }[];
      for (const { id, micros } of open) {
        log.warn({ call: id, micros }, left);
        await settle(id, micros, { outcome: 'stopped', usage: null }, left);
      }
      return open.length === 0 ? null : open.reduce((sum, { micros }) => sum + micros, 0);
    },
  };
}
