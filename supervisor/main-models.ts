// The minds of a company: joins the gateway with its settings, the store, the budgets, what was learnt and the wordings.
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
import { keyNames, type ModelSettings } from '#connectors/model/settings.ts';
import { readPrompts } from '#connectors/prompts.ts';
import { readQuality, unlessDemoted } from '#connectors/quality.ts';
import { draftContext, type Shown } from '#connectors/reply.ts';
import type { ModelsView } from '#machines/capabilities.ts';
import { profileOf, toBudgets } from './budget-settings.ts';
import type { Config } from './config.ts';
import { openQuestions } from './main-memory.ts';
import { readModels } from './main-model-settings.ts';
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

/** Until a tier has a record of its own, for tasks that company.json gives no threshold. */
const thresholdDefault = 0.8;

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
