// START HERE for the semantics. One message and one record give the next record and everything the step asks for, as data.
// Pure: no clock (`nowMs` is given), no I/O. XState computes the transition through our own scope, so no custom action runs
// and nothing is started; `effects.ts` turns the actions it returns into durable operations.
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { typeOf } from '#machines/address.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { isReservedType, type Body, type Message } from '#machines/message.ts';
import { keepAsks } from './asks.ts';
import { collectEffects, type Effects } from './effects.ts';
import { assertPlainJson } from './plain-json.ts';
import { holdFailed, isHeldOnFailure, withHold } from './hold.ts';
import type { ActorRecord } from './record.ts';
import type { Definition } from './registry.ts';
import { createScope, type Scope } from './scope.ts';

export interface Step {
  /** `ignored`: nothing changed, and `note` says why. */
  outcome: 'applied' | 'ignored' | 'refused';
  note: string | null;
  record: ActorRecord | null;
  effects: Effects;
  /** `source -> target` of each transition taken, in order. */
  taken: string[];
}

/** Applies one message. Throws only when the host's rules are broken (not JSON, not addressable): the message is then parked. */
export function step(definition: Definition, previous: ActorRecord | null, message: Message<Body>, nowMs: number): Step {
  return withHold(apply, definition, previous, message, nowMs);
}

/** `fresh`: from the beginning, also when there is somebody already. `stop`: it ends as failed, for this reason. */
export interface How { fresh?: boolean; stop?: string }

function apply(definition: Definition, previous: ActorRecord | null, message: Message<Body>, nowMs: number, { fresh = false, stop }: How = {}): Step {
  const { body, to: address } = message;
  const reject = (outcome: 'ignored' | 'refused', note: string): Step => ({ outcome, note, record: previous, effects: collectEffects.none(), taken: [] });
  if (body.kind === 'start' ? previous && !fresh : !previous) return reject('ignored', previous ? 'already started' : 'no such actor');
  if (previous && previous.status !== 'active') return reject('ignored', `the actor is ${previous.status}`);
  const record: ActorRecord = previous
    ? { ...previous, structure: definition.hash, rev: previous.rev + 1, children: { ...previous.children }, timers: { ...previous.timers } }
    : { address, machine: definition.key, structure: definition.hash, rev: 0, status: 'active', parent: (body.kind === 'start' && body.parent) || null, snapshot: { value: null, context: null }, children: {}, timers: {}, ...(body.kind === 'start' && definition.protocol.supervise?.how === 'fresh' ? { input: body.input } : {}) };

  const event = stop === undefined ? toEvent(definition, record, message) : { event: { type: 'xstate.stop' } };
  if ('outcome' in event) {
    const rejected = reject(event.outcome, event.note);
    // A parent waits for its child: it must hear that the child was never born.
    return event.outcome === 'refused' && record.rev === 0 && record.parent?.address === message.from ? { ...rejected, effects: collectEffects.stillborn(record, message.id, event.note) } : rejected;
  }
  if (event.forwardTo) return { outcome: 'applied', note: null, record, effects: collectEffects.forward(record, event.forwardTo, event.event), taken: [] };

  const scope = createScope(record);
  const before = previous && !fresh && previous.snapshot.value !== null ? restore(definition, previous, scope) : undefined;
  scope.clear(); // restoring shows the children again; they are not new
  let next: AnyMachineSnapshot;
  let failed = false;
  try {
    if (stop !== undefined) throw new KeelsonError('STOPPED', stop);
    next = before ? definition.machine.transition(before, event.event, scope.forXState) : definition.machine.getInitialSnapshot(scope.forXState, event.event.input as never);
  } catch (error) {
    // The same as the live interpreter: an actor that throws ends in status error, its half-made actions are forgotten.
    failed = true;
    next = { ...(before ?? { value: null, context: null }), status: 'error', error } as never;
  }
  if (next.status === 'error') {
    scope.clear();
    failed = true;
  }
  if (next === before && scope.actions.length === 0 && body.kind === 'event') return reject('ignored', `no transition for '${body.event.type}' in ${JSON.stringify(before.value)}`);

  const output = checkOutput(definition, next);
  if (output.problem) {
    failed = true;
    scope.clear();
    next = { ...next, status: 'error', error: { code: 'BAD_OUTPUT', message: output.problem } } as never;
  }
  if (failed && stop === undefined && isHeldOnFailure(definition, record)) return holdFailed(definition, previous, record, message, plainError(next.error), nowMs);
  record.status = next.status;
  const effects = collectEffects({ definition, record, scope, before, next, nowMs, fresh });
  keepAsks(record, effects);
  const persisted = persist(definition, failed ? before : next, record);
  record.snapshot = failed ? { ...persisted, status: 'error', error: plainError(next.error) } : persisted;
  // Before XState made references to actors into something that only looks like data.
  if (!failed) assertPlainJson(next.context, 'context');
  assertPlainJson(record.snapshot.output, 'output');
  return { outcome: 'applied', note: failed ? plainError(next.error).message : null, record, effects, taken: scope.taken };
}

