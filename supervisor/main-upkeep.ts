// Long work on the database file beside the running server: each task gets a thread of its own, reads the file, and holds up neither the
// store nor those who wait for an answer.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Tested } from '#connectors/console/policy-view.ts';
import { codes, KeelsonError, type Code } from '#machines/errors.ts';
import type { Backup } from '#store/backup.ts';
import type { Exported } from '#store/export.ts';
import type { Verdict } from '#store/verify.ts';
import { headsFile } from './main-heads.ts';

export type Task = { dataDir: string; nowMs: number } & ({ do: 'verify'; heads: string } | { do: 'export'; dir: string } | { do: 'backup'; file: string } | { do: 'policies'; files: { id: string; text: string }[] });
export type Finished = { result: unknown } | { error: { code: string; message: string; hint: string } };

export interface Upkeep {
  /** What `keelson audit verify` says. Whoever asks while it runs gets the answer of that run. */
  verify(): Promise<Verdict>;
  /** Into a new folder of `exports/` in the company folder. */
  export(): Promise<Exported>;
  /** As a new file of `backups/` in the company folder. */
  backup(): Promise<Backup>;
  /** What a draft of the policies would have answered in the past. Throws BAD_CONFIG with file and line. */
  testPolicies(files: { id: string; text: string }[]): Promise<Tested>;
  stop(): Promise<void>;
}

type Work = Task extends infer T ? (T extends Task ? Omit<T, 'dataDir' | 'nowMs'> : never) : never;

export function createUpkeep({ dataDir, auditHeads, now }: { dataDir: string; auditHeads: string | undefined; now(): number }): Upkeep {
  const threads = new Set<Worker>();
  const inHand = new Map<string, Promise<unknown>>();

  const run = <T>(work: Work): Promise<T> => new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./main-upkeep-thread.ts', import.meta.url), { workerData: { ...work, dataDir, nowMs: now() } });
    threads.add(thread);
    thread.once('message', (finished: Finished) => {
      if ('result' in finished) return resolve(finished.result as T);
      const { code, message, hint } = finished.error;
      return reject(new KeelsonError(Object.hasOwn(codes, code) ? (code as Code) : 'STORE_FAILED', message, hint === '' ? {} : { hint }));
    });
    thread.once('error', reject);
    thread.once('exit', () => {
      threads.delete(thread);
      reject(new KeelsonError('STORE_STOPPED', 'the work was not finished'));
    });
  });
  /** One of a kind at a time: they read all of the file. */
  const once = <T>(work: () => Work): Promise<T> => {
    const { do: what } = work();
    const running = inHand.get(what) ?? run<T>(work()).finally(() => inHand.delete(what));
    inHand.set(what, running);
    return running as Promise<T>;
  };
  /** `2026-11-23-1`, one more than there is. */
  const nextIn = (folder: string) => {
    mkdirSync(join(dataDir, folder), { recursive: true, mode: 0o700 });
    const day = new Date(now()).toISOString().slice(0, 10);
    const taken = readdirSync(join(dataDir, folder)).map((name) => Number(name.startsWith(`${day}-`) ? /^\d+/.exec(name.slice(day.length + 1)) : 0));
    return join(dataDir, folder, `${day}-${Math.max(0, ...taken) + 1}`);
  };

  return {
    verify: () => once(() => ({ do: 'verify', heads: headsFile(dataDir, auditHeads) })),
    export: () => once(() => ({ do: 'export', dir: nextIn('exports') })),
    backup: () => once(() => ({ do: 'backup', file: `${nextIn('backups')}.db` })),
    testPolicies: (files) => run({ do: 'policies', files }),
    async stop() {
      await Promise.all([...threads].map((thread) => thread.terminate()));
    },
  };
}
