// What is set up and what is known of it. Asks nobody outside; no secret is in it.
import type { StorePort } from '#actors/store-port.ts';
import { capabilitiesPredicate, capabilitiesSchema, endpointEntity, type ModelsView } from '#machines/capabilities.ts';
import { priceOf } from './prices.ts';
import { endpointsOf, type ModelSettings } from './settings.ts';

interface Row { entity: string; value: unknown; recorded_ms: number }
const million = 1_000_000;

export async function describeModels({ settings, secrets, from, query }: { settings: ModelSettings; secrets: Readonly<Record<string, string>>; from: ModelsView['from']; query: StorePort['query'] }): Promise<ModelsView> {
  const endpoints = endpointsOf(settings, secrets);
  const facts = (await query('facts', { predicate: capabilitiesPredicate, label: 'verified-connector', newest: true, limit: 1_000 })) as Row[];
  const newest = [...new Map(facts.toReversed().map((fact) => [fact.entity, fact])).values()];
  const tiers = await Promise.all(Object.entries(settings.tiers).map(async ([name, { provider, model, latency }]) => {
    const endpoint = endpoints.get(provider)!;
    const price = model === null ? null : await priceOf(settings, endpoint, model);
    const perMillion = (inputTokens: number, outputTokens: number) => price!.cost({ inputTokens, outputTokens, cachedInputTokens: 0 }) / million;
    const seen = newest.flatMap(({ entity, value, recorded_ms: atMs }) => {
      const can = capabilitiesSchema.safeParse(value).data;
      const fits = can !== undefined && can.url === endpoint.baseUrl && entity === endpointEntity(provider, can.model) && (model === null || can.model === model);
      return fits ? [{ ...can, atMs }] : [];
    });
    // A little of each, because long texts have prices of their own.
    return { name, provider, model, latency, price: price && { from: price.from, inputPerMillionUsd: perMillion(10_000, 0) * 100, outputPerMillionUsd: (perMillion(10_000, 10_000) - perMillion(10_000, 0)) * 100 }, seen };
  }));
  return {
    from, tiers, tasks: settings.tasks,
    providers: [...endpoints.values()].map(({ name, baseUrl: url, wire, lacks }) => ({ name, url, wire, lacks })),
    embeddings: settings.embeddings ? `${settings.embeddings.provider}:${settings.embeddings.model}` : null,
  };
}
