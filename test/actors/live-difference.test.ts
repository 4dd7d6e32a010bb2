// The pure step, restored from JSON for every message, against XState's own interpreter with a simulated clock: after every
// random step both have the same value, context and emitted events.
import assert from 'node:assert/strict';
import test from 'node:test';
import { and, assign, cancel, createActor, emit, enqueueActions, not, raise, setup, SimulatedClock, stateIn, type AnyStateMachine } from 'xstate';
import { randomFrom } from '#test/kit/random.ts';
import { createSim } from '#test/kit/sim.ts';
import { loose } from './step-kit.ts';

const bump = (by = 1): any => assign<any, any, any, any, any>({ n: ({ context }: any) => context.n + by });

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
    home: { entry: assign({ log: ({ context }: any) => [...context.log.slice(-5), 'home'] }), on: { GO: 'work', BACK: 'work.shallow', 'go.*': { actions: [bump(10), emit(({ event }: any) => ({ type: 'went', which: event.type }))] } } },
    work: {
      initial: 'one', exit: assign({ log: ({ context }: any) => [...context.log.slice(-5), 'exit'] }), onDone: { target: 'home', actions: bump(100) }, on: { OUT: 'home' },
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
          // Cancelled first: the interpreter would let both fire, here the last under a name wins (see step-timers).
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

const plans: [AnyStateMachine, string[]][] = [
  [clockwork, ['A', 'B', 'AGAIN', 'JUMP', 'RESET']],
  [nested, ['GO', 'BACK', 'OUT', 'STEP', 'FIN', 'go.left', 'go.right', 'STEP', 'GO']],
  [queue, ['PUT', 'TAKE', 'HOLD', 'FREE', 'FLUSH', 'PUT']],
];
const runs = 24;
const stepsPerRun = 40;

for (const [machine, events] of plans) {
  test(`'${machine.id}' hosted durably does what the live interpreter does, ${runs * stepsPerRun} random steps`, async () => {
    const seen = new Set<string>();
    for (let run = 1; run <= runs; run++) {
      const random = randomFrom(run * 7_919);
      const clock = new SimulatedClock();
      const live = createActor(machine, { clock });
      const emitted: unknown[] = [];
      live.on('*', (event) => void emitted.push(event));
      live.start();
      const sim = createSim({ machines: [machine], chaos: run % 2 === 0 ? 0.2 : 0, seed: run });
      const me = `${machine.id}/1`;
      await sim.start(me, machine).idle();
      for (let i = 0; i < stepsPerRun; i++) {
        if (random.chance(0.3)) {
          // One by one: the interpreter's clock fires late timers at the end of the increment.
          for (let ms = random.int(30); ms > 0; ms--) {
            clock.increment(1);
            await sim.advance(1);
          }
        } else {
          const event = { type: random.pick(events) };
          live.send(event);
          await sim.event(me, event).idle();
        }
        const { snapshot } = sim.record(me)!;
        const expected = live.getSnapshot() as { value: unknown; context: unknown };
        assert.deepEqual({ value: snapshot.value, context: snapshot.context }, { value: expected.value, context: expected.context }, `run ${run}, step ${i}`);
        assert.deepEqual(sim.recorded.notices.map(({ value }) => value), emitted, `run ${run}, step ${i}`);
        seen.add(JSON.stringify([snapshot.value, snapshot.context]));
      }
      live.stop();
    }
    assert.ok(seen.size >= 15, `only ${seen.size} situations were reached`);
  });
}
