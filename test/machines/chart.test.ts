// Goal: a chart says what the machine is, no more and no less. Method: the configuration of many machines, read here a second time and
// otherwise, against the chart; and random walks of XState itself against what the chart calls active and taken.
import assert from 'node:assert/strict';
import test from 'node:test';
import { and, assign, cancel, createMachine, emit, enqueueActions, log, not, or, raise, sendParent, sendTo, spawnChild, stateIn, stopChild, type AnyMachineSnapshot, type AnyStateMachine } from 'xstate';
import type { ActorRecord } from '#actors/record.ts';
import { createScope } from '#actors/scope.ts';
import { activeNodes, takenEdges, toChart } from '#machines/chart.ts';
import { randomFrom } from '#test/kit/random.ts';
import { drawn, hostile, written } from './chart-machines.ts';

interface Config { id?: string; states?: Record<string, Config>; on?: Record<string, unknown>; after?: Record<string, unknown>; always?: unknown; onDone?: unknown; invoke?: unknown }
const list = (given: unknown): unknown[] => (given === undefined ? [] : Array.isArray(given) ? given : [given]);

/** Every transition that is written down, as `state: number of targets`, and every state. */
function readConfig(machine: AnyStateMachine) {
  const states: string[] = [];
  const transitions: string[] = [];
  const read = (config: Config, path: string[]) => {
    const id = config.id ?? path.join('.');
    states.push(id);
    const invokes = list(config.invoke) as { onDone?: unknown; onError?: unknown; onSnapshot?: unknown }[];
    const all = [...Object.values(config.on ?? {}), ...Object.values(config.after ?? {}), config.always, config.onDone, ...invokes.flatMap(({ onDone, onError, onSnapshot }) => [onDone, onError, onSnapshot])];
    for (const one of all.flatMap(list)) {
      const targets = typeof one === 'string' ? [one] : list((one as { target?: unknown }).target);
      transitions.push(`${id}: ${targets.length}`);
    }
    for (const [key, inner] of Object.entries(config.states ?? {})) read(inner, [...path, key]);
  };
  read(machine.config as Config, [machine.id]);
  return { states: states.toSorted(), transitions: transitions.toSorted() };
}

test('every state and every transition of a machine is in its chart exactly once', () => {
  let seen = 0;
  for (const machine of [...written, ...drawn(60), hostile]) {
    const { nodes, edges } = toChart(machine);
    const expected = readConfig(machine);
    assert.deepEqual(nodes.map(({ id }) => id).toSorted(), expected.states, machine.id);
    const groups = Map.groupBy(edges.filter(({ kind }) => kind !== 'initial'), ({ id }) => id.split('.')[0]);
    const found = Array.from(groups.values(), (group) => `${group[0]!.source}: ${group.filter(({ target }) => target !== null).length}`);
    assert.deepEqual(found.toSorted(), expected.transitions, machine.id);
    assert.equal(new Set(edges.map(({ id }) => id)).size, edges.length, 'two edges share an id');
    for (const { source, target } of edges) assert.ok(nodes.some(({ id }) => id === source) && (target === null || nodes.some(({ id }) => id === target)));
    seen += found.length;
  }
  assert.ok(seen > 500, `only ${seen} transitions were looked at`);
});

