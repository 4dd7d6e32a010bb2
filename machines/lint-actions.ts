// The part of the lint that looks into actions, actors, delays and guards: what XState would run, and we only record.
import { activityOf, isRecord, protocolOf } from './define.ts';
import { firstIssue } from './errors.ts';
import { isReservedType } from './message.ts';

export interface Implementations {
  actors: Record<string, unknown>;
  actions: Record<string, unknown>;
  guards: Record<string, unknown>;
  delays: Record<string, unknown>;
}
/** Notes what is wrong, where, under which name, and what to write instead. */
export type Note = (at: string, rule: string, message: string) => void;
/** XState's built-in actions are functions with `resolve`, a type and their arguments. */
interface BuiltIn {
  type: string;
  resolve?: unknown;
  src?: unknown;
  id?: unknown;
  systemId?: unknown;
  syncSnapshot?: unknown;
  input?: unknown;
  delay?: unknown;
  event?: unknown;
  to?: unknown;
  actorRef?: unknown;
  name?: string;
}

export const useAddress = 'systemId lives in one process; address actors with system.get(address)';
export const useSendParent = 'is not durable; let the child sendParent what the parent needs';

export function createChecks(impl: Implementations, note: Note) {
  /** Named actions that were looked at where they are used. */
  const used = new Set<string>();

  /** Also what it is given: the schema would refuse it each time. */
  const checkActor = (at: string, src: unknown, input: unknown) => {
    if (typeof src !== 'string') return note(at, 'inline-actor', 'inline actor logic has no name to store; register it in setup({actors}) and use its name');
    const logic = impl.actors[src];
    if (!logic) return note(at, 'unknown-actor', `actor '${src}' is not registered; add it to setup({actors})`);
    const schema = activityOf(logic)?.input ?? protocolOf(logic as never)?.input;
    if (typeof input === 'function' || !schema) return;
    const parsed = schema.safeParse(input);
    if (!parsed.success) note(at, input === undefined ? 'no-input' : 'bad-input', `'${src}' ${input === undefined ? 'gets no input, which its schema refuses' : `gets input that its schema refuses: ${firstIssue(parsed.error)}`}; add {input} as the schema describes it`);
  };

  const checkDelay = (at: string, delay: unknown) => {
    if (typeof delay === 'string' && Number.isNaN(Number(delay)) && !(delay in impl.delays)) note(at, 'unknown-delay', `delay '${delay}' is not registered and would fire at once; add it to setup({delays})`);
    if (typeof delay === 'number' && !(delay >= 0)) note(at, 'bad-delay', `delay ${delay} is not a number of milliseconds; use 0 or more`);
  };

  const checkGuard = (at: string, guard: unknown): void => {
    if (guard === undefined) return;
    if (typeof guard === 'function') {
      for (const inner of (guard as { guards?: unknown[] }).guards ?? []) checkGuard(at, inner);
      return;
    }
    const name = typeof guard === 'string' ? guard : (guard as { type: string }).type;
    const found = impl.guards[name];
    if (!found) note(at, 'unknown-guard', `guard '${name}' is not registered; add it to setup({guards})`);
    else if (typeof found !== 'function') checkGuard(at, found);
  };

  const checkAction = (at: string, action: unknown): void => {
    if (typeof action === 'string' || (typeof action === 'object' && action !== null)) {
      const name = typeof action === 'string' ? action : (action as { type: string }).type;
      used.add(name);
      const found = impl.actions[name];
      if (!found) note(at, 'unknown-action', `action '${name}' is not registered; use one of the records of #machines/define.ts, assign, sendTo, raise or an activity`);
      else checkNamed(at, name, found);
    } else if (typeof action === 'function') {
      if ('resolve' in action) checkBuiltIn(at, action as unknown as BuiltIn);
      else note(at, 'inline-action', `inline function '${action.name || 'anonymous'}' cannot be recorded; use assign, raise, sendTo, a record or an activity`);
    }
  };
  const checkNamed = (at: string, name: string, found: unknown) => {
    if (typeof found === 'function' && 'resolve' in found) checkBuiltIn(at, found as unknown as BuiltIn);
    else if (!isRecord(found)) note(at, 'action-body', `the body of action '${name}' would never run; record it with #machines/define.ts or make it an activity`);
  };

  const checkBuiltIn = (at: string, action: BuiltIn) => {
    const { type, event, id, to } = action;
    if (type === 'xstate.spawnChild') {
      checkActor(at, action.src, action.input);
      if (id === undefined) note(at, 'spawn-id', 'spawnChild needs an explicit id; add {id}');
      if (action.systemId) note(at, 'system-id', useAddress);
      if (action.syncSnapshot) note(at, 'sync-snapshot', `syncSnapshot ${useSendParent}`);
    }
    for (const target of [to, action.actorRef]) if (typeof target === 'object' && target !== null) note(at, 'live-reference', 'a reference to a running actor lives in one process; use the id of a child, or system.get(address)');
    if (type !== 'xstate.sendTo' && type !== 'xstate.raise') return;
    const eventType = (event as { type?: unknown } | undefined)?.type;
    if (type === 'xstate.raise' && String(eventType).startsWith('xstate.after.')) return; // seen at its `after`
    checkDelay(at, action.delay);
    if (typeof id === 'function') note(at, 'send-id', 'the id of a delayed event is not computed by XState; write a text, or enqueue it with a computed text in enqueueActions');
    if (typeof event === 'string') note(at, 'event-object', `'${event}' is no event; write {type: '${event}'}`);
    if (typeof eventType === 'string' && isReservedType(eventType)) note(at, 'reserved-event', `the event type '${eventType}' is reserved for the host; give the event a name of your own`);
  };

  /** `enqueueActions` may name any of them, which nobody can see before it runs. */
  const checkRegistered = () => {
    for (const [name, delay] of Object.entries(impl.delays)) checkDelay(`delays.${name}`, delay);
    for (const [name, guard] of Object.entries(impl.guards)) checkGuard(`guards.${name}`, guard);
    for (const [name, action] of Object.entries(impl.actions)) if (!used.has(name)) checkNamed(`actions.${name}`, name, action);
    for (const [name, logic] of Object.entries(impl.actors)) {
      if (!activityOf(logic) && !(logic as { root?: unknown }).root) note(`actors.${name}`, 'actor-kind', 'only activity(...) and state machines can be resumed; turn promises, callbacks, observables and reducers into an activity or a machine');
    }
  };

  return { checkActor, checkDelay, checkGuard, checkAction, checkRegistered };
}
