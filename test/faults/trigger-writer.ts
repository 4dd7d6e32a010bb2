// Run by trigger-restart.test.ts: `trigger-writer.ts FILE COUNT TRIGGERS` writes COUNT facts in one group and dies after the commit,
// before anything is published.
import { silentLog } from '#actors/log.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { Trigger } from '#machines/triggers.ts';
import { createCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { createTriggers, putInForce } from '#store/triggers.ts';

const [file = '', count = '', given = ''] = process.argv.slice(2);
const triggers = JSON.parse(given) as Trigger[];
const db = await openDatabase(file);
await migrate(db);
const committer = await createCommitter(db, await nextEpoch(db), { onWritten: () => process.kill(process.pid, 'SIGKILL'), triggered: createTriggers(triggers, silentLog) });
await putInForce({ database: db, committer, triggers, nowMs: 1_790_000_000_000 });
await Promise.all(Array.from({ length: Number(count) }, (_, i) => committer.commit({
  ...emptyCommit(`killed-${i}`, 1_790_000_000_000, 'order/1', {}),
  facts: [{ entity: 'organisation/acme', predicate: 'invoice', value: { amountMinor: i }, label: 'system', confidence: 1 }],
})));
