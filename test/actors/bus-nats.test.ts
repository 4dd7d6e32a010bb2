import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectBus } from '#actors/bus-nats.ts';
import { subjectNames } from '#actors/bus-subjects.ts';
import { systemClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Message } from '#machines/message.ts';
import { startNatsServer } from '#supervisor/nats-server.ts';
import { busContract, until } from '#test/contract/bus.ts';
import { withNats } from '#test/kit/nats.ts';

const options = { company: 'test', name: 'test', clock: systemClock, log: silentLog };

busContract('NATS', async () => {
  const { url, token, stop } = await withNats();
  return { connect: () => connectBus({ ...options, url, token }), stop };
});

test('NATS: after the server came back with an empty directory, streams, consumers and mail work again', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'keelson-bus-'));
  const token = randomBytes(16).toString('hex');
  const first = await startNatsServer({ dataDir, token, log: () => {} });
  const port = Number(new URL(first.url).port);
  const bus = await connectBus({ ...options, url: first.url, token });
  const got: string[] = [];
  let reconnected = 0;
  bus.onReconnect(() => void reconnected++);
  const mail = await bus.consumeMail(async ({ id }) => void got.push(id));
  const jobs = await bus.consumeJobs('work', 2, async ({ id }) => void got.push(id));
  const event = (id: string): Message => ({ id, to: 'actor/1', from: 'tester/1', body: { kind: 'event', event: { type: 'N' } } });
  bus.publish(event('before'));
  await until('the first message', () => got.length === 1);

  await first.stop();
  await rm(join(dataDir, 'jetstream'), { recursive: true });
  const second = await startNatsServer({ dataDir, token, port, log: () => {} });
  await until('the reconnect', () => reconnected === 1);
  // As the outbox does: again and again until it was applied. The same id is one message for the bus.
  bus.publish(event('after'));
  bus.publish({ id: 'job', to: 'job/work', from: 'tester/1', body: { kind: 'job', activity: 'work', input: {}, attempt: 1, owner: { address: 'tester/1', child: 'c', gen: 'g' } } });
  await until('mail and job after the wipe', () => got.includes('after') && got.includes('job'));

  assert.deepEqual(got.toSorted(), ['after', 'before', 'job']);

  await Promise.all([mail.stop(), jobs.stop()]);
  await bus.close();
  await second.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test('NATS: a server that is not there is BUS_DOWN, with its address', async () => {
  await assert.rejects(connectBus({ ...options, url: 'nats://127.0.0.1:1', token: 'x' }), (error) => error instanceof KeelsonError && error.code === 'BUS_DOWN' && error.message.includes('127.0.0.1:1'));
});

test('NATS: the wrong token is BUS_DOWN', async (t) => {
  const nats = await withNats();
  t.after(() => nats.stop());
  await assert.rejects(connectBus({ ...options, url: nats.url, token: 'wrong-token-of-some-length' }), (error) => error instanceof KeelsonError && error.code === 'BUS_DOWN');
});

test('NATS: subjects that are no partitioned mailbox name nobody', () => {
  const names = subjectNames('test');
  for (const subject of ['ks.test.msg.a.b.c.d', 'ks.test.box.1.a.b.c', 'ks.test.box.1.a.b.c.d.e', 'ks.test.box.1.a.%zz.c.d', 'ks.test.']) assert.equal(names.parse(subject), null, subject);
  assert.deepEqual(names.parse('ks.test.box.1.mail.m%2E1.operator.me'), { to: 'mail/m.1', from: 'operator/me' });
});

test('NATS: the server puts each receiver into the partition that is computed here', async () => {
  const { url, token, stop } = await withNats();
  const bus = await connectBus({ ...options, url, token });
  const names = subjectNames('test');
  const got = new Map<string, string>();
  const mail = await bus.consumeMail(async ({ to, subject }) => void got.set(to, subject));
  const receivers = ['a/1', 'actor/ä ö', 'order/2024.05', 'mail/m-0f3', 'operation/mail.m-1.reply~4', ...Array.from({ length: 100 }, (_, n) => `order/${n * 7_919}`)];
  receivers.forEach((to, n) => bus.publish({ id: `m${n}`, to, from: 'tester/1', body: { kind: 'event', event: { type: 'N' } } }));
  await until('all of them', () => got.size === receivers.length);
  for (const to of receivers) assert.ok(got.get(to)!.startsWith(names.partition(names.partitionOf(to)).slice(0, -1)), `${to}: ${got.get(to)}`);
  await mail.stop();
  await bus.close();
  await stop();
});
