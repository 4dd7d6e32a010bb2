// Bytes that came from anywhere, as a message; or why they are none.
import { isAddress } from '#machines/address.ts';
import { firstIssue, KeelsonError, plainError } from '#machines/errors.ts';
import { bodySchema, limits, type Body, type Message } from '#machines/message.ts';
import type { Delivery } from './bus.ts';

/** Throws BAD_MESSAGE. */
export function readMessage({ id, to, from, cause, subject, bytes }: Pick<Delivery, 'id' | 'to' | 'from' | 'cause' | 'subject' | 'bytes'>): Message<Body> {
  if (!isAddress(to) || !isAddress(from)) throw new KeelsonError('BAD_MESSAGE', `the subject ${subject} names no receiver and sender`);
  if (bytes.length > limits.bodyBytes) throw new KeelsonError('BAD_MESSAGE', `${bytes.length} bytes are more than ${limits.bodyBytes}`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause_) {
    throw new KeelsonError('BAD_MESSAGE', `the body is not JSON: ${plainError(cause_).message}`);
  }
  const body = bodySchema.safeParse(json);
  if (!body.success) throw new KeelsonError('BAD_MESSAGE', `the body is no message: ${firstIssue(body.error)}`);
  return { id, to, from, ...(cause ? { cause } : {}), body: body.data };
}
