// What a pipeline is made of, as data: each stage with its agents, limits and questions. Checked once, when the pipeline is built;
// pipeline-compile.ts makes states of it.
import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { activityOf, machineKey, protocolOf } from './define.ts';
import { KeelsonError } from './errors.ts';

/** What the input of an agent is made from. In a review also `remarks`, `previous` and `round`, in a batch `item` and `index`. */
export interface Scope { input: unknown; results: Record<string, unknown>; [more: string]: unknown }

/** How the operator is asked. */
export interface Questions {
  remindMs: number;
  deadlineMs: number;
  /** After the deadline: go on waiting, stop with "nobody answered", or ask again as an escalation. Never a yes. */
  expiry: 'hold' | 'deny' | 'escalate';
}

/** How many parts of a stage must succeed. */
export type Policy = 'all' | 'any' | { atLeast: number };

/** One agent with what it may use up. */
export interface Worker {
  agent: AnyActorLogic;
  /** `reply.model`, `copy@2`: its name for people, and in `setup({actors})`. */
  label: string;
  schema: z.ZodType;
  input: (scope: Scope) => unknown;
  attempts: number;
  timeoutMs: number | null;
  /** The most that one try costs. */
  tryCostMicros: number | null;
  /** Its output says what it cost; when it does not, the price is unknown. */
  tellsCost: boolean;
}

export interface StepPlan {
  kind: 'step';
  name: string;
  workers: Worker[];
  timeoutsMax: number;
  pauseMs: number;
  costMicros: number | null;
  confidence: { atLeast: number; otherwise: 'ask' | 'alternative' } | null;
  questions: Questions;
}
export interface AllPlan { kind: 'all'; name: string; branches: Record<string, StepPlan>; policy: Policy; questions: Questions }
export interface ReviewPlan { kind: 'review'; name: string; produce: StepPlan; check: StepPlan; accepts: (check: unknown) => boolean; rounds: number; questions: Questions }
export interface EachPlan { kind: 'each'; name: string; over: (scope: Scope) => readonly unknown[]; step: StepPlan; machine: AnyStateMachine; concurrency: number; policy: Policy; questions: Questions }
export type Stage = StepPlan | AllPlan | ReviewPlan | EachPlan;

export const concurrencyMax = 100;
const namePattern = /^[a-z][a-z0-9-]*$/;
const reserved = ['completed', 'stopped'];

export const refuse = (stage: string, problem: string): never => {
  throw new KeelsonError('MACHINE_NOT_DURABLE', `stage '${stage}': ${problem}`);
};

export function checkName(name: string, taken: readonly string[]): void {
  if (!namePattern.test(name)) refuse(name, 'a name has lower-case letters, digits and dashes');
  if (reserved.includes(name) || taken.includes(name)) refuse(name, 'this name is taken; choose another');
}

export function labelOf(agent: AnyActorLogic): string {
  return activityOf(agent)?.name ?? machineKey(agent as unknown as AnyStateMachine);
}

/** What an agent gives back, unwrapped when it is a pipeline itself. */
export function schemaOf(agent: AnyActorLogic): z.ZodType | undefined {
  return pipelineResult(agent) ?? activityOf(agent)?.output ?? protocolOf(agent as unknown as AnyStateMachine)?.output;
}

/** The schema of a pipeline's result, or undefined when the agent is none. */
export function pipelineResult(agent: AnyActorLogic): z.ZodType | undefined {
  return (agent as { [resultTag]?: z.ZodType })[resultTag];
}
export const resultTag = Symbol.for('keelson.pipeline');

/** The fields of an output, for people: `{category, confidence}`. */
export function schemaText(schema: z.ZodType): string {
  return schema instanceof z.ZodObject ? `{${Object.keys(schema.shape).join(', ')}}` : schema.type;
}

/** What its output is as a whole, where `confidence` and `costMicros` stand. */
const wholeOutput = (agent: AnyActorLogic) => activityOf(agent)?.output ?? protocolOf(agent as unknown as AnyStateMachine)?.output;

function says(schema: z.ZodType | undefined, field: string): boolean {
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) return says(schema.unwrap() as z.ZodType, field);
  return schema instanceof z.ZodObject && field in schema.shape;
}
export const tellsCost = (agent: AnyActorLogic) => says(wholeOutput(agent), 'costMicros');

/** Whether something leaves the company through this agent: it, or an agent of its, has an activity that may run at most once. */
export function actsOutside(agent: unknown): boolean {
  const activity = activityOf(agent);
  if (activity) return activity.once === true;
  return Object.values((agent as AnyStateMachine).implementations?.actors ?? {}).some(actsOutside);
}

/** Throws MACHINE_NOT_DURABLE for a stage that could do harm or never work. `alone`: nothing else can make it stop midway. */
export function checkStep(step: StepPlan, alone: boolean): void {
  const { name, workers, confidence } = step;
  for (const { agent, label, schema, attempts, timeoutMs } of workers) {
    if (activityOf(agent)?.once) refuse(name, `'${label}' acts outside; start it through machines/agents/operation.ts, so that it passes the gate`);
    // A try that is stopped or repeated could send twice, or send unseen.
    if (actsOutside(agent) && (attempts > 1 || timeoutMs !== null || workers.length > 1 || !alone)) refuse(name, `'${label}' acts outside: one attempt, no timeout, no alternative, and a step of its own`);
    if (!Number.isInteger(attempts) || attempts < 1) refuse(name, `attempts is ${attempts}; use 1 or more`);
    if (timeoutMs !== null && !(timeoutMs > 0)) refuse(name, `timeoutMs is ${timeoutMs}; use more than 0`);
    if (confidence && !says(schema, 'confidence')) refuse(name, `the output of '${label}' has no 'confidence' to compare`);
  }
  if (step.timeoutsMax < 1) refuse(name, 'timeoutsMax must be 1 or more');
  if (confidence?.otherwise === 'alternative' && workers.length < 2) refuse(name, 'unsure outputs go to an alternative, but there is none');
}

export function needed(policy: Policy, total: number): number {
  return policy === 'all' ? total : policy === 'any' ? 1 : policy.atLeast;
}

export function checkPolicy(stage: string, policy: Policy, total: number): void {
  const n = needed(policy, total);
  if (!Number.isInteger(n) || n < 1 || n > total) refuse(stage, `the policy asks for ${n} of ${total}`);
}
