// `keelson report`: a day or a week, as text or data. Reads the file, so it works with and without a running server.
import type { Command } from 'commander';
import { runQuery } from '#store/queries.ts';
import { visible } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { readConfig, readEnvironment } from './config.ts';
import { readReport, sayReport, spanOf } from './main-report.ts';

export function addReportCommand(program: Command, define: Define): void {
  define(program.command('report').description('what was done, what waits, what it cost, the time it saved, what was learnt').option('--day <date>', 'a day such as 2026-11-23, by the clock of this computer; default: today').option('--week', 'the week that the day is in'), async ({ dataDir, out }, { day, week }: { day?: string; week?: boolean }) => {
    const { company } = readConfig(dataDir, readEnvironment());
    const nowMs = Date.now();
    const span = spanOf({ day, week: week ?? false }, nowMs);
    const report = await withDatabase(dataDir, (db) => readReport({ dataDir, query: (name, args) => runQuery(db, name, args), settings: company.report }, span, nowMs));
    out.result(report, (one) => visible(sayReport(one)).trimEnd());
  });
}
