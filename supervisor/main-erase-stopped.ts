// Erasing from the files of a company whose server is stopped.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KeelsonError } from '#machines/errors.ts';
import { createCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { erase, findSubject, finishErasure, openErasures } from '#store/erase.ts';
import { nextEpoch, takeLock } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { erasePerson, type ErasureParts, type Receipt } from './main-erasure.ts';

type Given = Pick<ErasureParts, 'dataDir' | 'outside' | 'onStep'>;

/** Finishes what was begun, then erases. Throws NO_COMPANY, STORE_BUSY or NOT_FOUND. */
export async function eraseStopped(given: Given, { id, subject }: { id: string; subject: string }): Promise<Receipt> {
  const { dataDir } = given;
  const file = join(dataDir, 'keelson.db');
  if (!existsSync(file)) throw new KeelsonError('NO_COMPANY', `there is no database in ${dataDir}`);
  const lock = await takeLock(dataDir);
  const database = await openDatabase(file);
  try {
    await migrate(database);
    const committer = await createCommitter(database, await nextEpoch(database), { onWritten() {} });
    const parts: ErasureParts = {
      ...given,
      now: Date.now,
      eraseRows: async (request) => erase(database, committer, 'entity' in request ? request : { id, ...(await findSubject(database, subject)) }, Date.now()),
      finishRows: (begun) => finishErasure(database, committer, begun),
      // Nobody reads it now; the next start builds it again from the outbox.
      purgeBus: async () => rmSync(join(dataDir, 'jetstream'), { recursive: true, force: true }),
    };
    let receipt: Receipt | null = null;
    for (const plan of await openErasures(database)) {
      const finished = await erasePerson(parts, plan);
      if (plan.entity === subject || plan.addresses.includes(subject.toLowerCase())) receipt = finished;
    }
    return receipt ?? (await erasePerson(parts, { id, subject }));
  } finally {
    await database.close();
    await lock.close();
  }
}
