// The composition root: the only place that constructs the parts and joins them.
import { join } from 'node:path';
import pino from 'pino';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { randomId } from '#actors/ids.ts';
import { createRegistry, type Registry } from '#actors/registry.ts';
import { startWorker } from '#actors/worker.ts';
import { createDesk } from '#connectors/console/desk.ts';
import { startConsole } from '#connectors/console/server.ts';
import { createGate } from '#connectors/gate.ts';
import { readHits, readPolicies, readTemplates, searchKnowledge } from '#connectors/knowledge.ts';
import { createMailConnector } from '#connectors/mail/connector.ts';
import { receiveMail } from '#connectors/mail/intake.ts';
import { draftWithModel } from '#connectors/model/openai.ts';
import { draftFromTemplates } from '#connectors/reply.ts';
import { machineKey } from '#machines/define.ts';
import { plainError, type KeelsonError } from '#machines/errors.ts';
import { mailMachine } from '#machines/pipelines/mail.ts';
import { assertTriggers, parseTrigger, type Trigger } from '#machines/triggers.ts';
import { startStore } from '#store/actor.ts';
import type { KnownHead } from '#store/verify.ts';
import { readLibrary, readToken, readTriggers, removeRunFile, writeRunFile, type RunFile } from './company.ts';
import { companyToken, type Config } from './config.ts';
import { watchDeadlines } from './deadlines.ts';
import { erasePerson, finishErasure, outsideOf } from './main-erasure.ts';
import { headsFile, writeHeads } from './main-heads.ts';
import { followInbox } from './main-inbox.ts';
import { superviseNats } from './main-nats.ts';
import { keepRetention } from './main-retention.ts';
import { decide } from './strategy.ts';

export interface Server {
  run: RunFile;
  receive(raw: Uint8Array, source: string): Promise<unknown>;
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  stop(): Promise<void>;
  /** Resolves with the reason when the server cannot go on. */
  failed: Promise<KeelsonError>;
}

/** The machines this build hosts. */
export const createMachines = (): Registry => createRegistry([mailMachine]);

/** What this build starts or wakes by itself, beside the files in triggers/ of the company. */
export const buildTriggers: readonly Trigger[] = [];

/** What each type of actor may record, ask for and spend. */
const permissionsOf = (registry: Registry) => Object.fromEntries(registry.list().map(({ id, protocol }) => [id, protocol.may ?? {}]));

const hourMs = 3_600_000;
const smtpMissing = 'no KEELSON_SMTP_URL: approved mail is written to outbox/ and not sent';

export async function startServer(config: Config, { port, natsUrl, say }: { port: number; natsUrl: string | null; say: (line: string) => void }): Promise<Server> {
  const { dataDir, company } = config;
  const clock = systemClock;
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
    const registry = createMachines();
    const triggers = [...buildTriggers.map(parseTrigger), ...readTriggers(dataDir)];
    assertTriggers(triggers, registry.list().map(({ key }) => key));
    const store = await startStore({ dataDir, bus: connection, logFile: join(dataDir, 'store.log'), logLevel: config.logLevel, permissions: permissionsOf(registry), triggers });
    stops.push(store.close);
    const failed = new Promise<KeelsonError>((resolve) => {
      store.onExit(resolve);
      nats.onGivenUp(resolve);
    });
    const known = (await Promise.all(['template', 'policy', 'trigger'].map((artifactKind) => store.query('contents', { artifactKind })))).flat() as { id: string; hash: string }[];
    const library = readLibrary(dataDir, new Map(known.map(({ id, hash }) => [id, hash])), `library:${randomId()}`, clock.now());
    if (library) await store.commit(library);
    const bus = await connectBus({ ...connection, name: 'host', clock, log });
    stops.push(bus.close);

    const policies = readPolicies(store);
    await policies(); // a broken policy stops the start, not the first mail
    const templates = readTemplates(store);
    const hitTexts = readHits(store);
    const gate = createGate({
      connectors: [createMailConnector({ smtpUrl: config.smtpUrl, outboxDir: join(dataDir, 'outbox'), domain: company.domain, now: clock.now }) as never],
      policies,
      restored: async () => (await store.query('restored', {})) as { backupAtMs: number | null; restoredAtMs: number } | null,
      now: clock.now,
      recipientDomain: (payload) => (payload as { to: { address: string } }).to.address.split('@').at(-1)?.toLowerCase() ?? '',
    });
    const worker = await startWorker({
      bus, store, registry, clock, log,
      decide,
      activities: {
        ...gate,
        'knowledge.search': searchKnowledge(store),
        'reply.template': draftFromTemplates(templates, company, hitTexts),
        ...(config.model ? { 'reply.model': draftWithModel(config.model, templates, company, hitTexts) } : {}),
      },
    });
    stops.push(worker.stop);
    const host = await startHost({ bus, store, registry, clock, log });
    stops.push(host.stop);
    // What was promised before the last stop and is not applied: the bus may have lost it.
    const again = await store.republish(clock.now());
    if (again > 0) say(`${again} messages from before the last stop go on`);
    const deadlines = await watchDeadlines({ store, clock, log });
    stops.push(deadlines.stop);

    const runSettings = {
      from: { address: company.email, name: `${company.operator} · ${company.name}` },
      thresholds: company.thresholds,
      remindAfterMs: company.approvals.reminderAfterHours * hourMs,
      expireAfterMs: company.approvals.expiresAfterHours * hourMs,
      useModel: config.model !== null,
    };
    const receive = (raw: Uint8Array, source: string) => receiveMail(raw, { store, clock, machine: machineKey(mailMachine), company: runSettings, source });
    const erasure = {
      dataDir, outside: outsideOf(config), now: clock.now,
      openErasures: store.openErasures,
      eraseRows: (request: { id: string; subject: string }) => store.erase(request, clock.now()),
      finishRows: store.finishErasure,
      async purgeBus() {
        await bus.purge();
        await store.republish(clock.now());
      },
    };
    // Begun before the last stop and not finished.
    for (const plan of await store.openErasures()) await finishErasure(erasure, plan);
    const erase = (subject: string, id: string) => erasePerson(erasure, { id, subject });
    const desk = createDesk({ store, bus, clock, makeId: randomId });
    const web = await startConsole({ port, token, desk, receiveMail: receive, erase, query: store.query, ready: async () => (await store.query('incarnation', {})) !== null, log });
    stops.push(web.stop);
    stops.push(keepRetention({ store, days: company.retentionDays ?? 365, clock, log }));
    stops.push(writeHeads({ file: headsFile(dataDir, company.auditHeads), head: () => store.query('head', {}) as Promise<KnownHead | null>, clock, log }));
    if (config.imapUrl) stops.push(followInbox({ imapUrl: config.imapUrl, store, clock, log, receive }));
    if (!config.smtpUrl) log.warn(smtpMissing);

    const run: RunFile = { event: 'ready', pid: process.pid, data: dataDir, api: web.url, console: web.url, nats: nats.url, company: connection.company };
    writeRunFile(dataDir, run);
    stops.push(() => removeRunFile(dataDir));
    log.info(run, 'ready');
    return { run, receive, query: store.query, stop, failed };
  } catch (error) {
    await stop();
    throw error;
  }
}
