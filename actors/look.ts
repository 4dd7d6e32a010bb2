// An actor and its steps as people look at them: the command line and the console say the same.
import { KeelsonError } from '#machines/errors.ts';
import { splitKey } from '#machines/define.ts';
import type { Order } from '#machines/hold.ts';
import { nextEvents } from './next-events.ts';
import type { Notice } from './notice.ts';
import type { ActorRecord } from './record.ts';
import type { Registry } from './registry.ts';
import { replay, type HistoryRow } from './replay.ts';

export type Look = ReturnType<typeof lookAt>;

export function lookAt(registry: Registry, record: ActorRecord) {
  const { address, status, rev, parent, held = null, dryRun, asks = {}, children, timers, snapshot: { value, context, output = null, error = null } } = record;
  const definition = registry.get(record.machine);
  const [machine, version] = splitKey(record.machine);
  return { address, machine, version, status, value, context, rev, parent, held, ...(dryRun ? { dryRun } : {}), asks, next: definition ? nextEvents(definition, record) : [], children, timers, output, error };
}

/** As it was after this revision. Throws UNKNOWN_MACHINE when its history does not lead there. */
export function recordAt(registry: Registry, address: string, rows: HistoryRow[], stored: string, at: number): ActorRecord {
  const { record, matches, difference, incomplete } = replay(registry, address, rows, stored, at);
  if (!matches || record?.rev !== at) throw new KeelsonError('UNKNOWN_MACHINE', `the history of ${address} cannot be replayed that far: ${difference?.reason ?? incomplete?.reason}`);
  return record;
}

/** One commit of an actor. `event` is what came: an event's type, else its kind. */
export interface LookedStep {
  rev: number | null;
  /** ISO 8601. */
  at: string;
  event: string;
  value: unknown;
  outcome: string;
  note: unknown;
  from: unknown;
  id: string;
  /** `source -> target` of each transition. */
  taken: string[];
  sends: { id: string; to: string; dueMs?: number }[];
  notices: Notice[];
}

export function lookAtStep({ rev, at_ms: atMs, outcome, id, body }: HistoryRow): LookedStep {
  const { message, value = null, note = body === null ? 'erased, or too old' : null, from = null, taken = [], sends = [], notices = [] } = body ?? {};
  const event = message?.kind === 'event' ? message.event.type : (message?.kind ?? (body === null ? 'gone' : body.version ? 'version' : body.record ? 'fork' : 'parked'));
  return { rev, at: new Date(atMs).toISOString(), event, value, outcome, note, from, id, taken: taken as string[], sends: sends as LookedStep['sends'], notices: notices as Notice[] };
}

export type Deed = Exclude<Order['do'], 'restart' | 'restart-children'> | 'cancel';

/** What the operator can do with it now, beside sending it an event. */
export function possibleDeeds({ status, held, parent }: Pick<ActorRecord, 'status' | 'held' | 'parent'>): Deed[] {
  if (status !== 'active') return [];
  const failed = held?.by === 'failure' ? held.failed : null;
  return [
    ...(!held || held.by === 'release' ? ['pause' as const] : []), ...(held?.by === 'operator' ? ['resume' as const] : []),
    ...(failed ? ['retry' as const, ...(failed.body.kind === 'start' ? [] : ['skip' as const]), 'replace' as const] : []),
    'stop', ...(parent ? [] : ['cancel' as const]),
  ];
}
