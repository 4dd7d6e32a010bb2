// The right to decide about one item, as a link: who holds it may say yes or no to exactly what the item held when the link was made.
// It is signed and kept nowhere; it can be used once because the item can be decided once.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { StoredIntent } from '#machines/inbox.ts';

export interface Ticket { id: string; payloadHash: string; expiresMs: number }

/** At most so long, also for what waits for ever. */
const ticketMs = 7 * 86_400_000;
const ticketChars = 2_000;

/** Null for what has nothing to say yes to. `key`: 32 secret bytes of this company. */
export function ticketFor({ id, data, created_ms: createdMs }: StoredIntent, { key, nowMs }: { key: Uint8Array; nowMs: number }): string | null {
  if (!data?.payloadHash) return null;
  const lapsesMs = typeof data.expiresAfterMs === 'number' ? createdMs + data.expiresAfterMs : Infinity;
  const body = Buffer.from(JSON.stringify([id, data.payloadHash, Math.min(lapsesMs, nowMs + ticketMs)])).toString('base64url');
  return `${body}.${sign(body, key)}`;
}

/** Null for what was not signed with this key. The time is the caller's to judge. */
export function readTicket(text: string, key: Uint8Array): Ticket | null {
  const [body = '', signature = '', ...rest] = text.length > ticketChars ? [] : text.split('.');
  const expected = Buffer.from(sign(body, key));
  const given = Buffer.from(signature);
  if (rest.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const [id, payloadHash, expiresMs] = JSON.parse(Buffer.from(body, 'base64url').toString()) as [string, string, number];
  return { id, payloadHash, expiresMs };
}

const sign = (body: string, key: Uint8Array) => createHmac('sha256', key).update(`keelson decide ${body}`).digest('base64url');
