// Our own actor scope for XState: it collects actions and what was seen instead of running anything, and makes addresses
// stand where XState expects live actors. XState internals are used here and nowhere else.
import { createActor, type AnyActorRef } from 'xstate';
import type { ActorRecord } from './record.ts';
import { inertLogic } from './registry.ts';

/** Marks a reference that stands for an address instead of a child. */
export const addressTag = Symbol('address');

interface Inspected { type: string; actorRef: AnyActorRef; _transitions?: { source: { id: string }; target?: { id: string }[] }[] }
export interface Scope {
  self: AnyActorRef;
  /** What was asked for, in order. A child appears as `spawned` where it was made, be it by `invoke`, `spawnChild` or inside `assign`. */
  actions: { type: string; params: never }[];
  /** `source -> target` of each transition taken, in order. */
  taken: string[];
  /** Forgets what was seen so far. */
  clear(): void;
  forXState: never;
}

/** The type under which a made child stands among the actions. */
export const spawned = 'keelson.spawned';

function referTo(address: string): AnyActorRef {
  return Object.assign(createActor(inertLogic, { id: address }), { [addressTag]: address, sessionId: address });
}

export function createScope(record: ActorRecord): Scope {
  const actions: Scope['actions'] = [];
  const taken: string[] = [];
  const clear = () => void (actions.length = taken.length = 0);
  const inspect = ({ type, actorRef, _transitions = [] }: Inspected) => {
    if (type === '@xstate.actor') actions.push({ type: spawned, params: actorRef as never });
    if (type === '@xstate.microstep') taken.push(..._transitions.map(({ source, target }) => `${source.id} -> ${target?.map(({ id }) => id).join(', ') ?? '(stays)'}`));
  };
  const self = createActor(inertLogic, { id: record.address, inspect: inspect as never }) as never as AnyActorRef & { _parent?: AnyActorRef };
  clear(); // it saw itself being made
  self.sessionId = record.address; // never leak the process-local `x:1`
  if (record.parent) self._parent = referTo(record.parent.address); // makes sendParent resolvable
  Object.assign(self.system, { _set: () => {}, get: (name: string) => referTo(name) });
  const nothing = () => {};
  const forXState = { self, id: record.address, sessionId: record.address, system: self.system, logger: nothing, defer: nothing, emit: nothing, stopChild: nothing, actionExecutor: (action: never) => void actions.push(action) };
  return { self, actions, taken, clear, forXState: forXState as never };
}
