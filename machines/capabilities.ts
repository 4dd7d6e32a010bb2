// What an endpoint of a model was seen to do. Never assumed: what nobody could find out is null, and then it is not made use of.
import { z } from 'zod';

const seen = z.boolean().nullable();

export const capabilitiesSchema = z.strictObject({
  /** Where it was asked; at another address it is asked anew. */
  url: z.string().max(500),
  model: z.string().max(200),
  /** Lists its models. */
  models: seen,
  /** Keeps to a JSON schema, also against what its prompt says. */
  schema: seen,
  /** Calls a tool when it is told to. */
  tools: seen,
  /** Answers piece by piece. */
  stream: seen,
  /** Tells at the end of a stream what was used. */
  streamUsage: seen,
  embeddings: seen,
  batch: seen,
  /** What stood in the way. */
  note: z.string().max(1_000),
});
export type Capabilities = z.output<typeof capabilitiesSchema>;

export const capabilitiesPredicate = 'model.capabilities';
export const endpointEntity = (provider: string, model: string) => `asset/model-endpoint-${provider}:${model}`.replace(/[\p{Cc}\p{Cs}]/gu, '').slice(0, 300);

/** What is set up and what is known of it, for whoever looks. */
export const modelsViewSchema = z.object({
  /** Where the settings are from. */
  from: z.enum(['models.json', 'environment', 'none']),
  providers: z.array(z.object({ name: z.string(), url: z.string(), wire: z.enum(['responses', 'chat']), /** The secret that is named and not set. */ lacks: z.string().nullable() })),
  tiers: z.array(z.object({
    name: z.string(), provider: z.string(), model: z.string().nullable(), latency: z.enum(['now', 'batch']),
    /** In US dollars for a million tokens; null when nobody knows it and it is not assumed, or when the model has no name yet. */
    price: z.object({ from: z.enum(['list', 'settings', 'assumed']), inputPerMillionUsd: z.number(), outputPerMillionUsd: z.number() }).nullable(),
    /** What each endpoint of it was seen to do, and when; none before the first use. */
    seen: z.array(capabilitiesSchema.extend({ atMs: z.number() })),
  })),
  /** Per task that has a list of its own, `*` for all others. */
  tasks: z.record(z.string(), z.array(z.string())),
  embeddings: z.string().nullable(),
});
export type ModelsView = z.output<typeof modelsViewSchema>;
