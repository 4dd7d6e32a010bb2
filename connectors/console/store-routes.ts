// What the store browser needs besides named reads: the words it filters by, and the bytes of a document as a download.
import { KeelsonError } from '#machines/errors.ts';
import { entityKinds, predicates } from '#machines/predicates.ts';
import { artifactSchema, intentSchema, intentStateSchema, labelSchema } from '#machines/records.ts';
import { z } from 'zod';
import { get, type RawRoute, type Route } from './route.ts';

/** `isText`: its value is plain words; of the others it is JSON. */
const predicateSchema = z.object({ name: z.string(), of: z.array(z.string()), holds: z.string(), isText: z.boolean() });
const wordsSchema = z.object({ entityKinds: z.array(z.string()), predicates: z.array(predicateSchema), labels: z.array(z.string()), artifactKinds: z.array(z.string()), intentKinds: z.array(z.string()), intentStates: z.array(z.string()) });
export type Words = z.output<typeof wordsSchema>;

const isText = (schema: z.ZodType) => z.toJSONSchema(schema, { unrepresentable: 'any' }).type === 'string';
const words: Words = {
  entityKinds: [...entityKinds], predicates: predicates.map(({ name, of, holds, schema }) => ({ name, of: [...of], holds, isText: isText(schema) })),
  labels: labelSchema.options, artifactKinds: artifactSchema.shape.kind.options, intentKinds: intentSchema.shape.kind.options, intentStates: intentStateSchema.options,
};

export function storeRoutes(): Route[] {
  return [get('/api/words', { summary: 'The words by which the store is filtered: kinds, predicates, labels, states.', answer: wordsSchema, handle: async () => words })];
}

/** Bytes leave as a file to keep, whatever they say they are: nothing of a stranger's is ever shown by the browser itself. */
export function blobRoute({ query }: { query(name: string, args: Record<string, unknown>): Promise<unknown> }): RawRoute {
  return {
    method: 'get', path: '/api/blobs/:hash', summary: 'The bytes of a document, by their sha256, as a download.', who: 'all',
    async answer(c) {
      const hash = c.req.param('hash') ?? '';
      const bytes = /^[0-9a-f]{64}$/.test(hash) ? ((await query('blob', { hash })) as Uint8Array | string | null) : null;
      if (bytes === null) throw new KeelsonError('NOT_FOUND', 'there is no such content', { hint: 'It was erased, or never here.' });
      return c.body(typeof bytes === 'string' ? bytes : new Uint8Array(bytes), 200, {
        'content-type': 'application/octet-stream', 'content-disposition': `attachment; filename="${hash.slice(0, 16)}.bin"`, 'content-security-policy': "default-src 'none'; sandbox", 'x-content-type-options': 'nosniff',
      });
    },
  };
}
