// Erasures one after another, and those that could not end: who reads the database file all the while keeps its old bytes in place.
// That stops neither the start nor the work: it is said once, and tried again each minute until it is done.
import type { Clock } from '#actors/clock.ts';
import { createTurns } from '#actors/in-turn.ts';
import type { Log } from '#actors/log.ts';
import { plainError } from '#machines/errors.ts';
import { copyErased, erasePerson, finishErasure, type ErasureParts, type Receipt } from './main-erasure.ts';

const everyMs = 60_000;

interface UnfinishedParts {
  erasure: ErasureParts;
  /** The last step with one short wait for readers, instead of a minute of them. */
  finishRowsNow(id: string): Promise<void>;
  /** Throws while somebody reads an old state of the file. */
  assertUnread(): Promise<void>;
  clock: Clock;
  log: Log;
  say(line: string): void;
}

export interface Erasing {
  erase(subject: string, id: string): Promise<Receipt>;
  /** Waits for the one in hand. */
  stop(): Promise<void>;
}

/** Returns when everything that was begun before is finished, or has been tried. */
export async function startErasing({ erasure, finishRowsNow, assertUnread, clock, log, say }: UnfinishedParts): Promise<Erasing> {
  const inTurn = createTurns();
  /** Why each has not ended, by its id: it names nobody. */
  const reasons = new Map<string, string>();

  const tryAgain = async () => {
    for (const plan of await erasure.openErasures()) {
      const before = reasons.get(plan.id);
      try {
        // Everything else was done; nothing is gained by doing it again under a reader.
        if (before !== undefined) await assertUnread();
        await finishErasure({ ...erasure, finishRows: finishRowsNow }, plan);
        if (before !== undefined) say('The erasure that was not finished is done now.');
        reasons.delete(plan.id);
      } catch (error) {
        const { message } = plainError(error);
        reasons.set(plan.id, message);
        if (message === before) continue;
        log.error({ erasure: plan.id, ...plainError(error) }, 'an erasure is not finished; it is tried again every minute');
        say(`An erasure is not finished: ${message}. It is tried again every minute.`);
      }
    }
  };
  const run = () => inTurn(tryAgain).catch((error: unknown) => log.error(plainError(error), 'erasures could not be looked up'));

  for (const { what } of copyErased(erasure)) {
    log.error(what);
    say(`${what}.`);
  }
  await run();
  const stopTimer = clock.every(everyMs, () => void run());
  return {
    erase: (subject, id) => inTurn(() => erasePerson(erasure, { id, subject })),
    async stop() {
      stopTimer();
      await inTurn(async () => {});
    },
  };
}
