// The machines of this build and the company's own agents: each file in `agents/` of its folder gives a machine, or several, and the activities they need. It is
// code of the operator's and runs with all rights of the server; what a machine may record and ask for is in its `may`.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyStateMachine } from 'xstate';
import { createRegistry, type Registry } from '#actors/registry.ts';
import type { Activity } from '#actors/worker.ts';
import { billingMachine } from '#machines/agents/billing.ts';
import { modelsMachine } from '#machines/agents/models.ts';
import { qualityMachine } from '#machines/agents/quality.ts';
import { reportMachine } from '#machines/agents/report.ts';
import { researchMachine } from '#machines/agents/research.ts';
import { consolidationMachine } from '#machines/agents/consolidation.ts';
import { scheduleMachine } from '#machines/agents/schedule.ts';
import { strategyMachine } from '#machines/agents/strategy.ts';
import { supervisorMachine } from '#machines/agents/supervisor.ts';
import { KeelsonError } from '#machines/errors.ts';
import { unitePermissions } from '#machines/permissions.ts';
import { invoiceMachine } from '#machines/pipelines/invoice.ts';
import { invoicePaymentMachine } from '#machines/pipelines/invoice-payment.ts';
import { mailMachine } from '#machines/pipelines/mail.ts';
import { operationMachine } from '#machines/agents/operation.ts';

export interface Agents { machines: AnyStateMachine[]; activities: Record<string, Activity> }

/** Files of `agents/`, in the order of their names; tests are left out. */
export function agentFiles(dataDir: string, end = /(?<!\.test)\.(?:ts|mts|js|mjs)$/): string[] {
  const folder = join(dataDir, 'agents');
  return existsSync(folder) ? readdirSync(folder).filter((name) => end.test(name)).toSorted().map((name) => join(folder, name)) : [];
}

/** Throws BAD_CONFIG with the file and what is wrong in it. */
export async function loadAgents(dataDir: string): Promise<Agents> {
  const agents: Agents = { machines: [], activities: {} };
  const files = agentFiles(dataDir);
  if (files.length > 0) await import('./agent-imports.ts');
  for (const file of files) {
    const name = file.slice(dataDir.length + 1);
    const bad = (message: string, cause?: unknown) => new KeelsonError('BAD_CONFIG', `${name}: ${message}`, { cause, hint: 'See docs/agents.md; `keelson machines list` shows what was found.' });
    let found: { default?: unknown; activities?: unknown };
    try {
      found = (await import(pathToFileURL(file).href)) as typeof found;
    } catch (cause) {
      throw bad((cause as Error).message, cause);
    }
    const machines = Array.isArray(found.default) ? (found.default as unknown[]) : [found.default];
    for (const machine of machines) {
      if (typeof machine !== 'object' || machine === null || !('root' in machine)) throw bad('its default export must be a machine, or a list of machines');
      agents.machines.push(machine as AnyStateMachine);
    }
    for (const [activity, run] of Object.entries((found.activities ?? {}) as Record<string, unknown>)) {
      if (typeof run !== 'function') throw bad(`activities['${activity}'] must be a function`);
      if (Object.hasOwn(agents.activities, activity)) throw bad(`the activity '${activity}' is given by another file too`);
      agents.activities[activity] = run as Activity;
    }
  }
  return agents;
}

const built: readonly AnyStateMachine[] = [mailMachine, invoiceMachine, invoicePaymentMachine, billingMachine, strategyMachine, researchMachine, operationMachine, supervisorMachine, consolidationMachine, scheduleMachine, qualityMachine, reportMachine, modelsMachine];

/** The machines of this build, and those of a company. Throws BAD_CONFIG when one of the company takes the place of one of the build: it would have its rights. */
export function createMachines(own: readonly AnyStateMachine[] = []): Registry {
  if (own.length === 0) return createRegistry([...built]);
  const ours = createRegistry([...built]).list();
  const all = createRegistry([...built, ...own]);
  const stranger = all.list().find(({ id, key }) => ours.some((one) => one.id === id) && !ours.some((one) => one.key === key));
  if (stranger) throw new KeelsonError('BAD_CONFIG', `agents/ has a machine '${stranger.key}', but '${stranger.id}' is one of this build`, { hint: 'Give it another id.' });
  return all;
}

/** What each type of actor may record, ask for and spend. */
export const permissionsOf = (registry: Registry) => Object.fromEntries([...Map.groupBy(registry.list(), ({ id }) => id)].map(([id, versions]) => [id, unitePermissions(versions.map(({ protocol }) => protocol.may ?? {}))]));

export async function companyMachines(dataDir: string): Promise<Registry> {
  return createMachines((await loadAgents(dataDir)).machines);
}
