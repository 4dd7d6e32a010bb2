// The operator's side of a running server: the desk that answers, and the console with its routes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bus } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { forkActor } from '#actors/fork.ts';
import { sha256 } from '#actors/hash.ts';
import { randomId } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import type { Registry } from '#actors/registry.ts';
import { asyncApiRoute } from '#connectors/console/asyncapi.ts';
import { budgetRoutes, readOutlook } from '#connectors/console/budget-routes.ts';
import { busRoutes } from '#connectors/console/bus-routes.ts';
import { watchBus } from '#connectors/console/bus-watch.ts';
import { chartRoutes } from '#connectors/console/chart-routes.ts';
import { decideLink } from '#connectors/console/decide.ts';
import { actorRoutes } from '#connectors/console/actor-routes.ts';
import { correctRoutes, createCorrectDesk } from '#connectors/console/desk-correct.ts';
import { createDesk } from '#connectors/console/desk.ts';
import { createActors } from '#connectors/console/desk-actors.ts';
import { createCommands } from '#connectors/console/desk-commands.ts';
import { createEffects } from '#connectors/console/desk-effects.ts';
import { createParkedDesk } from '#connectors/console/desk-parked.ts';
import { createPolicyDesk } from '#connectors/console/desk-policy.ts';
import { evalRoutes } from '#connectors/console/eval-routes.ts';
import { promptRoutes } from '#connectors/console/desk-prompts.ts';
import { createInboxDesk } from '#connectors/console/desk-inbox.ts';
import { inboxFiles, inboxRoutes, listInbox } from '#connectors/console/inbox-routes.ts';
import { metricsRoute } from '#connectors/console/metrics.ts';
import { modelRoutes } from '#connectors/console/model-routes.ts';
import { openInspection } from '#connectors/console/inspect.ts';
import { qualityRoutes } from '#connectors/console/quality-routes.ts';
import type { Ports } from '#connectors/console/routes.ts';
import { startConsole, type ConsoleOptions } from '#connectors/console/server.ts';
import { blobRoute, storeRoutes } from '#connectors/console/store-routes.ts';
import { openStreams } from '#connectors/console/stream.ts';
import { todayRoutes } from '#connectors/console/today-routes.ts';
import { traceRoutes } from '#connectors/console/trace-routes.ts';
import type { Connector } from '#connectors/connector.ts';
import { whyNotPayload } from '#connectors/gate-judge.ts';
import type { PolicyAction } from '#connectors/policy-schema.ts';
import { emptyCommit } from '#machines/commit.ts';
import { plainError } from '#machines/errors.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import type { Store } from '#store/actor.ts';
import { queries } from '#store/queries.ts';
import type { KnownHead } from '#store/verify.ts';
import { toBudgets } from './budget-settings.ts';
import { readToken } from './company.ts';
import type { Config } from './config.ts';
import { evalAsker } from './main-eval-ask.ts';
import { openGoverning, type GovernParts } from './main-govern.ts';
import { lookAtSelf } from './main-health.ts';
import { qualityPorts } from './main-quality.ts';
import { fileWriter } from './main-learning.ts';
import type { Models } from './main-models.ts';

export interface OperatorParts {
  config: Config;
  port: number;
  listen?: ConsoleOptions['listen'];
  /** Tell inspection tools what actors do. */
  inspect: boolean;
  token: string;
  store: Store;
  bus: Bus;
  registry: Registry;
  connectors: readonly Connector[];
  actions: PolicyAction[];
  pausing: Ports['pausing'];
  erase: Ports['erase'];
  receiveMail: ConsoleOptions['receiveMail'];
  models: Pick<Models, 'settings' | 'askWith' | 'answering' | 'describe' | 'gateway'>;
  /** What a mail's run is started with. */
  mailRun: { machine: string; company: unknown };
  paymentHook: ConsoleOptions['paymentHook'];
  onClockAnswered(): void;
  circuits: GovernParts['circuits'];
  clock: Clock;
  log: Log;
}

const refusalsPerMinute = 10;

