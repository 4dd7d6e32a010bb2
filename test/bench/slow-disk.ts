// `--import` this file to have a disk that takes 2 ms longer to say that something is written: each COMMIT answers that much later, in
// the baseline as well. Workers inherit it, so the store's thread has it too.
import sqlite3 from 'sqlite3';

const slowerMs = 2;

type Run = (this: { sql?: string }, values: unknown, done: (this: unknown, error: Error | null) => void) => unknown;
const prototype = sqlite3.Statement.prototype as unknown as { run: Run };
const { run } = prototype;
prototype.run = function later(values, done) {
  if (this.sql !== 'COMMIT') return run.call(this, values, done);
  return run.call(this, values, function wait(this: unknown, error) {
    const dueMs = performance.now() + slowerMs;
    // A timer may be early by a part of a millisecond.
    const look = () => void (performance.now() < dueMs ? setTimeout(look, 1) : done.call(this, error));
    look();
  });
};
