// `keelson schedules`: what comes when. Reads what the actors know, so it works with and without a running server.
import type { Command } from 'commander';
import type { ActorRecord } from '#actors/record.ts';
import type { Schedule } from '#machines/agents/schedule.ts';
import { runQuery } from '#store/queries.ts';
import { table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';

interface Known { schedule: Schedule; nextMs: number | null; lastMs: number | null }

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

export function addScheduleCommands(program: Command, define: Define): void {
  define(program.command('schedules').description('what is started at which times: the files in schedules/, as the last start read them'), async ({ dataDir, out }) => {
    const records = await withDatabase(dataDir, async (db) => {
      const rows = (await runQuery(db, 'actors', { type: 'schedule', status: 'active' })) as { address: string }[];
      return Promise.all(rows.map(async ({ address }) => JSON.parse((await runQuery(db, 'record', { address })) as string) as ActorRecord));
    });
    const schedules = records.filter(({ snapshot }) => snapshot.value !== 'removed').map(({ snapshot: { value, context } }) => {
      const { schedule: { name, cron, timeZone, missed, start, wake }, nextMs, lastMs } = context as Known;
      return { name, cron, timeZone, next: value === 'waiting' ? iso(nextMs) : null, last: iso(lastMs), missed, state: value, target: start?.machine ?? `${wake!.type} to ${wake!.to}` };
    });
    out.result(schedules, (all) => (all.length === 0 ? 'No schedules. Put a file into schedules/ and start the server again: docs/schedules.md.'
      : table(['NAME', 'CRON', 'ZONE', 'NEXT', 'LAST', 'MISSED', 'STATE', 'TARGET'], all.map((s) => [s.name, s.cron, s.timeZone, s.next, s.last, s.missed, String(s.state), s.target]))));
  });
}
