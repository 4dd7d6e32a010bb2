// Machines for the tests of charts: those of this build, those of the live comparison, drawn ones, and one whose every name is hostile.
import { assign, raise, setup, type AnyStateMachine } from 'xstate';
import { createRegistry } from '#actors/registry.ts';
import { createMachines } from '#supervisor/agents.ts';
import { charts } from '#test/actors/live-charts.ts';
import { randomChart } from '#test/actors/live-random.ts';
import { boss, loose } from '#test/actors/step-kit.ts';

/** As a server has them: what they start does nothing. */
const compiled = (machine: unknown): AnyStateMachine[] => createRegistry([machine as AnyStateMachine]).list().map((definition) => definition.machine);

export const written: AnyStateMachine[] = [...createMachines().list().map(({ machine }) => machine), ...[...charts.map(({ machine }) => machine), boss].flatMap(compiled)];
export const drawn = (count: number): AnyStateMachine[] => Array.from({ length: count }, (_, seed) => compiled(randomChart(seed).machine)).flat();

export const hostileWords = ['<img src=x onerror="alert(1)">', '</title></svg><script>alert(1)</script>', '--> [*]', 'end note', '"]]>&amp;', 'a\nb: c --> d', '\u202Eevil\u200B', '%%{init: {}}%%', 'x'.repeat(10_000), '状態 二', '#quot; ; {', '\u0000\uD800'];

/** A state for each hostile word, which is also an event, an action, a guard, a tag and a description. */
export const hostile = (setup({ ...loose('A'), actions: Object.fromEntries(hostileWords.map((word) => [word, assign({})])), guards: Object.fromEntries(hostileWords.map((word) => [word, () => true])) } as any) as any).createMachine({
  id: 'hostile', version: '<1>', initial: 's0', context: {}, description: hostileWords[0],
  states: Object.fromEntries(hostileWords.map((word, i) => [`s${i}`, {
    id: word, tags: word, description: word, entry: [word, raise({ type: word })], exit: word, initial: word, states: { [word.replaceAll('.', '')]: {} },
    on: { [word]: { target: `s${(i + 1) % hostileWords.length}`, guard: word, actions: word }, [`${word} stays`]: { actions: word } },
  }])),
}) as AnyStateMachine;
