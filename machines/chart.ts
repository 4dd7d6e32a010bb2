// A machine as plain data that can be drawn, listed and exported: its states and its transitions, each exactly once, with readable names.
// Pure, and small enough for a browser, which says with it what is active and what was just taken.
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { actionNames, delayName, guardName } from './chart-names.ts';

export interface ChartNode {
  id: string;
  key: string;
  parent: string | null;
  type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Of a compound state: the inner state it begins in. */
  initial: string | null;
  history: 'shallow' | 'deep' | null;
  tags: string[];
  description: string | null;
  entry: string[];
  exit: string[];
  invoke: { id: string; src: string }[];
}

export interface ChartEdge {
  /** A transition with several targets gives several edges; all begin with its number: `7`, `7.1`. */
  id: string;
  source: string;
  /** null: the state stays. */
  target: string | null;
  /** As XState names it. */
  event: string;
  /** The event in words, with its guard. */
  label: string;
  guard: string | null;
  actions: string[];
  /** `initial`: where a compound state begins, and what a history state without a memory means. */
  kind: 'event' | 'always' | 'after' | 'done' | 'error' | 'initial';
  reenter: boolean;
}

export interface Chart { id: string; version: string; nodes: ChartNode[]; edges: ChartEdge[] }

interface Transition { target?: readonly AnyStateNode[] | undefined; guard?: unknown; actions: readonly unknown[]; eventType: string; delay?: unknown; reenter: boolean }

export function toChart(machine: AnyStateMachine): Chart {
  const nodes: ChartNode[] = [];
  const edges: ChartEdge[] = [];
  let count = 0;
  const add = (node: AnyStateNode, { target, guard: given, actions, eventType, delay, reenter }: Transition, kind = kindOf(eventType)) => {
    const guard = guardName(given) ?? null;
    const words = wordsOf(machine, node, eventType, kind, delay);
    const number = count++;
    const targets = target && target.length > 0 ? target.map(({ id }) => id) : [null];
    for (const [i, to] of targets.entries()) {
      edges.push({ id: i === 0 ? String(number) : `${number}.${i}`, source: node.id, target: to, event: eventType, label: guard === null ? words : `${words} [${guard}]`, guard, actions: actionNames(actions), kind, reenter });
    }
  };
  const walk = (node: AnyStateNode) => {
    const { id, key, parent, type, history, tags, description, entry, exit, invoke } = node;
    const begin = type === 'compound' ? node.initial as unknown as Transition : null;
    nodes.push({
      id, key, parent: parent?.id ?? null, type, initial: begin?.target?.[0]?.id ?? null, history: history || null, tags: [...tags], description: description ?? null,
      entry: actionNames(entry), exit: actionNames(exit), invoke: invoke.map((one) => ({ id: one.id, src: typeof one.src === 'string' && !one.src.startsWith('xstate.invoke.') ? one.src : 'inline actor' })),
    });
    if (begin?.target) add(node, { ...begin, eventType: '' }, 'initial');
    if (type === 'history') addDefault(node);
    for (const transitions of (node.transitions as Map<string, Transition[]> | undefined)?.values() ?? []) for (const transition of transitions) add(node, transition);
    for (const transition of (node.always ?? []) as Transition[]) add(node, transition, 'always');
    for (const child of Object.values(node.states)) walk(child as AnyStateNode);
  };
  const addDefault = (node: AnyStateNode) => {
    const { target } = node.config as { target?: string | string[] };
    const found = [target ?? []].flat().map((path) => (path.startsWith('#') ? machine.getStateNodeById(path) : path.split('.').reduce((from, key) => from.states[key] as AnyStateNode, node.parent!)));
    if (found.length > 0) add(node, { target: found, actions: [], eventType: '', reenter: false }, 'initial');
  };
  walk(machine.root as AnyStateNode);
  return { id: machine.id, version: machine.version ?? '', nodes, edges };
}

/** Ids of all active states, outermost first. What `value` names and the chart lacks is left out. */
export function activeNodes(chart: Chart, value: unknown): string[] {
  const root = chart.nodes.find(({ parent }) => parent === null);
  if (!root || value === null || value === undefined) return [];
  const active: string[] = [];
  const enter = (id: string, inner: unknown) => {
    active.push(id);
    for (const [key, below] of typeof inner === 'string' ? [[inner, undefined] as const] : Object.entries(inner ?? {})) {
      const child = chart.nodes.find((node) => node.parent === id && node.key === key);
      if (child) enter(child.id, below);
    }
  };
  enter(root.id, value);
  return active;
}

/**
 * Ids of the edges that a step took. `taken` is as the step recorded it, `source -> target` each. Where several lead the same way, those
 * of `event` if there are any: a step records no more.
 */
export function takenEdges(chart: Chart, taken: readonly string[], event?: string): string[] {
  const ways = new Map<string, ChartEdge[][]>();
  for (const edges of transitionsOf(chart)) {
    const targets = edges.map(({ target }) => target).filter((target) => target !== null);
    const way = `${edges[0]!.source} -> ${targets.length > 0 ? targets.join(', ') : '(stays)'}`;
    ways.set(way, [...(ways.get(way) ?? []), edges]);
  }
  const found = taken.flatMap((way) => {
    const all = ways.get(way) ?? [];
    const fitting = all.filter(([first]) => event !== undefined && understands(first!.event, event));
    return (fitting.length > 0 ? fitting : all).flat().map(({ id }) => id);
  });
  return [...new Set(found)];
}

/** The edges of each transition together, in their order. */
export function transitionsOf({ edges }: Chart): ChartEdge[][] {
  const groups = new Map<string, ChartEdge[]>();
  for (const edge of edges) {
    const number = edge.id.split('.')[0]!;
    groups.set(number, [...(groups.get(number) ?? []), edge]);
  }
  return [...groups.values()];
}

const understands = (descriptor: string, event: string) => descriptor === event || descriptor === '*' || (descriptor.endsWith('.*') && `${event}.`.startsWith(descriptor.slice(0, -1)));

function kindOf(event: string): ChartEdge['kind'] {
  if (event.startsWith('xstate.after.')) return 'after';
  if (event.startsWith('xstate.done.')) return 'done';
  return event.startsWith('xstate.error.') ? 'error' : 'event';
}

function wordsOf(machine: AnyStateMachine, node: AnyStateNode, event: string, kind: ChartEdge['kind'], delay: unknown): string {
  if (kind === 'initial') return '';
  if (kind === 'always') return 'always';
  if (kind === 'after') return `after ${delayName(delay, machine.implementations.delays)}`;
  if (event.startsWith('xstate.done.state.')) return 'done';
  const [, what, child] = /^xstate\.(done\.actor|error\.actor|snapshot)\.([^]*)$/.exec(event) ?? [];
  if (child !== undefined) return `${childName(node, child)} ${what === 'done.actor' ? 'done' : what === 'snapshot' ? 'changes' : 'failed'}`;
  return event === '*' ? 'any other event' : event;
}

/** A child that was given no id is called by its source. */
function childName(node: AnyStateNode, id: string): string {
  const own = node.invoke.find((one) => one.id === id);
  return own && typeof own.src === 'string' && id.endsWith(`.${node.id}`) && !own.src.startsWith('xstate.invoke.') ? own.src : id;
}
