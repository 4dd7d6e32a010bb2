// Statecharts of the live comparison without children: each is dense in a few constructs.
import { and, assign, cancel, emit, enqueueActions, log, not, or, raise, sendTo, setup, stateIn } from 'xstate';
import { records } from '#machines/define.ts';
import type { Plan } from './live-kit.ts';
import { loose } from './step-kit.ts';

export const events = (types: string) => types.split(' ').map((type) => ({ type }));
export const bump = (by = 1): any => assign<any, any, any, any, any>({ n: ({ context }: any) => context.n + by });
export const tell = (word: string): any => assign<any, any, any, any, any>({ log: ({ context }: any) => [...context.log.slice(-7), word] });

/** Timers of changing length, deep history, an always guard, a ticking delayed raise. */
const clockwork = setup({ ...loose('A B AGAIN JUMP RESET TICK'), delays: { dyn: ({ context }: any) => 10 + (context.n % 5) * 10 } }).createMachine({
  id: 'clockwork', version: '1', type: 'parallel', context: { n: 0, t: 0 },
  states: {
    a: {
      initial: 'x', on: { RESET: '.hist', JUMP: { target: '.z', actions: bump() } },
      states: {
        x: { after: { 30: { target: 'y', actions: emit({ type: 'xy' }) } }, on: { A: 'y' } },
        y: { after: { dyn: { target: 'z', actions: assign({ t: ({ context }: any) => context.t + 1 }) } }, on: { A: 'z', AGAIN: { target: 'y', reenter: true } } },
        z: { initial: 'p', always: { guard: ({ context }: any) => context.n >= 7, target: 'x', actions: assign({ n: 0 }) }, states: { p: { on: { A: 'q' } }, q: { after: { 25: 'p' } } }, on: { B: 'x' } },
        hist: { type: 'history', history: 'deep' },
      },
    },
    b: { initial: 'off', states: { off: { on: { B: { target: 'on', actions: raise({ type: 'TICK' }, { id: 'tick', delay: 15 }) } } }, on: { on: { TICK: { actions: [bump(), raise({ type: 'TICK' }, { id: 'tick', delay: 15 })] }, B: { target: 'off', actions: cancel('tick') }, A: { actions: raise({ type: 'JUMP' }) } } } } },
  },
});

/** Shallow history, onDone of compound and parallel states, entry and exit order, stateIn, wildcards by prefix. */
const nested = setup({ ...loose('GO BACK OUT STEP FIN go.left go.right') }).createMachine({
  id: 'nested', version: '1', initial: 'home', context: { n: 0, log: [] },
  states: {
    home: { entry: tell('home'), on: { GO: 'work', BACK: 'work.shallow', 'go.*': { actions: [bump(10), emit(({ event }: any) => ({ type: 'went', which: event.type }))] } } },
    work: {
      initial: 'one', exit: tell('exit'), onDone: { target: 'home', actions: bump(100) }, on: { OUT: 'home' },
      states: {
        one: { on: { STEP: 'two' } },
        two: {
          type: 'parallel', onDone: 'three',
          states: {
            l: { initial: 'l1', states: { l1: { on: { GO: 'l2', FIN: 'end' } }, l2: { on: { GO: 'l1' }, after: { 40: 'end' } }, end: { type: 'final' } } },
            r: { initial: 'r1', states: { r1: { on: { STEP: { guard: not(stateIn('#nested.work.two.l.l2')) as never, target: 'end' } } }, end: { type: 'final' } } },
          },
        },
        three: { entry: emit({ type: 'three' }), after: { 10: { target: 'fin' } }, on: { STEP: { target: 'three', reenter: true } } },
        fin: { type: 'final' },
        shallow: { type: 'history' },
      },
    },
  },
});

/** enqueueActions with checks, guards composed, a delayed raise that is renewed and cancelled, forbidden transitions. */
const queue = setup({ ...loose('PUT TAKE HOLD FREE FLUSH LATE'), guards: { some: ({ context }: any) => context.n > 0, many: ({ context }: any) => context.n > 3 } }).createMachine({
  id: 'queue', version: '1', initial: 'open', context: { n: 0, late: 0 },
  on: { LATE: { actions: assign({ late: ({ context }: any) => context.late + 1 }) }, FLUSH: { actions: [cancel('late'), assign({ n: 0 })] } },
  states: {
    open: {
      on: {
        PUT: { actions: enqueueActions(({ enqueue, check }: any) => {
          enqueue.assign({ n: ({ context }: any) => context.n + 1 });
          if (check('many')) enqueue.raise({ type: 'HOLD' });
          enqueue.cancel('late');
          enqueue.raise({ type: 'LATE' }, { id: 'late', delay: 35 });
          enqueue.emit({ type: 'put' });
        }) },
        TAKE: [{ guard: and(['some', 'many']), actions: [bump(-2), emit(({ context }: any) => ({ type: 'took', n: context.n }))] }, { guard: 'some', actions: bump(-1) }],
        HOLD: 'held',
      },
    },
    held: { after: { 50: 'open' }, on: { FREE: { guard: 'some', target: 'open', actions: bump(-1) }, FLUSH: {}, PUT: { actions: raise({ type: 'FREE' }) } } },
  },
});

