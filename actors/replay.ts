// Folds an actor's transition records through the pure step and compares: the history is complete when every step gives the
// state that was stored then. Where a machine was taken over by another version the record of that moment is in the history: what
// ran before under a definition that this build does not have is skipped up to there.
import { plainError } from '#machines/errors.ts';
import type { Body, Message } from '#machines/message.ts';
import { sha256 } from './hash.ts';
import type { ActorRecord } from './record.ts';
import type { Definition, Registry } from './registry.ts';
import { step, type Step } from './step.ts';
import { meetUnfit, takeOver } from './versions.ts';

/** Of which machine a record was, to the hash of its structure. */
interface Origin { machine: string; structure: string }

export interface HistoryRow {
  seq: number;
  id: string;
  rev: number | null;
  at_ms: number;
  outcome: string;
  /** Null when it was erased or its time is over. `record`: where a fold may begin. `version`: see versions.ts. */
  body: { message?: Body; from?: string; state?: string; record?: ActorRecord; version?: { unfit?: string; from?: Origin; to?: Origin }; [key: string]: unknown } | null;
}

export interface Replay {
  matches: boolean;
  steps: number;
  record: ActorRecord | null;
  /** Steps that ran under definitions which this build does not have. */
  skipped: number;
  /** Set when the last steps ran under this machine with another structure. */
  changed?: string;
  /** Why the history could not be followed to its end: from here on what came is gone. */
  incomplete?: { seq: number; reason: string };
  /** The first step that gave something else, and what. */
  difference?: { rev: number | null; seq: number; reason: string };
}

/** Replays up to and including revision `untilRev` (all when absent). `stored` is the record the last step must equal. */
export function replay(registry: Registry, address: string, rows: HistoryRow[], stored: string | null, untilRev = Infinity): Replay {
  const newest = stored === null ? null : (JSON.parse(stored) as ActorRecord);
  let record: ActorRecord | null = null;
  let steps = 0;
  let skipped = 0;
  let pending: { row: HistoryRow; reason: string } | null = null;
  const origins = originsOf(rows, newest);
  const end = (more: Partial<Replay>): Replay => ({ matches: true, steps, skipped, record, ...more });
  const differs = (row: HistoryRow, reason: string) => end({ matches: false, difference: { rev: row.rev, seq: row.seq, reason } });

  for (const [i, row] of rows.entries()) {
    const { body } = row;
    if (body === null) return end({ record: null, incomplete: { seq: row.seq, reason: 'the record of this step was erased or is too old' } });
    if (row.rev !== null && row.rev > untilRev) break;
    if (pending && body.record) {
      record = body.record;
      pending = null;
      continue;
    }
    if (row.outcome === 'parked' || body.note === 'no such actor' || !(body.message || body.version || body.record)) continue;
    if (pending) {
      skipped++;
      continue;
    }
    const origin = origins[i]!;
    const computed = compute(registry, address, record, row, origin.at);
    const text = typeof computed !== 'string' && computed.outcome === 'applied' ? JSON.stringify(computed.record) : '';
    const reason = typeof computed === 'string' ? computed : whyOther(row, computed, text);
    if (reason === null) {
      steps++;
      if (row.outcome === 'applied') record = JSON.parse(text) as ActorRecord;
      continue;
    }
    const by = body.version?.to ?? origin.at;
    const exact = by !== null && registry.get(by.machine)?.hash === by.structure;
    if (exact || (!origin.ended && !body.record)) return differs(row, reason);
    skipped++;
    if (body.record) record = body.record;
    else pending = { row, reason };
  }
  if (pending) return differs(pending.row, pending.reason);
  if (untilRev === Infinity && stored !== null && JSON.stringify(record) !== stored) return end({ matches: false, difference: { rev: record?.rev ?? null, seq: rows.at(-1)?.seq ?? 0, reason: 'the stored record is not what its history gives' } });
  const isOther = newest !== null && registry.get(newest.machine)?.hash !== newest.structure;
  return end(isOther ? { changed: newest.machine } : {});
}

/** Of which machine the record was before each row, and whether a later row says that another took over. */
function originsOf(rows: HistoryRow[], newest: ActorRecord | null): { at: Origin | null; ended: boolean }[] {
  let at: Origin | null = newest;
  let ended = false;
  return rows.toReversed().map(({ body }) => {
    if (body?.version?.from) {
      at = body.version.from;
      ended = true;
    }
    return { at, ended };
  }).toReversed();
}

/** The step of this row, or why it cannot be computed. */
function compute(registry: Registry, address: string, record: ActorRecord | null, row: HistoryRow, origin: Origin | null): Step | string {
  const { message: body, from = '', version, record: given } = row.body!;
  const message = { id: row.id, to: address, from, body } as Message<Body>;
  try {
    if (version?.unfit !== undefined && record) return meetUnfit(record, message, version.unfit, row.at_ms);
    if (version?.to && record) {
      const heir = stamped(registry, version.to);
      return heir ? takeOver(heir, record, row.at_ms) : `this build has no machine '${version.to.machine}'`;
    }
    if (given) return { outcome: 'applied', record: given } as Step;
    const machine = record?.machine ?? (body?.kind === 'start' ? body.machine : undefined);
    const definition = machine === undefined ? undefined : stamped(registry, origin?.machine === machine ? origin : { machine, structure: null });
    return definition ? step(definition, record, message, row.at_ms) : `this build has no machine '${machine}'`;
  } catch (error) {
    return plainError(error).message;
  }
}

/** The build's definition under the structure that was stored: what it does is compared, not what it is called. */
function stamped(registry: Registry, { machine, structure }: { machine: string; structure: string | null }): Definition | undefined {
  const definition = registry.get(machine);
  return definition && structure !== null ? { ...definition, hash: structure } : definition;
}

function whyOther(row: HistoryRow, { outcome, record }: Step, text: string): string | null {
  if (outcome !== row.outcome) return `was ${row.outcome}, is ${outcome} now`;
  if (outcome !== 'applied') return null;
  if (record!.rev !== row.rev) return `gave revision ${record!.rev}`;
  return sha256(text) === row.body!.state ? null : 'gave another state than was stored';
}

const historyPage = 5_000;

/** Every commit of an actor, oldest first. */
export async function readHistory(query: (args: { address: string; after: number; limit: number }) => Promise<unknown>, address: string): Promise<HistoryRow[]> {
  const rows: HistoryRow[] = [];
  for (;;) {
    const page = (await query({ address, after: rows.at(-1)?.seq ?? 0, limit: historyPage })) as HistoryRow[];
    rows.push(...page);
    if (page.length < historyPage) return rows;
  }
}
