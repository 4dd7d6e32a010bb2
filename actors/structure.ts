// Does a stored state fit the structure of a machine? Strict, because whatever fits goes on without anybody being asked: every state,
// child and deadline of the record must exist in the machine, and the machine must not wait for anything that the record lacks.
import type { AnyStateNode } from 'xstate';
import { typeOf } from '#machines/address.ts';
import { splitKey } from '#machines/define.ts';
import { firstIssue } from '#machines/errors.ts';
import { jobAddress } from './effects.ts';
import type { ActorRecord } from './record.ts';
import type { Definition } from './registry.ts';

const isAfter = (type: string) => type.startsWith('xstate.after.');

/** The reason, or null when it fits. An actor that never started has nothing to fit. */
export function whyUnfit(definition: Definition, record: ActorRecord): string | null {
  if (record.snapshot.value === null) return null;
  const active: AnyStateNode[] = [];
  return enter(definition.machine.root as AnyStateNode, record.snapshot.value, active)
    ?? whyNotEnded(active) ?? whyNotHistory(definition, record) ?? whyNotContext(definition, record)
    ?? whyNotChildren(definition, record, active) ?? whyNotTimers(definition, record, active);
}

/** The states that a value names, outermost first. Null when the value names something else. */
export function activeStates(definition: Definition, value: unknown): AnyStateNode[] | null {
  const active: AnyStateNode[] = [];
  return enter(definition.machine.root as AnyStateNode, value, active) === null ? active : null;
}

function enter(node: AnyStateNode, value: unknown, active: AnyStateNode[]): string | null {
  active.push(node);
  const parts: [string, unknown][] = typeof value === 'string' ? [[value, undefined]] : Object.entries(value ?? {});
  if (node.type !== 'compound' && node.type !== 'parallel') return parts.length === 0 ? null : `the state '${node.id}' has no inner states`;
  if (node.type === 'compound' && parts.length !== 1) return `the state '${node.id}' has inner states, and ${parts.length} of them are stored instead of one`;
  const regions = Object.values(node.states as Record<string, AnyStateNode>).filter(({ type }) => type !== 'history');
  const missing = node.type === 'parallel' ? regions.find(({ key }) => !parts.some(([name]) => name === key)) : undefined;
  if (missing) return `the region '${missing.id}' is not stored`;
  for (const [key, inner] of parts) {
    const child = regions.find((region) => region.key === key);
    if (!child) return `there is no state '${node.id}.${key}'`;
    const reason = enter(child, inner, active);
    if (reason !== null) return reason;
  }
  return null;
}

function whyNotEnded(active: AnyStateNode[]): string | null {
  const final = active.find(({ type, parent }) => type === 'final' && parent?.parent === undefined);
  return final ? `the state '${final.id}' is final, but the actor has not ended` : null;
}

function whyNotHistory({ machine }: Definition, { snapshot }: ActorRecord): string | null {
  const remembered = Object.values((snapshot['historyValue'] ?? {}) as Record<string, { id: string }[]>).flat();
  const gone = remembered.find(({ id }) => !hasState(machine, id));
  return gone ? `there is no state '${gone.id}', which a history state remembers` : null;
}

export function hasState(machine: Definition['machine'], id: string): boolean {
  try {
    return machine.getStateNodeById(id) !== undefined;
  } catch {
    return false;
  }
}

function whyNotContext({ protocol }: Definition, { snapshot }: ActorRecord): string | null {
  const parsed = protocol.context.safeParse(snapshot.context);
  return parsed.success ? null : `context.${firstIssue(parsed.error, ': ')}`;
}

function whyNotChildren(definition: Definition, { children }: ActorRecord, active: AnyStateNode[]): string | null {
  for (const [id, { kind, src, address, settled }] of Object.entries(children)) {
    if (settled) continue;
    const activity = definition.activity(src);
    const known = Object.hasOwn(definition.machine.implementations.actors, src);
    const same = known && (kind === 'activity' ? activity !== undefined && jobAddress(activity.name) === address : activity === undefined && splitKey(definition.childKey(src))[0] === typeOf(address));
    if (!same) return `its child '${id}' was made of '${src}' (${typeOf(address)}), which it does not have`;
  }
  for (const node of active) {
    for (const { id, src } of node.invoke) {
      if (children[id]?.src !== src) return `the state '${node.id}' invokes '${id}', which does not run`;
    }
  }
  return null;
}

function whyNotTimers({ machine }: Definition, { timers }: ActorRecord, active: AnyStateNode[]): string | null {
  const own = Object.values(timers).filter(({ to }) => to === null).map(({ event }) => event.type);
  const due = deadlinesOf(active).map(({ eventType }) => eventType);
  const gone = own.find((type) => (isAfter(type) ? !due.includes(type) : !knows(machine.events as string[], type)));
  if (gone !== undefined) return `the deadline '${gone}' is running, and nothing waits for it`;
  const missing = due.find((type) => !own.includes(type));
  return missing === undefined ? null : `the deadline '${missing}' is not running`;
}

/** The `after` of these states; of several under one name only the first. */
export function deadlinesOf(active: AnyStateNode[]): { eventType: string; delay: unknown }[] {
  const found = new Map<string, { eventType: string; delay: unknown }>();
  for (const { eventType, delay } of active.flatMap((node) => node.after)) if (!found.has(eventType)) found.set(eventType, { eventType, delay });
  return [...found.values()];
}

const knows = (descriptors: string[], type: string) => descriptors.some((descriptor) => descriptor === type || descriptor === '*' || (descriptor.endsWith('.*') && `${type}.`.startsWith(descriptor.slice(0, -1))));
