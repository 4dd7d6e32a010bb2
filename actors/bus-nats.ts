// The bus on NATS JetStream. Mailboxes are one work-queue stream, partitioned by receiver, one durable consumer per partition
// with one message in flight: strict order per actor, also over redelivery (see bus-mail.ts). Jobs are a second work-queue stream.
import { headers, nanos, type Msg, type MsgHdrs, type NatsConnection } from 'nats';
import { AckPolicy, DiscardPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType, type ConsumerMessages, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import { z } from 'zod';
import { keyOf } from '#machines/address.ts';
import { announcementSchema } from '#machines/changes.ts';
import type { Applied } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { attemptId, limits, messageType, type Message } from '#machines/message.ts';
import { fitsSubject } from '#machines/subjects.ts';
import { compareVersions, natsFloor } from '#machines/versions.ts';
import { beatSchema, pastSchema, type Bus, type Delivery, type Handler, type Passed, type Subscription } from './bus.ts';
import { consumerOf, openMailboxes, type Delivered, type Mailboxes } from './bus-mail.ts';
import { partitions, subjectNames } from './bus-subjects.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import { connectNats } from './nats-connection.ts';
import { readJson } from './plain-json.ts';

const withdrawnSchema = z.array(z.string().max(limits.idChars));
/** How long a crashed worker's message waits before another gets it. */
const ackWaitMs = 6_000;
/** Of JetStream: "consumer already exists", with another configuration. */
const consumerExists = 10_148;
const encoder = new TextEncoder();
const duplicateWindowMs = 120_000;

export interface BusOptions { url: string; token: string; company: string; name: string; clock: Clock; log: Log }

/** Connects, checks the server's version, and makes sure the streams are as we need them. */
export async function connectBus({ url, token, company, name, clock, log }: BusOptions): Promise<Bus> {
  const nc = await connectNats({ url, token, name });
  checkVersion(nc);
  const names = subjectNames(company);
  const js = jetstream(nc);
  const jsm = await jetstreamManager(nc);
  /** When the stream of mailboxes was made. */
  let born = '';
  const ensured: (() => Promise<void>)[] = [async () => void (born = await ensureStreams(jsm, names))];
  await ensured[0]!();
  const reconnected: (() => void)[] = [];
  const waiting = new Map<string, ((applied: Applied) => void)[]>();
  const listening = new Set<string>();
  const watchers = new Set<(passed: Passed) => void>();
  let away = false;
  let handleMail: Handler | undefined;
  let boxes: Mailboxes | undefined;

  const follow = async () => {
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') {
        away = true;
        log.warn('bus disconnected; work is kept in the store');
      }
      if (status.type === 'error') log.error({ detail: String(status.error) }, 'bus refused something');
      if (status.type !== 'reconnect') continue;
      away = false;
      log.info('bus is back');
      // The server may have come back with an empty directory.
      try {
        for (const ensure of ensured) await ensure();
        for (const task of reconnected) task();
      } catch (error) {
        log.error({ error: String(error) }, 'could not restore the streams');
      }
    }
  };
  follow().catch((error: unknown) => log.error({ error: String(error) }, 'bus status ended'));

  const ensureConsumer = async (stream: string, durable: string, filter: string, inFlight: number) => {
    const settings = { filter_subject: filter, ack_wait: nanos(ackWaitMs), max_ack_pending: inFlight };
    try {
      await jsm.consumers.add(stream, { ...settings, durable_name: durable, ack_policy: AckPolicy.Explicit });
    } catch (error) {
      // Another build made it with other settings.
      if ((error as { code?: number }).code !== consumerExists) throw error;
      await jsm.consumers.update(stream, durable, settings);
    }
  };

  const consume = async (stream: string, durable: string, filter: string, inFlight: number, handle: (m: JsMsg) => Promise<void>): Promise<Subscription> => {
    const ensure = () => ensureConsumer(stream, durable, filter, inFlight);
    await ensure();
    const consumer = await js.consumers.get(stream, durable);
    const pull = () => consumer.consume({ max_messages: inFlight + 1 });
    let messages: ConsumerMessages = await pull();
    let stopped = false;
    // After the bus was away the library would look again only in half a minute: a new pull finds the restored consumer at once.
    ensured.push(async () => {
      if (stopped) return;
      await ensure();
      messages.stop();
    });
    const inHand = new Set<Promise<void>>();
    const settle = async (m: JsMsg) => {
      const beat = clock.every(ackWaitMs / 3, () => m.working());
      try {
        await handle(m);
        m.ack();
      } catch (error) {
        log.warn({ error: String(error), subject: m.subject }, 'message goes back to the bus');
        m.nak(1_000);
      } finally {
        beat();
      }
    };
    const loop = (async () => {
      for (;;) {
        for await (const m of messages) {
          const work = settle(m).finally(() => inHand.delete(work));
          inHand.add(work);
          if (inHand.size >= inFlight) await Promise.race(inHand);
        }
        if (stopped || nc.isClosed()) return;
        messages = await pull();
      }
    })();
    loop.catch((error: unknown) => log.error({ error: String(error), durable }, 'a queue of jobs is not read any more'));
    return {
      async stop() {
        stopped = true;
        messages.stop();
        await loop;
        await Promise.all(inHand);
      },
    };
  };

  const toDelivery = ({ m, seq, timeMs, deliveries, working }: Omit<Delivered, 'm' | 'pending'> & { m: Pick<Msg, 'headers' | 'subject' | 'data'> }, stream: string, to: string, from: string): Delivery => ({
    id: header(m.headers, 'ce-id') ?? `bus-${stream}-${seq}-${timeMs}`,
    to, from,
    cause: header(m.headers, 'ce-cause'),
    subject: m.subject,
    bytes: m.data,
    deliveries,
    working,
  });

  const publish = (message: Message, h = eventHeaders(message, clock.now())) => {
    const { to, from, body } = message;
    const subject = body.kind === 'job' ? names.queue(keyOf(to)) : names.mailbox(to, from);
    nc.publish(subject, JSON.stringify(body), { headers: h });
  };

  /** What is said to everybody and kept nowhere. */
  const listen = <T>(subject: string, schema: z.ZodType<T>, task: (said: T) => void): Subscription => {
    const subscription = nc.subscribe(subject, {
      callback(error, m) {
        const parsed = error ? undefined : schema.safeParse(readJson(m.data));
        if (parsed?.success) task(parsed.data);
        else log.warn({ subject }, 'what was said to everybody could not be read');
      },
    });
    return { stop: async () => subscription.unsubscribe() };
  };

  return {
    publish(message, { again } = { again: false }) {
      const h = eventHeaders(message, clock.now());
      if (again) h.delete('Nats-Msg-Id');
      publish(message, h);
    },
    submit(message, timeoutMs) {
      if (!listening.has(message.from)) {
        listening.add(message.from);
        nc.subscribe(names.applied(message.from), {
          callback: (error, m) => {
            if (error) return;
            const applied = m.json<Applied>();
            for (const hear of waiting.get(applied.id) ?? []) hear(applied);
            waiting.delete(applied.id);
          },
        });
      }
      return new Promise((resolve, reject) => {
        const hear = (applied: Applied) => {
          cancel();
          resolve(applied);
        };
        const cancel = clock.after(timeoutMs, () => {
          waiting.set(message.id, (waiting.get(message.id) ?? []).filter((other) => other !== hear));
          if (waiting.get(message.id)!.length === 0) waiting.delete(message.id);
          reject(new KeelsonError('TIMEOUT', `no answer to ${messageType(message.body)} for ${message.to} within ${timeoutMs} ms`));
        });
        waiting.set(message.id, [...(waiting.get(message.id) ?? []), hear]);
        // Without the bus's own duplicate check: who asks again with the same id wants the first outcome, not silence.
        const h = eventHeaders(message, clock.now());
        h.delete('Nats-Msg-Id');
        publish(message, h);
      });
    },
    takesHere: (to) => boxes?.takesHere(names.partitionOf(to)) ?? false,
    handOver(message) {
      const { id, to, from, cause, body } = message;
      const delivery: Delivery = { id, to, from, cause, subject: names.mailbox(to, from), bytes: encoder.encode(JSON.stringify(body)), deliveries: 1, working() {} };
      const passed: Passed = { subject: delivery.subject.slice(names.root.length), id, from, type: messageType(body), bytes: delivery.bytes };
      const take = () => handleMail!(delivery).catch((error: unknown) => log.warn({ error: String(error), id, to }, 'a message was not taken; it is published again'));
      if (!boxes?.handOver(names.partitionOf(to), take)) return publish(message);
      for (const see of watchers) see(passed);
    },
    answer: (to, applied) => nc.publish(names.applied(to), JSON.stringify(applied)),
    announce(announcement) {
      // The client would keep it until the server is back, however much comes together; followers ask then.
      if (away) return;
      const h = cloudEvent({ id: `changes:${announcement.last}`, source: 'store/feed', type: 'keelson.changes' }, clock.now());
      nc.publish(names.changes, JSON.stringify(announcement), { headers: h });
    },
    onChanges: (task) => listen(names.changes, announcementSchema, task),
    watch(filter, task) {
      const see = (passed: Passed) => void (fitsSubject(filter, passed.subject) && task(passed));
      watchers.add(see);
      const subscription = nc.subscribe(names.root + filter, {
        callback(error, m) {
          if (error) return;
          const said = (key: string) => header(m.headers, key) ?? null;
          task({ subject: m.subject.slice(names.root.length), id: said('ce-id'), from: said('ce-source'), type: said('ce-type'), bytes: m.data });
        },
      });
      return {
        async stop() {
          watchers.delete(see);
          subscription.unsubscribe();
        },
      };
    },
    async consumeMail(handler, owned) {
      const ensure = (n: number) => ensureConsumer(names.mailStream, consumerOf(n), names.partition(n), 1);
      const ensureAll = async () => void (await Promise.all(Array.from({ length: partitions }, (_, n) => ensure(n))));
      await ensureAll();
      const handle = (delivered: Delivered) => {
        const ends = names.parse(delivered.m.subject);
        return handler(toDelivery(delivered, names.mailStream, ends?.to ?? '', ends?.from ?? ''));
      };
      handleMail = handler;
      const opened = boxes = openMailboxes({ nc, stream: names.mailStream, owned, ensure, born: () => born, handle, ackWaitMs, clock, log });
      ensured.push(async () => {
        await ensureAll();
        opened.pull();
      });
      return {
        async stop() {
          await opened.stop();
          if (boxes === opened) boxes = undefined;
        },
      };
    },
    beat(beat) {
      if (!away && !nc.isClosed()) nc.publish(names.hosts, JSON.stringify(beat));
    },
    onBeat: (task) => listen(names.hosts, beatSchema, task),
    consumeJobs(queue, concurrency, handler: Handler) {
      const handle = (m: JsMsg) => handler(toDelivery({ m, seq: m.seq, timeMs: m.time.getTime(), deliveries: m.info.deliveryCount, working: () => m.working() }, names.jobStream, `job/${queue}`, header(m.headers, 'ce-source') ?? ''));
      return consume(names.jobStream, queue, names.queue(queue), concurrency, handle);
    },
    withdraw(gens) {
      if (!away) nc.publish(names.withdrawn, JSON.stringify(gens));
    },
    onWithdrawn: (task) => listen(names.withdrawn, withdrawnSchema, task),
    onReconnect: (task) => void reconnected.push(task),
    async past() {
      const kept = await jsm.streams.getMessage(names.pastStream, { last_by_subj: names.past });
      return kept === null ? null : (pastSchema.safeParse(readJson(kept.data)).data ?? null);
    },
    setPast: async (past) => void (await js.publish(names.past, JSON.stringify(past))),
    async purge() {
      for (const stream of [names.mailStream, names.jobStream]) await jsm.streams.purge(stream);
    },
    flush: () => nc.flush(),
    close: async () => {
      if (!nc.isClosed()) await nc.drain();
    },
  };
}

