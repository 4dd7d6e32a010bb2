// The triage agent: what is this mail? The rules look first; what the operator taught may overrule them; a model is asked when neither is
// sure; then the operator. About a mail that gives orders the operator is always asked, whatever was learnt. It never guesses.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { operatorEvents, operatorOnly, toItemData } from '../inbox.ts';
import { categorySchema, languageSchema, mailSchema } from '../mail.ts';
import { linkSchema, type Link } from '../records.ts';
import { toTriageInput, triageInput, triageTask } from '../tasks/triage.ts';
import { askTier } from './activities.ts';
import { ladderMachine } from './ladder.ts';
import { triageMail } from './triage-rules.ts';
import { climbedVerdict, learntVerdict, localQuestion, sureFrom } from './triage-tiers.ts';

export const verdictSchema = z.object({
  category: categorySchema,
  confidence: z.number().min(0).max(1),
  language: languageSchema,
  reasons: z.array(z.string()),
  suspicious: z.array(z.string()),
  by: z.enum(['rules', 'learnt', 'model', 'operator']),
  /** Which tier said so: `rules`, `local`, the name of a tier of models, `operator`. */
  tier: z.string().optional(),
  /** How sure that tier said it is, where `confidence` is held against what it is believed at: this is what it is measured by. */
  said: z.number().min(0).max(1).optional(),
});
export type Verdict = z.output<typeof verdictSchema>;

const paidSchema = z.object({ model: z.string().nullable(), costMicros: z.number().int().nullable(), evidence: z.array(linkSchema) });

const triage = protocol({
  /** `useModel`: models are set up. */
  input: z.object({ mail: mailSchema, threshold: z.number(), useModel: z.boolean().optional() }),
  context: z.object({
    mailId: z.string(), subject: z.string(), sender: z.string(), excerpt: z.string(), threshold: z.number(), verdict: verdictSchema.nullable(),
    // Absent in actors that version 1 made, which wait for the operator and need none of it.
    useModel: z.boolean().optional(), local: z.json().optional(), asked: triageInput.optional(), paid: paidSchema.optional(),
    /** Who said what before the operator was asked: how good the tiers are is measured by it. */
    guess: z.object({ category: categorySchema, tier: z.string(), confidence: z.number() }).optional(),
  }),
  events: operatorEvents,
  output: verdictSchema.nullable(),
  operatorOnly,
  may: { intents: ['question'], act: ['model.ask', 'model.plan'], spendMicros: 1_000_000 },
  takesOver: ['1'],
});
type Context = z.output<typeof triage.schemas.context>;

const categories = categorySchema.options.join(', ');
const toCategory = (text: string) => categorySchema.safeParse(text.trim().toLowerCase());
const isSure = ({ verdict, threshold }: Context) => verdict !== null && verdict.confidence >= sureFrom(verdict.by, threshold) && verdict.suspicious.length === 0;
const mailLink = ({ mailId }: Context): Link => ({ kind: 'artifact', id: mailId });
const guessOf = ({ verdict }: Context) => (verdict === null ? {} : { guess: { category: verdict.category, tier: verdict.tier ?? 'rules', confidence: verdict.said ?? verdict.confidence } });
function operatorSays({ verdict }: Context, category: Verdict['category'] | undefined, reasons?: string[]): Verdict | null {
  if (verdict === null) return null;
  const { said: _, ...heard } = verdict;
  return { ...heard, category: category ?? verdict.category, confidence: 1, by: 'operator', tier: 'operator', ...(reasons ? { reasons } : {}) };
}

