// The store actor: a thread of its own, so that waiting for the disk and making JSON stay off the hosts' loop. Requests and
// answers cross in batches, one post per turn.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import pino from 'pino';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock } from '#actors/clock.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { createCommitter } from './commit.ts';
import { openDatabase } from './database.ts';
import { checkIntegrity } from './integrity.ts';
import { nextEpoch, takeLock } from './lock.ts';
import { migrate } from './migrate.ts';
import { createRelay } from './outbox.ts';
import type { Answer, Request, StoreOptions } from './protocol.ts';
import { runQuery } from './queries.ts';
import { createRules } from './rules.ts';

const options = workerData as StoreOptions;
const port = parentPort!;
const log = pino({ name: 'store', level: options.logLevel }, pino.destination({ dest: options.logFile, sync: true }));
/** A message that was published and not applied after this time is published again; the bus drops it when it has it still. */
const republishAfterMs = 15_000;

async function start() {
  const lock = await takeLock(options.dataDir);
  const file = join(options.dataDir, 'keelson.db');
  const writer = await openDatabase(file);
  await checkIntegrity(writer);
  await migrate(writer);
  const epoch = await nextEpoch(writer);
  const reader = await openDatabase(file, { readOnly: true });
  const bus = await connectBus({ ...options.bus, name: 'store', clock: systemClock, log });
  const relay = createRelay(writer, bus, log);
  const committer = await createCommitter(writer, epoch, { onWritten: relay.publish, ...(options.permissions ? { check: createRules(options.permissions) } : {}) });
  const republish = (beforeMs: number) => {
    committer.exclusively(() => relay.republish(beforeMs)).then(
      (count) => count > 0 && log.info({ count }, 'published again what was not applied yet'),
      (error: unknown) => log.error(plainError(error), 'republishing failed'),
    );
  };
  bus.onReconnect(() => republish(systemClock.now()));
  const stopSweep = systemClock.every(republishAfterMs, () => republish(systemClock.now() - republishAfterMs));

  let answers: Answer[] = [];
  const answer = (a: Answer) => {
    answers.push(a);
    if (answers.length > 1) return;
    setImmediate(() => {
      port.postMessage(answers);
      answers = [];
    });
  };
  const perform = async (request: Request): Promise<unknown> => {
    switch (request.op) {
      case 'commit':
        return committer.commit(request.commit);
      case 'query':
        return runQuery(reader, request.name, request.args);
      case 'release':
        return committer.exclusively(() => relay.release(request.nowMs));
      case 'republish':
        return committer.exclusively(() => relay.republish(request.beforeMs));
      case 'close':
        stopSweep();
        return committer.exclusively(async () => {
          await bus.close();
          await writer.exec('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => {});
          await Promise.all([writer.close(), reader.close(), lock.close()]);
        });
    }
  };
  port.on('message', (requests: Request[]) => {
    for (const request of requests) {
      perform(request).then(
        (result) => answer({ n: request.n, result }),
        (error: unknown) => {
          answer({ n: request.n, error: toAnswer(error) });
          // Superseded by another store, or the file is damaged. This one must not go on as if it could write.
          if (error instanceof KeelsonError && (error.code === 'STALE_EPOCH' || error.code === 'STORE_DAMAGED')) setImmediate(() => setImmediate(() => { throw error; }));
        },
      );
    }
  });
  port.postMessage([{ n: 0, result: epoch }] satisfies Answer[]);
}

start().catch((error: unknown) => port.postMessage([{ n: 0, error: toAnswer(error) }] satisfies Answer[]));

function toAnswer(error: unknown): Answer['error'] {
  return error instanceof KeelsonError ? { ...plainError(error), hint: error.hint } : plainError(error);
}
