// The triage agent: what is this mail? Rules decide when the evidence is clear; otherwise it asks the operator, never guesses.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { operatorEvents, operatorOnly, toItemData } from '../inbox.ts';
import { categorySchema, languageSchema, mailSchema } from '../mail.ts';
import { triageMail } from './triage-rules.ts';

export const verdictSchema = z.object({
  category: categorySchema,
  confidence: z.number().min(0).max(1),
  language: languageSchema,
  reasons: z.array(z.string()),
  suspicious: z.array(z.string()),
  by: z.enum(['rules', 'operator']),
});

const triage = protocol({
  input: z.object({ mail: mailSchema, threshold: z.number() }),
  context: z.object({ mailId: z.string(), subject: z.string(), sender: z.string(), excerpt: z.string(), threshold: z.number(), verdict: verdictSchema.nullable() }),
  events: operatorEvents,
  output: verdictSchema.nullable(),
  operatorOnly,
  may: { intents: ['question'] },
});

const categories = categorySchema.options.join(', ');
const toCategory = (text: string) => categorySchema.safeParse(text.trim().toLowerCase());

export const triageMachine = setup({
  types: triage.types,
  schemas: triage.schemas,
  actions: records,
  guards: {
    sure: ({ context }) => context.verdict !== null && context.verdict.confidence >= context.threshold && context.verdict.suspicious.length === 0,
    namesCategory: (_, { text }: { text: string }) => toCategory(text).success,
  },
}).createMachine({
  id: 'triage',
  version: '1',
  description: 'What is this mail? Asks the operator when unsure.',
  context: ({ input }) => ({
    mailId: input.mail.id,
    subject: input.mail.subject,
    sender: input.mail.from?.address ?? '(no sender)',
    excerpt: input.mail.text.slice(0, 1_500),
    threshold: input.threshold,
    verdict: { ...triageMail(input.mail), by: 'rules' as const },
  }),
  initial: 'classifying',
  states: {
    classifying: {
      always: [{ guard: 'sure', target: 'decided' }, { target: 'asking' }],
    },
    asking: {
      entry: {
        type: 'recordIntent',
        params: ({ context }) => ({
          id: `q-${context.mailId}`,
          kind: 'question' as const,
          state: 'input-required' as const,
          summary: `What is “${context.subject || '(no subject)'}” from ${context.sender}? It looks like ${context.verdict?.category}.`,
          data: toItemData({
            category: context.verdict?.category ?? null,
            confidence: context.verdict?.confidence ?? null,
            risk: context.verdict?.suspicious.length ? 'high' : 'low',
            reasons: [...(context.verdict?.suspicious ?? []), ...(context.verdict?.reasons ?? [])],
            payload: { from: context.sender, subject: context.subject, text: context.excerpt },
            payloadHash: context.mailId,
            evidence: [{ kind: 'artifact', id: context.mailId }],
            policy: null,
            expiresAfterMs: null,
            answers: `approve = it is ${context.verdict?.category}; respond --text CATEGORY (${categories}); reject = ignore it`,
          }),
        }),
      },
      on: {
        APPROVE: { target: 'answered', actions: assign({ verdict: ({ context }) => context.verdict && { ...context.verdict, confidence: 1, by: 'operator' as const } }) },
        RESPOND: {
          guard: { type: 'namesCategory', params: ({ event }) => ({ text: event.text }) },
          target: 'answered',
          actions: assign({ verdict: ({ context, event }) => context.verdict && { ...context.verdict, category: toCategory(event.text).data!, confidence: 1, by: 'operator' as const } }),
        },
        REJECT: { target: 'answered', actions: assign({ verdict: ({ context, event }) => context.verdict && { ...context.verdict, category: 'spam' as const, confidence: 1, reasons: [event.reason], by: 'operator' as const } }) },
      },
    },
    answered: {
      entry: { type: 'recordIntent', params: ({ context }) => ({ id: `q-${context.mailId}`, kind: 'question' as const, state: 'completed' as const }) },
      always: 'decided',
    },
    decided: {
      type: 'final',
      entry: {
        type: 'recordDecision',
        params: ({ context }) => ({
          what: 'triage',
          outcome: context.verdict?.category ?? 'unknown',
          confidence: context.verdict?.confidence ?? null,
          reasons: [...(context.verdict?.reasons ?? []), ...(context.verdict?.suspicious ?? [])],
          evidence: [{ kind: 'artifact' as const, id: context.mailId }],
        }),
      },
    },
  },
  output: ({ context }) => context.verdict,
});
