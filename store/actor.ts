// The door to the store: starts its thread and talks to it.
import { Worker } from 'node:worker_threads';
import type { StorePort } from '#actors/store-port.ts';
import type { Committed } from '#machines/commit.ts';
import { codes, KeelsonError, type Code } from '#machines/errors.ts';
import type { ErasurePlan } from './erase.ts';
import type { Released, Watch } from './release.ts';
import type { Retained } from './retention.ts';
import type { Answer, Request, StoreOptions } from './protocol.ts';
import type { Remembered } from './vectors.ts';

export interface Store extends StorePort {
  epoch: number;
  /** Sends deadlines that are due at `nowMs`, at most 1,000; answers when the next one is. See store/release.ts for a clock that was set. */
  release(nowMs: number, watch?: Watch): Promise<Released>;
  /** Publishes again what was promised before `beforeMs` and is not applied. Answers how many. */
  republish(beforeMs: number): Promise<number>;
  /** Erases a person's rows, once per id; what is left to do is remembered until `finishErasure`. */
  erase(erasure: { id: string; subject: string }, nowMs: number): Promise<ErasurePlan>;
  /** Rewrites the file without the bytes of what was deleted. Throws STORE_FAILED while somebody reads an old state; each try waits two seconds for that. */
  finishErasure(id: string, tries?: number): Promise<void>;
  /** Empties the write-ahead log. Throws STORE_FAILED while somebody reads an old state. */
  emptyLog(): Promise<void>;
  openErasures(): Promise<ErasurePlan[]>;
  /** One turn of retention; it goes on where the last one stopped. */
  retain(beforeMs: number, nowMs: number): Promise<Retained>;
  /** Keeps vectors; false when what they are of has changed meanwhile. See store/vectors.ts. */
  remember(vectors: Remembered): Promise<boolean>;
  /** Drops the vectors of all models but these and the hashed one. Answers how many. */
  dropModels(keep: readonly string[]): Promise<number>;
  /** Called with the due time of each new deadline. */
  onDeadline(task: (dueMs: number) => void): void;
  /** Called when the store's thread dies by itself. */
  onExit(task: (error: KeelsonError) => void): void;
  close(): Promise<void>;
}

type Ask = Request extends infer R ? (R extends Request ? Omit<R, 'n'> : never) : never;

/** Starts the store on a data folder. Throws STORE_BUSY, STORE_TOO_NEW, BUS_DOWN, … */
export async function startStore(options: StoreOptions): Promise<Store> {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: options });
  const waiting = new Map<number, { resolve(value: never): void; reject(error: unknown): void }>();
  let outgoing: Request[] = [];
  let n = 0;
  let closed = false;
  const deadlineTasks: ((dueMs: number) => void)[] = [];
  const exitTasks: ((error: KeelsonError) => void)[] = [];

  const fail = (error: KeelsonError) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    if (!closed) for (const task of exitTasks) task(error);
    closed = true;
  };
  worker.on('error', (error: Error & { code?: string; hint?: string }) => {
    const known = error.code !== undefined && Object.hasOwn(codes, error.code);
    fail(known ? fromPlain({ code: error.code!, message: error.message, hint: error.hint! }) : new KeelsonError('STORE_STOPPED', `the store's thread failed: ${String(error)}`, { cause: error }));
  });
  worker.on('exit', () => fail(new KeelsonError('STORE_STOPPED', 'the store has stopped')));
  worker.on('message', (answers: Answer[]) => {
    for (const answer of answers) {
      if (answer.dueMs !== undefined) {
        for (const task of deadlineTasks) task(answer.dueMs);
        continue;
      }
      const entry = waiting.get(answer.n);
      waiting.delete(answer.n);
      if (answer.error) entry?.reject(fromPlain(answer.error));
      else entry?.resolve(answer.result as never);
    }
  });
  const wait = <T>(key: number) => new Promise<T>((resolve, reject) => waiting.set(key, { resolve, reject }));
  const ask = <T>(request: Ask): Promise<T> => {
    if (closed) return Promise.reject(new KeelsonError('STORE_STOPPED', 'the store has stopped'));
    outgoing.push({ ...request, n: ++n });
    if (outgoing.length === 1) {
      setImmediate(() => {
        worker.postMessage(outgoing);
        outgoing = [];
      });
    }
    return wait<T>(n);
  };

  const epoch = await wait<number>(0).catch(async (error: unknown) => {
    closed = true;
    await worker.terminate();
    throw error;
  });
  let closing: Promise<void> | undefined;
  const shutDown = async () => {
    if (closed) return;
    await ask({ op: 'close' });
    closed = true;
    await worker.terminate();
  };
  return {
    epoch,
    async commit(commit) {
      const answer = await ask<Committed>({ op: 'commit', commit });
      if (answer.outcome === 'written') for (const { dueMs } of commit.sends) if (dueMs !== undefined) for (const task of deadlineTasks) task(dueMs);
      return answer;
    },
    load: (address) => ask({ op: 'query', name: 'record', args: { address } }),
    query: (name, args) => ask({ op: 'query', name, args }),
    release: (nowMs, watch) => ask({ op: 'release', nowMs, watch }),
    erase: (erasure, nowMs) => ask({ op: 'erase', erasure, nowMs }),
    finishErasure: (id, tries) => ask({ op: 'finishErasure', id, tries }),
    emptyLog: () => ask({ op: 'emptyLog' }),
    openErasures: () => ask({ op: 'openErasures' }),
    retain: (beforeMs, nowMs) => ask({ op: 'retain', beforeMs, nowMs }),
    remember: (vectors) => ask({ op: 'remember', vectors }),
    dropModels: (keep) => ask({ op: 'dropModels', keep }),
    republish: (beforeMs) => ask({ op: 'republish', beforeMs }),
    onDeadline: (task) => void deadlineTasks.push(task),
    onExit: (task) => void exitTasks.push(task),
    close: () => (closing ??= shutDown()),
  };
}

function fromPlain({ code, message, hint }: NonNullable<Answer['error']>): KeelsonError {
  return Object.hasOwn(codes, code) ? new KeelsonError(code as Code, message, { hint }) : new KeelsonError('STORE_FAILED', `${code}: ${message}`);
}
