// The outside work that agents ask for, by name and shape. Connectors implement it (connectors/*), main.ts joins the two.
import { z } from 'zod';
import { activity } from '../define.ts';
import { foundSchema, modeSchema, performedSchema, planSchema, reservationSchema, riskSchema } from '../effects.ts';
import { languageSchema, mailSchema } from '../mail.ts';
import { labelSchema, linkSchema } from '../records.ts';

const patient = { attempts: 4, firstMs: 500, maxMs: 60_000 };

/** What a search found, by reference: whose words they are stays in the store, and runs about others keep none of them. */
export const hitSchema = z.object({
  kind: z.string(), id: z.string(), score: z.number(), place: z.number().int(),
  /** Who vouches for it: what a mail says is `untrusted`, whoever found it. */
  label: labelSchema.optional(),
});

/** Full-text search over what the company knows. */
export const searchKnowledge = activity({
  name: 'knowledge.search',
  input: z.object({ text: z.string(), kinds: z.array(z.string()), except: z.string(), limit: z.number().int() }),
  output: z.object({ hits: z.array(hitSchema) }),
  timeoutMs: 10_000,
  retry: patient,
});

export const draftSchema = z.object({
  subject: z.string(),
  text: z.string(),
  templateId: z.string().nullable(),
  confidence: z.number(),
  reasons: z.array(z.string()),
  evidence: z.array(linkSchema),
  model: z.string().nullable(),
  costMicros: z.number().int().nullable(),
});

const draftInput = z.object({ mail: mailSchema, language: languageSchema, hits: z.array(hitSchema) });

/** Drafts from the template library. Needs nothing but the store. */
export const draftFromTemplates = activity({ name: 'reply.template', input: draftInput, output: draftSchema, timeoutMs: 10_000, retry: patient });

export const policySchema = z.object({ id: z.string(), version: z.string(), rule: z.string() });

/** What a yes is bound to besides the payload: `payloadHash` is the hash of both together. */
export const boundSchema = z.object({
  operation: z.string(),
  action: z.string(),
  connector: z.string(),
  connectorVersion: z.string(),
  mode: modeSchema,
  /** sha256 of each document that leaves with it. */
  enclosures: z.array(z.string()),
  policy: policySchema,
  expiresAtMs: z.number().int(),
});

/** What the gate found about an operation, before anyone is asked. */
export const verdictSchema = z.object({
  answer: z.enum(['allow', 'ask', 'deny']),
  policy: policySchema,
  risk: riskSchema,
  reasons: z.array(z.string()),
  plan: planSchema.nullable(),
  bound: boundSchema,
  /** As its action understands it: this is shown, approved and done. */
  payload: z.json(),
  payloadHash: z.string(),
  /** Of the payload alone, as it was handed in. */
  contentHash: z.string(),
  expiresAfterMs: z.number(),
  effect: z.enum(['read', 'write']),
  reversible: z.boolean(),
  /** How a lost call can be settled without the operator. */
  settledBy: z.enum(['native', 'lookup', 'none']),
  /** What policy was asked, so that another policy can be asked the same. */
  request: z.json(),
});
export type Verdict = z.output<typeof verdictSchema>;

/** What an agent says about what it proposes. */
const proposedSchema = z.object({ category: z.string().nullable(), confidence: z.number().nullable() });

/** What waits for its turn: the payload, and all that the yes to it is bound to. */
const heldSchema = z.object({
  payload: z.json(),
  payloadHash: z.string(),
  bound: boundSchema,
  /** The question that the operator answered with yes; null when policy allows it without. */
  approvalId: z.string().nullable(),
  /** As it was proposed: what policy judged by besides the payload. */
  proposal: proposedSchema,
});

/** Validity, plan, policy and labels of an operation. Nothing leaves. `notAfterMs`: when the yes lapses under which it was edited. */
export const checkOperation = activity({
  name: 'operation.check',
  input: z.object({ operation: z.string(), action: z.string(), payload: z.json(), mode: modeSchema, proposal: proposedSchema, expireAfterMs: z.number(), notAfterMs: z.number().nullable() }),
  output: verdictSchema,
  timeoutMs: 20_000,
  retry: patient,
});

/** Checks again, and takes the first phase where there is one. Safe to repeat. */
export const prepareOperation = activity({
  name: 'operation.prepare',
  input: heldSchema,
  /** `atMs`: when it was ready, for the lifetime of the provider's key. */
  output: z.object({ reservation: reservationSchema.nullable(), atMs: z.number() }),
  timeoutMs: 120_000,
  retry: { attempts: 6, firstMs: 1_000, maxMs: 300_000 },
});

