// The address of a mail server, as people write it into a setting.
import { isIPv4 } from 'node:net';
import { KeelsonError } from '#machines/errors.ts';

export interface MailServer {
  host: string;
  /** null when the URL names none. */
  port: number | null;
  /** TLS from the first byte (smtps, imaps). */
  secure: boolean;
  auth: { user: string; pass: string } | null;
  /** TLS may be skipped and certificates are not checked: the server is this machine, with nobody in between. */
  isLocal: boolean;
}

/** Reads `scheme://user:password@host:port` or `schemes://…`. Throws BAD_CONFIG, never repeating the URL, as it holds a password. */
export function readServerUrl(text: string, scheme: 'smtp' | 'imap'): MailServer {
  const url = URL.canParse(text) ? new URL(text) : null;
  const secure = url?.protocol === `${scheme}s:`;
  if (!url || (!secure && url.protocol !== `${scheme}:`) || url.hostname === '') throw unusable(scheme, 'it is not such a URL');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host, secure,
    port: url.port === '' ? null : Number(url.port),
    auth: url.username === '' ? null : { user: decode(url.username, scheme), pass: decode(url.password, scheme) },
    // Not "begins with 127.": that would trust 127.example.com.
    isLocal: host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.')),
  };
}

function decode(part: string, scheme: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw unusable(scheme, 'its user or password has a "%" that is not written as %25');
  }
}

function unusable(scheme: string, reason: string): KeelsonError {
  return new KeelsonError('BAD_CONFIG', `The mail server must be given as ${scheme}s://user:password@host or ${scheme}://user:password@host:port; ${reason}.`);
}
