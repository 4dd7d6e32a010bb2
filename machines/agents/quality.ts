// Watches how good the tiers are: once a day, and when enough was corrected, what they claimed is held against what became of it. Costs
// nothing. What changed is a fact; a tier that is demoted or comes back is one notice, and the operator may keep it.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { activity, protocol, records } from '../define.ts';
import { operatorEvents, toItemData } from '../inbox.ts';
import type { Fact, Intent } from '../records.ts';
import { tierEntity, tierKey, tierPredicate, tierQualitySchema, type TierQuality } from '../tier-quality.ts';

export const measureQuality = activity({
  name: 'quality.measure',
  input: z.object({ known: z.array(tierQualitySchema), kept: z.array(z.string()) }),
  /** Those about which there is news. */
  output: z.object({ news: z.array(tierQualitySchema) }),
  timeoutMs: 60_000,
  retry: { attempts: 5, firstMs: 1_000, maxMs: 60_000 },
});

const about = z.string().max(600);
const quality = protocol({
  input: z.object({}),
  context: z.object({
    known: z.array(tierQualitySchema),
    /** Tiers of which the operator said that they stay, until that is measured. */
    kept: z.array(z.string()),
    /** What was found out last and is not told yet. */
    news: z.array(tierQualitySchema),
    /** Corrections since the last measurement. */
    corrections: z.int(),
    /** How many notices there were, and which of them are open, by tier. */
    notices: z.int(),
    open: z.record(z.string(), z.string()),
  }),
  events: {
    /** Something was corrected. Harmless, whoever says it. */
    LOOK: z.object({}),
    APPROVE: operatorEvents.APPROVE.extend({ about }),
    REJECT: operatorEvents.REJECT.extend({ about }),
    RESPOND: operatorEvents.RESPOND.extend({ about }),
  },
  output: z.never(),
  operatorOnly: ['APPROVE', 'REJECT', 'RESPOND'],
  may: { facts: [tierPredicate], intents: ['task'], act: ['quality.measure'] },
});
type Context = z.output<typeof quality.schemas.context>;

/** So many corrections are worth a measurement before the day is over. */
const correctionsMin = 10;
const tiersMax = 500;

const factOf = (one: TierQuality): Fact => ({ entity: tierEntity(one), predicate: tierPredicate, value: one, label: 'system', confidence: 1 });
const wasDemoted = ({ known }: Context, one: TierQuality) => known.find((before) => tierKey(before) === tierKey(one))?.demoted ?? false;
/** What the operator said himself needs no notice. */
const toTell = (context: Context) => context.news.filter((one) => one.by === 'measured' && one.demoted !== wasDemoted(context, one));
const noticeId = (one: TierQuality, number: number) => `tier-${tierEntity(one).slice('asset/tier-'.length)}-${number}`;
const close = (id: string, state: Intent['state'] = 'completed'): Intent => ({ id, kind: 'task', state });

function notice(one: TierQuality, id: string): Intent {
  const summary = one.demoted ? `The tier ${one.tier} is passed over for ${one.task}: ${one.reason}` : `The tier ${one.tier} is asked again for ${one.task}: ${one.reason}`;
  return {
    id, kind: 'task', state: 'input-required', summary,
    data: toItemData({
      category: 'quality', confidence: null, risk: 'low', reasons: [one.reason], payload: { ...one }, payloadHash: id, evidence: [{ kind: 'entity', id: tierEntity(one) }], policy: null, expiresAfterMs: null,
      answers: one.demoted ? 'approve = seen; respond --text keep = ask it all the same' : 'approve = seen',
    }),
  };
}

/** The notices that are open afterwards: a newer one takes the place of an older. */
function openAfter(context: Context): Context['open'] {
  const told = toTell(context);
  return { ...context.open, ...Object.fromEntries(told.map((one, i) => [tierKey(one), noticeId(one, context.notices + i + 1)])) };
}
const without = (open: Context['open'], id: string) => Object.fromEntries(Object.entries(open).filter(([, one]) => one !== id));
const keyOf = ({ open }: Context, id: string) => Object.keys(open).find((key) => open[key] === id);

const parts = setup({
  types: quality.types,
  schemas: quality.schemas,
  actions: records,
  actors: { measureQuality },
  delays: { day: 86_400_000, hour: 3_600_000 },
  guards: {
    isEnough: ({ context }) => context.corrections + 1 >= correctionsMin,
    isOpen: ({ context, event }) => 'about' in event && keyOf(context, event.about) !== undefined,
    isKept: ({ context, event }) => event.type === 'RESPOND' && event.text.trim().toLowerCase() === 'keep' && keyOf(context, event.about) !== undefined,
  },
});
const tell = parts.enqueueActions(({ context, enqueue }) => {
  for (const one of context.news) {
    enqueue({ type: 'recordFact', params: factOf(one) });
    const old = context.open[tierKey(one)];
    if (old !== undefined && one.demoted !== wasDemoted(context, one)) enqueue({ type: 'recordIntent', params: close(old, 'canceled') });
  }
  toTell(context).forEach((one, i) => enqueue({ type: 'recordIntent', params: notice(one, noticeId(one, context.notices + i + 1)) }));
});

export const qualityMachine = parts.createMachine({
  id: 'quality',
  version: '1',
  description: 'Holds what tiers claim against what became of it; demotes one that becomes worse, and tells you.',
  context: { known: [], kept: [], news: [], corrections: 0, notices: 0, open: {} },
  initial: 'measuring',
  on: {
    APPROVE: { guard: 'isOpen', actions: [{ type: 'recordIntent', params: ({ event }) => close(event.about) }, assign({ open: ({ context, event }) => without(context.open, event.about) })] },
    REJECT: { guard: 'isOpen', actions: [{ type: 'recordIntent', params: ({ event }) => close(event.about) }, assign({ open: ({ context, event }) => without(context.open, event.about) })] },
    RESPOND: {
      guard: 'isKept',
      target: '.measuring',
      reenter: true,
      actions: [
        { type: 'recordIntent', params: ({ event }) => close(event.about) },
        assign({ kept: ({ context, event }) => [...new Set([...context.kept, keyOf(context, event.about)!])], open: ({ context, event }) => without(context.open, event.about) }),
      ],
    },
  },
  states: {
    measuring: {
      entry: assign({ corrections: 0 }),
      invoke: {
        id: 'measure',
        src: 'measureQuality',
        input: ({ context: { known, kept } }) => ({ known, kept }),
        onDone: { target: 'telling', actions: assign({ news: ({ event }) => event.output.news, kept: [] }) },
        onError: 'resting',
      },
      on: { LOOK: { actions: assign({ corrections: ({ context }) => context.corrections + 1 }) } },
    },
    telling: {
      entry: [tell, assign(({ context }) => ({
        known: [...context.known.filter((one) => !context.news.some((other) => tierKey(other) === tierKey(one))), ...context.news].slice(-tiersMax),
        open: openAfter(context), notices: context.notices + toTell(context).length, news: [],
      }))],
      always: 'waiting',
    },
    waiting: {
      after: { day: 'measuring' },
      on: { LOOK: [{ guard: 'isEnough', target: 'measuring' }, { actions: assign({ corrections: ({ context }) => context.corrections + 1 }) }] },
    },
    resting: { description: 'It could not be measured; nothing changes until it can.', after: { hour: 'measuring' }, on: { LOOK: {} } },
  },
});
