// Goal: watching the bus costs a bounded amount however much passes, ends by itself, and shows what passes as it is. Method: a bus that the
// test speaks into, and a clock that it moves.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Passed } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { showBytes } from '#connectors/console/bytes.ts';
import { watchBus, type WatchedBundle } from '#connectors/console/bus-watch.ts';
import { KeelsonError } from '#machines/errors.ts';
import { fitsSubject, isSubjectFilter } from '#machines/subjects.ts';

interface Moved extends Clock { advance(ms: number): void }

function movedClock(): Moved {
  let now = 1_000;
  const waiting = new Set<{ at: number; task: () => void }>();
  return {
    now: () => now, every: () => () => {}, sleep: async () => {},
    after(delayMs, task) {
      const one = { at: now + delayMs, task };
      waiting.add(one);
      return () => void waiting.delete(one);
    },
    advance(ms) {
      now += ms;
      for (const one of [...waiting].filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at)) if (waiting.delete(one)) one.task();
    },
  };
}

function start() {
  const hearing = new Map<string, (passed: Passed) => void>();
  const told: WatchedBundle[] = [];
  const clock = movedClock();
  const watching = watchBus({
    bus: { watch: (filter, task) => (hearing.set(filter, task), { stop: async () => void hearing.delete(filter) }) },
    tell: (event, data) => void (event === 'bus' && told.push(data as WatchedBundle)), clock,
  });
  const pass = (filter: string, text: string | Uint8Array = '{}') => hearing.get(filter)!({ subject: 'msg.a.b.c.d', id: 'm-1', from: 'c/d', type: 'N', bytes: typeof text === 'string' ? new TextEncoder().encode(text) : text });
  return { watching, hearing, told, clock, pass };
}

test('what passes is told in bundles, with everything a page shows of it', async () => {
  const { watching, told, clock, pass } = start();
  watching.watch('msg.>', 10_000);
  pass('msg.>', '{"kind":"event"}');
  pass('msg.>', new Uint8Array([0xff, 0]));
  assert.equal(told.length, 0, 'not at once');
  clock.advance(100);
  assert.equal(told.length, 1);
  const bundle = told[0]!;
  const both = { subject: 'msg.a.b.c.d', id: 'm-1', from: 'c/d', type: 'N', isCut: false };
  assert.deepEqual({ ...bundle, passed: bundle.passed.map(({ at: _, ...rest }) => rest) }, { filter: 'msg.>', since: bundle.since, total: 2, passed: [{ ...both, bytes: 16, text: '{"kind":"event"}', isHex: false }, { ...both, bytes: 2, text: 'ff 00', isHex: true }] });
});

test('of a flood a part is told and the rest counted', async () => {
  const { watching, told, clock, pass } = start();
  watching.watch('>', 10_000);
  for (let i = 0; i < 20_000; i++) pass('>', `"${'x'.repeat(i % 2 === 0 ? 10 : 500_000 / 100)}"`);
  clock.advance(100);
  assert.equal(told.length, 1);
  assert.equal(told[0]!.total, 20_000);
  assert.ok(told[0]!.passed.length > 0 && told[0]!.passed.length <= 50);
  assert.ok(JSON.stringify(told[0]).length < 200_000);
});

test('nobody listens to the bus any more when nobody asks again', async () => {
  const { watching, hearing, told, clock, pass } = start();
  watching.watch('msg.>', 10_000);
  clock.advance(8_000);
  const again = watching.watch('msg.>', 10_000);
  clock.advance(8_000);
  pass('msg.>');
  assert.equal(again.total, 0);
  clock.advance(1_000);
  clock.advance(3_000);
  assert.deepEqual([[...hearing.keys()], told.length], [[], 1]);
});

test('what is no filter, and one too many, are refused', async () => {
  const { watching, hearing } = start();
  assert.throws(() => watching.watch('a..b', 1_000), (error) => error instanceof KeelsonError && error.code === 'BAD_ARGUMENT');
  for (let i = 0; i < 8; i++) watching.watch(`msg.t${i}.>`, 1_000);
  watching.watch('msg.t0.>', 1_000);
  assert.throws(() => watching.watch('msg.t9.>', 1_000), (error) => error instanceof KeelsonError && error.code === 'REFUSED');
  await watching.stop();
  assert.equal(hearing.size, 0);
});

test('a filter is what NATS takes for one', () => {
  for (const right of ['>', '*', 'a', 'a.b', 'a.*.c', 'a.>', '*.*.>', 'msg.mail.m-1%2E2.operator.desk', 'ä.>']) assert.ok(isSubjectFilter(right), right);
  for (const wrong of ['', '.', 'a.', '.a', 'a..b', '>.a', 'a.>.b', 'a*', 'a.b*', 'a>', 'a b', 'a\tb', 'a\u0000b', 'x'.repeat(501)]) assert.ok(!isSubjectFilter(wrong), wrong);
  for (const [filter, subject, fits] of [['>', 'a.b', true], ['a.>', 'a', false], ['a.>', 'a.b.c', true], ['a.*', 'a.b', true], ['a.*', 'a.b.c', false], ['*.b', 'a.b', true], ['a.b', 'a.b', true], ['a.b', 'a.c', false]] as const) assert.equal(fitsSubject(filter, subject), fits, `${filter} ${subject}`);
});

test('bytes are shown as text where they are text, also when the cut goes through a character', () => {
  const long = new TextEncoder().encode(`${'a'.repeat(4_095)}ü and more`);
  assert.deepEqual(showBytes(long), { text: 'a'.repeat(4_095), isHex: false, isCut: true });
  assert.deepEqual(showBytes(new TextEncoder().encode('\u202Ex')), { text: '\u202Ex', isHex: false, isCut: false });
  assert.equal(showBytes(new Uint8Array(18).fill(200)).text, `${'c8 '.repeat(15)}c8\nc8 c8`);
});
