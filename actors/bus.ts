// The bus is transport, not truth: it may lose, repeat and reorder; the store notices. Two implementations would have to pass
// test/contract/bus.ts.
import { z } from 'zod';
import type { Announcement } from '#machines/changes.ts';
import type { Applied } from '#machines/commit.ts';
import type { Message } from '#machines/message.ts';

/** A message as it arrived: bytes, because it may be anything. */
export interface Delivery {
  id: string;
  to: string;
  from: string;
  cause: string | undefined;
  subject: string;
  bytes: Uint8Array;
  /** 1 for the first. */
  deliveries: number;
  /** Tells the bus that work goes on, so that it is not delivered elsewhere. */
  working(): void;
}

/** Something that went by, whoever it was for. `subject` is below the company's own. */
export interface Passed { subject: string; id: string | null; from: string | null; type: string | null; bytes: Uint8Array }

/** Resolves when the message is settled; then it is acknowledged. Rejecting asks for redelivery. */
export type Handler = (delivery: Delivery) => Promise<void>;

export interface Subscription {
  /** Finishes the messages in hand, then stops. */
  stop(): Promise<void>;
}

/** A store's line of history (another one after a restore), and how often it was started in it. */
export const pastSchema = z.object({ incarnation: z.string(), epoch: z.number().int() });
export type Past = z.output<typeof pastSchema>;

/** Which partitions this process reads; see actors/members.ts. */
export interface Ownership {
  owns(partition: number): boolean;
  onChange(task: () => void): void;
}

/** What a process that hosts says of itself. `new` asks the others to say the same. */
export const beatSchema = z.object({ id: z.string(), role: z.string(), state: z.enum(['new', 'here', 'gone']) });
export type Beat = z.output<typeof beatSchema>;

export interface Bus {
  /**
   * Sends without waiting: who needs certainty keeps the message in the store's outbox until it was applied. `again`: also when
   * the bus remembers the id, because the message was taken from there and not applied.
   */
  publish(message: Message, how?: { again: boolean }): void;
  /** Hands in a message and waits until it was applied. Rejects with TIMEOUT (unknown) or BUS_DOWN. */
  submit(message: Message, timeoutMs: number): Promise<Applied>;
  /** Whether the mailbox of this actor is read here and has caught up, so that nothing older is still on its way to it. */
  takesHere(to: string): boolean;
  /** Puts a message into a mailbox that is read here; publishes it when that is so no more. It must stand in the outbox. */
  handOver(message: Message): void;
  answer(to: string, applied: Applied): void;
  /** Tells everybody what was written. Not kept anywhere: who is away misses it. */
  announce(announcement: Announcement): void;
  /** Every announcement, of this connection too. */
  onChanges(task: (announcement: Announcement) => void): Subscription;
  /** Everything that passes under subjects below the company's own that fit (`*`, `>`), also what takes the short way inside of this process. */
  watch(filter: string, task: (passed: Passed) => void): Subscription;
  /** Mailboxes of all actors, or of the partitions that are `owned`: strict order per actor. */
  consumeMail(handler: Handler, owned?: Ownership): Promise<Subscription>;
  /** Tells every process that hosts. Not kept anywhere. */
  beat(beat: Beat): void;
  /** Every beat, of this connection too. */
  onBeat(task: (beat: Beat) => void): Subscription;
  /** One queue of jobs, up to `concurrency` at a time. */
  consumeJobs(queue: string, concurrency: number, handler: Handler): Promise<Subscription>;
  /** Tells every worker that nobody waits for these jobs any more. Not kept anywhere: who misses it works in vain. */
  withdraw(gens: string[]): void;
  /** Every such notice, of this connection too. Anybody may have said it. */
  onWithdrawn(task: (gens: string[]) => void): Subscription;
  /** Calls back after a lost connection came back: the bus may have lost messages. */
  onReconnect(task: () => void): void;
  /** Whose messages the bus keeps: the past it belongs to, or null for a new bus. */
  past(): Promise<Past | null>;
  setPast(past: Past): Promise<void>;
  /** Drops everything that is kept; what is still promised is in the outbox. */
  purge(): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}
