// What an endpoint can do, found out by asking it and kept as a fact: once at first use, and whenever the operator wants it. The few tokens
// are paid from the budget of `upkeep`. Nothing is kept of an endpoint that did not answer.
import type { Clock } from '#actors/clock.ts';
import type { MakeId } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import { commitPatiently } from '#actors/patience.ts';
import type { StorePort } from '#actors/store-port.ts';
import { capabilitiesPredicate, capabilitiesSchema, endpointEntity, type Capabilities } from '#machines/capabilities.ts';
import { emptyCommit } from '#machines/commit.ts';
import { tokensAtMost } from './estimate.ts';
import type { FailedCall } from './failed-call.ts';
import type { Price } from './prices.ts';
import type { Asked, Provider, Reply, Usage } from './provider.ts';
import { modelActor, type Bill, type Till } from './till.ts';

export type Probed = { can: Capabilities } | { failed: FailedCall | { outcome: 'unaffordable'; reason: string; charged: 'nothing'; againAtMs: number | null } };

export interface Prober {
  /** From the store; asked of the endpoint when nothing is known of it there. */
  canDo(provider: Provider, model: string, price: Price, signal: AbortSignal): Promise<Probed>;
  probe(provider: Provider, model: string, price: Price, signal: AbortSignal): Promise<Probed>;
}

const probeTokensMax = 64;
/** Models that think first need room for it. */
const thinkingTokens = 1_000;
/** What the words ask for is not in the schema: only who is bound by it answers so. */
const contrary = {
  system: 'You say hello in plain words.',
  turns: [{ role: 'user' as const, content: 'Say hello.' }],
  schema: { name: 'colour', schema: { type: 'object', properties: { colour: { type: 'string', enum: ['red', 'green', 'blue'] } }, required: ['colour'], additionalProperties: false } },
};

