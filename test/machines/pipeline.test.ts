// Goal: a step of a pipeline tries, judges, replans and asks as declared, and nothing but the operator's own answer makes a yes.
// Method: pipelines in the simulator with scripted activities; decisions and inbox items are what the store would get.
import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { createRegistry } from '#actors/registry.ts';
import { replay } from '#actors/replay.ts';
import { protocolOf } from '#machines/define.ts';
import { lintMachine } from '#machines/lint.ts';
import { alternative, pipeline } from '#machines/pipeline.ts';
import { cheap, createRun, echoMachine, failing, paid, sure, writer, type Answers } from './pipeline-agents.ts';

const input = z.object({ topic: z.string() });
const draft = z.object({ draft: z.string() });
const minute = 60_000;
const start = { topic: 'ships' };
const base = { id: 'reply', version: '1', input, questions: { remindMs: 10 * minute, deadlineMs: 25 * minute } };
const address = 'reply/1';

const three = pipeline(base)
  .step('read', { agent: echoMachine, input: ({ input: { topic } }) => ({ text: topic }) })
  .step('write', { agent: writer, input: ({ results }) => ({ text: `${results.read.text}!` }), output: draft })
  .step('close', { agent: echoMachine, input: ({ results }) => ({ text: results.write.draft }) })
  .machine();

test('a sequence of three stages hands typed results from one to the next', async () => {
  const run = createRun({ machines: [three], activities: { 'test.write': ({ text }) => ({ draft: `on ${text}` }) } }, address, start);
  await run.begin();
  assert.deepEqual(run.output(), { outcome: 'completed', reason: '', result: { text: 'ON SHIPS!' }, costMicros: 0 });
  assert.deepEqual(run.decisions('pipeline'), ['completed: cost 0 micros']);
  assert.deepEqual([run.items(), run.sim.deadlines(), run.sim.jobs()], [[], [], []]);
});

test('a pipeline is an ordinary machine with a state for each stage, and has what its stages need in its permissions', () => {
  assert.deepEqual(lintMachine(three), []);
  assert.deepEqual(Object.keys(three.states), ['read', 'write', 'close', 'completed', 'stopped']);
  assert.deepEqual(createRegistry([three]).list().map(({ key }) => key), ['reply@1', 'echo@1']);
  assert.deepEqual(protocolOf(three)!.may, { spendMicros: 0, intents: ['question'], act: ['test.write'] });
});

const writing = pipeline(base).step('write', { agent: writer, input: ({ input: { topic } }) => ({ text: topic }), output: draft, timeoutMs: minute }).machine();

test('an invalid output is a recorded decision and another try; the next valid one goes on', async () => {
  const run = createRun({ machines: [writing], activities: { 'test.write': (_, nth) => (nth === 1 ? { draft: 7 } : { draft: 'x' }) } }, address, start);
  await run.begin();
  assert.match(run.decisions('stage').join('\n'), /^invalid: write: try 1 of 3 of test\.write: draft: .*expected string/);
  assert.deepEqual([run.output().result, run.decisions('stage').length, run.items()], [{ draft: 'x' }, 1, []]);
});

const broken: Answers = { 'test.write': (_, nth) => (nth <= 3 ? failing('no ink') : { draft: 'late' }) };

test('after its attempts a stage escalates; approve tries again and goes on', async () => {
  const run = createRun({ machines: [writing], activities: broken }, address, start);
  await run.begin();
  assert.deepEqual(run.value(), { write: { failing: 'asked' } });
  const item = run.only();
  assert.equal(item.kind, 'escalation');
  assert.match(item.summary, /^reply: write cannot go on: REFUSED: no ink/);
  assert.deepEqual(run.decisions('stage').length, 3);
  assert.match(run.decisions('replan')[0]!, /^operator: test\.write has used 3 tries/);
  await run.approve();
  assert.deepEqual([run.output().result, run.open()], [{ draft: 'late' }, []]);
  assert.equal(run.items()[0]!.state, 'completed');
});

