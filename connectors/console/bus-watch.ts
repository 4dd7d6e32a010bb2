// What passes on the bus, for pages that watch it: heard only while somebody asks for it again and again, told in bundles, and counted
// where it is too much. Headers are not shown, but for the name, sender and type of a message.
import type { Bus, Passed, Subscription } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { KeelsonError } from '#machines/errors.ts';
import { isSubjectFilter } from '#machines/subjects.ts';
import { showBytes, type Shown } from './bytes.ts';
import type { Streams } from './stream.ts';

/** One message as a page shows it. `subject` is below the company's own. */
export interface Watched extends Shown { at: number; subject: string; id: string | null; from: string | null; type: string | null; bytes: number }

/** `total`: how many passed since the watch began; more than were told when some were left out. */
export interface WatchedBundle { filter: string; since: number; total: number; passed: Watched[] }

export interface BusWatch extends Subscription {
  /** Tells every page what fits, for this long. Again: for longer. Throws BAD_ARGUMENT or REFUSED. */
  watch(filter: string, forMs: number): { filter: string; since: number; total: number };
}

const bundleMs = 100;
const bundleMax = 50;
const bundleChars = 100_000;
/** Different ones at a time. */
const filtersMax = 8;

interface Watch { since: number; total: number; passed: Watched[]; chars: number; isDue: boolean; cancel(): void; hearing: Subscription }

export function watchBus({ bus, tell, clock }: { bus: Pick<Bus, 'watch'>; tell: Streams['tell']; clock: Clock }): BusWatch {
  const watches = new Map<string, Watch>();

  const end = async (filter: string) => {
    const watch = watches.get(filter);
    watches.delete(filter);
    watch?.cancel();
    await watch?.hearing.stop();
  };

  const start = (filter: string): Watch => {
    const watch: Watch = { since: clock.now(), total: 0, passed: [], chars: 0, isDue: false, cancel() {}, hearing: bus.watch(filter, hear) };
    function hear({ bytes, ...rest }: Passed): void {
      watch.total++;
      if (!watch.isDue) clock.after(bundleMs, say);
      watch.isDue = true;
      if (watch.passed.length >= bundleMax || watch.chars >= bundleChars) return;
      const shown = showBytes(bytes);
      watch.chars += shown.text.length;
      watch.passed.push({ at: clock.now(), ...rest, bytes: bytes.length, ...shown });
    }
    function say(): void {
      const passed = watch.passed.splice(0);
      Object.assign(watch, { chars: 0, isDue: false });
      if (watches.get(filter) === watch) tell('bus', { filter, since: watch.since, total: watch.total, passed } satisfies WatchedBundle);
    }
    return watch;
  };

  return {
    watch(filter, forMs) {
      if (!isSubjectFilter(filter)) throw new KeelsonError('BAD_ARGUMENT', 'this is no filter of subjects', { hint: 'Words with dots between them; `*` stands for one word, `>` at the end for all that follow.' });
      const known = watches.get(filter);
      if (!known && watches.size >= filtersMax) throw new KeelsonError('REFUSED', `${filtersMax} other filters are being watched`, { hint: 'Close a page that watches, and wait a minute.' });
      const watch = known ?? start(filter);
      watches.set(filter, watch);
      watch.cancel();
      watch.cancel = clock.after(forMs, () => void end(filter));
      return { filter, since: watch.since, total: watch.total };
    },
    async stop() {
      await Promise.all([...watches.keys()].map(end));
    },
  };
}
