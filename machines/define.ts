// How builders write a durable machine: an ordinary XState `setup(...).createMachine(...)` whose activities, records and
// message schemas come from here. Nothing in this file runs anything.
import { fromPromise, type AnyEventObject, type AnyStateMachine } from 'xstate';
import type { z } from 'zod';
import { KeelsonError } from './errors.ts';
import type { Supervision } from './hold.ts';
import type { Permissions } from './permissions.ts';
import type { Annotation, Decision, Fact, Intent, draftArtifactSchema } from './records.ts';

const activityTag = Symbol.for('keelson.activity');
const recordTag = Symbol.for('keelson.record');

interface Backoff {
  /** Wait before the second try; doubles each time, at most `maxMs`. */
  firstMs: number;
  maxMs: number;
  /** The share of each wait that chance may take off, 0 to 1; half of it when absent. What failed together does not come back together. */
  jitter?: number;
}

/**
 * When a try that failed is made again: never; up to so many tries in all; or as long as the next one begins at most `untilMs` after
 * the first began. An error whose answer is known, or that only a person can settle, ends it at once.
 */
export type RetryPolicy = 'never' | (Backoff & { attempts: number }) | (Backoff & { untilMs: number });

export interface ActivitySpec<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  /** `mail.send`: also the address type of its queue, with dots as dashes. */
  name: string;
  input: I;
  output: O;
  /** Of one try. */
  timeoutMs: number;
  /** A try that calls `heartbeat` no more for so long has failed. Absent: only `timeoutMs` counts. */
  heartbeatMs?: number;
  retry: RetryPolicy;
  /** At most once: claimed in the store before it runs; when the worker dies in it the result is UNKNOWN, never a second run. */
  once?: boolean;
  /** How many may run at a time in one process. */
  concurrency?: number;
}

/** Declares slow or outside work by name and shape. A connector implements it; the machine only invokes it. */
export function activity<I extends z.ZodType, O extends z.ZodType>(spec: ActivitySpec<I, O>) {
  const problem = whyNotActivity(spec);
  if (problem !== null) throw new KeelsonError('MACHINE_NOT_DURABLE', `activity '${spec.name}': ${problem}`, { hint: 'Correct the activity as the message says.' });
  const logic = fromPromise<z.output<O>, z.input<I>>(() => Promise.reject(new Error(`activity '${spec.name}' runs only as a job`)));
  return Object.assign(logic, { [activityTag]: spec });
}

function whyNotActivity({ timeoutMs, heartbeatMs, retry, concurrency }: Omit<ActivitySpec, 'input' | 'output'>): string | null {
  const numbers = { timeoutMs, heartbeatMs, concurrency, ...(retry === 'never' ? {} : { ...retry, jitter: undefined }) };
  for (const [name, value] of Object.entries(numbers)) if (value !== undefined && !(Number.isInteger(value) && value >= 1)) return `${name} is ${value}; use a whole number from 1 on`;
  if (heartbeatMs !== undefined && heartbeatMs >= timeoutMs) return `heartbeatMs is ${heartbeatMs}; use less than timeoutMs, ${timeoutMs}`;
  const { jitter = 0 } = retry === 'never' ? {} : retry;
  return jitter >= 0 && jitter <= 1 ? null : `jitter is ${jitter}; use a share from 0 to 1`;
}

export function activityOf(logic: unknown): ActivitySpec | undefined {
  return (logic as { [activityTag]?: ActivitySpec } | undefined)?.[activityTag];
}

function record<P>() {
  return Object.assign((_: unknown, _params: P) => {}, { [recordTag]: true });
}

export function isRecord(action: unknown): boolean {
  return (action as { [recordTag]?: boolean } | undefined)?.[recordTag] === true;
}

/** Spread into `setup({actions})`: what a step may record. */
export const records = {
  recordFact: record<Fact>(),
  recordIntent: record<Intent>(),
  recordArtifact: record<z.input<typeof draftArtifactSchema>>(),
  recordDecision: record<Omit<Decision, 'policy' | 'model' | 'costMicros'> & Partial<Decision>>(),
  recordAnnotation: record<Annotation>(),
};

type EventSchemas = Record<string, z.ZodType>;
/** Without fields zod says that every field is `never`, the type of the event too. */
type FieldsOf<S extends z.ZodType> = z.output<S> extends Record<string, never> ? unknown : z.output<S>;
type EventsOf<E extends EventSchemas> = [keyof E] extends [never] ? AnyEventObject : { [K in keyof E & string]: { type: K } & FieldsOf<E[K]> }[keyof E & string];

/**
 * Pure. Gets a copy of the stored state and the ids of the children that run; gives the state to go on from. Those it names in
 * `stop` are ended; all others must exist in the new machine too.
 */
export type Migration = (before: { value: unknown; context: Record<string, unknown>; children: string[] }) => { value: unknown; context: unknown; stop?: string[] };

export interface Protocol {
  context: z.ZodType;
  input: z.ZodType;
  output: z.ZodType;
  events: EventSchemas;
  /** Events that only the operator may send; from anyone else they are refused and recorded. */
  operatorOnly?: readonly string[];
  /** Older versions of this machine whose actors it goes on with as they are; those that do not fit are quarantined. */
  takesOver?: readonly string[];
  /** By older version: makes the state that this version goes on from. Always used for actors of that version. */
  migrate?: Readonly<Record<string, Migration>>;
  /** Each event gets `from`, the address of its sender, stated by the host. */
  hearsSender?: boolean;
  /** Outermost states in which whoever started it cannot end it: what it does outside may be happening. It ends by itself. */
  keepsOn?: readonly string[];
  /** What happens when a step of it fails; see machines/hold.ts. */
  supervise?: Supervision;
  /** What it may record, ask for and spend; nothing when absent. */
  may?: Permissions;
}

/** The schemas of a machine: types for the compiler, checks for the host. Pass `types` and `schemas` to `setup`. */
export function protocol<P extends Protocol>(schemas: P) {
  return {
    schemas,
    types: {} as {
      context: z.output<P['context']>;
      input: z.output<P['input']>;
      output: z.output<P['output']>;
      events: EventsOf<P['events']>;
    },
  };
}

export function protocolOf(machine: AnyStateMachine): Protocol | undefined {
  return machine.schemas as Protocol | undefined;
}

/** `triage@1`: how a stored actor names the definition it was made by. */
export function machineKey(machine: AnyStateMachine): string {
  return `${machine.id}@${machine.version}`;
}

/** `mail@1` is `['mail', '1']`. */
export function splitKey(key: string): [id: string, version: string] {
  const at = key.lastIndexOf('@');
  return [key.slice(0, at), key.slice(at + 1)];
}
