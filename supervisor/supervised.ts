// The rule of two: whoever hears strangers, sees what is private and acts outside does not act on a standing yes. Worked out from what
// the machine and everything that it invokes declare, so that no agent can lower it.
import { protocolOf } from '#machines/define.ts';
import type { Registry } from '#actors/registry.ts';
import type { Permissions } from '#machines/permissions.ts';
import type { AnyStateMachine } from 'xstate';

/** Why everything that this type of agent proposes is asked about, or null. A type that this build does not know is asked about too. `readActions`: what reads of connectors it may propose. */
export function whySupervised(agent: string, registry: Registry, readActions: ReadonlySet<string>): string | null {
  const definitions = registry.list().filter(({ id }) => id === agent);
  if (definitions.length === 0) return agent === 'operator' || agent === 'schedule' ? null : `'${agent}' is no agent of this build`;
  const all = definitions.flatMap(({ machine }) => permissionsBelow(machine));
  if (all.every(({ hears }) => hears === 'trusted')) return null;
  const reads = all.some(({ read = [], act = [] }) => read.length > 0 || act.some((action) => readActions.has(action)));
  return reads ? `the agent '${agent}' hears strangers and reads what the company knows, so it never acts on a standing rule` : null;
}

function permissionsBelow(machine: AnyStateMachine, seen = new Set<unknown>()): Permissions[] {
  if (seen.has(machine)) return [];
  seen.add(machine);
  const children = Object.values(machine.implementations.actors as Record<string, unknown>).filter((logic): logic is AnyStateMachine => (logic as { definition?: unknown } | null)?.definition !== undefined);
  return [protocolOf(machine)?.may ?? {}, ...children.flatMap((child) => permissionsBelow(child, seen))];
}