export const triageMachine = setup({
  types: triage.types,
  schemas: triage.schemas,
  actions: records,
  actors: { askTier, ladder: ladderMachine },
  guards: {
    sure: ({ context }) => isSure(context),
    mayClimb: ({ context }) => context.useModel === true && context.verdict !== null && context.verdict.suspicious.length === 0,
    namesCategory: (_, { text }: { text: string }) => toCategory(text).success,
  },
}).createMachine({
  id: 'triage',
  version: '2',
  description: 'What is this mail? By rules, by what you taught, by a model where there is one; asks you when unsure.',
  context: ({ input }) => {
    const found = triageMail(input.mail);
    return {
      mailId: input.mail.id,
      subject: input.mail.subject,
      sender: input.mail.from?.address ?? '(no sender)',
      excerpt: input.mail.text.slice(0, 1_500),
      threshold: input.threshold,
      verdict: { ...found, by: 'rules' as const, tier: 'rules' },
      useModel: input.useModel === true, local: localQuestion(input.mail, found), asked: toTriageInput(input.mail), paid: { model: null, costMicros: 0, evidence: [] },
    };
  },
  initial: 'remembering',
  states: {
    remembering: {
      description: 'Was something like it taught before? Costs nothing.',
      invoke: {
        id: 'local',
        src: 'askTier',
        input: ({ context }) => ({ task: triageTask.name, tier: 'local', input: context.local ?? null, latency: 'now' as const }),
        onDone: { target: 'weighing', actions: assign(({ context, event }) => learntVerdict(context, event.output)) },
        // Without what was learnt the rules' word stands.
        onError: { target: 'weighing', actions: assign({ verdict: ({ context, event }) => context.verdict && { ...context.verdict, reasons: [...context.verdict.reasons, `What was learnt could not be asked: ${reasonOf(event.error)}`] } }) },
      },
    },
    weighing: { always: [{ guard: 'sure', target: 'decided' }, { guard: 'mayClimb', target: 'climbing' }, { target: 'asking' }] },
    climbing: {
      invoke: {
        id: 'ladder',
        src: 'ladder',
        input: ({ context }) => ({
          task: triageTask.name, input: context.asked ?? null,
          floor: context.verdict && { answer: { category: context.verdict.category, language: context.verdict.language, reason: context.verdict.reasons[0] ?? '', confidence: context.verdict.confidence }, confidence: context.verdict.confidence, tier: context.verdict.tier ?? 'rules' },
        }),
        onDone: { target: 'climbed', actions: assign(({ context, event }) => climbedVerdict(context, event.output)) },
        onError: { target: 'asking', actions: assign({ verdict: ({ context, event }) => context.verdict && { ...context.verdict, reasons: [...context.verdict.reasons, `No model could be asked: ${reasonOf(event.error)}`] } }) },
      },
    },
    climbed: { always: [{ guard: 'sure', target: 'decided' }, { target: 'asking' }] },
    asking: {
      entry: [assign(({ context }) => guessOf(context)), {
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
            evidence: [mailLink(context), ...(context.paid?.evidence ?? [])],
            policy: null,
            expiresAfterMs: null,
            answers: `approve = it is ${context.verdict?.category}; respond --text CATEGORY (${categories}); reject = ignore it`,
          }),
        }),
      }],
      on: {
        APPROVE: { target: 'answered', actions: assign({ verdict: ({ context }) => operatorSays(context, undefined) }) },
        RESPOND: {
          guard: { type: 'namesCategory', params: ({ event }) => ({ text: event.text }) },
          target: 'answered',
          actions: assign({ verdict: ({ context, event }) => operatorSays(context, toCategory(event.text).data) }),
        },
        REJECT: { target: 'answered', actions: assign({ verdict: ({ context, event }) => operatorSays(context, 'spam', [event.reason]) }) },
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
          confidence: context.verdict?.said ?? context.verdict?.confidence ?? null,
          reasons: [...guessed(context), ...(context.verdict?.reasons ?? []), ...(context.verdict?.suspicious ?? [])],
          evidence: [mailLink(context), ...(context.paid?.evidence ?? [])],
          model: context.paid?.model ?? null,
          costMicros: context.paid === undefined ? 0 : context.paid.costMicros,
          task: triageTask.name,
          tier: context.verdict?.tier ?? context.verdict?.by ?? 'rules',
        }),
      },
    },
  },
  output: ({ context }) => context.verdict,
});

const guessed = ({ guess }: Context): string[] => (guess === undefined ? [] : [`Before you answered, ${guess.tier} said ${guess.category} at ${guess.confidence}.`]);
