// What a step may record besides its own state. A machine names these as actions (`{type: 'recordFact', params}`); the host
// takes them as data and the store writes them in the same transaction as the step. Machines never perform them.
import { z } from 'zod';

/** Where a statement comes from decides what it may be used for: untrusted content can change what is proposed, never what is permitted. */
export const labelSchema = z.enum(['operator', 'policy', 'system', 'verified-connector', 'untrusted']);
export type Label = z.output<typeof labelSchema>;
/** 0 is the most trusted. */
export const labelRank = (label: string) => (labelSchema.options as readonly string[]).indexOf(label);


/** An artifact's id may end in `#L12`: line 12 of its text. */
export const linkSchema = z.object({ kind: z.enum(['artifact', 'fact', 'entity', 'decision', 'intent', 'operation', 'policy', 'annotation']), id: z.string() });
export type Link = z.output<typeof linkSchema>;

/** Facts, decisions, intent changes and annotations are numbered by commit and place in it: `f-812-0` is the first fact of commit 812. */
export const partsMax = 1_024;
export const partNumber = (seq: number, place: number) => seq * partsMax + place;
export const partId = (prefix: 'f' | 'd' | 'a', n: number) => `${prefix}-${Math.floor(n / partsMax)}-${n % partsMax}`;
/** The number of `f-812-0`, or null when it is not an id of that kind. */
export function readPartId(prefix: 'f' | 'd' | 'a', id: string): number | null {
  const [, letter, seq, place] = /^([a-z])-(\d{1,12})-(\d{1,4})$/.exec(id) ?? [];
  return letter === prefix && Number(place) < partsMax ? partNumber(Number(seq), Number(place)) : null;
}

/** When something is true; without an end, for ever. */
export interface Period { validFromMs: number; validToMs: number | null }
export const overlaps = (a: Period, b: Period) => a.validFromMs < (b.validToMs ?? Infinity) && b.validFromMs < (a.validToMs ?? Infinity);

export const factSchema = z.object({
  /** `person/anna@example.org`, `organisation/acme`, … */
  entity: z.string().min(3),
  predicate: z.string().min(1),
  value: z.json(),
  label: labelSchema,
  confidence: z.number().min(0).max(1),
  /** The raw input it was read from, as an artifact id, with `#L12` for a line of it. */
  source: z.string().optional(),
  /** The id of the fact that this one corrects. */
  supersedes: z.string().optional(),
  /** From when it is true; absent: from when it is recorded. */
  validFromMs: z.number().int().optional(),
  /** From when it is true no more. */
  validToMs: z.number().int().optional(),
});
export type Fact = z.output<typeof factSchema>;

export const intentStateSchema = z.enum(['submitted', 'working', 'input-required', 'completed', 'failed', 'canceled', 'rejected']);
type IntentState = z.output<typeof intentStateSchema>;
const ended: readonly IntentState[] = ['completed', 'failed', 'canceled', 'rejected'];
const open: readonly IntentState[] = ['working', 'input-required', ...ended];

/** Where an intent may go from each state; it may always stay. What has ended stays ended. */
export const intentTransitions: Record<IntentState, readonly IntentState[]> = {
  submitted: open, working: open, 'input-required': open,
  completed: [], failed: [], canceled: [], rejected: [],
};

export const intentSchema = z.object({
  id: z.string(),
  /** `payment`: money on its way, of which the store allows only so much a day. */
  kind: z.enum(['approval', 'question', 'task', 'escalation', 'payment']),
  state: intentStateSchema,
  /** One sentence for the operator. Absent in an update that only changes the state. */
  summary: z.string().optional(),
  /** What the operator needs to decide; the shape of an inbox item. Absent keeps what is stored. */
  data: z.record(z.string(), z.json()).optional(),
});
export type Intent = z.output<typeof intentSchema>;

export const artifactSchema = z.object({
  id: z.string(),
  kind: z.enum(['mail', 'attachment', 'template', 'policy', 'trigger', 'prompt', 'rule', 'draft', 'sent', 'document']),
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
  /** What was asked, by task (machines/tasks.ts), and which tier of its ladder answered: by these it is measured how far a tier can be believed. */
  task: z.string().optional(),
  tier: z.string().optional(),
});
export type Decision = z.output<typeof decisionSchema>;

/** What the operator says about something that is there: a correction (what it was, what it is now) or a remark. */
export const annotationSchema = z.object({
  kind: z.enum(['correction', 'remark']),
  target: linkSchema,
  /** What later runs find: the words that matter. */
  text: z.string().min(1).max(100_000),
  /** Of a correction. */
  before: z.string().optional(),
  after: z.string().optional(),
  reason: z.string().optional(),
  /** What was at work: the template and the policy rule that led to the corrected text. */
  template: z.string().optional(),
  rule: z.string().optional(),
  /** Of a verdict that was wrong: what was asked, by task; `before` and `after` are its answers. */
  task: z.string().optional(),
});
export type Annotation = z.output<typeof annotationSchema>;

export const recordSchemas = {
  recordFact: factSchema,
  recordIntent: intentSchema,
  recordArtifact: draftArtifactSchema,
  recordDecision: decisionSchema,
  recordAnnotation: annotationSchema,
} as const;
export type RecordType = keyof typeof recordSchemas;
