// Statecharts of the live comparison that nobody wrote: drawn from a seed, nested up to four deep, with everything that XState
// has to restore from JSON: parallel regions, both kinds of history, final states, timers, `always`, guards, raises.
import { assign, cancel, emit, raise, setup, stateIn, type AnyStateMachine } from 'xstate';
import { randomFrom } from '#test/kit/random.ts';
import { bump, events } from './live-charts.ts';
import type { Plan } from './live-kit.ts';
import { loose } from './step-kit.ts';

const types = ['A', 'B', 'C', 'D', 'E'];

interface Node { id: string; kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'deep' | 'shallow'; parent: Node | null; children: Node[] }
const above = (node: Node | null): Node[] => (node ? [node, ...above(node.parent)] : []);
const regionOf = (node: Node) => above(node).find(({ parent }) => parent?.kind === 'parallel');

export function randomChart(seed: number): Plan {
  const random = randomFrom(seed);
  const id = `random-${seed}`;
  const nodes: Node[] = [];
  let made = 0;
  const draw = (parent: Node | null, depth: number): Node => {
    // One parallel state each: an `always` in every region could otherwise go on for ever.
    const mayFork = depth > 0 && !nodes.some(({ kind }) => kind === 'parallel');
    const kind = depth > 3 || (depth > 0 && random.chance(0.4)) ? 'atomic' : mayFork && random.chance(0.4) ? 'parallel' : 'compound';
    const node: Node = { id: parent ? `s${++made}` : id, kind, parent, children: [] };
    if (parent) nodes.push(node);
    if (kind !== 'atomic') node.children = Array.from({ length: 2 + random.int(2) }, () => draw(node, depth + 1));
    if (kind === 'compound') {
      const last = node.children.at(-1)!;
      if (depth > 0 && last.kind === 'atomic' && random.chance(0.5)) last.kind = 'final';
      if (random.chance(0.6)) {
        const history: Node = { id: `${node.id}-hist`, kind: random.pick(['deep', 'shallow']), parent: node, children: [] };
        nodes.push(history);
        node.children.push(history);
      }
    }
    return node;
  };
  const tree = draw(null, 0);
  /**
   * XState 5.33 enters a state a second time without leaving it when a transition goes from one region into another, or to the history
   * of a state that it is in; so none does here.
   */
  const mayGo = (from: Node, to: Node) => {
    const enclosing = above(from);
    if (to.kind === 'parallel') return !enclosing.includes(to);
    if (to.kind === 'deep' || to.kind === 'shallow') return !enclosing.includes(to.parent!) && staysOrLeaves(from, to);
    return staysOrLeaves(from, to);
  };
  const staysOrLeaves = (from: Node, to: Node) => !regionOf(from) || !regionOf(to) || regionOf(from) === regionOf(to);
  const target = (from: Node) => `#${random.pick(nodes.filter((to) => mayGo(from, to))).id}`;
  const action = () => random.pick([[], bump(), emit({ type: 'said', by: made++ } as never), raise({ type: 'R' }), [raise({ type: 'E' }, { id: 'later', delay: 7 + random.int(20) }), bump(2)].toReversed(), cancel('later'), assign({ n: 0 })]);
  const renewed = (actions: unknown) => (Array.isArray(actions) && actions.length > 0 ? [cancel('later'), ...actions] : actions);
  const guard = () => random.pick([{}, {}, { guard: 'even' }, { guard: 'few' }, { guard: stateIn(`#${random.pick(nodes.filter(({ kind }) => kind !== 'deep' && kind !== 'shallow')).id}`) }]);
  const transition = (from: Node) => (random.chance(0.2) ? { actions: renewed(action()), ...guard() } : { target: target(from), actions: renewed(action()), ...guard(), ...(random.chance(0.2) ? { reenter: true } : {}) });
  const config = (node: Node): any => {
    const { id: own, kind, children } = node;
    if (kind === 'final') return { id: own, type: 'final', output: own };
    if (kind === 'deep' || kind === 'shallow') return { id: own, type: 'history', history: kind };
    const on = Object.fromEntries(types.filter(() => random.chance(0.4)).map((type) => [type, [transition(node), ...(random.chance(0.3) ? [transition(node)] : [])]]));
    return {
      id: own, ...(kind === 'parallel' ? { type: 'parallel' } : kind === 'compound' ? { initial: children[0]!.id } : {}),
      ...(children.length > 0 ? { states: Object.fromEntries(children.map((child) => [child.id, config(child)])) } : {}),
      on: { ...on, ...(random.chance(0.3) ? { R: { actions: bump() } } : {}) },
      entry: emit({ type: 'in', own }), ...(random.chance(0.4) ? { exit: random.pick([bump(), emit({ type: 'out', own } as never)]) } : {}),
      ...(random.chance(0.3) ? { after: { [random.pick([5, 11, 23, 'dyn'])]: transition(node) } } : {}),
      ...(children.length > 0 && random.chance(0.4) ? { onDone: { actions: bump() } } : {}),
      // Every eleventh count; it counts on, so it is over after one or two.
      ...(random.chance(0.15) ? { always: { guard: 'eleventh', actions: bump(), ...(random.chance(0.5) ? { target: target(node) } : {}) } } : {}),
    };
  };
  const machine = (setup({
    ...loose([...types, 'R'].join(' ')), delays: { dyn: ({ context }: any) => 3 + (context.n % 3) * 6 },
    guards: { even: ({ context }: any) => context.n % 2 === 0, few: ({ context }: any) => context.n < 5, eleventh: ({ context }: any) => context.n % 11 === 10 },
  }) as any).createMachine({ ...config(tree), id, version: '1', context: { n: 0 } }) as AnyStateMachine;
  return { machine, events: events(types.join(' ')) };
}
