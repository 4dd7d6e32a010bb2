// What stands in a machine, in words a person can read: actions, guards, delays and events, also those that have no name of their own.
import type { AnyStateMachine } from 'xstate';

/** XState's built-in actions and guards are functions with their arguments on them. */
interface BuiltIn { type?: string; name: string; event?: unknown; to?: unknown; delay?: unknown; sendId?: unknown; assignment?: unknown; src?: unknown; actorRef?: unknown; label?: unknown; value?: unknown; guards?: unknown[]; check?: { name: string }; stateValue?: unknown }
type Named = { type: string; params?: unknown };

const textMax = 60;
/** Names that a function only has from the property it stands in. */
const nameless = ['', 'guard', 'actions', 'entry', 'exit', 'anonymous'];

/** Of a machine's `entry`, `exit` or `actions`, without what XState adds for deadlines. */
export function actionNames(actions: readonly unknown[]): string[] {
  return actions.filter((action) => {
    const { event, sendId } = action as BuiltIn;
    const id = (event as { type?: unknown } | undefined)?.type ?? sendId;
    return !(typeof id === 'string' && id.startsWith('xstate.after.'));
  }).map(actionName);
}

function actionName(action: unknown): string {
  if (typeof action === 'string') return action;
  if (typeof action !== 'function') return withParams(action as Named);
  const { type, event, to, delay, sendId, assignment, src, actorRef, label, value, ...rest } = action as unknown as BuiltIn;
  const later = delay === undefined ? '' : ` ${typeof delay === 'function' ? 'later' : `after ${delayName(delay)}`}`;
  switch (type) {
    case 'xstate.assign': return typeof assignment === 'function' ? 'assign' : `assign ${Object.keys(assignment as object).join(', ')}`;
    case 'xstate.raise': return `raise ${eventName(event)}${later}`;
    case 'xstate.sendTo': return `send ${eventName(event)}${to === '#_parent' ? ' to parent' : typeof to === 'string' ? ` to ${to}` : ''}${later}`;
    case 'xstate.emit': return `emit ${eventName(event)}`;
    case 'xstate.cancel': return typeof sendId === 'string' ? `cancel ${sendId}` : 'cancel';
    case 'xstate.log': return typeof (label ?? value) === 'string' ? `log ${String(label ?? value)}` : 'log';
    case 'xstate.spawnChild': return typeof src === 'string' ? `start ${src}` : 'start an inline actor';
    case 'xstate.stopChild': return typeof actorRef === 'string' ? `stop ${actorRef}` : 'stop a child';
    case 'xstate.enqueueActions': return 'choose actions';
    default: return functionName(action, { ...rest, name: action.name }.name, 'inline action');
  }
}

/** `undefined` where nothing is asked. */
export function guardName(guard: unknown): string | undefined {
  if (guard === undefined) return undefined;
  if (typeof guard === 'string') return guard;
  if (typeof guard !== 'function') return withParams(guard as Named);
  const { check, guards = [], stateValue, name } = guard as unknown as BuiltIn;
  const inner = guards.map((one) => guardName(one)!);
  const nested = inner.map((text) => (/ (and|or) /.test(text) ? `(${text})` : text));
  switch (check?.name) {
    case 'checkNot': return `not ${nested[0]}`;
    case 'checkAnd': return nested.join(' and ');
    case 'checkOr': return nested.join(' or ');
    case 'checkStateIn': return `in ${typeof stateValue === 'string' ? stateValue : JSON.stringify(stateValue)}`;
    default: return functionName(guard, name, 'inline guard');
  }
}

/** Milliseconds in words; a name with its time where that is fixed. */
export function delayName(delay: unknown, delays: AnyStateMachine['implementations']['delays'] = {}): string {
  const ms = Number(delay);
  if (delay !== '' && Number.isFinite(ms)) return spanName(ms);
  const name = String(delay);
  const fixed = Object.hasOwn(delays, name) ? delays[name] : undefined;
  return typeof fixed === 'number' ? `${name} (${spanName(fixed)})` : name;
}

const units: [ms: number, word: string][] = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1_000, 's'], [1, 'ms']];

function spanName(ms: number): string {
  const parts: string[] = [];
  let rest = ms;
  for (const [size, word] of units) {
    const whole = Math.floor(rest / size);
    if (whole > 0) parts.push(`${whole} ${word}`);
    rest -= whole * size;
  }
  return parts.length === 0 ? `${ms} ms` : parts.join(' ');
}

const eventName = (event: unknown) => (typeof event === 'object' && event !== null ? String((event as { type: unknown }).type) : 'an event');

function withParams({ type, params }: Named): string {
  if (params === undefined || typeof params === 'function') return type;
  return `${type} ${short(Object.entries(params as object).map(([name, value]) => `${name}: ${typeof value === 'function' ? '…' : JSON.stringify(value)}`).join(', '))}`;
}

/** A function that nobody named is shown by what it says, if that is short. */
function functionName(written: unknown, name: string, otherwise: string): string {
  if (!nameless.includes(name)) return name;
  const [, body = ''] = /^[^{]*?(?:\{[^{}]*\}[^{}=]*)?=>\s*([^]*)$/.exec(String(written)) ?? [];
  const text = body.replaceAll(/\s+/g, ' ').trim();
  return text === '' || text.startsWith('{') || text.length > textMax ? otherwise : text;
}

const short = (text: string) => (text.length > textMax ? `${text.slice(0, textMax - 1)}…` : text);
