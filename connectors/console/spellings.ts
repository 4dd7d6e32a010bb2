// An international domain has two spellings, and letters of another alphabet look like ours: whoever decides sees both.
import { domainToASCII, domainToUnicode } from 'node:url';

/** The other spelling of the domain in an address, host or URL; null when it has one only. */
export function otherSpelling(value: unknown): string | null {
  const text = typeof value === 'string' ? value : '';
  const domain = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/:?#]+)/i.exec(text)?.[1] ?? text.slice(text.lastIndexOf('@') + 1);
  if (!/^[^\s/:]+$/.test(domain) || !domain.includes('.')) return null;
  const [ascii, unicode] = [domainToASCII(domain), domainToUnicode(domain)];
  return ascii === unicode || ascii === '' ? null : domain === ascii ? unicode : ascii;
}
