// The supervisor's watch: every deadline of the company (`after`, delayed sends, retries, reminders, expiry) is a row in the
// store with a due time. Here is the one clock that lets them go. Nothing is kept in memory that a restart would lose.
import type { Clock } from '#actors/clock.ts';
import type { Log } from '#actors/log.ts';
import { plainError } from '#machines/errors.ts';

interface DeadlineStore {
  release(nowMs: number): Promise<{ released: number; nextDueMs: number | null }>;
  onDeadline(task: (dueMs: number) => void): void;
}

/** The wall clock may be set: never sleep longer than this without looking at it again. */
const sleepMsMax = 60_000;
const retryMs = 1_000;

export async function watchDeadlines({ store, clock, log }: { store: DeadlineStore; clock: Clock; log: Log }): Promise<{ stop(): void }> {
  let armedFor = Infinity;
  let cancel = () => {};
  let stopped = false;

  const arm = (dueMs: number) => {
    if (stopped || dueMs >= armedFor) return;
    cancel();
    armedFor = dueMs;
    cancel = clock.after(Math.min(Math.max(dueMs - clock.now(), 0), sleepMsMax), () => {
      armedFor = Infinity;
      release().catch((error: unknown) => {
        log.error(plainError(error), 'could not release deadlines');
        arm(clock.now() + retryMs);
      });
    });
  };
  const release = async () => {
    if (stopped) return;
    const { released, nextDueMs } = await store.release(clock.now());
    if (released > 0) log.debug({ released }, 'deadlines are due');
    arm(nextDueMs ?? clock.now() + sleepMsMax);
  };

  store.onDeadline(arm);
  await release();
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}
