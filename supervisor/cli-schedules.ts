// `keelson schedules`: what comes when. Reads what the actors know, so it works with and without a running server.
import type { Command } from 'commander';
import { listSchedules } from '#connectors/console/schedule-list.ts';
import { runQuery } from '#store/queries.ts';
import { table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';

export function addScheduleCommands(program: Command, define: Define): void {
  define(program.command('schedules').description('what is started at which times: the files in schedules/, as the last start read them'), async ({ dataDir, out }) => {
    const schedules = (await withDatabase(dataDir, (db) => listSchedules((name, args) => runQuery(db, name, args)))).map(({ problem: _, ...schedule }) => schedule);
    out.result(schedules, (all) => (all.length === 0 ? 'No schedules. Put a file into schedules/ and start the server again: docs/schedules.md.'
      : table(['NAME', 'CRON', 'ZONE', 'NEXT', 'LAST', 'MISSED', 'STATE', 'TARGET'], all.map((s) => [s.name, s.cron, s.timeZone, s.next, s.last, s.missed, s.state, s.target]))));
  });
}
