// Writes the report of each day when the day is over, and of each week on its Monday: a document that the operator finds in the morning. A
// report is named by its day, so that one that is made twice is one. Costs nothing.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { activity, protocol, records } from '../define.ts';

const documentSchema = z.object({ id: z.string().min(1).max(100), text: z.string().min(1).max(200_000) });

export const writeReport = activity({
  name: 'report.write',
  /** Up to when it was reported; null at the first look. */
  input: z.object({ doneMs: z.number().nullable() }),
  output: z.object({ documents: z.array(documentSchema), doneMs: z.number(), waitMs: z.number() }),
  timeoutMs: 120_000,
  retry: { attempts: 5, firstMs: 1_000, maxMs: 60_000 },
});

const report = protocol({
  input: z.object({}),
  context: z.object({ doneMs: z.number().nullable(), waitMs: z.number(), documents: z.array(documentSchema) }),
  events: {
    /** The clock was set, or somebody wants it now. Harmless, whoever says it. */
    LOOK: z.object({}),
  },
  output: z.never(),
  may: { artifacts: ['document'], act: ['report.write'] },
});

const parts = setup({
  types: report.types,
  schemas: report.schemas,
  actions: records,
  actors: { writeReport },
  delays: { untilNext: ({ context }) => context.waitMs, hour: 3_600_000 },
});
const keep = parts.enqueueActions(({ context: { documents }, enqueue }) => {
  for (const { id, text } of documents) enqueue({ type: 'recordArtifact', params: { id, kind: 'document', mediaType: 'text/markdown', text } });
});

export const reportMachine = parts.createMachine({
  id: 'report',
  version: '1',
  description: 'Writes the report of the day, and of the week.',
  context: { doneMs: null, waitMs: 0, documents: [] },
  initial: 'writing',
  states: {
    writing: {
      invoke: {
        id: 'write',
        src: 'writeReport',
        input: ({ context: { doneMs } }) => ({ doneMs }),
        onDone: { target: 'keeping', actions: assign(({ event: { output } }) => output) },
        onError: 'resting',
      },
      on: { LOOK: {} },
    },
    keeping: { entry: [keep, assign({ documents: [] })], always: 'waiting' },
    waiting: { after: { untilNext: 'writing' }, on: { LOOK: 'writing' } },
    resting: { description: 'It could not be written; it is tried again.', after: { hour: 'writing' }, on: { LOOK: {} } },
  },
});
