// The pipeline of W2: five stages, each with about 1 KB of output. `activity`: each stage is a job of a worker; `machine`: each is a
// child that ends at once, so only the store and the bus are measured.
import { setup } from 'xstate';
import { z } from 'zod';
import type { Activity } from '#actors/worker.ts';
import { activity, protocol } from '#machines/define.ts';
import { pipeline } from '#machines/pipeline.ts';

const doc = z.object({ n: z.number(), text: z.string() });
const kilobyte = 'x'.repeat(1_000);
const work = ({ n }: z.output<typeof doc>) => ({ n: n + 1, text: kilobyte });

const stageActivity = activity({ name: 'bench.stage', input: doc, output: doc, timeoutMs: 10_000, retry: { attempts: 1, firstMs: 1, maxMs: 1 }, concurrency: 64 });
const stage = protocol({ input: doc, context: doc, events: {}, output: doc });
const stageMachine = setup({ types: stage.types, schemas: stage.schemas }).createMachine({
  id: 'bench-stage', version: '1', context: ({ input }) => work(input), initial: 'done', states: { done: { type: 'final' } }, output: ({ context }) => context,
});

export const pipelineInput = { n: 0, text: kilobyte };
export const pipelineActivities: Record<string, Activity> = { 'bench.stage': async ({ input }) => work(input) };
/** What each run must give. */
export const pipelineResult = 5;

/** Start it with `pipelineInput`; it has ended when its record is `done`, with `output.result.n` of `pipelineResult`. */
export function benchPipeline(agents: 'activity' | 'machine') {
  const agent = agents === 'activity' ? stageActivity : stageMachine;
  return pipeline({ id: `bench-${agents}`, version: '1', input: doc })
    .step('one', { agent, input: ({ input }) => input })
    .step('two', { agent, input: ({ results }) => results.one })
    .step('three', { agent, input: ({ results }) => results.two })
    .step('four', { agent, input: ({ results }) => results.three })
    .step('five', { agent, input: ({ results }) => results.four })
    .machine();
}