/** Starts listening. `linkOf`: where one item is decided by whoever has the link. */
export async function startOperatorSide({ config, port, listen, inspect, token, store, bus, registry, connectors, actions, pausing, erase, receiveMail, models, mailRun, paymentHook, onClockAnswered, circuits, clock, log }: OperatorParts): Promise<{ url: string; console: string; link(): string; linkOf(item: StoredIntent): string | null; stop(): Promise<void> }> {
  const { dataDir, company } = config;
  const desk = createDesk({ store, bus, clock, makeId: randomId, whyNotPayload: (action, payload) => whyNotPayload(connectors, action, payload), onClockAnswered, writeFile: fileWriter(dataDir) });
  const effects = createEffects({ store, commands: createCommands({ store, clock, makeId: randomId }), makeId: randomId });
  if (!config.dryRun) await effects.wake();
  // Void with the token: whoever makes another one closes all links too.
  const decideKey = Buffer.from(sha256(`decide ${token}`), 'hex');
  const head = ((await store.query('head', {})) as KnownHead | null)?.seq ?? 0;
  const { incarnation: past } = (await store.query('incarnation', {})) as { incarnation: string };
  const streams = openStreams({ bus, query: store.query, head, past, clock, log });
  const inspection = inspect ? openInspection({ bus, query: store.query, head, registry, clock, log }) : null;
  const asyncApi = asyncApiRoute({ version: buildVersion(), queries: Object.keys(queries) });
  const deafen = models.answering.listen((growing) => streams.tell('answer', growing));
  const watching = watchBus({ bus, tell: streams.tell, clock });
  const parked = createParkedDesk({ store, clock, makeId: randomId });
  const actors = createActors({ store, bus, makeId: randomId, machines: registry.list() });
  const fork: Ports['fork'] = (request) => forkActor({ store, registry, nowMs: clock.now(), from: 'operator/desk' }, request);
  const inbox = createInboxDesk({ store, clock, makeId: randomId, desk });
  const governing = openGoverning({ config, store, connectors, actions, circuits, wake: effects.wake, paused: pausing.paused, version: buildVersion(), clock });
  const self = lookAtSelf({ config, bus, models, clock });
  const runs = traceRoutes({ query: store.query, fork, publish: bus.publish, clock, makeId: randomId });
  const today = todayRoutes({ query: store.query, inbox: () => listInbox({ query: store.query, inbox }, { limit: 10_000 }), connectors: governing.connectors, paused: pausing.paused, look: self.look, caps: company.caps, budgets: () => readOutlook(store.query, toBudgets(company.budgets), clock.now()), nowMs: clock.now });
  const web = await startConsole({
    port, ...(listen ? { listen } : {}), token, automationToken: readToken(dataDir, 'automation-token'), publicUrl: company.publicUrl, version: buildVersion(),
    desk, looked: inbox.looked, pausing, effects, erase, receiveMail, paymentHook, streams,
    actors,
    parked,
    policies: createPolicyDesk({ store, clock, makeId: randomId, actions }),
    fork,
    deciding: { key: decideKey, now: clock.now, find: (id) => store.query('intent', { id }) as Promise<StoredIntent | null> },
    query: store.query, ready: async () => (await store.query('incarnation', {})) !== null,
    routes: [...today, ...qualityRoutes(qualityPorts({ config, query: store.query, clock })), ...runs, ...busRoutes({ watching, parked }), ...governing.routes, ...modelRoutes({ view: models.describe, probe: (tier) => models.gateway.probe(tier, AbortSignal.timeout(180_000)) }), ...budgetRoutes({ query: store.query, desk, budgets: toBudgets(company.budgets), nowMs: clock.now }), ...actorRoutes({ query: store.query, fork, actors, registry, nowMs: clock.now }), ...storeRoutes(), ...chartRoutes({ registry, query: store.query }), ...promptRoutes({ store, clock, makeId: randomId }), ...evalRoutes({ store, clock, makeId: randomId, ...evalAsker({ models, store }) }), ...inboxRoutes({ query: store.query, inbox }), ...correctRoutes(createCorrectDesk({ store, clock, makeId: randomId, desk, ...mailRun }))],
    raw: [asyncApi, blobRoute({ query: store.query }), ...(inspection ? [inspection.route] : []), ...inboxFiles({ query: store.query }), metricsRoute({ query: store.query, paused: pausing.paused, readers: streams.readers, process: self.numbers })],
    onRefused: recordRefusals({ store, clock, log }), nowMs: clock.now, log,
  });
  return {
    url: web.url, console: web.console, link: web.link,
    linkOf: (item) => decideLink(company.publicUrl ?? web.console, item, { key: decideKey, nowMs: clock.now() }),
    async stop() {
      deafen();
      self.stop();
      await governing.stop();
      await watching.stop();
      await inspection?.stop();
      await streams.stop();
      await web.stop();
    },
  };
}

const buildVersion = () => (JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string }).version;

/** What automation asked for and did not get, in the chain; a flood of it is written down ten times a minute. */
function recordRefusals({ store, clock, log }: Pick<OperatorParts, 'store' | 'clock' | 'log'>): (what: string) => void {
  let recent: number[] = [];
  return (what) => {
    const now = clock.now();
    recent = recent.filter((at) => at > now - 60_000);
    if (recent.push(now) > refusalsPerMinute) return;
    const decision = { what: 'access', outcome: 'refused', confidence: null, reasons: [`automation asked for ${what}, which is the operator's alone`], evidence: [], policy: null, model: null, costMicros: null };
    store.commit({ ...emptyCommit(`refused:${randomId()}`, now, 'operator/desk', { refused: what }), decisions: [decision] }).catch((error: unknown) => log.error(plainError(error), 'a refusal could not be recorded'));
  };
}
