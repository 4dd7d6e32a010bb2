// The bus may know a later past than the database does: somebody put an older copy of the file back. Then nobody knows what left
// since; that must not start as if nothing had happened. A bus of another line of history (after a restore) is emptied: what is
// still promised is in the outbox.
import type { Bus } from '#actors/bus.ts';
import type { Log } from '#actors/log.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Database } from './database.ts';
import { nextEpoch } from './lock.ts';

/** Answers the epoch of this start. Throws STORE_OLDER, also when it is tried again. Call it before anything is published. */
export async function claimPast(database: Database, bus: Pick<Bus, 'past' | 'setPast' | 'purge'>, log: Log): Promise<number> {
  const [last] = await database.all<{ incarnation: string; epoch: number }>('SELECT incarnation, epoch FROM counter');
  const { incarnation } = last!;
  const found = await bus.past();
  if (found?.incarnation === incarnation && found.epoch > last!.epoch) throw new KeelsonError('STORE_OLDER', `the database is an older copy: it was started ${last!.epoch} times, the bus has seen it started ${found.epoch} times`);
  if (found !== null && found.incarnation !== incarnation) {
    log.warn('the bus belongs to another past of this database and is emptied');
    await bus.purge();
  }
  const epoch = await nextEpoch(database);
  await bus.setPast({ incarnation, epoch });
  return epoch;
}
