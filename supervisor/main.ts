// The composition root: the only place that constructs the parts and joins them.
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import pino from 'pino';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import type { Listen } from '#connectors/console/listen.ts';
import { openCalendar } from '#connectors/cron.ts';
import { readPolicies } from '#connectors/knowledge.ts';
import { receiveMail } from '#connectors/mail/intake.ts';
import { actionsOf } from '#connectors/policy-schema.ts';
import { createThrottle } from '#connectors/throttle.ts';
import { emptyCommit } from '#machines/commit.ts';
import { machineKey } from '#machines/define.ts';
import { plainError, type KeelsonError } from '#machines/errors.ts';
import { scheduleMachine } from '#machines/agents/schedule.ts';
import { mailMachine } from '#machines/pipelines/mail.ts';
import { assertTriggers, parseTrigger } from '#machines/triggers.ts';
import { startStore } from '#store/actor.ts';
import type { KnownHead } from '#store/verify.ts';
import { createMachines, loadAgents, permissionsOf } from './agents.ts';
import { toBudgets } from './budget-settings.ts';
import { readLibrary, readToken, readTriggers, removeRunFile, writeRunFile, type RunFile } from './company.ts';
import { companyToken, type Config } from './config.ts';
import { effectfulTypes, watchDeadlines, type Deadlines } from './deadlines.ts';
import { mailSettings } from './mail-settings.ts';
import { keepBudgets } from './main-budgets.ts';
import { outsideOf, type ErasureParts } from './main-erasure.ts';
import { erasedCopy, headsFile, writeHeads } from './main-heads.ts';
import { followInbox } from './main-inbox.ts';
import { startOperatorSide } from './main-console.ts';
import { keepMemory, openEmbedders } from './main-memory.ts';
import { readModels } from './main-model-settings.ts';
import { openModels } from './main-models.ts';
import { superviseNats } from './main-nats.ts';
import { openConnectors, openPaymentHook } from './main-connectors.ts';
import { openAuthentication, openNotify } from './main-outside.ts';
import { startParts } from './main-parts.ts';
import { startPausable } from './main-pause.ts';
import { startPolicies } from './main-policies.ts';
import { startPrompts } from './main-prompts.ts';
import { keepRetention } from './main-retention.ts';
import { runThresholds } from './main-quality.ts';
import { buildTriggers, standingMachines, startStanding } from './main-standing.ts';
import { watchStuck } from './main-supervisor.ts';
import { startErasing } from './main-unfinished.ts';
import { keepSchedules, readSchedules } from './schedules.ts';

export interface Server {
  run: RunFile;
  /** A link that signs a browser in, once. */
  signInLink(): string;
  receive(raw: Uint8Array, source: string): Promise<unknown>;
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  stop(): Promise<void>;
  /** Resolves with the reason when the server cannot go on. */
  failed: Promise<KeelsonError>;
}

const smtpMissing = 'no KEELSON_SMTP_URL: approved mail is written to outbox/ and not sent';

