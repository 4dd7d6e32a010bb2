// Named reads. They run on a read-only connection: in the store's thread for the server, in the CLI directly on the file, so
// that looking never needs the server. Lists take `limit`, and `cursor` for what comes after the row that has it.
import { KeelsonError } from '#machines/errors.ts';
import type { Database } from './database.ts';
import { parkedQueries } from './parked.ts';
import { actorQueries } from './query-actors.ts';
import type { Args, Query } from './query-args.ts';
import { budgetQueries } from './query-budgets.ts';
import { browseQueries } from './query-browse.ts';
import { caseQueries } from './query-cases.ts';
import { changeQueries } from './query-changes.ts';
import { debtQueries } from './query-debt.ts';
import { effectQueries } from './query-effects.ts';
import { evalQueries } from './query-evals.ts';
import { factQueries } from './query-facts.ts';
import { inboxQueries } from './query-inbox.ts';
import { invoiceQueries } from './query-invoices.ts';
import { machineQueries } from './query-machines.ts';
import { qualityQueries } from './query-quality.ts';
import { recallQueries } from './query-recall.ts';
import { recordQueries } from './query-records.ts';
import { reportQueries } from './query-report.ts';
import { runQueries } from './query-runs.ts';
import { searchQueries } from './query-search.ts';
import { situationQueries } from './query-situations.ts';

export type { Args } from './query-args.ts';

export const queries = { ...actorQueries, ...browseQueries, ...budgetQueries, ...caseQueries, ...changeQueries, ...debtQueries, ...effectQueries, ...evalQueries, ...factQueries, ...inboxQueries, ...invoiceQueries, ...machineQueries, ...parkedQueries, ...qualityQueries, ...recallQueries, ...recordQueries, ...reportQueries, ...runQueries, ...searchQueries, ...situationQueries } satisfies Record<string, Query>;
export type QueryName = keyof typeof queries;

const named = new Map<string, Query>(Object.entries(queries));

export function runQuery(db: Database, name: string, args: Args): Promise<unknown> {
  const query = named.get(name);
  if (!query) throw new KeelsonError('BAD_ARGUMENT', `there is no query '${name}'`);
  return query(db, args);
}
