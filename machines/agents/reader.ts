// Reads one source for research, quarantined: it alone sees the text. What it says upwards is a closed summary; what it found goes to the
// store as claims of that source, untrusted, each with the words that say so. It can do nothing but read.
import { assign, enqueueActions, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { findSentences, placeFindings } from '../find-sentences.ts';
import { decisionOf } from '../ladder.ts';
import type { Json } from '../predicates.ts';
import { findingsTask } from '../tasks/findings.ts';
import { ladderMachine } from './ladder.ts';
import { ladderOutput } from './ladder-shape.ts';
import { operationMachine } from './operation.ts';
import { nameOf, readableKinds, readSchema, searchSources, sourceSchema, type Read } from './research-shape.ts';

const hourMs = 3_600_000;
/** What a mind is given of it; the rest is searched by words alone. */
const shownChars = 12_000;
const keptChars = 60_000;

const inputSchema = z.object({ key: z.string(), entity: z.string(), handle: z.string(), question: z.string(), source: sourceSchema, findingsMax: z.int() });
const reader = protocol({
  input: inputSchema,
  context: inputSchema.extend({ passages: z.array(z.object({ id: z.string(), text: z.string() })), why: readSchema.shape.why, climbed: ladderOutput.nullable(), findings: z.array(z.object({ claim: z.string(), quote: z.string(), source: z.string() })), dropped: z.int() }),
  events: {},
  output: readSchema,
  may: { facts: ['finding'], artifacts: ['attachment'], act: ['web.read', 'files.read', 'research.search'], read: readableKinds, spendMicros: 1_000_000 },
});
type Context = z.output<typeof reader.schemas.context>;

const artifactId = ({ key, handle }: Context) => `source/${key}-${handle}`;
const charsOf = ({ passages }: Context) => passages.reduce((sum, { text }) => sum + text.length, 0);
const textIn = (result: unknown): string => z.object({ text: z.string() }).safeParse(result).data?.text.slice(0, keptChars).toWellFormed() ?? '';
const failures = readSchema.shape.why.options;
const whyOf = (outcome: string): Read['why'] => failures.find((one) => one === outcome) ?? 'failed';
const floorOf = ({ question, passages, findingsMax }: Context) => findSentences(question, passages, findingsMax);

/** Of what the surest tier said only what stands in the text. */
function afterClimb(context: Context, climbed: z.output<typeof ladderOutput>): Partial<Context> {
  const findings = findingsTask.answer.safeParse(climbed.answer).data?.findings ?? [];
  const { placed, dropped } = placeFindings(findings, context.passages, context.findingsMax);
  return { climbed, findings: placed, dropped };
}

const operationOf = ({ key, handle, source, question }: Context) => {
  const payload: Json = source.kind === 'web' ? { url: source.url } : source.kind === 'file' ? { root: source.root, path: source.path, as: 'text' } : {};
  return {
    id: `${key}-${handle}`, action: source.kind === 'web' ? 'web.read' : 'files.read', payload, summary: `Read ${nameOf(source).slice(0, 200)} for “${question.slice(0, 100)}”`,
    category: 'research', confidence: null, reasons: [], evidence: [], remindAfterMs: 8 * hourMs, expireAfterMs: 24 * hourMs, mode: 'live' as const, origin: null,
  };
};

export const readerMachine = setup({
  types: reader.types,
  schemas: reader.schemas,
  actions: records,
  actors: { operation: operationMachine, searchSources, ladder: ladderMachine },
  guards: {
    isOurs: ({ context }) => context.source.kind === 'store',
    wasRead: (_, { outcome, result }: { outcome: string; result: unknown }) => outcome === 'done' && textIn(result).trim() !== '',
    wasDone: (_, { outcome }: { outcome: string }) => outcome === 'done',
    hasText: ({ context }) => context.passages.length > 0,
  },
}).createMachine({
  id: 'reader',
  version: '1',
  description: 'Reads one source and writes down what it says about a question.',
  context: ({ input }) => ({ ...input, passages: [], why: '' as const, climbed: null, findings: [], dropped: 0 }),
  initial: 'choosing',
  states: {
    choosing: { always: [{ guard: 'isOurs', target: 'searching' }, { target: 'fetching' }] },
    searching: {
      invoke: {
        id: 'search',
        src: 'searchSources',
        input: ({ context: { question, source, findingsMax } }) => ({ text: question, kinds: source.kind === 'store' ? source.kinds : [], limit: findingsMax * 2 }),
        onDone: { target: 'fetched', actions: assign({ passages: ({ event }) => event.output.passages }) },
        onError: { target: 'ended', actions: assign({ why: 'failed' }) },
      },
    },
    fetching: {
      description: 'An operation like any other: policy sees it, and who is not listed is asked about.',
      invoke: {
        id: 'fetch',
        src: 'operation',
        input: ({ context }) => operationOf(context),
        onDone: [
          { guard: { type: 'wasRead', params: ({ event }) => event.output }, target: 'fetched', actions: [assign({ passages: ({ context, event }) => [{ id: artifactId(context), text: textIn(event.output.result) }] }), { type: 'recordArtifact', params: ({ context, event }) => ({ id: artifactId(context), kind: 'attachment' as const, mediaType: 'text/plain', name: nameOf(context.source).slice(0, 200), text: textIn(event.output.result) }) }] },
          { guard: { type: 'wasDone', params: ({ event }) => event.output }, target: 'ended', actions: assign({ why: 'no-text' }) },
          { target: 'ended', actions: assign({ why: ({ event }) => whyOf(event.output.outcome) }) },
        ],
        onError: { target: 'ended', actions: assign({ why: 'failed' }) },
      },
    },
    fetched: { always: [{ guard: 'hasText', target: 'reading' }, { target: 'ended' }] },
    reading: {
      invoke: {
        id: 'read',
        src: 'ladder',
        input: ({ context }) => {
          const floor = floorOf(context);
          return { task: 'findings', input: { question: context.question, text: context.passages.map(({ text }) => text).join('\n\n').slice(0, shownChars).toWellFormed(), findingsMax: context.findingsMax }, floor: { answer: { ...floor }, confidence: floor.confidence, tier: 'rules' } };
        },
        onDone: { target: 'ended', actions: assign(({ context, event }) => afterClimb(context, event.output)) },
        onError: { target: 'ended', actions: assign(({ context }) => placedFloor(context)) },
      },
    },
    ended: {
      type: 'final',
      entry: enqueueActions(({ context, enqueue }) => {
        const { entity, question, source, climbed, findings } = context;
        const said = climbed === null ? { costMicros: 0, reasons: [] } : decisionOf('findings', climbed);
        const confidence = climbed?.confidence ?? floorOf(context).confidence;
        for (const { claim, quote, source: at } of findings) enqueue({ type: 'recordFact', params: { entity, predicate: 'finding', value: { claim, quote, by: nameOf(source), question }, label: 'untrusted', confidence, source: at } });
        enqueue({ type: 'recordDecision', params: { what: 'reading', outcome: outcomeOf(context), confidence, ...said, reasons: [`${findings.length} findings in ${charsOf(context)} characters of ${nameOf(source)}${context.dropped > 0 ? `; ${context.dropped} did not stand in the text` : ''}${context.why === '' ? '' : `: ${context.why}`}`, ...said.reasons], evidence: findings.map(({ source: id }) => ({ kind: 'artifact' as const, id })) } });
      }),
    },
  },
  output: ({ context }) => ({ handle: context.handle, outcome: outcomeOf(context), why: context.why, chars: charsOf(context), findings: context.findings.length, dropped: context.dropped, tier: context.climbed?.tier ?? (context.findings.length > 0 ? 'rules' : null) }),
});

const outcomeOf = ({ why, findings }: Context): Read['outcome'] => (why !== '' ? 'failed' : findings.length === 0 ? 'nothing' : 'read');
/** No other tier could read it: the sentences that have most of the words. */
function placedFloor(context: Context): Partial<Context> {
  const { placed, dropped } = placeFindings(floorOf(context).findings, context.passages, context.findingsMax);
  return { findings: placed, dropped };
}
