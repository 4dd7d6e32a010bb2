// Who owns which partition, on a real bus: always somebody, soon exactly one, and a change moves no more than it must.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectBus } from '#actors/bus-nats.ts';
import { partitions } from '#actors/bus-subjects.ts';
import type { Bus } from '#actors/bus.ts';
import { systemClock as clock } from '#actors/clock.ts';
import { silentLog as log } from '#actors/log.ts';
import { assignPartitions, joinMembers, type Members } from '#actors/members.ts';
import type { Message } from '#machines/message.ts';
import { until } from '#test/contract/bus.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';

let nats: TestNats;
const buses: Bus[] = [];
const connectTo = async (company = 'test') => {
  const bus = await connectBus({ url: nats.url, token: nats.token, company, name: 'test', clock, log });
  buses.push(bus);
  return bus;
};
before(async () => {
  nats = await withNats();
});
after(async () => {
  await Promise.all(buses.map((bus) => bus.close()));
  await nats.stop();
});

const all = Array.from({ length: partitions }, (_, n) => n);
const ownersOf = (members: Members[], n: number) => members.filter((member) => member.owns(n)).length;

test('who comes or goes moves only its own partitions, and everybody gets a share', () => {
  const ids = ['a', 'b', 'c', 'd'];
  const before_ = assignPartitions(ids);
  const after_ = assignPartitions(ids.slice(0, 3));
  for (const n of all) if (before_[n] !== 'd') assert.equal(after_[n], before_[n]);
  for (const id of ids) assert.ok(before_.filter((owner) => owner === id).length >= partitions / 16, id);
  assert.deepEqual(assignPartitions(ids.toReversed()), before_);
});

test('each partition has one owner, also after one has left and another has fallen silent', async () => {
  let silence = () => {};
  const counted = { ...clock, every: (periodMs: number, task: () => void) => (silence = clock.every(periodMs, task)) };
  const join = async (id: string) => joinMembers({ bus: await connectTo(), clock: counted, id, role: 'worker' });
  const [a, b, c] = [await join('a'), await join('b'), await join('c')];
  await until('each has heard of the others', () => [a, b, c].every((member) => member.list().length === 3));
  for (const n of all) assert.equal(ownersOf([a, b, c], n), 1);
  await b.leave();
  await until('two are left', () => [a, c].every((member) => member.list().length === 2));
  for (const n of all) assert.equal(ownersOf([a, c], n), 1);
  silence(); // c, the last that came, says no word any more
  await buses[2]!.close();
  await until('one is left', () => a.list().length === 1);
  for (const n of all) assert.equal(a.owns(n), true);
  await a.leave();
});

test('mail is read by the owner of its partition alone, and by the next owner when that one has gone', async () => {
  const events: string[] = [];
  const join = async (id: string) => {
    const bus = await connectTo('mail');
    const members = await joinMembers({ bus, clock, id, role: 'worker' });
    return { members, reading: await bus.consumeMail(async ({ to }) => void events.push(`${id} ${to}`), members) };
  };
  const a = await join('a');
  const b = await join('b');
  await until('both know', () => [a, b].every(({ members }) => members.list().length === 2));
  const sender = await connectTo('mail');
  let n = 0;
  const send = () => {
    for (let i = 0; i < 100; i++) sender.publish({ id: `m-${++n}`, to: `actor/${i}`, from: 'tester/1', body: { kind: 'event', event: { type: 'N' } } } satisfies Message);
  };
  send();
  await until('100 messages', () => events.length === 100);
  send();
  await until('200 messages', () => events.length === 200);
  // Each actor was read by one of them, both times.
  assert.equal(new Set(events).size, 100);
  assert.ok(new Set(events.map((event) => event.split(' ')[0])).size === 2);
  await a.reading.stop();
  await a.members.leave();
  events.length = 0;
  send();
  await until('the rest', () => events.length === 100);
  assert.ok(events.every((event) => event.startsWith('b ')));
  await b.reading.stop();
  await b.members.leave();
});
