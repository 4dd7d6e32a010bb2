// Machines of the live comparison that have children: machines and activities, invoked and spawned, stopped, left, and failing.
import { assign, cancel, emit, enqueueActions, forwardTo, raise, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate';
import { z } from 'zod';
import type { Activity } from '#actors/worker.ts';
import { activity } from '#machines/define.ts';
import { bump, events, tell } from './live-charts.ts';
import type { Plan } from './live-kit.ts';
import { loose } from './step-kit.ts';

const square = activity({ name: 'math.square', input: z.object({ x: z.number() }), output: z.number(), timeoutMs: 1_000, retry: { attempts: 1, firstMs: 1, maxMs: 1 } });
const activities: Record<string, Activity> = {
  'math.square': async ({ input }) => {
    const { x } = input as { x: number };
    if (x % 4 === 3) throw new Error(`${x} is not squared`);
    return x * x;
  },
};
const note = (word: (event: any) => unknown) => assign<any, any, any, any, any>({ log: ({ context, event }: any) => [...context.log.slice(-7), word(event)] });
const failed = note((event) => `failed ${event.error.message}`);
const loud = (word: string) => emit({ type: word });

/** Says hello, counts, answers, has a timer of its own, ends and breaks when told. */
const kid = setup({ ...loose('PING FINISH BREAK') }).createMachine({
  id: 'kid', version: '1', initial: 'on', context: ({ input }: any) => ({ n: input?.n ?? 0 }), entry: [sendParent({ type: 'HELLO' }), loud('born')], exit: loud('gone'),
  on: { PING: { actions: [bump(), sendParent(({ context }: any) => ({ type: 'PONG', n: context.n }))] }, BREAK: { actions: assign(() => { throw new Error('broken'); }) } },
  states: { on: { after: { 60: { actions: [sendParent({ type: 'NAG' }), loud('nag')] } }, on: { FINISH: 'off' } }, off: { type: 'final' } },
  output: ({ context }: any) => ({ n: context.n }),
} as any);

const heardOf = {
  HELLO: { actions: assign({ hello: ({ context }: any) => context.hello + 1 }) }, PONG: { actions: note((event) => `pong ${event.n}`) }, NAG: { actions: tell('nag') },
};

/** spawnChild, sendTo now and later, cancel, forwardTo, stopChild, done and error of what was spawned. A missing child fails the actor. */
const family = setup({ ...loose('HELLO PONG NAG SPAWN PING SOON NOT STOP FINISH BREAK GHOST'), actors: { kid } }).createMachine({
  id: 'family', version: '1', context: { hello: 0, log: [], has: false },
  on: {
    ...heardOf,
    // Without the stop the interpreter would let the first run on beside the second.
    SPAWN: { actions: [stopChild('kid'), spawnChild('kid', { id: 'kid', input: ({ context }: any) => ({ n: context.hello }) }), assign({ has: true })] },
    PING: { guard: ({ context }: any) => context.has, actions: [forwardTo('kid'), sendTo('kid', { type: 'PING' })] },
    SOON: { guard: ({ context }: any) => context.has, actions: [cancel('soon'), sendTo('kid', { type: 'PING' }, { id: 'soon', delay: 25 })] },
    NOT: { actions: cancel('soon') },
    STOP: { actions: [stopChild('kid'), assign({ has: false })] },
    FINISH: { guard: ({ context }: any) => context.has, actions: sendTo('kid', { type: 'FINISH' }) },
    BREAK: { guard: ({ context }: any) => context.has && context.hello % 3 === 0, actions: sendTo('kid', { type: 'BREAK' }) },
    GHOST: { guard: ({ context }: any) => context.hello > 6, actions: sendTo('ghost', { type: 'PING' }) },
    'xstate.done.actor.kid': { actions: note((event) => `done ${event.output.n}`) },
    'xstate.error.actor.kid': { actions: failed },
  } as any,
});

/** A child that is invoked: spoken to before it is made, left while it runs, made and left within one step, entered again through history. */
const visiting = setup({ ...loose('HELLO PONG NAG IN OUT AGAIN BACK PING FINISH BREAK FLASH'), actors: { kid } }).createMachine({
  id: 'visiting', version: '1', initial: 'out', context: { hello: 0, log: [] }, on: heardOf as any,
  states: {
    out: { on: { IN: 'in', BACK: 'in.hist', FLASH: 'flash' } },
    flash: { entry: [sendTo('kid', { type: 'PING' }), loud('flash')], invoke: { id: 'kid', src: 'kid', input: { n: 100 } }, exit: sendTo('kid', { type: 'PING' }), always: 'out' },
    in: {
      initial: 'a', entry: sendTo('kid', { type: 'PING' }), exit: sendTo('kid', { type: 'PING' }),
      invoke: { id: 'kid', src: 'kid', input: ({ context }: any) => ({ n: context.hello * 10 }), onDone: { target: 'out', actions: note((event) => `out ${event.output.n}`) }, onError: { target: 'out', actions: failed } },
      on: { OUT: 'out', AGAIN: { target: 'in', reenter: true }, FINISH: { actions: sendTo('kid', { type: 'FINISH' }) }, BREAK: { actions: sendTo('kid', { type: 'BREAK' }) } },
      states: { a: { on: { PING: 'b' } }, b: { invoke: { id: 'other', src: 'kid', input: { n: 5 } }, on: { PING: { actions: [sendTo('other', { type: 'PING' }), sendTo('kid', { type: 'PING' })] } } }, hist: { type: 'history' } },
    },
  },
} as any);

/** Spawns inside `assign` and `enqueueActions`, under computed names; spawned and stopped, stopped and spawned within one step. */
const spawner = setup({ ...loose('HELLO PONG NAG MORE LESS SWAP BRIEF ENQUEUE CALL'), actors: { kid } }).createMachine({
  id: 'spawner', version: '1', context: ({ spawn }: any) => { spawn('kid', { id: 'first', input: { n: 50 } }); return { hello: 0, log: [], n: 0 }; },
  on: {
    ...heardOf,
    MORE: { guard: ({ context }: any) => context.n < 4, actions: assign(({ spawn, context }: any) => { spawn('kid', { id: `w${context.n + 1}`, input: { n: context.n } }); return { n: context.n + 1 }; }) },
    LESS: { guard: ({ context }: any) => context.n > 0, actions: [stopChild(({ context }: any) => `w${context.n}`), bump(-1)] },
    SWAP: { actions: [stopChild('swap'), assign(({ spawn, context }: any) => { spawn('kid', { id: 'swap', input: { n: 1_000 } }); return { hello: context.hello }; }), sendTo('swap', { type: 'PING' })] },
    BRIEF: { actions: [spawnChild('kid', { id: 'brief' }), sendTo('brief', { type: 'PING' }), stopChild('brief'), spawnChild('kid', { id: 'brief', input: { n: 7 } }), stopChild('brief')] },
    ENQUEUE: { actions: enqueueActions(({ enqueue, context }: any) => {
      enqueue.stopChild('queued');
      enqueue.spawnChild('kid', { id: 'queued', input: { n: context.hello } });
      enqueue.sendTo('queued', { type: context.hello % 2 ? 'PING' : 'FINISH' });
    }) },
    CALL: { actions: enqueueActions(({ enqueue, context }: any) => { for (let i = 1; i <= context.n; i++) enqueue.sendTo(`w${i}`, { type: 'PING' }); }) },
  } as any,
});

/** Three generations: what is asked goes down, what is said goes up; the middle one has a state that invokes the youngest. */
const middle = setup({ ...loose('HELLO PONG NAG PING DOWN BREAK REST'), actors: { kid } }).createMachine({
  id: 'middle', version: '1', initial: 'rest', context: { hello: 0, log: [] }, on: { ...heardOf, PONG: { actions: sendParent(({ event }: any) => ({ type: 'PONG', n: event.n + 0.5 })) } } as any,
  states: {
    rest: { on: { DOWN: 'with' } },
    with: { invoke: { id: 'kid', src: 'kid', onDone: 'end' }, on: { PING: { actions: sendTo('kid', { type: 'PING' }) }, BREAK: { actions: sendTo('kid', { type: 'BREAK' }) }, REST: 'rest', DOWN: { actions: sendTo('kid', { type: 'FINISH' }) } } },
    end: { type: 'final' },
  },
  output: { end: true },
} as any);
const grand = setup({ ...loose('PONG PING DOWN BREAK REST NEW STOP'), actors: { middle } }).createMachine({
  id: 'grand', version: '1', initial: 'on', context: { log: [] }, on: { PONG: heardOf.PONG } as any,
  states: {
    on: {
      invoke: { id: 'm', src: 'middle', onDone: { target: 'off', actions: tell('done') }, onError: { target: 'off', actions: failed } },
      on: { ...Object.fromEntries(['PING', 'DOWN', 'BREAK', 'REST'].map((type) => [type, { actions: sendTo('m', { type }) }])), NEW: { target: 'on', reenter: true }, STOP: 'off' },
    },
    off: { on: { NEW: 'on' } },
  },
} as any);

/** Activities: invoked in two regions at once, spawned, left at work, begun again, failing with and without somebody who takes it. */
const worker = setup({ ...loose('CALC LEAVE AGAIN SPAWN BARE QUIT'), actors: { square } }).createMachine({
  id: 'worker', version: '1', type: 'parallel', context: { n: 0, log: [] },
  on: { SPAWN: { actions: [stopChild('free'), spawnChild('square', { id: 'free', input: ({ context }: any) => ({ x: context.n }) })] }, 'xstate.done.actor.free': { actions: note((event) => `free ${event.output}`) }, 'xstate.error.actor.free': { actions: failed } } as any,
  states: {
    l: {
      initial: 'idle',
      states: {
        idle: { on: { CALC: 'busy', QUIT: { guard: ({ context }: any) => context.n > 9, target: 'brief' } } },
        brief: { invoke: { id: 'brief', src: 'square', input: { x: 1 } }, always: 'idle' },
        busy: { entry: bump(), invoke: { id: 'sq', src: 'square', input: ({ context }: any) => ({ x: context.n }), onDone: [{ guard: ({ event }: any) => event.output > 50, target: 'idle', actions: tell('much') }, { target: 'idle', actions: note((event) => event.output) }], onError: { target: 'idle', actions: failed } }, on: { LEAVE: 'idle', AGAIN: { target: 'busy', reenter: true } }, after: { 40: { target: 'idle', actions: tell('late') } } },
      },
    },
    r: { initial: 'idle', states: { idle: { on: { CALC: 'busy', BARE: { guard: ({ context }: any) => context.n > 5, target: 'bare' } } }, busy: { invoke: [{ id: 'r1', src: 'square', input: ({ context }: any) => ({ x: context.n + 1 }), onDone: { actions: note((event) => `r1 ${event.output}`) }, onError: { actions: failed } }, { id: 'r2', src: 'square', input: { x: 2 }, onDone: { target: 'idle', actions: [loud('r2'), raise({ type: 'LEAVE' })] } }] }, bare: { invoke: { id: 'bare', src: 'square', input: ({ context }: any) => ({ x: context.n }), onDone: 'idle' } } } },
  },
} as any);

export const families: Plan[] = [
  { machine: family, events: events('SPAWN PING SOON NOT STOP FINISH BREAK GHOST PING SPAWN SOON') },
  { machine: visiting as never, events: events('IN OUT AGAIN BACK PING FINISH BREAK FLASH PING') },
  { machine: spawner, events: events('MORE LESS SWAP BRIEF ENQUEUE CALL MORE') },
  { machine: grand as never, events: events('PING DOWN BREAK REST NEW STOP PING DOWN') },
  { machine: worker as never, events: events('CALC LEAVE AGAIN SPAWN BARE QUIT CALC'), activities },
];