test('an escalation that is rejected stops the run with the reason', async () => {
  const run = createRun({ machines: [writing], activities: broken }, address, start);
  await run.begin();
  await run.reject('not worth it');
  assert.deepEqual(run.output(), { outcome: 'stopped', reason: 'not worth it', result: null, costMicros: 0 });
  assert.equal(run.items()[0]!.state, 'rejected');
  assert.deepEqual(run.sim.deadlines(), []);
});

test('an answer goes on in place of the output, when it fits the schema; else it is not taken', async () => {
  const run = createRun({ machines: [writing], activities: broken }, address, start);
  await run.begin();
  await run.respond({ draft: 5 });
  await run.respond('just words');
  assert.deepEqual([run.value(), run.open().length], [{ write: { failing: 'asked' } }, 1]);
  await run.respond({ draft: 'mine' });
  assert.deepEqual(run.output().result, { draft: 'mine' });
  assert.match(run.decisions('answer')[0]!, /^answered: write:failing/);
});

test('an edit of what is shown counts as an answer', async () => {
  const run = createRun({ machines: [writing], activities: broken }, address, start);
  await run.begin();
  const { id } = run.only();
  await run.sim.event(address, { type: 'APPROVE', payloadHash: id, about: id, edit: { payload: { text: '{"draft":"edited"}' }, payloadHash: '' } }, 'operator/desk').idle();
  assert.deepEqual(run.output().result, { draft: 'edited' });
});

test('answers to another item, late answers and answers of others change nothing', async () => {
  const run = createRun({ machines: [writing], activities: { 'test.write': () => failing('no ink') } }, address, start);
  await run.begin();
  const { id } = run.only();
  await run.approve();
  assert.notEqual(run.only().id, id);
  const before = run.sim.stored(address);
  await run.approve(id);
  await run.reject('old', id);
  await run.respond({ draft: 'old' }, id);
  await run.sim.event(address, { type: 'REJECT', reason: 'no item named' }, 'operator/desk').idle();
  const yes = { type: 'APPROVE', payloadHash: run.only().id, about: run.only().id };
  for (const from of ['reply/1', 'echo/x', 'external/operator']) await run.sim.event(address, yes, from).idle();
  assert.equal(run.sim.stored(address), before);
});

test('two timeouts hand the stage to the operator, and what comes late is dropped', async () => {
  const run = createRun({ machines: [writing], activities: {} }, address, start);
  run.sim.runJobs = false;
  await run.begin();
  await run.sim.advance(minute - 1);
  assert.deepEqual(run.value(), { write: { working: 'running' } });
  const [late] = run.sim.jobs();
  await run.sim.advance(1);
  assert.deepEqual(run.value(), { write: { working: 'running' } });
  await run.sim.advance(minute);
  assert.deepEqual(run.value(), { write: { failing: 'asked' } });
  assert.deepEqual(run.decisions('stage'), [1, 2].map((nth) => `timed out: write: try ${nth} of 3 of test.write: no result within 60000 ms`));
  assert.match(run.decisions('replan')[0]!, /2 tries, 2 without an answer in time/);
  assert.deepEqual(run.sim.jobs(), []);
  await run.sim.send(address, 'job/test-write', { kind: 'done', child: 'write', gen: late!.body.owner.gen, output: { draft: 'late' } }).idle();
  assert.deepEqual(run.value(), { write: { failing: 'asked' } });
});

const withCheap = (timeoutsMax: number) => pipeline(base).step('write', {
  agent: writer, input: ({ input: { topic } }) => ({ text: topic }), output: draft, timeoutMs: minute, timeoutsMax,
  alternatives: [alternative({ agent: cheap, input: ({ input: { topic } }) => ({ text: topic.slice(0, 2) }), attempts: 1 })],
}).machine();

