// The ladder: has a task answered by the cheapest tier that is believed. Each tier is asked at most once, cheapest first; one that
// could not be asked for want of money or of its provider is asked once more after each GO_ON, when the profile says to wait.
//
//   planning ─▶ choosing ─▶ asking ─┐
//      ▲           │ ▲──────────────┘   sure enough ─▶ answered
//      └─ waiting ◀┘ could not be asked, and the profile waits;  nothing left ─▶ exhausted (the best there is, not sure)
//
// It never fails by itself: a plan that cannot be made, a tier that breaks and an answer in another shape all lead on. Nothing is
// recorded here: the agent that asked records its decision, with `decisionOf` of ../ladder.ts.
import { assign, sendTo, setup } from 'xstate';
import { protocol } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { climbSchema, isSure, nextTier, shouldWait, startClimb, toClimbed, withPlan, withTried } from '../ladder.ts';
import { askTier, noAnswer, planTiers, type Tried } from './activities.ts';
import { ladderInput, ladderOutput } from './ladder-shape.ts';
import { goOn, toLeave, toWait } from './models-shape.ts';
import { modelsAddress } from './standing.ts';

const ladder = protocol({
  input: ladderInput,
  context: climbSchema,
  events: { GO_ON: goOn },
  output: ladderOutput,
  hearsSender: true,
  may: { act: ['model.plan', 'model.ask'] },
});

const dayMs = 86_400_000;
/** The job itself failed: whether the tier was asked is unknown, so its cost is. */
const broken = (error: unknown): Tried => noAnswer('unreadable', reasonOf(error));

export const ladderMachine = setup({
  types: ladder.types,
  schemas: ladder.schemas,
  actors: { planTiers, askTier },
  guards: {
    isSure: ({ context }) => isSure(context),
    hasTier: ({ context }) => nextTier(context) !== null,
    shouldWait: ({ context }) => shouldWait(context),
    isTold: ({ event }) => event.type === 'GO_ON' && event.from === modelsAddress,
    isToldWithout: ({ event }) => event.type === 'GO_ON' && event.from === modelsAddress && event.without,
  },
}).createMachine({
  id: 'ladder',
  version: '1',
  description: 'Asks the cheapest tier first, and the next one when that is not sure.',
  context: ({ input }) => startClimb(input),
  initial: 'planning',
  states: {
    planning: {
      invoke: {
        id: 'plan',
        src: 'planTiers',
        input: ({ context }) => ({ task: context.task }),
        onDone: { target: 'choosing', actions: assign(({ context, event }) => withPlan(context, event.output)) },
        onError: { target: 'choosing', actions: assign(({ context, event }) => ({ ...withPlan(context, { tiers: [], skipped: [], latency: 'now', otherwise: 'go-on' }), note: `there is no plan of tiers: ${reasonOf(event.error)}` })) },
      },
    },
    choosing: {
      always: [
        { guard: 'isSure', target: 'answered' },
        { guard: 'hasTier', target: 'asking' },
        { guard: 'shouldWait', target: 'waiting' },
        { target: 'exhausted' },
      ],
    },
    asking: {
      invoke: {
        id: 'ask',
        src: 'askTier',
        input: ({ context }) => ({ task: context.task, tier: nextTier(context)!, input: context.input, latency: context.plan?.latency ?? 'now' }),
        onDone: { target: 'choosing', actions: assign(({ context, event }) => withTried(context, nextTier(context)!, event.output)) },
        onError: { target: 'choosing', actions: assign(({ context, event }) => withTried(context, nextTier(context)!, broken(event.error))) },
      },
    },
    waiting: {
      description: 'What stands in the way passes: models/main says when, and lets everybody go on.',
      entry: sendTo(({ system }) => system.get(modelsAddress) as never, ({ context }) => toWait(context)),
      after: { [dayMs]: { target: 'planning', description: 'Nobody said so for a day: it looks for itself.', actions: sendTo(({ system }) => system.get(modelsAddress) as never, () => toLeave()) } },
      on: {
        GO_ON: [
          { guard: 'isToldWithout', target: 'exhausted' },
          { guard: 'isTold', target: 'planning' },
        ],
      },
    },
    answered: { type: 'final' },
    exhausted: { type: 'final' },
  },
  output: ({ context }) => toClimbed(context),
});
