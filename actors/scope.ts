// Our own actor scope for XState: it collects actions and what was seen instead of running anything, and makes addresses
// stand where XState expects live actors. XState internals are used here and nowhere else.
import { createActor, type AnyActorRef } from 'xstate';
import type { ActorRecord } from './record.ts';
import { inertLogic } from './registry.ts';

/** Marks a reference that stands for an address instead of a child. */
export const addressTag = Symbol('address');

interface Seen { type: string; actorRef?: AnyActorRef; _transitions?: { source: { id: string }; target?: { id: string }[] }[] }
export interface Scope { self: AnyActorRef; seen: Seen[]; actions: { type: string; params: never }[]; forXState: never }

function referTo(address: string): AnyActorRef {
  return Object.assign(createActor(inertLogic, { id: address }), { [addressTag]: address, sessionId: address });
}

export function createScope(record: ActorRecord): Scope {
  const seen: Seen[] = [];
  const actions: Scope['actions'] = [];
  const self = createActor(inertLogic, { id: record.address, inspect: (e: unknown) => void seen.push(e as Seen) }) as never as AnyActorRef & { _parent?: AnyActorRef };
  self.sessionId = record.address; // never leak the process-local `x:1`
  if (record.parent) self._parent = referTo(record.parent.address); // makes sendParent resolvable
  Object.assign(self.system, { _set: () => {}, get: (name: string) => referTo(name) });
  const nothing = () => {};
  const forXState = { self, id: record.address, sessionId: record.address, system: self.system, logger: nothing, defer: nothing, emit: nothing, stopChild: nothing, actionExecutor: (action: never) => void actions.push(action) };
  return { self, seen, actions, forXState: forXState as never };
}
