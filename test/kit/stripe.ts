// Stands for Stripe: the endpoints that connectors/payments uses, over real HTTP on a free port of 127.0.0.1, with Stripe's rules for
// idempotency keys (the same key gives the same stored answer, also a 500; other parameters under it are an error) and with ways to fail.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Stripe } from 'stripe';
import { createStripeBooks, StripeRefusal, type Executed } from './stripe-books.ts';

/**
 * What happens to the next writes: `execute-then-drop` executes and cuts the connection, `execute-then-500` executes and answers 500 (and keeps
 * that for the key), `slow` executes and answers after `answerAfterMs`, or never; `key-expired` has forgotten all keys so far; `no-key` ignores keys.
 */
export type StripeMode = 'normal' | 'execute-then-drop' | 'execute-then-500' | 'slow' | 'key-expired' | 'no-key';
export interface Canned { status?: number; headers?: Record<string, string>; body?: string | (() => AsyncIterable<string>) }

export interface StripeDouble {
  apiUrl: string;
  secretKey: string;
  webhookSecret: string;
  /** For the next `times` writes (all, when absent); then it is normal again. */
  mode(mode: StripeMode, options?: { times?: number; answerAfterMs?: number }): void;
  /** The answer to the next request that fits, whatever it asks. Nothing is executed. */
  answerNext(canned: Canned, method?: 'GET' | 'POST'): void;
  /** From now on writes are taken, not executed and not answered. */
  silence(method?: 'GET' | 'POST'): { reached: Promise<void>; end(): void };
  /** Everything that changed the world, in order: links made, money captured, money given back. */
  executed: Executed[];
  /** Each request as it came. */
  requests: { method: string; path: string; key: string | null; params: Record<string, string> }[];
  books: ReturnType<typeof createStripeBooks>;
  /** A signed event about an object as it is now. */
  event(type: string, object: object, options?: { id?: string; createdMs?: number; signedAtMs?: number; secret?: string }): { body: Uint8Array; signature: string };
  /** Any text, signed as Stripe would. */
  sign(payload: string, signedAtMs: number, secret?: string): { body: Uint8Array; signature: string };
  stop(): Promise<void>;
}

interface Stored { fingerprint: string; answer: { status: number; body: string } | null }

