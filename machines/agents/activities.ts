// The outside work that agents ask for, by name and shape. Connectors implement it (connectors/*), main.ts joins the two.
import { z } from 'zod';
import { activity } from '../define.ts';
import { languageSchema, mailSchema, outgoingMailSchema } from '../mail.ts';
import { linkSchema } from '../records.ts';

const patient = { attempts: 4, firstMs: 500, maxMs: 60_000 };

/** What a search found, by reference: whose words they are stays in the store, and runs about others keep none of them. */
export const hitSchema = z.object({ kind: z.string(), id: z.string(), score: z.number(), place: z.number().int() });

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

/** Drafts with the configured model. Few tries: the template tier is waiting. */
export const draftWithModel = activity({ name: 'reply.model', input: draftInput, output: draftSchema, timeoutMs: 60_000, retry: { attempts: 2, firstMs: 1_000, maxMs: 5_000 }, concurrency: 4 });

export const policySchema = z.object({ id: z.string(), version: z.string(), rule: z.string() });
export const verdictSchema = z.object({
  answer: z.enum(['allow', 'ask', 'deny']),
  policy: policySchema,
  risk: z.enum(['low', 'medium', 'high']),
  reasons: z.array(z.string()),
  payloadHash: z.string(),
});

/** Policy, validity and dry run of an operation, before anyone is asked. */
export const checkOperation = activity({
  name: 'gate.check',
  input: z.object({ operationId: z.string(), action: z.string(), payload: z.json(), trusted: z.array(z.string()) }),
  output: verdictSchema,
  timeoutMs: 10_000,
  retry: patient,
});

/** Sends exactly the payload with this hash. At most once. */
export const sendMail = activity({
  name: 'mail.send',
  input: z.object({ operationId: z.string(), payload: outgoingMailSchema, payloadHash: z.string(), policy: policySchema }),
  output: z.object({ sent: z.boolean(), providerRef: z.string(), note: z.string() }),
  timeoutMs: 120_000,
  retry: { attempts: 5, firstMs: 2_000, maxMs: 300_000 },
  once: true,
  concurrency: 2,
});
