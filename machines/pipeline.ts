// How a builder writes a pipeline: a list of stages, each seeing the typed results of those before it. `machine()` gives an ordinary
// durable machine. docs/pipelines.md explains every option.
import type { AnyActorLogic, AnyEventObject, EventObject, InputFrom, MetaObject, OutputFrom, StateMachine, StateValue } from 'xstate';
import { z } from 'zod';
import type { Protocol } from './define.ts';
import { compilePipeline, type Plan } from './pipeline-compile.ts';
import type { Context } from './pipeline-context.ts';
import { actsOutside, checkName, checkPolicy, checkStep, concurrencyMax, labelOf, refuse, schemaOf, tellsCost, type Policy, type Questions, type Scope, type Stage, type StepPlan, type Worker } from './pipeline-plan.ts';
import { linkSchema, type Link } from './records.ts';

export interface PipelineOutput<R> { outcome: 'completed' | 'stopped'; reason: string; result: R | null; costMicros: number | null }
export type PipelineMachine<I, R> = StateMachine<Context, AnyEventObject, never, never, never, never, string, StateValue, string, I, PipelineOutput<R>, EventObject, MetaObject, never>;

/** What a stage gets from its agent: its output, or the result when the agent is a pipeline. */
export type Gives<A extends AnyActorLogic> = OutputFrom<A> extends PipelineOutput<infer R> ? R : OutputFrom<A>;

interface Limits {
  /** Tries of this agent in all (3), also when its output is invalid. */
  attempts?: number;
  /** Until a try counts as lost. */
  timeoutMs?: number;
  /** The most that one try costs. Reserved before it starts, and what an unknown price counts as. */
  tryCostMicros?: number;
}
export interface AgentOptions<A extends AnyActorLogic, X> extends Limits { agent: A; input: (scope: X) => InputFrom<A> }
/** Made by `alternative`. */
export interface Alternative<X> extends Limits { agent: AnyActorLogic; input: (scope: X) => unknown }

export interface StepOptions<A extends AnyActorLogic, X, O = Gives<A>> extends AgentOptions<A, X> {
  /** What the output must be, when that is narrower than what the agent promises. */
  output?: z.ZodType<O>;
  /** After so many timeouts (2) the alternative takes over, else the operator. */
  timeoutsMax?: number;
  /** Between two tries. */
  pauseMs?: number;
  /** What the stage may spend in all. */
  budget?: { costMicros: number };
  /** An output that is less sure is shown to the operator, or the alternative takes over. */
  confidence?: { atLeast: number; otherwise: 'ask' | 'alternative' };
  alternatives?: Alternative<X>[];
  questions?: Partial<Questions>;
}

/** Another agent for a stage: a cheaper tier, a smaller scope. */
export function alternative<A extends AnyActorLogic, X>(options: AgentOptions<A, X>): Alternative<X> {
  return options;
}

export interface PipelineOptions<I extends z.ZodType> extends Pick<Protocol, 'may' | 'takesOver' | 'migrate' | 'supervise'> {
  id: string;
  version: string;
  description?: string;
  input: I;
  /** Whom or what this run is about, for the operator. */
  title?: (input: z.output<I>) => string;
  /** Where the input comes from: beside every decision and question. */
  evidence?: (input: z.output<I>) => Link[];
  /** What one run may spend in all. */
  budget?: { costMicros: number };
  questions?: Partial<Questions>;
}

type See<I, R> = { input: I; results: R };
type Join<T, P> = P extends 'all' ? T : Partial<T>;

export interface Pipeline<I, R, L> {
  /** One agent. */
  step<N extends string, A extends AnyActorLogic, O = Gives<A>>(name: N, options: StepOptions<A, See<I, R>, O>): Pipeline<I, R & Record<N, O>, O>;
  /** Several agents at once; the result is an object with their outputs. */
  all<N extends string, B extends Record<string, AnyActorLogic>, P extends Policy = 'all'>(
    name: N, branches: { [K in keyof B]: StepOptions<B[K], See<I, R>> }, options?: { policy?: P; questions?: Partial<Questions> },
  ): Pipeline<I, R & Record<N, Join<{ [K in keyof B]: Gives<B[K]> }, P>>, Join<{ [K in keyof B]: Gives<B[K]> }, P>>;
  /** `produce`, `check`, and again with the remarks, at most `rounds` (3) times; then the operator. The result is the product. */
  review<N extends string, A extends AnyActorLogic, C extends AnyActorLogic>(name: N, options: {
    produce: StepOptions<A, See<I, R> & { remarks: Gives<C> | null; previous: Gives<A> | null; round: number }>;
    check: StepOptions<C, See<I, R> & { product: Gives<A> }>;
    accepts: (check: Gives<C>) => boolean;
    rounds?: number;
    questions?: Partial<Questions>;
  }): Pipeline<I, R & Record<N, Gives<A>>, Gives<A>>;
  /** One agent for each item of a list, `concurrency` (8) at a time. The result has the list's order, with null for what failed. */
  each<N extends string, A extends AnyActorLogic, T>(name: N, options: StepOptions<A, See<I, R> & { item: T; index: number }> & {
    over: (scope: See<I, R>) => readonly T[]; concurrency?: number; policy?: Policy;
  }): Pipeline<I, R & Record<N, (Gives<A> | null)[]>, (Gives<A> | null)[]>;
  machine(): PipelineMachine<I, L>;
}

