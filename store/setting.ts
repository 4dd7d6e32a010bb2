// What the store itself keeps beside the records: one JSON value under a name.
import type { Database } from './database.ts';

/** How the server runs that owns the store: `{dryRun}`. Workers ask the store, so that all processes are dry together. */
export const runSetting = 'run';

/** Null when nothing was kept under this name. */
export async function readSetting<T>(database: Pick<Database, 'all'>, key: string): Promise<T | null> {
  const [row] = await database.all<{ value: string }>('SELECT value FROM setting WHERE key = ?', key);
  return row ? (JSON.parse(row.value) as T) : null;
}

export async function writeSetting(database: Pick<Database, 'run'>, key: string, value: object): Promise<void> {
  await database.run('INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)', key, JSON.stringify(value));
}
