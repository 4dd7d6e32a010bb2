// The copy agent: drafts a reply. From the templates first, which costs nothing; when none is good enough, the ladder has a model write
// one. Whatever becomes of the ladder, the template's draft stands: nothing waits that a customer waits for, unless the profile says so.
//
// A model is never shown a mail that gives orders, and never asked to answer a program. It gives text; whom it goes to, and under which
// subject, it has no say in.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { languageSchema, mailSchema } from '../mail.ts';
import { toDraftInput } from '../tasks/draft.ts';
import { draftFromTemplates, draftSchema, hitSchema } from './activities.ts';
import { climbedDraft, isGood, mayClimb } from './copy-draft.ts';
import { besideCorrections } from './draft-rules.ts';
import { ladderMachine } from './ladder.ts';

const copy = protocol({
  /** `threshold`: from which confidence on a template's draft is good enough. */
  input: z.object({ mail: mailSchema, language: languageSchema, hits: z.array(hitSchema), threshold: z.number() }),
  context: z.object({ mail: mailSchema, language: languageSchema, hits: z.array(hitSchema), threshold: z.number(), draft: draftSchema.nullable(), tier: z.string().nullable(), costMicros: z.number().int().nullable() }),
  events: {},
  output: draftSchema,
  may: { artifacts: ['draft'], act: ['reply.template'], spendMicros: 1_000_000 },
  migrate: {
    // Version 2 asked a model first. Where it did, the templates are asked instead, and the ladder after them.
    2: ({ value, context: { mail, language, hits, useModel }, children }) => ({
      value: value === 'asking model' ? 'beginning' : value,
      context: { mail, language, hits, threshold: useModel === true ? 0.6 : 0, draft: null, tier: null, costMicros: 0 },
      stop: children.filter((id) => id === 'model'),
    }),
  },
});

export const copyMachine = setup({
  types: copy.types,
  schemas: copy.schemas,
  actions: records,
  actors: { draftFromTemplates, ladder: ladderMachine },
  guards: {
    isGood: ({ context }) => isGood(context),
    mayClimb: ({ context }) => mayClimb(context.mail) === null,
  },
}).createMachine({
  id: 'copy',
  version: '3',
  description: 'Drafts a reply: from the template library, and by a model where no template is good enough.',
  context: ({ input }) => ({ ...input, draft: null, tier: null, costMicros: 0 }),
  initial: 'filling template',
  states: {
    beginning: { description: 'Came from an older version.', after: { 1: 'filling template' } },
    'filling template': {
      invoke: {
        id: 'template',
        src: 'draftFromTemplates',
        input: ({ context: { mail, language, hits } }) => ({ mail, language, hits }),
        onDone: { target: 'judging', actions: assign({ draft: ({ context, event }) => besideCorrections(event.output, context.hits), tier: 'templates' }) },
      },
    },
    judging: {
      always: [
        { guard: 'isGood', target: 'drafted' },
        { guard: 'mayClimb', target: 'climbing' },
        { target: 'drafted', actions: assign({ draft: ({ context }) => context.draft && { ...context.draft, reasons: [...context.draft.reasons, mayClimb(context.mail)!] } }) },
      ],
    },
    climbing: {
      invoke: {
        id: 'ladder',
        src: 'ladder',
        input: ({ context: { mail, language, hits, draft } }) => ({
          task: 'draft', input: toDraftInput(mail, language, hits),
          floor: draft && { answer: { text: draft.text, templateId: draft.templateId, confidence: draft.confidence }, confidence: draft.confidence, tier: 'templates' },
        }),
        onDone: { target: 'drafted', actions: assign(({ context, event }) => climbedDraft(context, event.output)) },
        onError: { target: 'drafted', actions: assign({ draft: ({ context, event }) => context.draft && { ...context.draft, reasons: [...context.draft.reasons, `No model could be asked: ${reasonOf(event.error)}`] } }) },
      },
    },
    drafted: {
      type: 'final',
      entry: [
        {
          type: 'recordDecision',
          params: ({ context }) => ({
            what: 'draft',
            outcome: context.draft?.templateId ?? context.draft?.model ?? 'nothing fits',
            confidence: context.draft?.confidence ?? null,
            reasons: context.draft?.reasons ?? [],
            evidence: [{ kind: 'artifact' as const, id: context.mail.id }, ...(context.draft?.evidence ?? [])],
            model: context.draft?.model ?? null,
            costMicros: context.costMicros,
            task: 'draft',
            ...(context.tier === null ? {} : { tier: context.tier }),
          }),
        },
        {
          type: 'recordArtifact',
          params: ({ context }) => ({ id: `draft-${context.mail.id}`, kind: 'draft' as const, mediaType: 'text/plain', text: `${context.draft?.subject ?? ''}\n\n${context.draft?.text ?? ''}` }),
        },
      ],
    },
  },
  output: ({ context }) => context.draft!,
});
