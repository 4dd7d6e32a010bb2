// What a call may cost at most, and what it did cost, in millionths of a US dollar. The company's own prices count before the list; a
// price that nobody knows is refused or assumed to be high, and never nothing. A server on this computer is free only if the company says so.
import { isThisComputer, type Endpoint, type ModelSettings } from './settings.ts';
import type { Usage } from './provider.ts';

export interface Price {
  from: 'list' | 'settings' | 'assumed';
  /** The most that so many tokens can cost, however they are counted. */
  most(inputTokens: number, outputTokens: number): number;
  cost(usage: Usage): number;
}

/** Dearer than nearly all that is on the list, in US dollars for a million tokens. */
export const assumedPrice = { inputPerMillionUsd: 10, outputPerMillionUsd: 40 } as const;

const toMicros = (dollars: number) => Math.ceil(Number((dollars * 1_000_000).toFixed(6)));

/** null: nobody knows it, and it may not be assumed. */
export async function priceOf({ prices, unknownPrices }: Pick<ModelSettings, 'prices' | 'unknownPrices'>, endpoint: Pick<Endpoint, 'wire' | 'baseUrl'>, model: string): Promise<Price | null> {
  if (Object.hasOwn(prices, model)) return flat('settings', prices[model]!);
  return (await listed(endpoint, model)) ?? (unknownPrices === 'assume' ? flat('assumed', assumedPrice) : null);
}

function flat(from: Price['from'], { inputPerMillionUsd: input, outputPerMillionUsd: output, cachedInputPerMillionUsd: cached = input }: { inputPerMillionUsd: number; outputPerMillionUsd: number; cachedInputPerMillionUsd?: number | undefined }): Price {
  return {
    from,
    most: (inputTokens, outputTokens) => toMicros((inputTokens * Math.max(input, cached) + outputTokens * output) / 1_000_000),
    cost: ({ inputTokens, cachedInputTokens, outputTokens }) => toMicros(((inputTokens - cachedInputTokens) * input + cachedInputTokens * cached + outputTokens * output) / 1_000_000),
  };
}

async function listed({ wire, baseUrl }: Pick<Endpoint, 'wire' | 'baseUrl'>, model: string): Promise<Price | null> {
  if (isThisComputer(baseUrl)) return null;
  const { calcPrice } = await import('@pydantic/genai-prices');
  const where = wire === 'responses' ? { providerId: 'openai' } : { providerApiUrl: baseUrl };
  const total = (usage: Record<string, number>): number | null => {
    try {
      const price = calcPrice(usage, model, where)?.total_price;
      return price !== undefined && Number.isFinite(price) && price >= 0 ? price : null;
    } catch {
      return null; // of some models it has no price for output, or for a cache
    }
  };
  const plain = (inputTokens: number, outputTokens: number) => total({ input_tokens: inputTokens, output_tokens: outputTokens });
  // Free on the list is mostly unknown there.
  if (!plain(1_000_000, 0)) return null;
  const assumed = flat('assumed', assumedPrice);
  return {
    from: 'list',
    most(inputTokens, outputTokens) {
      const normal = plain(inputTokens, outputTokens);
      if (normal === null) return assumed.most(inputTokens, outputTokens);
      // What is written to a provider's cache may cost more than what is merely read.
      return toMicros(Math.max(normal, total({ input_tokens: inputTokens, output_tokens: outputTokens, cache_write_tokens: inputTokens }) ?? 0));
    },
    cost(usage) {
      const { inputTokens, cachedInputTokens, outputTokens } = usage;
      const dollars = total({ input_tokens: inputTokens, output_tokens: outputTokens, cache_read_tokens: cachedInputTokens }) ?? plain(inputTokens, outputTokens);
      return dollars === null ? assumed.cost(usage) : toMicros(dollars);
    },
  };
}
