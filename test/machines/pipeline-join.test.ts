// Goal: fan-out, review and batch end as their policies say, what failed is recorded, and partial work is not lost. Method: scripted
// agents in the simulator, also with chaos.
import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { replay } from '#actors/replay.ts';
import { pipeline } from '#machines/pipeline.ts';
import type { Policy } from '#machines/pipeline-plan.ts';
import { cheap, checker, createRun, echoMachine, failing, plain, sure, writer, type Answers } from './pipeline-agents.ts';

const base = { id: 'join', version: '1', input: z.object({ topics: z.array(z.string()) }), questions: { remindMs: 600_000, deadlineMs: 3_600_000 } };
const address = 'join/1';
const start = { topics: ['a', 'b', 'c', 'd', 'e'] };
const text = (said: string) => () => ({ text: said });

const fan = (policy: Policy) => pipeline(base).all('views', {
  left: { agent: writer, input: text('left'), attempts: 2 }, right: { agent: cheap, input: text('right') }, echo: { agent: echoMachine, input: text('echo') },
}, { policy }).machine();
const leftFails: Answers = { 'test.write': () => failing('no ink'), 'test.cheap': () => 'r' };

test('all branches work at once and the result has their outputs by name', async () => {
  const run = createRun({ machines: [fan('all')], activities: { 'test.write': () => 'l', 'test.cheap': () => 'r' } }, address, start);
  run.sim.runJobs = false;
  await run.begin();
  assert.deepEqual(run.value(), { views: { running: { left: { working: 'running' }, right: { working: 'running' }, echo: 'done' } } });
  run.sim.runJobs = true;
  await run.sim.idle();
  assert.deepEqual(run.output().result, { left: 'l', right: 'r', echo: { text: 'ECHO' } });
  assert.deepEqual(run.decisions('join'), []);
});

test('when a branch fails and all are needed the others end first, then the operator decides; approve repeats only what failed', async () => {
  let left = 0;
  let right = 0;
  const run = createRun({ machines: [fan('all')], activities: { 'test.write': () => (++left <= 2 ? failing('no ink') : 'l'), 'test.cheap': () => (++right, 'r') } }, address, start);
  await run.begin();
  assert.deepEqual(run.value(), { views: { asking: 'asked' } });
  assert.deepEqual(run.decisions('join'), ['2 of 3: views: left: REFUSED: no ink', 'operator: left: REFUSED: no ink']);
  assert.deepEqual(run.only().data.payload, { right: 'r', echo: { text: 'ECHO' } });
  await run.approve();
  assert.deepEqual([run.output().result, left, right], [{ left: 'l', right: 'r', echo: { text: 'ECHO' } }, 3, 1]);
});

test('the operator gives what the failed branches did not, by name, or stops', async () => {
  const run = createRun({ machines: [fan('all')], activities: leftFails }, address, start);
  await run.begin();
  await run.respond({ right: 'not asked for' });
  assert.deepEqual(run.value(), { views: { asking: 'asked' } });
  await run.respond({ left: 'mine' });
  assert.deepEqual(run.output().result, { left: 'mine', right: 'r', echo: { text: 'ECHO' } });
  const other = createRun({ machines: [fan('all')], activities: leftFails }, address, start);
  await other.begin();
  await other.reject('enough');
  assert.deepEqual([other.output().outcome, other.output().reason], ['stopped', 'enough']);
});

test('any: the first that succeeds is the result, the others are stopped and recorded', async () => {
  const run = createRun({ machines: [fan('any')], activities: {} }, address, start);
  run.sim.runJobs = false;
  await run.begin();
  assert.deepEqual([run.output().result, run.sim.jobs()], [{ echo: { text: 'ECHO' } }, []]);
  assert.deepEqual(run.decisions('join'), ['1 of 3: views: left: not waited for; views: right: not waited for']);
});

test('at least two of three: one may fail, and the failure is recorded', async () => {
  const run = createRun({ machines: [fan({ atLeast: 2 })], activities: leftFails }, address, start);
  await run.begin();
  assert.deepEqual([run.output().result, run.items()], [{ right: 'r', echo: { text: 'ECHO' } }, []]);
  assert.match(run.decisions('join').join(), /^2 of 3: views: left: /);
});

test('two branches ask at the same time, each answer reaches its own, and a no leaves only that branch out', async () => {
  const branch = { agent: sure, input: text('x'), confidence: { atLeast: 0.8, otherwise: 'ask' as const } };
  const machine = pipeline(base).all('views', { one: branch, two: branch }, { policy: { atLeast: 1 } }).machine();
  const run = createRun({ machines: [machine], activities: { 'test.sure': () => ({ text: 'maybe', confidence: 0 }) } }, address, start);
  await run.begin();
  const [one, two] = run.open();
  await run.reject('not this', one!.id);
  assert.deepEqual(run.value(), { views: { running: { one: 'failed', two: { unsure: 'asked' } } } });
  await run.approve(two!.id);
  assert.deepEqual([run.output().outcome, run.output().reason, run.output().result], ['completed', '', { two: { text: 'maybe', confidence: 0 } }]);
  assert.deepEqual(run.items().map(({ state }) => state), ['rejected', 'completed']);
});

