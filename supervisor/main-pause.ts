// The whole company stands still while the file `paused` is in its folder: nothing is hosted, no job runs, no deadline is let go.
// What comes meanwhile waits on the bus and in the store. Reading, erasing and backups go on.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTurns } from '#actors/in-turn.ts';
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

export interface PausableOptions {
  dataDir: string;
  /** Answers what stops it. */
  start(): Promise<() => Promise<void>>;
  /** Keeps in the journal what the operator decided. */
  record(outcome: 'paused' | 'resumed', reason: string): Promise<unknown>;
  log: Log;
}

/** Starts the work unless it was paused before. */
export async function startPausable({ dataDir, start, record, log }: PausableOptions): Promise<Pausable> {
  const file = fileIn(dataDir);
  const paused = () => (existsSync(file) ? readFileSync(file, 'utf8') : null);
  let stopWork = paused() === null ? await start() : null;
  const inTurn = createTurns();
  const end = async () => {
    const stop = stopWork;
    stopWork = null;
    await stop?.();
  };
  return {
    pause: (reason) => inTurn(async () => {
      if (paused() !== null) throw new KeelsonError('REFUSED', 'the company is paused already', { hint: 'Go on with `keelson resume`.' });
      await record('paused', reason);
      // First the file: a crash in between leaves it paused, which can be seen and undone.
      writeFileSync(file, reason, { mode: 0o600, flush: true });
      await end();
      log.warn({ reason }, 'the company is paused');
      return { paused: true, reason };
    }),
    resume: () => inTurn(async () => {
      if (paused() === null) throw new KeelsonError('REFUSED', 'the company is not paused', { hint: 'See what runs with `keelson ps`.' });
      await record('resumed', '');
      stopWork ??= await start();
      rmSync(file, { force: true });
      log.info('the company goes on');
      return { paused: false, reason: null };
    }),
    paused,
    stop: () => inTurn(end),
  };
}
