// Tells the operator's phone that something waits. Follows the changes beside everything else: what goes wrong here is logged and holds up
// nothing. Before a notification leaves, the store remembers that it does, so that nobody is told twice, at the price that one which
// is under way when the process dies is not told at all; the daily report counts what waits.
import type { Bus } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { followChanges } from '#actors/feed.ts';
import type { Log } from '#actors/log.ts';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit } from '#machines/commit.ts';
import { plainError } from '#machines/errors.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import { publish, type Notification, type NotifySettings } from './ntfy.ts';
import { digestOf, notificationOf, reportOf } from './words.ts';

export interface NotifyOptions {
  settings: NotifySettings;
  /** Of the ntfy server; null where it needs none. */
  token: string | null;
  store: Pick<StorePort, 'commit' | 'query'>;
  bus: Pick<Bus, 'onChanges' | 'onReconnect'>;
  clock: Clock;
  log: Log;
  fetch: typeof globalThis.fetch;
  /** 0 to 1: spreads the pauses. */
  random: () => number;
  /** Where the operator decides about it; null when nowhere. */
  linkOf(item: StoredIntent): string | null;
  /** Pauses: to gather what comes together, and between tries, doubled from `first` to `max`. */
  pauseMs?: { gather: number; first: number; max: number };
}

const from = 'connector/notify';
/** More at once become one notification. */
const singlesMax = 5;
const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Also tells what began to wait while nobody looked. `stop` ends at once, a try included. */
export async function startNotify({ settings, token, store, bus, clock, log, fetch, random, linkOf, pauseMs = { gather: 1_000, first: 5_000, max: 300_000 } }: NotifyOptions): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const pending = new Set<string>();
  let running: Promise<void> | null = null;

  const isKnown = async (id: string) => (await store.query('outcome', { id })) !== null;
  /** Whether it is ours to tell. */
  const claim = async (id: string) => (await store.commit(emptyCommit(`notified:${id}`, clock.now(), from, { notified: id }))).outcome === 'written';
  const readItem = async (id: string) => (await store.query('intent', { id })) as StoredIntent | null;
  const waits = (item: StoredIntent | null): item is StoredIntent => item?.state === 'input-required' && (settings.when as string[]).includes(item.kind);

  /** `isStillTrue`: what was decided meanwhile needs no telling. */
  const deliver = async (notification: Notification, isStillTrue: () => Promise<boolean>): Promise<void> => {
    for (let failures = 0; !signal.aborted; failures += 1) {
      const answer = await publish(settings, token, notification, { fetch, signal });
      if (signal.aborted || answer.outcome === 'sent') return;
      const { outcome, reason } = answer;
      if (outcome !== 'later') {
        log.error({ reason, title: notification.title }, outcome === 'refused' ? 'a notification was refused; see connectors/notify.json' : 'a notification may not have arrived');
        return;
      }
      const pause = Math.max(answer.retryAfterMs ?? 0, Math.round(Math.min(pauseMs.max, pauseMs.first * 2 ** Math.min(failures, 20)) * (0.5 + random() / 2)));
      log.warn({ reason, pauseMs: pause }, 'a notification was not sent; trying again');
      await clock.sleep(pause, signal);
      if (!(await isStillTrue())) return;
    }
  };

  const tell = async (ids: readonly string[]) => {
    const items: StoredIntent[] = [];
    for (const id of ids) {
      const item = await readItem(id);
      if (waits(item) && !(await isKnown(`notified:${id}`))) items.push(item);
    }
    if (items.length > singlesMax) {
      const ours: StoredIntent[] = [];
      for (const item of items) if (await claim(item.id)) ours.push(item);
      if (ours.length > 0) await deliver(digestOf(ours, linkOf), async () => (await Promise.all(ours.map(({ id }) => readItem(id)))).some(waits));
      return;
    }
    for (const item of items) {
      if (signal.aborted) return;
      if (await claim(item.id)) await deliver(notificationOf(item, linkOf(item)), async () => waits(await readItem(item.id)));
    }
  };

  const run = async () => {
    while (pending.size > 0 && !signal.aborted) {
      await clock.sleep(pauseMs.gather, signal);
      if (signal.aborted) break;
      const ids = [...pending];
      pending.clear();
      try {
        await tell(ids);
      } catch (error) {
        log.warn(plainError(error), 'the operator could not be told; trying again');
        for (const id of ids) pending.add(id);
        await clock.sleep(pauseMs.first, signal);
      }
    }
    running = null;
  };
  const note = (ids: readonly string[]) => {
    for (const id of ids) pending.add(id);
    if (pending.size > 0) running ??= run();
  };

  /** Once a day, after its time; a day on which nothing ran at that time is caught up with. */
  const report = async () => {
    const [day, time] = localTime(clock.now(), settings.timeZone);
    if (time < settings.reportAt || (await isKnown(`notified:report-${day}`)) || !(await claim(`report-${day}`))) return;
    const waiting = (await store.query('inbox', {})) as StoredIntent[];
    const ended = (await store.query('decisions', { what: 'operation', since: clock.now() - dayMs, limit: 10_000 })) as { outcome: string }[];
    const outcomes = Object.fromEntries([...Map.groupBy(ended, ({ outcome }) => outcome)].map(([outcome, all]) => [outcome, all.length]));
    await deliver(reportOf({ waiting, outcomes, nowMs: clock.now() }), async () => true);
  };
  let reporting: Promise<void> | null = null;
  const lookAtClock = () => {
    reporting ??= report().catch((error: unknown) => log.warn(plainError(error), 'the daily report is tried again')).finally(() => { reporting = null; });
  };

  const head = (await store.query('head', {})) as { seq: number } | null;
  const following = followChanges({
    bus, clock, log, after: head?.seq ?? 0,
    query: (name, args) => store.query(name, args),
    onChange: ({ records, more, id }) => {
      note(records.filter(({ kind, state }) => kind === 'intent' && state === 'input-required').map((record) => record.id));
      if (more !== undefined) log.warn({ commit: id, more }, 'a commit has more records than are announced; what waits among them is in the inbox only');
    },
  });
  note(((await store.query('inbox', {})) as StoredIntent[]).map(({ id }) => id));
  const stopClock = settings.when.includes('report') ? clock.every(minuteMs, lookAtClock) : () => undefined;
  if (settings.when.includes('report')) lookAtClock();
  return {
    async stop() {
      stopping.abort();
      stopClock();
      await following.stop();
      await running;
      await reporting;
    },
  };
}

/** `2026-11-23` and `07:30`, there. */
function localTime(nowMs: number, timeZone: string): [day: string, time: string] {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(nowMs);
  return parts.split(' ') as [string, string];
}
