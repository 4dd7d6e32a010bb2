// What research and its reader say to each other: sources by handle, and closed summaries of what was read. No text of a source passes here.
import { z } from 'zod';
import { activity } from '../define.ts';

/** Kinds of the store that may be searched. */
export const readableKinds = ['mail', 'sent', 'attachment', 'document', 'fact', 'remark'] as const;

export const sourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('web'), url: z.url({ protocol: /^https?$/ }).max(4_000) }),
  z.strictObject({ kind: z.literal('file'), root: z.string().min(1).max(100), path: z.string().min(1).max(1_000) }),
  z.strictObject({ kind: z.literal('store'), kinds: z.array(z.enum(readableKinds)).min(1) }),
]);
export type Source = z.output<typeof sourceSchema>;

export const nameOf = (source: Source): string => (source.kind === 'web' ? source.url : source.kind === 'file' ? `${source.root}/${source.path}` : `our own ${source.kinds.join(', ')}`);

/** What became of one source. `why` is the outcome of the operation that should have read it, never a word from outside. */
export const readSchema = z.object({
  handle: z.string(),
  outcome: z.enum(['read', 'nothing', 'failed']),
  why: z.enum(['', 'refused', 'rejected', 'expired', 'canceled', 'failed', 'not-done', 'dry-run', 'no-text']),
  chars: z.int(),
  findings: z.int(),
  /** Findings that did not stand in the text. */
  dropped: z.int(),
  tier: z.string().nullable(),
});
export type Read = z.output<typeof readSchema>;

const patient = { attempts: 4, firstMs: 500, maxMs: 60_000 };

export const searchSources = activity({
  name: 'research.search',
  input: z.object({ text: z.string(), kinds: z.array(z.enum(readableKinds)), limit: z.int() }),
  output: z.object({ passages: z.array(z.object({ id: z.string(), text: z.string() })) }),
  timeoutMs: 10_000,
  retry: patient,
});

/** Writes the report from the findings in the store: whoever asks for it sees none of them. */
export const writeReport = activity({
  name: 'research.write',
  input: z.object({ key: z.string(), entity: z.string(), question: z.string(), reads: z.array(readSchema.extend({ name: z.string() })), left: z.array(z.string()) }),
  output: z.object({ artifact: z.string(), findings: z.int() }),
  timeoutMs: 30_000,
  retry: patient,
});
