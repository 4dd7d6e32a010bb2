// How the running server asks a tier about one case of an eval: as a run would, with the wording that is to be tried, and in the budget
// of the workflow `evals`. Nothing comes of the answer.
import { sha256 } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { EvalPorts } from '#connectors/console/eval-routes.ts';
import { localTier, tiersOf } from '#connectors/model/settings.ts';
import { readPrompts } from '#connectors/prompts.ts';
import type { Tried } from '#machines/agents/activities.ts';
import type { Models } from './main-models.ts';

const timeoutMs = 180_000;

export function evalAsker({ models, store }: { models: Pick<Models, 'settings' | 'askWith'>; store: StorePort }): Pick<EvalPorts, 'ask' | 'tiersOf'> {
  const inForce = readPrompts(store);
  return {
    tiersOf: (task) => tiersOf(models.settings, task).filter((tier) => tier !== localTier),
    ask({ id, task, tier, input, promptText }) {
      const ask = models.askWith(promptText === null ? inForce : () => Promise.resolve({ id: `draft/${sha256(promptText).slice(0, 12)}`, version: 0, text: promptText }));
      return ask({ input: { task, tier, input, latency: 'now' } as never, operationId: id, attempt: 1, signal: AbortSignal.timeout(timeoutMs), heartbeat: () => {} }) as Promise<Tried>;
    },
  };
}
