// Finding a person in texts and bytes: their addresses and entity ids, whole words only, however they are written.
import { isUtf8 } from 'node:buffer';

export interface Needles {
  /** Lower case; SQL looks for these first. Wherever a person is named, one of them stands. */
  rough: string[];
  isIn(text: string): boolean;
  /** The text without them. */
  redact(text: string): string;
}

export const redacted = '[erased]';

/** The ids under which a person with these addresses may be known. */
export const entitiesOf = (entity: string, addresses: string[]): string[] => [...new Set([entity, ...(entity.startsWith('person/') ? addresses.map((address) => `person/${address}`) : [])])];

/** What separates words, written as `%20`, `=3C` or `\u003c`. */
const coded = '(?:[%=]|\\\\u00)(?:0[9ad]|2[0-278cf]|3[a-f])';
/** `anna@example.org` is neither in `joanna@example.org` nor in `j.anna@example.org`. A JSON text may have `\n` before it. */
const before = `(?:(?<![\\p{L}\\p{N}][._%+-]*)|(?<=\\\\[nrtbf]|${coded}))`;
/** Nor in `anna@example.org.uk`. */
const after = '(?!-*[\\p{L}\\p{N}]|(?:\\.|%2e)[\\p{L}\\p{N}])';
/** An id goes on over more characters: `person/anna` is not in `person/anna@example.org`. */
const idAfter = '(?!-*[\\p{L}\\p{N}]|[@_+~/]|%(?:25)*40|=40|(?:\\.|%2e)[\\p{L}\\p{N}])';

/** `addresses` are mail addresses; `entity` is `person/…`. */
export function createNeedles(entity: string, addresses: string[]): Needles {
  const ids = entitiesOf(entity, addresses);
  const anyOf = (names: string[]) => names.map((name) => Array.from(name.toLowerCase(), spellings).join('')).join('|');
  const choices = [`(?<id>${anyOf(ids)})${idAfter}`, ...(addresses.length > 0 ? [`(?:${anyOf(addresses)})${after}`] : [])];
  const pattern = new RegExp(`${before}(?:${choices.join('|')})`, 'giu');
  const anonymous = `${entity.slice(0, Math.max(entity.indexOf('/'), 0))}/erased`;
  return {
    rough: [...new Set([...addresses, ...ids.map((id) => id.slice(id.indexOf('/') + 1))].map((name) => rarestRun(name.toLowerCase())))],
    isIn: (text) => text.search(pattern) !== -1,
    redact: (text) => text.replace(pattern, (...found) => ((found.at(-1) as { id?: string }).id === undefined ? redacted : anonymous)),
  };
}

/** Bytes as text that can be searched and turned back: UTF-8 where it is UTF-8. */
export const readText = (bytes: Buffer): { text: string; encoding: 'utf8' | 'latin1' } => (isUtf8(bytes) ? { text: bytes.toString('utf8'), encoding: 'utf8' } : { text: bytes.toString('latin1'), encoding: 'latin1' });

/** A character as texts, JSON, URLs, HTML and mail bodies write it. */
function spellings(character: string): string {
  if (/[a-z0-9]/.test(character)) return character;
  const hex = [...Buffer.from(character)].map((byte) => byte.toString(16).padStart(2, '0'));
  const code = character.codePointAt(0)!;
  const units = Array.from({ length: character.length }, (_, i) => `\\\\+u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
  return `(?:\\\\*${RegExp.escape(character)}|${hex.map((byte) => `%(?:25)*${byte}`).join('')}|${hex.map((byte) => `=${byte}`).join('')}|${units}|&#0*${code};|&#x0*${code.toString(16)};)`;
}

/** Letters and digits are written as they are, and SQL knows lower case of ASCII only. Many share a domain. */
function rarestRun(name: string): string {
  const longest = (text: string) => (text.match(/[a-z0-9]+/g) ?? []).reduce((a, b) => (b.length > a.length ? b : a), '');
  const local = longest(name.slice(0, name.lastIndexOf('@') + 1));
  return local.length > 2 ? local : longest(name);
}
