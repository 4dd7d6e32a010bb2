// Where the server listens and under which names it may be called: on this computer only, unless there is TLS and the operator wants it.
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isIP, type AddressInfo } from 'node:net';
import type { Hono } from 'hono';
import { KeelsonError } from '#machines/errors.ts';
import type { OwnName } from './guard.ts';

/** `tls`: certificate chain and key, as PEM. */
export interface Listen { host: string; tls: { cert: string; key: string } | null }
export const onLoopback: Listen = { host: '127.0.0.1', tls: null };

/** A client that is slower than this is cut off. */
export interface Patience { headersMs: number; requestMs: number; lookEveryMs: number }
const patience: Patience = { headersMs: 10_000, requestMs: 120_000, lookEveryMs: 5_000 };
const headerBytesMax = 16_384;
const wildcards = ['0.0.0.0', '::'];

export const isLoopback = (host: string) => host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** Throws BAD_CONFIG when the port is taken or the certificate and its key do not fit. */
export async function listen(app: Pick<Hono, 'fetch'>, { port, at: { host, tls }, wait = patience }: { port: number; at: Listen; wait?: Patience }): Promise<{ port: number; stop(): Promise<void> }> {
  const { getRequestListener } = await import('@hono/node-server');
  const options = { maxHeaderSize: headerBytesMax, headersTimeout: wait.headersMs, requestTimeout: wait.requestMs, connectionsCheckingInterval: wait.lookEveryMs };
  const answer = getRequestListener(app.fetch);
  const onRequest: Parameters<typeof createServer>[1] = (request, response) => void answer(request, response);
  const fail = (cause: unknown, what: string, hint: string) => new KeelsonError('BAD_CONFIG', `${what}: ${(cause as Error).message}`, { cause, hint });
  let server: ReturnType<typeof createServer>;
  try {
    server = tls ? createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, onRequest) : createServer(options, onRequest);
  } catch (cause) {
    throw fail(cause, 'certificate and key cannot be used', 'Give PEM files that belong together: --tls-cert and --tls-key.');
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(fail(cause, `cannot listen on ${host}:${port}`, 'Choose another --port; 0 picks a free one.')));
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

/** Every name of this server, in the order in which people are told of them; and `address`, which leads here from this computer without asking anybody. */
export function namesOf({ host, tls }: Listen, port: number, publicUrl?: string): { names: OwnName[]; address: OwnName } {
  const name = (text: string): OwnName => ({ host: new URL(`http${tls ? 's' : ''}://${isIP(text) === 6 ? `[${text}]` : text}:${port}`).host, secure: tls !== null, isRemote: !isLoopback(text) });
  const bound = wildcards.includes(host) ? '127.0.0.1' : host;
  const address = name(bound);
  const known = [...(publicUrl === undefined ? [] : [publicName(publicUrl)]), ...(tls ? certifiedNames(tls.cert) : []).map(name), address, ...(isLoopback(bound) ? [name('localhost')] : [])];
  return { names: known.filter((one, i) => known.findIndex(({ host: other }) => other === one.host) === i), address };
}

function publicName(publicUrl: string): OwnName {
  const { host, hostname, protocol } = new URL(publicUrl);
  return { host, secure: protocol === 'https:', isRemote: !isLoopback(hostname) };
}

/** What a browser would take this certificate for. */
function certifiedNames(cert: string): string[] {
  const names = new X509Certificate(cert).subjectAltName ?? '';
  return Array.from(names.matchAll(/(?:DNS|IP Address):([^,\s"]+)/g), ([, name]) => name!).filter((name) => !name.includes('*'));
}
