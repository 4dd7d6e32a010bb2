// Erasing from the files of a company whose server is stopped.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KeelsonError } from '#machines/errors.ts';
import { createPrivateCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { erase, findSubject, finishErasure as finishRows, openErasures } from '#store/erase.ts';
import { busFolder } from '#store/incoming.ts';
import { nextEpoch, takeLock } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { erasePerson, finishErasure, type ErasureParts, type Receipt } from './main-erasure.ts';

type Given = Pick<ErasureParts, 'dataDir' | 'outside' | 'erasedCopy' | 'onStep'>;

/** Erases, and finishes what was begun for others. Throws NO_COMPANY, STORE_BUSY or NOT_FOUND. */
export async function eraseStopped(given: Given, { id, subject }: { id: string; subject: string }): Promise<Receipt> {
  const { dataDir } = given;
  const file = join(dataDir, 'keelson.db');
  if (!existsSync(file)) throw new KeelsonError('NO_COMPANY', `there is no database in ${dataDir}`);
  const lock = await takeLock(dataDir);
  const database = await openDatabase(file);
  try {
    await migrate(database);
    await nextEpoch(database);
    const committer = await createPrivateCommitter(database);
    const parts: ErasureParts = {
      ...given,
      now: Date.now,
      openErasures: () => openErasures(database),
      eraseRows: async (request) => erase(database, committer, { id: request.id, ...(await findSubject(database, request.subject)) }, Date.now()),
      finishRows: (begun) => finishRows(database, committer, begun),
      // Nobody reads it now; the next start builds it again from the outbox.
      purgeBus: async () => rmSync(join(dataDir, busFolder), { recursive: true, force: true }),
    };
    const receipt = await erasePerson(parts, { id, subject });
    for (const plan of await openErasures(database)) await finishErasure(parts, plan);
    return receipt;
  } finally {
    await database.close();
    await lock.close();
  }
}
