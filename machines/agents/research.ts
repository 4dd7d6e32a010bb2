// Answers a question from declared sources: chooses which to read, has each read by a reader of its own (reader.ts), and has a report written.
// It plans by handles and counts: no text of a source, and no word from outside, ever reaches it, so nothing that stands there can change
// what is read next. A source that cannot be read is said, and the others still count.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { keyOf } from '../address.ts';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { countTerms, termsOf } from '../find-sentences.ts';
import { decisionOf } from '../ladder.ts';
import { researchTask, type researchInput } from '../tasks/research.ts';
import { ladderMachine } from './ladder.ts';
import { ladderOutput } from './ladder-shape.ts';
import { readerMachine } from './reader.ts';
import { nameOf, readSchema, sourceSchema, writeReport, type Source } from './research-shape.ts';

const inputSchema = z.object({
  question: z.string().min(3).max(1_000),
  sources: z.array(sourceSchema).min(1).max(50),
  /** More than these are not read. */
  readMax: z.int().min(1).max(20).default(8),
  /** Of each source. */
  findingsMax: z.int().min(1).max(20).default(5),
});
const outcomeSchema = z.enum(['complete', 'partial', 'nothing', 'failed']);

const research = protocol({
  input: inputSchema,
  context: inputSchema.extend({ key: z.string(), order: z.array(z.string()), reads: z.array(readSchema), planned: ladderOutput.nullable(), artifact: z.string().nullable(), reason: z.string() }),
  events: {},
  output: z.object({ outcome: outcomeSchema, artifact: z.string().nullable(), findings: z.int(), read: z.int(), failed: z.int() }),
  may: { act: ['research.write'], spendMicros: 1_000_000 },
});
type Context = z.output<typeof research.schemas.context>;

const handleOf = (place: number) => `s${place + 1}`;
const entityOf = ({ key }: Context) => `asset/research-${key}`;
const sourceOf = ({ sources }: Context, handle: string) => sources.find((_, i) => handleOf(i) === handle)!;
/** All that decides what is read. */
export function planningInput({ question, sources, readMax }: { question: string; sources: readonly Source[]; readMax: number }): z.output<typeof researchInput> {
  const terms = termsOf(question);
  return { question, readMax, sources: sources.map((source, i) => ({ handle: handleOf(i), kind: source.kind, words: source.kind === 'store' ? 0 : countTerms(terms, nameOf(source)) })) };
}
/** As declared, but what the question's words name first. */
function ruleOrder(context: Context): string[] {
  return planningInput(context).sources.toSorted((a, b) => b.words - a.words).map(({ handle }) => handle);
}
const allOf = (context: Context, first: readonly string[]) => [...new Set([...first.filter((handle) => sourceOf(context, handle) !== undefined), ...ruleOrder(context)])];
const chosen = ({ order, readMax }: Context) => order.slice(0, readMax);
const next = (context: Context) => chosen(context)[context.reads.length];
const sumOf = ({ reads }: Context) => reads.reduce((sum, { findings }) => sum + findings, 0);
const failedOf = ({ reads }: Context) => reads.filter(({ outcome }) => outcome === 'failed').length;
function outcomeOf(context: Context): z.output<typeof outcomeSchema> {
  if (context.artifact === null) return 'failed';
  if (sumOf(context) === 0) return 'nothing';
  return failedOf(context) > 0 || context.order.length > context.readMax ? 'partial' : 'complete';
}
const broken = (handle: string): Context['reads'][number] => ({ handle, outcome: 'failed', why: 'failed', chars: 0, findings: 0, dropped: 0, tier: null });

export const researchMachine = setup({
  types: research.types,
  schemas: research.schemas,
  actions: records,
  actors: { ladder: ladderMachine, reader: readerMachine, writeReport },
  guards: {
    fits: ({ context }) => context.sources.length <= context.readMax,
    hasNext: ({ context }) => next(context) !== undefined,
  },
}).createMachine({
  id: 'research',
  version: '1',
  description: 'A question, the sources to read, and what they say about it.',
  context: ({ input, self }) => ({ ...input, key: keyOf(self.id).slice(-120), order: [], reads: [], planned: null, artifact: null, reason: '' }),
  initial: 'planning',
  states: {
    planning: { always: [{ guard: 'fits', target: 'choosing', actions: assign({ order: ({ context }) => context.sources.map((_, i) => handleOf(i)) }) }, { target: 'ranking' }] },
    ranking: {
      description: 'There are more sources than may be read.',
      invoke: {
        id: 'rank',
        src: 'ladder',
        input: ({ context }) => ({ task: 'research', input: planningInput(context), floor: { answer: { order: ruleOrder(context), confidence: 0.6 }, confidence: 0.6, tier: 'rules' } }),
        onDone: { target: 'choosing', actions: assign(({ context, event: { output } }) => ({ planned: output, order: allOf(context, researchTask.answer.safeParse(output.answer).data?.order ?? []) })) },
        onError: { target: 'choosing', actions: assign(({ context }) => ({ order: ruleOrder(context) })) },
      },
    },
    choosing: { always: [{ guard: 'hasNext', target: 'reading' }, { target: 'writing' }] },
    reading: {
      invoke: {
        id: 'reader',
        src: 'reader',
        input: ({ context }) => ({ key: context.key, entity: entityOf(context), handle: next(context)!, question: context.question, source: sourceOf(context, next(context)!), findingsMax: context.findingsMax }),
        onDone: { target: 'choosing', actions: assign({ reads: ({ context, event }) => [...context.reads, event.output] }) },
        onError: { target: 'choosing', actions: assign({ reads: ({ context }) => [...context.reads, broken(next(context)!)] }) },
      },
    },
    writing: {
      invoke: {
        id: 'write',
        src: 'writeReport',
        input: ({ context }) => ({ key: context.key, entity: entityOf(context), question: context.question, reads: context.reads.map((read) => ({ ...read, name: nameOf(sourceOf(context, read.handle)) })), left: context.order.slice(context.readMax).map((handle) => nameOf(sourceOf(context, handle))) }),
        onDone: { target: 'ended', actions: assign({ artifact: ({ event }) => event.output.artifact }) },
        onError: { target: 'ended', actions: assign({ reason: ({ event }) => `the report could not be written: ${reasonOf(event.error)}` }) },
      },
    },
    ended: {
      type: 'final',
      entry: {
        type: 'recordDecision',
        params: ({ context }) => {
          const planned = context.planned === null ? { costMicros: 0, reasons: [] } : decisionOf('research', context.planned);
          return { what: 'research', outcome: outcomeOf(context), confidence: context.planned?.confidence ?? null, ...planned, reasons: [...(context.reason === '' ? [] : [context.reason]), `${sumOf(context)} findings in ${context.reads.length - failedOf(context)} sources; ${failedOf(context)} could not be read, ${Math.max(0, context.order.length - context.readMax)} were left out`, ...planned.reasons], evidence: context.artifact === null ? [] : [{ kind: 'artifact' as const, id: context.artifact }] };
        },
      },
    },
  },
  output: ({ context }) => ({ outcome: outcomeOf(context), artifact: context.artifact, findings: sumOf(context), read: context.reads.length - failedOf(context), failed: failedOf(context) }),
});