function checkVersion(nc: NatsConnection): void {
  const version = nc.info?.version ?? '0';
  if (compareVersions(version, natsFloor) < 0) throw new KeelsonError('NO_NATS_SERVER', `nats-server ${version} is too old: it silently drops features; ${natsFloor} is needed`);
}

/** Answers when the stream of mailboxes was made. */
async function ensureStreams(jsm: JetStreamManager, names: ReturnType<typeof subjectNames>): Promise<string> {
  const common = { retention: RetentionPolicy.Workqueue, storage: StorageType.File, discard: DiscardPolicy.New, duplicate_window: nanos(duplicateWindowMs), allow_direct: true };
  const wanted = [
    { ...common, name: names.mailStream, subjects: [names.mailSubjects], subject_transform: { src: names.mailSubjects, dest: names.partitioned } },
    { ...common, name: names.jobStream, subjects: [names.jobSubjects] },
    { ...common, name: names.pastStream, subjects: [names.past], retention: RetentionPolicy.Limits, discard: DiscardPolicy.Old, max_msgs: 1 },
  ];
  let born = '';
  for (const config of wanted) {
    const info = await jsm.streams.add(config);
    // Old servers accept what they do not know and forget it: read back.
    if (info.config.retention !== config.retention || ('subject_transform' in config && !info.config.subject_transform)) throw new KeelsonError('NO_NATS_SERVER', `nats-server did not keep the settings of stream ${config.name}`);
    if (config.name === names.mailStream) born = info.created;
  }
  return born;
}

/** Headers of a message; the id is also the bus's own duplicate check. */
function eventHeaders(message: Message, nowMs: number): MsgHdrs {
  const h = cloudEvent({ id: message.id, source: message.from, type: messageType(message.body) }, nowMs);
  // A job keeps its id over its tries; each of them is another message.
  h.set('Nats-Msg-Id', message.body.kind === 'job' ? attemptId(message.body) : message.id);
  if (message.cause) h.set('ce-cause', message.cause);
  return h;
}

/** CloudEvents 1.0 in NATS headers. */
function cloudEvent({ id, source, type }: { id: string; source: string; type: string }, nowMs: number): MsgHdrs {
  const h = headers();
  h.set('ce-specversion', '1.0');
  h.set('ce-id', id);
  h.set('ce-source', source);
  h.set('ce-type', type);
  h.set('ce-time', new Date(nowMs).toISOString());
  h.set('ce-datacontenttype', 'application/json');
  return h;
}

function header(h: MsgHdrs | undefined, name: string): string | undefined {
  const value = h?.get(name);
  return value && value.length <= limits.idChars ? value : undefined;
}
