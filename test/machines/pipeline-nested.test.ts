// Goal: a pipeline is an agent like any other, its clock stands still for a person, and what must not be repeated or stopped is
// refused when the pipeline is built. Method: pipelines in pipelines in the simulator; wrong ones built and caught.
import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { operationMachine } from '#machines/agents/operation.ts';
import { commitOperation } from '#machines/agents/activities.ts';
import { KeelsonError } from '#machines/errors.ts';
import { alternative, pipeline } from '#machines/pipeline.ts';
import { checker, createRun, echoMachine, sender, sure, writer } from './pipeline-agents.ts';

const minute = 60_000;
const input = z.object({ topic: z.string() });
const address = 'outer/1';
const child = (run: ReturnType<typeof createRun>) => run.sim.addresses().find((one) => one.startsWith('inner/'))!;

const inner = pipeline({ id: 'inner', version: '1', input, questions: { remindMs: minute, deadlineMs: 100 * minute } })
  .step('write', { agent: sure, input: ({ input: { topic } }) => ({ text: topic }), confidence: { atLeast: 0.8, otherwise: 'ask' }, timeoutMs: 5 * minute }).machine();
const outer = pipeline({ id: 'outer', version: '1', input })
  .step('delegate', { agent: inner, input: ({ input: { topic } }) => ({ topic }), timeoutMs: 10 * minute, timeoutsMax: 1 })
  .step('close', { agent: echoMachine, input: ({ results }) => ({ text: results.delegate.text }) }).machine();
const unsure = { 'test.sure': () => ({ text: 'maybe', confidence: 0 }) };

test('the result of a pipeline that is a stage is the result of the stage', async () => {
  const run = createRun({ machines: [outer], activities: { 'test.sure': () => ({ text: 'x', confidence: 1 }) } }, address, { topic: 'a' });
  await run.begin();
  assert.deepEqual(run.output(), { outcome: 'completed', reason: '', result: { text: 'X' }, costMicros: 0 });
});

test('the time of a stage stands still while a person is asked inside of it, and runs again afterwards', async () => {
  const run = createRun({ machines: [outer], activities: unsure }, address, { topic: 'a' });
  await run.begin();
  assert.deepEqual(run.value(), { delegate: { working: 'parked' } });
  await run.sim.advance(60 * minute);
  assert.deepEqual(run.value(), { delegate: { working: 'parked' } });
  await run.approve(undefined, child(run));
  assert.deepEqual(run.output().result, { text: 'MAYBE' });
});

test('a batch inside of a stage that asks about an item stops the clock of that stage as well', async () => {
  const batch = pipeline({ id: 'inner', version: '1', input }).each('parts', { over: () => ['a', 'b', 'c'], agent: sure, input: ({ item }) => ({ text: item }), confidence: { atLeast: 0.8, otherwise: 'ask' } }).machine();
  const whole = pipeline({ id: 'outer', version: '1', input }).step('delegate', { agent: batch, input: ({ input: { topic } }) => ({ topic }), timeoutMs: 10 * minute }).machine();
  const run = createRun({ machines: [whole], activities: unsure }, address, { topic: 'a' });
  await run.begin();
  assert.deepEqual([run.value(), run.open().length], [{ delegate: { working: 'parked' } }, 3]);
  for (const { id } of run.open()) {
    await run.sim.advance(60 * minute);
    await run.approve(id, run.sim.addresses().find((one) => id.startsWith(`p-${one.replace('/', '.')}.`)));
  }
  assert.deepEqual(run.output().result, Array.from({ length: 3 }, () => ({ text: 'maybe', confidence: 0 })));
  assert.equal(run.sim.context<{ parked: number }>(address).parked, 0);
});

