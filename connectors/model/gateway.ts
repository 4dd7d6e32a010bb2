// The one way to any model: answers kept from before, what the endpoint can do, whether its provider rests, its price, money reserved, the
// call, money settled. In this order, so that nothing is asked that need not be, and nothing without money. Whatever comes of it has a
// name; only the death of this process leaves a call without an end, and the next try of its job settles that first.
import type { Clock } from '#actors/clock.ts';
import { hashJson, sha256 } from '#actors/hash.ts';
import { randomId, type MakeId } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Tried } from '#machines/agents/activities.ts';
import type { Shortage } from '#machines/budget.ts';
import type { PromptVersion } from '#machines/prompts.ts';
import type { Task } from '#machines/tasks.ts';
import { createProber, type Probed } from './capabilities.ts';
import { tokensAtMost } from './estimate.ts';
import { priceOf, type Price } from './prices.ts';
import { createProvider, type Asked, type Provider, type Reply } from './provider.ts';
import { readAnswer, repairTurns, schemaOf, toQuestion } from './question.ts';
import { createRest, type Outage, type Resting } from './rest.ts';
import { endpointsOf, type ModelSettings } from './settings.ts';
import { createTill } from './till.ts';

export interface GatewayRequest {
  /** Of the job: the same for each try, so that what a try left behind is found. */
  id: string;
  task: Task;
  tier: string;
  /** In the shape of the task's input. */
  input: unknown;
  prompt: PromptVersion;
  latency: 'now' | 'batch';
  /** Which budgets it is counted in. */
  workflow: string;
  run: string;
  /** Whether an answer to exactly the same may be given again, and kept. */
  cache: boolean;
  signal: AbortSignal;
  heartbeat(): void;
  onText?(piece: string): void;
}

export type Embedded = { vectors: number[][]; model: string; costMicros: number } | Pick<Tried, 'outcome' | 'reason' | 'againAtMs'>;

export interface Gateway {
  ask(request: GatewayRequest): Promise<Tried>;
  /** With the model of `embeddings`. One vector for each text, or why there are none. */
  embed(texts: string[], request: { id: string; workflow: string; run: string; signal: AbortSignal }): Promise<Embedded>;
  /** The model for embeddings, as `provider:model`; null when none is set up. */
  embeddingModel: string | null;
  /** Asks what the endpoint of a tier can do, and keeps it. */
  probe(tier: string, signal: AbortSignal): Promise<Probed>;
  /** Why a tier cannot be asked at all, or null. Costs nothing, asks nobody. */
  whyNot(tier: string): string | null;
  /** The budgets that stood in the way last, with what was wanted of them. */
  shortages(): readonly ShortageSeen[];
  /** Providers that are left alone for now. Asks nobody. */
  resting(): { provider: string; reason: string; againAtMs: number }[];
  /** Providers that do not answer, looked at without a token. */
  down(signal: AbortSignal): Promise<{ provider: string; reason: string }[]>;
}
export interface ShortageSeen extends Shortage { workflow: string }

export interface GatewayParts { settings: ModelSettings; secrets: Readonly<Record<string, string>>; store: StorePort; clock: Clock; log: Log; makeId?: MakeId; makeProvider?: typeof createProvider }

const shortagesMax = 200;
const modelListMs = 600_000;
/** What a local server that lists nothing is asked for: many have one model and take any name. */
const unnamed = 'default';
const nothingAsked = { answer: null, confidence: null, costMicros: null, evidence: [], againAtMs: null };

