// The store for processes without one: commits and named reads over the bus, by the same rules as inside. Whoever has the bus's token
// may commit under any name; permissions look at the actor that a commit is for.
import { z } from 'zod';
import { subjectNames } from '#actors/bus-subjects.ts';
import type { Log } from '#actors/log.ts';
import { connectNats } from '#actors/nats-connection.ts';
import { createJoin, packJson, sendParts, unpackJson, type StoreAnswer } from '#actors/store-wire.ts';
import type { Commit, Committed } from '#machines/commit.ts';
import { firstIssue, KeelsonError, plainError } from '#machines/errors.ts';

export interface StoreServiceOptions {
  url: string; token: string; company: string;
  /** Which past this is. A process that remembers another one is refused: its revisions mean something else. */
  incarnation: string;
  commit(commit: Commit): Promise<Committed>;
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  log: Log;
}

/** Types only, so that nothing below stumbles; what they may say is for the rules. Fields that are unknown here are for newer parts of the store. */
const records = z.array(z.looseObject({}));
const bytes = z.instanceof(Uint8Array);
const commitSchema = z.looseObject({
  id: z.string(), atMs: z.number(), actor: z.string(), outcome: z.enum(['applied', 'ignored', 'refused', 'parked']),
  journal: z.string().refine(isObject, 'expected a JSON object'),
  step: z.object({ rev: z.int(), machine: z.string(), status: z.string(), value: z.string(), parent: z.string().nullable(), record: z.string() }).optional(),
  basis: z.int().optional(),
  sends: z.array(z.looseObject({ id: z.string(), to: z.string(), from: z.string(), cause: z.string().optional(), dueMs: z.number().optional(), body: z.looseObject({ kind: z.string() }) })),
  handed: z.array(z.string()).optional(), settles: z.array(z.string()), requires: z.string().optional(),
  facts: records, intents: records, artifacts: records, decisions: records, annotations: records,
  blobs: z.array(z.object({ hash: z.string(), bytes: z.union([z.string(), bytes]) })),
  spends: records.optional(), answers: z.array(z.object({ key: z.string(), task: z.string(), model: z.string(), value: z.string() })).optional(),
  parked: z.looseObject({ subject: z.string(), reason: z.string(), bytes }).optional(),
});
const callSchema = z.discriminatedUnion('op', [
  z.object({ op: z.literal('past'), past: z.null() }),
  z.object({ op: z.literal('commit'), past: z.string(), commit: commitSchema }),
  z.object({ op: z.literal('query'), past: z.string(), name: z.string(), args: z.record(z.string(), z.unknown()) }),
]);

/** Starts answering. Rejects with BUS_DOWN. */
export async function serveStore({ url, token, company, incarnation, commit, query, log }: StoreServiceOptions): Promise<{ stop(): Promise<void> }> {
  const nc = await connectNats({ url, token, name: 'store calls' });
  const join = createJoin();
  const perform = async (request: Uint8Array): Promise<unknown> => {
    const parsed = callSchema.safeParse(unpackJson(request));
    if (!parsed.success) throw new KeelsonError('BAD_ARGUMENT', `the call does not fit: ${firstIssue(parsed.error)}`);
    const call = parsed.data;
    if (call.op === 'past') return incarnation;
    if (call.past !== incarnation) throw new KeelsonError('STALE_EPOCH', 'the database went back to another past', { hint: 'Start this worker again.' });
    return call.op === 'commit' ? commit(call.commit as unknown as Commit) : query(call.name, call.args);
  };
  const answer = async (request: Uint8Array): Promise<StoreAnswer> => {
    try {
      return { result: (await perform(request)) ?? null };
    } catch (error) {
      return { error: error instanceof KeelsonError ? { ...plainError(error), hint: error.hint } : plainError(error) };
    }
  };
  nc.subscribe(subjectNames(company).storeCall, {
    callback(error, m) {
      const { reply } = m;
      const request = error || !reply ? null : join(m);
      if (request) answer(request).then((answered) => sendParts(nc, reply!, reply!, packJson(answered)), (reason: unknown) => log.warn(plainError(reason), 'an answer could not be sent'));
    },
  });
  await nc.flush();
  return { stop: async () => { if (!nc.isClosed()) await nc.drain(); } };
}

function isObject(text: string): boolean {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