test('an item that ends in an error while it waits for a person waits no more', async () => {
  const batch = pipeline({ id: 'outer', version: '1', input }).each('parts', { over: () => ['a'], agent: sure, input: ({ item }) => ({ text: item }), confidence: { atLeast: 0.8, otherwise: 'ask' }, policy: 'all' }).machine();
  const run = createRun({ machines: [batch], activities: unsure }, address, { topic: 'a' });
  await run.begin();
  const parked = () => run.sim.context<{ parked: number }>(address).parked;
  assert.equal(parked(), 1);
  const { gen, address: item } = run.sim.record(address)!.children['parts.0']!;
  await run.sim.send(address, item, { kind: 'error', child: 'parts.0', gen, error: { code: 'X', message: 'it broke' } }).idle();
  assert.deepEqual([run.value(), parked()], [{ parts: { asking: 'asked' } }, 1]); // the batch itself asks now
});

test('a person who is asked three levels below stops every clock above', async () => {
  const top = pipeline({ id: 'top', version: '1', input }).step('whole', { agent: outer, input: ({ input: { topic } }) => ({ topic }), timeoutMs: minute }).machine();
  const run = createRun({ machines: [top], activities: unsure }, 'top/1', { topic: 'a' });
  await run.begin();
  await run.sim.advance(60 * minute);
  assert.deepEqual(run.value(), { whole: { working: 'parked' } });
  await run.approve(undefined, child(run));
  assert.deepEqual(run.output().result, { text: 'MAYBE' });
});

test('a stage whose agent works again after an answer can time out again', async () => {
  const run = createRun({ machines: [outer], activities: {} }, address, { topic: 'a' });
  run.sim.runJobs = false;
  await run.begin();
  const said = (parked: boolean, by = child(run)) => run.sim.event(address, { type: 'PARKED', parked }, by).idle();
  await said(true, 'inner/outer.1.other~0');
  assert.deepEqual(run.value(), { delegate: { working: 'running' } });
  await said(true);
  await run.sim.advance(60 * minute);
  assert.deepEqual(run.value(), { delegate: { working: 'parked' } });
  await said(false);
  await run.sim.advance(10 * minute);
  assert.deepEqual(run.value(), { delegate: { failing: 'asked' } });
});

test('a no inside stops the whole, without asking twice', async () => {
  const run = createRun({ machines: [outer], activities: unsure }, address, { topic: 'a' });
  await run.begin();
  await run.reject('leave it', run.only().id, child(run));
  assert.deepEqual(run.output(), { outcome: 'stopped', reason: 'delegate: stopped: leave it', result: null, costMicros: 0 });
  assert.deepEqual(run.open(), []);
});

