// The address of a declared call with places for parameters. What is put into a place stays in it: no parameter can end a segment, add
// a further one, climb up or begin another query field, for servers that decode once as for those that decode twice.
import { KeelsonError } from '#machines/errors.ts';
import { readUrl } from '../host-rules.ts';

export interface Template {
  /** Its host, without path and query. */
  url: URL;
  /** With its places: `/projects/{project}`. */
  path: string;
  /** With whether it may be absent. */
  params: Map<string, { optional: boolean }>;
  /** Throws REFUSED for a value that has no place in an address. */
  fill(values: Record<string, unknown>): string;
}

const hole = /\{([A-Za-z_][\w-]*)(\??)\}/g;
const chars = { path: 300, query: 2_000 };

/** Throws BAD_CONFIG. */
export function readTemplate(text: string): Template {
  const [, origin, path = '/', query = ''] = /^(https?:\/\/[^/?#{}]+)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(text) ?? [];
  const refuse = (why: string) => new KeelsonError('BAD_CONFIG', `the address '${text.slice(0, 200)}' of a call cannot be used: ${why}`);
  if (origin === undefined) throw refuse('it must be https://host/path?query, with {parameters} in path and query only');
  const pairs = query === '' ? [] : query.split('&');
  for (const rest of [path.replace(hole, ''), ...pairs.map((pair) => pair.replace(hole, ''))]) if (/[{}]/.test(rest)) throw refuse('a brace stands for no parameter; write {name}, or {name?} in the query');
  const params = new Map([...[...path.matchAll(hole)].map((hit) => ({ hit, inPath: true })), ...[...query.matchAll(hole)].map((hit) => ({ hit, inPath: false }))].map(({ hit: [, name = '', mark], inPath }) => {
    if (mark === '?' && inPath) throw refuse(`{${name}} is optional, which only one of the query can be`);
    return [name, { optional: mark === '?' }] as const;
  }));
  if (pairs.some((pair) => !pair.includes('=') || pair.split('=')[0]?.includes('{'))) throw refuse('a field of the query is not name=value');
  const fill: Template['fill'] = (values) => {
    const filledPath = path.replace(hole, (_, name: string) => encode(name, values[name], 'path'));
    const kept = pairs.filter((pair) => [...pair.matchAll(hole)].every(([, name = '', mark]) => mark === '' || values[name] !== undefined));
    const filledQuery = kept.map((pair) => pair.replace(hole, (_, name: string) => encode(name, values[name], 'query'))).join('&');
    const filled = `${origin}${filledPath}${filledQuery === '' ? '' : `?${filledQuery}`}`;
    const url = readUrl(filled);
    if (url.origin !== new URL(origin).origin || url.pathname !== filledPath) throw new KeelsonError('REFUSED', `the parameters change the path of the call: it would be ${url.pathname.slice(0, 200)}`);
    return filled;
  };
  const sample = Object.fromEntries(Array.from(params.keys(), (name) => [name, 'x']));
  try {
    return { url: new URL(readUrl(fill(sample)).origin), path, params, fill };
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

function encode(name: string, value: unknown, where: 'path' | 'query'): string {
  const refuse = (why: string) => new KeelsonError('REFUSED', `params.${name} cannot stand in an address: ${why}`);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') throw refuse('it is neither text nor a number');
  const text = String(value);
  if (text.length > chars[where]) throw refuse(`it has more than ${chars[where]} characters`);
  if (/\p{Cc}/u.test(text) || !text.isWellFormed()) throw refuse('it holds a control character');
  if (where === 'path' && (text === '' || text === '.' || text.includes('..') || /[/\\?#%;]/.test(text))) throw refuse("in a path it may not be empty, '.', or hold '..' or one of / \\ ? # % ;");
  return encodeURIComponent(text);
}
