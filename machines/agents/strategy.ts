// Looks over the company (weekly, by a schedule: docs/company-agents.md) and proposes what could be done, with its evidence. It never acts: each
// proposal is a question. Nothing is proposed twice while it is open, was refused lately or was taken on. What it looks at are rows and
// numbers; a model is asked only when there is more to say than is good at once, and then sees handles, never a name or a word of a mail.
import { assign, enqueueActions, setup } from 'xstate';
import { z } from 'zod';
import { keyOf } from '../address.ts';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { decisionOf } from '../ladder.ts';
import { rankByRule, situationSchema, type Situation } from '../situations.ts';
import { strategyTask } from '../tasks/strategy.ts';
import { ladderMachine } from './ladder.ts';
import { ladderOutput } from './ladder-shape.ts';
import { proposalMachine } from './proposal.ts';
import { lookAround } from './strategy-activities.ts';

const outcomeSchema = z.enum(['unchanged', 'nothing', 'proposed', 'failed']);

const strategy = protocol({
  input: z.object({ proposalsMax: z.int().min(1).max(20).default(5) }),
  context: z.object({
    key: z.string(), proposalsMax: z.int(), fresh: z.array(situationSchema), known: z.int(), hash: z.string(), before: z.string().nullable(),
    /** Keys of situations, in the order in which they are proposed. */
    order: z.array(z.string()), open: z.int(), outcome: outcomeSchema, reasons: z.array(z.string()),
    ranked: ladderOutput.nullable(),
  }),
  events: {},
  output: z.object({ outcome: outcomeSchema, proposed: z.int() }),
  may: { facts: ['strategy.seen'], act: ['strategy.look'], spendMicros: 1_000_000 },
});
type Context = z.output<typeof strategy.schemas.context>;

const handleOf = (place: number) => `s${place + 1}`;
/** All that a model is told. */
export const planningInput = (fresh: readonly Situation[]) => ({ situations: fresh.map(({ kind, days, amountMinor, currency, count }, i) => ({ handle: handleOf(i), kind, days, amountMinor, currency, count })) });
/** Each known handle once; what the answer leaves out comes behind, in the order of the rules. */
function orderOf(fresh: readonly Situation[], handles: readonly string[]): string[] {
  const named = handles.map((handle) => fresh.find((_, i) => handleOf(i) === handle)?.key);
  return [...new Set([...named, ...fresh.map(({ key }) => key)].filter((key) => key !== undefined))];
}
const answeredOrder = (answer: unknown) => strategyTask.answer.safeParse(answer).data?.order ?? [];
const proposed = ({ order, proposalsMax }: Context) => order.slice(0, proposalsMax);
const evidenceOf = ({ fresh, order, proposalsMax }: Context) => order.slice(0, proposalsMax).flatMap((key) => fresh.find((one) => one.key === key)?.evidence ?? []).slice(0, 50);
const seen = ({ hash, fresh, known }: Context) => ({ entity: 'asset/strategy', predicate: 'strategy.seen', value: { hash, situations: fresh.length + known }, label: 'system' as const, confidence: 1 });

