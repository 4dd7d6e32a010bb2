// Commands about the store as a whole: export, import, backup, restore, migrate. They work on the file, not through the server.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { nextEvents } from '#actors/next-events.ts';
import type { ActorRecord } from '#actors/record.ts';
import { KeelsonError } from '#machines/errors.ts';
import { backupStore } from '#store/backup.ts';
import { openDatabase } from '#store/database.ts';
import { eraseAgain } from '#store/erase-copy.ts';
import { erasedFile } from '#store/erased.ts';
import { exportStore } from '#store/export.ts';
import { importStore } from '#store/import.ts';
import { takeLock } from '#store/lock.ts';
import { migrate, planMigrations, type MigrationPlan } from '#store/migrate.ts';
import { restoreStore, type Doubt } from '#store/restore.ts';
import { verifyAudit } from '#store/verify.ts';
import type { Define } from './cli-read.ts';
import { erasedCopyOf, headsFileOf, noteRestore } from './main-heads.ts';

export function addGovernCommands(program: Command, define: Define): void {
  define(program.command('export').argument('<dir>', 'a folder that does not exist yet').description('everything in an open format, see docs/export.md; also while the company runs'), async ({ dataDir, out }, dir: string) => {
    databaseFile(dataDir);
    const exported = await exportStore({ dataDir, dir, nowMs: Date.now(), say: out.say });
    out.result(exported, (e) => `${e.rows} rows in ${e.files} files: ${e.exported}\nIt holds everything, also what people wrote. Erasing one of them deletes it, as long as it stays there.`);
  });

  define(program.command('import').argument('<dir>', 'a folder that `keelson export` made').description('an export into an empty store; stop the server first'), async ({ dataDir, out }, dir: string) => {
    const imported = await importStore({ dir, dataDir, say: out.say });
    out.result(imported, (i) => [`${i.rows} rows imported, the journal verifies up to row ${i.head.seq}`, ...withoutCompany(dataDir)].join('\n'));
  });

  define(program.command('backup').argument('<file>', 'a file that does not exist yet').description('the database as one checked file; also while the company runs'), async ({ dataDir, out }, file: string) => {
    databaseFile(dataDir);
    const made = await backupStore({ dataDir, file, nowMs: Date.now(), say: out.say });
    out.result(made, (b) => `${b.backup}: ${b.bytes} bytes, checked. Restore with: keelson restore ${file}\ncompany.json, templates/, policies/ and connectors/ are files of yours: back them up too`);
  });

  const restore = program.command('restore').argument('<file>', 'a file that `keelson backup` made').description('a backup in the place of the database; stop the server first').option('--keep-old <path>', 'keep the replaced database there; otherwise it is deleted').option('--erased <list>', 'erased.jsonl of another data folder, or a copy of it: who is on it is erased from the backup too');
  define(restore, async ({ dataDir, out }, file: string, { keepOld, erased }: { keepOld?: string; erased?: string }) => {
    const had = existsSync(join(dataDir, 'keelson.db'));
    const heads = headsFileOf(dataDir);
    const erasedLists = [erased, erasedCopyOf(dataDir)].filter((list, i) => typeof list === 'string' && (i === 0 || existsSync(list))) as string[];
    const nowMs = Date.now();
    const restored = await restoreStore({
      dataDir, file, nowMs, erasedLists, doubt: await createDoubt(dataDir), say: out.say, ...(keepOld === undefined ? {} : { keepOld: resolve(keepOld) }),
      eraseAgain: async (database) => {
        const count = await eraseAgain(dataDir, database, nowMs);
        if (count > 0) out.say(`${count} people who were erased here are erased from it too`);
      },
    });
    noteRestore(heads, restored.head, nowMs);
    if (!had && !existsSync(erasedFile(dataDir))) out.say('No list of erased people was given (--erased LIST): whoever was erased after this backup was made is in it again.');
    out.result(restored, (r) => [
      `restored from ${r.restored}: ${r.head.seq} commits${r.backupAtMs === null ? '' : `, the last of ${new Date(r.backupAtMs).toISOString()}`}`,
      ...(had ? [keepOld === undefined ? 'The database that was here is deleted, so that nobody who was erased stays readable (--keep-old PATH keeps it).' : `The database that was here is kept as ${resolve(keepOld)}. It may hold people who were erased.`] : []),
      r.unknown === 0 ? 'Nothing was under way in it.' : `${r.unknown} operations are unknown: they may have been sent after the backup, and are not sent again. After the start: keelson ops`,
      ...withoutCompany(dataDir),
    ].join('\n'));
  });

  define(program.command('migrate').description("bring the database to this build's schema; `up` does it by itself. Stop the server first").option('--dry-run', 'only say what would be done'), async ({ dataDir, out }, { dryRun = false }: { dryRun?: boolean }) => {
    const file = databaseFile(dataDir);
    const { version, newest, pending } = dryRun ? await planOf(file) : await migrateLocked(dataDir, file);
    out.result({ from: version, to: newest, applied: pending.map(({ name }) => name), dryRun }, (done) => (done.applied.length === 0
      ? `The database has schema ${done.from}, the newest this build knows.`
      : `Schema ${done.from} ${dryRun ? 'would become' : 'is now'} ${done.to}: ${done.applied.join(', ')}`));
  });
}

function databaseFile(dataDir: string): string {
  const file = join(dataDir, 'keelson.db');
  if (existsSync(file)) return file;
  throw existsSync(join(dataDir, 'company.json')) ? new KeelsonError('NOT_RUNNING', `the company in ${dataDir} was never started`) : new KeelsonError('NO_COMPANY', `there is no company in ${dataDir}`);
}

const withoutCompany = (dataDir: string) => (existsSync(join(dataDir, 'company.json')) ? [] : [`There is no company.json in ${dataDir} yet. Put yours there, with templates/ and policies/, before \`keelson up\`.`]);

/** What may have happened after a backup: whatever is claimed before it runs, and whoever says that RESTORED concerns them. */
async function createDoubt(dataDir: string): Promise<Doubt> {
  const registry = await (await import('./agents.ts')).companyMachines(dataDir);
  return {
    once: registry.activities().filter(({ once }) => once).map(({ name }) => name),
    takesRestored(machine, record) {
      const definition = registry.get(machine);
      if (!definition) return false;
      return record === null ? 'RESTORED' in definition.protocol.events : nextEvents(definition, JSON.parse(record) as ActorRecord).includes('RESTORED');
    },
  };
}

async function planOf(file: string): Promise<MigrationPlan> {
  const database = await openDatabase(file, { readOnly: true });
  try {
    return await planMigrations(database);
  } finally {
    await database.close();
  }
}

async function migrateLocked(dataDir: string, file: string): Promise<MigrationPlan> {
  const lock = await takeLock(dataDir);
  try {
    const database = await openDatabase(file);
    try {
      const plan = await planMigrations(database);
      await migrate(database);
      const { ok, firstBad } = await verifyAudit(database);
      if (!ok) throw new KeelsonError('STORE_DAMAGED', `the journal does not verify: row ${firstBad?.seq}: ${firstBad?.reason}`);
      return plan;
    } finally {
      await database.close();
    }
  } finally {
    await lock.close();
  }
}