/** It ends: final states with output in parallel regions, the output of the whole, exit actions on the way out, a timer that is left behind. */
const ending = setup({ ...loose('A B C LATE') }).createMachine({
  id: 'ending', version: '1', initial: 'both', context: ({ input }: any) => ({ n: input.n, log: [] }), exit: [tell('bye'), emit({ type: 'bye' })],
  entry: raise({ type: 'LATE' }, { delay: 400 }), on: { LATE: { actions: bump(1_000) } },
  states: {
    both: {
      type: 'parallel', exit: tell('both'), onDone: { target: 'last', actions: assign({ log: ({ context, event }: any) => [...context.log, event.output ?? 'none'] }) },
      states: {
        one: { initial: 'p', states: { p: { exit: tell('p'), on: { A: { target: 'f', actions: bump() } } }, f: { type: 'final', output: ({ context }: any) => context.n } } },
        two: { initial: 'p', states: { p: { on: { B: 'q', C: 'f' } }, q: { after: { 20: 'f' }, on: { B: 'p' } }, f: { type: 'final', output: 'two' } } },
      },
    },
    last: { initial: 'p', onDone: '#ending.end', states: { p: { on: { A: { guard: ({ context }: any) => context.n > 2, target: 'f' }, B: { actions: bump() }, C: { target: '#ending.both' } } }, f: { type: 'final', output: ({ context }: any) => ({ is: context.n }) } } },
    end: { type: 'final', entry: tell('end') },
  },
  output: ({ context, event }: any) => ({ n: context.n, log: context.log, by: event.type }),
});

/** Deep and shallow history over parallel regions, with defaults, and states in them that have timers: entering again starts them anew. */
const historian = setup({ ...loose('X Y Z OUT DEEP SHALLOW FRESH') }).createMachine({
  id: 'historian', version: '1', initial: 'out', context: { n: 0 },
  states: {
    out: { on: { DEEP: 'in.deep', SHALLOW: 'in.shallow', FRESH: 'in', X: 'in.a.hist' } },
    in: {
      type: 'parallel', on: { OUT: 'out', DEEP: { target: '.deep', reenter: true } },
      states: {
        a: { initial: 'a1', states: { hist: { type: 'history', history: 'shallow', target: 'a2' }, a1: { on: { X: 'a2' } }, a2: { initial: 'i', after: { 30: { target: 'a1', actions: bump() } }, states: { i: { on: { Y: 'ii' } }, ii: { after: { 12: 'iii' } }, iii: { on: { Y: 'i' } } } } } },
        b: { initial: 'b1', states: { b1: { on: { Z: 'b2' } }, b2: { initial: 'i', on: { Z: 'b1' }, states: { i: { on: { X: 'ii' } }, ii: { entry: emit({ type: 'ii' }), after: { 45: { actions: bump(10) } } } } } } },
        deep: { type: 'history', history: 'deep' }, shallow: { type: 'history', history: 'shallow' },
      },
    },
  },
});

/** Chains of `always`, an `after` of 0, wildcards, several targets, self-transitions inside and outside, tags and meta. */
const transient = setup({ ...loose('A B C D') }).createMachine({
  id: 'transient', version: '1', initial: 'decide', context: { n: 0, log: [] },
  on: { '*': { actions: tell('any') }, C: {} },
  states: {
    decide: { entry: tell('decide'), always: [{ guard: ({ context }: any) => context.n % 3 === 1, target: 'odd' }, { guard: or([({ context }: any) => context.n > 8, stateIn('#transient.reg')]) as never, target: 'zero', actions: assign({ n: 0 }) }, { target: 'reg' }] },
    odd: { tags: 'odd', meta: { why: 'three' }, entry: bump(), after: { 0: { target: 'decide', actions: emit({ type: 'at once' }) } } },
    zero: { always: { target: 'reg', actions: log('zero') } },
    reg: {
      type: 'parallel', on: { A: { target: ['.l.two', '.r.two'], actions: bump() }, B: { target: 'decide', actions: bump(2) }, D: { target: 'reg', reenter: true } },
      states: {
        l: { initial: 'one', states: { one: { exit: tell('l1') }, two: { always: { guard: stateIn('#transient.reg.r.two') as never, target: 'three' } }, three: { on: { A: { actions: raise({ type: 'D' }) } } } } },
        r: { initial: 'one', states: { one: { after: { 17: 'two' } }, two: { entry: emit(({ context }: any) => ({ type: 'two', n: context.n })), on: { C: { target: 'one' }, '*': { target: 'two', reenter: true } } } } },
      },
    },
  },
});

