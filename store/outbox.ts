// Publishes what commits promised. After a commit at once; what the bus lost is found again here, because a row leaves the
// outbox only when its message was applied.
import type { Bus } from '#actors/bus.ts';
import type { Log } from '#actors/log.ts';
import type { Held } from '#machines/clock-jump.ts';
import { plainError } from '#machines/errors.ts';
import type { Body, Job, Message } from '#machines/message.ts';
import type { Accepted } from './accepted.ts';
import type { Database } from './database.ts';

export interface Relay {
  publish(accepted: Accepted[]): void;
  /** Publishes everything that is not applied yet, due or without a due time, older than `beforeMs`. */
  republish(beforeMs: number): Promise<number>;
  /** Turns deadlines that are due, and not held, into messages and sends them. Call it between two groups. */
  release(nowMs: number, held?: Held[]): Promise<{ released: number; nextDueMs: number | null }>;
}

/** For rows with a due time: is it one of these, as JSON? Whose deadline it is says its sender: a retry goes to a job. */
export const isHeld = `EXISTS (SELECT 1 FROM json_each(?) AS held WHERE due_ms > held.value ->> '$.fromMs' AND due_ms <= held.value ->> '$.toMs'
  AND substr(sender, 1, instr(sender, '/') - 1) IN (SELECT value FROM json_each(held.value, '$.types')))`;

interface OutboxRow { n: number; id: string; receiver: string; sender: string; cause: string | null; body: string }

const pageRows = 1_000;

export function createRelay(writer: Database, bus: Pick<Bus, 'publish' | 'flush'>, log: Log): Relay {
  /** What the bus does not take now stays in the outbox; the messages behind it go on. */
  const publish = (message: Message, again = false) => {
    try {
      bus.publish(message, { again });
    } catch (error) {
      log.warn({ id: message.id, to: message.to, ...plainError(error) }, 'not published; it is tried again');
    }
  };
  const send = (row: OutboxRow) => publish(toMessage(row));
  return {
    publish(accepted) {
      for (const { commit, sends } of accepted) {
        // What its sender hands over itself is published only when that has failed: by the sweep.
        for (const message of sends) if (message.dueMs === undefined && !commit.handed?.includes(message.id)) publish({ ...message, cause: message.cause ?? commit.id }, commit.unparks !== undefined);
      }
    },
    async republish(beforeMs) {
      let after = 0;
      let count = 0;
      for (;;) {
        const rows = await writer.all<OutboxRow>('SELECT n, id, receiver, sender, cause, body FROM outbox WHERE due_ms IS NULL AND at_ms < ? AND n > ? ORDER BY n LIMIT ?', beforeMs, after, pageRows);
        rows.forEach(send);
        count += rows.length;
        if (rows.length < pageRows) return count;
        after = rows.at(-1)!.n;
        await bus.flush();
      }
    },
    async release(nowMs, held = []) {
      const kept = JSON.stringify(held);
      const rows = await writer.all<OutboxRow>(`SELECT n, id, receiver, sender, cause, body FROM outbox WHERE due_ms <= ? AND NOT ${isHeld} ORDER BY due_ms, n LIMIT ?`, nowMs, kept, pageRows);
      if (rows.length > 0) await writer.run('UPDATE outbox SET due_ms = NULL, at_ms = ? WHERE n IN (SELECT value FROM json_each(?))', nowMs, JSON.stringify(rows.map((row) => row.n)));
      rows.forEach(send);
      const [next] = await writer.all<{ due: number }>(`SELECT due_ms AS due FROM outbox WHERE due_ms IS NOT NULL AND NOT ${isHeld} ORDER BY due_ms LIMIT 1`, kept);
      return { released: rows.length, nextDueMs: next?.due ?? null };
    },
  };
}

function toMessage(row: OutboxRow): Message {
  return { id: row.id, to: row.receiver, from: row.sender, ...(row.cause ? { cause: row.cause } : {}), body: JSON.parse(row.body) as Body | Job };
}
