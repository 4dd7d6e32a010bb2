// What Stripe tells of its own accord: money came, went back, or could not be had. An event is believed when its signature is right
// and fresh, and recorded once. Stripe delivers it again until it is answered, so nothing is lost when the store is away.
import { z } from 'zod';
import type { Clock } from '#actors/clock.ts';
import { sha256 } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Artifact, Fact } from '#machines/records.ts';
import { reference as referenceSchema } from './settings.ts';

export interface WebhookOptions { secret: string; store: StorePort; clock: Clock }
/** `ignored`: a good event that says nothing about money that we keep. */
export interface Webhook { receive(rawBody: Uint8Array, signature: string): Promise<{ outcome: 'recorded' | 'duplicate' | 'ignored' }> }

const toleranceMs = 300_000;
const maxBytes = 262_144;

const id = z.string().regex(/^\w{1,100}$/);
const money = { id, currency: z.string().regex(/^[a-z]{3}$/) };
const metadata = z.record(z.string(), z.string()).nullish();
const intentSchema = z.object({ ...money, amount: z.number().int().positive(), amount_received: z.number().int().nonnegative(), metadata, last_payment_error: z.object({ code: z.string().regex(/^\w{1,100}$/).nullish().catch(null) }).nullish() });
const refundSchema = z.object({ ...money, amount: z.number().int().positive(), status: z.string().nullable(), payment_intent: id.nullish(), charge: id.nullish(), metadata });
const eventSchema = z.object({ id, type: z.string().max(100), created: z.number().int().positive(), data: z.object({ object: z.unknown() }) });
type Event = z.output<typeof eventSchema>;

/** Throws UNAUTHORIZED when it is forged or stale, BAD_MESSAGE when it cannot be read, STORE_FAILED when it must come again. */
export function createWebhook({ secret, store, clock }: WebhookOptions): Webhook {
  if (secret.trim() === '') throw new KeelsonError('BAD_CONFIG', 'the webhook of Stripe needs STRIPE_WEBHOOK_SECRET', { hint: 'Copy it from the endpoint in the Stripe dashboard; it begins with whsec_.' });
  return {
    async receive(rawBody, signature) {
      if (rawBody.length > maxBytes) throw new KeelsonError('BAD_MESSAGE', `an event has at most ${maxBytes} bytes, this has ${rawBody.length}`);
      const event = await verify(rawBody, signature, secret, clock.now());
      const heard = readEvent(event);
      if (heard === null) return { outcome: 'ignored' };
      // The event as it came is kept beside what was read from it, as a mail is.
      const raw: Artifact = { id: `stripe/${event.id}`, kind: 'document', mediaType: 'application/json', hash: sha256(rawBody), sizeBytes: rawBody.length, name: `${event.id}.json` };
      const fact: Fact = { ...heard.fact, label: 'verified-connector', confidence: 1, source: raw.id, validFromMs: Math.min(event.created * 1_000, clock.now()) };
      const commit = emptyCommit(heard.commit, clock.now(), 'connector/payments', { event: event.id, type: event.type, hash: raw.hash });
      const answer = await store.commit({ ...commit, facts: [fact], artifacts: [raw], blobs: [{ hash: raw.hash, bytes: rawBody }] });
      if (answer.outcome === 'written') return { outcome: 'recorded' };
      if (answer.outcome === 'duplicate') return { outcome: 'duplicate' };
      throw new KeelsonError('STORE_FAILED', `the event ${event.id} could not be kept: ${answer.outcome === 'invalid' ? answer.reason : answer.outcome}`);
    },
  };
}

