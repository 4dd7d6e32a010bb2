// The company's own actors are there from the first start on, and hear by triggers of this build what concerns them.
import type { AnyStateMachine } from 'xstate';
import type { StorePort } from '#actors/store-port.ts';
import { consolidationMachine } from '#machines/agents/consolidation.ts';
import { modelsMachine } from '#machines/agents/models.ts';
import { qualityMachine } from '#machines/agents/quality.ts';
import { reportMachine } from '#machines/agents/report.ts';
import { consolidationAddress, modelsAddress, qualityAddress } from '#machines/agents/standing.ts';
import { supervisorMachine } from '#machines/agents/supervisor.ts';
import { budgetPredicate } from '#machines/budget.ts';
import { emptyCommit } from '#machines/commit.ts';
import { machineKey } from '#machines/define.ts';
import { parseTrigger, type Trigger } from '#machines/triggers.ts';

export const standingMachines: readonly AnyStateMachine[] = [supervisorMachine, consolidationMachine, modelsMachine, qualityMachine, reportMachine];

/** What this build starts or wakes by itself, beside the files in triggers/ of the company. */
export const buildTriggers: readonly Trigger[] = [
  // Corrections of drafts and of verdicts, and answers to the question what a mail is.
  parseTrigger({ name: 'learn-corrections', on: 'annotation', kind: 'correction', wake: { to: consolidationAddress, type: 'CORRECTED' } }),
  parseTrigger({ name: 'learn-answers', on: 'decision', where: [{ path: 'task', is: 'eq', value: 'triage' }, { path: 'tier', is: 'eq', value: 'operator' }], wake: { to: consolidationAddress, type: 'CORRECTED' } }),
  // Who waits for money need not wait for the next look.
  parseTrigger({ name: 'budget-limits', on: 'fact', predicate: budgetPredicate, wake: { to: modelsAddress, type: 'LOOK' } }),
  // What is corrected is a reason to measure before the day is over.
  parseTrigger({ name: 'quality-corrections', on: 'annotation', kind: 'correction', wake: { to: qualityAddress, type: 'LOOK' } }),
];

/** Promises the start of `<machine>/main`; does nothing when it was started before. */
export async function startStanding(store: Pick<StorePort, 'commit'>, machine: AnyStateMachine, nowMs: number): Promise<void> {
  const address = `${machine.id}/main`;
  await store.commit({
    ...emptyCommit(`${machine.id}:start`, nowMs, 'host/supervisor', { started: address }),
    sends: [{ id: `start:${address}`, to: address, from: 'host/supervisor', body: { kind: 'start', machine: machineKey(machine), input: {} } }],
  });
}
