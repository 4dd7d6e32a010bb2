// A gateway between real books and a scripted provider, and a question to put to it. For tests of connectors/model/.
import { systemClock, type Clock } from '#actors/clock.ts';
import { silentLog, type Log } from '#actors/log.ts';
import { createGateway, type Gateway, type GatewayRequest } from '#connectors/model/gateway.ts';
import { modelsSchema, type ModelSettings } from '#connectors/model/settings.ts';
import type { Budgets } from '#machines/budget.ts';
import { task } from '#machines/tasks.ts';
import type { ModelServer } from '#test/kit/model-server.ts';
import { z } from 'zod';
import { noLimits, openBooks, type Books } from './books.ts';

export const key = 'sk-test-THE-SECRET-KEY-0123456789';

export const colourTask = task({
  name: 'colour', version: 1,
  input: z.object({ thing: z.string(), language: z.enum(['de', 'en']).optional() }),
  answer: z.object({ colour: z.enum(['red', 'green', 'blue']), text: z.string(), confidence: z.number().min(0).max(1) }),
  prompt: 'You name the colour of a thing.', outputTokensMax: 100, facing: 'internal',
});
export const green = { colour: 'green', text: 'It is green.', confidence: 0.75 };

export function settingsFor(url: string, more: Partial<Record<keyof ModelSettings, unknown>> = {}): ModelSettings {
  return modelsSchema.parse({
    providers: { kit: { baseUrl: url, key: 'KIT_KEY', timeoutMs: 60_000, stallMs: 30_000 } },
    tiers: { small: { provider: 'kit', model: 'small-1' }, large: { provider: 'kit', model: 'large-1' } },
    prices: { 'small-1': { inputPerMillionUsd: 1, outputPerMillionUsd: 1 }, 'large-1': { inputPerMillionUsd: 10, outputPerMillionUsd: 10 }, embedder: { inputPerMillionUsd: 1, outputPerMillionUsd: 0 } },
    embeddings: { provider: 'kit', model: 'embedder' },
    ...more,
  });
}

/** Gives up on silence at once. */
export const impatient = (url: string) => settingsFor(url, { providers: { kit: { baseUrl: url, key: 'KIT_KEY', stallMs: 300 } } });

export interface Desk { gateway: Gateway; books: Books; logged: string[]; ask(more?: Partial<GatewayRequest>): ReturnType<Gateway['ask']> }

/** A second gateway on the same books is a process after a restart. */
export async function openDesk(server: Pick<ModelServer, 'url'>, { settings = settingsFor(server.url), budgets = noLimits, books, clock = systemClock, secrets = { KIT_KEY: key } }: { settings?: ModelSettings; budgets?: Budgets; books?: Books; clock?: Clock; secrets?: Record<string, string> } = {}): Promise<Desk> {
  const opened = books ?? (await openBooks(budgets));
  const logged: string[] = [];
  const write = (...said: unknown[]) => void logged.push(JSON.stringify(said));
  const log = { ...silentLog, warn: write, error: write } as unknown as Log;
  const gateway = createGateway({ settings, secrets, store: opened.store, clock, log });
  let jobs = 0;
  return {
    gateway, books: opened, logged,
    ask: (more = {}) => gateway.ask({
      id: `mail/m-1#${(jobs += 1)}.0`, task: colourTask, tier: 'small', input: { thing: 'grass' }, prompt: { id: 'colour', version: 0, text: colourTask.prompt }, latency: 'now', workflow: 'mail', run: 'mail/m-1',
      cache: false, signal: new AbortController().signal, heartbeat() {}, ...more,
    }),
  };
}