export async function startServer(config: Config, { port, listen, natsUrl, inspect = false, say }: { port: number; listen?: Listen; natsUrl: string | null; inspect?: boolean; say: (line: string) => void }): Promise<Server> {
  const { dataDir, company } = config;
  const clock = systemClock;
  readModels(config); // a fault in it is named before anything starts
  const token = readToken(dataDir);
  const log = pino({ level: config.logLevel, redact: ['token'] }, pino.destination({ dest: join(dataDir, 'keelson.log'), sync: true, mode: 0o600 }));
  const nats = await superviseNats({ dataDir, token, natsUrl, clock, log, say });
  const connection = { url: nats.url, token, company: companyToken(company) };
  const stops: (() => unknown)[] = [nats.stop];
  const stop = async () => {
    for (const task of stops.splice(0).toReversed()) {
      try {
        await task();
      } catch (error) {
        log.error(plainError(error), 'a part did not stop cleanly');
      }
    }
  };

  try {
    const agents = await loadAgents(dataDir);
    const registry = createMachines(agents.machines);
    const triggers = [...buildTriggers.map(parseTrigger), ...readTriggers(dataDir)];
    assertTriggers(triggers, registry.list().map(({ key }) => key));
    const schedules = await readSchedules(dataDir, { registry, openCalendar, nowMs: clock.now() });
    const store = await startStore({ dataDir, bus: connection, logFile: join(dataDir, 'store.log'), logLevel: config.logLevel, permissions: permissionsOf(registry), caps: company.caps, budgets: toBudgets(company.budgets), triggers, dryRun: config.dryRun });
    stops.push(store.close);
    const failed = new Promise<KeelsonError>((resolve) => {
      store.onExit(resolve);
      nats.onGivenUp(resolve);
    });
    const known = (await Promise.all(['template', 'trigger', 'rule'].map((artifactKind) => store.query('contents', { artifactKind })))).flat() as { id: string; hash: string }[];
    const library = readLibrary(dataDir, new Map(known.map(({ id, hash }) => [id, hash])), `library:${randomId()}`, clock.now());
    if (library) await store.commit(library);
    const bus = await connectBus({ ...connection, name: 'host', clock, log });
    stops.push(bus.close);

    const connectors = await openConnectors({ config, store });
    const actions = actionsOf(connectors);
    const policies = readPolicies(store, actions);
    await startPolicies({ dataDir, store, actions, read: policies, clock, makeId: randomId, say });
    await startPrompts({ dataDir, store, clock, makeId: randomId, say });
    for (const machine of standingMachines) await startStanding(store, machine, clock.now());
    const scheduling = await keepSchedules({ store, schedules, openCalendar, clock, makeId: randomId, onError: (error) => log.error(plainError(error), 'could not look at the schedules') });
    stops.push(scheduling.stop);
    // What a schedule starts may act outside.
    const effectful = [...effectfulTypes(registry), scheduleMachine.id];
    let deadlines: Deadlines | undefined;
    const throttle = createThrottle({ clock });
    const models = openModels({ config, store, clock, log });
    const recordPause = (outcome: string, reason: string) => store.commit({
      ...emptyCommit(`pause:${randomId()}`, clock.now(), 'operator/desk', { company: outcome, reason }),
      decisions: [{ what: 'company', outcome, confidence: null, reasons: reason === '' ? [] : [reason], evidence: [], policy: null, model: null, costMicros: null }],
    });
    const start = async () => {
      const parts = await startParts({ config, bus, store, registry, connectors, policies, activities: agents.activities, clock, log, role: 'all', throttle, models: models.activities });
      const watch = deadlines = await watchDeadlines({ store, clock, log, effectful, onJump: scheduling.look });
      return async () => {
        watch.stop();
        await parts.stop();
      };
    };
    const work = await startPausable({ dataDir, start, record: recordPause, log });
    stops.push(work.stop);
    // What was promised before the last stop and is not applied: the bus may have lost it.
    const again = await store.republish(clock.now());
    if (again > 0) say(`${again} messages from before the last stop go on`);
    if (work.paused() !== null) say('The company is paused: nothing is done until `keelson resume`.');

    const receiving = { store, clock, machine: machineKey(mailMachine), company: mailSettings(config, { useModel: Object.keys(models.settings.tiers).length > 0 }) };
    const measured = async () => ({ ...receiving, company: { ...receiving.company, thresholds: await runThresholds(store, company) } });
    const receive = async (raw: Uint8Array, source: string) => receiveMail(raw, { ...(await measured()), source });
    const erasure: ErasureParts = {
      dataDir, outside: outsideOf(config), erasedCopy: erasedCopy(dataDir, company.auditHeads), now: clock.now,
      openErasures: store.openErasures,
      eraseRows: (request) => store.erase(request, clock.now()),
      finishRows: store.finishErasure,
      async purgeBus() {
        await bus.purge();
        await store.republish(clock.now());
      },
    };
    const erasing = await startErasing({ erasure, finishRowsNow: (id) => store.finishErasure(id, 1), assertUnread: store.emptyLog, clock, log, say });
    stops.push(erasing.stop);
    const web = await startOperatorSide({
      config, port, ...(listen ? { listen } : {}), inspect, token, store, bus, registry, connectors, actions, pausing: work, erase: erasing.erase, receiveMail: receive, models, mailRun: { machine: receiving.machine, company: receiving.company },
      paymentHook: await openPaymentHook({ config, store, clock }), onClockAnswered: () => deadlines?.look(), circuits: throttle.circuits, clock, log,
    });
    stops.push(web.stop);
    stops.push(watchStuck({ store, registry, clock, log }));
    stops.push(keepMemory({ store, bus, embedders: await openEmbedders({ gateway: models.gateway, store, clock }), paused: () => work.paused() !== null, clock, log }).stop);
    stops.push(keepBudgets({ store, settings: company.budgets, clock, log }).stop);
    stops.push(keepRetention({ store, days: company.retentionDays ?? 365, clock, log }));
    stops.push(writeHeads({ file: headsFile(dataDir, company.auditHeads), head: () => store.query('head', {}) as Promise<KnownHead | null>, clock, log }));
    if (config.imapUrl && !config.dryRun) {
      const authenticate = await openAuthentication({ clock });
      stops.push(followInbox({ imapUrl: config.imapUrl, store, clock, log, receive: async (raw, source) => receiveMail(raw, { ...(await measured()), source, authenticate }) }));
    }
    const notifying = config.dryRun ? null : await openNotify({ config, store, bus, clock, log, linkOf: web.linkOf });
    if (notifying) stops.push(notifying.stop);
    if (!config.smtpUrl) log.warn(smtpMissing);

    const run: RunFile = { event: 'ready', pid: process.pid, data: dataDir, api: web.url, console: web.console, ...(listen?.tls ? { certificate: new X509Certificate(listen.tls.cert).toString() } : {}), nats: nats.url, company: connection.company, ...(config.dryRun ? { dryRun: true } : {}) };
    writeRunFile(dataDir, run);
    stops.push(() => removeRunFile(dataDir));
    log.info(run, 'ready');
    return { run, signInLink: web.link, receive, query: store.query, stop, failed };
  } catch (error) {
    await stop();
    throw error;
  }
}
