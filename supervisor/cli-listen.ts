// `up --listen HOST`: whether this server may be reached from other computers. It may not by accident: that takes TLS and a flag of its own.
import { readFileSync, statSync } from 'node:fs';
import { isLoopback, type Listen } from '#connectors/console/listen.ts';
import { KeelsonError } from '#machines/errors.ts';

export interface ListenOptions { listen: string; tlsCert?: string; tlsKey?: string; allowRemote?: boolean }

/** Throws BAD_ARGUMENT or BAD_CONFIG, in one line. */
export function readListen({ listen, tlsCert, tlsKey, allowRemote = false }: ListenOptions): Listen {
  const host = listen === 'localhost' ? '127.0.0.1' : listen;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new KeelsonError('BAD_ARGUMENT', 'TLS needs both --tls-cert and --tls-key');
  const tls = tlsCert === undefined || tlsKey === undefined ? null : { cert: read(tlsCert), key: readKey(tlsKey) };
  if (isLoopback(host)) return { host, tls };
  const missing = [...(tls ? [] : ['--tls-cert FILE and --tls-key FILE']), ...(allowRemote ? [] : ['--allow-remote'])];
  if (missing.length > 0) throw new KeelsonError('BAD_ARGUMENT', `--listen ${host} opens the company to other computers; that needs ${missing.join(' and ')}`, { hint: 'Or leave --listen away and put a proxy with TLS in front: see docs/console.md.' });
  return { host, tls };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function readKey(file: string): string {
  const text = read(file);
  if ((statSync(file).mode & 0o007) !== 0) throw new KeelsonError('BAD_CONFIG', `${file} can be read by everybody`, { hint: `Run: chmod 600 ${file}` });
  return text;
}
