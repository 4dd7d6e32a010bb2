// What the compiler of pipelines puts together: a stage is a part with its states, its places of work and its questions. Each
// action is a pure function from the context to what changes and what is recorded.
import { enqueueActions, type ActorRef, type AnyEventObject, type Snapshot } from 'xstate';
import type { z } from 'zod';
import type { records } from './define.ts';
import type { Context } from './pipeline-context.ts';
import type { Questions, Scope, StepPlan } from './pipeline-plan.ts';

/** Plain XState configuration; the machine's lint checks it as a whole. */
export type StateConfig = Record<string, unknown>;

/** Where an agent works. The slot of the same name holds how far it is. */
export interface Place { slot: string; step: StepPlan; scope: (context: Context) => Scope }

/** A question that may come up, and what each answer changes. */
export interface Topic {
  /** `draft:unsure` */
  name: string;
  slot: string;
  kind: 'question' | 'escalation';
  /** What the decision is called that it comes from. */
  what: string;
  questions: Questions;
  show: (context: Context) => { summary: string; reasons: string[]; payload: unknown; confidence: number | null; answers: string };
  approve: (context: Context) => Partial<Context>;
  respond: { schema: (context: Context) => z.ZodType; apply: (context: Context, value: never) => Partial<Context> } | null;
  reject: (context: Context, reason: string) => Partial<Context>;
}

export interface Part {
  state: StateConfig;
  places: Place[];
  topics: Topic[];
}

type NewRecord = { [K in keyof typeof records]: { type: K; params: Parameters<(typeof records)[K]>[1] } }[keyof typeof records];
export interface Outcome {
  change?: Partial<Context>;
  records?: NewRecord[];
  start?: { src: string; id: string; input: unknown }[];
  stop?: string[];
  /** So many places more, or fewer, wait for a person. */
  parked?: number;
}

/** The parts of XState's `enqueue` that are used here. */
interface Enqueue {
  (record: NewRecord): void;
  assign(change: Partial<Context>): void;
  stopChild(id: string): void;
  spawnChild(src: string, options: { id: string; input: unknown }): void;
  sendTo(to: unknown, event: AnyEventObject): void;
}
interface Args { context: Context; event: AnyEventObject; enqueue: unknown; self: ActorRef<Snapshot<unknown>, AnyEventObject> }

/** An action of the machine as a pure function. */
export function act<P>(decide: (context: Context, params: P, event: AnyEventObject) => Outcome) {
  return enqueueActions(({ context, event, enqueue, self }: Args, params: P) => {
    const { change, records: recorded = [], start = [], stop = [], parked = 0 } = decide(context, params, event);
    const tell = enqueue as Enqueue;
    if (change || parked !== 0) tell.assign({ ...change, parked: context.parked + parked });
    recorded.forEach((record) => tell(record));
    stop.forEach((id) => tell.stopChild(id));
    start.forEach(({ src, ...options }) => tell.spawnChild(src, options));
    // A pipeline inside of a pipeline says when it waits for a person, so that the clock of the outer stage stands still meanwhile.
    const [before, now] = [context.parked > 0, context.parked + parked > 0];
    if (before !== now && self._parent) tell.sendTo(self._parent, { type: 'PARKED', parked: now });
  });
}
