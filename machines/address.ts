// An address names an actor: `type/key`. The type is the id of its machine (or `operator`, `job`, `connector`, …); the key is
// any text. On the bus the two become two subject tokens, so that a permission can be given per type.
import { KeelsonError } from './errors.ts';

export type Address = string;

const typePattern = /^[a-z][a-z0-9-]{0,47}$/;
const keyCharsMax = 300;

/** `address('mail', 'm-1')` is `mail/m-1`. Throws BAD_ARGUMENT when type or key cannot be addressed. */
export function address(type: string, key: string): Address {
  if (!typePattern.test(type)) throw new KeelsonError('BAD_ARGUMENT', `'${type}' is not an actor type: lower-case letters, digits and dashes, at most 48`);
  if (!isKey(key)) throw new KeelsonError('BAD_ARGUMENT', `the key of '${type}/…' must have 1 to ${keyCharsMax} characters and no control characters`);
  return `${type}/${key}`;
}

export function typeOf(a: Address): string {
  return a.slice(0, a.indexOf('/'));
}

export function keyOf(a: Address): string {
  return a.slice(a.indexOf('/') + 1);
}

export function isAddress(text: string): boolean {
  const slash = text.indexOf('/');
  return slash > 0 && typePattern.test(text.slice(0, slash)) && isKey(text.slice(slash + 1));
}

function isKey(key: string): boolean {
  return key.length > 0 && key.length <= keyCharsMax && !/\p{Cc}|\p{Cs}/u.test(key);
}

/** A child's address says where it comes from and which start it is, so that a respawned child is another actor. */
export function childAddress(childType: string, parent: Address, childId: string, rev: number): Address {
  return address(childType, `${parent.replace('/', '.')}.${childId}~${rev}`);
}

/** One subject token: letters, digits, `-`, `_`, `~`, `=` stay, everything else becomes `%` and hex of its UTF-8 bytes. */
export function toToken(text: string): string {
  return encodeURIComponent(text).replace(/[.!*'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function fromToken(token: string): string {
  return decodeURIComponent(token);
}
