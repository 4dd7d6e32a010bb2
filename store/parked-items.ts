// One who says again and again what cannot be applied shall not bury the inbox: of one kind of sender to one kind of receiver only so many
// parked messages are asked about at a time. All of them are kept, and `keelson parked` shows them.
import { isAddress, typeOf } from '#machines/address.ts';
import type { Commit } from '#machines/commit.ts';
import type { Intent } from '#machines/records.ts';

export const parkedItemsMax = 10;

const typeOr = (address: unknown) => (typeof address === 'string' && isAddress(address) ? typeOf(address) : 'nobody');
/** `data.payload.from` is the sender, as actors/park.ts writes it. */
const pairOf = (actor: string, data: unknown) => `${typeOr((data as { payload?: { from?: unknown } } | undefined)?.payload?.from)} to ${typeOr(actor)}`;

/** How many items about parked messages wait, by pair. */
export function countParked(items: readonly { actor: string; data: unknown }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { actor, data } of items) counts.set(pairOf(actor, data), (counts.get(pairOf(actor, data)) ?? 0) + 1);
  return counts;
}

/** The commit with its item, or without when enough of them wait; the last one says so. Keeps `waiting` current. */
export function askSparingly(commit: Commit, waiting: Map<string, number>): Commit {
  const item = commit.intents[0];
  if (!commit.parked || item === undefined) return commit;
  const pair = pairOf(commit.actor, item.data);
  const before = waiting.get(pair) ?? 0;
  if (before >= parkedItemsMax) return { ...commit, intents: [] };
  waiting.set(pair, before + 1);
  return before + 1 < parkedItemsMax ? commit : { ...commit, intents: [lastOf(item, pair)] };
}

const lastOf = (item: Intent, pair: string): Intent => ({ ...item, summary: `${item.summary}. Further ones (${pair}) are kept without an item until one of these is answered: keelson parked` });
