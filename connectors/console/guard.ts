// Who gets in. First the name under which the server was called and the site that calls, then who it is; nothing of the body is read before.
import type { IncomingMessage } from 'node:http';
import type { Context, MiddlewareHandler } from 'hono';
import { KeelsonError } from '#machines/errors.ts';
import type { Principal } from './route.ts';
import { sameText, type Sessions } from './session.ts';

/** A name under which this server is reached: `host:port`, whether TLS is before it, and whether it leads beyond this computer. */
export interface OwnName { host: string; secure: boolean; isRemote: boolean }

export const csrfHeader = 'x-csrf-token';
const safeMethods = ['GET', 'HEAD'];

/** Refuses what was sent under a foreign name or by another site. A page that is only opened may be linked from anywhere. */
export function guardOrigin(names: () => readonly OwnName[]): MiddlewareHandler {
  return async (c, next) => {
    const own = isSaidOnce(c, 'host') ? ownName(c, names()) : undefined;
    if (!own) throw new KeelsonError('FORBIDDEN', 'the Host header is not this server', { hint: 'Open it under the address that `keelson up` printed; behind a proxy set `publicUrl` in company.json.' });
    const origin = c.req.header('origin');
    const site = c.req.header('sec-fetch-site');
    // A form of ours comes without its origin, because our pages tell nobody where they are; no page can write `same-origin` here.
    const isOurForm = origin === 'null' && site === 'same-origin' && c.req.header('sec-fetch-mode') === 'navigate';
    if (origin !== undefined && origin !== originOf(own) && !isOurForm) throw new KeelsonError('FORBIDDEN', 'requests from other sites are refused');
    const isOpened = c.req.method === 'GET' && c.req.header('sec-fetch-mode') === 'navigate' && !c.req.path.startsWith('/api/');
    if (site !== undefined && !['same-origin', 'none'].includes(site) && !isOpened) throw new KeelsonError('FORBIDDEN', 'requests from other sites are refused');
    await next();
  };
}

/** Says who asks, or throws UNAUTHORIZED; a session needs its second word for every change. */
export function authenticate(c: Context, sessions: Sessions, names: readonly OwnName[]): Principal {
  const bearer = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1];
  if (bearer !== undefined) {
    const principal = sessions.principal(bearer);
    if (principal) return principal;
    throw new KeelsonError('UNAUTHORIZED', 'no valid token was given');
  }
  const csrf = sessions.csrfOf(readCookie(c, cookieName(ownName(c, names)!)) ?? '');
  if (csrf === null) throw new KeelsonError('UNAUTHORIZED', 'no valid token was given');
  if (!safeMethods.includes(c.req.method) && !sameText(c.req.header(csrfHeader) ?? '', csrf)) throw new KeelsonError('FORBIDDEN', `the header ${csrfHeader} is missing or wrong`, { hint: 'Load the page again.' });
  return { who: 'operator', via: 'session' };
}

export const ownName = (c: Context, names: readonly OwnName[]): OwnName | undefined => names.find(({ host }) => host === c.req.header('host'));
export const originOf = ({ host, secure }: OwnName) => `http${secure ? 's' : ''}://${host}`;

/** Node takes the first of two, a proxy perhaps the second. */
function isSaidOnce(c: Context, name: string): boolean {
  const { incoming } = (c.env ?? {}) as { incoming?: IncomingMessage };
  return (incoming?.rawHeaders ?? []).filter((text, i) => i % 2 === 0 && text.toLowerCase() === name).length <= 1;
}

/** Browsers do not tell ports of one host apart, so each company has its own name for it; `__Host-` works with TLS only. */
export const cookieName = ({ host, secure }: OwnName) => (secure ? '__Host-keelson' : `keelson-${host.split(':').at(-1)}`);

export function readCookie(c: Context, name: string): string | undefined {
  const pairs = (c.req.header('cookie') ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

export function setCookie(c: Context, own: OwnName, value: string, maxAgeSeconds: number): void {
  c.header('set-cookie', `${cookieName(own)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${own.secure ? '; Secure' : ''}`);
}
