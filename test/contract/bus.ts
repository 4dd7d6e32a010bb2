// What every implementation of actors/bus.ts must do. Not a test by itself: an implementation's test calls `busContract`.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, Delivery, Handler, Passed, Subscription } from '#actors/bus.ts';
import type { Applied } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Job, Message } from '#machines/message.ts';

export interface BusFixture {
  /** Another connection to the same bus. */
  connect(): Promise<Bus>;
  stop(): Promise<void>;
}

let made = 0;
const event = (to: string, n = 0, from = 'tester/1'): Message => ({ id: `contract-${process.pid}-${++made}`, to, from, body: { kind: 'event', event: { type: 'N', n } } });
const job = (queue: string, attempt = 1): Message<Job> => ({ id: `contract-job-${process.pid}-${++made}`, to: `job/${queue}`, from: 'tester/1', body: { kind: 'job', activity: queue, input: {}, attempt, owner: { address: 'tester/1', child: 'c', gen: `g-${made}` } } });
const numberIn = ({ bytes }: Delivery) => (JSON.parse(new TextDecoder().decode(bytes)) as { event: { n: number } }).event.n;
const applied = (id: string): Applied => ({ id, outcome: 'applied', note: null, rev: 1, value: null, status: 'active' });

export async function until(what: string, test_: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (test_()) return;
    await sleep(20);
  }
  throw new Error(`waited in vain for: ${what}`);
}

