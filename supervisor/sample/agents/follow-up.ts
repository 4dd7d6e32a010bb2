// An agent of your own: an offer was made, and when nobody answers in time you are asked. Try it:
//   keelson run follow-up '{"customer": "Anna", "offer": "o-7", "days": 14}' --key o-7
//   keelson send follow-up/o-7 ANSWERED
import { operatorEvents, operatorOnly, protocol, records, toItemData } from 'keelson';
import { assign, setup } from 'xstate';
import { z } from 'zod';

const input = z.object({ customer: z.string(), offer: z.string(), days: z.number().positive() });
const followUp = protocol({
  input,
  context: input.extend({ outcome: z.string() }),
  events: { ...operatorEvents, ANSWERED: z.object({}) },
  output: z.object({ outcome: z.string() }),
  operatorOnly,
  may: { intents: ['task'] },
});

export default setup({
  types: followUp.types,
  schemas: followUp.schemas,
  actions: records,
  delays: { patience: ({ context }) => context.days * 86_400_000 },
}).createMachine({
  id: 'follow-up',
  version: '1',
  description: 'Reminds you of an offer that nobody answered.',
  context: ({ input: given }) => ({ ...given, outcome: '' }),
  initial: 'waiting',
  states: {
    waiting: {
      after: { patience: 'asking' },
      on: { ANSWERED: { target: 'closed', actions: assign({ outcome: 'answered' }) } },
    },
    asking: {
      entry: {
        type: 'recordIntent',
        params: ({ context: { customer, offer } }) => ({
          id: `follow-up-${offer}`, kind: 'task', state: 'input-required', summary: `${customer} has not answered offer ${offer}.`,
          data: toItemData({ category: null, confidence: null, risk: 'low', reasons: ['the time is over'], payload: { customer, offer }, payloadHash: offer, evidence: [], policy: null, expiresAfterMs: null, answers: 'approve = I take care of it; reject = let it go' }),
        }),
      },
      exit: { type: 'recordIntent', params: ({ context }) => ({ id: `follow-up-${context.offer}`, kind: 'task', state: 'completed' }) },
      on: {
        APPROVE: { target: 'closed', actions: assign({ outcome: 'followed up' }) },
        REJECT: { target: 'closed', actions: assign({ outcome: ({ event }) => event.reason }) },
        ANSWERED: { target: 'closed', actions: assign({ outcome: 'answered late' }) },
      },
    },
    closed: { type: 'final' },
  },
  output: ({ context }) => ({ outcome: context.outcome }),
});
