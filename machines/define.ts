// How builders write a durable machine: an ordinary XState `setup(...).createMachine(...)` whose activities, records and
// message schemas come from here. Nothing in this file runs anything.
import { fromPromise, type AnyEventObject, type AnyStateMachine } from 'xstate';
import type { z } from 'zod';
import type { Permissions } from './permissions.ts';
import type { Annotation, Decision, Fact, Intent, draftArtifactSchema } from './records.ts';

const activityTag = Symbol.for('keelson.activity');
const recordTag = Symbol.for('keelson.record');

export interface RetryPolicy {
  /** Tries in all, the first included. */
  attempts: number;
  /** Wait before the second try; doubles each time, at most `maxMs`. */
  firstMs: number;
  maxMs: number;
}

export interface ActivitySpec<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  /** `mail.send`: also the address type of its queue, with dots as dashes. */
  name: string;
  input: I;
  output: O;
  timeoutMs: number;
  retry: RetryPolicy;
  /** At most once: claimed in the store before it runs; when the worker dies in it the result is UNKNOWN, never a second run. */
  once?: boolean;
  /** How many may run at a time in one process. */
  concurrency?: number;
}

/** Declares slow or outside work by name and shape. A connector implements it; the machine only invokes it. */
export function activity<I extends z.ZodType, O extends z.ZodType>(spec: ActivitySpec<I, O>) {
  const logic = fromPromise<z.output<O>, z.input<I>>(() => Promise.reject(new Error(`activity '${spec.name}' runs only as a job`)));
  return Object.assign(logic, { [activityTag]: spec });
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
type EventsOf<E extends EventSchemas> = [keyof E] extends [never] ? AnyEventObject : { [K in keyof E & string]: { type: K } & z.output<E[K]> }[keyof E & string];

export interface Protocol {
  context: z.ZodType;
  input: z.ZodType;
  output: z.ZodType;
  events: EventSchemas;
  /** Events that only the operator may send; from anyone else they are refused and recorded. */
  operatorOnly?: readonly string[];
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
