// Goal: after a forward jump nothing acts outside before the operator says so, end to end and over a restart; and many overdue
// deadlines after a restart go once each. Method: store, bus, host and desk for real, on a clock that is moved by hand.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { createRegistry } from '#actors/registry.ts';
import { step } from '#actors/step.ts';
import { emptyCommit } from '#machines/commit.ts';
import { activity, protocol } from '#machines/define.ts';
import type { Body, Message } from '#machines/message.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';
import { handClock, startMoved, tempDir } from './moved-world.ts';

const startMs = Date.parse('2026-11-23T08:00Z');
const hour = 3_600_000;
const day = 24 * hour;
const year = 365 * day;

const pay = activity({ name: 'money.pay', input: z.object({}), output: z.object({}), timeoutMs: 5_000, retry: 'never', once: true });
const payer = protocol({ context: z.object({ fired: z.int() }), input: z.object({ afterMs: z.number() }), output: z.object({}), events: {}, may: { act: ['money.pay'] } });
const payerMachine = setup({ types: { ...payer.types, context: {} as { fired: number; afterMs: number } }, schemas: payer.schemas, actors: { pay }, delays: { later: ({ context }) => context.afterMs } }).createMachine({
  id: 'payer',
  version: '1',
  context: ({ input }) => ({ fired: 0, afterMs: input.afterMs }),
  initial: 'waiting',
  states: {
    waiting: { after: { later: { target: 'paying', actions: assign({ fired: ({ context }) => context.fired + 1 }) } } },
    paying: { invoke: { id: 'pay', src: 'pay', input: {}, onDone: 'paid' } },
    paid: { type: 'final' },
  },
  output: {},
});
const reminder = protocol({ context: z.object({ fired: z.int() }), input: z.object({}), output: z.unknown(), events: { PING: z.object({}) } });
const reminderMachine = setup({ types: reminder.types, schemas: reminder.schemas }).createMachine({
  id: 'reminder',
  version: '1',
  context: { fired: 0 },
  initial: 'waiting',
  states: { waiting: { after: { [2 * hour]: { target: 'reminded', actions: assign({ fired: ({ context }: { context: { fired: number } }) => context.fired + 1 }) as never } } }, reminded: { on: { PING: 'reminded' } } },
});
const machines = [payerMachine, reminderMachine];
const sorted = (ids: string[]) => ids.toSorted((a, b) => a.localeCompare(b));

let nats: TestNats;
before(async () => {
  nats = await withNats();
});
after(() => nats.stop());

/** Two that pay in two hours, one that pays in three days, one that only reminds. */
async function prepared(t: Parameters<typeof startMoved>[0]) {
  const paid: string[] = [];
  const options = { nats, dataDir: tempDir(t), clock: handClock(startMs), machines, activities: { 'money.pay': async ({ operationId }: { operationId: string }) => { paid.push(operationId.split('#')[0]!); return {}; } } };
  const world = await startMoved(t, options);
  for (const key of ['a', 'b']) await world.start(`payer/${key}`, 'payer@1', { afterMs: 2 * hour });
  await world.start('payer/late', 'payer@1', { afterMs: 3 * day });
  await world.start('reminder/1', 'reminder@1', {});
  await world.quiet();
  return { options, world, paid };
}

test('after a jump of a day what pays waits for the operator, over a restart; yes lets it go, once', async (t) => {
  const { options, world, paid } = await prepared(t);
  await world.jump(day);
  assert.equal((await world.record('reminder/1'))?.snapshot.value, 'reminded', 'what may not act outside goes');
  assert.deepEqual(paid, []);
  const [question] = await world.inbox();
  assert.match(question!.summary, /jumped forward by 1 day: 2 timers/);
  await world.stop();

  const again = await startMoved(t, options);
  await again.pass(hour);
  assert.deepEqual(paid, []);
  await assert.rejects(again.desk.respond(question!.id, { text: 'hm' }), /does not take this answer/);
  const answer = await again.desk.approve(question!.id, { commandId: 'yes' });
  assert.equal(answer.state, 'completed');
  await again.quiet();
  assert.deepEqual(sorted(paid), ['payer/a', 'payer/b']);
  await again.desk.approve(question!.id, { commandId: 'yes' });
  await assert.rejects(again.desk.reject(question!.id, { reason: 'too late' }), /already completed/);
  await again.pass(3 * day);
  assert.deepEqual(sorted(paid), ['payer/a', 'payer/b', 'payer/late']);
  const { received, applied, duplicate, parked } = await again.status();
  assert.deepEqual([received, parked], [applied + duplicate + parked, 0]);
});

test('no makes them wait as long as they would have waited; ten years change nothing about that', async (t) => {
  const { world, paid } = await prepared(t);
  await world.jump(10 * year);
  const [question] = await world.inbox();
  assert.match(question!.summary, /3650 days: 3 timers/);
  await world.desk.reject(question!.id, { reason: 'the clock is wrong' });
  await world.pass(hour);
  assert.deepEqual(paid, []);
  await world.pass(hour);
  assert.deepEqual(sorted(paid), ['payer/a', 'payer/b']);
  await world.pass(3 * day);
  assert.equal(paid.length, 3);
});

test('a clock that is set back again closes the question, and everybody goes at their time', async (t) => {
  const { world, paid } = await prepared(t);
  await world.jump(day);
  await world.jump(-day - hour);
  assert.deepEqual(await world.inbox(), []);
  await world.pass(2 * hour + 30 * 60_000);
  assert.deepEqual(paid, [], 'by the wall clock it is half an hour too early');
  await world.pass(30 * 60_000 + 60_000);
  assert.deepEqual(sorted(paid), ['payer/a', 'payer/b']);
});

test('10,000 deadlines that came due while nothing ran go once each after the restart', async (t) => {
  const count = 10_000;
  const dataDir = tempDir(t);
  const clock = handClock(startMs);
  const definition = createRegistry([reminderMachine]).get('reminder@1')!;
  const write = async (store: Awaited<ReturnType<typeof startMoved>>['store']) => {
    await Promise.all(Array.from({ length: count }, (_, i) => {
      const message: Message<Body> = { id: `start-${i}`, to: `reminder/${i}`, from: 'operator/test', body: { kind: 'start', machine: 'reminder@1', input: {} } };
      const { record, effects } = step(definition, null, message, startMs);
      return store.commit({ ...emptyCommit(message.id, startMs, message.to, {}), step: { rev: 0, machine: 'reminder@1', status: 'active', value: '"waiting"', parent: null, record: JSON.stringify(record) }, sends: effects.sends });
    }));
  };
  const first = await startMoved(t, { nats, dataDir, clock, machines, beforeWork: write });
  assert.equal((await first.status()).deadlines, count);
  await first.stop();
  clock.pass(day);
  const second = await startMoved(t, { nats, dataDir, clock, machines });
  await second.quiet();
  const rows = (await second.store.query('actors', { type: 'reminder', limit: count + 1 })) as { rev: number; value: unknown }[];
  assert.equal(rows.length, count);
  assert.deepEqual([...new Set(rows.map(({ rev, value }) => `${rev} ${String(value)}`))], ['1 reminded']);
  const { deadlines, received, applied, duplicate, parked } = await second.status();
  assert.deepEqual({ deadlines, parked, received }, { deadlines: 0, parked: 0, received: applied + duplicate });
});
