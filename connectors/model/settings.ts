// Which minds there are and what they cost: `models.json` of the company. Providers are named here, tiers stand on providers, tasks list
// tiers from the cheapest to the dearest; another tier or provider is another line. A key is named, never written down here.
import { z } from 'zod';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected a short name in small letters, digits and hyphens');
const usd = z.number().nonnegative().max(100_000);

const providerSchema = z.strictObject({
  /** Absent: OpenAI itself. */
  baseUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Name of the environment variable (or line of secrets.env) that holds the key. */
  key: z.string().regex(/^[A-Z][A-Z0-9_]{1,99}$/, 'expected the name of an environment variable, such as OPENAI_API_KEY; the key itself never stands here').optional(),
  /** Of one whole call. */
  timeoutMs: z.int().min(1_000).max(170_000).default(90_000),
  /** Without a byte for so long a call is given up. */
  stallMs: z.int().min(100).max(170_000).default(30_000),
});

const tierSchema = z.strictObject({
  provider: name,
  /** null: the first model that the provider lists. */
  model: z.string().min(1).max(200).nullable(),
  /** `batch`: only for work that may be done some time today. */
  latency: z.enum(['now', 'batch']).default('now'),
  /** Of models that think before they answer: how many tokens they may use for it, beside the answer's. */
  thinkingTokensMax: z.int().nonnegative().max(200_000).default(0),
  /** `low`, `medium`, …: as the provider calls it. */
  effort: z.string().regex(/^[a-z]{1,20}$/).optional(),
});

const priceSchema = z.strictObject({ inputPerMillionUsd: usd, outputPerMillionUsd: usd, cachedInputPerMillionUsd: usd.optional() });

/** Those that need no provider; see docs/ladder.md. */
const freeTiers = ['rules', 'templates', 'local'];
/** What was learnt; it may stand in the list of a task. */
export const localTier = 'local';

export const modelsSchema = z.strictObject({
  providers: z.record(name, providerSchema),
  tiers: z.record(name, tierSchema),
  /** By task, `*` for all others. Without an entry: all tiers as they stand. */
  tasks: z.record(z.string(), z.array(name)).default({}),
  /** By model; counts before the list of prices. */
  prices: z.record(z.string(), priceSchema).default({}),
  /** What becomes of a model whose price nobody knows: it is not asked, or asked at a high price that is assumed. */
  unknownPrices: z.enum(['refuse', 'assume']).default('refuse'),
  embeddings: z.strictObject({ provider: name, model: z.string().min(1).max(200) }).optional(),
}).superRefine((given, context) => {
  const fault = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const known = (provider: string, path: string[]) => { if (!Object.hasOwn(given.providers, provider)) fault(path, `there is no provider '${provider}'; there are: ${Object.keys(given.providers).join(', ') || 'none'}`); };
  for (const [id, { baseUrl, key }] of Object.entries(given.providers)) {
    if (baseUrl === undefined && key === undefined) fault(['providers', id, 'key'], 'OpenAI needs a key; name the variable that holds it');
    if (baseUrl !== undefined) whyNotBase(baseUrl, key !== undefined).forEach((reason) => fault(['providers', id, 'baseUrl'], reason));
  }
  for (const [id, { provider }] of Object.entries(given.tiers)) {
    if (freeTiers.includes(id)) fault(['tiers', id], `'${id}' is the name of a tier that needs no provider`);
    known(provider, ['tiers', id, 'provider']);
  }
  for (const [task, tiers] of Object.entries(given.tasks)) for (const [i, tier] of tiers.entries()) {
    if (tier !== localTier && !Object.hasOwn(given.tiers, tier)) fault(['tasks', task, i], `there is no tier '${tier}'; there are: ${[localTier, ...Object.keys(given.tiers)].join(', ')}`);
    if (tiers.indexOf(tier) !== i) fault(['tasks', task, i], `'${tier}' stands there twice`);
  }
  if (given.embeddings) known(given.embeddings.provider, ['embeddings', 'provider']);
});
export type ModelSettings = z.output<typeof modelsSchema>;

/** A key must not be read on its way, and nothing else than the server may stand in the address. */
function whyNotBase(text: string, hasKey: boolean): string[] {
  const url = new URL(text);
  return [
    ...(url.username || url.password || url.search || url.hash ? ['must be a plain address; a key is named under `key`'] : []),
    ...(hasKey && url.protocol === 'http:' && !isThisComputer(text) ? ['a key travels by https only, or to this computer'] : []),
  ];
}

export function isThisComputer(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

export const noModels: ModelSettings = { providers: {}, tiers: {}, tasks: {}, prices: {}, unknownPrices: 'refuse' };

/** The environment alone makes one provider and one tier. Its price is assumed where nobody knows it, so that it can be used at all. */
export function settingsFromEnvironment({ baseUrl, model, hasKey }: { baseUrl: string | null; model: string | null; hasKey: boolean }) {
  return modelsSchema.safeParse({
    providers: { [baseUrl === null ? 'openai' : 'endpoint']: { ...(baseUrl === null ? {} : { baseUrl }), ...(hasKey ? { key: 'OPENAI_API_KEY' } : {}) } },
    tiers: { large: { provider: baseUrl === null ? 'openai' : 'endpoint', model } },
    unknownPrices: 'assume',
  });
}

/** The names of all secrets that are needed. */
export const keyNames = ({ providers }: ModelSettings): string[] => [...new Set(Object.values(providers).flatMap(({ key }) => key ?? []))];

/** A provider as it is reached. Holds a secret: it never goes into an error, a log or the store. */
export interface Endpoint {
  name: string;
  /** The Responses API for OpenAI itself; others ignore the schema there. */
  wire: 'responses' | 'chat';
  baseUrl: string;
  key: string | null;
  /** The secret that is named and not set. */
  lacks: string | null;
  timeoutMs: number;
  stallMs: number;
}

const openAiUrl = 'https://api.openai.com/v1';

export function endpointsOf({ providers }: ModelSettings, secrets: Readonly<Record<string, string>>): Map<string, Endpoint> {
  return new Map(Object.entries(providers).map(([id, { baseUrl, key, timeoutMs, stallMs }]) => {
    const value = key === undefined ? null : secrets[key] ?? null;
    return [id, { name: id, wire: baseUrl === undefined ? 'responses' : 'chat', baseUrl: (baseUrl ?? openAiUrl).replace(/\/+$/, ''), key: value, lacks: key !== undefined && value === null ? key : null, timeoutMs, stallMs }];
  }));
}

/** The tiers of a task, cheapest first. An agent that asks what was learnt by itself needs no `local` in it. */
export const tiersOf = ({ tasks, tiers }: ModelSettings, task: string): string[] => (Object.hasOwn(tasks, task) ? tasks[task] : tasks['*']) ?? Object.keys(tiers);
