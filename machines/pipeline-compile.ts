// Makes one ordinary machine of a list of stages: a state per stage, then `completed` or `stopped`. Nothing here runs; the machine is
// linted, registered, hosted, drawn and replayed like any other.
import { setup, type AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { activityOf, protocol, records, type Protocol } from './define.ts';
import { KeelsonError } from './errors.ts';
import { operatorOnly } from './inbox.ts';
import type { Permissions } from './permissions.ts';
import { allActions, allGuards, allPart } from './pipeline-all.ts';
import { askActions, askGuards, decisionOf, pipelineEvents } from './pipeline-ask.ts';
import { contextSchema, scopeOf, type Context } from './pipeline-context.ts';
import { eachActions, eachGuards, eachPart } from './pipeline-each.ts';
import { totalCost } from './pipeline-money.ts';
import { act, type Part } from './pipeline-part.ts';
import { resultTag, type Stage, type StepPlan } from './pipeline-plan.ts';
import { reviewActions, reviewGuards, reviewPart } from './pipeline-review.ts';
import { stepActions, stepGuards, stepStates, stepTopics } from './pipeline-step.ts';
import type { Link } from './records.ts';

export interface Plan {
  id: string;
  version: string;
  description: string;
  input: z.ZodType;
  title: (input: never) => string;
  evidence: (input: never) => Link[];
  costMicros: number | null;
  /** Of the last stage. */
  result: z.ZodType;
  stages: readonly Stage[];
  protocol: Pick<Protocol, 'may' | 'takesOver' | 'migrate' | 'supervise'>;
}

export const outputSchema = z.object({ outcome: z.enum(['completed', 'stopped']), reason: z.string(), costMicros: z.number().int().nullable() });

export function compilePipeline(plan: Plan): AnyStateMachine {
  const { id, stages } = plan;
  if (!/^[a-z][a-z0-9-]{0,47}$/.test(id)) throw new KeelsonError('MACHINE_NOT_DURABLE', `'${id}' is no type of an actor: lower-case letters, digits and dashes, at most 48`);
  if (stages.length === 0) throw new KeelsonError('MACHINE_NOT_DURABLE', `pipeline '${id}' has no stages; add one`);
  const parts = stages.map((stage) => toPart(stage, { path: `#${id}.${stage.name}`, stopped: `#${id}.stopped` }));
  const places = byName(parts.flatMap((part) => part.places), ({ slot }) => slot);
  const topics = byName(parts.flatMap((part) => part.topics), ({ name }) => name);
  const planOf = <K extends Stage['kind']>(kind: K) => byName(stages.filter((stage): stage is Extract<Stage, { kind: K }> => stage.kind === kind), ({ name }) => name);
  const [all, review, each] = [planOf('all'), planOf('review'), planOf('each')];

  const run = protocol({
    ...plan.protocol,
    input: plan.input,
    context: contextSchema,
    events: pipelineEvents,
    output: outputSchema.extend({ result: plan.result.nullable() }),
    operatorOnly,
    hearsSender: true,
    may: permissions(plan),
  });
  const end = (outcome: 'completed' | 'stopped') => ({ type: 'final', entry: { type: 'end', params: { outcome } } });
  const states = Object.fromEntries(parts.map(({ state }, i) => [stages[i]!.name, { ...state, onDone: stages[i + 1]?.name ?? 'completed' }]));
  // XState's types follow literal configurations; this one is computed, and the lint checks it instead.
  const implementations: unknown = {
    schemas: run.schemas,
    actors: actorsOf(stages),
    actions: {
      ...records, ...askActions(topics), ...stepActions(places), ...allActions(all), ...reviewActions(review), ...eachActions(each),
      end: act((context, { outcome }: { outcome: string }) => ({ records: [decisionOf(context, 'pipeline', { outcome, reasons: [...(outcome === 'stopped' ? [context.reason] : []), sayTotal(context)] })] })),
    },
    guards: { ...askGuards(topics), ...stepGuards(places), ...allGuards(all), ...reviewGuards(review), ...eachGuards(each) },
  };
  const config: unknown = {
    id,
    version: plan.version,
    description: plan.description,
    context: ({ input, self }: { input: never; self: { id: string } }): Context => ({
      address: self.id, title: plan.title(input), evidence: plan.evidence(input), input,
      results: {}, slots: {}, batches: {}, rounds: {}, spent: { spentMicros: 0, unknownPrices: 0, acceptedPrices: 0 },
      allowedMicros: plan.costMicros, grantMicros: plan.costMicros, parked: 0, reason: '',
    }),
    initial: stages[0]!.name,
    states: { ...states, completed: end('completed'), stopped: end('stopped') },
    output: ({ context }: { context: Context }) => outputOf(plan, context),
  };
  const machine = setup(implementations as never).createMachine(config as never);
  return Object.assign(machine, { [resultTag]: plan.result }) as never;
}

function toPart(stage: Stage, at: { path: string; stopped: string }): Part {
  switch (stage.kind) {
    case 'step': {
      const place = { slot: stage.name, step: stage, scope: scopeOf };
      return { state: stepStates(place, { path: at.path, stop: at.stopped, fails: false }), places: [place], topics: stepTopics(place, false) };
    }
    case 'all':
      return allPart(stage, at);
    case 'review':
      return reviewPart(stage, at);
    case 'each':
      return eachPart(stage, at);
  }
}

function byName<T>(list: readonly T[], nameOf: (one: T) => string): (name: string) => T {
  const found = new Map(list.map((one) => [nameOf(one), one]));
  return (name) => found.get(name)!;
}

const stepsOf = (stage: Stage): StepPlan[] => (stage.kind === 'step' ? [stage] : stage.kind === 'all' ? Object.values(stage.branches) : stage.kind === 'review' ? [stage.produce, stage.check] : []);

function actorsOf(stages: readonly Stage[]): Record<string, unknown> {
  const workers = stages.flatMap(stepsOf).flatMap((step) => step.workers);
  const children = stages.filter((stage) => stage.kind === 'each').map(({ name, machine }) => [name, machine] as const);
  return Object.fromEntries([...workers.map(({ label, agent }) => [label, agent] as const), ...children]);
}

/** What its stages need; the author adds nothing for them. What a try cost is recorded whatever it was: the budget decides before it. */
function permissions({ stages, protocol: { may = {} } }: Plan): Permissions {
  const agents = stages.flatMap(stepsOf).flatMap((step) => step.workers);
  const activities = agents.flatMap(({ agent }) => activityOf(agent)?.name ?? []);
  return { spendMicros: agents.some(({ agent, tellsCost }) => tellsCost && activityOf(agent)) ? Number.MAX_SAFE_INTEGER : 0, ...may, intents: [...new Set([...(may.intents ?? []), 'question' as const])], act: [...new Set([...(may.act ?? []), ...activities])] };
}

function sayTotal(context: Context): string {
  const total = totalCost(context);
  return total === null ? 'what it cost is not known in full' : `cost ${total} micros`;
}

function outputOf({ stages }: Plan, context: Context) {
  const last = stages.at(-1)!.name;
  const completed = last in context.results;
  return { outcome: completed ? 'completed' as const : 'stopped' as const, reason: completed ? '' : context.reason, result: completed ? context.results[last]! : null, costMicros: totalCost(context) };
}