test('what is active and what was taken is as XState itself says, on random walks', () => {
  let [steps, transitions] = [0, 0];
  for (const machine of [...written, ...drawn(60)]) {
    const chart = toChart(machine);
    const random = randomFrom(steps + 1);
    const scope = createScope({ address: 'walk/1', parent: null } as ActorRecord);
    const look = ({ value, ...snapshot }: AnyMachineSnapshot) => {
      const nodes = (snapshot as unknown as { _nodes: { id: string }[] })._nodes.map(({ id }) => id);
      assert.deepEqual(activeNodes(chart, value).toSorted(), nodes.toSorted(), machine.id);
      const edges = takenEdges(chart, scope.taken).map((id) => chart.edges.find((edge) => edge.id === id)!);
      for (const way of scope.taken) assert.ok(edges.some(({ source, target }) => way.startsWith(`${source} -> `) && (target === null ? way.endsWith('(stays)') : way.includes(target))), `${machine.id}: ${way} is no edge`);
      transitions += scope.taken.length;
      scope.clear();
    };
    let snapshot: AnyMachineSnapshot;
    try {
      snapshot = machine.getInitialSnapshot(scope.forXState, {});
    } catch {
      continue; // it wants an input that only its own tests know
    }
    for (let i = 0; i < 40 && snapshot.status === 'active'; i++) {
      look(snapshot);
      const active = activeNodes(chart, snapshot.value);
      const events = chart.edges.filter(({ source, event }) => active.includes(source) && event !== '' && !event.includes('*')).map(({ event }) => event);
      if (events.length === 0) break;
      try {
        snapshot = machine.transition(snapshot, { type: random.pick(events), output: {}, by: 1 }, scope.forXState);
      } catch {
        scope.clear();
        break; // an action that wants what this event does not carry
      }
      steps++;
    }
  }
  assert.ok(steps > 1_000 && transitions > 500, `only ${steps} steps and ${transitions} transitions`);
});

test('a state value that the machine does not know lights what it can', () => {
  const chart = toChart(written.find(({ id }) => id === 'nested')!);
  assert.deepEqual(activeNodes(chart, { work: 'gone' }), ['nested', 'nested.work']);
  assert.deepEqual(activeNodes(chart, null), []);
});

test('of transitions that lead the same way, those of the event are told apart where there are any', () => {
  const machine = createMachine({ id: 'm', version: '1', initial: 'a', states: { a: { on: { X: 'b', Y: 'b', 'z.*': 'b' } }, b: {} } });
  const chart = toChart(machine);
  const events = (event?: string) => takenEdges(chart, ['m.a -> m.b'], event).map((id) => chart.edges.find((edge) => edge.id === id)!.event);
  assert.deepEqual([events('Y'), events('z.1'), events('raised'), events()], [['Y'], ['z.*'], ['X', 'Y', 'z.*'], ['X', 'Y', 'z.*']]);
  assert.deepEqual(takenEdges(chart, ['m.b -> m.nowhere']), []);
});

test('actions, guards and delays have names that can be read', () => {
  const named = function askAgain() {};
  const machine = createMachine({
    id: 'm', version: '1', initial: 'a',
    states: {
      a: {
        entry: [raise({ type: 'R' }, { delay: 90_000 }), sendTo('kid', { type: 'S' }), sendParent({ type: 'P' }), emit({ type: 'E' }), cancel('c'), log('words'), spawnChild('kid', { id: 'k' }), stopChild('k'), enqueueActions(() => {}), assign({ n: 1, m: 2 }), named, { type: 'add', params: { by: 5 } }],
        on: {
          A: { target: 'b', guard: and(['x', or(['y', not('z')])]) }, B: { target: 'b', guard: stateIn('#m.a') }, C: { target: 'b', guard: ({ context }: any) => context.n > 3 },
          D: { target: 'b', guard: { type: 'least', params: { n: 5 } } },
        },
        after: { 7_200_000: 'b', soon: 'b', later: 'b' },
        invoke: [{ src: 'zip', onDone: 'b' }, { src: 'zip', id: 'z', onError: 'b' }],
      },
      b: { onDone: 'a', initial: 'c', states: { c: { type: 'final' } } },
    },
  } as any).provide({ delays: { soon: 5_000, later: () => 1 } });
  const { nodes, edges } = toChart(machine);
  assert.deepEqual(nodes.find(({ id }) => id === 'm.a')!.entry, ['raise R after 1 min 30 s', 'send S to kid', 'send P to parent', 'emit E', 'cancel c', 'log words', 'start kid', 'stop k', 'choose actions', 'assign n, m', 'askAgain', 'add by: 5']);
  assert.deepEqual(edges.filter(({ source, kind }) => source === 'm.a' && kind !== 'initial').map(({ label }) => label).toSorted(), [
    'A [x and (y or not z)]', 'B [in #m.a]', 'C [context.n > 3]', 'D [least n: 5]', 'after 2 h', 'after later', 'after soon (5 s)', 'z failed', 'zip done',
  ].toSorted());
  assert.equal(edges.find(({ source, kind }) => source === 'm.b' && kind === 'done')!.label, 'done');
});