export function createProber({ store, clock, log, makeId, till }: { store: StorePort; clock: Clock; log: Log; makeId: MakeId; till: Till }): Prober {
  const underWay = new Map<string, Promise<Probed>>();
  const known = new Map<string, Capabilities>();

  const probe: Prober['probe'] = (provider, model, price, signal) => {
    const key = endpointEntity(provider.endpoint.name, model);
    const running = underWay.get(key) ?? look(provider, model, price, signal).finally(() => underWay.delete(key));
    underWay.set(key, running);
    return running;
  };

  const look = async (provider: Provider, model: string, price: Price, signal: AbortSignal): Promise<Probed> => {
    const { name, baseUrl, timeoutMs } = provider.endpoint;
    const run = `upkeep/probe-${name}`;
    const notes: string[] = [];
    const buy = <T>(what: string, inputTokens: number, outputTokens: number, call: () => Promise<{ value: T; bill: Bill }>) => till.buy({
      for: `probe-${name}-${what}`, workflow: 'upkeep', run, task: `probe ${what}`, tier: '', provider: name, model, price, mostMicros: price.most(inputTokens, outputTokens), timeoutMs, signal,
    }, call);
    const ask = (asked: Asked) => {
      const most = tokensAtMost(asked);
      return buy('answers', most.input, most.output, async () => {
        const reply = await provider.ask(asked, { signal });
        return { value: reply, bill: billOf(reply) };
      });
    };
    const asked = (schema: Asked['schema'], stream: boolean): Asked => ({ ...contrary, model, schema, outputTokensMax: probeTokensMax + thinkingTokens, effort: null, latency: 'now', stream });

    const listed = await provider.models(signal);
    let [stream, schema, streamUsage] = [true, true as boolean | null, null as boolean | null];
    let reply = await ask(asked(contrary.schema, true));
    if ('shortage' in reply) return { failed: { outcome: 'unaffordable', reason: reply.reason, charged: 'nothing', againAtMs: reply.shortage.againAtMs } };
    if (reply.value.outcome === 'unsupported') {
      // Whole, then without a schema: whatever it does not know is left out, one after the other.
      notes.push(`stream with a schema: ${reply.value.reason}`);
      for (const [tried, streamed] of [[contrary.schema, false], [null, true], [null, false]] as const) {
        reply = await ask(asked(tried, streamed));
        [schema, stream] = [tried !== null, streamed];
        if ('shortage' in reply) return { failed: { outcome: 'unaffordable', reason: reply.reason, charged: 'nothing', againAtMs: reply.shortage.againAtMs } };
        if (reply.value.outcome !== 'unsupported') break;
        notes.push(`${streamed ? 'stream' : 'whole'}${tried ? ' with a schema' : ''}: ${reply.value.reason}`);
      }
    }
    const { value } = reply;
    if (value.outcome !== 'text' && value.outcome !== 'cut' && value.outcome !== 'refused' && value.outcome !== 'unreadable') return { failed: value };
    if (schema) schema = value.outcome === 'text' ? keepsTo(value.text) : null;
    if (value.outcome !== 'text') notes.push(`its answer: ${value.reason}`);
    if (stream) streamUsage = value.usage !== null;

    const tools = await buy('tools', 1_024, probeTokensMax + thinkingTokens, async () => {
      const answer = await provider.callsTools(model, probeTokensMax + thinkingTokens, signal);
      return { value: answer, bill: billOf(answer) };
    });
    const embedded = await buy('embeddings', 512, 0, async () => {
      const answer = await provider.embed(model, ['one word'], signal);
      return { value: answer, bill: billOf(answer) };
    });
    const seen = (bought: typeof tools | typeof embedded, what: string, yes: (value: never) => boolean): boolean | null => {
      if ('shortage' in bought) return null;
      const answer = bought.value as { outcome?: string; reason?: string };
      if (answer.outcome === undefined) return yes(answer as never);
      notes.push(`${what}: ${answer.reason}`);
      return answer.outcome === 'unsupported' || answer.outcome === 'down' || answer.outcome === 'unreadable' ? false : null;
    };
    const can: Capabilities = {
      url: baseUrl.slice(0, 500), model, models: 'models' in listed ? listed.models.length > 0 : listed.outcome === 'unsupported' ? false : null, schema, stream, streamUsage,
      tools: seen(tools, 'tools', ({ answer }: { answer: boolean }) => answer), embeddings: seen(embedded, 'embeddings', () => true), batch: await provider.takesBatches(signal), note: notes.join(' · ').slice(0, 1_000),
    };
    const entity = endpointEntity(name, model);
    const written = await commitPatiently({ store, clock, log }, { ...emptyCommit(`probe:${makeId()}`, clock.now(), modelActor, { probed: entity }), facts: [{ entity, predicate: capabilitiesPredicate, value: can, label: 'verified-connector', confidence: 1 }] });
    if (written.outcome === 'invalid') log.error({ entity, reason: written.reason }, 'what an endpoint can do could not be kept');
    known.set(entity, can);
    return { can };
  };

  return {
    probe,
    async canDo(provider, model, price, signal) {
      const entity = endpointEntity(provider.endpoint.name, model);
      const stored = known.get(entity) ?? (await newest(store, entity));
      if (stored === null || stored.url !== provider.endpoint.baseUrl.slice(0, 500)) return probe(provider, model, price, signal);
      known.set(entity, stored);
      return { can: stored };
    },
  };
}

async function newest(store: StorePort, entity: string): Promise<Capabilities | null> {
  const [last] = (await store.query('facts', { entity, predicate: capabilitiesPredicate, label: 'verified-connector', newest: true, limit: 1 })) as { value: unknown }[];
  const parsed = capabilitiesSchema.safeParse(last?.value);
  return parsed.success ? parsed.data : null;
}

function keepsTo(text: string): boolean {
  try {
    return contrary.schema.schema.properties.colour.enum.includes((JSON.parse(text) as { colour: string }).colour);
  } catch {
    return false;
  }
}

const billOf = (reply: Reply | FailedCall | { usage: Usage | null }): Bill => ({ outcome: 'outcome' in reply ? reply.outcome : 'probed', usage: 'usage' in reply ? reply.usage : null, charged: 'charged' in reply ? reply.charged : 'unknown' });
