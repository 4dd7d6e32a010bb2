// What a step may record besides its own state. A machine names these as actions (`{type: 'recordFact', params}`); the host
// takes them as data and the store writes them in the same transaction as the step. Machines never perform them.
import { z } from 'zod';

/** Where a statement comes from decides what it may be used for: untrusted content can change what is proposed, never what is permitted. */
export const labelSchema = z.enum(['operator', 'policy', 'system', 'verified-connector', 'untrusted']);
export type Label = z.output<typeof labelSchema>;

export const linkSchema = z.object({ kind: z.enum(['artifact', 'fact', 'entity', 'decision', 'intent', 'operation', 'policy']), id: z.string() });
export type Link = z.output<typeof linkSchema>;

export const factSchema = z.object({
  /** `person/anna@example.org`, `organisation/acme`, … */
  entity: z.string().min(3),
  predicate: z.string().min(1),
  value: z.json(),
  label: labelSchema,
  confidence: z.number().min(0).max(1),
  /** The raw input it was read from, as an artifact id. */
  source: z.string().optional(),
});
export type Fact = z.output<typeof factSchema>;

export const intentStateSchema = z.enum(['submitted', 'working', 'input-required', 'completed', 'failed', 'canceled', 'rejected']);
export const intentSchema = z.object({
  id: z.string(),
  kind: z.enum(['approval', 'question', 'task', 'escalation']),
  state: intentStateSchema,
  /** One sentence for the operator. Absent in an update that only changes the state. */
  summary: z.string().optional(),
  /** What the operator needs to decide; the shape of an inbox item. Absent keeps what is stored. */
  data: z.record(z.string(), z.json()).optional(),
});
export type Intent = z.output<typeof intentSchema>;

export const artifactSchema = z.object({
  id: z.string(),
  kind: z.enum(['mail', 'attachment', 'template', 'policy', 'draft', 'sent']),
  mediaType: z.string(),
  /** sha256 (hex) of the bytes; equals that of `text` in UTF-8 when `text` is given. */
  hash: z.string(),
  sizeBytes: z.number().int(),
  name: z.string().optional(),
  /** Readable text for the full-text index, also the content when there are no bytes. */
  text: z.string().optional(),
});
export type Artifact = z.output<typeof artifactSchema>;

/** A draft has its hash computed by the host: machines are pure and do not hash. */
export const draftArtifactSchema = artifactSchema.omit({ hash: true, sizeBytes: true }).extend({ text: z.string() });

export const decisionSchema = z.object({
  what: z.string(),
  outcome: z.string(),
  confidence: z.number().min(0).max(1).nullable(),
  reasons: z.array(z.string()),
  evidence: z.array(linkSchema),
  policy: z.object({ id: z.string(), version: z.string(), rule: z.string() }).nullable().default(null),
  model: z.string().nullable().default(null),
  costMicros: z.number().int().nullable().default(null),
});
export type Decision = z.output<typeof decisionSchema>;

export const recordSchemas = {
  recordFact: factSchema,
  recordIntent: intentSchema,
  recordArtifact: draftArtifactSchema,
  recordDecision: decisionSchema,
} as const;
export type RecordType = keyof typeof recordSchemas;
