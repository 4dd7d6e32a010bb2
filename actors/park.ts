// What cannot be applied is kept with its bytes and the reason, the operator sees it, and it is never delivered again.
import { isAddress } from '#machines/address.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import type { Delivery } from './bus.ts';
import { sha256 } from './hash.ts';

/**
 * `promised`: the message may be one of our own, then it must not be published again. Ids that strangers state are only theirs:
 * settling one would take away the real message of that id.
 */
export function parkCommit({ id, to, from, subject, bytes }: Delivery, reason: string, { nowMs, promised }: { nowMs: number; promised: boolean }): Commit {
  const actor = isAddress(to) ? to : 'host/unreadable';
  return {
    ...emptyCommit(`${id}!parked`, nowMs, actor, { parked: { id, subject, reason, bytes: sha256(bytes) }, from }),
    outcome: 'parked',
    settles: promised ? [id] : [],
    parked: { subject, reason, bytes },
    intents: [{
      id: `parked-${sha256(`${id}${subject}`).slice(0, 12)}`,
      kind: 'escalation',
      state: 'input-required',
      summary: `A message to ${actor} could not be applied: ${reason}`,
      data: { reasons: [reason], payload: { id, subject } },
    }],
  };
}
