// What can happen next to an actor at rest: the events its active states understand, and what they carry.
import type { AnyStateNode, StateValue } from 'xstate';
import { z } from 'zod';
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

export interface Field { name: string; /** In the words of JSON Schema; `any` when it is said otherwise. */ type: string; isRequired: boolean }

/** What an event of this type carries. */
export function fieldsOf({ protocol }: Definition, type: string): Field[] {
  const schema = Object.hasOwn(protocol.events, type) ? protocol.events[type] : undefined;
  if (!schema) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as { properties?: Record<string, { type?: unknown; enum?: unknown[]; const?: unknown }>; required?: string[] };
  return Object.entries(properties).map(([name, { type: kind, enum: words, const: word }]) => ({ name, type: words ? words.join(' | ') : word !== undefined ? JSON.stringify(word) : typeof kind === 'string' ? kind : 'any', isRequired: required.includes(name) }));
}
