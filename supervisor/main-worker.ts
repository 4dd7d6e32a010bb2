// A second process of a company: it hosts machines and runs jobs like the first, over the bus, without a store, HTTP or deadlines. It
// may be killed at any moment; what it had in hand is done again by another.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock } from '#actors/clock.ts';
import { connectStore } from '#actors/store-client.ts';
import { readPolicies } from '#connectors/knowledge.ts';
import { actionsOf } from '#connectors/policy-schema.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { createMachines, loadAgents } from './agents.ts';
import { readToken, type RunFile } from './company.ts';
import { companyToken, type Config } from './config.ts';
import { openConnectors } from './main-connectors.ts';
import { openModels } from './main-models.ts';
import { startParts } from './main-parts.ts';
import { isPaused } from './main-pause.ts';

export interface WorkerRun { event: 'ready'; role: 'worker'; pid: number; data: string; nats: string; company: string }
export interface WorkerProcess {
  run: WorkerRun;
  stop(): Promise<void>;
  /** Resolves with the reason when the worker cannot go on. */
  failed: Promise<KeelsonError>;
}

const lookMs = 1_000;
/** The server may be started again; after this time it is somebody's business to start this worker again as well. */
const awayMsMax = 60_000;
/** What is in hand is finished; what then hangs is delivered again elsewhere. */
const stopMsMax = 5_000;

/** Joins the running server of the folder. Throws NOT_RUNNING, BUS_DOWN, STORE_FAILED, … */
export async function startWorkerProcess(given: Config, { natsUrl, say }: { natsUrl: string | null; say: (line: string) => void }): Promise<WorkerProcess> {
  const { dataDir } = given;
  const clock = systemClock;
  const log = pino({ name: `worker ${process.pid}`, level: given.logLevel, redact: ['token'] }, pino.destination({ dest: join(dataDir, 'worker.log'), sync: true, mode: 0o600 }));
  const connection = { url: natsUrl ?? urlOfServer(dataDir), token: readToken(dataDir), company: companyToken(given.company) };
  const agents = await loadAgents(dataDir);
  const registry = createMachines(agents.machines);
  const { promise: failed, resolve: fail } = Promise.withResolvers<KeelsonError>();

  const store = await connectStore({ ...connection, name: 'worker store', clock, onOtherPast: fail });
  const runsDry = async () => ((await store.query('effects', {})) as { dryRun: boolean }).dryRun;
  // What runs dry runs dry everywhere. The gate asks the store each time; the model has no gate.
  const dryRun = await runsDry();
  const config = { ...given, dryRun, model: dryRun ? null : given.model };
  const bus = await connectBus({ ...connection, name: 'worker', clock, log });
  const connectors = await openConnectors({ config, store });
  const policies = readPolicies(store, actionsOf(connectors));
  const models = openModels({ config, store, clock, log });
  const startWork = async () => {
    const parts = await startParts({ config, bus, store, registry, connectors, policies, activities: agents.activities, clock, log, role: 'worker', models: models.activities });
    return parts.stop;
  };

  let stopWork: (() => Promise<void>) | null = null;
  let wasPaused: boolean | null = null;
  /** The operator pauses the whole company, workers included. */
  const obeyPause = async () => {
    const paused = isPaused(dataDir);
    if (paused === wasPaused) return;
    const stop = stopWork;
    stopWork = paused ? null : await startWork();
    await stop?.();
    if (paused) say('The company is paused: this worker does nothing until `keelson resume`.');
    else if (wasPaused) say('This worker goes on.');
    wasPaused = paused;
  };
  let awaySinceMs: number | null = null;
  const lookForStore = async () => {
    try {
      if ((await runsDry()) !== dryRun) return fail(new KeelsonError('NOT_RUNNING', `the server of ${dataDir} runs ${dryRun ? 'in earnest' : 'dry'} now, and this worker did not`, { hint: 'Start this worker again.' }));
      if (awaySinceMs !== null) say('The server is back.');
      awaySinceMs = null;
    } catch (error) {
      log.warn(plainError(error), 'the store is away');
      if (awaySinceMs === null) say('The server is away; this worker waits for it.');
      awaySinceMs ??= clock.now();
      if (clock.now() - awaySinceMs > awayMsMax) fail(new KeelsonError('NOT_RUNNING', `the server of ${dataDir} has been away for more than ${awayMsMax / 1_000} s`, { hint: 'Start the server with `keelson up`, then this worker.' }));
    }
  };
  const ended = new AbortController();
  const lookAround = async () => {
    for (;;) {
      await clock.sleep(lookMs, ended.signal);
      if (ended.signal.aborted) return;
      await lookForStore();
      await obeyPause().catch((error: unknown) => log.error(plainError(error), 'this worker could not stop or start its work'));
    }
  };
  const stop = async () => {
    ended.abort();
    const leave = async () => {
      await stopWork?.();
      await bus.close();
      await store.close();
    };
    let cancel = () => {};
    const late = new Promise<void>((resolve) => { cancel = clock.after(stopMsMax, resolve); });
    await Promise.race([late, leave().catch((error: unknown) => log.error(plainError(error), 'this worker did not stop cleanly'))]);
    cancel();
  };
  try {
    await obeyPause();
  } catch (error) {
    await stop();
    throw error;
  }
  void lookAround();
  const run: WorkerRun = { event: 'ready', role: 'worker', pid: process.pid, data: dataDir, nats: connection.url, company: connection.company };
  log.info(run, 'ready');
  return { run, stop, failed };
}

function serverRun(dataDir: string): RunFile | null {
  const file = join(dataDir, 'run.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunFile) : null;
}

function urlOfServer(dataDir: string): string {
  const run = serverRun(dataDir);
  if (!run) throw new KeelsonError('NOT_RUNNING', `no server is running for ${dataDir}`, { hint: 'Start it with `keelson up`, or name its bus: keelson up --role worker --nats URL' });
  return run.nats;
}
