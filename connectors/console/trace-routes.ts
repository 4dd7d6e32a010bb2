// Runs as the console shows them: the list, one run as bars, and a stage tried once more as a dry run.
import type { Clock } from '#actors/clock.ts';
import type { MakeId } from '#actors/ids.ts';
import type { Outcome } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Body, Message } from '#machines/message.ts';
import { z } from 'zod';
import { answerMs, commandIdSchema } from './desk-commands.ts';
import { get, post, type Route } from './route.ts';
import { toTrace, type Trace } from './trace.ts';
import type { TraceRows, Would } from './trace-rows.ts';

export interface TracePorts {
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  fork(request: { id: string; address: string; at?: number }): Promise<object>;
  publish(message: Message<Body>): void;
  clock: Pick<Clock, 'now' | 'sleep'>;
  makeId: MakeId;
}

export interface RunRow { address: string; machine: string; rev: number; status: string; value: unknown; title: string | null; startedMs: number; updatedMs: number; held: string | null; waitsForYou: boolean }
export interface RunPage { runs: RunRow[]; next: number | null }
/** A stage tried again. `would`: what it would have done first; null when that is nothing. */
export interface Rerun { address: string; from: string; at: number; rev: number; value: unknown; status: string | null; would: Would | null }

const lookMs = 50;
const word = z.string().max(100);
const runsQuery = z.object({ machine: word.optional(), status: z.enum(['waiting', 'active', 'done', 'error', 'stopped']).optional(), cursor: z.coerce.number().int().min(0).optional(), limit: z.coerce.number().int().min(1).max(500).optional() });
const revSchema = z.int().min(1);

/** Of a step, as the named read `history` answers it. */
interface Step { rev: number; id: string; body: { from: string; message?: Body; would?: Would } | null }

export function traceRoutes({ query, fork, publish, clock, makeId }: TracePorts): Route[] {
  const stepAt = async (address: string, rev: number): Promise<Step | null> => {
    for (let after = 0; ;) {
      const page = (await query('history', { address, after, limit: 1_000 })) as (Step & { seq: number })[];
      const found = page.find((step) => step.rev === rev);
      if (found || page.length === 0) return found ?? null;
      after = page.at(-1)!.seq;
    }
  };

  /** What an agent says is answered to nobody: the store knows when it was applied. */
  const applied = async (id: string): Promise<Outcome> => {
    for (let waitedMs = 0; waitedMs < answerMs; waitedMs += lookMs) {
      const outcome = (await query('outcome', { id })) as Outcome | null;
      if (outcome !== null) return outcome;
      await clock.sleep(lookMs);
    }
    throw new KeelsonError('TIMEOUT', `the dry run did not take its step within ${answerMs} ms`);
  };

  return [
    get('/api/traces', {
      summary: 'Runs, newest first; `next` is the cursor of the next page.', query: runsQuery,
      handle: ({ query: { cursor: before, ...wanted } }) => query('runs', { ...wanted, ...(before === undefined ? {} : { before }) }),
    }),
    get('/api/traces/:address', {
      summary: 'One run: its actors, stages, jobs and operations in time, with waits, tries, decisions, messages and cost.',
      async handle({ params: { address } }): Promise<Trace> {
        const rows = (await query('trace', { address })) as TraceRows | null;
        if (!rows) throw new KeelsonError('NOT_FOUND', `there is no run '${address}'`, { hint: 'It may have been erased. See what there is: /runs, or `keelson ps --all`.' });
        return toTrace(rows, clock.now());
      },
    }),
    post('/api/traces/:address/rerun', {
      summary: 'A dry run of one stage: a fork of before it is given what led into the stage.', moves: true, body: z.object({ rev: revSchema, commandId: commandIdSchema }),
      async handle({ params: { address }, body: { rev, commandId: id = makeId() } }): Promise<Rerun> {
        const step = await stepAt(address, rev);
        if (!step) throw new KeelsonError('NOT_FOUND', `${address} has no revision ${rev}`);
        if (!step.body?.message || step.body.message.kind === 'stop') throw new KeelsonError('REFUSED', `what led to revision ${rev} of ${address} is not known any more`, { hint: 'It was erased, is too old, or was a step of the host itself. Fork it instead: keelson fork.' });
        const forked = (await fork({ id: `rerun:${id}`, address, at: rev - 1 })) as { address: string };
        const { record } = (await query('actor', { address: forked.address })) as { record: Generations };
        const message = { id: `rerun:${id}:message`, to: forked.address, from: step.body.from, body: ofFork(step.body.message, record) };
        publish(message);
        const outcome = await applied(message.id);
        if (outcome === 'refused' || outcome === 'parked') throw new KeelsonError('REFUSED', `${forked.address} did not take what led into the stage`, { hint: 'Its history says why: keelson history ACTOR.' });
        const tried = (await query('actor', { address: forked.address })) as { record: { rev: number; snapshot: { value: unknown } }; status: string };
        return { address: forked.address, from: address, at: rev - 1, rev, value: tried.record.snapshot.value, status: tried.status, would: (await stepAt(forked.address, 1))?.body?.would ?? null };
      },
    }),
  ];
}

interface Generations { children: Record<string, { gen: string }>; timers: Record<string, { gen: string }> }

/** The same message for the fork, whose children and timers have generations of their own. */
function ofFork(body: Body, { children, timers }: Generations): Body {
  if (body.kind === 'done' || body.kind === 'error') return { ...body, gen: children[body.child]?.gen ?? body.gen };
  return body.kind === 'timer' ? { ...body, gen: timers[body.timer]?.gen ?? body.gen } : body;
}
