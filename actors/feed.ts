// Follows every commit of a store, in order, each once: announcements as they come, and whatever is missing from the query
// `changes`. It does not matter whether announcements are lost, repeated or late, or whether store or bus were away.
import type { AnnouncedCommit, Announcement } from '#machines/changes.ts';
import { plainError } from '#machines/errors.ts';
import type { Bus, Subscription } from './bus.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

export interface FollowOptions {
  bus: Pick<Bus, 'onChanges' | 'onReconnect'>;
  /** The named reads of the store; only `changes` is asked. */
  query(name: 'changes', args: { after: number }): Promise<unknown>;
  /** The last commit that is known already; 0 for everything. */
  after: number;
  /** Called for one commit after the other. When it rejects, the same commit comes again. */
  onChange(change: AnnouncedCommit): void | Promise<void>;
  clock: Clock;
  log: Log;
}

const retryMs = 500;
/** Announcements that wait while `onChange` is at work; what comes beyond is asked for later. */
const waitingMax = 256;

export function followChanges({ bus, query, after, onChange, clock, log }: FollowOptions): Subscription {
  let cursor = after;
  /** How far the store is, as it said last. */
  let head = after;
  /** Something may be missing that no announcement shows. */
  let unsure = true;
  let waiting: Announcement[] = [];
  let running: Promise<void> | null = null;
  const stopping = new AbortController();
  const { signal } = stopping;

  const pass = async (changes: AnnouncedCommit[]) => {
    for (const change of changes) {
      if (signal.aborted) return;
      if (change.seq <= cursor) continue;
      await onChange(change);
      cursor = change.seq;
    }
  };
  const ask = async () => {
    const known = head;
    unsure = false;
    const page = (await query('changes', { after: cursor })) as AnnouncedCommit[];
    await pass(page);
    waiting = waiting.filter(({ last }) => last > cursor);
    if (page.length > 0) unsure = true;
    else if (head === known) {
      // There is no such commit: a stranger's announcement.
      head = cursor;
      waiting = [];
    }
  };
  const isBehind = () => !signal.aborted && (unsure || head > cursor);
  const run = async () => {
    while (isBehind()) {
      try {
        const next = waiting[0];
        if (unsure || !next || next.after > cursor) await ask();
        else {
          await pass(next.changes);
          waiting.shift();
        }
      } catch (error) {
        unsure = true;
        log.warn(plainError(error), 'following the changes is tried again');
        await clock.sleep(retryMs, signal);
      }
    }
    running = null;
  };
  const wake = () => {
    running ??= run();
  };

  const subscription = bus.onChanges((announcement) => {
    if (announcement.last <= cursor) return;
    head = Math.max(head, announcement.last);
    if (waiting.length < waitingMax) waiting.push(announcement);
    wake();
  });
  bus.onReconnect(() => {
    unsure = true;
    wake();
  });
  wake();
  return {
    async stop() {
      stopping.abort();
      await subscription.stop();
      await running;
    },
  };
}