const day = 86_400_000;
const questionsDefault: Questions = { remindMs: day, deadlineMs: 7 * day, expiry: 'hold' };
const concurrencyDefault = 8;
const roundsDefault = 3;
const attemptsDefault = 3;

/** Starts a pipeline. Throws MACHINE_NOT_DURABLE for a stage that cannot work. */
export function pipeline<I extends z.ZodType>({ id, version, description = '', input, title = () => id, evidence = () => [], budget, questions, ...protocol }: PipelineOptions<I>): Pipeline<z.output<I>, {}, never> {
  const base: Omit<Plan, 'stages' | 'result'> = { id, version, description, input, title, evidence, costMicros: budget?.costMicros ?? null, protocol };
  return extend(base, { ...questionsDefault, ...questions }, [], z.never()) as never;
}

type AnyStep = StepOptions<AnyActorLogic, Scope, unknown>;
/** The builder without its types: each call gives a longer list. */
interface Untyped {
  step(name: string, options: AnyStep): Untyped;
  all(name: string, branches: Record<string, AnyStep>, options?: { policy?: Policy; questions?: Partial<Questions> }): Untyped;
  review(name: string, options: { produce: AnyStep; check: AnyStep; accepts: (check: unknown) => boolean; rounds?: number; questions?: Partial<Questions> }): Untyped;
  each(name: string, options: AnyStep & { over: (scope: Scope) => readonly unknown[]; concurrency?: number; policy?: Policy }): Untyped;
  machine(): unknown;
}

function extend(base: Omit<Plan, 'stages' | 'result'>, asked: Questions, stages: readonly Stage[], result: z.ZodType): Untyped {
  const add = (stage: Stage, output: z.ZodType) => {
    checkName(stage.name, stages.map(({ name }) => name));
    return extend(base, asked, [...stages, stage], output);
  };
  const plan = (name: string, options: AnyStep, alone = true) => {
    const step = toStep(name, options, asked);
    checkStep(step, alone);
    return step;
  };
  return {
    step(name, options) {
      const step = plan(name, options);
      return add(step, step.workers[0]!.schema);
    },
    all(name, options, { policy = 'all', questions } = {}) {
      checkPolicy(name, policy, Object.keys(options).length);
      for (const branch of Object.keys(options)) checkName(branch, []);
      const branches = Object.fromEntries(Object.entries(options).map(([branch, one]) => [branch, plan(`${name}.${branch}`, one, false)]));
      const outputs = z.object(Object.fromEntries(Object.entries(branches).map(([branch, { workers }]) => [branch, workers[0]!.schema])));
      return add({ kind: 'all', name, branches, policy, questions: { ...asked, ...questions } }, policy === 'all' ? outputs : outputs.partial());
    },
    review(name, { produce, check, accepts, rounds = roundsDefault, questions }) {
      if (!Number.isInteger(rounds) || rounds < 1) refuse(name, `rounds is ${rounds}; use 1 or more`);
      const [producing, checking] = [plan(`${name}.produce`, produce, false), plan(`${name}.check`, check, false)];
      return add({ kind: 'review', name, produce: producing, check: checking, accepts, rounds, questions: { ...asked, ...questions } }, producing.workers[0]!.schema);
    },
    each(name, { over, concurrency = concurrencyDefault, policy = 'all', ...options }) {
      if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > concurrencyMax) refuse(name, `concurrency is ${concurrency}; use 1 to ${concurrencyMax}`);
      const step = plan(name, options);
      return add({ kind: 'each', name, over, step, machine: itemMachine(base, step), concurrency, policy, questions: step.questions }, z.array(step.workers[0]!.schema.nullable()));
    },
    machine: () => compilePipeline({ ...base, stages, result }),
  };
}

function toStep(name: string, options: AnyStep, asked: Questions): StepPlan {
  const { alternatives = [], timeoutsMax = 2, pauseMs = 0, budget, confidence = null, questions } = options;
  const workers = [options, ...alternatives].map((one): Worker => {
    const schema = options.output ?? schemaOf(options.agent); // an alternative must give the same
    if (!schema) return refuse(name, 'its agent is neither an activity nor a machine with a protocol');
    const { attempts = actsOutside(one.agent) ? 1 : attemptsDefault, timeoutMs = null, tryCostMicros = null } = one;
    return { agent: one.agent, label: labelOf(one.agent), schema, input: one.input, attempts, timeoutMs, tryCostMicros, tellsCost: tellsCost(one.agent) };
  });
  return { kind: 'step', name, workers, timeoutsMax, pauseMs, costMicros: budget?.costMicros ?? null, confidence, questions: { ...asked, ...questions } };
}

/** The pipeline that one item of a batch runs as: a single step whose inputs were made by the parent, one for each agent. */
function itemMachine(base: Omit<Plan, 'stages' | 'result'>, step: StepPlan) {
  const input = z.object({ title: z.string(), evidence: z.array(linkSchema), inputs: z.array(z.json()) });
  type Item = z.output<typeof input>;
  const workers = step.workers.map((worker, i) => ({ ...worker, input: ({ input: item }: Scope) => (item as Item).inputs[i] }));
  const { migrate: _, ...protocol } = base.protocol; // is about the states of the parent
  return compilePipeline({
    ...base, protocol, id: `${base.id}-${step.name}`, description: `One item of ${step.name} of ${base.id}.`, input, costMicros: null,
    title: (item: Item) => item.title, evidence: (item: Item) => item.evidence, stages: [{ ...step, workers }], result: step.workers[0]!.schema,
  });
}