/** `sinceMs`: when it was ready for the first time. */
const afterwards = heldSchema.extend({ reservation: reservationSchema.nullable(), sinceMs: z.number() });

/** Does exactly what was approved. At most once per try, and a try that may have done it is the last. */
export const commitOperation = activity({
  name: 'operation.commit',
  input: afterwards,
  output: performedSchema,
  timeoutMs: 120_000,
  retry: { attempts: 5, firstMs: 2_000, maxMs: 300_000 },
  once: true,
  concurrency: 4,
});

/** Did it happen? By the provider's own key, or by looking. */
export const settleOperation = activity({ name: 'operation.settle', input: afterwards, output: foundSchema, timeoutMs: 120_000, retry: { attempts: 3, firstMs: 1_000, maxMs: 30_000 } });

/** Lets go of what the first phase held. */
export const abortOperation = activity({ name: 'operation.abort', input: afterwards, output: z.object({}), timeoutMs: 60_000, retry: { attempts: 6, firstMs: 2_000, maxMs: 300_000 } });

/** How an answer came about, or why there is none. `unaffordable` and `down` pass by themselves; `unsupported` needs the operator. */
export const triedOutcomes = ['answered', 'cached', 'unsure', 'refused', 'unreadable', 'cut', 'wrong-language', 'timeout', 'throttled', 'down', 'unaffordable', 'unpriced', 'unsupported'] as const;

/** What one tier had to say. */
export const triedSchema = z.object({
  outcome: z.enum(triedOutcomes),
  /** In the shape of the task's answer; null without one. */
  answer: z.json(),
  /** What the tier says of itself, 0 to 1; the ladder calibrates it. */
  confidence: z.number().min(0).max(1).nullable(),
  model: z.string().nullable(),
  /** What it cost, in millionths of a US dollar; null when nothing was asked. */
  costMicros: z.number().int().nullable(),
  /** In one plain sentence. */
  reason: z.string(),
  /** Which wording was used. */
  prompt: z.object({ id: z.string(), version: z.number().int() }).nullable(),
  /** What it rests on beside its input. */
  evidence: z.array(linkSchema),
  /** When it may be worth asking again; null when that cannot be said. */
  againAtMs: z.number().nullable(),
});
export type Tried = z.output<typeof triedSchema>;

/** A tier that had no answer. Without a cost it is unknown what was spent. */
export const noAnswer = (outcome: Tried['outcome'], reason: string, costMicros: number | null = null): Tried => ({ outcome, answer: null, confidence: null, model: null, costMicros, reason, prompt: null, evidence: [], againAtMs: null });

export const tiersSchema = z.object({
  tiers: z.array(z.object({ name: z.string(), threshold: z.number() })),
  /** Tiers that are passed over, and why: `demoted: …`. */
  skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
  /** `now`: somebody waits · `batch`: cheap and some time today. */
  latency: z.enum(['now', 'batch']),
  /** What to do when no tier could be asked: wait until one can, or go on with what there is. */
  otherwise: z.enum(['wait', 'go-on']),
});
export type Tiers = z.output<typeof tiersSchema>;

/** Which tiers there are for a task, cheapest first, and from which confidence on each is believed. Asks nobody and costs nothing. */
export const planTiers = activity({
  name: 'model.plan',
  input: z.object({ task: z.string() }),
  output: tiersSchema,
  timeoutMs: 10_000,
  retry: patient,
});

/** Asks one tier. Whatever comes of it is an answer, also that there is none: it fails only when this process does. */
export const askTier = activity({
  name: 'model.ask',
  input: z.object({ task: z.string(), tier: z.string(), input: z.json(), latency: z.enum(['now', 'batch']) }),
  output: triedSchema,
  timeoutMs: 180_000,
  heartbeatMs: 60_000,
  retry: { attempts: 3, firstMs: 1_000, maxMs: 30_000 },
  concurrency: 8,
});

export const lookSchema = z.object({
  /** Providers that do not answer, with why. */
  down: z.array(z.object({ provider: z.string(), reason: z.string() })),
  /** Budgets of which nothing is left. */
  gone: z.array(z.object({ scope: z.string(), period: z.string(), againAtMs: z.number().nullable(), reason: z.string() })),
  /** When it looked. */
  atMs: z.number().optional(),
});
export type Look = z.output<typeof lookSchema>;

/** Whether what stood in the way is gone: asked for nothing, so it costs nothing. */
export const lookAtModels = activity({
  name: 'model.ready',
  input: z.object({}),
  output: lookSchema,
  timeoutMs: 30_000,
  retry: patient,
});
