// Brings a database to this build's schema, in order, each migration in one transaction. Never goes back.
//
// A change of the schema is a new file here, numbered one higher. What was released never changes again: at a release its sha256
// goes into `migrations/checksums.json` (file name → sha256) and a few rows of every kind into `test/store/fixtures/`, from which
// the tests migrate ever after. A database remembers the checksum of each file that made it, so that two builds which call different
// schemas by one number do not work on one file.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Database } from './database.ts';

export const ownMigrations = new URL('./migrations/', import.meta.url);

export interface Migration { version: number; name: string; sha256: string; script: string }
export interface MigrationPlan {
  /** The schema the database has; 0 for an empty file. */
  version: number;
  /** The newest schema this build knows. */
  newest: number;
  pending: Migration[];
}

/** Answers the version that was reached: the newest, or `upTo`. Throws what `planMigrations` throws, and what SQLite says of a script. */
export async function migrate(database: Database, folder = ownMigrations, upTo = Infinity): Promise<number> {
  const { version, pending } = await planMigrations(database, folder);
  if (version === 0) await prepareEmpty(database);
  const due = pending.filter((migration) => migration.version <= upTo);
  for (const { version: next, name, sha256: checksum, script } of due) {
    await database.exec(`BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
      ${script}\n;
      INSERT INTO migration VALUES (${next}, '${name}', '${checksum}', CAST(unixepoch('subsec') * 1000 AS INTEGER));
      PRAGMA user_version = ${next};
      COMMIT`).catch(async (error: unknown) => {
      await database.exec('ROLLBACK').catch(() => {}); // already rolled back when the disk is full
      throw error;
    });
  }
  return due.at(-1)?.version ?? version;
}

/** Throws STORE_TOO_NEW, or STORE_OTHER_BUILD when the database was made by other migrations than those of this build. Writes nothing. */
export async function planMigrations(database: Database, folder = ownMigrations): Promise<MigrationPlan> {
  const migrations = readMigrations(folder);
  const [row] = await database.all<{ user_version: number }>('PRAGMA user_version');
  const version = row?.user_version ?? 0;
  const newest = migrations.length;
  if (version > newest) throw new KeelsonError('STORE_TOO_NEW', `the database has schema ${version}, this build knows up to ${newest}`);
  const remembers = (await database.all("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration'")).length > 0;
  const applied = new Map(remembers ? (await database.all<{ version: number; sha256: string }>('SELECT version, sha256 FROM migration')).map((one) => [one.version, one.sha256]) : []);
  const other = migrations.find((migration) => migration.version <= version && applied.get(migration.version) !== migration.sha256);
  if (other) throw new KeelsonError('STORE_OTHER_BUILD', `the database ${applied.has(other.version) ? `was made by another ${other.name} than this build has` : `does not remember that ${other.name} made it`}`);
  return { version, newest, pending: migrations.slice(version) };
}

/** Names are checked, and released files against their checksums. Throws BAD_CONFIG: the build itself is not in order. */
function readMigrations(folder: URL): Migration[] {
  const checksums = new URL('checksums.json', folder);
  const released = existsSync(checksums) ? (JSON.parse(readFileSync(checksums, 'utf8')) as Record<string, string>) : {};
  const migrations = readdirSync(folder).filter((name) => name.endsWith('.sql')).toSorted().map((name, i) => {
    const version = i + 1;
    if (!/^\d{4}_[a-z0-9_-]+\.sql$/.test(name) || Number(name.slice(0, 4)) !== version) throw brokenBuild(`the migration ${name} stands where number ${version} should be; they are numbered without gaps, like 0001_first.sql`);
    const script = readFileSync(new URL(name, folder), 'utf8');
    return { version, name, script, sha256: sha256(script) };
  });
  for (const [name, checksum] of Object.entries(released)) {
    const found = migrations.find((migration) => migration.name === name);
    if (found?.sha256 !== checksum) throw brokenBuild(`the migration ${name} was released and ${found ? 'has been changed' : 'is missing'}`);
  }
  return migrations;
}

const brokenBuild = (message: string) => new KeelsonError('BAD_CONFIG', message, { hint: 'Install Keelson again; a change of the schema needs a new migration file.' });

/** Lets the file give space back (PRAGMA incremental_vacuum). Journal mode WAL has written the first page already: it is written anew. */
async function prepareEmpty(database: Database): Promise<void> {
  const [schema] = await database.all<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema');
  if (schema?.n === 0) await database.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM');
}
