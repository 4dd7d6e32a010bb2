// Brings a database to this build's schema, in order, each migration in one transaction. Never goes back.
import { readdirSync, readFileSync } from 'node:fs';
import { KeelsonError } from '#machines/errors.ts';
import type { Database } from './database.ts';

const ownFolder = new URL('./migrations/', import.meta.url);

export async function migrate(database: Database, folder = ownFolder): Promise<number> {
  const migrations = readdirSync(folder).filter((name) => name.endsWith('.sql')).toSorted();
  const [row] = await database.all<{ user_version: number }>('PRAGMA user_version');
  const version = row?.user_version ?? 0;
  if (version > migrations.length) throw new KeelsonError('STORE_TOO_NEW', `the database has schema ${version}, this build knows up to ${migrations.length}`);
  for (let next = version + 1; next <= migrations.length; next++) {
    const script = readFileSync(new URL(migrations[next - 1]!, folder), 'utf8');
    await database.exec(`BEGIN IMMEDIATE; ${script}\n; PRAGMA user_version = ${next}; COMMIT`).catch(async (error: unknown) => {
      await database.exec('ROLLBACK').catch(() => {}); // already rolled back when the disk is full
      throw error;
    });
  }
  return migrations.length;
}
