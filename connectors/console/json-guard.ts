// JSON from outside, before anything looks at it: UTF-8, of bounded depth, with keys and texts that survive storage.
import { KeelsonError } from '#machines/errors.ts';

/** Lists and objects inside each other. */
export const jsonDepthMax = 64;

/** Throws BAD_ARGUMENT with one line that begins with `what`, such as `the body`. */
export function parseJson(source: Uint8Array | string, what: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(typeof source === 'string' ? source : new TextDecoder('utf-8', { fatal: true }).decode(source));
  } catch (cause) {
    throw new KeelsonError('BAD_ARGUMENT', `${what} is not JSON`, { cause });
  }
  const reason = whyNotSafe(json);
  if (reason !== null) throw new KeelsonError('BAD_ARGUMENT', `${what} ${reason}`);
  return json;
}

/** With a list of its own instead of recursion: the depth is the caller's. */
function whyNotSafe(root: unknown): string | null {
  const waiting: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value, depth } = next;
    if (typeof value === 'string' && !value.isWellFormed()) return 'holds half a surrogate pair in a text';
    if (typeof value !== 'object' || value === null) continue;
    if (depth === jsonDepthMax) return `is nested deeper than ${jsonDepthMax}`;
    for (const [key, inner] of Object.entries(value)) {
      if (key === '__proto__') return "holds the key '__proto__', which is not allowed";
      if (!key.isWellFormed()) return 'holds half a surrogate pair in a key';
      waiting.push({ value: inner, depth: depth + 1 });
    }
  }
  return null;
}