export function busContract(name: string, start: () => Promise<BusFixture>): void {
  let fixture: BusFixture;
  let sender: Bus;
  let host: Bus;
  let mail: Subscription;
  /** By receiver, so that every test has a mailbox of its own. */
  const handlers = new Map<string, Handler>();
  const receive = (to: string, handler: Handler) => void handlers.set(to, handler);

  before(async () => {
    fixture = await start();
    [sender, host] = await Promise.all([fixture.connect(), fixture.connect()]);
    mail = await host.consumeMail((delivery) => (handlers.get(delivery.to) ?? (async () => {}))(delivery));
  });
  after(async () => {
    await mail.stop();
    await Promise.all([sender.close(), host.close()]);
    await fixture.stop();
  });

  test(`${name}: a message arrives with its id, sender, cause and bytes`, async () => {
    const got: Delivery[] = [];
    const to = 'actor/weird key. * > ä/1';
    receive(to, async (delivery) => void got.push(delivery));
    const message = { ...event(to, 7, 'tester/a.b'), cause: 'because' };
    sender.publish(message);
    await until('the message', () => got.length > 0);
    const [{ id, from, cause, deliveries }] = got as [Delivery];
    assert.deepEqual({ id, to: got[0]!.to, from, cause, deliveries }, { id: message.id, to, from: 'tester/a.b', cause: 'because', deliveries: 1 });
    assert.deepEqual(JSON.parse(new TextDecoder().decode(got[0]!.bytes)), message.body);
  });

  test(`${name}: messages of one sender to one actor arrive in order`, async () => {
    const got: number[] = [];
    receive('actor/order', async (delivery) => void got.push(numberIn(delivery)));
    for (let n = 0; n < 300; n++) sender.publish(event('actor/order', n));
    await until('300 messages', () => got.length === 300);
    assert.deepEqual(got, Array.from({ length: 300 }, (_, n) => n));
  });

  test(`${name}: a handler that rejects gets the message again, counted, and before its successors`, async () => {
    const got: [number, number][] = [];
    receive('actor/again', async (delivery) => {
      got.push([numberIn(delivery), delivery.deliveries]);
      if (numberIn(delivery) === 0 && delivery.deliveries < 3) throw new Error('not yet');
    });
    for (let n = 0; n < 3; n++) sender.publish(event('actor/again', n));
    await until('all of them', () => got.length === 5);
    assert.deepEqual(got, [[0, 1], [0, 2], [0, 3], [1, 1], [2, 1]]);
  });

  test(`${name}: what was settled is not delivered again`, async () => {
    let deliveries = 0;
    receive('actor/once', async () => void deliveries++);
    sender.publish(event('actor/once'));
    await until('the message', () => deliveries === 1);
    await sender.flush();
    const other = await fixture.connect();
    const second = await other.consumeMail(async () => void deliveries++);
    await second.stop();
    await other.close();
    assert.equal(deliveries, 1);
  });

  test(`${name}: submit resolves with the answer to its own message`, async () => {
    receive('actor/submit', async ({ id, from }) => host.answer(from, applied(id)));
    const messages = [event('actor/submit'), event('actor/submit')];
    const answers = await Promise.all(messages.map((message) => sender.submit(message, 5_000)));
    assert.deepEqual(answers.map(({ id }) => id), messages.map(({ id }) => id));
  });

  test(`${name}: submitting again under the same id is delivered again and answered`, async () => {
    let deliveries = 0;
    receive('actor/resubmit', async ({ id, from }) => {
      deliveries++;
      host.answer(from, applied(id));
    });
    const message = event('actor/resubmit');
    for (let i = 0; i < 2; i++) assert.equal((await sender.submit(message, 5_000)).id, message.id);
    assert.equal(deliveries, 2);
  });

  test(`${name}: submit rejects with TIMEOUT when nobody answers, and a late answer hurts nobody`, async () => {
    const got: Delivery[] = [];
    receive('actor/silent', async (delivery) => void got.push(delivery));
    const message = event('actor/silent');
    await assert.rejects(sender.submit(message, 50), (error) => error instanceof KeelsonError && error.code === 'TIMEOUT' && error.message.includes('actor/silent'));
    host.answer('tester/1', applied(message.id));
    await host.flush();
  });

  test(`${name}: jobs run side by side up to the queue's limit`, async () => {
    let running = 0;
    let most = 0;
    let done = 0;
    const jobs = await host.consumeJobs('limit', 3, async ({ to, from }) => {
      assert.deepEqual([to, from], ['job/limit', 'tester/1']);
      most = Math.max(most, ++running);
      await sleep(20);
      running--;
      done++;
    });
    for (let n = 0; n < 12; n++) sender.publish(job('limit'));
    await until('12 jobs', () => done === 12);
    await jobs.stop();
    assert.equal(most, 3);
  });

  test(`${name}: stop finishes the work in hand and takes no more`, async () => {
    const events: string[] = [];
    const release = Promise.withResolvers<void>();
    const jobs = await host.consumeJobs('stop', 1, async () => {
      events.push('begun');
      await release.promise;
      events.push('finished');
    });
    sender.publish(job('stop'));
    await until('the job', () => events.length === 1);
    const stopped = jobs.stop().then(() => void events.push('stopped'));
    sender.publish(job('stop'));
    await sender.flush();
    release.resolve();
    await stopped;
    assert.deepEqual(events, ['begun', 'finished', 'stopped']);
    const rest: string[] = [];
    const again = await host.consumeJobs('stop', 1, async ({ id }) => void rest.push(id));
    await until('the job that was left', () => rest.length === 1);
    await again.stop();
  });

  test(`${name}: what is handed over to a mailbox that is read here comes in turn with what the bus brings; elsewhere it is published`, async () => {
    const to = 'actor/handed';
    const got: string[] = [];
    let inHand = 0;
    let most = 0;
    receive(to, async ({ id, from, cause, deliveries }) => {
      most = Math.max(most, ++inHand);
      await sleep(5);
      inHand--;
      got.push(`${id} ${from} ${cause ?? ''} ${deliveries}`);
    });
    assert.equal(sender.takesHere(to), false, 'nothing is read here');
    await until('the mailbox to have caught up', () => host.takesHere(to));
    const messages = Array.from({ length: 20 }, (_, n) => ({ ...event(to), cause: `why-${n}` }));
    messages.forEach((message, n) => (n % 4 === 3 ? sender : host).handOver(message));
    await until('all of them', () => got.length === messages.length);
    const here = messages.filter((_, n) => n % 4 !== 3).map(({ id, cause }) => `${id} tester/1 ${cause} 1`);
    assert.deepEqual(got.filter((line) => here.includes(line)), here, 'in the order in which they were handed over');
    assert.equal(most, 1);
  });

  test(`${name}: who watches sees what fits the filter, sent or handed over, and nothing after the end`, async () => {
    const to = 'actor/watched';
    receive(to, async () => {});
    const seen: Passed[] = [];
    const watching = host.watch('msg.actor.watched.>', (passed) => void seen.push(passed));
    const all: string[] = [];
    const other = sender.watch('>', ({ subject }) => void all.push(subject));
    await Promise.all([sender.flush(), host.flush()]);
    await until('the mailbox to have caught up', () => host.takesHere(to));
    const [sent, handed] = [event(to, 1), event(to, 2)];
    sender.publish(sent);
    sender.publish(event('actor/unwatched'));
    host.handOver(handed);
    await until('both of them', () => seen.length === 2);
    const told = seen.map(({ id, from, type, subject, bytes }) => ({ id, from, type, subject, body: JSON.parse(new TextDecoder().decode(bytes)) as unknown })).toSorted((a, b) => (a.id! < b.id! ? -1 : 1));
    assert.deepEqual(told, [sent, handed].map(({ id, body }) => ({ id, from: 'tester/1', type: 'N', subject: 'msg.actor.watched.tester.1', body })).toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    await until('the other one on the connection that sees everything', () => all.includes('msg.actor.unwatched.tester.1'));
    await watching.stop();
    sender.publish(event(to, 3));
    host.handOver(event(to, 4));
    await until('them to pass elsewhere', () => all.filter((subject) => subject.startsWith('msg.actor.watched.')).length >= 2);
    await host.flush();
    assert.equal(seen.length, 2);
    await other.stop();
  });

  test(`${name}: every connection hears which jobs are withdrawn, until it stops listening`, async () => {
    const heard: [string, string[]][] = [];
    const [mine, theirs] = [sender.onWithdrawn((gens) => void heard.push(['sender', gens])), host.onWithdrawn((gens) => void heard.push(['host', gens]))];
    await Promise.all([sender.flush(), host.flush()]);
    sender.withdraw(['order/1#3.0', 'order/1#3.1']);
    await until('both to hear it', () => heard.length === 2);
    await theirs.stop();
    await host.flush();
    sender.withdraw(['order/1#4.0']);
    await until('the one that listens to hear it', () => heard.length === 3);
    await host.flush();
    assert.deepEqual(heard.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)), [['host', ['order/1#3.0', 'order/1#3.1']], ['sender', ['order/1#3.0', 'order/1#3.1']], ['sender', ['order/1#4.0']]]);
    await mine.stop();
  });

  test(`${name}: the next try of a job is no repeat of the one before, although its id is the same`, async () => {
    const attempts: number[] = [];
    const jobs = await host.consumeJobs('tries', 1, async ({ bytes }) => void attempts.push((JSON.parse(new TextDecoder().decode(bytes)) as Job).attempt));
    const first = job('tries');
    for (const attempt of [1, 1, 2, 2, 3]) sender.publish({ ...first, body: { ...first.body, attempt } });
    await until('three tries', () => attempts.length === 3);
    await jobs.stop();
    assert.deepEqual(attempts, [1, 2, 3]);
  });

  test(`${name}: a job whose handler rejects comes again`, async () => {
    const deliveries: number[] = [];
    const jobs = await host.consumeJobs('retry', 2, async (delivery) => {
      deliveries.push(delivery.deliveries);
      if (deliveries.length === 1) throw new Error('not yet');
    });
    sender.publish(job('retry'));
    await until('the second delivery', () => deliveries.length === 2);
    await jobs.stop();
    assert.deepEqual(deliveries, [1, 2]);
  });
}
