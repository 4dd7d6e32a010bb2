// How a browser proves to be the operator's: the token of the company folder, or a link that works once, is exchanged for a cookie that
// scripts cannot read and other sites cannot send. Every change needs a second word besides, which only our own page is told.
// Nothing is stored: the cookie is signed with a key made from the token, so it outlives a restart and ends with the token.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { sha256 } from '#actors/hash.ts';
import type { MakeId } from '#actors/ids.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Principal } from './route.ts';

const sessionMs = 7 * 24 * 3_600_000;
const codeMs = 10 * 60_000;
const codesMax = 20;

export interface Sessions {
  /** The cookie's value for whoever knows the token or an unused code. Throws UNAUTHORIZED. */
  open(proof: { token?: string | undefined; code?: string | undefined }): string;
  /** The word that must come with every change; null when the cookie is none of ours or too old. */
  csrfOf(cookie: string): string | null;
  /** Signed out: a copy of this cookie is good for nothing while this process runs. */
  end(cookie: string): void;
  /** A code that opens one session within ten minutes. */
  makeCode(): string;
  principal(bearer: string): Principal | null;
  readonly maxAgeSeconds: number;
}

export function createSessions({ token, automationToken, nowMs, makeSecret }: { token: string; automationToken: string | null; nowMs(): number; makeSecret: MakeId }): Sessions {
  const key = Buffer.from(sha256(`session ${token}`), 'hex');
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('hex');
  const codes = new Map<string, number>();
  const ended = new Map<string, number>();

  const takeCode = (code: string): boolean => {
    const expires = codes.get(code);
    codes.delete(code);
    return expires !== undefined && nowMs() < expires;
  };

  const csrfOf = (cookie: string): string | null => {
    const end = cookie.lastIndexOf('.');
    const body = cookie.slice(0, Math.max(end, 0));
    if (!sameText(cookie.slice(end + 1), sign(body)) || expiryOf(cookie) <= nowMs() || ended.has(cookie)) return null;
    return sign(`csrf ${cookie}`);
  };

  return {
    maxAgeSeconds: sessionMs / 1_000,
    open({ token: given, code }) {
      const known = given !== undefined ? sameText(given.trim(), token) : code !== undefined && takeCode(code);
      if (!known) throw new KeelsonError('UNAUTHORIZED', code === undefined ? 'this is not the token' : 'this link was used before or is too old', { hint: 'Get a new link: keelson console. Or use the token in the `token` file of the company folder.' });
      const body = `${nowMs() + sessionMs}.${makeSecret()}`;
      return `${body}.${sign(body)}`;
    },
    csrfOf,
    end(cookie) {
      if (csrfOf(cookie) === null) return;
      for (const [old, expires] of ended) if (expires <= nowMs()) ended.delete(old);
      ended.set(cookie, expiryOf(cookie));
    },
    makeCode() {
      for (const [code, expires] of codes) if (expires <= nowMs() || codes.size >= codesMax) codes.delete(code);
      const code = makeSecret();
      codes.set(code, nowMs() + codeMs);
      return code;
    },
    principal(bearer) {
      if (sameText(bearer, token)) return { who: 'operator', via: 'token' };
      return automationToken !== null && sameText(bearer, automationToken) ? { who: 'automation', via: 'token' } : null;
    },
  };
}

const expiryOf = (cookie: string) => Number(cookie.split('.')[0]);

/** Compares in a time that does not depend on where the texts differ. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(a), 'hex'), Buffer.from(sha256(b), 'hex'));
}
