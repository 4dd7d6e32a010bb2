// Folds an actor's transition records through the pure step and compares: the history is complete when every step gives the
// state that was stored then.
import { plainError } from '#machines/errors.ts';
import type { Body } from '#machines/message.ts';
import { sha256 } from './hash.ts';
import type { ActorRecord } from './record.ts';
import type { Registry } from './registry.ts';
import { step } from './step.ts';

export interface HistoryRow {
  seq: number;
  id: string;
  rev: number | null;
  at_ms: number;
  outcome: string;
  /** Null when it was erased or its time is over. */
  body: { message?: Body; from?: string; state?: string; [key: string]: unknown } | null;
}

export interface Replay {
  matches: boolean;
  steps: number;
  record: ActorRecord | null;
  /** Why the history could not be followed to its end: from here on what came is gone. */
  incomplete?: { seq: number; reason: string };
  /** The first step that gave something else, and what. */
  difference?: { rev: number | null; seq: number; reason: string };
}

/** Replays up to and including revision `untilRev` (all when absent). `stored` is the record the last step must equal. */
export function replay(registry: Registry, address: string, rows: HistoryRow[], stored: string | null, untilRev = Infinity): Replay {
  let record: ActorRecord | null = null;
  let steps = 0;
  const differs = (row: HistoryRow, reason: string): Replay => ({ matches: false, steps, record, difference: { rev: row.rev, seq: row.seq, reason } });
  for (const row of rows) {
    if (row.body === null) return { matches: true, steps, record: null, incomplete: { seq: row.seq, reason: 'the record of this step was erased or is too old' } };
    if (row.outcome === 'parked' || !row.body.message || row.body.note === 'no such actor') continue;
    if (row.rev !== null && row.rev > untilRev) break;
    const { message: body, from = '' } = row.body;
    const key: string | undefined = record?.machine ?? (body.kind === 'start' ? body.machine : undefined);
    const definition = key === undefined ? undefined : registry.get(key);
    if (!definition) return differs(row, `this build has no machine '${key}'`);
    try {
      const taken = step(definition, record, { id: row.id, to: address, from, body }, row.at_ms);
      if (taken.outcome !== row.outcome) return differs(row, `was ${row.outcome}, is ${taken.outcome} now`);
      if (taken.outcome === 'applied') {
        const text = JSON.stringify(taken.record);
        if (taken.record!.rev !== row.rev) return differs(row, `gave revision ${taken.record!.rev}`);
        if (sha256(text) !== row.body.state) return differs(row, 'gave another state than was stored');
        record = JSON.parse(text) as ActorRecord;
      }
      steps++;
    } catch (error) {
      return differs(row, plainError(error).message);
    }
  }
  if (untilRev === Infinity && stored !== null && JSON.stringify(record) !== stored) return { matches: false, steps, record, difference: { rev: record?.rev ?? null, seq: rows.at(-1)?.seq ?? 0, reason: 'the stored record is not what its history gives' } };
  return { matches: true, steps, record };
}
