// The machines this build knows, by `id@version`, compiled once. Children become inert stubs, so that spawning one evaluates
// nothing: the host turns it into a durable child actor or a job.
import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { activityOf, machineKey, protocolOf, type ActivitySpec, type Protocol } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import { assertDurable } from '#machines/lint.ts';
import { hashJson } from './hash.ts';

/** Microsteps allowed in one step: an `always` cycle must fail, not hang the host. */
const microstepsMax = 1_000;

export const inertLogic = {
  config: {},
  transition: (s: unknown) => s,
  getInitialSnapshot: () => ({ status: 'active' as const, output: undefined, error: undefined }),
  getPersistedSnapshot: (s: unknown) => s,
  restoreSnapshot: (s: unknown) => s,
} as unknown as AnyActorLogic;

export interface Definition {
  key: string;
  id: string;
  version: string;
  /** sha256 of the structure (states, transitions, names), so that a changed machine under an old version is noticed. */
  hash: string;
  machine: AnyStateMachine;
  protocol: Protocol;
  activity(src: string): ActivitySpec | undefined;
  /** `id@version` of the child machine registered under this name. */
  childKey(src: string): string;
}

export interface Registry {
  get(key: string): Definition | undefined;
  list(): Definition[];
  activities(): ActivitySpec[];
}

/** Checks and compiles the machines and the child machines they name. Throws MACHINE_NOT_DURABLE. */
export function createRegistry(machines: AnyStateMachine[]): Registry {
  const definitions = new Map<string, Definition>();
  const sources = new Map<string, AnyStateMachine>();
  const activities = new Map<string, ActivitySpec>();
  const queues = new Map<string, ActivitySpec>();
  const addActivity = (activity: ActivitySpec) => {
    const queue = activity.name.replaceAll('.', '-');
    const other = queues.get(queue);
    if (other && other !== activity && shapeOf(other) !== shapeOf(activity)) throw new KeelsonError('MACHINE_NOT_DURABLE', `two different activities, '${other.name}' and '${activity.name}', would share a queue; give one another name, or use the same one in both machines`);
    queues.set(queue, activity);
    activities.set(activity.name, activity);
  };
  const add = (machine: AnyStateMachine) => {
    const key = machineKey(machine);
    if (sources.get(key) === machine) return;
    if (sources.has(key)) throw new KeelsonError('MACHINE_NOT_DURABLE', `two different machines are called '${key}'; give one another id or version`);
    assertDurable(machine);
    sources.set(key, machine);
    definitions.set(key, compile(machine));
    for (const logic of Object.values(machine.implementations.actors as Record<string, unknown>)) {
      const activity = activityOf(logic);
      if (activity) addActivity(activity);
      else add(logic as AnyStateMachine);
    }
  };
  machines.forEach(add);
  return { get: (key) => definitions.get(key), list: () => [...definitions.values()], activities: () => [...activities.values()] };
}

function compile(original: AnyStateMachine): Definition {
  const actors = original.implementations.actors as Record<string, unknown>;
  const machine = original.provide({ actors: Object.fromEntries(Object.keys(actors).map((name) => [name, inertLogic])) as never });
  const options = machine.options as { maxIterations?: number } | undefined;
  Object.assign(machine, { options: { ...options, maxIterations: Math.min(options?.maxIterations ?? Infinity, microstepsMax) } });
  const id = original.id;
  return {
    key: machineKey(original),
    id,
    version: String(original.version),
    hash: hashStructure(original),
    machine,
    protocol: protocolOf(original)!,
    activity: (src) => activityOf(actors[src]),
    childKey: (src) => machineKey(actors[src] as AnyStateMachine),
  };
}

/** What one worker would do for it: an older version of a machine may bring its own copy of the same. */
function shapeOf({ input, output, ...limits }: ActivitySpec): string {
  const json = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return hashJson({ ...limits, input: json(input), output: json(output) });
}

/** States, transitions and names. Functions count by name; schemas are left out, they have versions of their own. */
function hashStructure({ config }: AnyStateMachine): string {
  return hashJson(JSON.parse(JSON.stringify({ ...config, schemas: undefined, types: undefined }, (_key, value: unknown) => (typeof value === 'function' ? `${value.name}()` : value))));
}
