// Run by full-disk.test.ts: `full-disk.ts DIR` on a small file system of its own. Prints what it found as one line of JSON.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { verifyAudit } from '#store/verify.ts';
import { createCommitter } from '#store/commit.ts';
import { openDatabase, type Database } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { runQuery } from '#store/queries.ts';

const dir = process.argv[2]!;
const file = join(dir, 'keelson.db');
const ballast = join(dir, 'ballast');
writeFileSync(ballast, Buffer.alloc(6_000_000, 1));
const db = await openDatabase(file);
await migrate(db);
const reader = await openDatabase(file, { readOnly: true });
const committer = await createCommitter(db, await nextEpoch(db), { onWritten() {} });
const commitOf = (n: number): Commit => ({ ...emptyCommit(`c${n}`, n, `order/${n}`, { text: String(n).repeat(4_000) }), facts: [{ entity: `person/${n}`, predicate: 'n', value: n, label: 'system', confidence: 1 }] });
const acknowledged: string[] = [];
const errors: string[] = [];
const isLost = async (from: Database) => {
  const ids = new Set((await from.all<{ id: string }>('SELECT id FROM journal')).map(({ id }) => id));
  return acknowledged.filter((id) => !ids.has(id)).length;
};

let n = 0;
const write = (size: number) => Promise.all(Array.from({ length: size }, async () => {
  const commit = commitOf(n++);
  const answer = await committer.commit(commit).catch((error: unknown) => error);
  if (answer instanceof KeelsonError) errors.push(answer.code);
  else if (answer instanceof Error) errors.push(String(answer));
  else acknowledged.push(commit.id);
  return commit;
}));
for (let group = 0; errors.length === 0 && group < 250; group++) await write(20);
const beforeFull = acknowledged.length;
const refused = await write(20); // and again, with the disk still full
await write(1);
const whileFull = { lost: await isLost(reader), reads: (await runQuery(reader, 'status', {})) !== null, verified: (await verifyAudit(reader)).ok, opens: await openDatabase(file, { readOnly: true }).then(async (late) => late.close().then(() => true)) };
const codes = [...new Set(errors.splice(0))];
rmSync(ballast);
const again = await Promise.all(refused.map((commit) => committer.commit(commit).then((answer) => answer.outcome, String)));
const afterwards = { again: [...new Set(again)], lost: await isLost(reader) };
await reader.close();
await db.close();
const reopened = await openDatabase(file);
const [integrity] = await reopened.all<{ integrity_check: string }>('PRAGMA integrity_check');
const [facts] = await reopened.all<{ n: number }>('SELECT count(*) - (SELECT count(*) FROM journal) AS n FROM fact');
console.log(JSON.stringify({ beforeFull, codes, whileFull, afterwards, reopened: { lost: await isLost(reopened), verified: (await verifyAudit(reopened)).ok, integrity: integrity?.integrity_check, factsWithoutCommit: facts?.n } }));
await reopened.close();
