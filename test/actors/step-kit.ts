// The machines of the step tests, and the modes each test runs in.
import test from 'node:test';
import { and, assign, cancel, emit, enqueueActions, log, raise, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate';
import { z } from 'zod';
import type { Activity } from '#actors/worker.ts';
import { activity, protocol, records } from '#machines/define.ts';
import { createSim, type Sim } from '#test/kit/sim.ts';

/** A protocol that takes the named events with any fields; `more` narrows it. */
export function loose(events: string, more: Partial<Parameters<typeof protocol>[0]> = {}) {
  const known = Object.fromEntries(events.split(' ').map((type) => [type, z.looseObject({})]));
  const { schemas } = protocol({ context: z.any(), input: z.any(), output: z.any(), ...more, events: { ...known, ...more.events } });
  return { schemas, types: {} as { context: any; events: any; input: any; output: any; emitted: any } };
}

export const kid = setup({ ...loose('ADD FINISH BREAK') }).createMachine({
  id: 'kid',
  version: '1',
  initial: 'on',
  context: ({ input }: any) => ({ n: input.n }),
  entry: sendParent({ type: 'KID_READY' }),
  states: {
    on: {
      on: {
        ADD: { actions: [assign({ n: ({ context, event }) => context.n + event.by }), sendParent(({ context }) => ({ type: 'NOTE', v: context.n }))] },
        FINISH: 'off',
        BREAK: { actions: assign(() => { throw new TypeError('broken'); }) },
      },
    },
    off: { type: 'final' },
  },
  output: ({ context }: any) => context.n,
});

export const square = activity({ name: 'math.square', input: z.object({ x: z.number() }), output: z.number(), timeoutMs: 1_000, retry: { attempts: 1, firstMs: 1, maxMs: 1 } });
const notes = (...more: unknown[]) => ({ context }: any) => [...context.got, ...more];
const note = (what: (event: any) => unknown) => assign<any, any, any, any, any>({ got: ({ context, event }: any) => [...context.got, what(event)] });

export const boss = setup({
  ...loose('KID_READY NOTE WAIT LEAVE AGAIN CALC RECALC BRIEF PAR SHALLOW L R X LF OUT BACK SPAWN ASPAWN TELL TELL_LATER UNTELL FIRE BREAK KILL PING REMIND UNREMIND MISC ENQUEUE RECORD END', { events: { NUMBER: z.object({ n: z.number() }) } }),
  actors: { kid, square },
  actions: records,
  delays: { patience: ({ context }) => context.patience },
  guards: { one: () => true, two: () => true },
}).createMachine({
  id: 'boss',
  version: '1',
  initial: 'idle',
  context: ({ input }: any) => ({ patience: input.patience ?? 500, got: [], ready: 0 }),
  on: {
    KID_READY: { actions: assign({ ready: ({ context }) => context.ready + 1 }) },
    NOTE: { actions: note((event) => event.v) },
    NUMBER: { guard: and(['one', 'two']), actions: note((event) => event.n) },
    'xstate.done.actor.kid': { actions: note((event) => `done:${event.output}`) },
    'xstate.error.actor.kid': { actions: note((event) => `error:${event.error.message}`) },
  },
  states: {
    idle: {
      on: {
        WAIT: 'waiting', CALC: 'calc', BRIEF: 'brief', PAR: 'par', END: 'end',
        SPAWN: { actions: spawnChild('kid', { id: 'kid', input: { n: 10 } }) },
        ASPAWN: { actions: assign(({ spawn }) => { spawn('kid', { id: 'akid', input: { n: 1 } }); return {}; }) },
        TELL: { actions: sendTo('kid', { type: 'ADD', by: 5 }) },
        TELL_LATER: { actions: sendTo('kid', { type: 'ADD', by: 100 }, { id: 'later', delay: 50 }) },
        UNTELL: { actions: cancel('later') },
        FIRE: { actions: sendTo('kid', { type: 'FINISH' }) },
        BREAK: { actions: sendTo('kid', { type: 'BREAK' }) },
        KILL: { actions: stopChild('kid') },
        PING: { actions: sendTo(({ system, event }) => system.get(event.replyTo), { type: 'NOTE', v: 'pong' } as never) },
        REMIND: { actions: raise({ type: 'NOTE', v: 'reminder' }, { id: 'reminder', delay: 1_000 }) },
        UNREMIND: { actions: cancel('reminder') },
        MISC: { actions: [raise({ type: 'NOTE', v: 'raised' }), emit({ type: 'hello', v: 1 }), log(({ context }) => context.patience)] },
        ENQUEUE: { actions: enqueueActions(({ enqueue, check }) => {
          enqueue.emit({ type: 'enqueued' });
          if (check('one')) enqueue.raise({ type: 'NOTE', v: 'enqueued' });
          enqueue.spawnChild('kid', { id: 'kid', input: { n: 7 } });
        }) },
        RECORD: { actions: [
          { type: 'recordFact', params: { entity: 'person/anna', predicate: 'likes', value: 'tea', label: 'operator' as const, confidence: 1 } },
          { type: 'recordIntent', params: { id: 'i-1', kind: 'task' as const, state: 'submitted' as const, summary: 'Do it' } },
          { type: 'recordArtifact', params: { id: 'a-1', kind: 'draft' as const, mediaType: 'text/plain', text: 'grün' } },
          { type: 'recordDecision', params: { what: 'w', outcome: 'o', confidence: null, reasons: [], evidence: [] } },
        ] },
      },
    },
    waiting: { after: { 100: { target: 'idle', actions: assign({ got: notes('timeout100') }) }, patience: 'idle' }, on: { LEAVE: 'idle', AGAIN: { target: 'waiting', reenter: true } } },
    calc: {
      invoke: { id: 'sq', src: 'square', input: ({ event }) => ({ x: event.x }), onDone: { target: 'idle', actions: note((event) => event.output) }, onError: { target: 'idle', actions: note((event) => event.error.message) } },
      on: { LEAVE: 'idle', RECALC: { target: 'calc', reenter: true } },
    },
    // Entered and left within one step: what it asks for must not happen.
    brief: { invoke: { id: 'sq', src: 'square', input: { x: 3 } }, after: { 20: 'end' }, always: 'idle' },
    par: {
      type: 'parallel', on: { OUT: 'out' }, onDone: 'idle',
      states: {
        left: { initial: 'l1', states: { l1: { on: { L: 'l2' } }, l2: { initial: 'x', states: { x: { on: { X: 'y' } }, y: {} }, on: { LF: 'lf' } }, lf: { type: 'final' } } },
        right: { initial: 'r1', states: { r1: { on: { R: 'rf' } }, rf: { type: 'final' } } },
        deep: { type: 'history', history: 'deep' },
      },
    },
    nest: { initial: 'n1', on: { OUT: 'out' }, states: { n1: { on: { L: 'n2' } }, n2: { initial: 'x', states: { x: { on: { X: 'y' } }, y: {} } }, shallow: { type: 'history' } } },
    out: { on: { BACK: 'par.deep', SHALLOW: 'nest.shallow', L: 'nest.n2' } },
    end: { type: 'final' },
  },
  output: ({ context }: any) => ({ got: context.got }),
});


/** Squares; refuses negatives. Notes the operation id of each run. */
export function squares(): { activities: Record<string, Activity>; operations: string[] } {
  const operations: string[] = [];
  return {
    operations,
    activities: {
      'math.square': async ({ input, operationId }) => {
        operations.push(operationId);
        const { x } = input as { x: number };
        if (x < 0) throw Object.assign(new Error('negative'), { name: 'RangeError' });
        return x * x;
      },
    },
  };
}

const chaosSeeds = [11, 12, 13];

/** Runs a test about `boss/1` undisturbed, and under crashes, redeliveries and duplicates. */
export function inEachMode(title: string, body: (sim: Sim, tools: { operations: string[]; does: (...types: string[]) => Promise<void> }) => Promise<void>): void {
  const run = async (chaos: number, seed: number) => {
    const { activities, operations } = squares();
    const sim = createSim({ machines: [boss], activities, chaos, seed });
    await sim.start('boss/1', boss, {}).idle();
    const does = async (...types: string[]) => {
      for (const type of types) await sim.event('boss/1', { type }).idle();
    };
    await body(sim, { operations, does });
  };
  test(title, () => run(0, 1));
  test(`${title} (crashes, redeliveries, duplicates)`, async () => {
    for (const seed of chaosSeeds) await run(0.35, seed);
  });
}
