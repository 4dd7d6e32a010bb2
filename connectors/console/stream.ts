// The changes of the store as server-sent events. A browser that was away says which commit it saw last and gets the rest; one that is too
// far behind, or too slow to read, is told to look anew. Commits are sent in bundles, ten times a second at most.
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Bus, Subscription } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { followChanges } from '#actors/feed.ts';
import type { Log } from '#actors/log.ts';
import type { AnnouncedCommit } from '#machines/changes.ts';
import { KeelsonError } from '#machines/errors.ts';

export interface Streams extends Subscription {
  /** Answers one browser for as long as it stays. */
  open(c: Context): Response;
  /** Sends every browser something that is not a commit; those that are slow miss it. */
  tell(event: string, data: unknown): void;
}

const bundleMs = 100;
const heartbeatMs = 15_000;
const readersMax = 64;
const waitingMax = 2_000;
/** How far back a browser may go on from; further is cheaper to look at anew. */
const catchUpMax = 2_000;

interface Reader { waiting: AnnouncedCommit[]; told: { event: string; data: unknown }[]; isLost: boolean; wake(): void }

export function openStreams({ bus, query, head, clock, log }: { bus: Pick<Bus, 'onChanges' | 'onReconnect'>; query(name: string, args: Record<string, unknown>): Promise<unknown>; head: number; clock: Clock; log: Log }): Streams {
  const readers = new Set<Reader>();
  const stopping = new AbortController();
  let last = head;
  const following = followChanges({
    bus, query, after: head, clock, log,
    onChange(commit) {
      last = commit.seq;
      for (const reader of readers) {
        if (reader.waiting.length >= waitingMax) reader.isLost = true;
        else reader.waiting.push(commit);
        reader.wake();
      }
    },
  });

  /** What came after `seen`, or null when that is too much. */
  const missed = async (seen: number): Promise<AnnouncedCommit[] | null> => {
    if (seen > last || last - seen > catchUpMax) return null;
    const commits: AnnouncedCommit[] = [];
    for (let after = seen; after < last;) {
      const page = (await query('changes', { after })) as AnnouncedCommit[];
      if (page.length === 0) break;
      commits.push(...page);
      after = page.at(-1)!.seq;
    }
    return commits;
  };

  return {
    open(c) {
      if (readers.size >= readersMax) throw new KeelsonError('REFUSED', `${readersMax} pages are open already`, { hint: 'Close some.' });
      const asked = c.req.header('last-event-id') ?? c.req.query('after');
      c.header('cache-control', 'no-store');
      c.header('x-accel-buffering', 'no');
      return streamSSE(c, async (stream) => {
        let wake = () => {};
        const reader: Reader = { waiting: [], told: [], isLost: false, wake: () => wake() };
        readers.add(reader);
        const closed = new AbortController();
        stream.onAbort(() => closed.abort());
        const signal = AbortSignal.any([closed.signal, stopping.signal]);
        const send = (event: string, data: unknown, id?: number) => stream.writeSSE({ event, data: JSON.stringify(data), ...(id === undefined ? {} : { id: String(id) }) });
        try {
          let sent = asked === undefined || !/^\d{1,15}$/.test(asked) ? last : Number(asked);
          const before = await missed(sent);
          if (before === null) await send('resync', { head: (sent = last) }, last);
          else reader.waiting.unshift(...before);
          await send('hello', { head: last });
          while (!signal.aborted) {
            if (reader.isLost) {
              reader.isLost = false;
              reader.waiting = [];
              await send('resync', { head: (sent = last) }, last);
            }
            const commits = reader.waiting.splice(0).filter(({ seq }) => seq > sent);
            if (commits.length > 0) await send('commits', commits, (sent = commits.at(-1)!.seq));
            for (const { event, data } of reader.told.splice(0)) await send(event, data);
            await clock.sleep(bundleMs, signal);
            if (reader.waiting.length > 0 || reader.told.length > 0 || signal.aborted) continue;
            await new Promise<void>((resolve) => {
              wake = resolve;
              void clock.sleep(heartbeatMs, signal).then(resolve);
            });
            if (reader.waiting.length === 0 && reader.told.length === 0) await stream.write(': here\n\n');
          }
        } finally {
          closed.abort();
          readers.delete(reader);
        }
      });
    },
    tell(event, data) {
      for (const reader of readers) {
        if (reader.told.length < waitingMax) reader.told.push({ event, data });
        reader.wake();
      }
    },
    async stop() {
      stopping.abort();
      await following.stop();
    },
  };
}
