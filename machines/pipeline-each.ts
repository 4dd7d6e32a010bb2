// A batch: each item of a list runs as a pipeline of its own, so many at a time. Such a child tries, asks and counts for its item;
// here only its end arrives. No item is stopped because another one failed.
import type { AnyEventObject } from 'xstate';
import { z } from 'zod';
import { askState, decisionOf } from './pipeline-ask.ts';
import { endStage, scopeOf, slotOf, withSlot, type Batch, type Context, type Slot } from './pipeline-context.ts';
import { charge, grant, whyOverBudget } from './pipeline-money.ts';
import { act, type Part, type Topic } from './pipeline-part.ts';
import { needed, schemaText, type EachPlan, type Worker } from './pipeline-plan.ts';
import { childOf } from './pipeline-step.ts';

const reasonsMax = 100;

/** A child seen as one agent: the most it may cost is the budget of its step. */
const itemWorker = ({ machine, step }: EachPlan): Worker => ({ agent: machine, label: '', schema: z.unknown(), input: () => null, attempts: 1, timeoutMs: null, tryCostMicros: step.costMicros, tellsCost: step.workers.some(({ tellsCost, tryCostMicros }) => tellsCost || tryCostMicros !== null) });
const batchOf = ({ name }: EachPlan, context: Context): Batch => context.batches[name]!;
const whyNoMore = (plan: EachPlan, context: Context) => whyOverBudget(context, slotOf(context, plan.name), itemWorker(plan));

export function eachPart(plan: EachPlan, { path, stopped }: { path: string; stopped: string }): Part {
  const { name } = plan;
  const params = { stage: name };
  const [failing, overBudget] = topics(plan);
  const ended = { actions: { type: 'ended', params } };
  return {
    places: [],
    topics: [failing, overBudget],
    state: {
      initial: 'starting',
      states: {
        starting: { entry: { type: 'unroll', params }, always: 'working' },
        working: {
          entry: { type: 'fill', params },
          on: { [`xstate.done.actor.${name}.*`]: ended, [`xstate.error.actor.${name}.*`]: ended, PARKED: { actions: { type: 'itemParked', params } } },
          always: [{ guard: { type: 'allEnded', params }, target: 'joining' }, { guard: { type: 'noMore', params }, target: 'over-budget' }],
        },
        joining: { entry: { type: 'joinEach', params }, always: [{ guard: { type: 'enoughEach', params }, target: 'done' }, { target: 'asking' }] },
        asking: askState(failing, { approve: `${path}.working`, respond: `${path}.done`, reject: stopped }),
        'over-budget': askState(overBudget, { approve: `${path}.working`, respond: `${path}.working`, reject: stopped }),
        done: { type: 'final', entry: { type: 'keepEach', params } },
      },
    },
  };
}

const succeeded = ({ outputs, failed, queue }: Batch) => outputs.length - failed.length - queue.length;
const isEnough = (plan: EachPlan, batch: Batch) => succeeded(batch) >= needed(plan.policy, batch.outputs.length);

function topics(plan: EachPlan): [Topic, Topic] {
  const { name, questions } = plan;
  const itemSchema = plan.step.workers[0]!.schema;
  const change = (context: Context, batch: Partial<Batch>) => ({ batches: { ...context.batches, [name]: { ...batchOf(plan, context), ...batch } } });
  const base = { slot: name, questions, reject: (_: Context, reason: string) => ({ reason }) };
  const failing: Topic = {
    ...base, name: `${name}:join`, kind: 'escalation', what: 'join',
    show: (context) => {
      const batch = batchOf(plan, context);
      return { summary: `${name}: ${succeeded(batch)} of ${batch.outputs.length} succeeded, ${needed(plan.policy, batch.outputs.length)} are needed`, reasons: reasonsOf(batch), payload: batch.failed.slice(0, reasonsMax), confidence: null, answers: `approve = try the failed ones again; respond --text JSON = go on with these ({"INDEX": ${schemaText(itemSchema)}, …}); reject = stop` };
    },
    approve: (context) => change(context, { queue: batchOf(plan, context).failed.map(({ index }) => index), failed: [] }),
    respond: {
      schema: (context) => z.strictObject(Object.fromEntries(batchOf(plan, context).failed.map(({ index }) => [index, itemSchema]))),
      apply: (context, answers: Record<string, Slot['output']>) => change(context, { failed: [], outputs: batchOf(plan, context).outputs.map((output, index) => answers[index] ?? output) }),
    },
  };
  const overBudget: Topic = {
    ...base, name: `${name}:over-budget`, kind: 'question', what: 'budget', respond: null,
    show: (context) => {
      const why = whyNoMore(plan, context) ?? '';
      return { summary: `the budget for ${name} is gone, ${batchOf(plan, context).queue.length} items are left: ${why}`, reasons: [why], payload: null, confidence: null, answers: 'approve = as much again; reject = stop' };
    },
    approve: (context) => grant(context, name, { costMicros: null, tryCostMicros: itemWorker(plan).tryCostMicros }),
  };
  return [failing, overBudget];
}

