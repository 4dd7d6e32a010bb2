// A commit that was judged good: its place in the journal, its hash and its rows are known; they are not written yet.
import type { Commit } from '#machines/commit.ts';
import type { Message } from '#machines/message.ts';
import type { Intent } from '#machines/records.ts';
import type { PartRows } from './part-rows.ts';

export interface Accepted {
  commit: Commit;
  seq: number;
  rows: PartRows;
  /** Questions of the store's own. */
  asked: Intent[];
  /** The triggers that led to it. */
  chain: readonly string[];
  /** What the commit promises, and what triggers add to it. */
  sends: Message[];
  parts: string | null;
  hash: string;
}
