// Goal: on the real bus and store a pipeline does what it does in the simulator, also when the process ends while the operator is
// asked. Method: one company on real servers, stopped in the middle and started again on the same file.
import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { pipeline } from '#machines/pipeline.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import { benchPipeline, pipelineActivities, pipelineInput, pipelineResult } from '#test/bench/pipeline.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { writer } from './pipeline-agents.ts';

const machine = pipeline({ id: 'batch', version: '1', input: z.object({ words: z.array(z.string()) }) })
  .each('lines', { over: ({ input }) => input.words, agent: writer, output: z.string(), attempts: 2, input: ({ item }) => ({ text: item }), concurrency: 2 })
  .all('views', { length: { agent: writer, input: ({ results }) => ({ text: String(results.lines.length) }) } })
  .machine();
const activities = { 'test.write': async ({ input }: { input: { text: string } }) => (input.text === 'bad' ? 7 : input.text.toUpperCase()) };

const inbox = async (world: World) => (await world.store.query('inbox', {})) as StoredIntent[];
const ended = (world: World, address: string) => world.until(`the end of ${address}`, async () => {
  const record = await world.record(address);
  return record?.status === 'active' ? null : record;
});

test('a batch with a question goes on after a restart on an empty bus, and leaves nothing open', async () => {
  const first = await startWorld({ machines: [machine], activities });
  let item: StoredIntent | undefined;
  try {
    await first.start('batch/1', 'batch@1', { words: ['a', 'bad', 'c'] });
    item = await first.until('the question', async () => (await inbox(first))[0]);
    assert.match(item.summary, /^batch, lines 1: lines cannot go on: .*expected string/);
  } finally {
    await first.stop({ keep: true });
  }
  const second = await startWorld({ machines: [machine], activities, dataDir: first.dataDir });
  try {
    const answered = await second.event(item.actor, { type: 'RESPOND', about: item.id, text: '"mine"' }, 'operator/desk');
    assert.equal(answered.outcome, 'applied');
    const { status, snapshot } = await ended(second, 'batch/1');
    const { output, context } = snapshot as unknown as { output: unknown; context: { results: unknown } };
    assert.deepEqual([status, output], ['done', { outcome: 'completed', reason: '', result: { length: '3' }, costMicros: 0 }]);
    assert.deepEqual(context.results, { lines: ['A', 'mine', 'C'], views: { length: '3' } });
    assert.deepEqual(await inbox(second), []);
  } finally {
    await second.stop();
  }
});

for (const agents of ['activity', 'machine'] as const) {
  test(`five stages of 1 KB, by ${agents}, come to the end on real servers`, async () => {
    const bench = benchPipeline(agents);
    const world = await startWorld({ machines: [bench], activities: pipelineActivities });
    try {
      await world.start(`bench-${agents}/1`, `bench-${agents}@1`, pipelineInput);
      const record = await ended(world, `bench-${agents}/1`);
      assert.equal((record.snapshot as unknown as { output: { result: { n: number } } }).output.result.n, pipelineResult);
    } finally {
      await world.stop();
    }
  });
}
