// Who may run again, and when: a pure function over a failure, table-tested. The last failure goes to the actor, which escalates.
// Chance comes from the operation id and the number of the try, so that the same failure is always decided in the same way.
import { sha256 } from '#actors/hash.ts';
import type { Decide, Failure } from '#actors/worker.ts';

const jitterDefault = 0.5;
/** Whoever asks to be left alone for longer is asked again all the same. */
const askedMax = 3_600_000;

export const decide: Decide = ({ disposition, operationId, attempt, tryingMs, retryAfterMs: asked = 0, retry }) => {
  // `fail`: the answer is known and will not change. `ask`: only a person can tell. Neither is ever run again by itself.
  if (disposition === 'fail' || disposition === 'ask' || retry === 'never') return 'give-up';
  const wait = Math.min(retry.firstMs * 2 ** (attempt - 1), retry.maxMs);
  const retryAfterMs = Math.max(Math.min(asked, askedMax), Math.round(wait * (1 - (retry.jitter ?? jitterDefault) * chance({ operationId, attempt }))));
  const over = 'attempts' in retry ? attempt >= retry.attempts : tryingMs + retryAfterMs > retry.untilMs;
  return over ? 'give-up' : { retryAfterMs };
};

/** From 0 up to 1. */
function chance({ operationId, attempt }: Pick<Failure, 'operationId' | 'attempt'>): number {
  return Number.parseInt(sha256(`${operationId}~${attempt}`).slice(0, 8), 16) / 2 ** 32;
}
