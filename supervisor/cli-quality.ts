// `keelson quality`: how far each tier can be believed. Reads the file, so it works with and without a running server.
import type { Command } from 'commander';
import { viewQuality } from '#connectors/console/quality-view.ts';
import { runQuery } from '#store/queries.ts';
import { table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { readConfig, readEnvironment } from './config.ts';
import { toDemands } from './quality-settings.ts';

export function addQualityCommand(program: Command, define: Define): void {
  define(program.command('quality').description('how far each tier can be believed: what it claimed against what became of it'), async ({ dataDir, out }) => {
    const { company } = readConfig(dataDir, readEnvironment());
    const tiers = await withDatabase(dataDir, (db) => viewQuality((name, args) => runQuery(db, name, args), { demands: toDemands(company.quality, company.thresholds), nowMs: Date.now() }));
    out.result(tiers, (all) => (all.length === 0 ? 'No tier has answered yet. Hand in a mail: keelson mail import FILE' : [
      table(['TASK', 'TIER', 'RIGHT', 'CASES', 'BELIEVED FROM', 'OFF BY', 'STATE', 'OUTCOMES'], all.map((one) => [one.task, one.tier, percent(one.right), one.cases, one.threshold?.toFixed(2) ?? 'never', percent(one.error), one.demoted ? 'passed over' : '', Object.entries(one.outcomes).map(([outcome, count]) => `${outcome} ${count}`).join(', ')])),
      '', ...all.filter(({ demoted, why }) => demoted && why).map(({ task, tier, why }) => `${task} by ${tier}: ${why}`), 'What is counted how: docs/calibration.md',
    ].join('\n')));
  });
}

const percent = (share: number | null) => (share === null ? '' : `${Math.round(share * 100)} %`);