test('an answer that ends the fan-out withdraws the questions of the other branches', async () => {
  const branch = { agent: sure, input: text('x'), confidence: { atLeast: 0.8, otherwise: 'ask' as const } };
  const machine = pipeline(base).all('views', { one: branch, two: branch }, { policy: 'any' }).machine();
  const run = createRun({ machines: [machine], activities: { 'test.sure': () => ({ text: 'maybe', confidence: 0 }) } }, address, start);
  await run.begin();
  await run.approve(run.open()[0]!.id);
  assert.deepEqual([run.output().result, run.items().map(({ state }) => state)], [{ one: { text: 'maybe', confidence: 0 } }, ['completed', 'canceled']]);
});

test('a question of a branch that nobody waits for any more is withdrawn', async () => {
  const machine = pipeline(base).all('views', { asks: { agent: sure, input: text('x'), confidence: { atLeast: 0.8, otherwise: 'ask' } }, slow: { agent: cheap, input: text('y') } }, { policy: 'any' }).machine();
  const run = createRun({ machines: [machine], activities: { 'test.sure': () => ({ text: 'maybe', confidence: 0 }), 'test.cheap': () => 'r' } }, address, start);
  await run.begin();
  assert.deepEqual([run.output().result, run.items().map(({ state }) => state), run.sim.deadlines()], [{ slow: 'r' }, ['canceled'], []]);
});

const reviewed = (rounds: number) => pipeline(base).review('letter', {
  produce: { agent: plain, input: ({ remarks, previous, round }) => ({ text: remarks ? `${previous}+${remarks.remark}${round}` : 'first' }) },
  check: { agent: checker, input: ({ product }) => ({ text: product }) },
  accepts: (check) => check.ok,
  rounds,
}).step('close', { agent: echoMachine, input: ({ results }) => ({ text: results.letter }) }).machine();
const picky = (enough: number): Answers => ({ 'test.plain': ({ text: said }) => said, 'test.check': ({ text: said }) => ({ ok: said.length >= enough, remark: 'more' }) });

test('a review goes back with the remarks until it is accepted, and each round is recorded', async () => {
  const run = createRun({ machines: [reviewed(3)], activities: picky(16) }, address, start);
  await run.begin();
  assert.deepEqual(run.output().result, { text: 'FIRST+MORE2+MORE3' });
  assert.deepEqual(run.decisions('review').map((one) => one.slice(0, 32)), ['remarks: letter: round 1 of 3; {', 'remarks: letter: round 2 of 3; {', 'accepted: letter: round 3 of 3']);
});

test('a review never goes on for more rounds than declared; then the operator takes it, replaces it or stops', async () => {
  const begun = async () => {
    const run = createRun({ machines: [reviewed(2)], activities: picky(100) }, address, start);
    await run.begin();
    assert.deepEqual([run.value(), run.only().data.payload, run.decisions('review').length], [{ letter: { asking: 'asked' } }, 'first+more2', 3]);
    return run;
  };
  const taken = await begun();
  await taken.approve();
  assert.deepEqual(taken.output().result, { text: 'FIRST+MORE2' });
  const replaced = await begun();
  await replaced.respond('mine');
  assert.deepEqual(replaced.output().result, { text: 'MINE' });
  const stopped = await begun();
  await stopped.reject('never mind');
  assert.equal(stopped.output().reason, 'never mind');
});

const batch = (policy: Policy, concurrency = 2) => pipeline(base).each('lines', {
  over: ({ input }) => input.topics, agent: writer, output: z.string(), attempts: 1, input: ({ item, index }) => ({ text: `${item}${index}` }), concurrency, policy,
}).machine();
const upper: Answers = { 'test.write': ({ text: said }) => said.toUpperCase() };

test('a batch works on so many items at a time and keeps the order of the list', async () => {
  const most: number[] = [];
  const run = createRun({ machines: [batch('all')], activities: { 'test.write': ({ text: said }) => {
    most.push(Object.keys(run.sim.record(address)!.children).length);
    return said.toUpperCase();
  } } }, address, start);
  await run.begin();
  assert.deepEqual([most, run.output().result], [[2, 2, 2, 2, 1], ['A0', 'B1', 'C2', 'D3', 'E4']]);
  assert.deepEqual(run.sim.record(address)!.children, {});
});

test('an empty list is done at once', async () => {
  const run = createRun({ machines: [batch('all')], activities: upper }, address, { topics: [] });
  await run.begin();
  assert.deepEqual([run.output().outcome, run.output().result], ['completed', []]);
});

