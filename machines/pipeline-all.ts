// Fan-out and join: all branches work at once, each in a region of its own. When enough have succeeded the rest is stopped; when all
// have ended and it is not enough the operator decides. What failed is recorded either way.
import { z } from 'zod';
import { askState, decisionOf } from './pipeline-ask.ts';
import { endStage, scopeOf, slotOf, withSlot, type Context, type Slot } from './pipeline-context.ts';
import { settleTry } from './pipeline-money.ts';
import { act, type Part, type Place, type Topic } from './pipeline-part.ts';
import { needed, schemaText, type AllPlan } from './pipeline-plan.ts';
import { stepStates, stepTopics } from './pipeline-step.ts';

const slotName = (plan: AllPlan, branch: string) => `${plan.name}.${branch}`;

export function allPart(plan: AllPlan, { path, stopped }: { path: string; stopped: string }): Part {
  const { name, branches } = plan;
  const places: Place[] = Object.entries(branches).map(([branch, step]) => ({ slot: slotName(plan, branch), step, scope: scopeOf }));
  const topic = joinTopic(plan);
  const region = (place: Place, branch: string) => {
    const at = `${path}.running.${branch}`;
    return stepStates(place, { path: at, stop: `${at}.failed`, fails: true });
  };
  const params = { stage: name };
  return {
    places,
    topics: [...places.flatMap((place) => stepTopics(place, true)), topic],
    state: {
      initial: 'running',
      states: {
        running: {
          type: 'parallel',
          states: Object.fromEntries(Object.keys(branches).map((branch, i) => [branch, region(places[i]!, branch)])),
          always: { guard: { type: 'enough', params }, target: 'joining' },
          onDone: 'joining',
        },
        joining: { entry: { type: 'join', params }, always: [{ guard: { type: 'enough', params }, target: 'done' }, { target: 'asking' }] },
        asking: askState(topic, { approve: `${path}.running`, respond: `${path}.done`, reject: stopped }),
        done: { type: 'final', entry: { type: 'keepAll', params } },
      },
    },
  };
}

const slotsOf = (plan: AllPlan, context: Context) => Object.keys(plan.branches).map((branch) => ({ branch, name: slotName(plan, branch), slot: slotOf(context, slotName(plan, branch)) }));
const failedOf = (plan: AllPlan, context: Context) => slotsOf(plan, context).filter(({ slot }) => !slot.done);
const isEnough = (plan: AllPlan, context: Context) => slotsOf(plan, context).filter(({ slot }) => slot.done).length >= needed(plan.policy, Object.keys(plan.branches).length);
const whyFailed = ({ branch, slot }: { branch: string; slot: Slot }) => `${branch}: ${slot.problem?.text ?? 'not waited for'}`;

function joinTopic(plan: AllPlan): Topic {
  const set = (context: Context, changes: [string, Partial<Slot>][]) => changes.reduce<Context>((before, [slot, change]) => ({ ...before, ...withSlot(before, slot, change) }), context).slots;
  const schema = (context: Context) => z.strictObject(Object.fromEntries(failedOf(plan, context).map(({ branch }) => [branch, plan.branches[branch]!.workers[0]!.schema])));
  return {
    name: `${plan.name}:join`, slot: plan.name, kind: 'escalation', what: 'join', questions: plan.questions,
    show: (context) => {
      const failed = failedOf(plan, context);
      const total = Object.keys(plan.branches).length;
      const shape = failed.map(({ branch }) => `${branch}: ${schemaText(plan.branches[branch]!.workers[0]!.schema)}`).join(', ');
      return { summary: `${plan.name}: ${total - failed.length} of ${total} succeeded, ${needed(plan.policy, total)} are needed`, reasons: failed.map(whyFailed), payload: Object.fromEntries(slotsOf(plan, context).filter(({ slot }) => slot.done).map(({ branch, slot }) => [branch, slot.output])), confidence: null, answers: `approve = try the failed ones again; respond --text JSON = go on with these ({${shape}}); reject = stop` };
    },
    approve: (context) => ({ slots: set(context, failedOf(plan, context).map(({ name }) => [name, { worker: 0, tries: 0, timeouts: 0, problem: null }])) }),
    respond: { schema, apply: (context, outputs: Record<string, Slot['output']>) => ({ slots: set(context, Object.entries(outputs).map(([branch, output]) => [slotName(plan, branch), { output, done: true, problem: null }])) }) },
    reject: (_, reason) => ({ reason }),
  };
}

export function allActions(planOf: (stage: string) => AllPlan) {
  interface Params { stage: string }
  return {
    join: act((context, { stage }: Params) => {
      const plan = planOf(stage);
      const slots = { ...context.slots };
      for (const { branch, name, slot } of slotsOf(plan, context)) slots[name] = settleTry(plan.branches[branch]!, slot);
      const [failed, total] = [failedOf(plan, context), Object.keys(plan.branches).length];
      if (failed.length === 0) return { change: { slots } };
      return { change: { slots }, records: [decisionOf(context, 'join', { outcome: `${total - failed.length} of ${total}`, reasons: failed.map((one) => `${stage}: ${whyFailed(one)}`) })] };
    }),
    keepAll: act((context, { stage }: Params) => {
      const plan = planOf(stage);
      const done = slotsOf(plan, context).filter(({ slot }) => slot.done);
      return { change: endStage(context, stage, Object.fromEntries(done.map(({ branch, slot }) => [branch, slot.output]))) };
    }),
  };
}

export function allGuards(planOf: (stage: string) => AllPlan) {
  return { enough: ({ context }: { context: Context }, { stage }: { stage: string }) => isEnough(planOf(stage), context) };
}
