// W2: a run of five stages, each a durable step of its own that hands a document of 1 KB to the next one as a message. From handing in
// the start to the announcement that the fifth is on disk: 32 runs at a time, and one alone. The baseline does the same five steps
// with one sqlite3 transaction each, one run after the other. W2.agents is a compiled pipeline whose stages are agents of their own.
import { assign, sendTo, setup } from 'xstate';
import { z } from 'zod';
import { machineKey, protocol } from '#machines/define.ts';
import { benchPipeline, pipelineInput } from './pipeline.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { runBaseline } from './baseline.ts';
import { median, pool, toResult, type Result, type Say } from './measure.ts';

const runs = 1_000;
const atOnce = 32;
const alone = 200;
const agentRuns = 300;
const rounds = 3;
const stages = 5;

const contextSchema = z.object({ doc: z.string() });
const spec = protocol({ context: contextSchema, input: z.object({ doc: z.string() }), output: z.unknown(), events: { NEXT: z.object({ doc: z.string() }) } });
type Doc = z.output<typeof contextSchema>;
type Next = { type: 'NEXT'; doc: string };

const take = assign<Doc, Next, undefined, never, never>({ doc: ({ event }) => event.doc });
const passOn = sendTo(({ self }) => self, ({ context }: { context: Doc }) => ({ type: 'NEXT', doc: `${context.doc.slice(1)}.` }));

/** The start is the first stage; each later one takes the document that the one before sent. */
function createStages(pass: boolean) {
  const entry = pass ? [passOn as never] : [];
  const stage = (target: string) => ({ entry, on: { NEXT: { target, actions: take as never } } });
  return setup({ types: spec.types, schemas: spec.schemas }).createMachine({
    id: 'stages', version: '1', initial: 's1',
    context: ({ input }) => ({ doc: input.doc }),
    states: { s1: stage('s2'), s2: stage('s3'), s3: stage('s4'), s4: stage('s5'), s5: { type: 'final' } },
  });
}

const doc = 'd'.repeat(1_000);

/** Starts a run; resolves when its last stage is announced. */
function createRunner(world: World, key: string, input: unknown, lastRev: number): (address: string) => Promise<unknown> {
  const waiting = new Map<string, () => void>();
  world.bus.onChanges(({ changes }) => {
    for (const { actor, rev } of changes) if (rev === lastRev) waiting.get(actor)?.();
  });
  return (address) => {
    const ended = new Promise<void>((resolve) => waiting.set(address, resolve));
    return Promise.all([world.start(address, key, input), ended]).finally(() => waiting.delete(address));
  };
}

export async function measureStages(say: Say): Promise<Result[]> {
  const agents = benchPipeline('machine');
  const world = await startWorld({ machines: [createStages(true), agents] });
  const live = createStages(false);
  try {
    const run = createRunner(world, 'stages@1', { doc }, stages - 1);
    // Its start, and one step for the end of each stage.
    const runAgents = createRunner(world, machineKey(agents), pipelineInput, stages);
    const names = (name: string, count: number) => Array.from({ length: count }, (_, i) => `stages/${name}-${i}`);
    const agentNames = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${agents.id}/${name}-${i}`);
    await pool(names('warm-up', runs), atOnce, run);
    await pool(agentNames('warm-up', agentRuns), atOnce, runAgents);
    const agentRates: number[] = [];
    const agentTimes: number[] = [];
    const rates: number[] = [];
    const base: number[] = [];
    const times: number[] = [];
    const baseMs: number[] = [];
    const aloneMs: number[] = [];
    for (let r = 0; r < rounds; r++) {
      const baseline = await runBaseline({ actors: runs, machine: live, input: { doc }, events: Array.from({ length: stages }, () => ({ type: 'NEXT', doc })), together: true });
      base.push(baseline.perSecond / stages);
      baseMs.push(...baseline.timesMs.map((ms) => ms * stages));
      const own = await pool(names(`round-${r}`, runs), atOnce, run);
      rates.push(own.perSecond);
      times.push(...own.timesMs);
      const led = await pool(agentNames(`round-${r}`, agentRuns), atOnce, runAgents);
      agentRates.push(led.perSecond);
      agentTimes.push(...led.timesMs);
      aloneMs.push(...(await pool(names(`alone-${r}`, alone), 1, run)).timesMs);
      say(`round ${r + 1}: ${Math.round(own.perSecond)} runs of ${stages} stages/s, ${Math.round(led.perSecond)}/s with agents, baseline ${Math.round(base[r]!)}/s`);
    }
    return [
      toResult({ id: 'W2', unit: 'pipelines/s', value: median(rates), baseline: median(base), ratio: median(rates.map((rate, r) => rate / base[r]!)), timesMs: times }),
      toResult({ id: 'W2.agents', unit: 'pipelines/s', value: median(agentRates), baseline: median(base), ratio: median(agentRates.map((rate, r) => rate / base[r]!)), timesMs: agentTimes }),
      toResult({ id: 'W2.alone', unit: 'ms', value: median(aloneMs), baseline: median(baseMs), timesMs: aloneMs }),
    ];
  } finally {
    await world.stop();
  }
}
