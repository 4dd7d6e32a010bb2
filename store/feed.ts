// Tells the bus what was written, in commit order. The bus may lose it: each announcement says what it follows on, so that a
// follower sees a gap and asks for the rest. Saying again how far the store is closes a gap that nothing else would show.
import type { Bus } from '#actors/bus.ts';
import type { Log } from '#actors/log.ts';
import { fitting, toAnnounced, type AnnouncedCommit, type AnnouncedRecord } from '#machines/changes.ts';
import { plainError } from '#machines/errors.ts';
import type { Accepted } from './accepted.ts';
import { recordOf } from './query-changes.ts';

export interface Feed {
  /** One message per written group, several when it is large. */
  announce(accepted: Accepted[]): void;
  /** Says how far the store is. */
  remind(): void;
}

export function createFeed(bus: Pick<Bus, 'announce'>, head: number, log: Log): Feed {
  let last = head;
  const send = (changes: AnnouncedCommit[]) => {
    const after = last;
    last = changes.at(-1)?.seq ?? last;
    try {
      bus.announce({ after, last, changes });
    } catch (error) {
      log.warn({ last, ...plainError(error) }, 'changes were not announced; followers will ask for them');
    }
  };
  return {
    announce(accepted) {
      for (let left = accepted.map(toCommit); left.length > 0;) {
        const part = fitting(left);
        send(part);
        left = left.slice(part.length);
      }
    },
    remind: () => send([]),
  };
}

function toCommit({ commit: { atMs, id, actor, step, outcome }, seq, rows }: Accepted): AnnouncedCommit {
  const records: AnnouncedRecord[] = [
    ...rows.fact.map(([n, entity, predicate, , , label]) => recordOf.fact(n as number, entity as string, predicate as string, label as string)),
    ...rows.intent_change.map(([, intent, , state]) => recordOf.intent(intent as string, state as string)),
    ...rows.artifact.map(([artifact]) => artifact as string).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map(recordOf.artifact),
    ...rows.decision.map(([n]) => recordOf.decision(n as number)),
    ...rows.annotation.map(([n]) => recordOf.annotation(n as number)),
  ];
  return toAnnounced({ seq, at: atMs, id, actor, rev: step?.rev ?? null, outcome, records });
}
