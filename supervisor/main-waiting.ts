// `models/main` is there from the first start on, and hears at once when the operator changes a limit.
import type { StorePort } from '#actors/store-port.ts';
import { modelsMachine } from '#machines/agents/models.ts';
import { modelsAddress } from '#machines/agents/models-shape.ts';
import { budgetPredicate } from '#machines/budget.ts';
import { emptyCommit } from '#machines/commit.ts';
import { machineKey } from '#machines/define.ts';
import { parseTrigger } from '#machines/triggers.ts';

export const limitsTrigger = parseTrigger({ name: 'budget-limits', on: 'fact', predicate: budgetPredicate, wake: { to: modelsAddress, type: 'LOOK' } });

/** Promises its start; does nothing when it was started before. */
export async function startWaitingRoom(store: Pick<StorePort, 'commit'>, nowMs: number): Promise<void> {
  await store.commit({
    ...emptyCommit('models:start', nowMs, 'host/supervisor', { started: modelsAddress }),
    sends: [{ id: `start:${modelsAddress}`, to: modelsAddress, from: 'host/supervisor', body: { kind: 'start', machine: machineKey(modelsMachine), input: {} } }],
  });
}
