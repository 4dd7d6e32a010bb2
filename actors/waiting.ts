// What moves an actor next, in words: for `ps` and the console's list.
import type { ActorRecord } from './record.ts';

/** A row of the query `actors`, or a record. */
export type Resting = { status: unknown } & Partial<{ [K in 'children' | 'timers' | 'asks' | 'held']: ActorRecord[K] | null }>;

/** `until`: its next deadline, as ISO 8601; null when it has none. */
export function waitingFor({ status, children, timers, asks, held }: Resting): { waitingFor: string; until: string | null } {
  if (status !== 'active') return { waitingFor: '', until: null };
  const due = Object.values(timers ?? {}).map(({ dueMs }) => dueMs);
  const until = due.length > 0 ? new Date(Math.min(...due)).toISOString() : null;
  if (held?.by === 'failure') return { waitingFor: `you, or its supervisor: it failed (${held.reason})`, until };
  if (held?.by === 'version') return { waitingFor: `a build that can take it: ${held.reason}`, until };
  if (held) return { waitingFor: held.by === 'operator' ? `you: it is paused${held.reason ? ` (${held.reason})` : ''}` : 'its turn', until };
  const asked = Object.keys(asks ?? {});
  if (asked.length > 0) return { waitingFor: `you: ${asked.join(', ')}`, until };
  const started = Object.values(children ?? {}).filter(({ settled }) => !settled).map(({ address }) => address);
  return { waitingFor: started.length > 0 ? started.join(', ') : 'a message', until };
}

/** Whether it goes on only when the operator says something. */
export function isForYou({ status, asks, held }: Resting): boolean {
  return status === 'active' && (held ? held.by === 'failure' || held.by === 'operator' : Object.keys(asks ?? {}).length > 0);
}
