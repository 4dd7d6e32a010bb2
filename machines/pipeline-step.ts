// One step as states: an agent works, its output is judged, and what follows is another try, the alternative or the operator.
//
//   starting ─▶ working | alternative-1 … ─▶ judging ─▶ done
//      ▲ │ over-budget                        │ │ └─ unsure ─▶ the operator
//      │ └─ the operator                      │ └─ again, or the alternative ─▶ starting
//      └──── APPROVE ── failing, the operator ◀─ nothing left   (in a fan-out: failed, and the join decides)
import { keyOf } from './address.ts';
import { activityOf } from './define.ts';
import { decisionOf, askState } from './pipeline-ask.ts';
import { emptySlot, endStage, slotOf, withSlot, workerOf, type Context, type Slot } from './pipeline-context.ts';
import { grant, whyOverBudget } from './pipeline-money.ts';
import { act, type Place, type StateConfig, type Topic } from './pipeline-part.ts';
import { schemaText } from './pipeline-plan.ts';
import { confidenceOf, judge, takeTry, type Arrival, type Verdict } from './pipeline-try.ts';

const workState = (worker: number) => (worker === 0 ? 'working' : `alternative-${worker}`);

/** `path` is where the state stands, `#machine.stage`; `stop` leads out when the operator says no. `fails`: nothing left is the end of it, not a question. */
export function stepStates(place: Place, { path, stop, fails }: { path: string; stop: string; fails: boolean }): StateConfig {
  const { slot, step } = place;
  const verdict = (is: Verdict) => ({ type: 'verdict', params: { slot, is } });
  const ask = (topic: string, approve: string) => askState(stepTopic(place, topic), { approve: `${path}.${approve}`, respond: `${path}.done`, reject: stop });
  const again = step.pauseMs > 0 ? 'pausing' : 'starting';
  return {
    initial: 'starting',
    states: {
      starting: {
        entry: { type: 'begin', params: { slot } },
        always: [
          { guard: { type: 'isDone', params: { slot } }, target: 'done' },
          { guard: { type: 'overBudget', params: { slot } }, target: 'over-budget' },
          ...step.workers.map((_, worker) => ({ guard: { type: 'isWorker', params: { slot, worker } }, target: workState(worker) })),
        ],
      },
      ...Object.fromEntries(step.workers.map((_, worker) => [workState(worker), workingState(place, worker, path)])),
      judging: {
        always: [
          { guard: verdict('accept'), target: 'done' },
          { guard: verdict('stop'), target: stop, actions: { type: 'giveUp', params: { slot } } },
          { guard: verdict('unsure'), target: 'unsure' },
          { guard: verdict('again'), target: again },
          { guard: verdict('replan'), target: 'starting', actions: { type: 'replan', params: { slot } } },
          { target: fails ? 'failed' : 'failing' },
        ],
      },
      ...(step.pauseMs > 0 && { pausing: { after: { [step.pauseMs]: 'starting' } } }),
      unsure: ask('unsure', 'done'),
      'over-budget': ask('over-budget', 'starting'),
      ...(fails ? { failed: { type: 'final' } } : { failing: ask('failing', 'starting') }),
      done: { type: 'final', entry: { type: 'keep', params: { slot } } },
    },
  };
}

function workingState({ slot, step, scope }: Place, worker: number, path: string): StateConfig {
  const { agent, label, timeoutMs, input } = step.workers[worker]!;
  const arrives = (how: string) => ({ target: `${path}.judging`, actions: { type: 'take', params: { slot, how } } });
  const heard = (parked: boolean) => ({ type: 'heard', params: { child: slot, parked } });
  return {
    description: `${label}${worker === 0 ? '' : ' instead'}`,
    tags: [activityOf(agent) ? 'activity' : 'machine'],
    invoke: { id: slot, src: label, input: ({ context }: { context: Context }) => input(scope(context)), onDone: arrives('done'), onError: arrives('error') },
    initial: 'running',
    states: {
      // The time of the work stands still while the agent waits for a person, and begins anew after it.
      running: { ...(timeoutMs !== null && { after: { [timeoutMs]: arrives('timeout') } }), on: { PARKED: { guard: heard(true), target: 'parked' } } },
      parked: { entry: 'park', exit: 'unpark', tags: ['operator'], on: { PARKED: { guard: heard(false), target: 'running' } } },
    },
  };
}

type StepTopic = Pick<Place, 'slot' | 'step'>;

export const stepTopics = (place: StepTopic, fails: boolean): Topic[] => ['unsure', 'over-budget', ...(fails ? [] : ['failing'])].map((topic) => stepTopic(place, topic));

