// Actors as the console shows them: the list in rows, one with what it can do next, its steps, what it was, and a try without effects.
import { z } from 'zod';
import { isForYou, waitingFor, type Resting } from '#actors/waiting.ts';
import { lookAt, lookAtStep, possibleDeeds, recordAt, type Deed, type Look, type LookedStep } from '#actors/look.ts';
import { fieldsOf, type Field } from '#actors/next-events.ts';
import type { ActorRecord } from '#actors/record.ts';
import type { Registry } from '#actors/registry.ts';
import { readHistory, type HistoryRow } from '#actors/replay.ts';
import { step } from '#actors/step.ts';
import { randomId } from '#actors/ids.ts';
import { KeelsonError } from '#machines/errors.ts';
import { diffJson, type Changed } from '#machines/json-diff.ts';
import { isReservedType, type Body, type Message } from '#machines/message.ts';
import { actorRequests, type Actors, type Told } from './desk-actors.ts';
import { operator } from './desk-commands.ts';
import { get, post, type Route } from './route.ts';
import type { Ports } from './routes.ts';

export interface ActorPorts { query: Ports['query']; fork: Ports['fork']; actors: Pick<Actors, 'send'>; registry: Registry; nowMs(): number }

export interface ActorRow { address: string; machine: string; rev: number; status: string; value: unknown; waitingFor: string; forYou: boolean; /** ISO 8601, like `until`. */ since: string; until: string | null }

export interface ShownActor extends Omit<Look, 'next'> {
  /** `id@version`. */
  key: string;
  /** Whether this build has its machine. */
  known: boolean;
  /** The newest revision; `rev` is the one that is shown. */
  newest: number;
  /** What its context got and lost by this revision; null when that would have to be read first: ask with `at`. */
  changes: Changed[] | null;
  /** The rest is about now, and empty for a past revision. */
  next: { type: string; isForOperator: boolean; fields: Field[] }[];
  deeds: Deed[];
  waitingFor: string;
  until: string | null;
  since: string;
}

export interface ShownStep extends LookedStep { seq: number }
export interface Tried { fork: string; told: Told; step: ShownStep | null; /** What it would have sent and recorded. */ would: unknown; changes: Changed[] }

type StoredRow = Resting & { address: string; machine: string; rev: number; status: string; value: unknown; updated_ms: number };

const rowSchema = z.object({ address: z.string(), machine: z.string(), rev: z.number(), status: z.string(), value: z.unknown(), waitingFor: z.string(), forYou: z.boolean(), since: z.string(), until: z.string().nullable() });
const rowsSchema = z.object({ actors: z.array(rowSchema), next: z.string().nullable() });
const limit = z.coerce.number().int().min(1).max(2_000).default(1_000);
const iso = (ms: number) => new Date(ms).toISOString();
/** Up to so many revisions the last change of an actor is found without being asked for. */
const cheapRevs = 200;

