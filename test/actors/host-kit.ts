// The machines of the host tests, and a way to put any bytes on the bus.

import { connect, headers } from 'nats';
import { assign, emit, log, raise, sendParent, sendTo, setup } from 'xstate';
import { z } from 'zod';
import { subjectNames } from '#actors/bus-subjects.ts';
import { activity } from '#machines/define.ts';
import type { World } from '#test/kit/world.ts';
import { loose } from './step-kit.ts';

export const counter = setup({ ...loose('ADD DATE TICK LATER SAY', { events: { BY: z.object({ by: z.number() }) } }) }).createMachine({
  id: 'counter',
  version: '1',
  context: { n: 0, seen: [], ticks: 0 },
  on: {
    ADD: { actions: assign({ n: ({ context }: any) => context.n + 1 }) },
    BY: { actions: assign({ seen: ({ context, event }: any) => [...context.seen, event.by] }) },
    SAY: { actions: [emit({ type: 'said' }), log('so', 'it is')] },
    DATE: { actions: assign({ n: () => new Date(0) }) },
    LATER: { actions: raise({ type: 'TICK' }, { id: 'tick', delay: 600 }) },
    TICK: { actions: assign({ ticks: ({ context }: any) => context.ticks + 1 }) },
  },
});

const anything = { input: z.any(), output: z.object({ ok: z.boolean() }), timeoutMs: 5_000 };
const twice = activity({ ...anything, name: 'try.twice', retry: { attempts: 3, firstMs: 10, maxMs: 20 } });
const once = activity({ ...anything, name: 'send.once', retry: { attempts: 3, firstMs: 10, maxMs: 20 }, once: true, concurrency: 1 });

export const shipper = setup({ ...loose('TRY SEND LEAVE'), actors: { twice, once } }).createMachine({
  id: 'shipper',
  version: '1',
  initial: 'idle',
  context: { error: null },
  states: {
    idle: { on: { TRY: 'trying', SEND: 'sending' } },
    trying: { invoke: { id: 'job', src: 'twice', input: ({ event }: any) => event, onDone: 'done', onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) } } },
    sending: { invoke: { id: 'job', src: 'once', input: ({ event }: any) => event, onDone: 'done', onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) } }, on: { LEAVE: 'idle' } },
    done: {},
    failed: {},
  },
});

const helper = setup({ ...loose('ASK') }).createMachine({
  id: 'helper',
  version: '1',
  initial: 'on',
  context: ({ input }: any) => ({ x: input.x }),
  states: { on: { entry: sendParent({ type: 'HELLO' }), on: { ASK: 'off' } }, off: { type: 'final' } },
  output: ({ context }: any) => context.x * 2,
});
export const asker = setup({ ...loose('HELLO'), actors: { helper } }).createMachine({
  id: 'asker',
  version: '1',
  initial: 'asking',
  context: { answer: null },
  states: {
    asking: { invoke: { id: 'help', src: 'helper', input: { x: 21 }, onDone: { target: 'done', actions: assign({ answer: ({ event }) => event.output }) } }, on: { HELLO: { actions: sendTo('help', { type: 'ASK' }) } } },
    done: { type: 'final' },
  },
  output: ({ context }: any) => context.answer,
});

export const names = subjectNames('test');

/** Publishes bytes as a stranger would. `id` becomes ce-id; the bus's own duplicate check is left out on purpose. */
export async function publishRaw(world: World, subject: string, bytes: Uint8Array | string, id?: string): Promise<void> {
  const nc = await connect({ servers: world.nats.url, token: world.nats.token, noAsyncTraces: true });
  const h = headers();
  if (id) h.set('ce-id', id);
  nc.publish(subject, bytes, { headers: h });
  await nc.drain();
}

export interface Counts { received: number; applied: number; duplicate: number; parked: number; inFlight: number; waiting: number }
export const counts = async (world: World) => (await world.store.query('status', {})) as Counts;
