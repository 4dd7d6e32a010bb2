// HTTP to where the operator's settings lead, and nowhere else: host, scheme and port are looked up in a list, every address of the name
// is checked before one is connected to, and each redirect is a new request that has to pass all of that again, without credentials.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { KeelsonError } from '#machines/errors.ts';
import { bare, createHostRules, readUrl, type HostRules, type HostSettings } from './host-rules.ts';
import type { Effect } from './http-errors.ts';
import { exchange, plainAddress, type Answer, type Exchange } from './http-exchange.ts';

export interface SafeFetchSettings extends HostSettings {
  /** Of every request that does not say otherwise. */
  limits?: { maxBytes?: number; maxMs?: number };
  /** Certificates (PEM) to trust instead of the usual ones. */
  ca?: string;
  /** The addresses of a name; the system's look-up when absent. */
  resolve?: (host: string) => Promise<string[]>;
}

export interface SafeRequest {
  /** GET when absent. */
  method?: Exchange['method'];
  headers?: Record<string, string>;
  body?: string | Uint8Array | null;
  /** What a lost answer means. A GET or HEAD is a read when absent, everything else a write. */
  effect?: Effect;
  signal?: AbortSignal;
  maxBytes?: number;
  /** For everything together: look-up, connecting, redirects, the last byte. */
  maxMs?: number;
  /** Followed for a GET or HEAD that is a read; 0 to 3, 3 when absent. */
  redirects?: number;
}

export interface SafeAnswer extends Answer {
  /** Where it came from in the end. */
  url: string;
}

/**
 * Throws REFUSED (not where it may go, or no request; nothing left), SEND_DEFERRED (not reached, or a read that failed), SEND_UNKNOWN
 * (a write that was lost) or SEND_REFUSED (an answer too big or unreadable, or a redirect that leads where nothing may go). Every status
 * but a followed redirect is an answer: `statusError` in http-errors.ts says what it means.
 */
export type SafeFetch = (url: string, request?: SafeRequest) => Promise<SafeAnswer>;

const standard = { maxBytes: 1_000_000, maxMs: 30_000, redirects: 3 };
const redirecting = new Set([301, 302, 303, 307, 308]);
/** These go along to another host. Whatever else a caller sends may be a credential. */
const harmless = new Set(['accept', 'accept-language']);
const ownHeaders = /^(host|cookie|connection|content-length|transfer-encoding|accept-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*)$/;

/** Throws BAD_CONFIG for hosts that cannot be read. */
export function createSafeFetch({ allowHosts, allowPrivate, limits = {}, ca, resolve = resolveBySystem }: SafeFetchSettings): SafeFetch {
  const rules = createHostRules({ allowHosts, allowPrivate });
  const common = { ...standard, ...limits };
  return async (text, { method = 'GET', headers = {}, body = null, effect = isReading(method) ? 'read' : 'write', signal, maxBytes = common.maxBytes, maxMs = common.maxMs, redirects = common.redirects } = {}) => {
    const until = AbortSignal.any([AbortSignal.timeout(maxMs), ...(signal ? [signal] : [])]);
    let url = readUrl(text);
    let sent = checkHeaders(headers);
    const why = rules.whyNot(url);
    if (why !== null) throw new KeelsonError('REFUSED', `nothing was sent: ${why}`);
    const follows = effect === 'read' && isReading(method) ? Math.min(redirects, standard.redirects) : 0;
    for (let hop = 0; ; hop++) {
      const addresses = await addressesOf(url, { rules, resolve, until, code: hop === 0 ? 'REFUSED' : 'SEND_REFUSED' });
      const answer = await exchange({ url, addresses, method, headers: sent, body, effect, signal: until, maxBytes, ca });
      const location = answer.headers['location'];
      if (follows === 0 || !redirecting.has(answer.status) || location === undefined) return { ...answer, url: url.href };
      if (hop === follows) throw new KeelsonError('SEND_REFUSED', `${url.host} redirects more than ${follows} times`);
      const next = nextUrl(location, url, rules);
      if (next.origin !== url.origin) sent = Object.fromEntries(Object.entries(sent).filter(([name]) => harmless.has(name)));
      url = next;
    }
  };
}

const isReading = (method: string): boolean => method === 'GET' || method === 'HEAD';

async function resolveBySystem(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Every address must pass: one public answer among others does not make the rest harmless. */
async function addressesOf(url: URL, { rules, resolve, until, code }: { rules: HostRules; resolve: (host: string) => Promise<string[]>; until: AbortSignal; code: 'REFUSED' | 'SEND_REFUSED' }): Promise<string[]> {
  const found = isIP(bare(url)) === 0 ? await lookUp(url, resolve, until) : [bare(url)];
  const addresses = found.map(plainAddress);
  if (addresses.length === 0) throw new KeelsonError('SEND_DEFERRED', `${url.hostname} has no address`);
  const why = addresses.map((address) => rules.whyNotAddress(url, address)).find((one) => one !== null);
  if (why !== undefined) throw new KeelsonError(code, `nothing was sent: ${why}`);
  return addresses;
}

async function lookUp(url: URL, resolve: (host: string) => Promise<string[]>, until: AbortSignal): Promise<string[]> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(new Error('it took too long or was stopped'));
  until.addEventListener('abort', end, { once: true });
  if (until.aborted) end();
  try {
    return await Promise.race([ended, resolve(url.hostname)]);
  } catch (error) {
    throw new KeelsonError('SEND_DEFERRED', `the address of ${url.hostname} was not found: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    until.removeEventListener('abort', end);
  }
}

function nextUrl(location: string, from: URL, rules: HostRules): URL {
  const refuse = (why: string) => new KeelsonError('SEND_REFUSED', `${from.host} redirects elsewhere, which is not followed: ${why}`);
  const target = URL.parse(location, from.href);
  if (target === null) throw refuse('it names no address');
  let url: URL;
  try {
    url = readUrl(target.href);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const why = rules.whyNot(url);
  if (why !== null) throw refuse(why);
  return url;
}

/** In small letters. Throws REFUSED for a header that is no caller's to set, or that would be more than one line. */
export function checkHeaders(headers: Record<string, string>): Record<string, string> {
  const checked = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const [name, value] of checked) {
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || ownHeaders.test(name)) throw new KeelsonError('REFUSED', `the header '${name.replace(/\p{Cc}/gu, '·').slice(0, 60)}' may not be set`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw new KeelsonError('REFUSED', `the header '${name}' holds a line break or another character that no header has`);
  }
  return Object.fromEntries(checked);
}
