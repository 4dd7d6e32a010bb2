// All actors, kept as the store has them: loaded once in pages, then only those that changed are asked for, in one request, a few times a
// second at most. Ten thousand stay cheap while hundreds move.
import { useEffect, useState } from 'preact/hooks';
import type { ActorRow } from '../../actor-routes.ts';
import { get, post, type Failure } from './api.ts';
import { onChange } from './stream.ts';

export interface ActorList { rows: readonly ActorRow[]; /** False while pages are still coming. */ isComplete: boolean; /** More than can be shown. */ isCut: boolean; failure: Failure | null }
interface Page { actors: ActorRow[]; next: string | null }

const pageRows = 2_000;
const rowsMax = 50_000;
const restMs = 300;
const askedMax = 500;

export function useActorList(): ActorList {
  const [list, setList] = useState<ActorList>({ rows: [], isComplete: false, isCut: false, failure: null });
  useEffect(() => {
    const known = new Map<string, ActorRow>();
    const changed = new Set<string>();
    const over = new AbortController();
    let isAsking = false;
    let isStale = true;
    const show = (more: Partial<ActorList>) => {
      if (!over.signal.aborted) setList((before) => ({ ...before, ...more, rows: [...known.values()] }));
    };
    /** An answer that was overtaken by a newer one changes nothing. */
    const keep = (row: ActorRow) => {
      const before = known.get(row.address);
      if (!before || before.rev <= row.rev) known.set(row.address, row);
    };
    const loadAll = async () => {
      const seen = new Set<string>();
      let cursor: string | null = null;
      do {
        const page: Page = await get(`/api/actors?limit=${pageRows}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
        for (const row of page.actors) {
          keep(row);
          seen.add(row.address);
        }
        cursor = page.next;
        show({ isCut: cursor !== null && seen.size >= rowsMax, failure: null });
      } while (cursor !== null && seen.size < rowsMax && !over.signal.aborted);
      for (const address of known.keys()) if (!seen.has(address) && !changed.has(address)) known.delete(address);
      show({ isComplete: true });
    };
    const loadChanged = async () => {
      const addresses = [...changed].slice(0, askedMax);
      for (const address of addresses) changed.delete(address);
      const { actors } = await post<Page>('/api/actors/named', { addresses });
      const found = new Set(actors.map(({ address }) => address));
      for (const address of addresses) if (!found.has(address)) known.delete(address);
      actors.forEach(keep);
      show({ failure: null });
    };
    const run = async () => {
      if (isAsking) return;
      isAsking = true;
      while ((isStale || changed.size > 0) && !over.signal.aborted) {
        const isAll = isStale;
        isStale = false;
        try {
          await (isAll ? loadAll() : loadChanged());
        } catch (error) {
          // What was missed meanwhile is not known: everything is asked for, when the next change comes.
          isStale = true;
          show({ failure: error as Failure });
          break;
        }
        await new Promise((done) => setTimeout(done, restMs));
      }
      isAsking = false;
    };
    void run();
    const stop = onChange((change) => {
      if ('resync' in change) isStale = true;
      else for (const { actor } of change.commits) changed.add(actor);
      void run();
    });
    return () => {
      over.abort();
      stop();
    };
  }, []);
  return list;
}
