// Commands that look at one statechart: its state, its steps, its steps again. They need the machines, which take a moment to load.
import type { Command } from 'commander';
import { lookAt, lookAtStep, recordAt, type LookedStep } from '#actors/look.ts';
import { readHistory as readSteps, replay, type HistoryRow } from '#actors/replay.ts';
import type { ActorRecord } from '#actors/record.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Database } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { companyMachines } from './agents.ts';
import { oneLine, table, visible } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';

/** Every commit of an actor, oldest first. */
export const readHistory = (db: Database, address: string): Promise<HistoryRow[]> => readSteps((args) => runQuery(db, 'history', args), address);

async function readActor(db: Database, address: string): Promise<ActorRecord> {
  const text = (await runQuery(db, 'record', { address })) as string | null;
  if (text === null) throw new KeelsonError('NOT_FOUND', `there is no actor '${address}'`);
  return JSON.parse(text) as ActorRecord;
}

export function addLookCommands(program: Command, define: Define): void {
  define(program.command('show').argument('<actor>').description('one actor: state, data, what can happen next').option('--at <rev>', 'as it was after this revision'), async ({ dataDir, out }, address: string, options: { at?: string }) => {
    const registry = await companyMachines(dataDir);
    const record = await withDatabase(dataDir, async (db) => {
      const stored = await readActor(db, address);
      if (options.at === undefined) return stored;
      const at = Number(options.at);
      if (!Number.isInteger(at) || at < 0 || at > stored.rev) throw new KeelsonError('BAD_ARGUMENT', `--at must be a revision from 0 to ${stored.rev}`);
      return recordAt(registry, address, await readHistory(db, address), JSON.stringify(stored), at);
    });
    out.result(lookAt(registry, record), (a) => visible(JSON.stringify(a, null, 2)));
  });

  define(program.command('history').argument('<actor>').description('every step of one actor'), async ({ dataDir, out }, address: string) => {
    const rows = await withDatabase(dataDir, async (db) => {
      await readActor(db, address);
      return readHistory(db, address);
    });
    const steps = rows.map(lookAtStep);
    out.result(steps, (all) => table(['REV', 'AT', 'EVENT', 'STATE', 'OUTCOME', 'NOTE'], all.map((s) => [s.rev ?? '', s.at, s.event, s.value === null ? '' : JSON.stringify(s.value), s.outcome, oneLine([...(typeof s.note === 'string' ? [s.note] : []), ...said(s.notices)].join(' · '), 60)])));
  });

  define(program.command('replay').argument('<actor>').description('fold the history again and compare'), async ({ dataDir, out }, address: string) => {
    const { matches, steps, skipped, changed, difference, incomplete } = await withDatabase(dataDir, async (db) => {
      await db.exec('BEGIN'); // one moment for record and history
      return replay(await companyMachines(dataDir), address, await readHistory(db, address), JSON.stringify(await readActor(db, address)));
    });
    const before = skipped > 0 ? `${skipped} older steps ran under a definition that this build does not have; ` : '';
    out.result({ matches, steps, ...(skipped > 0 ? { skipped } : {}), ...(changed ? { changed } : {}), ...(difference ? { difference } : {}), ...(incomplete ? { incomplete } : {}) }, (r) => before + (r.incomplete ? `${r.steps} steps replayed and the same; then ${r.incomplete.reason}` : r.matches ? `${r.steps} steps replayed; the state is the same${changed ? `, though ${changed} has changed` : ''}` : `differs at revision ${r.difference?.rev}: ${r.difference?.reason}`));
    if (!matches) process.exitCode = 1;
  });
}

/** What a machine emitted and logged in one step, for people. */
function said(notices: LookedStep['notices']): string[] {
  return notices.map(({ kind, label, value }) => `${label ?? kind} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
}
