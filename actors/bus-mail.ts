// The partitions that this process owns, pulled one message at a time. A pull is out only while nothing is in hand: of a process
// that is frozen or dead the bus waits for one message per partition, never for two. The acknowledgement carries the next pull.
import { createInbox, nanos, type Msg, type NatsConnection, type Subscription as Inbox } from 'nats';
import type { Ownership, Subscription } from './bus.ts';
import { partitions } from './bus-subjects.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** One delivery: `bytes` of `subject`, and what the bus counts of it. */
export interface Delivered { m: Msg; seq: number; timeMs: number; deliveries: number; /** How many wait behind it. */ pending: number; working(): void }

export interface MailboxOptions {
  nc: NatsConnection;
  stream: string;
  /** Which partitions; without it all of them. */
  owned: Ownership | undefined;
  /** Makes sure that there is a consumer of this name. */
  ensure(partition: number): Promise<void>;
  /** Changes when the bus has lost everything: what was delivered before must not be acknowledged to what comes after. */
  born(): string;
  handle(delivered: Delivered): Promise<void>;
  ackWaitMs: number;
  clock: Clock;
  log: Log;
}

export interface Mailboxes extends Subscription {
  /** Whether this partition is read here and nothing older than what comes now is still on its way. */
  takesHere(partition: number): boolean;
  /** Takes this in turn; false when the partition is not read here any more. */
  handOver(partition: number, task: () => Promise<void>): boolean;
  /** Pulls again: the bus was away and may have forgotten. */
  pull(): void;
}

interface Box {
  inbox: Inbox;
  openedMs: number;
  pulledMs: number;
  /** Since it was opened there was a moment when the bus had nothing for it. */
  caughtUp: boolean;
  inHand: Delivered | null;
  work: Promise<void>;
  closing: boolean;
  pull(how?: string): void;
}

const expiresMs = 30_000;
const request = JSON.stringify({ batch: 1, expires: nanos(expiresMs) });
const look = JSON.stringify({ batch: 1, no_wait: true });
const retryMs = 1_000;
/** What others published before this one read the mailbox has arrived by then. */
const settledMs = 2_000;
const timedOut = 408;
const empty = 404;

export const consumerOf = (partition: number) => `p${partition}`;

export function openMailboxes({ nc, stream, owned, ensure, born, handle, ackWaitMs, clock, log }: MailboxOptions): Mailboxes {
  const boxes = new Map<number, Box>();
  const leaving = new Set<Promise<void>>();
  let stopped = false;

  const open = (n: number) => {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumerOf(n)}`;
    const reply = createInbox();
    const take = async (delivered: Delivered) => {
      const since = born();
      let answer = '+ACK';
      try {
        await handle(delivered);
      } catch (error) {
        log.warn({ error: String(error), subject: delivered.m.subject }, 'message goes back to the bus');
        answer = `-NAK ${JSON.stringify({ delay: nanos(retryMs) })}`;
      }
      box.inHand = null;
      box.caughtUp ||= delivered.pending === 0;
      if (since !== born()) return box.pull();
      if (box.closing || answer !== '+ACK') {
        delivered.m.respond(answer);
        return box.pull();
      }
      box.pulledMs = clock.now();
      delivered.m.respond(`+NXT ${request}`, { reply });
    };
    const box: Box = {
      inbox: nc.subscribe(reply, {
        callback(error, m) {
          if (error) return log.error({ error: String(error), partition: n }, 'a mailbox cannot be read');
          const delivered = readDelivery(m);
          if (!delivered) return again(m.headers?.code ?? 0);
          box.inHand = delivered;
          box.work = box.work.then(() => take(delivered));
        },
      }),
      openedMs: clock.now(),
      pulledMs: 0,
      caughtUp: false,
      inHand: null,
      work: Promise.resolve(),
      closing: false,
      pull(how = request) {
        if (box.closing || box.inHand) return;
        box.pulledMs = clock.now();
        nc.publish(subject, how, { reply });
      },
    };
    const again = (code: number) => {
      box.caughtUp ||= code === empty;
      if (code === timedOut || code === empty) return box.pull();
      if (box.closing) return;
      // The consumer is gone, or the bus is not ready.
      clock.after(retryMs, () => {
        if (!box.closing) ensure(n).then(() => box.pull(), (error: unknown) => log.warn({ error: String(error), partition: n }, 'a mailbox is not there'));
      });
    };
    boxes.set(n, box);
    box.pull(look);
  };
  /** What the bus has sent already is still taken. */
  const close = async (box: Box) => {
    box.closing = true;
    await box.inbox.drain().catch(() => {}); // the connection is closed: nothing comes any more
    await box.work;
  };
  const arrange = () => {
    for (let n = 0; n < partitions; n++) {
      const box = boxes.get(n);
      const mine = !stopped && (owned?.owns(n) ?? true);
      if (mine && !box) open(n);
      if (mine || !box) continue;
      boxes.delete(n);
      const left = close(box).finally(() => leaving.delete(left));
      leaving.add(left);
    }
  };
  const beat = clock.every(ackWaitMs / 4, () => {
    if (nc.isClosed()) return;
    for (const box of boxes.values()) {
      if (box.inHand) box.inHand.working();
      // A pull that was lost, or its end.
      else if (box.pulledMs + expiresMs + ackWaitMs < clock.now()) box.pull();
    }
  });
  owned?.onChange(arrange);
  arrange();
  return {
    takesHere(n) {
      const box = boxes.get(n);
      return box !== undefined && box.caughtUp && !box.closing && clock.now() - box.openedMs > settledMs;
    },
    handOver(n, task) {
      const box = boxes.get(n);
      if (!box || box.closing) return false;
      box.work = box.work.then(task);
      return true;
    },
    pull() {
      for (const box of boxes.values()) {
        Object.assign(box, { openedMs: clock.now(), caughtUp: false });
        box.pull(look);
      }
    },
    async stop() {
      stopped = true;
      arrange();
      await Promise.all(leaving);
      beat();
    },
  };
}

/** From the reply's subject: `$JS.ACK.stream.consumer.deliveries.sequence.…`, longer in newer servers. Null for what is no delivery. */
function readDelivery(m: Msg): Delivered | null {
  const tokens = (m.reply ?? '').split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return null;
  const [, , deliveries, seq, , nanosText, pending] = tokens.length === 9 ? tokens.slice(2) : tokens.slice(4);
  return { m, seq: Number(seq), timeMs: Math.trunc(Number(nanosText) / 1e6), deliveries: Number(deliveries), pending: Number(pending), working: () => m.respond('+WPI') };
}
