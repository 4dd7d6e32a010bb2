// Calls of models as the company makes them: the gateway, its till, the one writer of a real store file, and a provider over HTTP.
import { systemClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import type { StorePort } from '#actors/store-port.ts';
import { createGateway, type Gateway } from '#connectors/model/gateway.ts';
import { modelsSchema } from '#connectors/model/settings.ts';
import type { Budgets } from '#machines/budget.ts';
import { triageTask } from '#machines/tasks/triage.ts';
import { createCommitter, type Committer } from '#store/commit.ts';
import { openDatabase, type Database } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { runQuery } from '#store/queries.ts';
import { createRules } from '#store/rules.ts';
import { prices } from './metered-provider.ts';

export interface Caller { db: Database; committer: Committer; gateway: Gateway; ask(job: string, run: string): ReturnType<Gateway['ask']> }

/** `around` stands between gateway and store. */
export async function openCaller({ file, url, budgets, around = (commit) => commit }: { file: string; url: string; budgets: Budgets | null; around?(commit: Committer['commit']): Committer['commit'] }): Promise<Caller> {
  const db = await openDatabase(file);
  await migrate(db);
  const committer = await createCommitter(db, await nextEpoch(db), { onWritten() {}, budgets, check: createRules({}) });
  const store = { query: (name: string, args: Record<string, unknown>) => runQuery(db, name, args), commit: around(committer.commit) } as unknown as StorePort;
  const settings = modelsSchema.parse({ providers: { meter: { baseUrl: url } }, tiers: { small: { provider: 'meter', model: 'little' } }, prices });
  const gateway = createGateway({ settings, secrets: {}, store, clock: systemClock, log: silentLog });
  const input = { from: 'Anna <anna@example.org>', subject: 'A question', text: 'Do you have time next week?', files: [], marks: [] };
  return {
    db, committer, gateway,
    ask: (job, run) => gateway.ask({ id: job, task: triageTask, tier: 'small', input, prompt: { id: 'triage', version: 1, text: triageTask.prompt }, latency: 'now', workflow: 'mail', run, cache: false, signal: AbortSignal.timeout(60_000), heartbeat() {} }),
  };
}

/** The largest that settled + reserved of a scope and day ever was, row by row in the order in which they were written. */
export async function highestTaken(db: Database, workflow: string): Promise<number> {
  let [taken, highest] = [0, 0];
  for (const { state, micros, held } of await db.all<{ state: string; micros: number; held: number }>('SELECT state, micros, held FROM spend WHERE workflow = ? ORDER BY n', workflow)) {
    taken += state === 'reserved' ? micros : micros - held;
    highest = Math.max(highest, taken);
  }
  return highest;
}
