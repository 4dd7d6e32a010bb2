// One question to Stripe through its SDK, and an honest code for whatever comes of it. The SDK sends what we give it over our own
// exchange: on its own it repeats a request once after a reset, even with retries off, and reads answers of any size.
import type Stripe from 'stripe';
import { z } from 'zod';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Call } from '../connector.ts';
import { readRetryAfter } from '../http-errors.ts';
import { exchange, type ExchangeReply } from '../named-server.ts';
import type { PaymentsSettings } from './settings.ts';

/** `write`: it changes something there, so that a lost reply is unknown. `reply` picks what is used of the answer. */
export type Ask = <T>(call: Call, question: { what: string; write: boolean; reply: z.ZodType<T> }, request: (stripe: Stripe) => Promise<unknown>) => Promise<T>;

type HttpClient = NonNullable<NonNullable<ConstructorParameters<typeof Stripe>[1]>['httpClient']>;

const maxBytes = 4_000_000;
/** Statuses after which Stripe has certainly done nothing, if its own error explains them. */
const definite = [400, 402, 404];

export function createAsk({ apiUrl, timeoutMs }: PaymentsSettings, secretKey: string): Ask {
  const { protocol, hostname, port } = new URL(apiUrl);
  const scheme = protocol === 'http:' ? 'http' : 'https';
  return async (call, { what, write, reply: shape }, request) => {
    const { default: StripeClient } = await import('stripe');
    let reply: ExchangeReply | undefined;
    let failure: unknown;
    const httpClient: HttpClient = {
      getClientName: () => 'keelson',
      async makeRequest(_host, _port, path, method, headers, body) {
        const text = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
        try {
          reply = await exchange({ method, url: new URL(path, apiUrl).href, headers: text, body, signal: call.signal, write, maxBytes, maxMs: timeoutMs });
        } catch (error) {
          failure = error;
          throw new Error('no reply', { cause: error });
        }
        const { status, headers: answered, text: json } = reply;
        return { getStatusCode: () => status, getHeaders: () => answered, getRawResponse: () => ({}), toStream: () => null, toJSON: async () => JSON.parse(json) as unknown };
      },
    };
    const stripe = new StripeClient(secretKey, { host: hostname, port: port === '' ? (scheme === 'http' ? 80 : 443) : Number(port), protocol: scheme, httpClient, maxNetworkRetries: 0, timeout: timeoutMs, telemetry: false });
    let answer: unknown;
    try {
      answer = await request(stripe);
    } catch (error) {
      if (failure instanceof KeelsonError) throw failure;
      throw judge(error, reply, { what, write, secretKey, nowMs: call.nowMs() });
    }
    const read = shape.safeParse(answer);
    if (reply !== undefined && reply.status < 300 && read.success) return read.data;
    throw unreadable(what, write, reply?.status);
  };
}

const unreadable = (what: string, write: boolean, status = 0) => new KeelsonError(write ? 'SEND_UNKNOWN' : 'SEND_DEFERRED', `Stripe was asked to ${what} and answered with ${status}, but not in a way that can be read`);

function judge(error: unknown, reply: ExchangeReply | undefined, { what, write, secretKey, nowMs }: { what: string; write: boolean; secretKey: string; nowMs: number }): KeelsonError {
  const { message = '', type = '', code, statusCode } = error as { message?: string; type?: string; code?: string; statusCode?: number };
  // Its text comes from outside, and could repeat the key.
  const said = message.replaceAll(secretKey, '…').replace(/[\p{C}\s]+/gu, ' ').slice(0, 300);
  const no = `Stripe did not ${what}: ${said}`;
  const cause = { type, code, status: reply?.status, request: reply?.headers['request-id'] };
  if (reply === undefined) return new KeelsonError('REFUSED', no, { cause });
  if (reply.status === 429) return new KeelsonError('SEND_DEFERRED', no, { cause, retryAfterMs: readRetryAfter(reply.headers['retry-after'], nowMs) });
  // The key was used before with other parameters, so something was begun under this operation id: not this, but perhaps not nothing.
  if (type === 'StripeIdempotencyError') return new KeelsonError('SEND_UNKNOWN', `Stripe knows this operation id from another request: ${said}`, { cause });
  if (statusCode !== undefined && definite.includes(statusCode)) return new KeelsonError('SEND_REFUSED', no, { cause });
  // No refusal of what was asked: under the key of before, an earlier try may have gone through.
  if (statusCode === 401 || statusCode === 403) return new KeelsonError('SEND_DEFERRED', no, { cause, hint: 'Put a key that may do this into STRIPE_SECRET_KEY.' });
  if (statusCode === undefined) return unreadable(what, write, reply.status);
  // 409: the same key is being worked on; 424 and 5xx: it may have been done, and the same key would repeat this very answer.
  return new KeelsonError(write ? 'SEND_UNKNOWN' : 'SEND_DEFERRED', `Stripe was asked to ${what} and answered ${statusCode}: ${said}`, { cause });
}

/** The operation id as key and as mark. Headers take no other characters, and 255 of them. */
export const markOf = (operationId: string) => (/^[\x21-\x7e]{1,200}$/.test(operationId) ? operationId : sha256(operationId));

const pagesMax = 10;
const markedSchema = z.object({ id: z.string(), metadata: z.record(z.string(), z.string()) });

/** Looks through a list, newest first, for what carries the mark. `complete` is false when there was more than it may read. */
export async function findMarked<T>(ask: Ask, call: Call, item: z.ZodType<T>, list: (stripe: Stripe, page: { limit: number; starting_after?: string }) => Promise<unknown>): Promise<{ marked: T | null; complete: boolean }> {
  const mark = markOf(call.operationId);
  let after: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const reply = z.object({ has_more: z.boolean(), data: z.array(markedSchema.loose()) });
    const { data, has_more: more } = await ask(call, { what: 'list what it has', write: false, reply }, (stripe) => list(stripe, { limit: 100, ...(after === undefined ? {} : { starting_after: after }) }));
    const found = data.find(({ metadata }) => metadata['operation'] === mark);
    if (found) {
      const read = item.safeParse(found);
      if (!read.success) throw unreadable('list what it has', false, 200);
      return { marked: read.data, complete: true };
    }
    after = data.at(-1)?.id;
    if (!more || after === undefined) return { marked: null, complete: true };
  }
  return { marked: null, complete: false };
}
