// Who may run again, and when: a pure function over a failure, table-tested. Backoff doubles without jitter, because each job
// belongs to one actor and the store spreads them; the last failure goes to the actor, which escalates.
import type { Decide } from '#actors/worker.ts';

export const decide: Decide = ({ disposition, attempt, retry }) => {
  // `fail`: the answer is known and will not change. `ask`: only a person can tell. Neither is ever run again by itself.
  if (disposition === 'fail' || disposition === 'ask') return 'give-up';
  if (attempt >= retry.attempts) return 'give-up';
  return { retryAfterMs: Math.min(retry.firstMs * 2 ** (attempt - 1), retry.maxMs) };
};
