// The retrieval agent: what do we know that helps to answer? Templates, past threads and facts, by full text.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { mailSchema } from '../mail.ts';
import { hitSchema, searchKnowledge } from './activities.ts';

export const knowledgeSchema = z.object({ hits: z.array(hitSchema) });

const retrieval = protocol({
  input: z.object({ mail: mailSchema.pick({ id: true, subject: true, text: true }) }),
  context: z.object({ mailId: z.string(), query: z.string(), hits: z.array(hitSchema) }),
  events: {},
  output: knowledgeSchema,
  may: { act: ['knowledge.search'], read: ['template', 'mail', 'sent', 'fact', 'correction', 'remark'] },
});

export const retrievalMachine = setup({ types: retrieval.types, schemas: retrieval.schemas, actions: records, actors: { searchKnowledge } }).createMachine({
  id: 'retrieval',
  version: '2',
  description: 'Finds templates, past threads and facts that help to answer.',
  context: ({ input }) => ({ mailId: input.mail.id, query: `${input.mail.subject} ${input.mail.text}`.slice(0, 2_000), hits: [] }),
  initial: 'searching',
  states: {
    searching: {
      invoke: {
        id: 'search',
        src: 'searchKnowledge',
        input: ({ context }) => ({ text: context.query, kinds: ['template', 'mail', 'sent', 'fact', 'correction', 'remark'], except: context.mailId, limit: 12 }),
        onDone: { target: 'found', actions: assign({ hits: ({ event }) => event.output.hits }) },
      },
    },
    found: { type: 'final' },
  },
  output: ({ context }) => ({ hits: context.hits }),
});
