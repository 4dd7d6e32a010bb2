// Goal: a try ends by whatever comes first, and its signal tells it. Method: a clock that only the test moves.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Clock } from '#actors/clock.ts';
import { runWithin, type Lifeline } from '#actors/job-limits.ts';
import { KeelsonError } from '#machines/errors.ts';

/** Only what `runWithin` uses; the rest of a clock is missing on purpose. */
function manualClock() {
  const tasks = new Set<{ atMs: number; task: () => void }>();
  let nowMs = 0;
  return {
    clock: {
      after(delayMs: number, task: () => void) {
        const entry = { atMs: nowMs + delayMs, task };
        tasks.add(entry);
        return () => void tasks.delete(entry);
      },
    } as Clock,
    waiting: () => tasks.size,
    advance(ms: number) {
      nowMs += ms;
      for (const entry of tasks) if (entry.atMs <= nowMs && tasks.delete(entry)) entry.task();
    },
  };
}

const limits = { name: 'page.read', timeoutMs: 1_000, heartbeatMs: 100 };
/** A try that never ends by itself, and the line to it. */
function begin(spec: Parameters<typeof runWithin>[0]) {
  const { clock, advance, waiting } = manualClock();
  const withdrawn = new AbortController();
  let line!: Lifeline;
  let answer!: (value: unknown) => void;
  const result = runWithin(spec, withdrawn.signal, clock, (given) => new Promise((resolve) => { line = given; answer = resolve; }));
  result.catch(() => {});
  return { result, withdrawn, line, answer, advance, waiting };
}
const failsWith = (code: string, message: RegExp) => (error: unknown) => error instanceof KeelsonError && error.code === code && message.test(error.message);

test('an answer in time is the result, and no timer stays', async () => {
  const run = begin(limits);
  run.answer(7);
  assert.equal(await run.result, 7);
  run.line.heartbeat('late');
  assert.equal(run.waiting(), 0);
  assert.equal(run.line.signal.aborted, false);
});

test('a try that falls silent is cut off, and the error says what it last said', async () => {
  const run = begin(limits);
  run.advance(99);
  run.line.heartbeat('page 3 of 9');
  run.advance(99);
  assert.equal(run.line.signal.aborted, false);
  run.advance(1);
  await assert.rejects(run.result, failsWith('TIMEOUT', /^page\.read said nothing for 100 ms; it last said: page 3 of 9$/));
  assert.ok(run.line.signal.reason instanceof KeelsonError);
  assert.equal(run.waiting(), 0);
});

test('a try that never said anything is cut off too', async () => {
  const run = begin(limits);
  run.advance(100);
  await assert.rejects(run.result, failsWith('TIMEOUT', /said nothing for 100 ms$/));
});

test('heartbeats do not stretch the time of the whole try', async () => {
  const run = begin(limits);
  for (let i = 0; i < 19; i++) {
    run.advance(50);
    run.line.heartbeat();
  }
  assert.equal(run.line.signal.aborted, false);
  run.advance(50);
  await assert.rejects(run.result, failsWith('TIMEOUT', /did not end within 1000 ms/));
});

test('without heartbeatMs silence is no failure', async () => {
  const run = begin({ name: 'page.read', timeoutMs: 1_000 });
  run.line.heartbeat('hello');
  run.advance(999);
  assert.equal(run.line.signal.aborted, false);
  run.advance(1);
  await assert.rejects(run.result, failsWith('TIMEOUT', /did not end within 1000 ms; it last said: hello/));
});

for (const [what, ms] of [['falls silent', 100], ['takes too long', 1_000]] as const) {
  test(`what may happen once and ${what} is unknown`, async () => {
    const run = begin({ name: limits.name, timeoutMs: 1_000, once: true, ...(ms === 100 ? { heartbeatMs: ms } : {}) });
    run.advance(ms);
    await assert.rejects(run.result, failsWith('SEND_UNKNOWN', /page\.read/));
  });
}

test('a withdrawn try hears it at once and is not waited for', async () => {
  const run = begin(limits);
  run.withdrawn.abort();
  assert.equal(run.line.signal.aborted, true);
  await assert.rejects(run.result, { name: 'AbortError' });
  assert.equal(run.waiting(), 0);
});

test('a try that was withdrawn before it began does not begin', async () => {
  let began = false;
  await assert.rejects(runWithin(limits, AbortSignal.abort(), manualClock().clock, async () => { began = true; }), { name: 'AbortError' });
  assert.equal(began, false);
});
