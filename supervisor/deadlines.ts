// The supervisor's watch: every deadline of the company (`after`, delayed sends, retries, reminders, expiry) is a row in the
// store with a due time. Here is the one clock that lets them go, and that tells the store how much time really passed, so that a
// clock that was set is noticed. Nothing is kept in memory that a restart would lose.
import type { SteadyClock } from '#actors/clock.ts';
import type { Log } from '#actors/log.ts';
import type { Registry } from '#actors/registry.ts';
import { plainError } from '#machines/errors.ts';

interface DeadlineStore {
  release(nowMs: number, watch: { elapsedMs: number; boot: string; effectful: string[] }): Promise<{ released: number; nextDueMs: number | null; jumpMs: number; held: number }>;
  onDeadline(task: (dueMs: number) => void): void;
}

export interface DeadlineOptions {
  store: DeadlineStore;
  clock: SteadyClock;
  log: Log;
  /** Types of actors whose timers wait for the operator when the clock jumped forward. */
  effectful?: string[];
  /** Told when the clock was set. */
  onJump?: (jumpMs: number) => void;
}

export interface Deadlines {
  /** Looks now: something may be due that was held. */
  look(): void;
  stop(): void;
}

/** The wall clock may be set: never sleep longer than this without looking at it again. */
const sleepMsMax = 60_000;
const retryMs = 1_000;

export async function watchDeadlines({ store, clock, log, effectful = [], onJump = () => {} }: DeadlineOptions): Promise<Deadlines> {
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
    const { released, nextDueMs, jumpMs, held } = await store.release(clock.now(), { elapsedMs: clock.elapsed(), boot: clock.boot, effectful });
    if (released > 0) log.debug({ released }, 'deadlines are due');
    if (jumpMs !== 0) log.warn({ jumpMs, held }, 'the clock was set');
    arm(nextDueMs ?? clock.now() + sleepMsMax);
    if (jumpMs !== 0) onJump(jumpMs);
  };

  store.onDeadline(arm);
  await release();
  return {
    look: () => arm(-Infinity),
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/** Actors that may do what happens at most once: send a mail, charge a card. */
export function effectfulTypes(registry: Registry): string[] {
  const once = new Set(registry.activities().filter((activity) => activity.once).map(({ name }) => name));
  return [...new Set(registry.list().filter(({ protocol }) => protocol.may?.act?.some((name) => once.has(name))).map(({ id }) => id))];
}
