// What those who look back reach: one measures how good the tiers are, one writes the report of each day.
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import type { QualityPorts } from '#connectors/console/quality-routes.ts';
import { viewQuality } from '#connectors/console/quality-view.ts';
import { measureQuality, readQuality } from '#connectors/quality.ts';
import type { CompanyConfig, Config } from './config.ts';
import { toDemands } from './quality-settings.ts';
import { readDebts } from './main-debt.ts';
import { readReport, reportActivity, sayReport, spanOf } from './main-report.ts';

export function lookBackActivities({ store, clock, config: { dataDir, company } }: { store: Pick<StorePort, 'query'>; clock: Pick<Clock, 'now'>; config: Pick<Config, 'dataDir' | 'company'> }): Record<string, Activity> {
  return {
    'quality.measure': measureQuality({ store, clock, demands: toDemands(company.quality, company.thresholds) }),
    'report.write': reportActivity({ dataDir, query: store.query, clock, settings: company.report, demo: company.demo }),
  };
}

/** What the console asks for. */
export function qualityPorts({ config: { dataDir, company }, query, clock }: { config: Pick<Config, 'dataDir' | 'company'>; query: StorePort['query']; clock: Pick<Clock, 'now'> }): QualityPorts {
  return {
    quality: () => viewQuality(query, { demands: toDemands(company.quality, company.thresholds), nowMs: clock.now() }),
    debts: () => readDebts({ dataDir, query, nowMs: clock.now() }),
    async report(asked) {
      const report = await readReport({ dataDir, query, settings: company.report }, spanOf(asked, clock.now()), clock.now());
      return { ...report, text: sayReport(report) };
    },
  };
}

const neverClaimed = 0.995;

/** The thresholds below which the operator is asked: those of the settings, and never less strict unless they say so. */
export async function runThresholds(store: Pick<StorePort, 'query'>, { thresholds, quality: { mayRelax } }: Pick<CompanyConfig, 'thresholds' | 'quality'>): Promise<CompanyConfig['thresholds']> {
  const quality = await readQuality(store)();
  const of = (task: 'triage' | 'draft', tier: string) => {
    // Rules and templates claim less than that: others are asked, and the operator in the end.
    if (quality.demoted(task, tier) !== null) return neverClaimed;
    const measured = quality.thresholdOf(task, tier) ?? thresholds[task];
    return mayRelax ? measured : Math.max(measured, thresholds[task]);
  };
  return { triage: of('triage', 'rules'), draft: of('draft', 'templates') };
}
