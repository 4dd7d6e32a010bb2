// Goal: a run is told as it was: stages in their order, what each started under it, tries, waits and cost. Method: rows as the store has
// them, written by hand, one failure or oddity per test.
import assert from 'node:assert/strict';
import test from 'node:test';
import { toTrace } from '#connectors/console/trace.ts';
import type { DecisionRow, PartRow, StepRow, TraceRows, TryRow } from '#connectors/console/trace-rows.ts';

const part = (address: string, more: Partial<PartRow> = {}): PartRow => ({ address, machine: `${address.split('/')[0]}@1`, rev: 0, status: 'active', value: 'x', parent: null, updatedMs: 0, title: null, child: null, gen: null, held: null, dryRun: null, error: null, operation: null, ...more });
let seq = 0;
const step = (actor: string, rev: number, atMs: number, value: unknown, more: Partial<StepRow> = {}): StepRow => ({ seq: ++seq, id: `m${seq}`, actor, rev, atMs, outcome: 'applied', gone: 0, from: null, kind: rev === 0 ? 'start' : 'event', type: null, child: null, gen: null, error: null, note: null, value, status: 'active', sends: [], intents: [], would: null, hasInput: rev === 0 ? 1 : 0, ...more });
const tried = (gen: string, atMs: number, more: Partial<TryRow> = {}): TryRow => ({ gen, id: `${gen}!result`, atMs, result: null, claimed: null, code: null, error: null, retryAfterMs: null, ...more });
const rows = (more: Partial<TraceRows>): TraceRows => ({ parts: [], steps: [], tries: [], decisions: [], documents: [], forks: [], isCut: false, ...more });
const ask = (id: string, state = 'input-required') => ({ intents: [{ id, kind: 'question', state, summary: 'Which?' }] });
const decided = (more: Partial<DecisionRow>): DecisionRow => ({ id: 'd-1-0', actor: 'run/1', atMs: 0, what: 'w', outcome: 'o', confidence: null, machine: null, reasons: [], policy: null, model: null, costMicros: null, ...more });

test('stages follow each other, and what a stage started stands under it', () => {
  const trace = toTrace(rows({
    parts: [part('run/1', { value: 'two' }), part('helper/1', { parent: 'run/1', child: 'help', gen: 'run/1#1.0', status: 'done', value: 'ready' })],
    steps: [step('run/1', 0, 100, 'one'), step('run/1', 1, 200, { two: 'inner' }), step('helper/1', 0, 210, 'ready', { status: 'done' })],
  }), 500);
  assert.deepEqual(trace.spans.map(({ kind, path, startMs, endMs, rev }) => [kind, path, startMs, endMs, rev]), [
    ['actor', 'run', 100, null, 0], ['stage', 'run/one', 100, 200, 0], ['stage', 'run/two', 200, null, 1], ['actor', 'run/two/help', 210, 210, 0],
  ]);
});

test('a stage that is gone through twice is another one the second time, and staying in it is not', () => {
  const trace = toTrace(rows({ parts: [part('run/1')], steps: [step('run/1', 0, 1, 'a'), step('run/1', 1, 2, 'a'), step('run/1', 2, 3, 'b'), step('run/1', 3, 4, 'a')] }), 9);
  assert.deepEqual(trace.spans.map(({ path, startMs, endMs }) => [path, startMs, endMs]), [['run', 1, null], ['run/a', 1, 3], ['run/b', 3, 4], ['run/a#2', 4, null]]);
});

test('a job shows each try, why it failed and when it was tried again', () => {
  const gen = 'run/1#0.0';
  const trace = toTrace(rows({
    parts: [part('run/1', { status: 'done' })], steps: [step('run/1', 0, 0, 'a', { sends: [{ id: gen, to: 'job/look-up' }] }), step('run/1', 1, 950, 'end', { kind: 'done', child: 'look', gen, status: 'done' })],
    tries: [tried(gen, 100, { claimed: 1 }), tried(gen, 300, { error: 'no answer', retryAfterMs: 500 }), tried(gen, 900, { result: 'done' })],
  }), 9_999);
  const job = trace.spans.find(({ kind }) => kind === 'job')!;
  assert.deepEqual([job.name, job.startMs, job.endMs, job.status, job.tries], ['look-up', 0, 900, 'done', [{ n: 1, atMs: 300, error: 'no answer', againMs: 800 }, { n: 2, atMs: 900, error: null, againMs: null }]]);
});

test('a job that nobody waits for any more ends with its stage', () => {
  const trace = toTrace(rows({ parts: [part('run/1')], steps: [step('run/1', 0, 0, 'a', { sends: [{ id: 'run/1#0.0', to: 'job/slow' }] }), step('run/1', 1, 50, 'b')] }), 99);
  const job = trace.spans.find(({ kind }) => kind === 'job')!;
  assert.deepEqual([job.endMs, job.state], [50, 'withdrawn']);
});

test('time that waits for the operator is counted once, also when two wait at the same time, and a reminder is the same wait', () => {
  const trace = toTrace(rows({
    parts: [part('run/1'), part('helper/1', { parent: 'run/1', child: 'help', gen: 'run/1#0.0' })],
    steps: [step('run/1', 0, 0, 'a', ask('q1')), step('helper/1', 0, 20, 'h', ask('q2')), step('run/1', 1, 40, 'a', ask('q1')), step('run/1', 2, 60, 'b', ask('q1', 'completed'))],
  }), 100);
  assert.deepEqual([trace.waitingMs, trace.workMs, trace.waitsForYou], [100, 0, true]);
  assert.deepEqual(trace.spans[0]!.waits, [{ item: 'q1', summary: 'Which?', fromMs: 0, toMs: 60 }]);
});

test('nobody waits for the answer to a question of an agent that has ended', () => {
  const trace = toTrace(rows({ parts: [part('run/1', { status: 'done' })], steps: [step('run/1', 0, 0, 'a', ask('t')), step('run/1', 1, 70, 'end', { status: 'done' })] }), 500);
  assert.deepEqual([trace.waitsForYou, trace.waitingMs, trace.endMs], [false, 70, 70]);
});

test('the cost is the sum of what is known, and says how many prices are not', () => {
  const { cost } = toTrace(rows({ parts: [part('run/1')], steps: [step('run/1', 0, 0, 'a')], decisions: [decided({ model: 'm', costMicros: 700 }), decided({ model: 'm' }), decided({})] }), 1);
  assert.deepEqual(cost, { micros: 700, modelCalls: 2, unknownPrices: 1 });
});

test('steps whose words are gone still have their time, and are counted', () => {
  const trace = toTrace(rows({ parts: [part('run/1', { status: 'done', value: 'end' })], steps: [step('run/1', 0, 10, null, { gone: 1, sends: null, intents: null, kind: null, hasInput: 0 }), step('run/1', 1, 90, null, { gone: 1, sends: null, intents: null, kind: null, status: null })] }), 100);
  assert.deepEqual([trace.gone, trace.startMs, trace.endMs, trace.hasInput, trace.spans.length], [2, 10, 90, false, 1]);
});
