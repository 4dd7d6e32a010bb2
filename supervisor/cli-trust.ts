// Asking our own server when it speaks TLS. The CLI knows its certificate from run.json, which only the owner can read, and takes that very
// one: no name and no authority has to vouch for it, and nothing is said to anybody else.
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { KeelsonError } from '#machines/errors.ts';
import type { RunFile } from './company.ts';

/** `fetch` for the server of this run file. */
export async function fetchFor({ certificate }: Pick<RunFile, 'certificate'>): Promise<typeof fetch> {
  if (certificate === undefined) return fetch;
  const { Agent, buildConnector, fetch: fetchWith } = await import('undici');
  const wanted = new X509Certificate(certificate).fingerprint256;
  // Checked below, before a byte is sent; a session that is taken up again would show no certificate.
  const connect = buildConnector({ rejectUnauthorized: false, maxCachedSessions: 0 });
  const dispatcher = new Agent({
    connect: (options, done) => connect(options, (...[error, socket]) => {
      if (error) return done(error, null);
      if ((socket as TLSSocket).getPeerX509Certificate?.()?.fingerprint256 === wanted) return done(null, socket);
      socket.destroy();
      done(new KeelsonError('REFUSED', 'another certificate than that of this server'), null);
    }),
  });
  return ((input: string, init: object) => fetchWith(input, { ...init, dispatcher })) as never;
}
