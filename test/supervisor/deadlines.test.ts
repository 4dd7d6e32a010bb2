// Goal: every deadline is let go once it is due and never before, whatever the wall clock does. Method: a store that only knows
// due times, and a clock whose timers and whose wall time are moved apart.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SteadyClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import { createMachines } from '#supervisor/agents.ts';
import { effectfulTypes, watchDeadlines } from '#supervisor/deadlines.ts';

const startMs = 1_000_000;

/** Timers run on elapsed time; `jump` sets the wall clock without letting time pass. */
function fakeClock() {
  let elapsed = 0;
  let wall = startMs;
  const timers = new Set<{ at: number; task: () => void }>();
  const settle = () => new Promise((done) => setImmediate(done));
  const clock: SteadyClock = {
    now: () => wall,
    elapsed: () => elapsed,
    boot: 'b1',
    after(delayMs, task) {
      const timer = { at: elapsed + delayMs, task };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    every: () => assert.fail('not used'),
    sleep: () => assert.fail('not used'),
  };
  return {
    clock,
    timers: () => timers.size,
    jump: (ms: number) => void (wall += ms),
    async pass(ms: number) {
      const end = elapsed + ms;
      await settle();
      for (;;) {
        const next = [...timers].filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers.delete(next);
        wall += Math.max(0, next.at - elapsed);
        elapsed = Math.max(elapsed, next.at);
        next.task();
        await settle();
      }
      wall += end - elapsed;
      elapsed = end;
    },
  };
}

function fakeStore(...dues: number[]) {
  const waiting = new Set(dues);
  const released: { due: number; at: number }[] = [];
  const tasks: ((dueMs: number) => void)[] = [];
  const seen: object[] = [];
  let failures = 0;
  let calls = 0;
  let jumpMs = 0;
  return {
    released, seen, waiting,
    jumpNext: (ms: number) => void (jumpMs = ms),
    dueTimes: () => released.map(({ due }) => due),
    calls: () => calls,
    failNext: (times: number) => void (failures = times),
    add(due: number) {
      waiting.add(due);
      for (const task of tasks) task(due);
    },
    onDeadline: (task: (dueMs: number) => void) => void tasks.push(task),
    async release(nowMs: number, reading: object) {
      calls++;
      seen.push({ nowMs, ...reading });
      if (failures-- > 0) throw new Error('the disk is away');
      const due = [...waiting].filter((ms) => ms <= nowMs).toSorted((a, b) => a - b);
      for (const ms of due) {
        waiting.delete(ms);
        released.push({ due: ms, at: nowMs });
      }
      const jumped = jumpMs;
      jumpMs = 0;
      return { released: due.length, nextDueMs: waiting.size > 0 ? Math.min(...waiting) : null, jumpMs: jumped, held: 0 };
    },
  };
}

async function watch(...dues: number[]) {
  const time = fakeClock();
  const store = fakeStore(...dues);
  const { stop } = await watchDeadlines({ store, clock: time.clock, log: silentLog });
  return { ...time, store, stop, log: silentLog };
}

test('a deadline is let go when it is due and not before', async () => {
  const { store, pass } = await watch(startMs + 5_000);
  await pass(4_999);
  assert.deepEqual(store.released, []);
  await pass(1);
  assert.deepEqual(store.released, [{ due: startMs + 5_000, at: startMs + 5_000 }]);
  await pass(600_000);
  assert.equal(store.released.length, 1);
});

test('what came due while nobody watched is let go at the start', async () => {
  const { store } = await watch(startMs - 100_000, startMs);
  assert.deepEqual(store.dueTimes(), [startMs - 100_000, startMs]);
});

test('the earliest deadline goes first, also when it is made last', async () => {
  const { store, pass } = await watch(startMs + 50_000);
  store.add(startMs + 30_000);
  store.add(startMs + 40_000);
  store.add(startMs + 10_000);
  await pass(10_000);
  assert.deepEqual(store.dueTimes(), [startMs + 10_000]);
  await pass(40_000);
  assert.deepEqual(store.dueTimes(), [10_000, 30_000, 40_000, 50_000].map((ms) => startMs + ms));
  assert.ok(store.released.every(({ due, at }) => at >= due));
});

test('after one deadline the watch is armed for the next, also one made in the past', async () => {
  const { store, pass, timers } = await watch(startMs + 1_000, startMs + 2_000);
  await pass(1_000);
  assert.equal(timers(), 1);
  store.add(startMs - 1);
  await pass(0);
  assert.deepEqual(store.dueTimes(), [startMs + 1_000, startMs - 1]);
  await pass(1_000);
  assert.equal(store.released.length, 3);
});

test('a store that fails is asked again, and nothing is lost', async () => {
  const { store, pass } = await watch(startMs + 1_000);
  store.failNext(3);
  await pass(1_000);
  assert.deepEqual(store.released, []);
  await pass(3_000);
  assert.deepEqual(store.dueTimes(), [startMs + 1_000]);
});

test('a new deadline made while the store fails is not forgotten', async () => {
  const { store, pass } = await watch(startMs + 1_000);
  store.failNext(1);
  await pass(1_000);
  store.add(startMs + 1_200);
  await pass(1_000);
  assert.deepEqual(store.dueTimes(), [startMs + 1_000, startMs + 1_200]);
});

test('a clock that is set back makes no deadline early', async () => {
  const { store, pass, jump } = await watch(startMs + 5_000);
  await pass(4_000);
  jump(-60_000);
  await pass(1_000);
  assert.equal(store.released.length, 0);
  await pass(60_000);
  assert.deepEqual(store.dueTimes(), [startMs + 5_000]);
  assert.ok(store.released[0]!.at >= startMs + 5_000);
});

test('a clock that is set forward is noticed within a minute', async () => {
  const day = 86_400_000;
  const { store, pass, jump } = await watch(startMs + day);
  await pass(1_000);
  jump(day);
  await pass(60_000);
  assert.deepEqual(store.dueTimes(), [startMs + day]);
});

test('a clock that jumps to and fro lets each deadline go once and never early', async () => {
  const dues = [5_000, 70_000, 130_000, 400_000].map((ms) => startMs + ms);
  const { store, pass, jump } = await watch(...dues);
  for (const ms of [100_000, -90_000, 30_000, -200_000, 500_000]) {
    jump(ms);
    await pass(61_000);
  }
  await pass(600_000);
  assert.deepEqual(store.dueTimes().toSorted((a, b) => a - b), dues);
  assert.ok(store.released.every(({ due, at }) => at >= due));
});

test('with nothing to wait for the store is still looked at now and then, and never in a tight loop', async () => {
  const { store, pass, timers } = await watch();
  const before = store.calls();
  await pass(600_000);
  assert.equal(store.calls() - before, 10);
  assert.equal(timers(), 1);
});

test('a stopped watch lets nothing go and arms nothing', async () => {
  const { store, pass, stop, timers } = await watch(startMs + 1_000);
  stop();
  store.add(startMs + 10);
  await pass(600_000);
  assert.deepEqual(store.released, []);
  assert.equal(timers(), 0);
});

test('a store that cannot be read at the start is an error of the start', async () => {
  const store = fakeStore();
  store.failNext(1);
  await assert.rejects(watchDeadlines({ store, clock: fakeClock().clock, log: silentLog }), /the disk is away/);
});

test('the store is told how much time passed besides what the clock says, and who may act outside', async () => {
  const time = fakeClock();
  const store = fakeStore();
  await watchDeadlines({ store, clock: time.clock, log: silentLog, effectful: ['operation'] });
  time.jump(3_600_000);
  await time.pass(60_000);
  assert.deepEqual(store.seen, [
    { nowMs: startMs, elapsedMs: 0, boot: 'b1', effectful: ['operation'] },
    { nowMs: startMs + 3_660_000, elapsedMs: 60_000, boot: 'b1', effectful: ['operation'] },
  ]);
});

test('a jump is told once, and what was held goes as soon as somebody says to look', async () => {
  const time = fakeClock();
  const store = fakeStore();
  const jumps: number[] = [];
  const { look } = await watchDeadlines({ store, clock: time.clock, log: silentLog, onJump: (ms) => void jumps.push(ms) });
  store.jumpNext(-3_600_000);
  await time.pass(600_000);
  assert.deepEqual(jumps, [-3_600_000]);
  store.waiting.add(startMs);
  look();
  await time.pass(0);
  assert.deepEqual(store.dueTimes(), [startMs]);
  assert.equal(time.timers(), 1);
});

test('actors that may act outside are those that may ask for something that happens at most once', () => {
  assert.deepEqual(effectfulTypes(createMachines()), ['operation']);
});
