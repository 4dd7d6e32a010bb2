// One request to a server that the operator named in a connector's settings, by any method, and its reply. No redirects, no cookies, no
// proxy, no compression, no kept connections; bounded in size and time. It knows whether a byte of the request had left when it failed.
// What others may name goes through safe-fetch.ts instead.
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { KeelsonError } from '#machines/errors.ts';

export interface ExchangeRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** Ends it early; what had begun to leave is unknown then. */
  signal: AbortSignal;
  /** It changes something there: once it has left, only a reply tells what came of it. */
  write: boolean;
  maxBytes?: number;
  maxMs?: number;
}

export interface ExchangeReply { status: number; headers: Record<string, string>; text: string }

/**
 * Throws SEND_DEFERRED while nothing has left, or when nothing can have been done by a read; else SEND_UNKNOWN. A reply of any status is
 * returned as it is: `statusError` in http-errors.ts says what it means.
 */
export async function exchange({ method, url, headers, body = '', signal, write, maxBytes = 2_000_000, maxMs = 30_000 }: ExchangeRequest): Promise<ExchangeReply> {
  const host = new URL(url).host;
  if (signal.aborted) throw new KeelsonError('SEND_DEFERRED', `${host} was not asked: the time was up`);
  let left = false;
  try {
    const reply = await send(url, { method, signal: AbortSignal.any([signal, AbortSignal.timeout(maxMs)]), headers: { ...headers, 'accept-encoding': 'identity', 'content-length': String(Buffer.byteLength(body)) } }, body, () => (left = true));
    return { status: reply.statusCode ?? 0, headers: plainHeaders(reply), text: await readText(reply, maxBytes) };
  } catch (error) {
    // No `cause` travels on: it holds the request with its password.
    throw new KeelsonError(left && write ? 'SEND_UNKNOWN' : 'SEND_DEFERRED', `${host} did not answer ${method}: ${whyFailed(error)}`);
  }
}

function send(url: string, options: RequestOptions, body: string, leaves: () => void): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const secure = url.startsWith('https:');
    const request = (secure ? requestHttps : requestHttp)(url, { ...options, agent: false }, resolve);
    request.once('error', reject);
    // From here on the kernel may send what is written.
    request.once('socket', (socket) => socket.once(secure ? 'secureConnect' : 'connect', leaves));
    request.end(body);
  });
}

async function readText(reply: IncomingMessage, maxBytes: number): Promise<string> {
  const encoding = reply.headers['content-encoding'] ?? 'identity';
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    if (encoding !== 'identity') throw new Error(`its reply is compressed (${encoding.slice(0, 20)}), which was not asked for`);
    for await (const chunk of reply as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new Error(`its reply has more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } finally {
    reply.destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
}

const plainHeaders = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));

function whyFailed(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason given';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'the time was up';
  return (error.message || ('code' in error ? String(error.code) : error.name)).slice(0, 300);
}

/** What a reply says in words, as one bounded line: for the operator, never to be obeyed. */
export const saidBy = ({ text }: ExchangeReply) => text.slice(0, 2_000).replace(/<[^>]*>/g, ' ').replace(/[\p{C}\s]+/gu, ' ').trim().slice(0, 200);

export const basicAuth = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** https, or http to this machine, where nobody listens in between. */
export function isSafeBase(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const local = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  return (protocol === 'https:' || (protocol === 'http:' && local)) && username === '' && password === '' && search === '' && hash === '';
}

export const withSlash = (url: string) => (url.endsWith('/') ? url : `${url}/`);
