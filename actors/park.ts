// What cannot be applied is kept with its bytes and the reason, and the operator sees it. It is delivered again only when he says so.
import { isAddress } from '#machines/address.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import type { Delivery } from './bus.ts';
import { sha256 } from './hash.ts';

/**
 * `promised`: the message may be one of our own, then it must not be published again. Ids that strangers state are only theirs:
 * settling one would take away the real message of that id. `after`: the commit that parked it before it was handed in again;
 * then the promise is that of the operator.
 */
export function parkCommit({ id, to, from, cause, subject, bytes }: Delivery, reason: string, { nowMs, promised, after = null }: { nowMs: number; promised: boolean; after?: number | null }): Commit {
  const actor = isAddress(to) ? to : 'host/unreadable';
  return {
    ...emptyCommit(after === null ? `${id}!parked` : `${id}!parked~${after}`, nowMs, actor, { parked: { id, subject, reason, bytes: sha256(bytes) }, from, cause }),
    outcome: 'parked',
    settles: promised || after !== null ? [id] : [],
    parked: { subject, reason, bytes },
    intents: [{
      id: parkedIntent(id, subject, after),
      kind: 'escalation',
      state: 'input-required',
      summary: `A message to ${actor} could not be applied: ${reason}`,
      data: { reasons: [reason], payload: { id, subject, from } },
    }],
  };
}

/** The item in the inbox that speaks of it. */
export function parkedIntent(id: string, subject: string, after: number | null = null): string {
  return `parked-${sha256(after === null ? `${id}${subject}` : `${id}${subject}~${after}`).slice(0, 12)}`;
}
