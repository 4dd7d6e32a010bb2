// The last thing that a reply passes on its way in: a provider may send back what it was sent, and nothing secret is to be kept, logged
// or shown for that. Stands around every connector, so that none of them has to remember it.
import { KeelsonError } from '#machines/errors.ts';
import type { Action, Connector } from './connector.ts';

const outside = ['prepare', 'commit', 'abort', 'lookup'] as const;
/** Shorter ones stand in too many words. */
const charsMin = 6;

/** What is known only to the connector is replaced by `…`, also as base64 and percent-encoded. */
export function hiderOf(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.filter((secret) => secret.length >= charsMin).flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...base64Forms(secret)]))]
    .toSorted((a, b) => b.length - a.length);
  return (text) => forms.reduce((left, form) => left.replaceAll(form, '…'), text);
}

/** Inside of a longer text it begins at one of three places; the edges belong to the neighbours. */
function base64Forms(secret: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const [from, to] = [Math.ceil((before * 4) / 3), Math.floor((bytes.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).slice(from, to));
  });
}

/** The connector, with results and errors in which no secret stands. */
export function keepSecrets(connector: Connector, hide: (text: string) => string): Connector {
  const around = (run: (...args: unknown[]) => Promise<unknown>, one: Action<unknown>) => async (...args: unknown[]) => {
    try {
      return hideIn(await run.apply(one, args), hide);
    } catch (error) {
      if (error instanceof KeelsonError) throw new KeelsonError(error.code, hide(error.message), { hint: hide(error.hint), cause: error, ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }) });
      throw new Error(hide(error instanceof Error ? error.message : String(error)), { cause: error });
    }
  };
  // What it is made from stays behind it: an action may be an object with methods.
  const actions = (connector.actions as unknown as Action<unknown>[]).map((one) => Object.assign(Object.create(one) as Action<unknown>,
    Object.fromEntries(outside.flatMap((name) => (one[name] ? [[name, around(one[name] as never, one)]] : [])))));
  return Object.assign(Object.create(connector) as Connector, { actions: actions as unknown as Connector['actions'] });
}

function hideIn(value: unknown, hide: (text: string) => string): unknown {
  if (typeof value === 'string') return hide(value);
  if (Array.isArray(value)) return value.map((one) => hideIn(one, hide));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [hide(name), hideIn(one, hide)]));
}
