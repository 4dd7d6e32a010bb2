// The host's view of the store: one message and two questions. In the store's own process it is a port to the store's thread.
import type { Commit, Committed } from '#machines/commit.ts';

export interface StorePort {
  /** Resolves when it is on disk (or refused). Rejects with STORE_FAILED or STORE_FULL: nothing was written, try again. */
  commit(commit: Commit): Promise<Committed>;
  /** The actor's record as JSON text, or null. */
  load(address: string): Promise<string | null>;
  /** A named read; see store/queries.ts. */
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
}
