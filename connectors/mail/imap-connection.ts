// How every IMAP connection is made: the watch of the inbox and the filing of what was sent use the same URL.
import type { ImapFlowOptions } from 'imapflow';
import { KeelsonError } from '#machines/errors.ts';
import { maxRawBytes } from './parse.ts';
import { readServerUrl } from './server-url.ts';

/** Throws BAD_CONFIG for an unusable URL. */
export function connectionSettings(imapUrl: string): ImapFlowOptions {
  const { host, port, secure, auth, isLocal } = readServerUrl(imapUrl, 'imap');
  if (auth === null) throw new KeelsonError('BAD_CONFIG', 'The mailbox needs a user: imaps://user:password@host.');
  return {
    host, secure, auth, port: port ?? (secure ? 993 : 143),
    doSTARTTLS: secure || isLocal ? undefined : true,
    tls: isLocal ? { rejectUnauthorized: false } : {},
    logger: false, clientInfo: { name: 'keelson' }, autoIdleDelay: 100, maxIdleTime: 5 * 60_000, connectionTimeout: 30_000,
    maxLiteralSize: maxRawBytes + 1024 * 1024,
  };
}

/** What the server said, else what the network said. */
export function imapReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = 'responseText' in error && typeof error.responseText === 'string' ? error.responseText : '';
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return (text || error.message) + code;
}
