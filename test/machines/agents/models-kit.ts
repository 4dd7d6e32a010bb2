// A company in the simulator whose work needs one provider, which the test stops and starts, and money, which it gives and takes.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import type { Look } from '#machines/agents/activities.ts';
import { ladderMachine } from '#machines/agents/ladder.ts';
import { ladderOutput } from '#machines/agents/ladder-shape.ts';
import { modelsMachine } from '#machines/agents/models.ts';
import { protocol } from '#machines/define.ts';
import type { Intent } from '#machines/records.ts';
import type { WaitingList } from '#machines/waiting-list.ts';
import { createSim, type Sim, type SimOptions } from '#test/kit/sim.ts';
import { fails, says, tiersOf } from './ladder-kit.ts';
import { modelsAddress } from '#machines/agents/standing.ts';

const job = protocol({ input: z.object({}), context: z.object({ climbed: ladderOutput.nullable() }), events: {}, output: ladderOutput.nullable() });
/** Work that needs a model once. */
export const jobMachine = setup({ types: job.types, schemas: job.schemas, actors: { ladder: ladderMachine } }).createMachine({
  id: 'job-of-work', version: '1', description: 'Needs a model once.', context: { climbed: null }, initial: 'asking',
  states: {
    asking: { invoke: { id: 'ladder', src: 'ladder', input: { task: 'scripted', input: null, floor: { answer: { who: 'rules' }, confidence: 0.1, tier: 'rules' } }, onDone: { target: 'over', actions: assign({ climbed: ({ event }) => event.output }) } } },
    over: { type: 'final' },
  },
  output: ({ context }) => context.climbed,
});

export interface Outage {
  sim: Sim;
  /** What the provider and the budget are like from now on. `calls`: what is left of the money, in calls; null for no end. */
  world: { up: boolean; calls: number | null; lookFails: boolean; gone: Look['gone'] };
  /** Calls that reached the provider; looks that were made. */
  count: { calls: number; refused: number; looks: number };
  start(n: number): Promise<string[]>;
  answered(): number;
  waits(): number;
  list(): WaitingList;
  state(): string;
  /** What the operator sees, as the store would fold it. */
  items(): Intent[];
}

export async function startOutage(options: Partial<SimOptions> = {}, needs: { againAtMs: number | null } = { againAtMs: 1 }): Promise<Outage> {
  const world: Outage['world'] = { up: true, calls: null, lookFails: false, gone: [] };
  const count = { calls: 0, refused: 0, looks: 0 };
  const addresses: string[] = [];
  const sim = createSim({
    machines: [modelsMachine, jobMachine], permissions: true, ...options,
    activities: {
      'model.plan': async () => tiersOf({ large: 0.5 }, { otherwise: 'wait' }),
      'model.ask': async () => {
        if (world.calls === 0) {
          count.refused += 1;
          return fails('unaffordable', needs);
        }
        if (!world.up) {
          count.refused += 1;
          return fails('down', { reason: 'scripted does not answer' });
        }
        count.calls += 1;
        if (world.calls !== null) world.calls -= 1;
        return says('large', 0.9);
      },
      'model.ready': async () => {
        count.looks += 1;
        if (world.lookFails) throw new Error('the look broke');
        return { down: world.up ? [] : [{ provider: 'scripted', reason: 'connection refused' }], gone: world.gone, atMs: sim.nowMs() };
      },
    },
  });
  await sim.start(modelsAddress, modelsMachine, {}).idle();
  return {
    sim, world, count,
    async start(n) {
      const made = Array.from({ length: n }, () => `job-of-work/${addresses.push('') }`);
      for (const address of made) {
        sim.start(address, jobMachine, {});
        await sim.idle();
      }
      return made;
    },
    answered: () => sim.addresses().filter((address) => address.startsWith('job-of-work/') && (sim.record(address)!.snapshot.output as { sure?: boolean } | undefined)?.sure === true).length,
    waits: () => sim.addresses().filter((address) => address.startsWith('ladder/') && sim.record(address)!.status === 'active' && sim.value(address) === 'waiting').length,
    list: () => sim.context<{ list: WaitingList }>(modelsAddress).list,
    state: () => String(sim.value(modelsAddress)),
    items() {
      const items = new Map<string, Intent>();
      for (const intent of sim.recorded.intents) items.set(intent.id, { ...items.get(intent.id), ...intent });
      return [...items.values()];
    },
  };
}

export const minutes = (n: number) => n * 60_000;
