// One HTTP request to addresses that were checked, and its whole answer within limits. The connection is made for it and closed after
// it: nothing is reused, no proxy, no cookies, no HTTP/2. When the socket stands is the line between "certainly not done" and "may be".
import { isIPv6, type Socket } from 'node:net';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { KeelsonError } from '#machines/errors.ts';
import type { Effect } from './http-errors.ts';

export interface Exchange {
  url: URL;
  /** IP addresses of the URL's host. No other is connected to. */
  addresses: readonly string[];
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers: Record<string, string>;
  body: string | Uint8Array | null;
  effect: Effect;
  signal: AbortSignal;
  /** On the wire, and again after decompressing. */
  maxBytes: number;
  /** Certificates (PEM) to trust instead of the usual ones. */
  ca: string | undefined;
}

export interface Answer { status: number; headers: Record<string, string>; body: Uint8Array }

const connectMs = 10_000;
const headerBytes = 16_384;
const decoders: Record<string, () => Transform> = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress };

/** Throws SEND_DEFERRED before the connection stands; after it SEND_UNKNOWN for a write, for a read SEND_DEFERRED, or SEND_REFUSED when what came can never be read. */
export async function exchange({ url, addresses, method, headers, body, effect, signal, maxBytes, ca }: Exchange): Promise<Answer> {
  const { Agent, buildConnector } = await import('undici');
  const state: { socket: Socket | null; connected: boolean } = { socket: null, connected: false };
  const connect = buildConnector({ allowH2: false, timeout: connectMs, maxCachedSessions: 0, lookup: onlyThese(addresses), ...(ca === undefined ? {} : { ca }) });
  const agent = new Agent({
    connections: 1, pipelining: 1, maxHeaderSize: headerBytes, headersTimeout: 0, bodyTimeout: 0,
    connect: (options, done) => {
      // The connector gives its socket at once, and calls back when that is connected and, with TLS, trusted.
      state.socket = connect(options, (...[error, socket]) => {
        if (error !== null) return done(error, null);
        if (!addresses.includes(socket.remoteAddress ?? '')) return done(new Error(`connected to ${socket.remoteAddress}, which was not checked`), null);
        state.connected = true;
        done(null, socket);
      }) as unknown as Socket;
    },
  });
  try {
    signal.throwIfAborted();
    const reply = await agent.request({ origin: url.origin, path: `${url.pathname}${url.search}`, method, headers: { 'accept-encoding': 'gzip, br', 'user-agent': 'keelson', ...headers }, body, signal });
    const plain = plainHeaders(reply.headers);
    const isRedirect = reply.statusCode >= 300 && reply.statusCode < 400;
    return { status: reply.statusCode, headers: plain, body: isRedirect ? new Uint8Array() : await readBounded(reply.body, plain, maxBytes) };
  } catch (error) {
    throw classify(error, { url, effect, signal, connected: state.connected });
  } finally {
    state.socket?.destroy();
    await agent.destroy();
  }
}

/** Canonical, as sockets name their peers. */
export const plainAddress = (address: string): string => (isIPv6(address) && !address.includes('%') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address);

/** Stands in for the look-up, so that a name whose answer changes meanwhile leads nowhere else. */
function onlyThese(addresses: readonly string[]) {
  const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_host: string, options: { all?: boolean }, done: (error: Error | null, address: string | typeof all, family?: number) => void): void => {
    if (options.all === true) done(null, all);
    else done(null, all[0]?.address ?? '', all[0]?.family);
  };
}

function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'set-cookie').map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : (value ?? '')]));
}

async function readBounded(body: Readable, headers: Record<string, string>, maxBytes: number): Promise<Uint8Array> {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decoder = encoding === 'identity' || encoding === '' ? null : decoders[encoding];
  if (decoder === undefined) throw unreadable(`it is encoded as '${encoding.slice(0, 40)}'`);
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw unreadable(`it has more than ${maxBytes} bytes`);
  const counted = (what: string) => async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw unreadable(`it has more than ${maxBytes} bytes${what}`);
      yield chunk;
    }
  };
  const kept: Uint8Array[] = [];
  const keep = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) kept.push(chunk);
  };
  if (decoder === null) await pipeline(body, counted(''), keep);
  else await pipeline(body, counted(''), decoder(), counted(' when decompressed'), keep);
  return Buffer.concat(kept);
}

const unreadable = (why: string): Error => Object.assign(new Error(`its answer cannot be read: ${why}`), { code: 'UNREADABLE' });

function classify(error: unknown, { url, effect, signal, connected }: { url: URL; effect: Effect; signal: AbortSignal; connected: boolean }): KeelsonError {
  const why = signal.aborted ? (isTimeout(signal.reason) ? 'no whole answer came in time' : 'it was stopped') : reasonOf(error);
  if (!connected) return new KeelsonError('SEND_DEFERRED', `${url.host} was not reached: ${why}`, { cause: error });
  if (effect === 'write') return new KeelsonError('SEND_UNKNOWN', `the request to ${url.host} had begun to leave: ${why}`, { cause: error });
  const code = !signal.aborted && isUnreadable(error) ? 'SEND_REFUSED' : 'SEND_DEFERRED';
  return new KeelsonError(code, `${url.host} was asked: ${why}`, { cause: error });
}

const isTimeout = (reason: unknown): boolean => (reason as { name?: string } | null)?.name === 'TimeoutError';
/** Also what zlib says of bytes that are not what the header promised. */
const isUnreadable = (error: unknown): boolean => /^(UNREADABLE|Z_|ERR_BROTLI|ERR__ERROR_FORMAT|UND_ERR_HEADERS_OVERFLOW|HPE_)/.test(String((error as { code?: unknown } | null)?.code));

function reasonOf(error: unknown): string {
  const { code, message = String(error), errors } = error as { code?: string; message?: string; errors?: Error[] };
  const said = message === '' ? (errors?.[0]?.message ?? 'no reason given') : message;
  return `${said.slice(0, 200)}${code === undefined || code === 'UNREADABLE' || said.includes(code) ? '' : ` (${code})`}`;
}