function reasonsOf({ failed }: Batch): string[] {
  const shown = failed.slice(0, reasonsMax).map(({ index, reason }) => `item ${index}: ${reason}`);
  return failed.length > reasonsMax ? [...shown, `and ${failed.length - reasonsMax} more`] : shown;
}

/** Starts children until so many run, or the budget is gone. */
function fill(plan: EachPlan, before: Context): { change: Partial<Context>; start: { src: string; id: string; input: unknown }[] } {
  const start: { src: string; id: string; input: unknown }[] = [];
  const items = plan.over(scopeOf(before));
  let context = before;
  for (;;) {
    const { queue: [index, ...queue], running } = batchOf(plan, context);
    if (index === undefined || running.length >= plan.concurrency || whyNoMore(plan, context) !== null) return { change: { batches: context.batches, slots: context.slots }, start };
    const scope = { ...scopeOf(context), item: items[index], index };
    start.push({ src: plan.name, id: `${plan.name}.${index}`, input: { title: `${context.title}, ${plan.name} ${index}`, evidence: context.evidence, inputs: plan.step.workers.map(({ input }) => input(scope)) } });
    context = {
      ...context,
      ...withSlot(context, plan.name, { reservedMicros: slotOf(context, plan.name).reservedMicros + (plan.step.costMicros ?? 0) }),
      batches: { ...context.batches, [plan.name]: { ...batchOf(plan, context), queue, running: [...running, index] } },
    };
  }
}

/** What came of one child. */
function take(plan: EachPlan, context: Context, event: AnyEventObject, index: number): Context {
  const batch = batchOf(plan, context);
  const output = event['output'] as { outcome: string; reason: string; result: Slot['output']; costMicros: number | null } | undefined;
  const reason = output === undefined ? ((event['error'] as { message?: string } | null)?.message ?? 'it failed') : output.outcome === 'stopped' ? output.reason : null;
  const slot = slotOf(context, plan.name);
  const others = Math.max(0, slot.reservedMicros - (plan.step.costMicros ?? 0));
  return {
    ...context,
    ...withSlot(context, plan.name, { ...charge(slot, output?.costMicros ?? null, itemWorker(plan)), reservedMicros: others }),
    batches: { ...context.batches, [plan.name]: {
      ...batch,
      running: batch.running.filter((one) => one !== index),
      parked: batch.parked.filter((one) => one !== index),
      outputs: reason === null ? batch.outputs.with(index, output!.result) : batch.outputs,
      failed: reason === null ? batch.failed : [...batch.failed, { index, reason }].toSorted((a, b) => a.index - b.index),
    } },
  };
}

export function eachActions(planOf: (stage: string) => EachPlan) {
  interface Params { stage: string }
  return {
    unroll: act((context, { stage }: Params) => {
      const outputs = planOf(stage).over(scopeOf(context)).map(() => null);
      return { change: { batches: { ...context.batches, [stage]: { queue: outputs.map((_, index) => index), running: [], parked: [], outputs, failed: [] } } } };
    }),
    fill: act((context, { stage }: Params) => fill(planOf(stage), context)),
    ended: act((context, { stage }: Params, event) => {
      const plan = planOf(stage);
      const id = String(event['actorId']);
      const taken = take(plan, context, event, Number(id.slice(stage.length + 1)));
      const parked = batchOf(plan, taken).parked.length - batchOf(plan, context).parked.length;
      return { ...fill(plan, taken), parked, stop: [id] }; // the record forgets a child that has ended
    }),
    itemParked: act((context, { stage }: Params, event) => {
      const batch = batchOf(planOf(stage), context);
      const index = batch.running.find((one) => childOf(context, String(event['from'])) === `${stage}.${one}`);
      if (index === undefined || batch.parked.includes(index) === event['parked']) return {};
      const parked = event['parked'] ? [...batch.parked, index] : batch.parked.filter((one) => one !== index);
      return { change: { batches: { ...context.batches, [stage]: { ...batch, parked } } }, parked: event['parked'] ? 1 : -1 };
    }),
    joinEach: act((context, { stage }: Params) => {
      const batch = batchOf(planOf(stage), context);
      if (batch.failed.length === 0) return {};
      return { records: [decisionOf(context, 'join', { outcome: `${succeeded(batch)} of ${batch.outputs.length}`, reasons: reasonsOf(batch).map((reason) => `${stage}: ${reason}`) })] };
    }),
    keepEach: act((context, { stage }: Params) => {
      return { change: endStage(context, stage, batchOf(planOf(stage), context).outputs) };
    }),
  };
}

export function eachGuards(planOf: (stage: string) => EachPlan) {
  interface Args { context: Context }
  interface Params { stage: string }
  return {
    allEnded: ({ context }: Args, { stage }: Params) => batchOf(planOf(stage), context).running.length === 0 && batchOf(planOf(stage), context).queue.length === 0,
    noMore: ({ context }: Args, { stage }: Params) => batchOf(planOf(stage), context).running.length === 0 && whyNoMore(planOf(stage), context) !== null,
    enoughEach: ({ context }: Args, { stage }: Params) => isEnough(planOf(stage), batchOf(planOf(stage), context)),
  };
}
