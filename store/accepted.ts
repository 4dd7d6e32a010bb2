// A commit that was judged good: its place in the journal and its hash are known, its rows are not written yet.
import type { Commit } from '#machines/commit.ts';

export interface Accepted { commit: Commit; seq: number; hash: string }
