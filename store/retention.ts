// Time limits for machinery: what a finished actor went through, step by step, is kept for a while; what the company knows,
// decided and did is kept. Bodies of old journal rows go, declared in the chain; so do the data of finished actors that nobody can
// wake, finished children, and contents that no document names. The file gives the space back.
import { sha256 } from '#actors/hash.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { Committer } from './commit.ts';
import type { Database, Row, Value } from './database.ts';
import { toRanges } from './removals.ts';
import { insertRows, type Insert } from './rows.ts';
import { tables } from './tables.ts';

export interface Retained { bodies: number; actors: number; blobs: number; pages: number; /** Where to go on; null at the end. */ next: number | null }

/** Journal rows looked at in one go, so that others may write between. */
const rowsPerTurn = 5_000;
const pagesPerTurn = 2_000;
const inserts = { journal: { table: 'journal' }, actor: { table: 'actor' } } satisfies Record<string, Insert>;
/** What operations were about is business, not machinery. */
const keptTypes = ['operation'];

/** One turn from journal row `after` on. */
export async function retain(database: Database, committer: Committer, { after, beforeMs, nowMs }: { after: number; beforeMs: number; nowMs: number }): Promise<Retained> {
  return committer.exclusively(async (write) => {
    const rows = await database.all<{ seq: number; old: number }>(
      `SELECT seq, at_ms < ?1 AND body IS NOT NULL AND actor NOT LIKE 'store/%' AND NOT EXISTS (SELECT 1 FROM actor WHERE address = journal.actor AND (status = 'active' OR updated_ms >= ?1)) AS old
       FROM journal WHERE seq > ?2 ORDER BY seq LIMIT ?3`, beforeMs, after, rowsPerTurn);
    const seqs = rows.filter(({ old }) => old === 1).map(({ seq }) => seq);
    const kept = keptTypes.map((type) => `address NOT LIKE '${type}/%'`).join(' AND ');
    const ended = `status NOT IN ('active', 'erased') AND updated_ms < ?1 AND ${kept}`;
    const last = rows.length < rowsPerTurn;
    const counts = { actors: 0, blobs: 0 };
    if (seqs.length > 0 || last) {
      const tidy = async () => {
        await stripBodies(database, seqs);
        if (!last) return;
        // A child that ended has told its parent. Its parent's address, if mail comes again, still says that it was here.
        counts.actors += await database.run(`DELETE FROM actor WHERE address IN (SELECT address FROM actor WHERE parent IS NOT NULL AND ${ended}
          AND NOT EXISTS (SELECT 1 FROM actor AS parent WHERE parent.address = actor.parent AND parent.status = 'active') LIMIT ${rowsPerTurn})`, beforeMs);
        counts.actors += await shrink(database, 'actor', `${ended} AND record ->> '$.snapshot.context' <> '{}'`, [beforeMs], (row) => ({ ...row, record: withoutContext(String(row['record'])) }));
        counts.blobs = await database.run('DELETE FROM blob WHERE NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.hash = blob.hash)');
      };
      if (seqs.length > 0) await write(emptyCommit(`retention:${seqs[0]}-${seqs.at(-1)}-${nowMs}`, nowMs, 'store/retention', { removed: { reason: 'too old', bodies: toRanges(seqs), records: [] } }), tidy);
      else await inTransaction(database, tidy);
    }
    const [free] = await database.all<{ freelist_count: number }>('PRAGMA freelist_count');
    const pages = Math.min(free?.freelist_count ?? 0, pagesPerTurn);
    if (pages > 0) await database.exec(`PRAGMA incremental_vacuum(${pages})`);
    const more = !last || counts.actors >= rowsPerTurn;
    return { bodies: seqs.length, ...counts, pages, next: more ? (rows.at(-1)?.seq ?? after) : null };
  });
}

async function stripBodies(database: Database, seqs: number[]): Promise<void> {
  await database.run("INSERT INTO setting (key, value) VALUES ('retaining', '')");
  await shrink(database, 'journal', 'seq IN (SELECT value FROM json_each(?))', [JSON.stringify(seqs)], (row) => ({ ...row, body: null, digest: sha256(String(row['body'])) }));
  await database.run("DELETE FROM setting WHERE key = 'retaining'");
}

/** Takes rows out and puts them back smaller. An update in place would leave each on a page of its own. */
async function shrink(database: Database, table: 'journal' | 'actor', condition: string, values: Value[], change: (row: Row) => Row): Promise<number> {
  const columns = tables[table];
  const rows = await database.all(`SELECT ${columns.join()} FROM ${table} WHERE ${condition} LIMIT ${rowsPerTurn}`, ...values);
  const [key] = columns;
  await database.run(`DELETE FROM ${table} WHERE ${key} IN (SELECT value FROM json_each(?))`, JSON.stringify(rows.map((row) => row[key] as Value)));
  await insertRows(database, inserts[table], rows.map((row) => { const changed = change(row); return columns.map((column) => changed[column] ?? null); }));
  return rows.length;
}

function withoutContext(record: string): string {
  const parsed = JSON.parse(record) as { snapshot: object };
  return JSON.stringify({ ...parsed, snapshot: { ...parsed.snapshot, context: {} } });
}

async function inTransaction(database: Database, work: () => Promise<void>): Promise<void> {
  await database.run('BEGIN IMMEDIATE');
  try {
    await work();
    await database.run('COMMIT');
  } catch (error) {
    await database.run('ROLLBACK').catch(() => {});
    throw error;
  }
}