export async function startStripe({ secretKey = 'sk_test_double_4f1c9a7e', webhookSecret = 'whsec_double_77b1e0' }: { secretKey?: string; webhookSecret?: string } = {}): Promise<StripeDouble> {
  const executed: Executed[] = [];
  const books = createStripeBooks(executed);
  const keys = new Map<string, Stored>();
  const requests: StripeDouble['requests'] = [];
  let current: { mode: StripeMode; times: number; answerAfterMs: number | null } = { mode: 'normal', times: Infinity, answerAfterMs: null };
  let canned: { answer: Canned; method: string | null } | null = null;
  let silent: { method: string; reached(): void } | null = null;
  const ended = new AbortController();
  let events = 0;

  const reply = (response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}) => void response.writeHead(status, { 'content-type': 'application/json', 'request-id': `req_${requests.length}`, ...headers }).end(body);
  const errorBody = (type: string, message: string, code?: string) => JSON.stringify({ error: { type, message, ...(code === undefined ? {} : { code }) } });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://double');
    const method = request.method ?? '';
    const body = await readAll(request);
    const params = Object.fromEntries(new URLSearchParams(method === 'GET' ? url.search : body));
    const key = request.headers['idempotency-key']?.toString() ?? null;
    requests.push({ method, path: url.pathname, key, params });
    if (silent?.method === method) return silent.reached();
    if (canned && (canned.method === null || canned.method === method)) {
      const { status = 200, headers = {}, body: text = '' } = canned.answer;
      canned = null;
      if (typeof text === 'string') return reply(response, status, text, headers);
      response.writeHead(status, headers);
      return pipeline(Readable.from(text()), response);
    }
    if (request.headers.authorization !== `Bearer ${secretKey}`) return reply(response, 401, errorBody('invalid_request_error', `Invalid API Key provided: ${request.headers.authorization?.slice('Bearer '.length)}`));
    if (method !== 'POST') return perform(response, () => books.read(url.pathname, params));

    const { mode, answerAfterMs } = current;
    if (--current.times <= 0) current = { mode: 'normal', times: Infinity, answerAfterMs: null };
    const kept = mode === 'no-key' || key === null ? undefined : keys.get(key);
    const fingerprint = `${url.pathname} ${body}`;
    if (kept && kept.fingerprint !== fingerprint) return reply(response, 400, errorBody('idempotency_error', `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`));
    if (kept?.answer === null) return reply(response, 409, errorBody('idempotency_error', 'There is currently another in-progress request using this key.', 'idempotency_key_in_use'));
    if (kept?.answer) return reply(response, kept.answer.status, kept.answer.body, { 'idempotent-replayed': 'true' });

    const store = (stored: Stored) => (key === null || mode === 'no-key' ? undefined : keys.set(key, stored));
    let made: { status: number; body: string };
    try {
      made = { status: 200, body: JSON.stringify(books.write(url.pathname, params, key)) };
    } catch (error) {
      if (!(error instanceof StripeRefusal)) throw error;
      made = { status: error.status, body: errorBody(error.type, error.message, error.code) };
      // What fails before it is begun is not kept for the key; a declined card is.
      if (error.status !== 402) return reply(response, made.status, made.body);
    }
    if (mode === 'execute-then-500') made = { status: 500, body: errorBody('api_error', 'An unknown error occurred') };
    store({ fingerprint, answer: mode === 'slow' ? null : made });
    if (mode === 'execute-then-drop') return void request.socket.destroy();
    if (mode === 'slow') {
      await (answerAfterMs === null ? once(ended.signal, 'abort') : Promise.race([once(ended.signal, 'abort'), once(AbortSignal.timeout(answerAfterMs), 'abort')]));
      store({ fingerprint, answer: made });
    }
    reply(response, made.status, made.body);
  }

  function perform(response: ServerResponse, work: () => object): void {
    try {
      reply(response, 200, JSON.stringify(work()));
    } catch (error) {
      if (!(error instanceof StripeRefusal)) throw error;
      reply(response, error.status, errorBody(error.type, error.message, error.code));
    }
  }

  const sign: StripeDouble['sign'] = (payload, signedAtMs, secret = webhookSecret) => ({ body: new TextEncoder().encode(payload), signature: Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: Math.floor(signedAtMs / 1_000) }) });

  const server = createServer((request, response) => void answer(request, response).catch((error: unknown) => {
    // A client that went away is part of the test; a defect of the double must be seen.
    if (!request.destroyed && !response.headersSent) reply(response, 599, errorBody('double_error', String(error)));
  }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secretKey, webhookSecret, executed, requests, books,
    mode(mode, { times = Infinity, answerAfterMs } = {}) {
      if (mode === 'key-expired') keys.clear();
      current = { mode, times, answerAfterMs: answerAfterMs ?? null };
    },
    answerNext: (next, method) => void (canned = { answer: next, method: method ?? null }),
    silence(method = 'POST') {
      const { promise, resolve } = Promise.withResolvers<void>();
      const mine = { method, reached: resolve };
      silent = mine;
      return { reached: promise, end: () => void (silent = silent === mine ? null : silent) };
    },
    sign,
    event(type, object, { id = `evt_${++events}`, createdMs = Date.now(), signedAtMs = Date.now(), secret = webhookSecret } = {}) {
      return sign(JSON.stringify({ id, object: 'event', type, created: Math.floor(createdMs / 1_000), livemode: false, data: { object } }), signedAtMs, secret);
    },
    async stop() {
      ended.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk as string;
  return text;
}
