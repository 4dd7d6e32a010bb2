// What an answer of an HTTP server says about an effect, in our codes. An answer that a server gave on its own account is definite; one
// that a proxy or a crash can give after the work was done is not.
import { KeelsonError } from '#machines/errors.ts';

/** `read` changes nothing, so whatever happens to it, trying again is safe and nothing is in doubt. */
export type Effect = 'read' | 'write';

export interface StatusOf {
  status: number;
  headers: Record<string, string>;
  /** Whose answer it is: `api.shop.example`. */
  host: string;
  effect: Effect;
  nowMs: number;
  /** The server drops repeats by a key: then a 409 may speak of our own first try. */
  keyed?: boolean;
  /** What it said, already bounded and free of secrets. */
  says?: string;
}

const retryAfterMax = 86_400_000;

/** null for 2xx. 429, and 503 that names a time: SEND_DEFERRED. Other 4xx: SEND_REFUSED. Other 5xx: SEND_UNKNOWN for a write, SEND_DEFERRED for a read. */
export function statusError({ status, headers, host, effect, nowMs, keyed = false, says = '' }: StatusOf): KeelsonError | null {
  if (status >= 200 && status < 300) return null;
  const waitMs = readRetryAfter(headers['retry-after'], nowMs);
  const answered = `${host} answered ${status}${says === '' ? '' : `: ${says}`}`;
  if (status === 429 || status === 425 || (status === 503 && waitMs !== undefined)) return new KeelsonError('SEND_DEFERRED', answered, waitMs === undefined ? {} : { retryAfterMs: waitMs });
  const inDoubt = status >= 500 || status === 408 || (status === 409 && keyed) || (status >= 300 && status < 304);
  if (effect === 'write' && inDoubt) return new KeelsonError('SEND_UNKNOWN', `${answered}; it may have been done`);
  if (status >= 500 || status === 408) return new KeelsonError('SEND_DEFERRED', answered);
  if (status === 401 || status === 403) return new KeelsonError('SEND_REFUSED', answered, { hint: 'Nothing was done. Check the secret that is sent there and what it may do.' });
  return new KeelsonError('SEND_REFUSED', answered);
}

/** Seconds or a date (RFC 9110, 10.2.3), at most a day; undefined when it is neither. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const atMs = /^\d{1,10}$/.test(text) ? nowMs + Number(text) * 1_000 : /^[A-Za-z]{3},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.min(Math.max(atMs - nowMs, 0), retryAfterMax);
}
