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
import { decideLink } from '#connectors/console/decide.ts';
import { createDesk } from '#connectors/console/desk.ts';
import { createActors } from '#connectors/console/desk-actors.ts';
import { createCommands } from '#connectors/console/desk-commands.ts';
import { createEffects } from '#connectors/console/desk-effects.ts';
import { createParkedDesk } from '#connectors/console/desk-parked.ts';
import { createPolicyDesk } from '#connectors/console/desk-policy.ts';
import type { Ports } from '#connectors/console/routes.ts';
import { startConsole, type ConsoleOptions } from '#connectors/console/server.ts';
import { openStreams } from '#connectors/console/stream.ts';
import type { Connector } from '#connectors/connector.ts';
import { whyNotPayload } from '#connectors/gate-judge.ts';
import type { PolicyAction } from '#connectors/policy-schema.ts';
import { emptyCommit } from '#machines/commit.ts';
import { plainError } from '#machines/errors.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import type { Store } from '#store/actor.ts';
import type { KnownHead } from '#store/verify.ts';
import { readToken } from './company.ts';
import type { Config } from './config.ts';

export interface OperatorParts {
  config: Config;
  port: number;
  token: string;
  store: Store;
  bus: Bus;
  registry: Registry;
  connectors: readonly Connector[];
  actions: PolicyAction[];
  pausing: Ports['pausing'];
  erase: Ports['erase'];
  receiveMail: ConsoleOptions['receiveMail'];
  paymentHook: ConsoleOptions['paymentHook'];
  onClockAnswered(): void;
  clock: Clock;
  log: Log;
}

const refusalsPerMinute = 10;

/** Starts listening. `linkOf`: where one item is decided by whoever has the link. */
export async function startOperatorSide({ config, port, token, store, bus, registry, connectors, actions, pausing, erase, receiveMail, paymentHook, onClockAnswered, clock, log }: OperatorParts): Promise<{ url: string; link(): string; linkOf(item: StoredIntent): string | null; stop(): Promise<void> }> {
  const { dataDir, company } = config;
  const desk = createDesk({ store, bus, clock, makeId: randomId, whyNotPayload: (action, payload) => whyNotPayload(connectors, action, payload), onClockAnswered });
  const effects = createEffects({ store, commands: createCommands({ store, clock, makeId: randomId }), makeId: randomId });
  if (!config.dryRun) await effects.wake();
  // Void with the token: whoever makes another one closes all links too.
  const decideKey = Buffer.from(sha256(`decide ${token}`), 'hex');
  const head = ((await store.query('head', {})) as KnownHead | null)?.seq ?? 0;
  const streams = openStreams({ bus, query: store.query, head, clock, log });
  const web = await startConsole({
    port, token, automationToken: readToken(dataDir, 'automation-token'), publicUrl: company.publicUrl, version: buildVersion(),
    desk, pausing, effects, erase, receiveMail, paymentHook, streams,
    actors: createActors({ store, bus, makeId: randomId, machines: registry.list() }),
    parked: createParkedDesk({ store, clock, makeId: randomId }),
    policies: createPolicyDesk({ store, clock, makeId: randomId, actions }),
    fork: (request) => forkActor({ store, registry, nowMs: clock.now(), from: 'operator/desk' }, request),
    deciding: { key: decideKey, now: clock.now, find: (id) => store.query('intent', { id }) as Promise<StoredIntent | null> },
    query: store.query, ready: async () => (await store.query('incarnation', {})) !== null,
    onRefused: recordRefusals({ store, clock, log }), nowMs: clock.now, log,
  });
  return {
    url: web.url, link: web.link,
    linkOf: (item) => decideLink(company.publicUrl ?? web.url, item, { key: decideKey, nowMs: clock.now() }),
    async stop() {
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