type Incoming = { event: AnyEventObject; forwardTo?: string } | { outcome: 'ignored' | 'refused'; note: string };

/**
 * The only place where `xstate.*` events are made. Takes the timer or child result off the record. Generations can be guessed,
 * so what the host says on an actor's behalf is taken from that actor alone: the sender stands in the subject.
 */
function toEvent(definition: Definition, record: ActorRecord, { body, from }: Message<Body>): Incoming {
  const stale = (what: string): Incoming => ({ outcome: 'ignored', note: `stale ${what}` });
  const forged = (): Incoming => ({ outcome: 'refused', note: `this '${body.kind}' may not come from ${from}` });
  switch (body.kind) {
    case 'start': {
      if (body.parent && body.parent.address !== from) return forged();
      const input = definition.protocol.input.safeParse(body.input);
      return input.success ? { event: { type: 'xstate.init', input: input.data } } : { outcome: 'refused', note: `input: ${firstIssue(input.error)}` };
    }
    case 'event': {
      const { type, ...fields } = body.event;
      if (isReservedType(type)) return { outcome: 'refused', note: `the event type '${type}' is reserved` };
      const schema = Object.hasOwn(definition.protocol.events, type) ? definition.protocol.events[type] : undefined;
      if (!schema) return { outcome: 'ignored', note: `'${definition.id}' knows no event '${type}'` };
      if (definition.protocol.operatorOnly?.includes(type) && typeOf(from) !== 'operator') return { outcome: 'refused', note: `'${type}' may only come from the operator, not from ${from}` };
      const parsed = schema.safeParse(definition.protocol.hearsSender ? { ...fields, from } : fields);
      return parsed.success ? { event: { ...(parsed.data as object), type } } : { outcome: 'refused', note: `event ${type}: ${firstIssue(parsed.error)}` };
    }
    case 'timer': {
      const timer = record.timers[body.timer];
      if (timer?.gen !== body.gen) return stale('timer');
      if (from !== record.address) return forged();
      delete record.timers[body.timer];
      return timer.to ? { event: timer.event, forwardTo: timer.to } : { event: timer.event };
    }
    case 'done':
    case 'error': {
      const child = record.children[body.child];
      if (child?.gen !== body.gen || child.settled) return stale('child result');
      if (from !== child.address) return forged();
      record.children[body.child] = { ...child, settled: true };
      return body.kind === 'done'
        ? { event: { type: `xstate.done.actor.${body.child}`, output: body.output, actorId: body.child } }
        : { event: { type: `xstate.error.actor.${body.child}`, error: body.error, actorId: body.child } };
    }
    case 'next':
      return stale('turn');
    case 'stop':
      if (record.parent && record.parent.gen !== body.gen) return stale('stop');
      if (record.parent ? from !== record.parent.address : typeOf(from) !== 'operator') return forged();
      if (definition.protocol.keepsOn?.includes(String(record.snapshot.value))) return { outcome: 'ignored', note: `it is ${String(record.snapshot.value)}, so it ends by itself` };
      return { event: { type: 'xstate.stop' } };
  }
}

function restore(definition: Definition, record: ActorRecord, scope: Scope): AnyMachineSnapshot {
  // An empty context skips XState's reviving of actor references, which mutates what it is given; ours is plain JSON already.
  const snapshot = definition.machine.restoreSnapshot({ ...record.snapshot, context: {} } as never, scope.forXState);
  return Object.assign(snapshot, { context: record.snapshot.context });
}

function persist(definition: Definition, snapshot: AnyMachineSnapshot | undefined, record: ActorRecord): ActorRecord['snapshot'] {
  if (!snapshot) return { value: null, context: null };
  // XState would walk the whole context for references to actors; ours is checked to have none.
  const { children: _, ...persisted } = definition.machine.getPersistedSnapshot({ ...snapshot, context: {} } as never) as unknown as Record<string, unknown>;
  persisted['context'] = snapshot.context;
  const children = record.status === 'active' ? Object.fromEntries(Object.entries(record.children).map(([id, child]) => [id, { src: child.src, snapshot: { status: 'active' } }])) : {};
  return { ...persisted, children } as unknown as ActorRecord['snapshot'];
}

function checkOutput(definition: Definition, next: AnyMachineSnapshot): { problem?: string } {
  if (next.status !== 'done') return {};
  const output = definition.protocol.output.safeParse(next.output);
  if (!output.success) return { problem: `output of ${definition.key}: ${firstIssue(output.error)}` };
  return {};
}

function firstIssue(error: { issues: { path: PropertyKey[]; message: string }[] }): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join('.') || '(value)'}: ${issue.message}` : 'invalid';
}
