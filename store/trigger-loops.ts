// Triggers that set each other off without end are stopped. Every promised message knows the triggers that led to it: what is
// recorded because of it, however many steps, jobs and deadlines later, goes on with them. What comes from outside, or from you,
// begins anew.
import type { Commit } from '#machines/commit.ts';
import { toItemData } from '#machines/inbox.ts';
import type { Message } from '#machines/message.ts';
import type { Intent } from '#machines/records.ts';
import { triggerOf } from '#machines/triggers.ts';

/** As many triggers in a row fire; one more would be told to the operator instead. */
export const chainMax = 16;

export const readChain = (stored: string) => stored.split(' ');

/** The chain of a message that is promised by a commit with this chain, as it is stored. */
export function chainOf(message: Message, chain: readonly string[]): string | null {
  const trigger = triggerOf(message);
  const names = trigger === null ? chain : [...chain, trigger];
  return names.length === 0 ? null : names.join(' ');
}

/** What is asked of the operator instead of sending `fired`. */
export function stopLoop({ actor, id }: Commit, seq: number, chain: readonly string[], fired: readonly Message[]): Intent {
  const stopped = fired.map(triggerOf).filter((name) => name !== null);
  const triggers = [...new Set([...chain, ...stopped])].toSorted();
  return {
    id: `t-${seq}-0`,
    kind: 'escalation',
    state: 'input-required',
    summary: `Triggers set each other off without end and were stopped: ${triggers.join(', ')}`,
    data: toItemData({
      category: 'trigger-loop', confidence: null, risk: 'medium',
      reasons: [`${chainMax} triggers in a row led to this one`, 'a condition in one of them must end it'],
      payload: { triggers, stopped, actor, message: id },
      payloadHash: `t-${seq}-0`,
      evidence: [], policy: null, expiresAfterMs: null,
      answers: 'approve or reject = seen; correct the files in triggers/ and start the server again',
    }),
  };
}
