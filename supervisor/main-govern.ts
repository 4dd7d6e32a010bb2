// What the screens for audit, policies, connectors, schedules and settings reach in a running server.
import type { Clock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import type { Connector } from '#connectors/connector.ts';
import { createCommands } from '#connectors/console/desk-commands.ts';
import { createConnectorDesk, type ConnectorDesk, type ConnectorDeskParts } from '#connectors/console/desk-connectors.ts';
import { governRoutes } from '#connectors/console/govern-routes.ts';
import { createPolicyView } from '#connectors/console/policy-view.ts';
import type { Route } from '#connectors/console/route.ts';
import type { PolicyAction } from '#connectors/policy-schema.ts';
import type { Store } from '#store/actor.ts';
import { readPolicyFiles } from './company.ts';
import { viewCompany } from './main-company.ts';
import type { Config } from './config.ts';
import { connectorSetups } from './main-setups.ts';
import { createUpkeep } from './main-upkeep.ts';

export interface GovernParts extends Pick<ConnectorDeskParts, 'circuits' | 'wake'> {
  config: Config;
  store: Store;
  connectors: readonly Connector[];
  actions: readonly PolicyAction[];
  paused(): string | null;
  version: string;
  clock: Clock;
}

export function openGoverning({ config, store, connectors, actions, circuits, wake, paused, version, clock }: GovernParts): { routes: Route[]; connectors: ConnectorDesk['list']; stop(): Promise<void> } {
  const { dataDir, company } = config;
  const upkeep = createUpkeep({ dataDir, auditHeads: company.auditHeads, now: clock.now });
  const ways = createConnectorDesk({ store, commands: createCommands({ store, clock, makeId: randomId }), makeId: randomId, connectors, setups: () => connectorSetups(config, connectors), circuits, wake });
  return {
    connectors: ways.list,
    stop: upkeep.stop,
    routes: governRoutes({
      query: store.query, upkeep,
      policies: createPolicyView({ store, actions, caps: company.caps, folder: () => readPolicyFiles(dataDir), now: clock.now }),
      connectors: ways,
      company: async () => ({ ...(await viewCompany(config, version)), erasing: (await store.openErasures()).map(({ id, entity }) => ({ id, entity })), paused: paused() }),
    }),
  };
}
