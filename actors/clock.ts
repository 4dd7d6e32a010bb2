// Time is a parameter everywhere; this is the real one. The simulated one is in the test kit.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

export interface Clock {
  /** Milliseconds since 1970, wall clock. */
  now(): number;
  /** Runs `task` after `delayMs` (at most about 24 days); the answer cancels it. */
  after(delayMs: number, task: () => void): () => void;
  /** Runs `task` every `periodMs`; the answer stops it. */
  every(periodMs: number, task: () => void): () => void;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Knows besides how much time really passed, so that a wall clock that was set can be noticed. */
export interface SteadyClock extends Clock {
  /**
   * Milliseconds since the computer was started. Setting the wall clock does not move it. The time that a laptop is asleep counts,
   * so a sleep is no jump; a virtual machine that its host stops does not see that time, so that is one.
   */
  elapsed(): number;
  /** Names the start of the computer that `elapsed` counts from. */
  boot: string;
}

const timerMsMax = 2_147_483_647;

/** Linux names each start of the computer; elsewhere only readings of one process can be compared. */
function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return randomUUID();
  }
}

export const systemClock: SteadyClock = {
  now: () => Date.now(),
  elapsed: () => Math.round(uptime() * 1_000),
  boot: readBoot(),
  after(delayMs, task) {
    const timer = setTimeout(task, Math.min(Math.max(delayMs, 0), timerMsMax));
    return () => clearTimeout(timer);
  },
  every(periodMs, task) {
    const timer = setInterval(task, periodMs);
    return () => clearInterval(timer);
  },
  sleep(delayMs, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(done, delayMs);
      function done() {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      }
      signal?.addEventListener('abort', done);
    });
  },
};
