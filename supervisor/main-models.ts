// The minds of a company: models.json, or the environment, or none. Joins the gateway with the store and the budgets.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#actors/clock.ts';
import type { Log } from '#actors/log.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { readHits, readTemplates, searchKnowledge } from '#connectors/knowledge.ts';
import { createLearnt } from '#connectors/learnt.ts';
import { createAnswering, type Answering } from '#connectors/model/answering.ts';
import { askTier, type AskParts } from '#connectors/model/ask.ts';
import { describeModels } from '#connectors/model/describe.ts';
import { createGateway, type Gateway } from '#connectors/model/gateway.ts';
import { planTiers } from '#connectors/model/plan.ts';
import { lookAtModels } from '#connectors/model/ready.ts';
import { keyNames, modelsSchema, noModels, settingsFromEnvironment, type ModelSettings } from '#connectors/model/settings.ts';
import { readPrompts } from '#connectors/prompts.ts';
import { readQuality, unlessDemoted } from '#connectors/quality.ts';
import { draftContext, type Shown } from '#connectors/reply.ts';
import type { ModelsView } from '#machines/capabilities.ts';
import { KeelsonError } from '#machines/errors.ts';
import { profileOf, toBudgets } from './budget-settings.ts';
import type { Config } from './config.ts';
import { openQuestions } from './main-memory.ts';
import { readSecrets } from './connector-settings.ts';

export interface ModelParts { config: Config; store: StorePort; clock: Clock; log: Log }
export interface Models {
  settings: ModelSettings;
  gateway: Gateway;
  /** Answers as they grow in this process. */
  answering: Pick<Answering, 'listen'>;
  describe(): Promise<ModelsView>;
  activities: Record<string, Activity>;
  /** `model.ask` with other wordings than those in force: how a prompt is tried out. */
  askWith(readPrompt: AskParts['readPrompt']): Activity;
}

const file = 'models.json';
/** Until a tier has a record of its own, for tasks that company.json gives no threshold. */
const thresholdDefault = 0.8;

/** Throws BAD_CONFIG naming every fault. Dry, no model is asked. */
export function readModels(config: Pick<Config, 'dataDir' | 'dryRun' | 'model'>): { settings: ModelSettings; from: 'models.json' | 'environment' | 'none' } {
  const path = join(config.dataDir, file);
  if (config.dryRun) return { settings: noModels, from: 'none' };
  if (existsSync(path)) return { settings: parseModels(readFileSync(path, 'utf8')), from: 'models.json' };
  if (!config.model) return { settings: noModels, from: 'none' };
  const { baseUrl, model, apiKey } = config.model;
  const parsed = settingsFromEnvironment({ baseUrl, model, hasKey: apiKey !== 'none' });
  if (!parsed.success) throw new KeelsonError('BAD_CONFIG', `KEELSON_OPENAI_BASE_URL: ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
  return { settings: parsed.data, from: 'environment' };
}

export function parseModels(text: string): ModelSettings {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = modelsSchema.safeParse(json);
  if (!parsed.success) throw new KeelsonError('BAD_CONFIG', `${file}: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`);
  return parsed.data;
}

export function openModels({ config, store, clock, log }: ModelParts): Models {
  const { settings, from } = readModels(config);
  const secrets = readSecrets(config, keyNames(settings));
  const { budgets, thresholds } = config.company;
  const gateway = createGateway({ settings, secrets, store, clock, log });
  const answering = createAnswering(clock);
  const profile = (workflow: string) => profileOf(budgets, workflow);
  const thresholdOf = (task: string) => (thresholds as Record<string, number>)[task] ?? thresholdDefault;
  const shown: Record<string, (input: unknown) => Promise<Shown>> = { draft: draftContext({ query: store.query, templates: readTemplates(store), company: config.company, readHits: readHits(store) }) };
  const askWith: Models['askWith'] = (readPrompt) => askTier({ gateway, store, clock, local: unlessDemoted(createLearnt({ store }), readQuality(store)), readPrompt, profileOf: profile, expand: async (task, input) => (await shown[task]?.(input)) ?? null, answering });
  return {
    settings, gateway, askWith, answering,
    describe: () => describeModels({ settings, secrets, from, query: store.query }),
    activities: {
      'model.plan': planTiers({ settings, gateway, store, profileOf: profile, readQuality: readQuality(store), thresholdDefault: thresholdOf }),
      'model.ask': askWith(readPrompts(store)),
      // Asks by the company's own vectors too, when it has a model for them.
      'knowledge.search': searchKnowledge({ store, clock, ask: openQuestions({ gateway, store, clock }) }),
      'model.ready': lookAtModels({ gateway, store, clock, budgets: toBudgets(budgets) }),
    },
  };
}
