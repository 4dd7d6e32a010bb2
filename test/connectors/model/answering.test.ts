// Goal: whoever watches sees an answer grow, by actor and run, bounded, and is told when it is over; when nobody watches nothing is kept.
// Method: pieces by hand on a clock that stands still until it is told, then a real stream through a job.
import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { createAnswering, type Growing } from '#connectors/model/answering.ts';
import { askTier } from '#connectors/model/ask.ts';
import { profileDefault } from '#machines/budget.ts';
import { startModelServer } from '#test/kit/model-server.ts';
import { openDesk } from './desk.ts';

const asking = { operationId: 'ladder/m-1#3.0', run: 'mail/m-1', task: 'draft', tier: 'small' };

function watch() {
  const due: (() => void)[] = [];
  const answering = createAnswering({ after: (_, task) => { due.push(task); return () => {}; } });
  const told: Growing[] = [];
  return { answering, told, due, pass: () => due.splice(0).forEach((task) => task()), stop: answering.listen((growing) => void told.push(growing)) };
}

test('pieces are told together, then that it is over', () => {
  const { answering, told, due, pass } = watch();
  answering.hear(asking, '{"text":"Hel');
  answering.hear(asking, 'lo"');
  assert.deepEqual([told.length, due.length], [0, 1]);
  pass();
  const growing = { actor: 'ladder/m-1', run: 'mail/m-1', task: 'draft', tier: 'small', text: '{"text":"Hello"', ended: false };
  assert.deepEqual(told, [growing]);
  answering.hear(asking, '}');
  answering.hear(asking, null);
  pass();
  assert.deepEqual(told.slice(1), [{ ...growing, text: '{"text":"Hello"}', ended: true }]);
});

test('an end without a beginning is not told', () => {
  const { answering, told } = watch();
  answering.hear(asking, null);
  assert.deepEqual(told, []);
});

test('of a long answer the last of it is told, on one line and without what cannot be seen', () => {
  const { answering, told, pass } = watch();
  answering.hear(asking, `begin${'x'.repeat(5_000)}\u202e\nend`);
  pass();
  assert.ok(told[0]!.text.length <= 2_000 && told[0]!.text.endsWith('x end') && !told[0]!.text.includes('begin'));
});

test('of very many at once some are shown', () => {
  const { answering, told, pass } = watch();
  for (let n = 0; n < 100; n += 1) answering.hear({ ...asking, operationId: `ladder/m-${n}#1.0` }, 'x');
  pass();
  assert.equal(told.length, 32);
});

test('who does not listen any more hears nothing, and nothing waits', () => {
  const { answering, told, due, stop } = watch();
  stop();
  answering.hear(asking, 'x');
  answering.hear(asking, null);
  assert.deepEqual([told.length, due.length], [0, 0]);
});

test('a job\'s answer is told while it comes, in the name of its run', async (t) => {
  const verdict = { category: 'inquiry', language: 'en', reason: 'They ask for a price.', confidence: 0.8 };
  const server = await startModelServer({ respond: () => ({ answer: verdict }) });
  t.after(() => server.stop());
  const desk = await openDesk(server);
  const answering = createAnswering({ after: (_, task) => { task(); return () => {}; } });
  const told: Growing[] = [];
  answering.listen((growing) => void told.push(growing));
  const ask = askTier({ gateway: desk.gateway, store: desk.books.store, clock: systemClock, local: async () => assert.fail(), readPrompt: async () => ({ id: 'triage', version: 0, text: 'Sort.' }), profileOf: () => profileDefault, answering });
  await ask({ operationId: 'triage/m-1#4.0', attempt: 1, signal: new AbortController().signal, heartbeat() {}, input: { task: 'triage', tier: 'small', input: { from: 'a', subject: 'b', text: 'c', files: [], marks: [] }, latency: 'now' } as never });
  assert.ok(told.length > 1);
  assert.deepEqual(told.at(-1), { actor: 'triage/m-1', run: 'triage/m-1', task: 'triage', tier: 'small', text: JSON.stringify(verdict), ended: true });
});
