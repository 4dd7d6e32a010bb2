// What the operator taught again and again becomes one proposal: a rule, or a template's next version, with the cases it comes from and
// what it would have changed in the past. Approved it is published by the operator's desk, never by this agent; rejected it is not
// proposed again in this form. It looks when there is a new correction, at most once a day, and costs nothing.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { activity, protocol, records } from '../define.ts';
import { operatorEvents, operatorOnly, toItemData } from '../inbox.ts';
import { linkSchema, type Intent } from '../records.ts';

/** What an item of this agent publishes when it is approved. */
export const publishSchema = z.strictObject({ kind: z.enum(['rule', 'template']), name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/), text: z.string().min(1).max(20_000) });

const proposalSchema = z.object({
  fingerprint: z.string().max(700),
  publish: publishSchema,
  /** sha256 (hex) of what is published. */
  hash: z.string(),
  /** In one sentence. */
  summary: z.string(),
  reasons: z.array(z.string()),
  evidence: z.array(linkSchema),
});

export const lookForProposals = activity({
  name: 'learning.consolidate',
  input: z.object({ known: z.array(z.string()), limit: z.number().int() }),
  output: z.object({ proposals: z.array(proposalSchema), atMs: z.number() }),
  timeoutMs: 120_000,
  retry: { attempts: 4, firstMs: 1_000, maxMs: 60_000 },
});

const named = { about: z.string() };
const consolidation = protocol({
  input: z.object({}),
  context: z.object({
    /** Fingerprints of all that was proposed, the newest last. */
    known: z.array(z.string()),
    /** Items that wait, by id: what they would publish. */
    open: z.record(z.string(), z.object({ fingerprint: z.string(), publish: z.object({ kind: z.string(), name: z.string() }) })),
    proposals: z.array(proposalSchema),
    made: z.number().int(),
    lookedMs: z.number(),
    /** When the correction came that it will look at; null when there is none. */
    heardMs: z.number().nullable(),
  }),
  events: {
    APPROVE: operatorEvents.APPROVE.extend(named),
    REJECT: operatorEvents.REJECT.extend(named),
    /** A build trigger: something was corrected or answered. */
    CORRECTED: z.object({ change: z.looseObject({ atMs: z.number() }) }),
    /** Look now. */
    LOOK: z.object({}),
  },
  output: z.object({}),
  operatorOnly,
  may: { intents: ['question'], act: ['learning.consolidate'] },
});
type Context = z.output<typeof consolidation.schemas.context>;

const quietMs = 600_000;
const dayMs = 86_400_000;
const openMax = 5;
const knownMax = 300;

const itemId = (made: number) => `learnt-${made}`;
const itemsOf = ({ proposals, made }: Context) => proposals.map((proposal, i) => ({ id: itemId(made + i + 1), proposal }));
const ask = ({ id, proposal: { summary, reasons, evidence, publish, hash } }: ReturnType<typeof itemsOf>[number]): Intent => ({
  id, kind: 'question', state: 'input-required', summary,
  data: toItemData({
    category: 'learnt', confidence: null, risk: 'medium', reasons, payload: { publish }, payloadHash: hash, evidence, policy: null, expiresAfterMs: null,
    answers: `approve = publish it as ${publish.kind === 'rule' ? 'rules' : 'templates'}/${publish.name}; reject = it is not proposed again`,
  }),
});
const without = (open: Context['open'], id: string): Context['open'] => Object.fromEntries(Object.entries(open).filter(([one]) => one !== id));

const parts = setup({
  types: consolidation.types,
  schemas: consolidation.schemas,
  actions: records,
  actors: { lookForProposals },
  delays: { quiet: ({ context }) => Math.max(quietMs, context.lookedMs + dayMs - (context.heardMs ?? 0)) },
  guards: {
    isOpen: ({ context, event }) => 'about' in event && Object.hasOwn(context.open, event.about),
    hasHeard: ({ context }) => context.heardMs !== null,
  },
});
const propose = parts.enqueueActions(({ context, enqueue }) => {
  for (const item of itemsOf(context)) enqueue({ type: 'recordIntent', params: ask(item) });
});
const hear = parts.assign({ heardMs: ({ event }) => (event.type === 'CORRECTED' ? event.change.atMs : null) });
const answered = (state: 'completed' | 'rejected') => [
  { type: 'recordIntent' as const, params: ({ event }: { event: { about?: string } }): Intent => ({ id: event.about ?? '', kind: 'question', state }) },
  {
    type: 'recordDecision' as const,
    params: ({ context, event }: { context: Context; event: { about?: string; reason?: string } }) => {
      const found = context.open[event.about ?? ''];
      return { what: 'learnt', outcome: state === 'completed' ? 'accepted' : 'rejected', confidence: null, reasons: [`${found?.publish.kind} ${found?.publish.name}`, ...(event.reason ? [event.reason] : [])], evidence: [{ kind: 'intent' as const, id: event.about ?? '' }] };
    },
  },
];

export const consolidationMachine = parts.createMachine({
  id: 'consolidation',
  version: '1',
  description: 'Makes proposals of what you correct again and again: rules and next versions of templates. Publishes nothing.',
  context: { known: [], open: {}, proposals: [], made: 0, lookedMs: -dayMs, heardMs: null },
  initial: 'resting',
  on: {
    APPROVE: { guard: 'isOpen', actions: [...answered('completed'), assign({ open: ({ context, event }) => without(context.open, event.about) })] },
    REJECT: { guard: 'isOpen', actions: [...answered('rejected'), assign({ open: ({ context, event }) => without(context.open, event.about) })] },
  },
  states: {
    resting: { on: { CORRECTED: { target: 'settling', actions: hear }, LOOK: 'looking' } },
    settling: {
      description: 'More may come; and it looks once a day at most.',
      after: { quiet: 'looking' },
      on: { LOOK: 'looking', CORRECTED: {} },
    },
    looking: {
      entry: assign({ heardMs: null }),
      invoke: {
        id: 'look',
        src: 'lookForProposals',
        input: ({ context }) => ({ known: context.known, limit: Math.max(0, openMax - Object.keys(context.open).length) }),
        onDone: { target: 'proposing', actions: assign({ proposals: ({ context, event }) => event.output.proposals.filter(({ fingerprint }) => !context.known.includes(fingerprint)), lookedMs: ({ event }) => event.output.atMs }) },
        onError: 'looked',
      },
      on: { CORRECTED: { actions: hear }, LOOK: {} },
    },
    proposing: {
      entry: [propose, assign(({ context }) => ({
        known: [...context.known, ...context.proposals.map(({ fingerprint }) => fingerprint)].slice(-knownMax),
        open: { ...context.open, ...Object.fromEntries(itemsOf(context).map(({ id, proposal: { fingerprint, publish: { kind, name } } }) => [id, { fingerprint, publish: { kind, name } }])) },
        made: context.made + context.proposals.length, proposals: [],
      }))],
      always: 'looked',
    },
    // What came while it looked is looked at later.
    looked: { always: [{ guard: 'hasHeard', target: 'settling' }, { target: 'resting' }] },
  },
});
