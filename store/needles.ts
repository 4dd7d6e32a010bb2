// Finding a person in texts and bytes: their addresses, whole words only, however they are written, and their entity id.
import { toToken } from '#machines/address.ts';

export interface Needles {
  /** Lower case; SQL looks for these first. */
  rough: string[];
  isIn(text: string): boolean;
  /** The text without them. */
  redact(text: string): string;
}

export const redacted = '[erased]';

/** `addresses` are mail addresses; `entity` is `person/…`. */
export function createNeedles(entity: string, addresses: string[]): Needles {
  const quoted = JSON.stringify(entity).toLowerCase();
  const written = [...new Set(addresses.flatMap((address) => [address.toLowerCase(), encodeURIComponent(address).toLowerCase(), toToken(address).toLowerCase()]))];
  // `anna@example.org` is neither in `joanna@example.org` nor in `anna@example.org.uk`.
  const addressPattern = written.length > 0 ? `(?<![\\p{L}\\p{N}._%+-])(?:${written.map(RegExp.escape).join('|')})(?![\\p{L}\\p{N}-]|\\.[\\p{L}\\p{N}])` : '(?!)';
  const pattern = () => new RegExp(`${RegExp.escape(quoted)}|${addressPattern}`, 'giu');
  return {
    rough: [quoted, ...written],
    isIn: (text) => pattern().test(text),
    redact: (text) => text.replace(pattern(), (found) => (found.startsWith('"') ? '"person/erased"' : redacted)),
  };
}
