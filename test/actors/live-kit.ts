// Runs one machine twice, hosted durably and in XState's own interpreter, does the same random things to both, and compares after each
// of them: status, value, context, output and error of the actor and of every child that runs; what each emitted; what was
// logged and recorded. The interpreter gets a simulated clock, the real child machines, and a promise for each activity that
// waits until the test lets work go on.
//
// Where durable actors differ on purpose, machines of this test do otherwise or the comparison says so:
// - A second start under the name of a child that runs stops the first; the interpreter forgets it and lets it run on.
// - A second delayed event under a name replaces the first; the interpreter lets both fire.
// - An actor that fails and has nobody above it is held as it was before the message; in the interpreter it ends in error. The run
//   ends with the comparison. A step that throws says nothing; the interpreter has then logged already.
// - An error is {code, message}; only the message is compared. An absent output is null.
// - An activity has no mailbox: a step that sends to one is parked; a promise in the interpreter drops what it hears.
// - Messages keep their order from one sender to one receiver. The interpreter finishes a child, and all below it, before the next
//   message; here everybody takes turns. So nothing compared here depends on which of two children is heard first.
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { createActor, fromPromise, SimulatedClock, type AnyActorRef, type AnyStateMachine, type EventObject } from 'xstate';
import type { Activity } from '#actors/worker.ts';
import { activityOf, isRecord } from '#machines/define.ts';
import { randomFrom } from '#test/kit/random.ts';
import { createSim, type Sim } from '#test/kit/sim.ts';

export interface Plan {
  machine: AnyStateMachine;
  events: EventObject[];
  input?: unknown;
  activities?: Record<string, Activity>;
}

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value ?? null)) as T;
const messageOf = (error: unknown) => (error as { message?: string } | undefined)?.message ?? null;

/** What the interpreter says about itself. */
function startLive({ machine, input, activities = {} }: Plan) {
  const waiting: (() => void)[] = [];
  const heard = { emitted: {} as Record<string, unknown[]>, logged: [] as unknown[], recorded: [] as unknown[] };
  const alive = (m: AnyStateMachine): AnyStateMachine => {
    const actors = Object.entries(m.implementations.actors as Record<string, AnyStateMachine>).map(([name, logic]) => {
      const activity = activityOf(logic);
      if (!activity) return [name, alive(logic)] as const;
      const run = (given: unknown) => new Promise((resolve, reject) => waiting.push(() => void activities[activity.name]!({ input: given, operationId: '', attempt: 1 } as never).then(resolve, reject)));
      return [name, fromPromise(({ input: given }) => run(given))] as const;
    });
    const records = Object.entries(m.implementations.actions).filter(([, action]) => isRecord(action)).map(([name]) => [name, (_: unknown, params: unknown) => void heard.recorded.push(params)] as const);
    return m.provide({ actors: Object.fromEntries(actors) as never, actions: Object.fromEntries(records) as never });
  };
  const pathOf = (ref: AnyActorRef): string => (ref._parent ? `${pathOf(ref._parent)}/${ref.id}` : '');
  const clock = new SimulatedClock();
  const actor = createActor(alive(machine), {
    input, clock, id: 'root',
    logger: (...said) => void heard.logged.push(said.at(-1)),
    inspect: ({ type, actorRef }) => {
      if (type === '@xstate.actor') (actorRef as AnyActorRef).on('*', (event: EventObject) => void (heard.emitted[pathOf(actorRef as AnyActorRef)] ??= []).push(event));
    },
  });
  actor.subscribe({ error: () => {} });
  actor.start();
  const tree = (ref: AnyActorRef): unknown => {
    const { status, value, context, output, error, children = {} } = ref.getSnapshot() as Record<string, unknown> & { children?: Record<string, AnyActorRef> };
    if (value === undefined) return 'an activity at work';
    const running = status === 'active' ? Object.entries(children).filter(([, child]) => child.getSnapshot().status === 'active') : [];
    return { status, value, context: plain(context), output: plain(output), error: messageOf(error), children: Object.fromEntries(running.map(([id, child]) => [id, tree(child)])) };
  };
  return {
    clock, heard, send: (event: EventObject) => actor.send(event), tree: () => tree(actor), stop: () => actor.stop(),
    async work() {
      for (let job = waiting.shift(); job; job = waiting.shift()) {
        job();
        await turn();
      }
    },
  };
}

