// JSON from outside, before anything looks at it: UTF-8, of bounded depth, with keys and texts that survive storage.
import { KeelsonError } from '#machines/errors.ts';
import { whyNotJson } from '#machines/json-limits.ts';

/** How long it may be is said where it is read. */
export const jsonLimits = { bytes: Infinity, depth: 64, wellFormed: true } as const;
const reasonChars = 300;

/** Throws BAD_ARGUMENT with one line that begins with `what`, such as `the body`. */
export function parseJson(source: Uint8Array | string, what: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(typeof source === 'string' ? source : new TextDecoder('utf-8', { fatal: true }).decode(source));
  } catch (cause) {
    throw new KeelsonError('BAD_ARGUMENT', `${what} is not JSON`, { cause });
  }
  const reason = whyNotJson(json, what, jsonLimits);
  if (reason !== null) throw new KeelsonError('BAD_ARGUMENT', reason.slice(0, reasonChars).toWellFormed());
  return json;
}
