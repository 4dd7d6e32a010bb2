// What a request brings, read only after it is known who asks: never more than the route takes, and in the shape that it wants.
import type { Context } from 'hono';
import { KeelsonError } from '#machines/errors.ts';
import type { z } from 'zod';
import { parseJson } from './json-guard.ts';

export const jsonBytesMax = 1024 * 1024;

/** A body in JSON. Forms and plain text are refused: another site can make a browser send those without asking. */
export async function readJson<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  if (c.req.header('content-type')?.split(';')[0] !== 'application/json') throw new KeelsonError('BAD_ARGUMENT', 'the content type must be application/json');
  return check(schema, parseJson(await readBody(c, jsonBytesMax), 'the body'), 'the body');
}

/** Throws BAD_ARGUMENT that names the first field which does not fit. */
export function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new KeelsonError('BAD_ARGUMENT', `${parsed.error.issues[0]?.path.join('.') || what}: ${parsed.error.issues[0]?.message}`);
  return parsed.data;
}

/** The bytes. What says beforehand that it is too long is not begun. */
export async function readBody(c: Context, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new KeelsonError('BAD_ARGUMENT', `the body is larger than ${maxBytes} bytes`);
  if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A header whose text is percent-encoded. */
export function decodeHeader(c: Context, name: string): string | undefined {
  try {
    const text = c.req.header(name);
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch (cause) {
    throw new KeelsonError('BAD_ARGUMENT', `the header ${name} is not URL-encoded text`, { cause });
  }
}
