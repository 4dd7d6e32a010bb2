// Signing in and out. Only signing in stands before the question who asks, because it answers it.
import type { Context } from 'hono';
import { KeelsonError } from '#machines/errors.ts';
import { z } from 'zod';
import { cookieName, ownName, readCookie, setCookie, type OwnName } from './guard.ts';
import { readJson } from './read-request.ts';
import type { RawRoute } from './route.ts';
import type { Sessions } from './session.ts';

/** `position`: the newest commit, so that a page knows from where on it must listen. */
interface Signing { sessions: Sessions; names: readonly OwnName[]; position(): string | undefined }

const proof = z.strictObject({ token: z.string().max(200).optional(), code: z.string().max(200).optional() });

/** Exchanges the token or a code for a cookie; never where others could read both on the way. */
export async function signIn(c: Context, { sessions, names, position }: Signing): Promise<Response> {
  const own = ownName(c, names)!;
  if (own.isRemote && !own.secure) throw new KeelsonError('FORBIDDEN', 'signing in from elsewhere needs TLS', { hint: 'Let `publicUrl` begin with https: and put a proxy with a certificate there, or see docs/console.md.' });
  const cookie = sessions.open(await readJson(c, proof));
  setCookie(c, own, cookie, sessions.maxAgeSeconds);
  return c.json({ csrf: sessions.csrfOf(cookie), at: position() });
}

export function sessionRoutes({ sessions, names, position }: Omit<Signing, 'names'> & { names(): readonly OwnName[] }): RawRoute[] {
  const cookieOf = (c: Context) => readCookie(c, cookieName(ownName(c, names())!)) ?? '';
  return [
    { method: 'get', path: '/api/session', who: 'all', summary: 'Who you are here, and the word that must come with every change.', answer: (c, by) => c.json({ csrf: sessions.csrfOf(cookieOf(c)), at: position(), ...by }) },
    {
      method: 'post', path: '/api/session/end', who: 'all', summary: 'Signs this browser out.',
      answer(c) {
        sessions.end(cookieOf(c));
        setCookie(c, ownName(c, names())!, '', 0);
        return c.json({ ended: true });
      },
    },
  ];
}
