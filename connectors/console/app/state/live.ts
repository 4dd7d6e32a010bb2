// What a screen shows, kept as the store has it: loaded, and loaded again when a commit touches it; at most one load at a time, and not
// more often than a person can follow.
import { useEffect, useState } from 'preact/hooks';
import type { AnnouncedCommit } from '#machines/changes.ts';
import { Failure } from './api.ts';
import { onChange } from './stream.ts';

export interface Live<T> { data: T | undefined; failure: Failure | null; reload(): void }

const restMs = 250;

/** `load` is called again whenever one of `keys` is another, or `touches` says so of a commit. */
export function useLive<T>(load: () => Promise<T>, keys: readonly unknown[], touches: (commit: AnnouncedCommit) => boolean = () => false): Live<T> {
  const [state, setState] = useState<{ data: T | undefined; failure: Failure | null }>({ data: undefined, failure: null });
  const [reload, setReload] = useState<() => void>(() => () => {});
  useEffect(() => {
    const over = new AbortController();
    let isLoading = false;
    let isStale = false;
    const run = async () => {
      isStale = true;
      if (isLoading) return;
      isLoading = true;
      while (isStale && !over.signal.aborted) {
        isStale = false;
        try {
          const data = await load();
          if (!over.signal.aborted) setState({ data, failure: null });
        } catch (error) {
          if (!over.signal.aborted) setState(({ data }) => ({ data, failure: error instanceof Failure ? error : new Failure({ code: 'STORE_FAILED', message: String(error) }) }));
        }
        await new Promise((done) => setTimeout(done, restMs));
      }
      isLoading = false;
    };
    setReload(() => () => void run());
    void run();
    const stop = onChange((change) => {
      if ('resync' in change || change.commits.some(touches)) void run();
    });
    return () => {
      over.abort();
      stop();
    };
  }, keys);
  return { ...state, reload };
}
