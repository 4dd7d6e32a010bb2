// The host on a real nats-server and a real store file: once, in order, and whatever cannot be read is parked, never lost.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { limits } from '#machines/message.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { asker, counter, counts, names, publishRaw } from './host-kit.ts';

let world: World;
before(async () => {
  world = await startWorld({ machines: [counter, asker] });
});
after(() => world.stop());

let actors = 0;
async function startCounter(): Promise<string> {
  const address = `counter/${++actors}`;
  assert.equal((await world.start(address, 'counter@1', {})).outcome, 'applied');
  return address;
}
const contextOf = async (address: string) => (await world.record(address))!.snapshot.context as { n: number; seen: number[]; ticks: number };
const body = (event: object) => JSON.stringify({ kind: 'event', event });
const parkedNow = async () => (await world.store.query('parked', {})) as { id: string; subject: string; reason: string; bytes: Uint8Array }[];

test('a message published three times under one id is applied once and counted as duplicate twice', async () => {
  const me = await startCounter();
  const { applied, duplicate } = await counts(world);
  for (let i = 0; i < 3; i++) await publishRaw(world, names.mailbox(me, 'operator/test'), body({ type: 'ADD' }), `thrice-${me}`);
  await world.until('three deliveries', async () => (await counts(world)).duplicate === duplicate + 2);
  assert.equal((await contextOf(me)).n, 1);
  assert.equal((await counts(world)).applied, applied + 1);
});

test('handing in again under the same id gives the first outcome again and changes nothing', async () => {
  const me = await startCounter();
  const message = { id: `again-${me}`, to: me, body: { kind: 'event' as const, event: { type: 'ADD' } } };
  const first = await world.submit(message);
  await world.event(me, { type: 'ADD' });
  const second = await world.submit(message);
  assert.deepEqual([first.outcome, first.rev], ['applied', 1]);
  assert.deepEqual([second.outcome, second.rev], ['applied', 1]);
  assert.equal((await contextOf(me)).n, 2);
});

test('two that wait for the same id both hear the answer', async () => {
  const me = await startCounter();
  const message = { id: `both-${me}`, to: me, body: { kind: 'event' as const, event: { type: 'ADD' } } };
  const answers = await Promise.all([world.submit(message), world.submit(message)]);
  assert.deepEqual(answers.map(({ outcome, rev }) => [outcome, rev]), [['applied', 1], ['applied', 1]]);
  assert.equal((await contextOf(me)).n, 1);
});

test('a refused message stays refused when it is handed in again, with its reason', async () => {
  const me = await startCounter();
  const message = { id: `refused-${me}`, to: me, body: { kind: 'event' as const, event: { type: 'BY', by: 'x' } } };
  const answers = [await world.submit(message), await world.submit(message)];
  for (const answer of answers) {
    assert.equal(answer.outcome, 'refused');
    assert.match(answer.note!, /event BY: by/);
  }
});

