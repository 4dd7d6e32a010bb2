// A store on a file for tests of the gateway: real commits and real budgets behind the port, no bus and no thread.
import type { StorePort } from '#actors/store-port.ts';
import type { Budgets } from '#machines/budget.ts';
import type { Spend } from '#machines/budget.ts';
import { createCommitter } from '#store/commit.ts';
import type { Database } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { runQuery } from '#store/queries.ts';
import { createRules } from '#store/rules.ts';
import { changedBalance } from '#store/verify-balances.ts';
import { openTemp, tempDir } from '#test/store/temp-store.ts';

export interface Books {
  db: Database;
  store: StorePort;
  /** Every row, oldest first. */
  spends(): Promise<(Spend & { heldMicros: number })[]>;
  /** What the company's month has taken: settled, and still reserved. Checks that the balances equal the rows. */
  taken(): Promise<{ settled: number; reserved: number }>;
}

export const noLimits: Budgets = { company: {}, workflows: {}, others: {} };

export async function openBooks(budgets: Budgets = noLimits, file = `${tempDir()}/keelson.db`): Promise<Books> {
  const db = await openTemp(file);
  await migrate(db);
  const committer = await createCommitter(db, await nextEpoch(db), { onWritten() {}, budgets, check: createRules({}) });
  return {
    db,
    store: { commit: committer.commit, load: async () => null, query: (name, args) => runQuery(db, name, args) },
    spends: async () => ((await runQuery(db, 'spends', { limit: 10_000 })) as (Spend & { heldMicros: number })[]).toReversed(),
    async taken() {
      const wrong = await changedBalance(db);
      if (wrong !== null) throw new Error(`the balances do not equal the rows: ${JSON.stringify(wrong)}`);
      const [row] = await db.all<{ settled: number; reserved: number }>("SELECT settled, reserved FROM balance WHERE scope = 'company' AND period LIKE 'month:%'");
      return row ?? { settled: 0, reserved: 0 };
    },
  };
}
