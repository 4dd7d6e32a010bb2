// `models/main`: those who wait for money or for a provider wait here, and go on by themselves when it is back. The operator sees one
// item that says what waits, what it needs and what can be done. A look asks the providers for nothing, so it costs nothing; it
// comes after 1, 2, 4 … 15 minutes, at a budget's next period, or at once when the operator changes a limit or says so.
//
//   quiet ─ WAIT ─▶ gathering ─▶ looking ─▶ draining ─▶ waiting ─▶ looking …   (somebody still waits: the item is shown)
//     ▲                                        └──────▶ settling: nobody waits; who comes back within minutes is not news
//     └───────────────────────────────────────────────────┘
//
// What if: WAIT twice ─▶ one place · a waiter is gone ─▶ its GO_ON is ignored · GO_ON is lost ─▶ the waiter looks itself after a day ·
// everybody comes back at once ─▶ only the first ones are let go, and the next look is later.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { typeOf } from '../address.ts';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { operatorEvents, operatorOnly } from '../inbox.ts';
import { isAnyoneLeft, isClear, isNewNeed, join, leave, nextBatch, nobody, releaseAll, waitingSchema, withLook, withoutBatch, withoutLook } from '../waiting-list.ts';
import { lookAtModels } from './activities.ts';
import { noticeId, sayWaiting } from './models-notice.ts';
import { leaveSchema, waitSchema } from './models-shape.ts';

const from = z.string();
const models = protocol({
  input: z.object({}),
  context: z.object({
    list: waitingSchema,
    /** Of the item that is shown, or will be next. */
    time: z.number().int(),
    shown: z.boolean(),
  }),
  events: {
    WAIT: waitSchema,
    LEAVE: leaveSchema,
    /** The operator changed a limit. */
    LOOK: z.object({ from }),
    APPROVE: operatorEvents.APPROVE.extend({ from }),
    REJECT: operatorEvents.REJECT.extend({ from }),
  },
  output: z.never(),
  operatorOnly,
  hearsSender: true,
  may: { intents: ['task'], act: ['model.ready'] },
});

const gatherMs = 5_000;
const batchMs = 1_000;
/** Longer than a model may take to answer those who went on. */
const settleMs = 600_000;

const parts = setup({
  types: models.types,
  schemas: models.schemas,
  actions: records,
  actors: { lookAtModels },
  delays: { nextLook: ({ context }) => context.list.pauseMs },
  guards: {
    isWaiter: ({ event }) => event.type === 'WAIT' && typeOf(event.from) === 'ladder',
    /** Told to go on, it came back: then the rest need not try. */
    isBackAtOnce: ({ context: { list }, event }) => event.type === 'WAIT' && typeOf(event.from) === 'ladder' && !list.without && isClear(list, event.needs),
    /** The next look is meant for others. */
    isNewNeed: ({ context: { list }, event }) => event.type === 'WAIT' && typeOf(event.from) === 'ladder' && isNewNeed(list, event.needs),
    isTurn: ({ context }) => nextBatch(context.list).length > 0,
    isAnyoneLeft: ({ context }) => isAnyoneLeft(context.list),
    isShown: ({ context }) => context.shown,
  },
});

const add = parts.assign({ list: ({ context, event }) => (event.type === 'WAIT' ? join(context.list, event) : context.list) });
const press = parts.assign({ list: ({ context }) => ({ ...context.list, pressed: true }) });
const show = { type: 'recordIntent' as const, params: ({ context }: { context: z.output<typeof models.schemas.context> }) => sayWaiting(context.time, context.list) };
const goOn = parts.enqueueActions(({ context: { list }, system, enqueue }) => {
  for (const address of nextBatch(list)) enqueue.sendTo(system.get(address) as never, { type: 'GO_ON', without: list.without } as never);
  enqueue.assign({ list: withoutBatch(list) });
});
const heard = { guard: 'isWaiter' as const, actions: add };

export const modelsMachine = parts.createMachine({
  id: 'models',
  version: '1',
  description: 'Knows who waits for a model, and lets them go on when it is back.',
  context: { list: nobody, time: 1, shown: false },
  initial: 'quiet',
  on: {
    WAIT: heard,
    LEAVE: { actions: assign({ list: ({ context, event }) => leave(context.list, [event.from]) }) },
    LOOK: { actions: press },
    APPROVE: { actions: press },
    REJECT: {
      target: '.draining',
      actions: [
        { type: 'recordIntent', params: ({ context }) => ({ id: noticeId(context.time), kind: 'task' as const, state: 'rejected' as const }) },
        assign({ list: ({ context }) => releaseAll(context.list), shown: false, time: ({ context }) => context.time + 1 }),
      ],
    },
  },
  states: {
    quiet: {
      on: { WAIT: { ...heard, target: 'gathering' }, LEAVE: {}, LOOK: {}, APPROVE: {}, REJECT: {} },
    },
    gathering: {
      description: 'Where one waits, others follow: the first look is for all of them.',
      after: { [gatherMs]: 'looking' },
      on: { REJECT: {} },
    },
    looking: {
      invoke: {
        id: 'look',
        src: 'lookAtModels',
        input: {},
        onDone: { target: 'draining', actions: assign({ list: ({ context, event }) => withLook(context.list, event.output) }) },
        onError: { target: 'draining', actions: assign({ list: ({ context, event }) => withoutLook(context.list, reasonOf(event.error)) }) },
      },
    },
    draining: {
      description: 'Those who can go on do, a few at a time.',
      entry: goOn,
      after: {
        [batchMs]: [
          { guard: 'isTurn', target: 'draining', reenter: true },
          { guard: 'isAnyoneLeft', target: 'waiting' },
          { target: 'settling' },
        ],
      },
      on: { WAIT: [{ guard: 'isBackAtOnce', target: 'waiting', actions: add }, heard] },
    },
    waiting: {
      entry: [show, assign({ shown: true })],
      after: { nextLook: 'looking' },
      on: {
        WAIT: [{ guard: 'isNewNeed', target: 'looking', actions: add }, heard],
        LOOK: { target: 'looking', actions: press },
        APPROVE: { target: 'looking', actions: press },
      },
    },
    settling: {
      entry: assign({ list: ({ context }) => ({ ...context.list, without: false }) }),
      after: {
        [settleMs]: [
          { guard: 'isShown', target: 'quiet', actions: [{ type: 'recordIntent', params: ({ context }) => ({ id: noticeId(context.time), kind: 'task' as const, state: 'completed' as const }) }, assign({ list: nobody, shown: false, time: ({ context }) => context.time + 1 })] },
          { target: 'quiet', actions: assign({ list: nobody }) },
        ],
      },
      on: { WAIT: { ...heard, target: 'waiting' }, LOOK: {} },
    },
  },
});
