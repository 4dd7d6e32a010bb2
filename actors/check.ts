// Would this build carry on a recorded actor? Its history must give the same under the definitions of today, and what is stored of it
// must fit them. What ran under a version that another has replaced is not replayed: that it differs is why there is another.
import type { ActorRecord } from './record.ts';
import { replay, type HistoryRow } from './replay.ts';
import type { Registry } from './registry.ts';
import { meet } from './versions.ts';

/** All that is stored of one actor. */
export interface Recorded { address: string; record: ActorRecord; history: HistoryRow[] }

export interface Checked {
  steps: number;
  skipped: number;
  problem: { actor: string; rev: number | null; difference: string } | null;
}

export function checkActor(registry: Registry, { address, record, history }: Recorded, nowMs: number): Checked {
  const problem = (rev: number | null, difference: string) => ({ actor: address, rev, difference });
  const known = registry.get(record.machine) !== undefined;
  const { steps, skipped, difference } = known ? replay(registry, address, history, JSON.stringify(record)) : { steps: 0, skipped: history.length, difference: undefined };
  if (difference) return { steps, skipped, problem: problem(difference.rev, difference.reason) };
  const met = record.status === 'active' ? meet(registry, record, nowMs) : null;
  return { steps, skipped, problem: met && 'unfit' in met ? problem(record.rev, `would be quarantined: ${met.unfit}`) : null };
}