function stepTopic({ slot, step }: StepTopic, topic: string): Topic {
  const again = (context: Context) => withSlot(context, slot, { worker: 0, tries: 0, timeouts: 0, output: null, problem: null });
  const base = {
    name: `${slot}:${topic}`,
    slot,
    questions: step.questions,
    respond: { schema: (context: Context) => workerOf(step, slotOf(context, slot)).schema, apply: (context: Context, output: Slot['output']) => withSlot(context, slot, { output, problem: null }) },
    reject: (context: Context, reason: string) => ({ reason, ...withSlot(context, slot, { output: null, problem: { kind: 'stopped', text: reason } }) }),
  };
  const problem = (context: Context) => slotOf(context, slot).problem?.text ?? '';
  const replaces = (context: Context) => `respond --text JSON = go on with this instead (${schemaText(workerOf(step, slotOf(context, slot)).schema)})`;
  if (topic === 'unsure') {
    return {
      ...base, kind: 'question', what: 'confidence',
      show: (context) => ({ summary: `is this right? ${slot}: ${problem(context)}`, reasons: [problem(context)], payload: slotOf(context, slot).output, confidence: confidenceOf(slotOf(context, slot).output), answers: `approve = go on with it; ${replaces(context)}; reject = stop` }),
      approve: (context) => withSlot(context, slot, { problem: null }),
    };
  }
  if (topic === 'failing') {
    return {
      ...base, kind: 'escalation', what: 'replan',
      show: (context) => ({ summary: `${slot} cannot go on: ${problem(context)}`, reasons: [`${workerOf(step, slotOf(context, slot)).label} has used ${triesOf(slotOf(context, slot))}`, problem(context)], payload: null, confidence: null, answers: `approve = try again; ${replaces(context)}; reject = stop` }),
      approve: again,
    };
  }
  const why = (context: Context) => slotOf(context, slot).blocked ?? '';
  return {
    ...base, kind: 'question', what: 'budget',
    show: (context) => ({ summary: `the budget for ${slot} is gone: ${why(context)}`, reasons: [why(context)], payload: { spentMicros: slotOf(context, slot).spentMicros, allowedMicros: slotOf(context, slot).allowedMicros }, confidence: null, answers: `approve = as much again; ${replaces(context)}; reject = stop` }),
    approve: (context) => grant(context, slot, { costMicros: step.costMicros, tryCostMicros: workerOf(step, slotOf(context, slot)).tryCostMicros }),
  };
}

const triesOf = ({ tries, timeouts }: Slot) => `${tries} ${tries === 1 ? 'try' : 'tries'}${timeouts > 0 ? `, ${timeouts} without an answer in time` : ''}`;

export function stepActions(placeOf: (slot: string) => Place) {
  interface Params { slot: string }
  const at = (context: Context, slot: string) => ({ now: slotOf(context, slot), step: placeOf(slot).step });
  return {
    /** Reserves what the try may cost. An action, not a guard: branches that begin at once are asked one after the other. */
    begin: act((context, { slot }: Params) => {
      const { step } = placeOf(slot);
      const now = context.slots[slot] ?? emptySlot(step.costMicros);
      if (now.done) return {};
      const worker = workerOf(step, now);
      const blocked = whyOverBudget(context, now, worker);
      if (blocked !== null) return { change: withSlot(context, slot, { ...now, blocked }) };
      return { change: withSlot(context, slot, { ...now, blocked, output: null, problem: null, reservedMicros: worker.tryCostMicros ?? 0, running: true }) };
    }),
    take: act((context, { slot, how }: Params & { how: 'done' | 'error' | 'timeout' }, event) => {
      const { now, step } = at(context, slot);
      const arrival: Arrival = how === 'done' ? { output: event['output'] } : how === 'error' ? { error: event['error'] } : { timeoutMs: workerOf(step, now).timeoutMs! };
      const { slot: next, decision } = takeTry(step, now, arrival);
      return { change: withSlot(context, slot, next), records: decision ? [decisionOf(context, 'stage', decision)] : [] };
    }),
    replan: act((context, { slot }: Params) => {
      const { now, step } = at(context, slot);
      const [from, to] = [workerOf(step, now), step.workers[now.worker + 1]!];
      const reasons = [`${slot}: ${from.label} gives way to ${to.label} after ${triesOf(now)}`, now.problem!.text];
      return { change: withSlot(context, slot, { worker: now.worker + 1, tries: 0, timeouts: 0 }), records: [decisionOf(context, 'replan', { outcome: to.label, confidence: confidenceOf(now.output), reasons })] };
    }),
    /** The agent is a pipeline, and the operator has stopped it. */
    giveUp: act((context, { slot }: Params) => ({ change: { reason: `${slot}: ${slotOf(context, slot).problem!.text}` } })),
    keep: act((context, { slot }: Params) => ({ change: keepOutput(context, slot) })),
  };
}

/** The output of a stage becomes its result; of a part of a stage it stays where it is. */
function keepOutput(context: Context, slot: string): Partial<Context> {
  if (slot.includes('.')) return withSlot(context, slot, { done: true });
  return endStage(context, slot, slotOf(context, slot).output);
}

/** The id of the child with this address; null when it is none of ours. */
export function childOf({ address }: Context, from: string): string | null {
  const [key, ours] = [keyOf(from).replace(/~\d+$/, ''), `${address.replace('/', '.')}.`];
  return key.startsWith(ours) ? key.slice(ours.length) : null;
}

export function stepGuards(placeOf: (slot: string) => Place) {
  interface Params { slot: string }
  interface Args { context: Context }
  const now = (context: Context, slot: string) => slotOf(context, slot);
  return {
    isDone: ({ context }: Args, { slot }: Params) => now(context, slot).done,
    isWorker: ({ context }: Args, { slot, worker }: Params & { worker: number }) => now(context, slot).worker === worker,
    overBudget: ({ context }: Args, { slot }: Params) => now(context, slot).blocked !== null,
    verdict: ({ context }: Args, { slot, is }: Params & { is: Verdict }) => judge(placeOf(slot).step, now(context, slot)) === is,
    /** Said by the agent that works here, not by somebody else's. */
    heard: ({ context, event }: Args & { event: { from?: unknown; parked?: unknown } }, { child, parked }: { child: string; parked: boolean }) => event.parked === parked && childOf(context, event.from as string) === child,
  };
}
