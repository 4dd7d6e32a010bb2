// What a process without a store says to the store's thread over the bus, and what it hears: JSON in which bytes survive, cut into
// parts, because a commit may be larger than a message.
import { headers, type Msg, type NatsConnection } from 'nats';
import type { PlainError } from '#machines/errors.ts';

export type StoreCall = { past: string | null } & ({ op: 'commit'; commit: unknown } | { op: 'query'; name: string; args: Record<string, unknown> } | { op: 'past' });
export type StoreAnswer = { result: unknown } | { error: PlainError & { hint?: string } };

/** Below the 4 MB of nats.conf, and below the 1 MB that a server of somebody else's has by default. */
const partBytes = 900_000;
/** Calls of which parts are missing; the oldest is forgotten, and its sender asks again. */
const incompleteMax = 100;
const partHeader = 'ks-part';

/** Text cannot hold bytes, so they stand as a text with a mark before it, and a text that begins like that gets another mark. */
const mark = '\u0000';

export function packJson(value: object): Uint8Array {
  const text = JSON.stringify(value, function (this: Record<string, unknown>, key, inner: unknown) {
    const own = this[key]; // a Buffer was turned into an object by its toJSON
    if (own instanceof Uint8Array) return `${mark}b${Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('base64')}`;
    return typeof inner === 'string' && inner.startsWith(mark) ? `${mark}s${inner}` : inner;
  });
  return Buffer.from(text);
}

/** Throws SyntaxError for what is no JSON. */
export function unpackJson(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  // Almost nothing has bytes, and looking at each value takes longer than reading it.
  if (!text.includes('"\\u0000')) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(mark)) return value;
    return value[1] === 'b' ? new Uint8Array(Buffer.from(value.slice(2), 'base64')) : value.slice(2);
  });
}

/** Publishes the bytes, in as many messages as they need. */
export function sendParts(nc: NatsConnection, subject: string, call: string, bytes: Uint8Array, reply?: string): void {
  const count = Math.max(1, Math.ceil(bytes.length / partBytes));
  const to = reply === undefined ? {} : { reply };
  if (count === 1) return nc.publish(subject, bytes, to);
  for (let i = 0; i < count; i++) {
    const h = headers();
    h.set(partHeader, `${call} ${i} ${count}`);
    nc.publish(subject, bytes.subarray(i * partBytes, (i + 1) * partBytes), { ...to, headers: h });
  }
}

/** Answers the whole when its last part has come, else null. Parts come in order or are lost with the connection. */
export function createJoin(): (m: Msg) => Uint8Array | null {
  const incomplete = new Map<string, Uint8Array[]>();
  return (m) => {
    const [call, place, count] = m.headers?.get(partHeader).split(' ') ?? [];
    if (!call) return m.data;
    const before = incomplete.get(call) ?? [];
    incomplete.delete(call);
    // A first part begins anew; one that follows on nothing belongs to what was lost.
    const parts = place === '0' ? [m.data] : [...before, m.data];
    if (parts.length !== Number(place) + 1) return null;
    if (parts.length === Number(count)) return Buffer.concat(parts);
    incomplete.set(call, parts);
    if (incomplete.size > incompleteMax) incomplete.delete(incomplete.keys().next().value!);
    return null;
  };
}
