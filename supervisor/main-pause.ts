// The whole company stands still while the file `paused` is in its folder: nothing is hosted, no job runs, no deadline is let go.
// What comes meanwhile waits on the bus and in the store. Reading, erasing and backups go on.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '#actors/log.ts';
import { KeelsonError } from '#machines/errors.ts';

export interface Pausable {
  pause(reason: string): Promise<Paused>;
  resume(): Promise<Paused>;
  paused(): string | null;
  stop(): Promise<void>;
}
export interface Paused { paused: boolean; reason: string | null }

const fileIn = (dataDir: string) => join(dataDir, 'paused');
export const isPaused = (dataDir: string): boolean => existsSync(fileIn(dataDir));

/** Starts the work unless it was paused before. `start` answers what stops it. */
export async function startPausable(dataDir: string, start: () => Promise<() => Promise<void>>, log: Log): Promise<Pausable> {
  const file = fileIn(dataDir);
  const paused = () => (existsSync(file) ? readFileSync(file, 'utf8') : null);
  let stopWork = paused() === null ? await start() : null;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work);
    turn = mine.catch(() => {});
    return mine;
  };
  const end = async () => {
    const stop = stopWork;
    stopWork = null;
    await stop?.();
  };
  return {
    pause: (reason) => inTurn(async () => {
      if (paused() !== null) throw new KeelsonError('REFUSED', 'the company is paused already', { hint: 'Go on with `keelson resume`.' });
      // First the file: a crash in between leaves it paused, which can be seen and undone.
      writeFileSync(file, reason, { mode: 0o600, flush: true });
      await end();
      log.warn({ reason }, 'the company is paused');
      return { paused: true, reason };
    }),
    resume: () => inTurn(async () => {
      if (paused() === null) throw new KeelsonError('REFUSED', 'the company is not paused', { hint: 'See what runs with `keelson ps`.' });
      stopWork ??= await start();
      rmSync(file, { force: true });
      log.info('the company goes on');
      return { paused: false, reason: null };
    }),
    paused,
    stop: () => inTurn(end),
  };
}
