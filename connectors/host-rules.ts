// Which addresses of the web may be asked for: what the operator's settings name, written so that it can be read in one way only.
import { isIP } from 'node:net';
import { domainToUnicode } from 'node:url';
import { KeelsonError } from '#machines/errors.ts';
import { addressKind } from './address-ranges.ts';

export interface HostSettings {
  /** `api.shop.example` (https, its usual port) · `api.shop.example:8443` · `http://nas.example:8080` · `*`: any public host by https. */
  allowHosts: readonly string[];
  /** `nas.example:8080`: exactly this host and port may lie in a private network or on this computer. It must stand in `allowHosts` too. */
  allowPrivate?: readonly string[];
}

export interface HostRules {
  /** Named itself, not by `*`. */
  names(url: URL): boolean;
  /** Why nothing may be asked there; null when it may. Looks nothing up. */
  whyNot(url: URL): string | null;
  /** Why this address of it may not be connected to. */
  whyNotAddress(url: URL, address: string): string | null;
}

const urlChars = 4_000;
const ports: Record<string, string> = { 'http:': '80', 'https:': '443' };

/** Throws BAD_CONFIG for an entry that names no host. */
export function createHostRules({ allowHosts, allowPrivate = [] }: HostSettings): HostRules {
  const named = new Set(allowHosts.filter((entry) => entry !== '*').map(originOf));
  const anyHost = allowHosts.includes('*');
  const opened = new Set(allowPrivate.map((entry) => hostAndPort(new URL(originOf(entry)))));
  for (const entry of allowPrivate) if (!/:\d+$/.test(entry)) throw new KeelsonError('BAD_CONFIG', `'${entry}' names a host of your own network without its port; write it as host:port`);
  const names = (url: URL) => named.has(url.origin);
  return {
    names,
    whyNot(url) {
      if (names(url)) return null;
      if (!anyHost) return `${url.origin} is not among the hosts that the settings allow`;
      if (url.protocol !== 'https:') return `${url.origin} is not https; write the address with https, or name it in the settings`;
      if (url.port !== '') return `port ${url.port} of ${url.hostname} is not named in the settings`;
      if (isIP(bare(url)) !== 0) return `${url.hostname} is an address and no name; only the settings may name one`;
      return url.hostname.includes('.') ? null : `${url.hostname} is a name of the local network`;
    },
    whyNotAddress(url, address) {
      const found = addressKind(address);
      if (found.kind === 'public' || (found.kind === 'private' && opened.has(hostAndPort(url)))) return null;
      return `${url.hostname} leads to ${address.slice(0, 60)} (${found.name})`;
    },
  };
}

/**
 * The URL, when it reads as it is written. Throws REFUSED: what one program takes for another host than the next, or than a person
 * does, goes nowhere (users in front of the host, backslashes, numbers in other forms, letters of two scripts, a dot at the end).
 */
export function readUrl(text: string): URL {
  const refuse = (why: string) => new KeelsonError('REFUSED', `the address '${text.replace(/[\p{Cc}\p{Cf}]/gu, '·').slice(0, 120)}' is refused: ${why}`);
  if (text.length > urlChars) throw refuse(`it has more than ${urlChars} characters`);
  if (/[\x00-\x20\x7f\\]/.test(text)) throw refuse('it holds a blank, a control character or a backslash');
  const written = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1]?.toLowerCase();
  if (written === undefined || !URL.canParse(text)) throw refuse('it is no https address');
  const url = new URL(text);
  if (written.includes('@')) throw refuse('it holds a user in front of its host');
  const port = url.port === '' ? '' : `:${url.port}`;
  const forms = [url.hostname, domainToUnicode(url.hostname)].flatMap((host) => [`${host}${port}`, `${host}:${url.port || ports[url.protocol]}`]);
  if (!forms.includes(written)) throw refuse(`its host would be read as ${url.host}; write that if it is meant`);
  if (url.hostname.endsWith('.')) throw refuse('its host ends with a dot');
  if (domainToUnicode(url.hostname).split('.').some(mixesScripts)) throw refuse('its host mixes letters of several scripts that look alike');
  return url;
}

/** Host with port, as `hosts` of a manifest shows it: the port only where it is not the usual one of https. */
export const shownHost = (entry: string): string => (entry === '*' ? '*' : new URL(originOf(entry)).host);

/** The IP address of a URL whose host is one, without brackets. */
export const bare = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

const hostAndPort = (url: URL): string => `${url.hostname}:${url.port || ports[url.protocol]}`;
const mixesScripts = (label: string): boolean => /\p{Script=Latin}/u.test(label) && /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u.test(label);

function originOf(entry: string): string {
  const url = tryRead(/^https?:\/\//.test(entry) ? entry : `https://${entry}`);
  if (url === null || entry.includes('*') || url.href !== `${url.origin}/`) throw new KeelsonError('BAD_CONFIG', `'${entry.slice(0, 100)}' names no host; write it like api.shop.example, api.shop.example:8443 or http://nas.example:8080`);
  return url.origin;
}

function tryRead(text: string): URL | null {
  try {
    return readUrl(text);
  } catch {
    return null;
  }
}
