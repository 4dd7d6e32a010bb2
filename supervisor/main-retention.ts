// Once an hour, in small turns between other writes: what is too old goes.
import type { Clock } from '#actors/clock.ts';
import type { Log } from '#actors/log.ts';
import { plainError } from '#machines/errors.ts';
import type { Store } from '#store/actor.ts';

const everyMs = 3_600_000;
const pauseMs = 200;

export function keepRetention({ store, days, clock, log }: { store: Pick<Store, 'retain'>; days: number; clock: Clock; log: Log }): () => void {
  const stopping = new AbortController();
  let running = false;
  const run = async () => {
    if (running) return;
    running = true;
    try {
      const total = { bodies: 0, actors: 0, blobs: 0 };
      for (let more = true; more && !stopping.signal.aborted;) {
        const turn = await store.retain(clock.now() - days * 86_400_000, clock.now());
        for (const key of ['bodies', 'actors', 'blobs'] as const) total[key] += turn[key];
        more = turn.more;
        if (turn.bodies > 0) await clock.sleep(pauseMs);
      }
      if (total.bodies + total.actors + total.blobs > 0) log.info(total, 'what was too old has gone');
    } catch (error) {
      if (!stopping.signal.aborted) log.error(plainError(error), 'retention stopped half-way; it goes on in an hour');
    } finally {
      running = false;
    }
  };
  const stop = clock.every(everyMs, () => void run());
  void run();
  return () => {
    stopping.abort();
    stop();
  };
}
