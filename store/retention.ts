// Time limits for machinery: what a finished actor went through, step by step, is kept for a while; what the company knows,
// decided and did is kept. Bodies of old journal rows go, declared in the chain; so do the data of finished actors that nobody can
// wake, finished children, and contents that no document names. The file gives the space back.
//
// The journal is walked once, in the order of time, up to the limit; how far is remembered in the file. A row of an actor that goes on
// is passed by: the actor's last step comes later in that order, and brings everything of the actor with it.
import { sha256 } from '#actors/hash.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { Committer } from './commit.ts';
import type { Database, Row, Value } from './database.ts';
import { toRanges } from './removals.ts';
import { insertRows, type Insert } from './rows.ts';
import { readSetting, writeSetting } from './setting.ts';
import { tables } from './tables.ts';

export interface Retained { bodies: number; actors: number; blobs: number; pages: number; /** Rows of the journal that were looked at. */ walked: number; /** Is there more to do now? */ more: boolean }
/** `turnRows`: journal rows in one go, so that others may write between. */
export interface RetainOptions { beforeMs: number; nowMs: number; turnRows?: number }

const turnRowsMax = 5_000;
const pagesPerTurn = 2_000;
const dayMs = 86_400_000;
const inserts = { journal: { table: 'journal' }, actor: { table: 'actor' } } satisfies Record<string, Insert>;
/** What operations were about is business, not machinery. */
const kept = 'operation/%';

/** Everything up to this row was looked at; contents that nobody names were last looked for on that day. */
interface Reached { atMs: number; seq: number; day: number }
interface Passed { seq: number; at_ms: number; actor: string; old: number; ended: number }

/** One turn. */
export async function retain(database: Database, committer: Committer, { beforeMs, nowMs, turnRows = turnRowsMax }: RetainOptions): Promise<Retained> {
  return committer.exclusively(async (write) => {
    const reached = (await readSetting<Reached>(database, settingKey)) ?? { atMs: 0, seq: 0, day: 0 };
    const passed = await database.all<Passed>(
      `SELECT journal.seq, journal.at_ms, journal.actor,
         journal.body IS NOT NULL AND journal.actor NOT LIKE 'store/%' AND (actor.address IS NULL OR (actor.status <> 'active' AND actor.updated_ms < ?1)) AS old,
         coalesce(actor.status NOT IN ('active', 'erased') AND actor.updated_ms = journal.at_ms, 0) AS ended
       FROM journal LEFT JOIN actor ON actor.address = journal.actor
       WHERE journal.at_ms >= ?2 AND (journal.at_ms > ?2 OR journal.seq > ?3) AND journal.at_ms < ?1 ORDER BY journal.at_ms, journal.seq LIMIT ?4`, beforeMs, reached.atMs, reached.seq, turnRows);
    const last = passed.length < turnRows;
    const ended = [...new Set(passed.filter((row) => row.ended === 1).map(({ actor }) => actor))];
    const earlier = await bodiesOf(database, ended, beforeMs, turnRows);
    const seqs = [...new Set([...passed.filter((row) => row.old === 1).map(({ seq }) => seq), ...earlier])].toSorted((a, b) => a - b);
    /** An actor had more steps than one turn takes: what comes after this page waits. */
    const unfinished = earlier.length === turnRows;
    const sweeps = last && !unfinished && reached.day !== Math.floor(nowMs / dayMs);
    const counts = { actors: 0, blobs: 0 };
    const end = passed.at(-1);
    if (end !== undefined || sweeps) {
      const tidy = async () => {
        if (seqs.length > 0) await stripBodies(database, seqs);
        if (unfinished) return;
        counts.actors = await dropChildren(database, ended) + await forgetContexts(database, ended);
        if (sweeps) counts.blobs = await database.run('DELETE FROM blob WHERE NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.hash = blob.hash)');
        await writeSetting(database, settingKey, { ...(end ? { atMs: end.at_ms, seq: end.seq } : reached), day: sweeps ? Math.floor(nowMs / dayMs) : reached.day });
      };
      if (seqs.length > 0) await write(emptyCommit(`retention:${seqs[0]}-${seqs.at(-1)}-${nowMs}`, nowMs, 'store/retention', { removed: { reason: 'too old', bodies: toRanges(seqs), records: [] } }), tidy);
      else await inTransaction(database, tidy);
    }
    const [free] = await database.all<{ freelist_count: number }>('PRAGMA freelist_count');
    const pages = Math.min(free?.freelist_count ?? 0, pagesPerTurn);
    if (pages > 0) await database.exec(`PRAGMA incremental_vacuum(${pages})`);
    return { bodies: seqs.length, ...counts, pages, walked: passed.length, more: unfinished || !last };
  });
}

const settingKey = 'retained';

/** Steps of these actors that still have a body, also those that were passed by while the actor went on. */
async function bodiesOf(database: Database, actors: string[], beforeMs: number, rowsMax: number): Promise<number[]> {
  if (actors.length === 0) return [];
  const rows = await database.all<{ seq: number }>('SELECT seq FROM journal WHERE actor IN (SELECT value FROM json_each(?)) AND body IS NOT NULL AND at_ms < ? LIMIT ?', JSON.stringify(actors), beforeMs, rowsMax);
  return rows.map(({ seq }) => seq);
}

/**
 * A child that ended has told its parent: it goes when both have ended, at the time of the later one. Its parent's address, if mail
 * comes again, still says that it was here.
 */
async function dropChildren(database: Database, ended: string[]): Promise<number> {
  return database.run(
    `DELETE FROM actor WHERE address NOT LIKE '${kept}' AND status NOT IN ('active', 'erased') AND address IN (
       SELECT child.address FROM actor AS child LEFT JOIN actor AS parent ON parent.address = child.parent
         WHERE child.address IN (SELECT value FROM json_each(?1)) AND child.parent IS NOT NULL AND (parent.address IS NULL OR parent.status <> 'active')
       UNION ALL SELECT child.address FROM actor AS parent JOIN actor AS child ON child.parent = parent.address
         WHERE parent.address IN (SELECT value FROM json_each(?1)) AND child.updated_ms < parent.updated_ms)`, JSON.stringify(ended));
}

async function forgetContexts(database: Database, ended: string[]): Promise<number> {
  return shrink(database, 'actor', `address IN (SELECT value FROM json_each(?)) AND address NOT LIKE '${kept}' AND record ->> '$.snapshot.context' <> '{}'`, [JSON.stringify(ended)], (row) => ({ ...row, record: withoutContext(String(row['record'])) }));
}

async function stripBodies(database: Database, seqs: number[]): Promise<void> {
  await database.run("INSERT INTO setting (key, value) VALUES ('retaining', '')");
  await shrink(database, 'journal', 'seq IN (SELECT value FROM json_each(?))', [JSON.stringify(seqs)], (row) => ({ ...row, body: null, digest: sha256(String(row['body'])) }));
  await database.run("DELETE FROM setting WHERE key = 'retaining'");
}

/** Takes rows out and puts them back smaller. An update in place would leave each on a page of its own. */
async function shrink(database: Database, table: 'journal' | 'actor', condition: string, values: Value[], change: (row: Row) => Row): Promise<number> {
  const columns = tables[table];
  const rows = await database.all(`SELECT ${columns.join()} FROM ${table} WHERE ${condition}`, ...values);
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
