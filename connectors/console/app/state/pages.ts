// A list that is loaded page by page. While only its beginning is shown it follows the store; further down, what is new is offered and
// nothing moves under the reader.
import { useRef, useState } from 'preact/hooks';
import type { AnnouncedCommit } from '#machines/changes.ts';
import type { Failure } from './api.ts';
import { useLive } from './live.ts';

export const pageRows = 100;

export interface Pages<T> { rows: T[] | undefined; failure: Failure | null; isEnd: boolean; /** Something was recorded since. */ isOld: boolean; more(): void; reload(): void }

/** `load` answers at most `pageRows` rows after the one with this cursor. */
export function usePages<T extends { cursor: string }>(load: (cursor: string | undefined) => Promise<T[]>, keys: readonly unknown[], touches: (commit: AnnouncedCommit) => boolean): Pages<T> {
  const key = JSON.stringify(keys);
  const pages = useRef<{ key: string; all: T[][] }>({ key, all: [] });
  const isLoading = useRef(false);
  const [, redraw] = useState({});
  const [oldKey, setOldKey] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  if (pages.current.key !== key) pages.current = { key, all: [] };

  const first = useLive(async () => {
    if (pages.current.all.length > 1) return;
    const rows = await load(undefined);
    if (pages.current.key === key) pages.current.all = [rows];
  }, [key], (commit) => {
    if (!touches(commit)) return false;
    if (pages.current.all.length > 1) setOldKey(key);
    return true;
  });
  const { all } = pages.current;
  const last = all.at(-1);

  return {
    rows: last && all.flat(), failure: failure ?? first.failure, isEnd: last !== undefined && last.length < pageRows, isOld: oldKey === key,
    more() {
      const cursor = last?.at(-1)?.cursor;
      if (cursor === undefined || last!.length < pageRows || isLoading.current) return;
      isLoading.current = true;
      load(cursor).then((rows) => {
        if (pages.current.key === key) pages.current.all = [...pages.current.all, rows];
        setFailure(null);
      }, setFailure).finally(() => {
        isLoading.current = false;
        redraw({});
      });
    },
    reload() {
      pages.current = { key, all: [] };
      setOldKey(null);
      first.reload();
    },
  };
}
