// Says at definition time what a durable host cannot honour, and what to write instead. Most of these traps are caught neither
// by TypeScript nor by XState in production: a misspelt delay fires at once, a missing actor becomes an undefined child.
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { activityOf, isRecord, protocolOf } from './define.ts';
import { KeelsonError } from './errors.ts';

export interface Problem {
  at: string;
  rule: string;
  message: string;
}

const stateKeys = new Set('id key type initial states on after always entry exit invoke onDone meta tags description history target output context version schemas types options'.split(' '));
const transitionKeys = new Set('target actions guard reenter meta description delay event source eventType toJSON'.split(' '));

interface Implementations {
  actors: Record<string, unknown>;
  actions: Record<string, unknown>;
  guards: Record<string, unknown>;
  delays: Record<string, unknown>;
}
/** XState's built-in actions are functions with `resolve`, a type and their arguments. */
interface BuiltIn {
  type: string;
  resolve?: unknown;
  src?: unknown;
  id?: unknown;
  systemId?: unknown;
  syncSnapshot?: unknown;
  delay?: unknown;
  event?: unknown;
  name?: string;
}

/** All problems of a machine; empty means it can be hosted durably. */
export function lintMachine(machine: AnyStateMachine): Problem[] {
  const problems: Problem[] = [];
  const impl = machine.implementations as unknown as Implementations;
  const problem = (at: string, rule: string, message: string) => void problems.push({ at, rule, message });

  const checkActor = (at: string, src: unknown) => {
    if (typeof src !== 'string') problem(at, 'inline-actor', 'inline actor logic has no name to store; register it in setup({actors}) and use its name');
    else if (!impl.actors[src]) problem(at, 'unknown-actor', `actor '${src}' is not registered; add it to setup({actors})`);
  };
  const checkDelay = (at: string, delay: unknown) => {
    if (typeof delay === 'string' && Number.isNaN(Number(delay)) && !(delay in impl.delays)) problem(at, 'unknown-delay', `delay '${delay}' is not registered and would fire at once; add it to setup({delays})`);
    if (typeof delay === 'number' && !(delay >= 0)) problem(at, 'bad-delay', `delay ${delay} is not a number of milliseconds; use 0 or more`);
  };
  const checkGuard = (at: string, guard: unknown): void => {
    if (guard === undefined) return;
    if (typeof guard === 'function') {
      for (const inner of (guard as { guards?: unknown[] }).guards ?? []) checkGuard(at, inner);
      return;
    }
    const name = typeof guard === 'string' ? guard : (guard as { type: string }).type;
    const found = impl.guards[name];
    if (!found) problem(at, 'unknown-guard', `guard '${name}' is not registered; add it to setup({guards})`);
    else if (typeof found !== 'function') checkGuard(at, found);
  };
  const checkAction = (at: string, action: unknown): void => {
    if (typeof action === 'string' || (typeof action === 'object' && action !== null)) {
      const name = typeof action === 'string' ? action : (action as { type: string }).type;
      const found = impl.actions[name];
      if (!found) problem(at, 'unknown-action', `action '${name}' is not registered; use one of the records of #machines/define.ts, assign, sendTo, raise or an activity`);
      else if (typeof found === 'function' && 'resolve' in found) checkBuiltIn(at, found as unknown as BuiltIn);
      else if (!isRecord(found)) problem(at, 'action-body', `the body of action '${name}' would never run; record it with #machines/define.ts or make it an activity`);
    } else if (typeof action === 'function') {
      if ('resolve' in action) checkBuiltIn(at, action as unknown as BuiltIn);
      else problem(at, 'inline-action', `inline function '${action.name || 'anonymous'}' cannot be recorded; use assign, raise, sendTo, a record or an activity`);
    }
  };
  const checkBuiltIn = (at: string, action: BuiltIn) => {
    if (action.type === 'xstate.spawnChild') {
      checkActor(at, action.src);
      if (action.id === undefined) problem(at, 'spawn-id', 'spawnChild needs an explicit id; add {id}');
      if (action.systemId) problem(at, 'system-id', 'systemId lives in one process; address actors with system.get(address)');
      if (action.syncSnapshot) problem(at, 'sync-snapshot', 'syncSnapshot is not durable; let the child sendParent what the parent needs');
    }
    const isAfter = String((action.event as { type?: unknown } | undefined)?.type).startsWith('xstate.after.'); // seen at its `after`
    if (action.type === 'xstate.sendTo' || (action.type === 'xstate.raise' && !isAfter)) checkDelay(at, action.delay);
  };
  const checkKeys = (at: string, config: object, known: Set<string>) => {
    for (const key of Object.keys(config)) if (!known.has(key)) problem(at, 'unknown-key', `'${key}' is not a key of XState here; TypeScript does not catch it`);
  };
  const walk = (node: AnyStateNode) => {
    const at = `#${node.id}`;
    checkKeys(at, node.config, stateKeys);
    for (const action of node.entry) checkAction(`${at}.entry`, action);
    for (const action of node.exit) checkAction(`${at}.exit`, action);
    for (const invoke of ([] as { src: unknown; id?: string; systemId?: string; onSnapshot?: unknown }[]).concat((node.config.invoke as never) ?? [])) {
      const place = `${at}.invoke(${invoke.id ?? '?'})`;
      checkActor(place, invoke.src);
      if (!invoke.id) problem(place, 'invoke-id', 'the generated id changes when the state is renamed; add an id');
      if (invoke.systemId) problem(place, 'system-id', 'systemId lives in one process; address actors with system.get(address)');
      if (invoke.onSnapshot) problem(place, 'on-snapshot', 'onSnapshot is not durable; let the child sendParent what the parent needs');
    }
    for (const delay of Object.keys(node.config.after ?? {})) checkDelay(`${at}.after`, Number.isNaN(Number(delay)) ? delay : Number(delay));
    const transitions = [...node.transitions.values()].flat().concat(node.always ?? []);
    for (const transition of transitions) {
      const place = `${at}.on(${String(transition.eventType) || 'always'})`;
      checkKeys(place, transition, transitionKeys);
      checkGuard(place, transition.guard);
      for (const action of transition.actions) checkAction(place, action);
    }
    for (const child of Object.values(node.states)) walk(child as AnyStateNode);
  };

  if (!machine.config.id) problem('(root)', 'no-id', 'the machine needs an explicit id: it is the type of its actors');
  if (!machine.version) problem('(root)', 'no-version', 'the machine needs a version: it is stored with every actor');
  if (!protocolOf(machine)) problem('(root)', 'no-schemas', 'the machine needs schemas for input, events and output; pass protocol({...}).schemas to setup');
  for (const [name, logic] of Object.entries(impl.actors)) {
    if (!activityOf(logic) && !(logic as { root?: unknown }).root) problem(`actors.${name}`, 'actor-kind', 'only activity(...) and state machines can be resumed; turn promises and callbacks into an activity');
  }
  walk(machine.root as AnyStateNode);
  return problems;
}

/** Throws MACHINE_NOT_DURABLE with every problem and its replacement. */
export function assertDurable(machine: AnyStateMachine): void {
  const problems = lintMachine(machine);
  if (problems.length === 0) return;
  const lines = problems.map((p) => `\n  ${p.at}: ${p.message} [${p.rule}]`).join('');
  throw new KeelsonError('MACHINE_NOT_DURABLE', `machine '${machine.id}' cannot be hosted durably:${lines}`);
}
