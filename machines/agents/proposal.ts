// One thing that strategy found worth doing, as a question to the operator. It does nothing itself. Once a day it looks whether it is still
// so, which costs nothing, and takes itself back when it is not, or when nobody wanted it for a month.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { operatorEvents, operatorOnly, toItemData } from '../inbox.ts';
import type { Intent } from '../records.ts';
import { propose, situationSchema } from '../situations.ts';
import { lookAgain } from './strategy-activities.ts';

const dayMs = 86_400_000;
const daysMax = 28;

const outcomeSchema = z.enum(['taken', 'rejected', 'over', 'lapsed']);
const inputSchema = z.object({ id: z.string(), situation: situationSchema, reasons: z.array(z.string()) });
const proposal = protocol({
  input: inputSchema,
  context: inputSchema.extend({ days: z.int(), outcome: outcomeSchema, reason: z.string() }),
  events: { APPROVE: operatorEvents.APPROVE, REJECT: operatorEvents.REJECT },
  output: z.object({ outcome: outcomeSchema }),
  operatorOnly,
  may: { intents: ['task'], act: ['strategy.still'] },
});
type Context = z.output<typeof proposal.schemas.context>;

const task = ({ id, situation, reasons }: Context): Intent => ({
  id, kind: 'task', state: 'input-required', summary: propose(situation),
  data: toItemData({ category: 'strategy', confidence: null, risk: 'low', reasons, payload: situation, payloadHash: id, evidence: situation.evidence, policy: null, expiresAfterMs: daysMax * dayMs, answers: 'approve = I take care of it; reject --reason = not now, and not again for a month' }),
});
const close = ({ id }: Context, state: Intent['state']): Intent => ({ id, kind: 'task', state });

export const proposalMachine = setup({
  types: proposal.types,
  schemas: proposal.schemas,
  actions: records,
  actors: { lookAgain },
  delays: { day: dayMs },
  guards: {
    isOver: (_, { still }: { still: boolean }) => !still,
    isOld: ({ context }) => context.days >= daysMax,
  },
}).createMachine({
  id: 'proposal',
  version: '1',
  description: 'Something worth doing, until somebody says yes or no, or it is over.',
  context: ({ input }) => ({ ...input, days: 0, outcome: 'lapsed' as const, reason: 'nobody answered' }),
  initial: 'asked',
  states: {
    asked: {
      entry: { type: 'recordIntent', params: ({ context }) => task(context) },
      initial: 'waiting',
      on: {
        APPROVE: { target: 'ended', actions: [assign({ outcome: 'taken', reason: 'the operator takes care of it' }), { type: 'recordIntent', params: ({ context }) => close(context, 'completed') }] },
        REJECT: { target: 'ended', actions: [assign({ outcome: 'rejected', reason: ({ event }) => event.reason }), { type: 'recordIntent', params: ({ context }) => close(context, 'rejected') }] },
      },
      states: {
        waiting: { after: { day: 'looking' } },
        looking: {
          entry: assign({ days: ({ context }) => context.days + 1 }),
          always: { guard: 'isOld', target: '#proposal.ended', actions: { type: 'recordIntent', params: ({ context }) => close(context, 'canceled') } },
          invoke: {
            id: 'still',
            src: 'lookAgain',
            input: ({ context }) => ({ key: context.situation.key }),
            onDone: [
              { guard: { type: 'isOver', params: ({ event }) => event.output }, target: '#proposal.ended', actions: [assign({ outcome: 'over', reason: 'it is not so any more' }), { type: 'recordIntent', params: ({ context }) => close(context, 'canceled') }] },
              { target: 'waiting' },
            ],
            // It is asked again tomorrow.
            onError: 'waiting',
          },
        },
      },
    },
    ended: { type: 'final', entry: { type: 'recordDecision', params: ({ context }) => ({ what: 'proposal', outcome: context.outcome, confidence: null, reasons: [context.reason], evidence: context.situation.evidence }) } },
  },
  output: ({ context }) => ({ outcome: context.outcome }),
});
