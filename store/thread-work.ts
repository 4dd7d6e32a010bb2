// The store actor: a thread of its own, so that waiting for the disk and making JSON stay off the hosts' loop. Requests and
// answers cross in batches, one post per turn.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import pino from 'pino';
import { connectBus } from '#actors/bus-nats.ts';
import { startQueryService } from '#actors/bus-service.ts';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import type { Commit } from '#machines/commit.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { createCommitter } from './commit.ts';
import { openDatabase } from './database.ts';
import { emptyLog, erase, findSubject, finishErasure, openErasures } from './erase.ts';
import { createFeed } from './feed.ts';
import { checkIntegrity } from './integrity.ts';
import { takeLock } from './lock.ts';
import { migrate } from './migrate.ts';
import { createRelay } from './outbox.ts';
import { claimPast } from './past.ts';
import type { Answer, Request, StoreOptions } from './protocol.ts';
import { queries, runQuery } from './queries.ts';
import { release } from './release.ts';
import { retain } from './retention.ts';
import { createRules } from './rules.ts';
import { runSetting, writeSetting } from './setting.ts';
import { serveStore } from './service.ts';
import { createTriggers, putInForce } from './triggers.ts';
import { dropModels, remember } from './vectors.ts';

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
  await writer.exec('PRAGMA wal_checkpoint(TRUNCATE)'); // what a killed erasure left in the log
  await migrate(writer);
  await writeSetting(writer, runSetting, { dryRun: options.dryRun === true });
  const reader = await openDatabase(file, { readOnly: true });
  const bus = await connectBus({ ...options.bus, name: 'store', clock: systemClock, log });
  const epoch = await claimPast(writer, bus, log);
  const relay = createRelay(writer, bus, log);
  const [{ head } = { head: 0 }] = await writer.all<{ head: number }>('SELECT coalesce(max(seq), 0) AS head FROM journal');
  const feed = createFeed(bus, head, log);
  const triggers = options.triggers ?? [];
  const committer = await createCommitter(writer, epoch, {
    onWritten(accepted) {
      relay.publish(accepted);
      // After the answers of this group: somebody waits for those.
      setImmediate(() => feed.announce(accepted));
    },
    triggered: createTriggers(triggers, log),
    caps: options.caps ?? null,
    budgets: options.budgets ?? null,
    ...(options.permissions ? { check: createRules(options.permissions) } : {}),
  });
  await putInForce({ database: writer, committer, triggers, nowMs: systemClock.now() });
  const service = await startQueryService({ ...options.bus, names: Object.keys(queries), query: (name, args) => runQuery(reader, name, args), clock: systemClock, makeId: randomId, log });
  let answers: Answer[] = [];
  const answer = (a: Answer) => {
    answers.push(a);
    if (answers.length > 1) return;
    queueMicrotask(() => {
      port.postMessage(answers);
      answers = [];
    });
  };
  feed.remind();
  const republish = (beforeMs: number) => {
    committer.exclusively(() => relay.republish(beforeMs)).then(
      (count) => count > 0 && log.info({ count }, 'published again what was not applied yet'),
      (error: unknown) => log.error(plainError(error), 'republishing failed'),
    );
  };
  bus.onReconnect(() => {
    republish(systemClock.now());
    feed.remind();
  });
  const stopSweep = systemClock.every(republishAfterMs, () => {
    republish(systemClock.now() - republishAfterMs);
    feed.remind();
  });

  const perform = async (request: Request): Promise<unknown> => {
    switch (request.op) {
      case 'commit':
        return committer.commit(request.commit);
      case 'query':
        return runQuery(reader, request.name, request.args);
      case 'release':
        return release(writer, committer, relay, request);
      case 'republish':
        return committer.exclusively(() => relay.republish(request.beforeMs));
      case 'erase':
        return erase(writer, committer, { id: request.erasure.id, ...(await findSubject(writer, request.erasure.subject)) }, request.nowMs);
      case 'finishErasure':
        return finishErasure(writer, committer, request.id, request.tries);
      case 'emptyLog':
        return emptyLog(writer, committer, 1);
      case 'retain':
        return retain(writer, committer, request);
      case 'remember':
        return remember(writer, committer, request.vectors);
      case 'dropModels':
        return dropModels(writer, committer, request.keep);
      case 'openErasures':
        return openErasures(writer);
      case 'close':
        stopSweep();
        return committer.exclusively(async () => {
          await calls.stop();
          await service.stop();
          await bus.close();
          await writer.exec('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => {});
          await Promise.all([writer.close(), reader.close(), lock.close()]);
        });
    }
  };
  /** Superseded by another store, or the file is damaged: this one must not go on as if it could write. */
  const giveUp = async (error: KeelsonError) => {
    // A thread that ends while the driver is at work takes the whole process with it.
    await Promise.allSettled([writer.close(), reader.close()]);
    setImmediate(() => { throw error; });
  };
  /** What other processes commit may hold deadlines too; the one clock that watches them is beside this thread. */
  const commitFromOutside = async (commit: Commit) => {
    try {
      const answered = await committer.commit(commit);
      const dueMs = Math.min(...commit.sends.map((message) => message.dueMs ?? Infinity));
      if (answered.outcome === 'written' && dueMs !== Infinity) answer({ n: 0, dueMs });
      return answered;
    } catch (error) {
      if (!mustEnd(error)) throw error;
      void giveUp(error);
      throw new KeelsonError('STORE_FAILED', 'this store cannot write any more', { cause: error });
    }
  };
  const [counter] = await writer.all<{ incarnation: string }>('SELECT incarnation FROM counter');
  const calls = await serveStore({ ...options.bus, incarnation: counter!.incarnation, commit: commitFromOutside, query: (name, args) => runQuery(reader, name, args), log });
  port.on('message', (requests: Request[]) => {
    for (const request of requests) {
      perform(request).then(
        (result) => answer({ n: request.n, result }),
        (error: unknown) => {
          answer({ n: request.n, error: toAnswer(error) });
          if (mustEnd(error)) void giveUp(error);
        },
      );
    }
  });
  port.postMessage([{ n: 0, result: epoch }] satisfies Answer[]);
}

start().catch((error: unknown) => port.postMessage([{ n: 0, error: toAnswer(error) }] satisfies Answer[]));

const mustEnd = (error: unknown): error is KeelsonError => error instanceof KeelsonError && (error.code === 'STALE_EPOCH' || error.code === 'STORE_DAMAGED');

function toAnswer(error: unknown): Answer['error'] {
  return error instanceof KeelsonError ? { ...plainError(error), hint: error.hint } : plainError(error);
}
