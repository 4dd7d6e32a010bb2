// A message may come twice; an id may not be used for two messages.
import { hashJson } from '#actors/hash.ts';
import type { Commit, Committed, Outcome } from '#machines/commit.ts';

interface First { seq: number; first: Outcome; rev: number | null; body: string | null }

/** How a second commit with a known id is answered: as the first was, or as a mistake when it is about another message. */
export function repeat({ seq, first, rev, body }: First): (again: Commit) => Committed {
  return (again) => {
    const { note = null, message } = JSON.parse(body ?? '{}') as { note?: string | null; message?: unknown };
    const other = (JSON.parse(again.journal) as { message?: unknown }).message;
    if (message !== undefined && other !== undefined && hashJson(message) !== hashJson(other)) return { outcome: 'mismatch', seq };
    return { outcome: 'duplicate', seq, first, note, rev };
  };
}
