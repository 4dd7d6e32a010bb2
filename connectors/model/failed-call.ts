// What went wrong with a call, in our words, and what it may have cost: the one place where a provider's errors are translated. Nothing of
// it is obeyed; what a server says is one bounded line without a secret in it.
import type { Tried } from '#machines/agents/activities.ts';
import type { Over } from './watched-call.ts';

/** `nothing`: certainly not charged · `unknown`: nobody can tell, so all that was reserved is counted. */
export type Charged = 'nothing' | 'unknown';

export interface FailedCall {
  outcome: Exclude<Tried['outcome'], 'answered' | 'cached' | 'unsure' | 'unaffordable' | 'unpriced'>;
  reason: string;
  charged: Charged;
  /** When it may be worth asking again; null when that was not said. */
  againAtMs: number | null;
}

/** Before a byte of the request left. */
const notSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_TLS_CERT_ALTNAME_INVALID']);
const noCreditWaitMs = 3_600_000;

const overReasons: Record<Over, [outcome: FailedCall['outcome'], reason: string]> = {
  time: ['timeout', 'it did not end in time'],
  silence: ['timeout', 'it fell silent'],
  size: ['cut', 'its answer was longer than any that is of use, and was refused'],
  'nobody-waits': ['timeout', 'nobody waited for it any more'],
};

export interface CallState { over: Over | null; answered: boolean; nowMs: number; hide(text: string): string }

export function toFailedCall(error: unknown, { over, answered, nowMs, hide }: CallState): FailedCall {
  if (over !== null) {
    const [outcome, reason] = overReasons[over];
    return { outcome, reason, charged: 'unknown', againAtMs: null };
  }
  const { status, code, headers, error: told } = error as { status?: unknown; code?: unknown; headers?: unknown; error?: unknown };
  const said = oneLine(hide(error instanceof Error ? error.message : String(error)));
  if (typeof status === 'number') return ofStatus(status, { said, code: typeof code === 'string' ? code : '', headers: headers instanceof Headers ? headers : new Headers(), nowMs });
  const why = codesOf(error).find((one) => notSent.has(one));
  if (why !== undefined) return { outcome: 'down', reason: `it could not be reached (${why})`, charged: 'nothing', againAtMs: null };
  if (error instanceof SyntaxError) return { outcome: 'unreadable', reason: `its answer is not JSON: ${said}`, charged: 'unknown', againAtMs: null };
  if (answered && told !== undefined) return { outcome: 'down', reason: `it failed within its answer: ${said}`, charged: 'unknown', againAtMs: null };
  if (answered) return { outcome: 'cut', reason: `the connection ended within its answer: ${said}`, charged: 'unknown', againAtMs: null };
  return { outcome: 'down', reason: `the connection was lost: ${said}`, charged: 'unknown', againAtMs: null };
}

function ofStatus(status: number, { said, code, headers, nowMs }: { said: string; code: string; headers: Headers; nowMs: number }): FailedCall {
  const what = `it answered ${said.startsWith(String(status)) ? said : `${status} ${said}`}`;
  if (status === 402 || code === 'insufficient_quota') return { outcome: 'throttled', reason: `the account there has no credit left: ${what}`, charged: 'nothing', againAtMs: nowMs + noCreditWaitMs };
  if (status === 429) return { outcome: 'throttled', reason: `it asks for patience: ${what}`, charged: 'nothing', againAtMs: retryAtMs(headers, nowMs) };
  if (status >= 500) return { outcome: 'down', reason: what, charged: 'unknown', againAtMs: retryAtMs(headers, nowMs) };
  if (status === 408 || status === 409 || status === 425) return { outcome: 'down', reason: what, charged: 'nothing', againAtMs: retryAtMs(headers, nowMs) };
  if (code === 'content_filter' || code === 'content_policy_violation') return { outcome: 'refused', reason: what, charged: 'nothing', againAtMs: null };
  return { outcome: 'unsupported', reason: what, charged: 'nothing', againAtMs: null };
}

/** `Retry-After` in seconds or as a date; `retry-after-ms` as OpenAI sends it. Bounded: a day is enough. */
export function retryAtMs(headers: Headers, nowMs: number): number | null {
  const exact = Number(headers.get('retry-after-ms') ?? Number.NaN);
  const given = headers.get('retry-after')?.trim() ?? '';
  const waitMs = Number.isFinite(exact) ? exact : /^\d+(\.\d+)?$/.test(given) ? Number(given) * 1_000 : Date.parse(given) - nowMs;
  return Number.isFinite(waitMs) ? nowMs + Math.min(Math.max(waitMs, 0), 86_400_000) : null;
}

/** Of the error and all that caused it. */
function codesOf(error: unknown): string[] {
  const found: string[] = [];
  for (let one = error as { code?: unknown; cause?: unknown; errors?: unknown[] } | null | undefined, depth = 0; one && typeof one === 'object' && depth < 6; one = one.cause as typeof one, depth += 1) {
    for (const { code } of [one, ...((one.errors ?? []) as { code?: unknown }[])]) if (typeof code === 'string') found.push(code);
  }
  return found;
}

export const oneLine = (text: string, charsMax = 300) => text.replace(/[\p{C}\s]+/gu, ' ').trim().slice(0, charsMax).toWellFormed();
