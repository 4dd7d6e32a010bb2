// The copy agent: drafts a reply. With a model when one is configured, else (and whenever the model fails) from the templates.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { languageSchema, mailSchema } from '../mail.ts';
import { draftFromTemplates, draftSchema, draftWithModel, hitSchema } from './activities.ts';
import { findCorrections } from './draft-rules.ts';

const copy = protocol({
  input: z.object({ mail: mailSchema, language: languageSchema, hits: z.array(hitSchema), useModel: z.boolean() }),
  context: z.object({ mail: mailSchema, language: languageSchema, hits: z.array(hitSchema), useModel: z.boolean(), notes: z.array(z.string()), draft: draftSchema.nullable() }),
  events: {},
  output: draftSchema,
  may: { artifacts: ['draft'], act: ['reply.template', 'reply.model'], spendMicros: 1_000_000 },
});

type Draft = z.output<typeof draftSchema>;

/** Whichever tier wrote it: what the operator changed in drafts like it is shown beside it. */
function besideCorrections(draft: Draft, hits: z.output<typeof hitSchema>[]): Draft {
  const corrections = findCorrections(hits);
  if (corrections.length === 0) return draft;
  return { ...draft, reasons: [...draft.reasons, 'a similar draft was corrected by the operator before'], evidence: [...draft.evidence, ...corrections.map((id) => ({ kind: 'annotation' as const, id }))] };
}

export const copyMachine = setup({
  types: copy.types,
  schemas: copy.schemas,
  actions: records,
  actors: { draftWithModel, draftFromTemplates },
  guards: { hasModel: ({ context }) => context.useModel },
}).createMachine({
  id: 'copy',
  version: '2',
  description: 'Drafts a reply: the model when there is one, the template library always.',
  context: ({ input }) => ({ ...input, notes: [], draft: null }),
  initial: 'choosing',
  states: {
    choosing: { always: [{ guard: 'hasModel', target: 'asking model' }, { target: 'filling template' }] },
    'asking model': {
      invoke: {
        id: 'model',
        src: 'draftWithModel',
        input: ({ context: { mail, language, hits } }) => ({ mail, language, hits }),
        onDone: { target: 'drafted', actions: assign({ draft: ({ context, event }) => besideCorrections(event.output, context.hits) }) },
        onError: { target: 'filling template', actions: assign({ notes: ({ event }) => [`the model failed, so a template was used: ${reasonOf(event.error)}`] }) },
      },
    },
    'filling template': {
      invoke: {
        id: 'template',
        src: 'draftFromTemplates',
        input: ({ context: { mail, language, hits } }) => ({ mail, language, hits }),
        onDone: { target: 'drafted', actions: assign({ draft: ({ context, event }) => besideCorrections({ ...event.output, reasons: [...context.notes, ...event.output.reasons] }, context.hits) }) },
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
            evidence: context.draft?.evidence ?? [],
            model: context.draft?.model ?? null,
            costMicros: context.draft?.costMicros ?? null,
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
