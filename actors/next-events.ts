// What can happen next to an actor at rest: the events its active states understand.
import type { AnyStateNode, StateValue } from 'xstate';
import type { ActorRecord } from './record.ts';
import type { Definition } from './registry.ts';

export function nextEvents(definition: Definition, record: ActorRecord): string[] {
  if (record.status !== 'active') return [];
  const found = new Set<string>();
  const walk = (node: AnyStateNode, value: StateValue | undefined) => {
    for (const event of node.ownEvents) found.add(String(event));
    if (typeof value === 'string') return walk(node.states[value] as AnyStateNode, undefined);
    for (const [key, inner] of Object.entries(value ?? {})) walk(node.states[key] as AnyStateNode, inner);
  };
  walk(definition.machine.root as AnyStateNode, record.snapshot.value as StateValue);
  return [...found].filter((event) => event !== '' && !event.startsWith('xstate.')).toSorted();
}
