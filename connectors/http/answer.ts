// What a server said, as far as it may be kept: bounded, plain, and without the secret that it may repeat.
import type { Performed } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { whyNotJson } from '#machines/json-limits.ts';
import type { Effect } from '../http-errors.ts';

type Json = Performed['result'];

const limits = { bytes: 100_000, depth: 20, wellFormed: true };
const excerptChars = 200;

export interface Reading { expects: 'json' | 'text' | 'nothing'; effect: Effect; host: string; secret: string | null }

/** Throws SEND_UNKNOWN for a write, SEND_REFUSED for a read, when the answer is not what was agreed: then its status may be another's too, a proxy's or a login page's. */
export function readAnswer({ body, status }: { body: Uint8Array; status: number }, { expects, effect, host, secret }: Reading): { value: Json; note: string } {
  const text = withoutSecret(new TextDecoder().decode(body), secret);
  if (expects === 'nothing' || text === '') return { value: null, note: '' };
  const why = (because: string) => new KeelsonError(effect === 'write' ? 'SEND_UNKNOWN' : 'SEND_REFUSED', `${host} answered ${status}, but ${because}`);
  let value: unknown = text;
  if (expects === 'json') {
    try {
      value = JSON.parse(text);
    } catch {
      throw why(`what it said is not JSON: ${oneLine(text)}`);
    }
  }
  const reason = whyNotJson(value, 'answer', limits);
  if (reason === null) return { value: value as Json, note: '' };
  if (effect === 'read') throw why(`it cannot be kept: ${reason}`);
  // Whole and in order, so it was done; only the words are not kept.
  return { value: null, note: ` (what it said is not kept: ${reason})` };
}

/** The beginning of what a server said, on one line. */
export const excerpt = (body: Uint8Array, secret: string | null): string => oneLine(withoutSecret(new TextDecoder().decode(body.subarray(0, 20_000)), secret));

/** The value at a place like `data.0.id`; undefined when there is none. */
export function at(value: unknown, place: string | undefined): unknown {
  if (place === undefined) return undefined;
  return place.split('.').reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? (inner as Record<string, unknown>)[key] : undefined), value);
}

const oneLine = (text: string): string => text.slice(0, 5_000).replace(/[\p{C}\s]+/gu, ' ').trim().slice(0, excerptChars).toWellFormed();

function withoutSecret(text: string, secret: string | null): string {
  if (secret === null) return text;
  return [secret, JSON.stringify(secret).slice(1, -1)].reduce((clean, form) => clean.replaceAll(form, '[secret]'), text);
}