export function createGateway({ settings, secrets, store, clock, log, makeId = randomId, makeProvider = createProvider }: GatewayParts): Gateway {
  const providers = new Map([...endpointsOf(settings, secrets)].map(([name, endpoint]) => [name, makeProvider(endpoint, { clock })]));
  const till = createTill({ store, clock, log, makeId });
  const prober = createProber({ store, clock, log, makeId, till });
  const rest = createRest(clock);
  const firstModels = new Map<string, { model: string; untilMs: number }>();
  const short = new Map<string, ShortageSeen>();

  const remember = (workflow: string, shortage: Shortage) => {
    const key = `${shortage.scope} ${shortage.period}`;
    short.delete(key);
    short.set(key, { ...shortage, workflow });
    if (short.size > shortagesMax) short.delete(short.keys().next().value!);
  };

  const whyNot = (tier: string): string | null => {
    if (!Object.hasOwn(settings.tiers, tier)) return `there is no tier '${tier}'`;
    const { lacks } = providers.get(settings.tiers[tier]!.provider)!.endpoint;
    return lacks === null ? null : `its provider needs the secret ${lacks}, which is not set`;
  };

  /** The tier's model; where none is named, the first that the provider lists. */
  const modelOf = async ({ provider: name, model }: { provider: string; model: string | null }, provider: Provider, signal: AbortSignal): Promise<string> => {
    if (model !== null) return model;
    const seen = firstModels.get(name);
    if (seen && seen.untilMs > clock.now()) return seen.model;
    const listed = await provider.models(signal);
    const first = ('models' in listed && listed.models[0]) || unnamed;
    if ('models' in listed) firstModels.set(name, { model: first, untilMs: clock.now() + modelListMs });
    return first;
  };

  /** Who it is and what it costs, or why it cannot be asked. */
  const open = async (tier: string, signal: AbortSignal): Promise<{ provider: Provider; model: string; price: Price } | { outcome: 'unsupported' | 'unpriced'; reason: string; model: string | null }> => {
    const reason = whyNot(tier);
    if (reason !== null) return { outcome: 'unsupported', reason, model: null };
    const spec = settings.tiers[tier]!;
    const provider = providers.get(spec.provider)!;
    const model = await modelOf(spec, provider, signal);
    const price = await priceOf(settings, provider.endpoint, model);
    return price === null ? { outcome: 'unpriced', reason: `nobody knows what ${model} costs: give its price under \`prices\` in models.json`, model } : { provider, model, price };
  };

  /** One call with its money. */
  const buy = async ({ id, task, tier, workflow, run, signal, heartbeat, onText }: GatewayRequest, { provider, model, price }: { provider: Provider; model: string; price: Price }, asked: Asked, keep: (reply: Reply) => string | null) => {
    const { input, output } = tokensAtMost(asked);
    const { name, timeoutMs } = provider.endpoint;
    const bought = await till.buy<Reply>({ for: id, workflow, run, task: task.name, tier, provider: name, model, price, mostMicros: price.most(input, output), timeoutMs, signal }, async () => {
      const reply = await provider.ask(asked, { signal, onBytes: heartbeat, ...(onText ? { onText } : {}) });
      const key = keep(reply);
      return { value: reply, bill: { outcome: reply.outcome, usage: reply.usage, charged: 'charged' in reply ? reply.charged : 'unknown', ...(key !== null && reply.outcome === 'text' ? { answers: [{ key, task: task.name, model, value: reply.text.toWellFormed() }] } : {}) } };
    });
    if ('shortage' in bought) remember(workflow, bought.shortage);
    else rest.note(name, outageOf(bought.value));
    return bought;
  };

  const ask = async (request: GatewayRequest): Promise<Tried> => {
    const { id, task, tier, input, latency, signal } = request;
    const leftMicros = await till.settleLeftovers(id);
    const prompt = { id: request.prompt.id, version: request.prompt.version };
    const told = (outcome: Tried['outcome'], reason: string, more: Partial<Tried> = {}): Tried => {
      const costMicros = more.costMicros === undefined || more.costMicros === null ? leftMicros : more.costMicros + (leftMicros ?? 0);
      return { ...nothingAsked, model: null, prompt, ...more, outcome, reason, costMicros };
    };
    const opened = await open(tier, signal);
    if ('outcome' in opened) return told(opened.outcome, opened.reason, { model: opened.model });
    const { provider, model, price } = opened;
    const spec = settings.tiers[tier]!;

    const key = request.cache ? keyOf(provider, model, request, spec.effort ?? null) : null;
    const kept = key === null ? null : await keptAnswer(store, key, task, input);
    if (kept) return told('cached', `${model} gave this answer before, to exactly the same question`, { answer: kept as never, confidence: kept.confidence, model, costMicros: 0 });

    const resting = rest.whyNot(spec.provider);
    if (resting) return told(resting.outcome, `${spec.provider} is left alone for a while: ${resting.reason}`, { model, againAtMs: resting.againAtMs });
    const probed = await prober.canDo(provider, model, price, signal);
    if ('failed' in probed) {
      const outage = outageOf(probed.failed);
      if (outage) rest.note(spec.provider, outage);
      return told(probed.failed.outcome, `${spec.provider}: ${probed.failed.reason}`, { model, againAtMs: probed.failed.againAtMs ?? restUntil(rest.resting(), spec.provider) });
    }
    const { schema: obeys, stream, streamUsage } = probed.can;
    const question = toQuestion(task, { prompt: request.prompt.text, input, obeys: obeys === true, thinkingTokensMax: spec.thinkingTokensMax });
    const base: Asked = { ...question, model, effort: spec.effort ?? null, latency, stream: stream === true && streamUsage === true };

    let costMicros = 0;
    let asked = base;
    for (let tries = 1; ; tries += 1) {
      const bought = await buy(request, opened, asked, (reply) => (reply.outcome === 'text' && 'answer' in readAnswer(task, input, reply.text) ? key : null));
      if ('shortage' in bought) return tries === 1 ? told('unaffordable', bought.reason, { model, againAtMs: bought.shortage.againAtMs }) : told('unreadable', `${model} gave no readable answer, and there is no money to ask once more: ${bought.reason}`, { model, costMicros });
      costMicros += bought.micros;
      const reply = bought.value;
      if (reply.outcome !== 'text') {
        return told(reply.outcome, `${model}: ${reply.reason}`, { model, costMicros, againAtMs: reply.againAtMs ?? restUntil(rest.resting(), spec.provider) });
      }
      const read = readAnswer(task, input, reply.text);
      if ('answer' in read) return told('answered', `${model} answered`, { answer: read.answer as never, confidence: read.answer.confidence, model, costMicros });
      if ('otherLanguage' in read) return told('wrong-language', `${model} answered in another language than asked for (${read.otherLanguage})`, { model, costMicros });
      if (tries > 1) return told('unreadable', `${model} gave no readable answer, nor when it was asked once more: ${read.fault}`, { model, costMicros });
      asked = { ...base, turns: repairTurns(base, reply.text, read.fault) };
    }
  };

  const embed: Gateway['embed'] = async (texts, { id, workflow, run, signal }) => {
    if (!settings.embeddings) return { outcome: 'unsupported', reason: 'models.json names no model for embeddings', againAtMs: null };
    const { provider: name, model } = settings.embeddings;
    const provider = providers.get(name)!;
    const { lacks, timeoutMs } = provider.endpoint;
    if (lacks !== null) return { outcome: 'unsupported', reason: `${name} needs the secret ${lacks}, which is not set`, againAtMs: null };
    if (texts.length === 0) return { vectors: [], model, costMicros: 0 };
    await till.settleLeftovers(id);
    const resting = rest.whyNot(name);
    if (resting) return resting;
    const price = await priceOf(settings, provider.endpoint, model);
    if (price === null) return { outcome: 'unpriced', reason: `nobody knows what ${model} costs: give its price under \`prices\` in models.json`, againAtMs: null };
    const { input } = tokensAtMost({ system: '', turns: texts.map((content) => ({ role: 'user', content })), schema: null, outputTokensMax: 0 });
    const bought = await till.buy({ for: id, workflow, run, task: 'embedding', tier: 'embeddings', provider: name, model, price, mostMicros: price.most(input, 0), timeoutMs, signal }, async () => {
      const value = await provider.embed(model, texts, signal);
      return { value, bill: { outcome: 'outcome' in value ? value.outcome : 'text', usage: 'usage' in value ? value.usage : null, charged: 'charged' in value ? value.charged : 'unknown' } };
    });
    if ('shortage' in bought) {
      remember(workflow, bought.shortage);
      return { outcome: 'unaffordable', reason: bought.reason, againAtMs: bought.shortage.againAtMs };
    }
    const { value, micros } = bought;
    if (!('outcome' in value)) {
      rest.note(name, null);
      return { vectors: value.vectors, model, costMicros: micros };
    }
    rest.note(name, outageOf(value));
    return { outcome: value.outcome, reason: value.reason, againAtMs: value.againAtMs ?? restUntil(rest.resting(), name) };
  };

  return {
    ask, embed, whyNot,
    embeddingModel: settings.embeddings ? `${settings.embeddings.provider}:${settings.embeddings.model}` : null,
    async probe(tier, signal) {
      const opened = await open(tier, signal);
      return 'outcome' in opened ? { failed: { outcome: 'unsupported', reason: opened.reason, charged: 'nothing', againAtMs: null } } : prober.probe(opened.provider, opened.model, opened.price, signal);
    },
    shortages: () => [...short.values()],
    resting: () => rest.resting().filter(({ againAtMs }) => againAtMs > clock.now()),
    async down(signal) {
      const found = await Promise.all([...providers].map(async ([provider, { endpoint, models }]) => {
        const patient = rest.resting().find((one) => one.provider === provider && one.outcome === 'throttled');
        if (patient) return [{ provider, reason: `${patient.reason}, until ${new Date(patient.againAtMs).toISOString()}` }];
        if (endpoint.lacks !== null) return []; // that does not pass by itself: the tier is passed over
        const listed = await models(signal);
        // Who has no list answers all the same.
        if ('models' in listed || (listed.outcome === 'unsupported' && !/^it answered 40[13]\b/.test(listed.reason))) {
          rest.wake(provider);
          const still = rest.resting().find((one) => one.provider === provider);
          return still ? [{ provider, reason: `${still.reason}; it is tried again at ${new Date(still.againAtMs).toISOString()}` }] : [];
        }
        return [{ provider, reason: listed.reason }];
      }));
      return found.flat();
    },
  };
}