test('the alternative takes over after as many timeouts as declared, with its own smaller input, and says why', async () => {
  for (const timeoutsMax of [1, 2]) {
    const run = createRun({ machines: [withCheap(timeoutsMax)], activities: { 'test.cheap': ({ text }) => ({ draft: text }) } }, address, start);
    run.sim.runJobs = false;
    await run.begin();
    for (let nth = 0; nth < timeoutsMax; nth++) await run.sim.advance(minute);
    assert.deepEqual(run.value(), { write: { 'alternative-1': 'running' } });
    assert.match(run.decisions('replan').join(), new RegExp(`^test.cheap: write: test.write gives way to test.cheap after ${timeoutsMax} tr.*no result within 60000 ms$`));
    run.sim.runJobs = true;
    await run.sim.idle();
    assert.deepEqual([run.output().result, run.items()], [{ draft: 'sh' }, []]);
  }
});

test('when the alternative fails too, the operator is asked, and approve begins with the first agent', async () => {
  const run = createRun({ machines: [withCheap(2)], activities: { 'test.write': (_, nth) => (nth <= 3 ? failing('no ink') : { draft: 'now' }), 'test.cheap': () => ({}) } }, address, start);
  await run.begin();
  assert.match(run.only().summary, /write cannot go on: draft: /);
  await run.approve();
  assert.deepEqual(run.output().result, { draft: 'now' });
});

const pausing = pipeline(base).step('write', { agent: writer, input: ({ input: { topic } }) => ({ text: topic }), output: draft, pauseMs: minute }).machine();

test('a pause between tries is waited for', async () => {
  const run = createRun({ machines: [pausing], activities: { 'test.write': (_, nth) => (nth === 1 ? failing('no ink') : { draft: 'x' }) } }, address, start);
  await run.begin();
  assert.deepEqual(run.value(), { write: 'pausing' });
  await run.sim.advance(minute);
  assert.deepEqual(run.output().result, { draft: 'x' });
});

const asking = pipeline(base).step('write', { agent: sure, input: ({ input: { topic } }) => ({ text: topic }), confidence: { atLeast: 0.8, otherwise: 'ask' }, timeoutMs: minute }).machine();
const unsure: Answers = { 'test.sure': () => ({ text: 'maybe', confidence: 0.4 }) };

test('an output below its confidence is shown; approve goes on with it, respond replaces it, reject stops', async () => {
  const each = async (answer: (run: ReturnType<typeof createRun>) => Promise<void>) => {
    const run = createRun({ machines: [asking], activities: unsure }, address, start);
    await run.begin();
    assert.deepEqual([run.only().kind, run.only().data.payload], ['question', { text: 'maybe', confidence: 0.4 }]);
    await answer(run);
    return run.output();
  };
  assert.deepEqual((await each((run) => run.approve())).result, { text: 'maybe', confidence: 0.4 });
  assert.deepEqual((await each((run) => run.respond({ text: 'surely', confidence: 1 }))).result, { text: 'surely', confidence: 1 });
  assert.deepEqual(await each((run) => run.reject('no')), { outcome: 'stopped', reason: 'no', result: null, costMicros: 0 });
});

test('an output that does not say how sure it is counts as not sure', async () => {
  const machine = pipeline(base).step('write', { agent: writer, output: z.object({ confidence: z.number().nullable() }), input: ({ input: { topic } }) => ({ text: topic }), confidence: { atLeast: 0, otherwise: 'ask' } }).machine();
  const run = createRun({ machines: [machine], activities: { 'test.write': () => ({ confidence: null }) } }, address, start);
  await run.begin();
  assert.match(run.only().summary, /confidence unknown is below 0/);
});

test('an output as sure as it must be asks nobody', async () => {
  const run = createRun({ machines: [asking], activities: { 'test.sure': () => ({ text: 'yes', confidence: 0.8 }) } }, address, start);
  await run.begin();
  assert.deepEqual([run.output().outcome, run.items()], ['completed', []]);
});

