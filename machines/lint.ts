// Says at definition time what a durable host cannot honour, and what to write instead. Most of these traps are caught neither
// by TypeScript nor by XState in production: a misspelt delay fires at once, a missing actor becomes an undefined child.
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { address } from './address.ts';
import { protocolOf } from './define.ts';
import { KeelsonError, plainError } from './errors.ts';
import { createChecks, useAddress, useSendParent, type Note } from './lint-actions.ts';

export interface Problem {
  at: string;
  rule: string;
  message: string;
}

const stateKeys = new Set('id key type initial states on after always entry exit invoke onDone meta tags description history target output context version schemas types options'.split(' '));
const transitionKeys = new Set('target actions guard reenter meta description delay event source eventType toJSON'.split(' '));
/** Senders of these types are no machines, and some may do more than any machine. */
const reservedIds = new Set(['operator', 'automation', 'job', 'connector', 'store', 'host']);

interface InvokeConfig { src: unknown; id?: string; systemId?: string; onSnapshot?: unknown; input?: unknown }

/** All problems of a machine; empty means it can be hosted durably. */
export function lintMachine(machine: AnyStateMachine): Problem[] {
  const problems: Problem[] = [];
  const note: Note = (at, rule, message) => void problems.push({ at, rule, message });
  const { checkActor, checkDelay, checkGuard, checkAction, checkRegistered } = createChecks(machine.implementations, note);

  const checkKeys = (at: string, config: object, known: Set<string>) => {
    for (const key of Object.keys(config)) if (!known.has(key)) note(at, 'unknown-key', `'${key}' is not a key of XState here; TypeScript does not catch it`);
  };
  const walk = (node: AnyStateNode) => {
    const at = `#${node.id}`;
    checkKeys(at, node.config, stateKeys);
    for (const action of node.entry) checkAction(`${at}.entry`, action);
    for (const action of node.exit) checkAction(`${at}.exit`, action);
    for (const action of [(node.config.initial as { actions?: unknown } | undefined)?.actions ?? []].flat()) checkAction(`${at}.initial`, action);
    for (const { src, id, input, systemId, onSnapshot } of ([] as InvokeConfig[]).concat((node.config.invoke as never) ?? [])) {
      const place = `${at}.invoke(${id ?? '?'})`;
      checkActor(place, src, input);
      if (!id) note(place, 'invoke-id', 'the generated id changes when the state is renamed; add an id');
      if (systemId) note(place, 'system-id', useAddress);
      if (onSnapshot) note(place, 'on-snapshot', `onSnapshot ${useSendParent}`);
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

  checkName(machine, note);
  if (!protocolOf(machine)) note('(root)', 'no-schemas', 'the machine needs schemas for input, events and output; pass protocol({...}).schemas to setup');
  const { context } = machine.config as { context?: unknown };
  const unfit = typeof context === 'function' ? null : whyNotPlain(context, 'context');
  if (unfit) note(unfit.at, 'context-json', `${unfit.what} does not survive JSON; keep plain data in the context, and put behaviour into actions, guards or activities`);
  walk(machine.root as AnyStateNode);
  checkRegistered();
  return problems;
}

function checkName({ id, version, config }: AnyStateMachine, note: Note): void {
  if (!config.id) note('(root)', 'no-id', 'the machine needs an explicit id: it is the type of its actors');
  else if (reservedIds.has(id)) note('(root)', 'bad-id', `the id '${id}' belongs to a part of the system; choose another`);
  else {
    try {
      address(id, '1');
    } catch (error) {
      note('(root)', 'bad-id', `the id becomes the type of its actors, but ${plainError(error).message}`);
    }
  }
  if (!version) note('(root)', 'no-version', 'the machine needs a version: it is stored with every actor');
  else if (version.includes('@')) note('(root)', 'bad-version', `the version '${version}' holds an @, which stands between id and version; leave it out`);
}

/** The first value that JSON would change. A computed context is checked when it is made. */
function whyNotPlain(value: unknown, at: string, depth = 0): { at: string; what: string } | null {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return null;
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  const isPlain = Array.isArray(value) || prototype === Object.prototype || (typeof value === 'object' && prototype === null);
  if (!isPlain || depth > 100) return { at, what: typeof value === 'object' ? `a ${value.constructor?.name ?? 'cycle'}` : typeof value === 'number' ? String(value) : `a ${typeof value}` };
  for (const [key, inner] of Object.entries(value)) {
    const found = whyNotPlain(inner, `${at}.${key}`, depth + 1);
    if (found) return found;
  }
  return null;
}

/** Throws MACHINE_NOT_DURABLE with every problem and its replacement. */
export function assertDurable(machine: AnyStateMachine): void {
  const problems = lintMachine(machine);
  if (problems.length === 0) return;
  const lines = problems.map((p) => `\n  ${p.at}: ${p.message} [${p.rule}]`).join('');
  throw new KeelsonError('MACHINE_NOT_DURABLE', `machine '${machine.id}' cannot be hosted durably:${lines}`);
}
