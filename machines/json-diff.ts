// What changed between two JSON values, place by place, for people.

export interface Changed {
  /** `draft.to[0]`; empty for the whole value. */
  path: string;
  /** Absent when it was not there. */
  before?: unknown;
  /** Absent when it is gone. */
  after?: unknown;
}

/** More places are not told one by one. */
export const changedMax = 200;

/** In the order of the keys; at most `changedMax`. */
export function diffJson(before: unknown, after: unknown): Changed[] {
  const found: Changed[] = [];
  const walk = (path: string, was: unknown, is: unknown) => {
    if (found.length >= changedMax || was === is) return;
    const [a, b] = [partsOf(was), partsOf(is)];
    if (a === null || b === null || Array.isArray(was) !== Array.isArray(is)) {
      if (JSON.stringify(was) !== JSON.stringify(is)) found.push({ path, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) });
      return;
    }
    for (const key of new Set([...a.keys(), ...b.keys()])) walk(join(path, key, Array.isArray(is)), a.get(key), b.get(key));
  };
  walk('', before, after);
  return found;
}

const partsOf = (value: unknown): Map<string, unknown> | null => (typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : null);

function join(path: string, key: string, isIndex: boolean): string {
  if (isIndex) return `${path}[${key}]`;
  const isPlain = /^[\p{L}_][\p{L}\p{N}_-]*$/u.test(key);
  return isPlain ? (path === '' ? key : `${path}.${key}`) : `${path}[${JSON.stringify(key)}]`;
}
