// Everything a step stores must survive JSON unchanged.
const depthMax = 100;

/** Throws a plain Error naming the path of the first value that JSON would change: Date, Map, actor reference, NaN, cycle, … */
export function assertPlainJson(value: unknown, path: string, depth = 0): void {
  if (value === null || value === undefined) return;
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw new Error(`${path}: ${value} is not JSON`);
      return;
    case 'object':
      break;
    default:
      throw new Error(`${path}: a ${typeof value} is not JSON`);
  }
  if (depth > depthMax) throw new Error(`${path}: nested deeper than ${depthMax}, or a cycle`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) assertPlainJson(value[i], `${path}[${i}]`, depth + 1);
    return;
  }
  const proto = Object.getPrototypeOf(value);
  if ('sessionId' in value && 'send' in value) throw new Error(`${path}: a live actor reference; store its address or id`);
  if (proto !== Object.prototype && proto !== null) throw new Error(`${path}: a ${proto?.constructor?.name ?? 'class instance'} is not plain JSON`);
  for (const key in value) assertPlainJson((value as Record<string, unknown>)[key], path + '.' + key, depth + 1);
}

/** What the bytes say as JSON; undefined when they are none. */
export function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** JSON text, with bytes as base64: JSON has none. */
export function writeJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (inner instanceof Uint8Array ? Buffer.from(inner).toString('base64') : inner));
}
