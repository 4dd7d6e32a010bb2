// A bounded review: one agent produces, another checks, and what it remarks goes back to the first, for so many rounds; then the
// operator decides.
import { askState, decisionOf } from './pipeline-ask.ts';
import { endStage, firstRound, scopeOf, slotOf, withSlot, type Context } from './pipeline-context.ts';
import { act, type Part, type Place, type Topic } from './pipeline-part.ts';
import { schemaText, type ReviewPlan } from './pipeline-plan.ts';
import { stepStates, stepTopics } from './pipeline-step.ts';
import { confidenceOf } from './pipeline-try.ts';

const productOf = ({ name }: ReviewPlan, context: Context) => slotOf(context, `${name}.produce`).output;
const remarksOf = ({ name }: ReviewPlan, context: Context) => slotOf(context, `${name}.check`).output;
const roundOf = ({ name }: ReviewPlan, context: Context) => context.rounds[name] ?? firstRound;

export function reviewPart(plan: ReviewPlan, { path, stopped }: { path: string; stopped: string }): Part {
  const { name, produce, check } = plan;
  const places: Place[] = [
    { slot: `${name}.produce`, step: produce, scope: (context) => ({ ...scopeOf(context), ...roundOf(plan, context) }) },
    { slot: `${name}.check`, step: check, scope: (context) => ({ ...scopeOf(context), product: productOf(plan, context) }) },
  ];
  const [producing, checking] = places as [Place, Place];
  const topic = reviewTopic(plan);
  const params = { stage: name };
  return {
    places,
    topics: [...places.flatMap((place) => stepTopics(place, false)), topic],
    state: {
      initial: 'produce',
      states: {
        produce: { ...stepStates(producing, { path: `${path}.produce`, stop: stopped, fails: false }), onDone: 'check' },
        check: { ...stepStates(checking, { path: `${path}.check`, stop: stopped, fails: false }), onDone: 'deciding' },
        deciding: {
          entry: { type: 'reviewed', params },
          always: [
            { guard: { type: 'accepted', params }, target: 'done' },
            { guard: { type: 'roundsLeft', params }, target: 'produce', actions: { type: 'anotherRound', params } },
            { target: 'asking' },
          ],
        },
        asking: askState(topic, { approve: `${path}.done`, respond: `${path}.done`, reject: stopped }),
        done: { type: 'final', entry: { type: 'keepProduct', params } },
      },
    },
  };
}

function reviewTopic(plan: ReviewPlan): Topic {
  const slot = `${plan.name}.produce`;
  return {
    name: `${plan.name}:review`, slot: plan.name, kind: 'question', what: 'review', questions: plan.questions,
    show: (context) => ({ summary: `${plan.name} still has remarks after ${plan.rounds} rounds`, reasons: [`remarks: ${JSON.stringify(remarksOf(plan, context)).slice(0, 2_000)}`], payload: productOf(plan, context), confidence: confidenceOf(productOf(plan, context)), answers: `approve = take it as it is; respond --text JSON = go on with this instead (${schemaText(plan.produce.workers[0]!.schema)}); reject = stop` }),
    approve: () => ({}),
    respond: { schema: () => plan.produce.workers[0]!.schema, apply: (context, output) => withSlot(context, slot, { output }) },
    reject: (_, reason) => ({ reason }),
  };
}

export function reviewActions(planOf: (stage: string) => ReviewPlan) {
  interface Params { stage: string }
  return {
    reviewed: act((context, { stage }: Params) => {
      const plan = planOf(stage);
      const accepted = plan.accepts(remarksOf(plan, context));
      const { round } = roundOf(plan, context);
      return { records: [decisionOf(context, 'review', { outcome: accepted ? 'accepted' : 'remarks', confidence: confidenceOf(remarksOf(plan, context)), reasons: [`${stage}: round ${round} of ${plan.rounds}`, ...(accepted ? [] : [JSON.stringify(remarksOf(plan, context)).slice(0, 2_000)])] })] };
    }),
    anotherRound: act((context, { stage }: Params) => {
      const plan = planOf(stage);
      const { round } = roundOf(plan, context);
      const fresh = { worker: 0, tries: 0, timeouts: 0, done: false, output: null };
      const produced = { ...context, ...withSlot(context, `${stage}.produce`, fresh) };
      return { change: { ...withSlot(produced, `${stage}.check`, fresh), rounds: { ...context.rounds, [stage]: { round: round + 1, remarks: remarksOf(plan, context), previous: productOf(plan, context) } } } };
    }),
    keepProduct: act((context, { stage }: Params) => {
      return { change: endStage(context, stage, productOf(planOf(stage), context)) };
    }),
  };
}

export function reviewGuards(planOf: (stage: string) => ReviewPlan) {
  interface Args { context: Context }
  return {
    accepted: ({ context }: Args, { stage }: { stage: string }) => planOf(stage).accepts(remarksOf(planOf(stage), context)),
    roundsLeft: ({ context }: Args, { stage }: { stage: string }) => roundOf(planOf(stage), context).round < planOf(stage).rounds,
  };
}
