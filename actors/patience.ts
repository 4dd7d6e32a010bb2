// Writing when the store may be away for a moment: what we hold stays ours, and is tried again until it is written or refused.
import type { Commit, Committed } from '#machines/commit.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { StorePort } from './store-port.ts';

const retryMs = 500;

export function isTransient(error: unknown): boolean {
  return error instanceof KeelsonError && error.disposition === 'retry';
}

export interface Patience { store: StorePort; clock: Clock; log: Log }

/** Commits; `onWait` is called before each pause. Rejects only with what waiting does not mend. */
export async function commitPatiently({ store, clock, log }: Patience, commit: Commit, onWait: () => void = () => {}): Promise<Committed> {
  for (;;) {
    try {
      return await store.commit(commit);
    } catch (error) {
      onWait();
      if (!isTransient(error)) throw error;
      log.warn(plainError(error), 'waiting for the store');
      await clock.sleep(retryMs);
    }
  }
}
