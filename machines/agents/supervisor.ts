// The one actor that everything which fails comes to. What it does is decided by the failed machine's own strategy and a pure
// function; what may not go on by itself becomes a question to the operator. Waits before a restart are its own deadlines.
import { assign, raise, sendTo, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { failedSchema, orderSchema, orderType, releasedSchema, type Order } from '../hold.ts';
import { answerAsJson, operatorEvents, toItemData } from '../inbox.ts';
import type { Decision, Intent } from '../records.ts';
import { judgeFailure, withinWindow, type Verdict } from '../supervision.ts';

const about = z.string().max(600);
const trackedSchema = z.object({
  rev: z.int(),
  /** When it was restarted, within the window of its strategy. */
  restarts: z.array(z.number()),
  doing: z.enum(['restarting', 'stopping', 'asking', 'answered', 'going-on']),
});

const supervisor = protocol({
  input: z.object({}),
  /** By address: who stands still, and who was restarted not long ago. */
  context: z.object({ tracked: z.record(z.string(), trackedSchema), failures: z.int() }),
  events: {
    FAILED: failedSchema,
    RELEASED: releasedSchema,
    APPROVE: operatorEvents.APPROVE.extend({ about, from: z.string() }),
    REJECT: operatorEvents.REJECT.extend({ about, from: z.string() }),
    RESPOND: operatorEvents.RESPOND.extend({ about, from: z.string() }),
    /** Made of the three above. */
    ANSWERED: z.object({ about, order: orderSchema }),
  },
  output: z.never(),
  operatorOnly: ['APPROVE', 'REJECT', 'RESPOND', 'ANSWERED'],
  hearsSender: true,
});
type Context = z.output<typeof supervisor.schemas.context>;
type Failed = z.output<typeof failedSchema>;
/** Restarts of so many actors are remembered after they went on; the oldest are forgotten first. */
const goingOnMax = 200;

/** The id of the question about a failure, and who it is about. */
export const failureItem = (address: string, rev: number) => `failed:${address}:${rev}`;
function readItem(item: string): { address: string; rev: number } {
  const [, address = '', rev = '-1'] = /^failed:(.+):(\d+)$/.exec(item) ?? [];
  return { address, rev: Number(rev) };
}
/** Whether it is still asked about. */
function isAsked({ tracked }: Context, item: string): boolean {
  const { address, rev } = readItem(item);
  return tracked[address]?.rev === rev && tracked[address].doing === 'asking';
}

const verdictOn = ({ tracked }: Context, { from, supervision, atMs }: Failed): Verdict => judgeFailure(supervision, tracked[from]?.restarts ?? [], atMs);

function track(context: Context, failed: Failed): Context {
  const verdict = verdictOn(context, failed);
  const before = withinWindow(context.tracked[failed.from]?.restarts ?? [], failed.supervision?.withinMs ?? 0, failed.atMs);
  const entry = verdict.do === 'restart'
    ? { rev: failed.rev, restarts: [...before, failed.atMs + verdict.afterMs], doing: 'restarting' as const }
    : { rev: failed.rev, restarts: before, doing: verdict.do === 'stop' ? 'stopping' as const : 'asking' as const };
  return { failures: context.failures + 1, tracked: { ...without(context.tracked, failed.from), [failed.from]: entry } };
}

function without(tracked: Context['tracked'], address: string): Context['tracked'] {
  const { [address]: _, ...others } = tracked;
  return others;
}

/** It goes on: only how often it was restarted is still of interest, and that not for ever. */
function goesOn({ tracked }: Context, address: string): Context['tracked'] {
  const { restarts = [], rev = 0 } = tracked[address] ?? {};
  const others = without(tracked, address);
  const kept = Object.entries(others).filter(([, { doing }]) => doing === 'going-on');
  const forgotten = kept.length >= goingOnMax ? kept[0]![0] : null;
  const left = forgotten === null ? others : without(others, forgotten);
  return restarts.length === 0 ? left : { ...left, [address]: { rev, restarts, doing: 'going-on' } };
}

function decision(context: Context, failed: Failed): Omit<Decision, 'policy' | 'model' | 'costMicros'> {
  const { do: outcome, reason } = verdictOn(context, failed);
  return { what: 'supervision', outcome, confidence: null, reasons: [`${failed.from} failed on ${failed.what} at revision ${failed.rev}: ${failed.error.message}`.slice(0, 1_000), reason], evidence: [] };
}

function question(context: Context, failed: Failed): Intent {
  const { from, rev, machine, what, error } = failed;
  const id = failureItem(from, rev);
  return {
    id, kind: 'escalation', state: 'input-required', summary: `${from} has failed and stands still: ${error.message}`.slice(0, 500),
    data: toItemData({
      category: 'failure', confidence: null, risk: 'medium', reasons: [error.message, verdictOn(context, failed).reason], payload: { actor: from, machine, rev, failedOn: what, error }, payloadHash: id, evidence: [], policy: null, expiresAfterMs: null,
      answers: 'approve = try again; reject = stop it, whoever waits for it hears the error; respond --text skip = go on without it; respond --text JSON = go on with this instead (an event, or the result of what failed)',
    }),
  };
}

function instead(text: string, rev: number): Order {
  return isSkip(text) ? { do: 'skip', rev } : { do: 'replace', rev, with: answerAsJson(text) as never };
}
const isSkip = (text: string) => text.trim().toLowerCase() === 'skip';
const ordered = (order: Order) => ({ type: orderType, ...order }) as never;

export const supervisorMachine = setup({
  types: supervisor.types,
  schemas: supervisor.schemas,
  actions: records,
  guards: {
    nobodyStands: ({ context }) => Object.values(context.tracked).every(({ doing }) => doing === 'going-on'),
    isAsked: ({ context, event }) => 'about' in event && isAsked(context, event.about),
    isUnderstood: ({ context, event }) => event.type === 'RESPOND' && isAsked(context, event.about) && (isSkip(event.text) || answerAsJson(event.text) !== undefined),
    isTracked: ({ context, event }) => event.type === 'RELEASED' && context.tracked[event.from]?.rev === event.rev,
    wasAsked: ({ context, event }) => event.type === 'RELEASED' && context.tracked[event.from]?.rev === event.rev && ['asking', 'answered'].includes(context.tracked[event.from]!.doing),
    mayRestart: ({ context, event }) => event.type === 'FAILED' && verdictOn(context, event).do === 'restart',
    withSiblings: ({ context, event }) => {
      const verdict = event.type === 'FAILED' ? verdictOn(context, event) : null;
      return verdict?.do === 'restart' && verdict.scope === 'siblings' && event.type === 'FAILED' && event.parent !== null;
    },
    isGivenUp: ({ context, event }) => event.type === 'FAILED' && verdictOn(context, event).do === 'stop',
  },
}).createMachine({
  id: 'supervisor',
  version: '1',
  description: 'Looks after everybody: restarts what its strategy allows, and asks you about the rest.',
  context: { tracked: {}, failures: 0 },
  initial: 'quiet',
  on: {
    FAILED: [
      {
        guard: 'withSiblings', target: '.attending',
        actions: [
          { type: 'recordDecision', params: ({ context, event }) => decision(context, event) },
          sendTo(({ system, event }) => system.get(event.parent!.address) as never, () => ordered({ do: 'restart-children' }), { delay: ({ context, event }) => waitOf(context, event) }),
          assign(({ context, event }) => track(context, event)),
        ],
      },
      {
        guard: 'mayRestart', target: '.attending',
        actions: [
          { type: 'recordDecision', params: ({ context, event }) => decision(context, event) },
          sendTo(({ system, event }) => system.get(event.from) as never, ({ event }) => ordered({ do: event.supervision!.how === 'fresh' ? 'restart' : 'retry', rev: event.rev }), { delay: ({ context, event }) => waitOf(context, event) }),
          assign(({ context, event }) => track(context, event)),
        ],
      },
      {
        guard: 'isGivenUp', target: '.attending',
        actions: [
          { type: 'recordDecision', params: ({ context, event }) => decision(context, event) },
          sendTo(({ system, event }) => system.get(event.from) as never, ({ context, event }) => ordered({ do: 'stop', rev: event.rev, reason: `${event.error.message} (${verdictOn(context, event).reason})`.slice(0, 2_000) })),
          assign(({ context, event }) => track(context, event)),
        ],
      },
      {
        target: '.attending',
        actions: [
          { type: 'recordDecision', params: ({ context, event }) => decision(context, event) },
          { type: 'recordIntent', params: ({ context, event }) => question(context, event) },
          assign(({ context, event }) => track(context, event)),
        ],
      },
    ],
    RELEASED: [
      { guard: 'wasAsked', actions: [{ type: 'recordIntent', params: ({ event }) => ({ id: failureItem(event.from, event.rev), kind: 'escalation' as const, state: 'completed' as const }) }, assign({ tracked: ({ context, event }) => goesOn(context, event.from) })] },
      { guard: 'isTracked', actions: assign({ tracked: ({ context, event }) => goesOn(context, event.from) }) },
    ],
  },
  states: {
    quiet: {},
    attending: {
      description: 'Somebody stands still: a restart is under way, or you are asked.',
      always: { guard: 'nobodyStands', target: 'quiet' },
      on: {
        APPROVE: { guard: 'isAsked', actions: raise(({ event }) => ({ type: 'ANSWERED' as const, about: event.about, order: { do: 'retry' as const, rev: readItem(event.about).rev } })) },
        REJECT: { guard: 'isAsked', actions: raise(({ event }) => ({ type: 'ANSWERED' as const, about: event.about, order: { do: 'stop' as const, rev: readItem(event.about).rev, reason: event.reason } })) },
        RESPOND: { guard: 'isUnderstood', actions: raise(({ event }) => ({ type: 'ANSWERED' as const, about: event.about, order: instead(event.text, readItem(event.about).rev) })) },
        ANSWERED: {
          guard: 'isAsked',
          description: 'What you decided goes to the actor, which says RELEASED when it goes on.',
          actions: [
            { type: 'recordIntent', params: ({ event }) => ({ id: event.about, kind: 'escalation' as const, state: 'working' as const }) },
            sendTo(({ system, event }) => system.get(readItem(event.about).address) as never, ({ event }) => ordered(event.order)),
            assign({ tracked: ({ context, event }) => ({ ...context.tracked, [readItem(event.about).address]: { ...context.tracked[readItem(event.about).address]!, doing: 'answered' as const } }) }),
          ],
        },
      },
    },
  },
});

function waitOf(context: Context, failed: Failed): number {
  const verdict = verdictOn(context, failed);
  return verdict.do === 'restart' ? verdict.afterMs : 0;
}