/** The same about the actor in the simulator. */
function durableTree(sim: Sim, address: string): unknown {
  const { status, held, snapshot: { value, context, output, error }, children } = sim.record(address)!;
  if (held) return { status: 'error', value, context, output: null, error: held.reason, children: {} };
  const running = Object.entries(children).filter(([, child]) => !child.settled);
  return { status, value, context, output: output ?? null, error: messageOf(error), children: Object.fromEntries(running.map(([id, child]) => [id, child.kind === 'activity' ? 'an activity at work' : durableTree(sim, child.address)])) };
}

function durableHeard(sim: Sim) {
  const paths = new Map<string, string>();
  const emitted: Record<string, unknown[]> = {};
  const rows = sim.addresses().flatMap((address) => sim.history(address)).toSorted((a, b) => a.seq - b.seq) as (ReturnType<Sim['history']>[number] & { actor: string })[];
  for (const { actor, body } of rows) {
    const { message, notices = [] } = body as { message?: { kind: string; parent?: { address: string; child: string } }; notices?: { kind: string; value: unknown }[] };
    if (message?.kind === 'start') paths.set(actor, message.parent ? `${paths.get(message.parent.address)}/${message.parent.child}` : '');
    for (const { kind, value } of notices) if (kind === 'emit') (emitted[paths.get(actor)!] ??= []).push(value);
  }
  return { emitted, logged: sim.recorded.notices.filter(({ kind }) => kind === 'log').map(({ value }) => value), recorded: sim.recorded.decisions };
}

/** Does `steps` random things to both, and returns how often each kind of trouble struck and the situations that were seen. */
export async function compare(plan: Plan, { steps, seed, chaos }: { steps: number; seed: number; chaos: number }) {
  const random = randomFrom(seed * 7_919);
  const situations = new Set<string>();
  const trouble = { crashes: 0, redeliveries: 0, duplicates: 0, rerunJobs: 0 };
  const me = `${plan.machine.id}/1`;
  let run = 0;
  let taken = 0;
  while (taken < steps) {
    const live = startLive(plan);
    const sim = createSim({ machines: [plan.machine], activities: plan.activities ?? {}, chaos, seed: seed + ++run });
    sim.runJobs = false;
    await sim.start(me, plan.machine, plan.input).idle();
    let after = 'the start';
    for (let left = 40; left > 0 && taken < steps; left--) {
      const where = `${plan.machine.id}, seed ${seed}, run ${run}, step ${taken}: after ${after}`;
      const [durable, expected] = [durableTree(sim, me), live.tree()];
      assert.deepEqual(durable, expected, where);
      const heard = durableHeard(sim);
      assert.deepEqual(heard, plain(live.heard), where);
      situations.add(JSON.stringify(durable));
      const { status } = expected as { status: string };
      if (status === 'error') break;
      // An actor that ended hears two more words, then another run begins.
      if (status !== 'active') left = Math.min(left, 3);
      if (random.chance(0.25)) {
        const ms = random.int(30);
        after = `${ms} ms`;
        // One by one: the interpreter's clock fires late timers at the end of the increment.
        for (let i = 0; i <= ms; i++) {
          live.clock.increment(i === 0 ? 0 : 1);
          await sim.advance(i === 0 ? 0 : 1);
        }
      } else if (plan.activities && random.chance(0.3)) {
        after = 'work';
        await live.work();
        sim.runJobs = true;
        await sim.idle();
        sim.runJobs = false;
      } else {
        const event = random.pick(plan.events);
        after = JSON.stringify(event);
        live.send(event);
        await sim.event(me, event).idle();
      }
      taken++;
    }
    live.stop();
    for (const kind of Object.keys(trouble) as (keyof typeof trouble)[]) trouble[kind] += sim.trouble[kind];
  }
  return { situations, trouble, taken };
}