export function actorRoutes({ query, fork, actors, registry, nowMs }: ActorPorts): Route[] {
  const rowsOf = async (args: Record<string, unknown>) => ((await query('actors', args)) as StoredRow[]).map(toRow);
  const historyOf = (address: string) => readHistory((args) => query('history', args), address);
  const stored = async (address: string): Promise<{ text: string; record: ActorRecord }> => {
    const text = (await query('record', { address })) as string | null;
    if (text !== null) return { text, record: JSON.parse(text) as ActorRecord };
    const [first] = (await query('history', { address, limit: 1 })) as HistoryRow[];
    throw first?.rev === 0 ? new KeelsonError('NOT_FOUND', `${address} was erased`, { hint: 'What is left is that it was there: see the audit.' }) : new KeelsonError('NOT_FOUND', `there is no actor '${address}'`, { hint: 'The list shows all there are.' });
  };
  const rewind = (rows: HistoryRow[], { text, record }: { text: string; record: ActorRecord }, at: number) => {
    if (at > record.rev) throw new KeelsonError('BAD_ARGUMENT', `${record.address} has revisions 0 to ${record.rev}, not ${at}`);
    return recordAt(registry, record.address, rows, text, at);
  };

  return [
    get('/api/actors', {
      summary: 'Actors by address: where each stands and what it waits for.', answer: rowsSchema,
      query: z.object({ type: z.string().max(48).optional(), status: z.string().max(20).optional(), cursor: z.string().max(400).optional(), limit }),
      async handle({ query: asked }) {
        const rows = await rowsOf(asked);
        return { actors: rows, next: rows.length < asked.limit ? null : rows.at(-1)!.address };
      },
    }),
    post('/api/actors/named', {
      summary: 'The same of these actors; those that are not there are left out.', who: 'all', answer: rowsSchema,
      body: z.object({ addresses: z.array(z.string().max(400)).max(1_000) }),
      handle: async ({ body: { addresses } }) => ({ actors: await rowsOf({ addresses }), next: null }),
    }),
    get('/api/actors/:address', {
      summary: 'One actor, now or as it was after a revision.', query: z.object({ at: z.coerce.number().int().min(0).optional() }),
      async handle({ params: { address }, query: { at } }): Promise<ShownActor> {
        const found = await stored(address);
        const { rev: newest } = found.record;
        const isPast = at !== undefined && at !== newest;
        const rows = isPast || at !== undefined || newest <= cheapRevs ? await historyOf(address) : null;
        const record = isPast ? rewind(rows!, found, at) : found.record;
        const definition = registry.get(record.machine);
        const look = lookAt(registry, record);
        const [row] = isPast ? [] : await rowsOf({ addresses: [address] });
        return {
          ...look, key: record.machine, known: definition !== undefined, newest,
          changes: rows && changesBy(record, (rev) => rewind(rows, found, rev)),
          next: isPast || !definition ? [] : look.next.map((type) => ({ type, isForOperator: definition.protocol.operatorOnly?.includes(type) ?? false, fields: fieldsOf(definition, type) })),
          deeds: isPast ? [] : possibleDeeds(record), waitingFor: row?.waitingFor ?? '', until: row?.until ?? null,
          since: row?.since ?? iso(rows?.findLast(({ rev }) => rev === record.rev)?.at_ms ?? 0),
        };
      },
    }),
    get('/api/actors/:address/steps', {
      summary: 'What an actor heard and did, oldest first, after commit `after`.', query: z.object({ after: z.coerce.number().int().min(0).default(0), limit }),
      async handle({ params: { address }, query: asked }) {
        await stored(address);
        const rows = (await query('history', { address, ...asked })) as HistoryRow[];
        return { steps: rows.map(toShownStep), next: rows.length < asked.limit ? null : rows.at(-1)!.seq };
      },
    }),
    post('/api/actors/:address/try', {
      summary: 'What an event would lead to: a fork takes it, and nothing leaves.', moves: true,
      body: actorRequests.send.extend({ at: z.int().min(0).optional() }),
      async handle({ params: { address }, body: { at, type, fields, commandId: id = randomId() } }): Promise<Tried> {
        const found = await stored(address);
        const record = at === undefined || at === found.record.rev ? found.record : rewind(await historyOf(address), found, at);
        assertTaken(registry, record, { id, type, fields, nowMs: nowMs() });
        const { address: forked } = (await fork({ id: `try:${id}`, address, at: record.rev })) as { address: string };
        const told = await actors.send(forked, { type, fields, commandId: `try:${id}` });
        const last = (await historyOf(forked)).findLast(({ id: message }) => message === `command:try:${id}`);
        const after = await stored(forked);
        return { fork: forked, told, step: last ? toShownStep(last) : null, would: last?.body?.['would'] ?? null, changes: diffJson(record.snapshot.context, after.record.snapshot.context) };
      },
    }),
  ];
}

function toRow(row: StoredRow): ActorRow {
  const { address, machine, rev, status, value, updated_ms: updatedMs } = row;
  return { address, machine, rev, status, value, ...waitingFor(row), forYou: isForYou(row), since: iso(updatedMs) };
}

const toShownStep = (row: HistoryRow): ShownStep => ({ seq: row.seq, ...lookAtStep(row) });

/** Null when what was before cannot be computed. */
function changesBy({ rev, snapshot }: ActorRecord, before: (rev: number) => ActorRecord): Changed[] | null {
  if (rev === 0) return diffJson({}, snapshot.context);
  try {
    return diffJson(before(rev - 1).snapshot.context, snapshot.context);
  } catch (error) {
    if (error instanceof KeelsonError && error.code === 'UNKNOWN_MACHINE') return null;
    throw error;
  }
}

/** Says no before a fork is made for nothing. */
function assertTaken(registry: Registry, { held: _, ...record }: ActorRecord, { id, type, fields, nowMs }: { id: string; type: string; fields: object; nowMs: number }): void {
  if (isReservedType(type)) throw new KeelsonError('BAD_ARGUMENT', `the event type '${type}' is reserved`);
  const definition = registry.get(record.machine);
  if (!definition) throw new KeelsonError('UNKNOWN_MACHINE', `this build has no machine '${record.machine}'`);
  const message: Message<Body> = { id: `command:${id}`, to: record.address, from: operator, body: { kind: 'event', event: { ...fields, type } } };
  const { outcome, note } = step(definition, record, message, nowMs);
  if (outcome !== 'applied') throw new KeelsonError('REFUSED', `${record.address} would not take '${type}': ${note}`, { hint: 'Look at what it understands then, and at the fields of the event.' });
}
