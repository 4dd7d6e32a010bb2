// Walks the whole chain, also while the store goes on writing: every journal row, the records it vouches for, and the counters.
import { chainHash, firstHash, type JournalRow } from './audit.ts';
import type { Database, Value } from './database.ts';
import { partsHash, type PartRows } from './part-rows.ts';
import { partNumber, partsMax } from '#machines/records.ts';
import { firstUncovered, leftOf, readRemoval, toRanges, type Removal } from './removals.ts';
import { tables, vouched } from './tables.ts';

export interface Verdict { ok: boolean; rows: number; head: string; firstBad?: { seq: number; reason: string } }
/** A place of the chain that was written down elsewhere. */
export interface KnownHead { seq: number; hash: string }

const page = 2_000;

/** `firstBad` names the first row that does not fit. `heads` must be in the chain: they show a tail that was cut off together with its counters. */
export async function verifyAudit(database: Database, heads: KnownHead[] = []): Promise<Verdict> {
  let head = firstHash;
  let rows = 0;
  const goneBodies: number[] = [];
  /** Commits whose records are not those of their row, with the hash of what is there. */
  const changed = new Map<number, string | null>();
  const removals: Removal[] = [];
  const expected = new Map(heads.map(({ seq, hash }) => [seq, hash]));
  const ends = async (seq: number, reason: string): Promise<Verdict> => {
    const candidates = [{ seq, reason }];
    // What is declared from a bad row on proves nothing, but without it the bad row would not be the one that is named.
    const rest = seq === Infinity ? [] : await database.all<{ actor: string; body: string }>("SELECT actor, body FROM journal WHERE seq >= ? AND actor >= 'store/' AND actor < 'store0' AND CASE WHEN json_valid(body) THEN json_type(body, '$.removed') = 'object' END", seq);
    removals.push(...rest.flatMap(({ actor, body }) => readRemoval(actor, body) ?? []));
    const bare = firstUncovered(toRanges(goneBodies), removals.map(({ bodies }) => bodies));
    if (bare !== null) candidates.push({ seq: bare, reason: 'its body is gone and nothing says why' });
    const tampered = [...changed].find(([changedSeq, found]) => leftOf(changedSeq, removals) !== found);
    if (tampered) candidates.push({ seq: tampered[0], reason: 'its records were changed' });
    const firstBad = candidates.reduce((a, b) => (b.seq < a.seq ? b : a));
    return firstBad.seq === Infinity ? { ok: true, rows, head } : { ok: false, rows, head, firstBad };
  };
  for (;;) {
    // The first page also looks below 1, where no row may be.
    const journal = await readRows(database, rows === 0 ? -Infinity : rows);
    const recorded = await readParts(database, journal.map(({ seq }) => seq));
    for (const row of journal) {
      if (row.seq > rows + 1) return ends(rows + 1, 'the row is missing');
      if (row.seq < rows + 1) return ends(row.seq, 'the row was inserted');
      if (chainHash(head, row) !== row.hash) return ends(row.seq, 'the row was changed');
      if ((expected.get(row.seq) ?? row.hash) !== row.hash) return ends(row.seq, 'the row is not the one whose hash was written down');
      head = row.hash;
      rows = row.seq;
      if (row.body === null) goneBodies.push(row.seq);
      const found = recorded(row.seq);
      if (found !== row.parts) changed.set(row.seq, found);
      const removal = readRemoval(row.actor, row.body);
      if (removal) removals.push(removal);
    }
    if (journal.length === page) continue;
    // One statement sees one moment: rows that came since are still walked, a count that differs from the rows is a cut tail.
    const [now] = await database.all<{ counted: number; last: number; highest: number; lowest: number }>(`SELECT applied + parked AS counted, (SELECT coalesce(max(seq), 0) FROM journal) AS last,
      max(${edges('max', 0)}) AS highest, min(${edges('min', 1)}) AS lowest FROM counter`);
    const rogue = now && (now.lowest < 1 ? now.lowest : now.highest > now.last ? now.last + 1 : null);
    if (typeof rogue === 'number') return ends(rogue, 'there are records of a commit that the journal does not have');
    if (now?.counted !== now?.last) return ends((now?.last ?? 0) + 1, `${now?.counted ?? 0} commits were counted, the journal has ${now?.last ?? 0}`);
    const cut = heads.find(({ seq }) => seq > rows);
    if (cut && now?.last === rows) return ends(rows + 1, `the journal ends at ${rows}, but row ${cut.seq} was there once`);
    if (now?.last === rows || now === undefined) return ends(Infinity, '');
  }
}

/** SQL for the first or last commit that each table of records knows; `none` for an empty one. */
const edges = (most: 'min' | 'max', none: number) => vouched.map((table) => `coalesce((SELECT ${table === 'artifact' ? `${most}(seq)` : `${most}(n) / ${partsMax}`} FROM ${table}), ${none})`).join();

async function readRows(database: Database, after: number): Promise<(JournalRow & { hash: string })[]> {
  // As JSON, as below; the body alone is long, and long texts are cheaper as they are.
  const found = await database.all<{ row: string; body: string | null }>('SELECT json_array(seq, id, actor, rev, at_ms, outcome, digest, parts, hash) AS row, body FROM journal WHERE seq > ? ORDER BY seq LIMIT ?', after, page);
  return found.map(({ row, body }) => {
    const [seq, id, actor, rev, atMs, outcome, digest, parts, hash] = JSON.parse(row) as [number, string, string, number | null, number, string, string | null, string | null, string];
    return { seq, id, actor, rev, at_ms: atMs, outcome, body, digest, parts, hash };
  });
}

/** The hash of what is stored for each commit of a page, by its first and last number. */
export async function readParts(database: Database, seqs: number[]): Promise<(seq: number) => string | null> {
  const first = seqs[0] ?? 0;
  const last = seqs.at(-1) ?? 0;
  const bySeq = new Map<number, PartRows>();
  for (const table of vouched) {
    const columns: readonly string[] = tables[table];
    const [key, low, high] = table === 'artifact' ? ['seq', first, last] : ['n', partNumber(first, 0), partNumber(last, partsMax - 1)];
    const confidence = columns.indexOf('confidence');
    // As JSON: one value a row is cheaper to hand over than a dozen. SQLite would round what is not whole, and JSON knows no infinity.
    for (const { row, real } of await database.all<{ row: string; real: number | null }>(`SELECT json_array(${columns.join()}) AS row, ${confidence === -1 ? 'NULL' : 'confidence'} AS real FROM ${table} WHERE ${key} BETWEEN ? AND ?`, low, high)) {
      const values = JSON.parse(row) as Value[];
      if (confidence !== -1) values[confidence] = real === Infinity ? 'Infinity' : real;
      const seq = table === 'artifact' ? Number(values[columns.indexOf('seq')]) : Math.floor(Number(values[0]) / partsMax);
      if (!bySeq.has(seq)) bySeq.set(seq, { fact: [], intent_change: [], decision: [], annotation: [], artifact: [], spend: [] });
      bySeq.get(seq)![table].push(values);
    }
  }
  return (seq) => {
    const rows = bySeq.get(seq);
    return rows ? partsHash(rows) : null;
  };
}
