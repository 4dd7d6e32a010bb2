// A copy of the database as one file, taken while the server runs or not, and checked before it gets its name.
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { KeelsonError } from '#machines/errors.ts';
import { rememberCopy } from './copies.ts';
import { openDatabase } from './database.ts';
import { syncPath } from './incoming.ts';
import { checkIntegrity } from './integrity.ts';
import { verifyAudit } from './verify.ts';

export interface BackupOptions { dataDir: string; file: string; nowMs: number; say?(line: string): void }
export interface Backup { backup: string; bytes: number }

/** Throws BAD_ARGUMENT when `file` exists, STORE_DAMAGED when what was copied does not verify; then there is no file. */
export async function backupStore({ dataDir, file: given, nowMs, say = () => {} }: BackupOptions): Promise<Backup> {
  const file = resolve(given);
  if (existsSync(file)) throw new KeelsonError('BAD_ARGUMENT', `${file} exists`, { hint: 'Name a file that does not exist yet; a backup is never written over another.' });
  if (!existsSync(dirname(file))) throw new KeelsonError('BAD_ARGUMENT', `there is no folder ${dirname(file)}`, { hint: 'Make it first; on a disk that is not mounted a backup would be lost.' });
  const folder = mkdtempSync(join(dirname(file), `.${basename(file)}-`)); // readable by its owner only
  const part = join(folder, 'keelson.db');
  try {
    say('copying …');
    await copyInto(join(dataDir, 'keelson.db'), part);
    say('checking the copy …');
    await check(part);
    syncPath(part);
    rememberCopy(dataDir, { kind: 'backup', path: file, at: new Date(nowMs).toISOString() }); // before it is there: no copy may be overlooked
    renameSync(part, file);
    syncPath(dirname(file));
    return { backup: file, bytes: statSync(file).size };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One moment of the database, without free pages. Nothing is written to the source, though VACUUM counts as writing. */
async function copyInto(source: string, target: string): Promise<void> {
  writeFileSync(target, '', { mode: 0o600, flag: 'wx' });
  const database = await openDatabase(source, { readOnly: true });
  try {
    await database.exec('PRAGMA query_only = OFF');
    await database.run('VACUUM INTO ?', target);
  } finally {
    await database.close();
  }
}

async function check(file: string): Promise<void> {
  const database = await openDatabase(file, { readOnly: true });
  try {
    await checkIntegrity(database, Infinity);
    const { ok, firstBad } = await verifyAudit(database);
    if (!ok) throw new KeelsonError('STORE_DAMAGED', `the journal does not verify: row ${firstBad?.seq}: ${firstBad?.reason}`, { hint: 'No backup was made. Look with `keelson audit verify`, and restore the newest backup with `keelson restore FILE`.' });
  } finally {
    await database.close();
  }
}