async function verify(rawBody: Uint8Array, signature: string, secret: string, nowMs: number): Promise<Event> {
  const { default: Stripe } = await import('stripe');
  let payload: unknown;
  try {
    // Bytes that are no UTF-8 would be signed as something else than they say.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(rawBody);
    payload = Stripe.webhooks.constructEvent(text, signature, secret, toleranceMs / 1_000, undefined, nowMs);
  } catch (error) {
    // The library's own error carries the body; only the reason goes on. A body that is signed but no JSON is a defect, not a forgery.
    if (error instanceof SyntaxError) throw new KeelsonError('BAD_MESSAGE', 'a signed event of Stripe is no JSON');
    const why = error instanceof Error && error.message.includes('tolerance') ? 'its signature is too old' : 'its signature does not fit';
    throw new KeelsonError('UNAUTHORIZED', `this is not from Stripe: ${why}`, { hint: 'Compare STRIPE_WEBHOOK_SECRET with the endpoint in the Stripe dashboard, and look at the clock of this computer.' });
  }
  // The library lets a future date pass: such an event could be sent again for as long as it likes.
  const signedMs = Number(/(?:^|,)t=(\d{1,12})(?:,|$)/.exec(signature)?.[1]) * 1_000;
  if (!(signedMs - nowMs <= toleranceMs)) throw new KeelsonError('UNAUTHORIZED', 'this is not from Stripe: it is dated ahead', { hint: 'Look at the clock of this computer.' });
  const read = eventSchema.safeParse(payload);
  if (!read.success) throw new KeelsonError('BAD_MESSAGE', 'a signed event of Stripe cannot be read');
  return read.data;
}

/**
 * What is kept of it, and under which commit. One payment is told by several events (a refund by its creation and each change), so money that
 * came or went is counted by payment and refund; only failures, of which one payment may have many, by event.
 */
function readEvent({ id: event, type, data: { object } }: Event): { commit: string; fact: Pick<Fact, 'entity' | 'predicate' | 'value'> } | null {
  if (type === 'payment_intent.succeeded' || type === 'payment_intent.payment_failed') {
    const { id: payment, currency, amount, amount_received: received, metadata: marks, last_payment_error: error } = parseObject(intentSchema, object, event);
    const about = referenceOf(marks, payment);
    const common = { currency: currency.toUpperCase(), payment, reference: about, event };
    if (type === 'payment_intent.payment_failed') return { commit: `stripe:${event}`, fact: { entity: `account/${about}`, predicate: 'payment.failed', value: { ...common, amountMinor: amount, code: error?.code ?? 'unknown' } } };
    return received === 0 ? null : { commit: `stripe:received:${payment}`, fact: { entity: `account/${about}`, predicate: 'payment.received', value: { ...common, amountMinor: received, operation: operationOf(marks) } } };
  }
  if (type === 'refund.created' || type === 'refund.updated' || type === 'refund.failed') {
    const { id: refund, currency, amount, status, payment_intent: intent, charge, metadata: marks } = parseObject(refundSchema, object, event);
    const payment = intent ?? charge ?? refund;
    const about = referenceOf(marks, payment);
    const common = { amountMinor: amount, currency: currency.toUpperCase(), payment, reference: about, event };
    // The bank may send it back days after it succeeded.
    if (status === 'failed' || status === 'canceled') return { commit: `stripe:refund-failed:${refund}`, fact: { entity: `account/${about}`, predicate: 'payment.failed', value: { ...common, code: `refund_${status}` } } };
    return status === 'succeeded' ? { commit: `stripe:refunded:${refund}`, fact: { entity: `account/${about}`, predicate: 'payment.refunded', value: { ...common, refund, operation: operationOf(marks) } } } : null;
  }
  return null;
}

function parseObject<T>(schema: z.ZodType<T>, object: unknown, event: string): T {
  const read = schema.safeParse(object);
  if (!read.success) throw new KeelsonError('BAD_MESSAGE', `the event ${event} of Stripe cannot be read`);
  return read.data;
}

const operationOf = (marks: Record<string, string> | null | undefined) => z.string().regex(/^[\x21-\x7e]{1,200}$/).safeParse(marks?.['operation']).data ?? null;

/** Money that was not asked for by us carries no reference: it is kept under the payment's own id. */
const referenceOf = (marks: Record<string, string> | null | undefined, payment: string) => referenceSchema.safeParse(marks?.['reference']).data ?? payment;