/** What a provider itself is to blame for, and what passes. */
const outageOf = (reply: { outcome: string }): Outage | null => (['down', 'throttled', 'timeout'].includes(reply.outcome) ? (reply as Outage) : null);

const restUntil = (resting: (Resting & { provider: string })[], provider: string) => resting.find((one) => one.provider === provider)?.againAtMs ?? null;

/** Everything that an answer depends on. */
function keyOf({ endpoint }: Provider, model: string, { task, input, prompt }: GatewayRequest, effort: string | null): string {
  // Half a surrogate pair has no canonical form.
  const wellFormed = JSON.parse(JSON.stringify(input), (_, value: unknown) => (typeof value === 'string' ? value.toWellFormed() : value)) as unknown;
  return hashJson({ url: endpoint.baseUrl, model, effort, task: task.name, version: task.version, prompt: { id: prompt.id, version: prompt.version, text: sha256(prompt.text) }, input: wellFormed, schema: schemaOf(task).schema });
}

async function keptAnswer(store: StorePort, key: string, task: Task, input: unknown): Promise<{ confidence: number } | null> {
  const row = (await store.query('answer', { key })) as { value: string } | null;
  const read = row === null ? null : readAnswer(task, input, row.value);
  return read && 'answer' in read ? read.answer : null;
}
