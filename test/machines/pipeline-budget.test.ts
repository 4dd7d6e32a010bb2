// Goal: a stage starts only while its money lasts; an unknown price is never zero. Method: paid agents by script in the simulator,
// and the pure account beside it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { protocolOf } from '#machines/define.ts';
import { alternative, pipeline } from '#machines/pipeline.ts';
import { cheap, createRun, echoMachine, failing, paid, type Answers } from './pipeline-agents.ts';

const base = { id: 'costly', version: '1', input: z.object({ topic: z.string() }) };
const start = { topic: 'ships' };
const address = 'costly/1';
const costing = (costMicros: number | null): Answers => ({ 'test.paid': () => ({ text: 'x', confidence: 1, costMicros }) });
const agent = { agent: paid, input: ({ input: { topic } }: { input: { topic: string } }) => ({ text: topic }) };

const two = (options: { whole?: number; stage?: number; tryCostMicros?: number }) => pipeline({ ...base, budget: options.whole === undefined ? undefined : { costMicros: options.whole } })
  .step('first', { ...agent, tryCostMicros: options.tryCostMicros })
  .step('second', { ...agent, tryCostMicros: options.tryCostMicros, budget: options.stage === undefined ? undefined : { costMicros: options.stage } })
  .machine();

test('costs add up, each try says what it cost, and the run says the sum', async () => {
  const run = createRun({ machines: [two({ whole: 100 })], activities: costing(40) }, address, start);
  await run.begin();
  assert.equal(run.output().costMicros, 80);
  assert.deepEqual(run.sim.recorded.decisions.map(({ what, costMicros }) => [what, costMicros]), [['stage', 40], ['stage', 40], ['pipeline', null]]);
  assert.equal(protocolOf(two({}))!.may!.spendMicros, Number.MAX_SAFE_INTEGER);
});

test('a stage that would start after the budget is gone asks instead; approve gives as much again', async () => {
  const run = createRun({ machines: [two({ whole: 40 })], activities: costing(40) }, address, start);
  await run.begin();
  assert.deepEqual(run.value(), { second: { 'over-budget': 'asked' } });
  assert.match(run.only().summary, /the budget for second is gone: the pipeline has spent 40 of 40 micros/);
  assert.deepEqual(run.decisions('budget'), ['operator: the pipeline has spent 40 of 40 micros']);
  await run.approve();
  assert.deepEqual([run.output().outcome, run.output().costMicros], ['completed', 80]);
});

test('a question about the budget takes an output in place of the work, and a no stops the run', async () => {
  for (const answer of ['respond', 'reject'] as const) {
    const run = createRun({ machines: [two({ whole: 40 })], activities: costing(40) }, address, start);
    await run.begin();
    await (answer === 'reject' ? run.reject('too dear') : run.respond({ text: 'mine', confidence: 1, costMicros: 0 }));
    assert.deepEqual(run.output(), answer === 'reject' ? { outcome: 'stopped', reason: 'too dear', result: null, costMicros: 40 } : { outcome: 'completed', reason: '', result: { text: 'mine', confidence: 1, costMicros: 0 }, costMicros: 40 });
  }
});

test('a stage has a budget of its own, which its tries use up', async () => {
  const answers: Answers = { 'test.paid': ({ text }, nth) => (nth === 1 ? { text, confidence: 1, costMicros: 30 } : { text, confidence: 'high', costMicros: 30 }) };
  const machine = pipeline(base).step('first', agent).step('second', { ...agent, output: z.object({ text: z.string(), confidence: z.number().max(0.5) }) as never, budget: { costMicros: 50 } }).machine();
  const run = createRun({ machines: [machine], activities: { 'test.paid': (input) => answers['test.paid']!(input, 1) } }, address, start);
  await run.begin();
  assert.deepEqual(run.value(), { second: { 'over-budget': 'asked' } });
  assert.match(run.only().summary, /the stage has spent 60 of 50 micros/);
  assert.deepEqual(run.decisions('stage').map((one) => one.split(':')[0]), ['done', 'invalid', 'invalid']);
});

