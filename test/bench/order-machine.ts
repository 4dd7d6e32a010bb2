// The machine of W1 and its baseline: five events, five states, a context of about 1 KB.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { protocol } from '#machines/define.ts';

const eventSchema = z.object({ by: z.string(), note: z.string(), at: z.number() });
const contextSchema = z.object({ n: z.number(), last: z.string().nullable(), lines: z.array(z.object({ sku: z.string(), qty: z.number() })), doc: z.string() });
const order = protocol({
  context: contextSchema,
  input: z.object({}),
  output: z.unknown(),
  events: { START: eventSchema, CLASSIFY: eventSchema, WRITE: eventSchema, SUBMIT: eventSchema, APPROVE: eventSchema },
});

export const orderEvents = ['START', 'CLASSIFY', 'WRITE', 'SUBMIT', 'APPROVE'] as const;
export const orderEvent = (i: number) => ({ type: orderEvents[i]!, by: 'user-42', note: 'n'.repeat(120), at: 1_700_000_000_000 + i });

const note = assign<z.output<typeof contextSchema>, { type: string; note: string }, undefined, never, never>({ n: ({ context }) => context.n + 1, last: ({ event }) => event.note });

export const orderMachine = setup({ types: order.types, schemas: order.schemas, guards: { signed: ({ event }) => event.by !== '' } }).createMachine({
  id: 'order',
  version: '1',
  initial: 'idle',
  context: { n: 0, last: null, lines: [{ sku: 'A1', qty: 2 }, { sku: 'B2', qty: 1 }], doc: 'x'.repeat(600) },
  states: {
    idle: { on: { START: { target: 'triage', guard: 'signed', actions: note as never } } },
    triage: { on: { CLASSIFY: { target: 'draft', actions: note as never } } },
    draft: { on: { WRITE: { target: 'draft', actions: note as never }, SUBMIT: { target: 'review', actions: note as never } } },
    review: { on: { APPROVE: { target: 'done', guard: 'signed', actions: note as never } } },
    done: { type: 'final' },
  },
});