export const strategyMachine = setup({
  types: strategy.types,
  schemas: strategy.schemas,
  actions: records,
  actors: { lookAround, ladder: ladderMachine, proposal: proposalMachine },
  guards: {
    isUnchanged: ({ context }) => context.hash === context.before,
    isNothing: ({ context }) => context.fresh.length === 0,
    fits: ({ context }) => context.fresh.length <= context.proposalsMax,
    allEnded: ({ context }) => context.open === 0,
  },
}).createMachine({
  id: 'strategy',
  version: '1',
  description: 'What could be done next, from what is known, as questions.',
  context: ({ input, self }) => ({ key: keyOf(self.id).slice(-120), proposalsMax: input.proposalsMax, fresh: [], known: 0, hash: '', before: null, order: [], open: 0, outcome: 'nothing' as const, reasons: [], ranked: null }),
  initial: 'looking',
  states: {
    looking: {
      invoke: {
        id: 'look',
        src: 'lookAround',
        input: {},
        onDone: { target: 'judging', actions: assign(({ event: { output } }) => ({ fresh: rankByRule(output.fresh), known: output.known, hash: output.hash, before: output.before })) },
        onError: { target: 'ended', actions: assign({ outcome: 'failed', reasons: ({ event }) => [reasonOf(event.error)] }) },
      },
    },
    judging: {
      always: [
        { guard: 'isUnchanged', target: 'ended', actions: assign({ outcome: 'unchanged', reasons: ['nothing has changed since the last look'] }) },
        { guard: 'isNothing', target: 'ended', actions: [assign({ outcome: 'nothing', reasons: ({ context }) => [context.known > 0 ? `all ${context.known} are proposed already, or were answered lately` : 'there is nothing to propose'] }), { type: 'recordFact', params: ({ context }) => seen(context) }] },
        { guard: 'fits', target: 'proposing', actions: assign({ order: ({ context }) => context.fresh.map(({ key }) => key) }) },
        { target: 'ranking' },
      ],
    },
    ranking: {
      description: 'There is more than is good at once: which first?',
      invoke: {
        id: 'rank',
        src: 'ladder',
        input: ({ context }) => ({ task: 'strategy', input: planningInput(context.fresh), floor: { answer: { order: context.fresh.map((_, i) => handleOf(i)), confidence: 0.75 }, confidence: 0.75, tier: 'rules' } }),
        onDone: { target: 'proposing', actions: assign(({ context, event: { output } }) => ({ order: orderOf(context.fresh, answeredOrder(output.answer)), ranked: output })) },
        onError: { target: 'proposing', actions: assign(({ context, event }) => ({ order: orderOf(context.fresh, []), reasons: [`ranked by rules: ${reasonOf(event.error)}`] })) },
      },
    },
    proposing: {
      entry: [
        { type: 'recordFact', params: ({ context }) => seen(context) },
        {
          type: 'recordDecision',
          params: ({ context }) => {
            const ranked = context.ranked === null ? { costMicros: 0, reasons: [] } : decisionOf('strategy', context.ranked);
            return { what: 'strategy', outcome: 'proposed', confidence: context.ranked?.confidence ?? null, ...ranked, evidence: evidenceOf(context), reasons: [`${proposed(context).length} of ${context.fresh.length} new situations are proposed; ${context.known} are known`, ...context.reasons, ...ranked.reasons] };
          },
        },
        assign({ outcome: 'proposed', open: ({ context }) => proposed(context).length }),
        enqueueActions(({ context, enqueue }) => {
          for (const [i, key] of proposed(context).entries()) {
            const situation = context.fresh.find((one) => one.key === key)!;
            enqueue.spawnChild('proposal', { id: `proposal.${i}`, input: { id: `s-${context.key}-${i + 1}`, situation, reasons: context.reasons } });
          }
        }),
      ],
      always: 'waiting',
    },
    waiting: {
      description: 'Each proposal waits for its own answer.',
      on: { 'xstate.done.actor.proposal.*': { actions: assign({ open: ({ context }) => context.open - 1 }) }, 'xstate.error.actor.proposal.*': { actions: assign({ open: ({ context }) => context.open - 1 }) } },
      always: { guard: 'allEnded', target: 'ended' },
    },
    ended: {
      type: 'final',
      entry: enqueueActions(({ context, enqueue }) => {
        // What was proposed is written down already.
        if (context.outcome !== 'proposed') enqueue({ type: 'recordDecision', params: { what: 'strategy', outcome: context.outcome, confidence: null, reasons: context.reasons, evidence: [], costMicros: 0 } });
      }),
    },
  },
  output: ({ context }) => ({ outcome: context.outcome, proposed: context.outcome === 'proposed' ? proposed(context).length : 0 }),
});