test('an unknown price is never zero: with a budget the next costly stage asks', async () => {
  const run = createRun({ machines: [two({ whole: 100 })], activities: costing(null) }, address, start);
  await run.begin();
  assert.match(run.only().summary, /has spent 0 of 100 micros, and 1 price is unknown/);
  assert.match(run.decisions('stage').join(), /its cost is unknown$/);
  await run.approve();
  assert.deepEqual([run.output().outcome, run.output().costMicros], ['completed', null]);
  assert.match(run.decisions('pipeline').join(), /not known in full/);
});

test('a try that fails has an unknown price as well', async () => {
  const run = createRun({ machines: [two({ whole: 100 })], activities: { 'test.paid': () => failing('no ink') } }, address, start);
  await run.begin();
  assert.match(run.only().summary, /the budget for first is gone: .* 1 price is unknown/);
});

test('with the most that a try may cost, an unknown price counts as that, and no try starts that could exceed the budget', async () => {
  const run = createRun({ machines: [two({ whole: 70, tryCostMicros: 40 })], activities: costing(null) }, address, start);
  await run.begin();
  assert.match(run.decisions('stage').join(), /its cost is unknown and counts as 40 micros$/);
  assert.match(run.only().summary, /the pipeline has 30 micros left, and one try may cost 40/);
  await run.approve();
  assert.deepEqual([run.output().outcome, run.output().costMicros], ['completed', 80]);
});

test('an agent that has no price is not held by a budget that is gone', async () => {
  const machine = pipeline({ ...base, budget: { costMicros: 10 } }).step('dear', agent).step('free', { agent: echoMachine, input: ({ results }) => ({ text: results.dear.text }) }).machine();
  const run = createRun({ machines: [machine], activities: costing(40) }, address, start);
  await run.begin();
  assert.deepEqual(run.output(), { outcome: 'completed', reason: '', result: { text: 'X' }, costMicros: 40 });
});

test('branches that run at once reserve what they may cost before they start', async () => {
  const branch = { ...agent, tryCostMicros: 40 };
  const machine = pipeline({ ...base, budget: { costMicros: 100 } }).all('ask', { a: branch, b: branch, c: branch }).machine();
  const run = createRun({ machines: [machine], activities: costing(10) }, address, start);
  run.sim.runJobs = false;
  await run.begin();
  assert.equal(run.sim.jobs().length, 2);
  assert.match(run.only().summary, /has 20 micros left, and one try may cost 40/);
  run.sim.runJobs = true;
  await run.sim.idle();
  await run.approve();
  assert.deepEqual([run.output().outcome, run.output().costMicros], ['completed', 30]);
});

test('what a branch was spending when nobody waited for it any more is counted', async () => {
  const machine = pipeline(base).all('ask', { dear: { ...agent, tryCostMicros: 40 }, quick: { agent: echoMachine, input: () => ({ text: 'x' }) } }, { policy: 'any' }).machine();
  const run = createRun({ machines: [machine], activities: costing(10) }, address, start);
  run.sim.runJobs = false;
  await run.begin();
  assert.deepEqual([run.output().outcome, run.output().costMicros, run.sim.jobs()], ['completed', 40, []]);
});

test('an alternative without a price comes after one that failed, though the budget is gone', async () => {
  const machine = pipeline({ ...base, budget: { costMicros: 10 } }).step('write', { ...agent, attempts: 1, output: z.any(), alternatives: [alternative({ agent: cheap, input: () => ({ text: 'x' }) })] }).machine();
  const run = createRun({ machines: [machine], activities: { 'test.paid': () => failing('no ink'), 'test.cheap': () => 'from a template' } }, address, start);
  await run.begin();
  assert.deepEqual(run.output(), { outcome: 'completed', reason: '', result: 'from a template', costMicros: null });
});
