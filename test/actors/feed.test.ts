// Goal: a follower hears of every commit once and in order, whatever becomes of the announcements. Method: a store that is a list,
// and announcements that are given, dropped, repeated and forged by hand.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '#actors/clock.ts';
import { followChanges } from '#actors/feed.ts';
import { silentLog } from '#actors/log.ts';
import type { AnnouncedCommit, Announcement } from '#machines/changes.ts';
import { randomFrom } from '#test/kit/random.ts';

const commitOf = (seq: number): AnnouncedCommit => ({ seq, at: seq, id: `c${seq}`, actor: 'order/1', rev: null, outcome: 'applied', records: [] });
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

function follow(t: TestContext, { after = 0, pageRows = 100, onChange }: { after?: number; pageRows?: number; onChange?: (change: AnnouncedCommit) => Promise<void> } = {}) {
  let head = 0;
  let queries = 0;
  let failing = false;
  let task: (announcement: Announcement) => void = () => {};
  let reconnect = () => {};
  const got: number[] = [];
  const follower = followChanges({
    after, clock: systemClock, log: silentLog,
    bus: {
      onChanges(given) {
        task = given;
        return { stop: async () => void (task = () => {}) };
      },
      onReconnect: (given) => void (reconnect = given),
    },
    async query(_name, args) {
      queries++;
      await sleep(1);
      if (failing) throw new Error('the store is away');
      return upTo(head).filter((seq) => seq > args.after).slice(0, pageRows).map(commitOf);
    },
    async onChange(change) {
      await onChange?.(change);
      got.push(change.seq);
    },
  });
  t.after(() => follower.stop());
  return {
    got, follower,
    queries: () => queries,
    fail: (now: boolean) => void (failing = now),
    reconnect: () => reconnect(),
    say: (announcement: Announcement) => task(announcement),
    /** The store writes a group; `heard` says whether its announcement arrives. */
    write(count: number, heard = true) {
      const from = head;
      head += count;
      const announcement = { after: from, last: head, changes: upTo(head).slice(from).map(commitOf) };
      if (heard) task(announcement);
      return announcement;
    },
    async until(n: number) {
      for (let i = 0; i < 2_000 && got.at(-1) !== n; i++) await sleep(5);
      assert.deepEqual(got, upTo(n).slice(after));
    },
  };
}

test('what was written before is asked for, in pages, and then announcements are enough', async (t) => {
  const { write, until, queries } = follow(t, { pageRows: 10 });
  write(35, false);
  await until(35);
  // The end of the pages is asked for after their last commit was seen.
  let asked = -1;
  while (asked !== queries()) {
    asked = queries();
    await sleep(20);
  }
  for (let i = 0; i < 50; i++) write(2);
  await until(135);
  assert.ok(queries() <= asked + 1, `${queries() - asked} questions: a gap is asked for, nothing else`);
});

test('a follower goes on after the commit it is given', async (t) => {
  const { write, until } = follow(t, { after: 7 });
  write(20, false);
  await until(20);
});

test('dropped, repeated and late announcements lose nothing and repeat nothing', async (t) => {
  const random = randomFrom(7);
  const { write, say, until } = follow(t);
  const late: Announcement[] = [];
  for (let i = 0; i < 1_000; i++) {
    const announcement = write(1 + random.int(3), random.int(3) > 0);
    if (random.int(4) === 0) say(announcement);
    if (random.int(10) === 0) late.push(announcement);
    if (random.int(10) === 0) late.splice(0, 1).forEach(say);
    if (random.int(50) === 0) await sleep(1);
  }
  const { last } = write(1);
  await until(last);
});

test('a gap at the end shows when the store says how far it is, or the connection came back', async (t) => {
  const { write, say, reconnect, until } = follow(t);
  write(1);
  await until(1);
  write(5, false);
  say({ after: 6, last: 6, changes: [] });
  await until(6);
  write(5, false);
  reconnect();
  await until(11);
});

test('a store that does not answer is asked again', async (t) => {
  const { write, fail, until, queries } = follow(t);
  fail(true);
  write(3, false);
  while (queries() < 2) await sleep(5);
  fail(false);
  await until(3);
});

test('a commit whose handling failed comes again, before those behind it', async (t) => {
  let failures = 2;
  const { write, until } = follow(t, { onChange: async ({ seq }) => { if (seq === 3 && failures-- > 0) throw new Error('not yet'); } });
  write(5);
  await until(5);
  assert.equal(failures, -1);
});

test('a forged announcement of commits that are not there changes nothing', async (t) => {
  const { write, say, until, queries } = follow(t);
  write(2);
  await until(2);
  const asked = queries();
  say({ after: 900, last: 1_000, changes: upTo(1_000).slice(900).map(commitOf) });
  while (queries() === asked) await sleep(5);
  write(2);
  await until(4);
});

test('while a change is handled, more announcements than are kept may come', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { write, until } = follow(t, { onChange: ({ seq }) => (seq === 1 ? gate.promise : Promise.resolve()) });
  for (let i = 0; i < 700; i++) write(1);
  gate.resolve();
  await until(700);
});

test('after stop nothing is handled any more', async (t) => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const { write, got, follower } = follow(t, { onChange: () => { begun.resolve(); return gate.promise; } });
  write(5);
  await begun.promise;
  const stopped = follower.stop();
  gate.resolve();
  await stopped;
  assert.deepEqual(got, [1], 'the one in hand is finished');
});
