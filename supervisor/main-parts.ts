// What every process of a company runs, whether it owns the store or joined as a worker: the host, the worker and what its
// activities reach.
import type { Bus } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { randomId } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import { joinMembers } from '#actors/members.ts';
import type { Registry } from '#actors/registry.ts';
import type { StorePort } from '#actors/store-port.ts';
import { startWorker, type Activity } from '#actors/worker.ts';
import { readWork } from '#connectors/billing.ts';
import { openCalendar } from '#connectors/cron.ts';
import { createGate } from '#connectors/gate.ts';
import { researchActivities } from '#connectors/findings.ts';
import { findInvoice } from '#connectors/invoices/find.ts';
import { consolidate } from '#connectors/consolidate.ts';
import { askOnlyLearnt, createLearnt } from '#connectors/learnt.ts';
import { readHits, readTemplates, searchKnowledge } from '#connectors/knowledge.ts';
import { createDocuments } from '#connectors/documents.ts';
import { strategyActivities } from '#connectors/strategy.ts';
import { createThrottle, type Throttle } from '#connectors/throttle.ts';
import type { Connector } from '#connectors/connector.ts';
import type { Policies } from '#connectors/policy.ts';
import { draftFromTemplates } from '#connectors/reply.ts';
import { readQuality, unlessDemoted } from '#connectors/quality.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Config } from './config.ts';
import { lookBackActivities } from './main-quality.ts';
import { scheduleActivities } from './schedules.ts';
import { decide } from './strategy.ts';
import { whySupervised } from './supervised.ts';

export interface Parts {
  config: Config;
  bus: Bus;
  store: StorePort;
  registry: Registry;
  connectors: readonly Connector[];
  /** Those in force. */
  policies: () => Promise<Policies>;
  /** What the company's own agents bring. */
  activities: Record<string, Activity>;
  clock: Clock;
  log: Log;
  role: 'all' | 'worker';
  throttle?: Throttle;
  /** `model.…`; without them only what was learnt is asked. */
  models?: Record<string, Activity>;
}

/** Everything that machines may ask for, by name. `keelson test` runs scenarios with the same, on a clock of its own. */
export function createActivities({ config, store, registry, connectors, policies, activities: own, clock, models, throttle = createThrottle({ clock }) }: Omit<Parts, 'bus' | 'log' | 'role'>): Record<string, Activity> {
  const { company } = config;
  const templates = readTemplates(store);
  const hitTexts = readHits(store);
  const readActions = new Set(connectors.flatMap(({ actions }) => actions.filter(({ effect }) => effect === 'read').map(({ name }) => name)));
  const gate = createGate({
    connectors, store, clock, caps: company.caps,
    policies,
    documents: createDocuments({ store, clock, from: 'connector/documents' }),
    supervised: (agent) => whySupervised(agent, registry, readActions),
    throttle,
  });
  const activities: Record<string, Activity> = {
    ...gate,
    ...scheduleActivities({ store, clock, openCalendar }),
    ...lookBackActivities({ store, clock, config }),
    'invoice.find': findInvoice(store),
    'billing.work': readWork(store, { address: company.email, name: company.name }),
    ...strategyActivities({ store, clock }),
    ...researchActivities({ store, documents: createDocuments({ store, clock, from: 'connector/documents' }) }),
    'learning.consolidate': consolidate({ store, clock }),
    'knowledge.search': searchKnowledge({ store, clock, ask: null }),
    ...(models ?? { 'model.ask': askOnlyLearnt(unlessDemoted(createLearnt({ store }), readQuality(store))) }),
    'reply.template': draftFromTemplates(templates, company, hitTexts),
  };
  for (const [name, run] of Object.entries(own)) {
    if (Object.hasOwn(activities, name)) throw new KeelsonError('BAD_CONFIG', `agents/ gives the activity '${name}', which is one of this build`, { hint: 'Give it another name.' });
    activities[name] = run;
  }
  return activities;
}

/** Starts working and hosting. The answer stops both: what is in hand is finished, mailboxes first, and others take them over. */
export async function startParts({ bus, log, role, ...parts }: Parts): Promise<{ stop(): Promise<void> }> {
  const { store, registry, clock } = parts;
  const activities = createActivities(parts);
  const worker = await startWorker({ bus, store, registry, clock, log, decide, activities });
  // Last: who has joined is believed to read its mailboxes.
  const members = await joinMembers({ bus, clock, id: randomId(), role });
  try {
    const host = await startHost({ bus, store, registry, clock, log, owned: members });
    return {
      async stop() {
        await host.stop();
        await members.leave();
        await worker.stop();
      },
    };
  } catch (error) {
    await members.leave();
    await worker.stop();
    throw error;
  }
}