test('an output that is not sure enough can go to the alternative first', async () => {
  const machine = pipeline(base).step('write', {
    agent: sure, input: ({ input: { topic } }) => ({ text: topic }), confidence: { atLeast: 0.8, otherwise: 'alternative' },
    alternatives: [alternative({ agent: paid, input: ({ input: { topic } }) => ({ text: topic }) })],
  }).machine();
  for (const confidence of [0.9, 0.7]) {
    const run = createRun({ machines: [machine], activities: { ...unsure, 'test.paid': () => ({ text: 'better', confidence, costMicros: 5 }) } }, address, start);
    await run.begin();
    assert.match(run.decisions('replan').join(), /^test\.paid: .*confidence 0\.4 is below 0\.8$/);
    assert.equal(run.open().length, confidence < 0.8 ? 1 : 0);
    if (confidence < 0.8) assert.deepEqual(run.only().data.payload, { text: 'better', confidence });
  }
});

test('while the operator is asked no clock of the work runs, and reminders come until the deadline', async () => {
  const run = createRun({ machines: [asking], activities: unsure }, address, start);
  await run.begin();
  await run.sim.advance(10 * minute);
  assert.match(run.only().summary, /^Reminder: reply: is this right/);
  assert.equal(run.sim.recorded.intents.length, 2);
  await run.sim.advance(10 * minute);
  assert.equal(run.sim.recorded.intents.length, 3);
  assert.deepEqual(run.decisions('stage').filter((decision) => decision.startsWith('timed out')), []);
});

for (const expiry of ['hold', 'deny', 'escalate'] as const) {
  test(`nobody answers in time: ${expiry}, and never a yes`, async () => {
    const machine = pipeline({ ...base, questions: { ...base.questions, expiry } }).step('write', { agent: sure, input: ({ input: { topic } }) => ({ text: topic }), confidence: { atLeast: 0.8, otherwise: 'ask' } }).machine();
    const run = createRun({ machines: [machine], activities: unsure }, address, start);
    await run.begin();
    const first = run.only().id;
    await run.sim.advance(25 * minute - 1);
    assert.deepEqual(run.decisions('expiry'), []);
    await run.sim.advance(1);
    assert.match(run.decisions('expiry').join(), new RegExp(`^${expiry}: write:unsure: nobody answered within 1500000 ms$`));
    if (expiry === 'deny') {
      assert.deepEqual(run.output(), { outcome: 'stopped', reason: 'nobody answered within 1500000 ms', result: null, costMicros: 0 });
      assert.deepEqual(run.items().map(({ state }) => state), ['canceled']);
      return;
    }
    await run.sim.advance(1_000 * minute);
    if (expiry === 'hold') assert.match(run.only().summary, /^Overdue: /);
    else assert.deepEqual([run.items()[0]!.state, run.only().kind, run.only().data.risk, run.only().id === first], ['canceled', 'escalation', 'high', false]);
    await run.approve();
    assert.deepEqual([run.output().result, run.open(), run.sim.deadlines()], [{ text: 'maybe', confidence: 0.4 }, [], []]);
  });
}

test('whatever crashes and comes twice, the outcome is the same, and folding the history gives the stored state', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const run = createRun({ machines: [withCheap(2)], activities: { ...broken, 'test.cheap': () => ({}) }, chaos: 0.35, seed }, address, start);
    await run.begin();
    assert.deepEqual(run.value(), { write: { failing: 'asked' } }, `seed ${seed}`);
    assert.deepEqual([run.decisions('stage').length, run.decisions('replan').length, run.open().length], [4, 2, 1], `seed ${seed}`);
    await run.approve();
    assert.deepEqual(run.output().result, { draft: 'late' }, `seed ${seed}`);
    assert.equal(replay(run.sim.registry, address, run.sim.history(address), run.sim.stored(address)).matches, true);
  }
});