/** Raises that raise, delays that are computed, names that are computed, events to itself, now and later, `log` with and without words. */
const raiser = setup({ ...loose('A B C HOP LATE SELF DROP'), delays: { long: ({ context }: any) => 5 + (context.n % 2) ** 2 * 20 } }).createMachine({
  id: 'raiser', version: '1', context: { n: 0, log: [] },
  on: {
    A: { actions: [raise({ type: 'HOP' }), enqueueActions(({ enqueue, context }: any) => enqueue.raise({ type: 'LATE', n: context.n }, { delay: 'long', id: `late-${context.n}` })), bump()] },
    HOP: { actions: [tell('hop'), raise({ type: 'SELF', by: 'hop' }), log(({ context }: any) => context.n, 'n is'), log('hop')] },
    LATE: { actions: [assign({ log: ({ context, event }: any) => [...context.log.slice(-7), `late ${event.n}`] })] },
    SELF: { guard: ({ event }: any) => event.by !== undefined, actions: [tell('self'), emit({ type: 'self' })] },
    B: { actions: [sendTo(({ self }: any) => self, { type: 'SELF', by: 'B' } as never), cancel('other'), sendTo(({ self }: any) => self, { type: 'SELF', by: 'later' } as never, { delay: ({ context }: any) => 3 + (context.n % 4), id: 'other' })] },
    C: { actions: cancel('other') },
    DROP: { actions: [bump(-1), cancel(({ context }: any) => `late-${context.n}`)] },
  },
});

/** Actions and guards with parameters, computed and fixed; records; named actions that are assignments. */
const params = setup({
  ...loose('ADD TAKE NOTE'),
  actions: { ...records, add: assign({ n: ({ context }: any, { by }: any) => context.n + by }), said: emit((_: unknown, { word }: any) => ({ type: 'said', word })) },
  guards: { least: ({ context }: any, { n }: any) => context.n >= n },
} as any).createMachine({
  id: 'params', version: '1', context: ({ input }: any) => ({ n: input.from }),
  on: {
    ADD: { actions: [{ type: 'add', params: ({ event }: any) => ({ by: event.by }) }, { type: 'said', params: { word: 'added' } }] },
    TAKE: [{ guard: { type: 'least', params: { n: 5 } }, actions: { type: 'add', params: { by: -5 } } }, { guard: { type: 'least', params: ({ event }: any) => ({ n: event.by }) }, actions: { type: 'add', params: ({ event }: any) => ({ by: -event.by }) } }],
    NOTE: { actions: [{ type: 'recordDecision', params: ({ context, event }: any) => ({ what: `n is ${context.n}`, outcome: String(event.by), confidence: null, reasons: ['a'], evidence: [], policy: null, model: null, costMicros: null }) }, enqueueActions(({ enqueue }: any) => enqueue({ type: 'add', params: { by: 1 } }))] },
  },
} as any);

export const charts: Plan[] = [
  { machine: clockwork, events: events('A B AGAIN JUMP RESET') },
  { machine: nested, events: events('GO BACK OUT STEP FIN go.left go.right STEP GO') },
  { machine: queue, events: events('PUT TAKE HOLD FREE FLUSH PUT') },
  { machine: ending, events: events('A B C B'), input: { n: 0 } },
  { machine: historian, events: events('X Y Z OUT DEEP SHALLOW FRESH X Y') },
  { machine: transient, events: events('A B C D') },
  { machine: raiser, events: [...events('A B C DROP HOP'), { type: 'SELF', by: 'me' } as never] },
  { machine: params as never, events: [1, 2, 7].flatMap((by) => ['ADD', 'TAKE', 'NOTE'].map((type) => ({ type, by }))), input: { from: 3 } },
];