test('an item that fails asks in its own run; left out there, the policy of the batch decides', async () => {
  for (const policy of ['all', { atLeast: 4 }] as const) {
    let mends = false;
    const run = createRun({ machines: [batch(policy)], activities: { 'test.write': ({ text: said }) => (said === 'c2' && !mends ? failing('smudged') : said) } }, address, start);
    await run.begin();
    const item = run.only();
    assert.match(item.summary, /^join, lines 2: lines cannot go on: REFUSED: smudged/);
    const child = run.sim.addresses().find((one) => one.includes('lines.2'))!;
    await run.reject('leave it out', item.id, child);
    assert.equal(run.decisions('join')[0], '4 of 5: lines: item 2: leave it out');
    if (policy === 'all') {
      assert.deepEqual(run.value(), { lines: { asking: 'asked' } });
      mends = true;
      await run.approve();
    }
    assert.deepEqual(run.output().result, ['a0', 'b1', policy === 'all' ? 'c2' : null, 'd3', 'e4']);
  }
});

test('the operator gives the outputs of failed items by their index', async () => {
  const run = createRun({ machines: [batch('all')], activities: { 'test.write': ({ text: said }) => (said === 'c2' ? failing('smudged') : said) } }, address, start);
  await run.begin();
  await run.reject('leave it out', run.only().id, run.sim.addresses().find((one) => one.includes('lines.2')));
  await run.respond({ 1: 'wrong one' });
  await run.respond({ 2: 'mine' });
  assert.deepEqual(run.output().result, ['a0', 'b1', 'mine', 'd3', 'e4']);
});

test('a batch of paid items stops starting when the budget is gone, ends what runs, and asks', async () => {
  const priced = pipeline({ ...base, budget: { costMicros: 25 } }).each('lines', { over: ({ input }) => input.topics, agent: sure, input: ({ item }) => ({ text: item }), tryCostMicros: 10, budget: { costMicros: 10 }, concurrency: 5 }).machine();
  const run = createRun({ machines: [priced], activities: { 'test.sure': ({ text: said }) => ({ text: said, confidence: 1 }) } }, address, start);
  await run.begin();
  assert.deepEqual(run.value(), { lines: { 'over-budget': 'asked' } });
  assert.match(run.only().summary, /3 items are left: the pipeline has 5 micros left, and one try may cost 10/);
  await run.approve();
  await run.approve();
  assert.deepEqual([run.output().outcome, run.output().costMicros], ['completed', 50]);
});

test('an item whose run ends in an error counts as failed', async () => {
  const throwing = pipeline(base).each('lines', { over: ({ input }) => input.topics, agent: writer, output: z.string(), input: ({ item }) => ({ text: item }) }).machine();
  const run = createRun({ machines: [throwing], activities: upper }, address, start);
  run.sim.runJobs = false;
  await run.begin();
  const child = run.sim.addresses().find((one) => one.includes('lines.0'))!;
  const { gen } = run.sim.record(address)!.children['lines.0']!;
  await run.sim.send(address, child, { kind: 'error', child: 'lines.0', gen, error: { code: 'X', message: 'it broke' } }).idle();
  run.sim.runJobs = true;
  await run.sim.idle();
  assert.deepEqual(run.decisions('join')[0], '4 of 5: lines: item 0: it broke');
});

test('fan-out, review and batch come to the same result whatever crashes and comes twice', async () => {
  const whole = pipeline(base)
    .all('views', { left: { agent: writer, input: text('left') }, echo: { agent: echoMachine, input: text('echo') } }, { policy: { atLeast: 2 } })
    .review('letter', { produce: { agent: plain, input: ({ round }) => ({ text: `r${round}` }) }, check: { agent: checker, input: ({ product }) => ({ text: product }) }, accepts: (check) => check.ok })
    .each('lines', { over: ({ input }) => input.topics, agent: writer, output: z.string(), input: ({ item }) => ({ text: item }), concurrency: 3 })
    .machine();
  const activities: Answers = { 'test.write': ({ text: said }, nth) => (said === 'c' && nth === 1 ? 7 : said.toUpperCase()), 'test.plain': ({ text: said }) => said, 'test.check': ({ text: said }) => ({ ok: said === 'r2', remark: '' }) };
  let struck = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const run = createRun({ machines: [whole], activities, chaos: 0.35, seed }, address, start);
    await run.begin();
    assert.deepEqual([run.output(), run.decisions('review').length, run.decisions('stage').length, run.items(), run.sim.deadlines()], [{ outcome: 'completed', reason: '', result: ['A', 'B', 'C', 'D', 'E'], costMicros: 0 }, 2, 1, [], []], `seed ${seed}`);
    for (const one of run.sim.addresses()) assert.equal(replay(run.sim.registry, one, run.sim.history(one), run.sim.stored(one)).matches, true, one);
    struck += run.sim.trouble.crashes + run.sim.trouble.duplicates;
  }
  assert.ok(struck > 100);
});
