// The changes of the store as server-sent events. A browser that was away says which commit it saw last, and of which past of the store, and
// gets the rest; one that is too far behind, of another past, or too slow to read, is told to look anew. Commits are sent in bundles, ten
// times a second at most; who reads nothing at all for a while is cut off.
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Bus, Subscription } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { followChanges } from '#actors/feed.ts';
import type { Log } from '#actors/log.ts';
import { fitting, type AnnouncedCommit } from '#machines/changes.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';

export interface Streams extends Subscription {
  /** Answers one browser for as long as it stays. */
  open(c: Context): Response;
  /** Sends every browser something that is not a commit; those that are slow miss it. */
  tell(event: string, data: unknown): void;
  /** Names the newest commit; what a page loads afterwards is no older. */
  position(): string;
  /** How many browsers read now. */
  readers(): number;
}

export interface StreamOptions {
  bus: Pick<Bus, 'onChanges' | 'onReconnect'>;
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  /** The newest commit. */
  head: number;
  /** Names this line of history: after a restore the numbers of commits mean others. */
  past: string;
  clock: Clock;
  log: Log;
  /** How long a browser may take for one bundle; for tests. */
  stuckMs?: number;
}

const bundleMs = 100;
const heartbeatMs = 15_000;
const readersMax = 64;
/** Commits and their records that wait for one browser. */
const waitingMax = 5_000;
const toldMax = 50;
/** How far back a browser may go on from; further is cheaper to look at anew. */
const catchUpMax = 2_000;

interface Reader { waiting: AnnouncedCommit[]; size: number; told: { event: string; text: string }[]; isLost: boolean; wake(): void }

const sizeOf = ({ records }: AnnouncedCommit) => 1 + records.length;

export function openStreams({ bus, query, head, past, clock, log, stuckMs = 20_000 }: StreamOptions): Streams {
  const readers = new Set<Reader>();
  const stopping = new AbortController();
  let last = head;
  const following = followChanges({
    bus, query, after: head, clock, log,
    onChange(commit) {
      last = commit.seq;
      for (const reader of readers) {
        reader.size += sizeOf(commit);
        if (reader.size > waitingMax) Object.assign(reader, { isLost: true, waiting: [], size: 0 });
        else reader.waiting.push(commit);
        reader.wake();
      }
    },
  });

  const idOf = (seq: number) => `${past}:${seq}`;
  /** The commit that is named, null when it is of another past or has not happened. */
  const seqOf = (id: string): number | null => {
    const seq = id.startsWith(`${past}:`) && /^\d{1,15}$/.test(id.slice(past.length + 1)) ? Number(id.slice(past.length + 1)) : Infinity;
    return seq <= last ? seq : null;
  };

  /** What came after `seen`. Null: too much, or it cannot be read now. */
  const missed = async (seen: number): Promise<AnnouncedCommit[] | null> => {
    if (last - seen > catchUpMax) return null;
    const commits: AnnouncedCommit[] = [];
    try {
      for (let after = seen; after < last;) {
        const page = (await query('changes', { after })) as AnnouncedCommit[];
        if (page.length === 0) break;
        commits.push(...page);
        after = page.at(-1)!.seq;
      }
    } catch (error) {
      log.warn(plainError(error), 'what a browser missed could not be read; it looks anew');
      return null;
    }
    return commits;
  };

  return {
    open(c) {
      if (readers.size >= readersMax) throw new KeelsonError('REFUSED', `${readersMax} pages are open already`, { hint: 'Close some.' });
      const asked = c.req.header('last-event-id') ?? c.req.query('after');
      const { outgoing } = (c.env ?? {}) as { outgoing?: { destroy(): void } };
      c.header('x-accel-buffering', 'no');
      return streamSSE(c, async (stream) => {
        let wake = () => {};
        const reader: Reader = { waiting: [], size: 0, told: [], isLost: false, wake: () => wake() };
        readers.add(reader);
        const closed = new AbortController();
        stream.onAbort(() => closed.abort());
        const signal = AbortSignal.any([closed.signal, stopping.signal]);
        signal.addEventListener('abort', () => wake());
        /** Waits until the browser has taken it, and gives up on one that takes nothing. */
        const write = async (text: string) => {
          const cancel = clock.after(stuckMs, () => {
            log.info('a page that does not read was cut off');
            stream.abort();
            outgoing?.destroy();
          });
          await stream.write(text);
          cancel();
        };
        const send = (event: string, text: string, seq?: number) => write(`event: ${event}\n${seq === undefined ? '' : `id: ${idOf(seq)}\n`}data: ${text}\n\n`);
        /** `true` when there is something to send, `false` after a time of silence. */
        const waitForNews = () => new Promise<boolean>((resolve) => {
          const cancel = clock.after(heartbeatMs, () => resolve(false));
          wake = () => {
            cancel();
            resolve(true);
          };
        });

        let sent = asked === undefined ? last : seqOf(asked);
        const resync = () => send('resync', JSON.stringify({ head: last }), (sent = last));
        const sendCommits = async (commits: AnnouncedCommit[]) => {
          for (let rest = commits.filter(({ seq }) => seq > sent!); rest.length > 0 && !signal.aborted;) {
            const bundle = fitting(rest);
            await send('commits', JSON.stringify(bundle), (sent = bundle.at(-1)!.seq));
            rest = rest.slice(bundle.length);
          }
        };
        try {
          const before = sent === null ? null : await missed(sent);
          if (before === null) await resync();
          await send('hello', JSON.stringify({ head: last }), sent!);
          await sendCommits(before ?? []);
          while (!signal.aborted) {
            if (reader.isLost) {
              reader.isLost = false;
              await resync();
            }
            reader.size = 0;
            await sendCommits(reader.waiting.splice(0));
            for (const { event, text } of reader.told.splice(0)) await send(event, text);
            await clock.sleep(bundleMs, signal);
            if (reader.waiting.length === 0 && reader.told.length === 0 && !reader.isLost && !signal.aborted && !(await waitForNews())) await write(': here\n\n');
          }
        } finally {
          closed.abort();
          readers.delete(reader);
        }
      });
    },
    readers: () => readers.size,
    tell(event, data) {
      const text = JSON.stringify(data);
      for (const reader of readers) {
        if (reader.told.length < toldMax) reader.told.push({ event, text });
        reader.wake();
      }
    },
    position: () => idOf(last),
    async stop() {
      stopping.abort();
      await following.stop();
    },
  };
}