const begin = (id = 'outer') => pipeline({ id, version: '1', input });
const to = { text: 'x' };
const mail = { id: 'o', action: 'mail.send' } as never;
const write = { agent: writer, input: () => to };
const refusals: [string, () => unknown, RegExp][] = [
  ['no stages', () => begin().machine(), /pipeline 'outer' has no stages/],
  ['a name that is no type of actors', () => begin('Outer_1').step('a', write).machine(), /'Outer_1' is no type of an actor/],
  ['a batch whose items would have too long a name', () => begin('a'.repeat(40)).each('lines-of-text', { ...write, over: () => [] }), /at most 48/],
  ['a stage named like an end', () => begin().step('completed', write), /stage 'completed': this name is taken/],
  ['two stages of one name', () => begin().step('a', write).step('a', write), /stage 'a': this name is taken/],
  ['a name with capitals', () => begin().step('Draft', write), /lower-case/],
  ['an activity that acts outside', () => begin().step('a', { agent: sender, input: () => to }), /'test\.send' acts outside; start it through/],
  ['an effect by itself', () => begin().step('a', { agent: commitOperation, input: () => mail }), /'operation\.commit' acts outside/],
  ['an operation that could be stopped midway', () => begin().step('a', { agent: operationMachine, input: () => mail, timeoutMs: 5 }), /'operation@1' acts outside: one attempt, no timeout/],
  ['an operation that would be repeated', () => begin().step('a', { agent: operationMachine, input: () => mail, attempts: 2 }), /acts outside/],
  ['an operation in a fan-out', () => begin().all('a', { b: { agent: operationMachine, input: () => mail } }), /acts outside/],
  ['an operation in a review', () => begin().review('a', { produce: { agent: operationMachine, input: () => mail }, check: { agent: checker, input: () => to }, accepts: () => true }), /acts outside/],
  ['an operation inside of a pipeline that could time out', () => begin().step('a', { agent: pipeline({ id: 'deep', version: '1', input }).step('send', { agent: operationMachine, input: () => mail }).machine(), input: () => ({ topic: '' }), timeoutMs: 5 }), /'deep@1' acts outside/],
  ['a confidence that the output does not have', () => begin().step('a', { agent: checker, input: () => to, confidence: { atLeast: 1, otherwise: 'ask' } }), /the output of 'test\.check' has no 'confidence'/],
  ['an alternative that is not there', () => begin().step('a', { agent: sure, input: () => to, confidence: { atLeast: 1, otherwise: 'alternative' } }), /there is none/],
  ['no attempts', () => begin().step('a', { ...write, attempts: 0 }), /attempts is 0/],
  ['a timeout that is no time', () => begin().step('a', { ...write, timeoutMs: 0 }), /timeoutMs is 0/],
  ['more branches than there are', () => begin().all('a', { b: write }, { policy: { atLeast: 2 } }), /asks for 2 of 1/],
  ['no branches', () => begin().all('a', {}), /asks for 0 of 0/],
  ['no rounds', () => begin().review('a', { produce: write, check: { agent: checker, input: () => to }, accepts: () => true, rounds: 0 }), /rounds is 0/],
  ['too many at a time', () => begin().each('a', { ...write, over: () => [], concurrency: 101 }), /concurrency is 101/],
];
for (const [what, build, message] of refusals) {
  test(`refused when built: ${what}`, () => {
    assert.throws(build, (error) => error instanceof KeelsonError && error.code === 'MACHINE_NOT_DURABLE' && message.test(error.message));
  });
}

test('an operation by itself in a step is allowed, with one attempt', () => {
  assert.equal(begin().step('a', { agent: operationMachine, input: () => mail }).machine().id, 'outer');
});

test('wrong types do not compile', () => {
  const building = () => {
    const one = begin().step('a', { agent: echoMachine, input: ({ input: { topic } }) => ({ text: topic }) });
    // @ts-expect-error the agent takes a text
    one.step('b', { agent: echoMachine, input: () => ({ txt: '' }) });
    // @ts-expect-error the input has no such field
    one.step('b', { agent: echoMachine, input: ({ input: whole }) => ({ text: whole.title }) });
    // @ts-expect-error there is no earlier stage of this name
    one.step('b', { agent: echoMachine, input: ({ results }) => ({ text: results.later.text }) });
    // @ts-expect-error the earlier stage gives a text, not a number
    one.step('b', { agent: echoMachine, input: ({ results }) => ({ text: results.a.text - 1 }) });
    // @ts-expect-error an alternative takes what its agent takes
    one.step('b', { agent: echoMachine, input: () => to, alternatives: [alternative({ agent: echoMachine, input: () => ({ text: 5 }) })] });
    // @ts-expect-error one branch may be missing
    one.all('b', { c: { agent: echoMachine, input: () => to } }, { policy: 'any' }).step('d', { agent: echoMachine, input: ({ results }) => ({ text: results.b.c.text }) });
    // @ts-expect-error an item may have failed
    one.each('b', { over: () => [1], agent: echoMachine, input: ({ item }) => ({ text: String(item) }) }).step('c', { agent: echoMachine, input: ({ results }) => ({ text: results.b[0]!.text.length }) });
    // @ts-expect-error accepts sees what the check gives
    one.review('b', { produce: { agent: echoMachine, input: () => to }, check: { agent: checker, input: () => to }, accepts: (check) => check.fine });
    // @ts-expect-error silence is never a yes
    pipeline({ id: 'x', version: '1', input, questions: { expiry: 'approve' } });
  };
  assert.equal(typeof building, 'function');
});
