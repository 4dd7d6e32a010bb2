// Damage is found when the store starts, not when the first step happens to touch it.
import { KeelsonError } from '#machines/errors.ts';
import type { Database } from './database.ts';

const checkedBytesMax = 2 ** 30;
/** Pages are read once: what a larger cache would keep of them stays in memory, and nobody asks for it. */
const checkCacheKiB = 2_000;

/**
 * Throws STORE_DAMAGED with what SQLite says first. Reads every page, so a file above 1 GiB is skipped: nobody waits minutes for
 * a start. `keelson doctor` checks the whole, whatever its size.
 */
export async function checkIntegrity(database: Database, bytesMax = checkedBytesMax): Promise<void> {
  const [main] = await database.all<{ file: string; bytes: number }>("SELECT file, page_count * page_size AS bytes FROM pragma_database_list, pragma_page_count, pragma_page_size WHERE name = 'main'");
  if (!main || main.bytes > bytesMax) return;
  const [usual] = await database.all<{ cache_size: number }>('PRAGMA cache_size');
  await database.exec(`PRAGMA cache_size = -${checkCacheKiB}`);
  const [found] = await database.all<{ quick_check: string }>('PRAGMA quick_check(1)');
  await database.exec(`PRAGMA cache_size = ${usual!.cache_size}`);
  // A heading that names the database comes before the first finding.
  const line = found?.quick_check.split('\n').find((text) => !text.startsWith('***'));
  if (line !== 'ok') throw new KeelsonError('STORE_DAMAGED', `the database ${main.file} is damaged: ${line ?? 'nothing could be checked'}`);
}
