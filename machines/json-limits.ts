// What a JSON value from anywhere may be: plain, finite, bounded in depth and size, without keys that reach into prototypes.
export interface JsonLimits {
  /** In UTF-8, as JSON. */
  bytes: number;
  /** Lists and objects inside each other; a plain word has depth 0. */
  depth: number;
  /** Refuses half a surrogate pair; texts for people may lose half an emoji. */
  wellFormed: boolean;
}

export const bannedKeys: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/** Why it may not be kept, beginning with `path`; or null. Stops at the first byte too many, so that neither a circle nor a huge value costs time. */
export function whyNotJson(root: unknown, path: string, { bytes: bytesMax, depth: depthMax, wellFormed }: JsonLimits): string | null {
  let bytes = 0;
  const count = (more: number) => ((bytes += more) > bytesMax ? `${path}: expected at most ${bytesMax} bytes of JSON` : null);
  const whyNotText = (text: string, at: string) => {
    if (wellFormed && !text.isWellFormed()) return `${at}: expected text without half a surrogate pair`;
    return count(text.length > bytesMax ? text.length : new TextEncoder().encode(JSON.stringify(text)).length);
  };
  const walk = (value: unknown, at: string, depth: number): string | null => {
    if (typeof value === 'string') return whyNotText(value, at);
    if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return count(String(value).length);
    if (!isList(value) && !isPlainObject(value)) return `${at}: expected JSON, received ${typeof value === 'number' ? String(value) : typeof value}`;
    if (depth === depthMax) return `${at}: expected at most ${depthMax} levels`;
    const entries = Object.entries(value);
    if (isList(value) && entries.length !== value.length) return `${at}: expected a list without gaps`;
    let why = count(Math.max(2, entries.length + 1));
    for (const [key, inner] of entries) {
      if (why !== null) break;
      if (bannedKeys.includes(key)) return `${at}: the key '${key}' is not allowed`;
      why = (isList(value) ? null : (whyNotText(key, at) ?? count(1))) ?? walk(inner, `${at}.${key}`, depth + 1);
    }
    return why;
  };
  return walk(root, path, 0);
}

const isList = (value: unknown): value is unknown[] => Array.isArray(value);

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