const unreadable: [string, (me: string) => string, string | Uint8Array, RegExp][] = [
  ['a body that is not JSON', (me) => names.mailbox(me, 'operator/test'), '{"kind":', /the body is not JSON/],
  ['bytes that are not UTF-8', (me) => names.mailbox(me, 'operator/test'), Uint8Array.of(0x22, 0xff, 0xfe, 0x22), /the body is not JSON/],
  ['a body of another shape', (me) => names.mailbox(me, 'operator/test'), '{"kind":"commit"}', /the body is no message/],
  ['an empty body', (me) => names.mailbox(me, 'operator/test'), '', /the body is not JSON/],
  ['a body that is too big', (me) => names.mailbox(me, 'operator/test'), body({ type: 'ADD', pad: 'x'.repeat(limits.bodyBytes) }), /bytes are more than 1000000/],
  ['a machine this build does not have', () => names.mailbox('counter/new', 'operator/test'), '{"kind":"start","machine":"counter@99","input":{}}', /no machine 'counter@99'/],
  ["a start of another machine than the address's type", () => names.mailbox('counter/new', 'operator/test'), '{"kind":"start","machine":"asker@1","input":{}}', /counter\/new cannot be a 'asker'/],
  ['a receiver that is no address', () => 'ks.test.msg.COUNTER.1.operator.test', body({ type: 'ADD' }), /names no receiver and sender/],
  ['a sender that is no address', () => 'ks.test.msg.counter.1.1x.test', body({ type: 'ADD' }), /names no receiver and sender/],
  ['a token that cannot be decoded', () => 'ks.test.msg.counter.%zz.operator.test', body({ type: 'ADD' }), /names no receiver and sender/],
  ['a step that breaks a rule of the host', (me) => names.mailbox(me, 'operator/test'), body({ type: 'DATE' }), /context\.n: a Date is not plain JSON/],
];
for (const [what, subjectFor, bytes, reason] of unreadable) {
  test(`${what} is parked with its bytes and the reason, the operator is told, and the mailbox goes on`, async () => {
    const me = await startCounter();
    const subject = subjectFor(me);
    const { parked } = await counts(world);
    await publishRaw(world, subject, bytes);
    await world.until('one more parked', async () => (await counts(world)).parked === parked + 1);
    const row = (await parkedNow())[0]!;
    assert.match(row.reason, reason);
    assert.deepEqual(Buffer.from(row.bytes), Buffer.from(bytes as string));
    assert.equal(row.subject.split('.').slice(-4).join('.'), subject.split('.').slice(-4).join('.'));
    const inbox = (await world.store.query('inbox', {})) as { kind: string; summary: string; data: { payload: { subject: string } } }[];
    const item = inbox.find(({ data, summary }) => data.payload?.subject === row.subject && reason.test(summary));
    assert.equal(item?.kind, 'escalation');
    assert.equal((await world.event(me, { type: 'ADD' })).outcome, 'applied');
    assert.equal((await contextOf(me)).n, 1);
  });
}

test("a stranger who guesses the id of a promised message takes nothing away", async () => {
  const me = await startCounter();
  await world.event(me, { type: 'LATER' });
  const timer = Object.values((await world.record(me))!.timers)[0]!;
  const { parked } = await counts(world);
  await publishRaw(world, names.mailbox(await startCounter(), 'ext/stranger'), body({ type: 'ADD' }), timer.gen);
  await world.until('it is parked', async () => (await counts(world)).parked === parked + 1);
  await world.until('the timer fires all the same', async () => (await contextOf(me)).ticks === 1);
});

test('what was received is what was applied, repeated or parked', async () => {
  const { received, applied, duplicate, parked } = await counts(world);
  assert.equal(received, applied + duplicate + parked);
  assert.ok(duplicate > 0 && parked >= unreadable.length);
});

test('messages from one sender are applied in the order they were sent', async () => {
  const me = await startCounter();
  const count = 200;
  const answers = await Promise.all(Array.from({ length: count }, (_, by) => world.event(me, { type: 'BY', by })));
  assert.ok(answers.every(({ outcome }) => outcome === 'applied'));
  assert.deepEqual((await contextOf(me)).seen, Array.from({ length: count }, (_, by) => by));
});

test('a timer fires once, and its deadline leaves the outbox', async () => {
  const me = await startCounter();
  await world.event(me, { type: 'LATER' });
  await world.until('the tick', async () => (await contextOf(me)).ticks > 0);
  // Published again as the sweep would do it.
  await publishRaw(world, names.mailbox(me, me), JSON.stringify({ kind: 'timer', timer: 'tick', gen: `${me}#1.0` }), `${me}#1.0`);
  await world.event(me, { type: 'ADD' });
  assert.equal((await contextOf(me)).ticks, 1);
  assert.deepEqual((await world.record(me))!.timers, {});
});

test('what a machine emits and logs stands in its history', async () => {
  const me = await startCounter();
  await world.event(me, { type: 'SAY' });
  const rows = (await world.store.query('history', { address: me, limit: 10 })) as { body: { notices?: unknown } }[];
  assert.deepEqual(rows.map(({ body: { notices } }) => notices), [undefined, [{ kind: 'emit', value: { type: 'said' } }, { kind: 'log', label: 'it is', value: 'so' }]]);
});

test('a child machine is started, answers, is sent to, and its output reaches the parent', async () => {
  await world.start('asker/1', 'asker@1', {});
  await world.until('the answer', async () => (await world.record('asker/1'))!.status === 'done');
  assert.equal((await world.record('asker/1'))!.snapshot.output, 42);
  assert.equal((await world.record('helper/asker.1.help~0'))!.status, 'done');
  await world.until('an empty outbox', async () => (await counts(world)).inFlight === 0);
});
