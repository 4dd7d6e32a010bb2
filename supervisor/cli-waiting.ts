// What moves an actor next, in words: for `ps`.
import type { ActorRecord } from '#actors/record.ts';
import type { Row } from '#store/database.ts';

/** `until`: its next deadline, as ISO 8601; null when it has none. */
export function waitingFor(row: Row): { waitingFor: string; until: string | null } {
  if (row['status'] !== 'active') return { waitingFor: '', until: null };
  const { children, timers, asks, held } = row as unknown as Pick<ActorRecord, 'children' | 'timers' | 'asks' | 'held'>;
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
