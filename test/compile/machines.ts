// What the compiler must refuse. `npm run check` compiles this file: a line that is refused no longer, or not at that place, is an
// error of its own. Nothing here runs. What the compiler cannot see (names of delays, keys, targets) the lint finds: machines/lint.ts.
import { assign, sendParent, setup } from 'xstate';
import { z } from 'zod';
import type { Activity } from '#actors/worker.ts';
import { activity, protocol, records } from '#machines/define.ts';

const convert = activity({ name: 'money.convert', input: z.object({ cents: z.number(), to: z.enum(['EUR', 'USD']) }), output: z.object({ cents: z.number() }), timeoutMs: 1_000, retry: 'never' });
const till = protocol({
  context: z.object({ cents: z.number(), lines: z.array(z.string()) }),
  input: z.object({ float: z.number() }),
  output: z.object({ total: z.number() }),
  events: { SOLD: z.object({ cents: z.number(), what: z.string() }), CLOSE: z.object({}) },
});
const build = setup({
  types: till.types, schemas: till.schemas, actors: { convert }, actions: records,
  guards: { atLeast: ({ context }, params: { cents: number }) => context.cents >= params.cents },
});
const empty = { cents: 0, lines: [] };

/** All of it right. */
export const right = build.createMachine({
  id: 'till', version: '1', initial: 'open', context: ({ input }) => ({ cents: input.float, lines: [] }),
  states: {
    open: {
      on: {
        SOLD: { guard: { type: 'atLeast', params: { cents: 1 } }, actions: [assign({ cents: ({ context, event }) => context.cents + event.cents }), { type: 'recordFact', params: ({ event }) => ({ entity: 'asset/till', predicate: 'asset.note', value: event.what, label: 'system' as const, confidence: 1 }) }] },
        CLOSE: 'closing',
      },
    },
    closing: { invoke: { id: 'convert', src: 'convert', input: ({ context }) => ({ cents: context.cents, to: 'USD' as const }), onDone: { target: 'closed', actions: assign({ cents: ({ event }) => event.output.cents }) } } },
    closed: { type: 'final' },
  },
  output: ({ context }) => ({ total: context.cents }),
});

type Sent = Parameters<typeof right.transition>[1];
export const sent: Sent[] = [
  { type: 'SOLD', cents: 1, what: 'tea' },
  { type: 'CLOSE' },
  // @ts-expect-error an event of a type that the protocol does not name
  { type: 'BOUGHT' },
  // @ts-expect-error a field of the wrong type
  { type: 'SOLD', cents: 'one', what: 'tea' },
  // @ts-expect-error a field that is missing
  { type: 'SOLD', cents: 1 },
];

export const handlers = () => [
  build.createMachine({ context: empty, on: {
    // @ts-expect-error a handler of an event that the protocol does not name
    BOUGHT: {},
  } }),
  build.createMachine({ context: empty, on: {
    // @ts-expect-error reads a field that the event does not have
    SOLD: { actions: assign({ cents: ({ event }) => event.price }) },
  } }),
  build.createMachine({ context: empty, on: {
    // @ts-expect-error puts a text where the context has a number
    SOLD: { actions: assign({ cents: ({ event }) => event.what }) },
  } }),
  build.createMachine({
    // @ts-expect-error reads input that the schema does not have
    context: ({ input }) => ({ ...empty, cents: input.drawer }),
  }),
  // @ts-expect-error a context that lacks a part
  build.createMachine({ context: { cents: 0 } }),
  build.createMachine({
    context: empty,
    // @ts-expect-error output of another shape
    output: () => ({ total: 'much' }),
  }),
];

export const guards = () => [
  // @ts-expect-error a guard that nobody registered
  build.createMachine({ context: empty, on: { SOLD: { guard: 'isOpen' } } }),
  // @ts-expect-error parameters of another shape
  build.createMachine({ context: empty, on: { SOLD: { guard: { type: 'atLeast', params: { cents: 'one' } } } } }),
];

export const activities = () => [
  // @ts-expect-error an actor that nobody registered
  build.createMachine({ context: empty, invoke: { id: 'x', src: 'confert' } }),
  // @ts-expect-error an activity gets a field of the wrong type
  build.createMachine({ context: empty, invoke: { id: 'x', src: 'convert', input: { cents: '1', to: 'EUR' } } }),
  // @ts-expect-error an activity gets a word that its schema does not have
  build.createMachine({ context: empty, invoke: { id: 'x', src: 'convert', input: () => ({ cents: 1, to: 'GBP' as const }) } }),
  // @ts-expect-error reads a result that the activity does not give
  build.createMachine({ context: empty, invoke: { id: 'x', src: 'convert', input: { cents: 1, to: 'EUR' }, onDone: { actions: assign({ cents: ({ event }) => event.output.amount }) } } }),
  // @ts-expect-error an activity without a time limit
  activity({ name: 'x', input: z.any(), output: z.any(), retry: 'never' }),
  // @ts-expect-error a rule of retry that there is not
  activity({ name: 'x', input: z.any(), output: z.any(), timeoutMs: 1, retry: 'always' }),
];
// @ts-expect-error an implementation that answers at once, not with a promise
export const hasty: Activity = () => 1;

const fact = { entity: 'asset/till', predicate: 'asset.note', value: 1, label: 'system' as const, confidence: 1 };
export const recorded = () => [
  build.createMachine({ context: empty, entry: { type: 'recordFact', params: fact } }),
  // @ts-expect-error a label that there is not
  build.createMachine({ context: empty, entry: { type: 'recordFact', params: { ...fact, label: 'trusted' as const } } }),
  // @ts-expect-error a fact without a value
  build.createMachine({ context: empty, entry: { type: 'recordFact', params: { entity: 'asset/till', predicate: 'asset.note', label: 'system' as const, confidence: 1 } } }),
  // @ts-expect-error a state that an intent cannot be in
  build.createMachine({ context: empty, entry: { type: 'recordIntent', params: { id: 'i', kind: 'task' as const, state: 'soon' as const } } }),
  // @ts-expect-error an action that nobody registered
  build.createMachine({ context: empty, entry: { type: 'recordFakt', params: fact } }),
];

export const elsewhere = () => [
  // @ts-expect-error a protocol without output
  protocol({ context: z.any(), input: z.any(), events: {} }),
  // @ts-expect-error an event that is described by something else than a schema
  protocol({ context: z.any(), input: z.any(), output: z.any(), events: { GO: 'anything' } }),
  // @ts-expect-error an event without a type
  sendParent({ cents: 1 }),
];
