// Time is a parameter everywhere; this is the real one. The simulated one is in the test kit.
export interface Clock {
  /** Milliseconds since 1970, wall clock. */
  now(): number;
  /** Runs `task` after `delayMs` (at most about 24 days); the answer cancels it. */
  after(delayMs: number, task: () => void): () => void;
  /** Runs `task` every `periodMs`; the answer stops it. */
  every(periodMs: number, task: () => void): () => void;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

const timerMsMax = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
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
