// The journal is a hash chain: each row's hash covers the previous hash and everything in the row. Changing, removing,
// inserting or moving a row breaks it from that row on.
import { hash } from 'node:crypto';
import type { Database } from './database.ts';

export interface JournalRow {
  seq: number;
  id: string;
  actor: string;
  rev: number | null;
  at_ms: number;
  outcome: string;
  body: string;
}

export const firstHash = '0'.repeat(64);

export function chainHash(previous: string, row: JournalRow): string {
  // Lengths before texts, so that no two different rows have the same bytes.
  return hash('sha256', `${previous}|${row.seq}|${row.rev ?? '-'}|${row.at_ms}|${counted(row.outcome)}|${counted(row.id)}|${counted(row.actor)}|${row.body}`);
}

const counted = (text: string) => `${text.length}:${text}`;

export interface Verdict { ok: boolean; rows: number; head: string; firstBad?: { seq: number; reason: string } }

const page = 2_000;

/** Walks the whole chain, also while the store goes on writing, and compares the counters. `firstBad` names the first row that does not fit. */
export async function verifyAudit(database: Database): Promise<Verdict> {
  let head = firstHash;
  let rows = 0;
  const bad = (seq: number, reason: string): Verdict => ({ ok: false, rows, head, firstBad: { seq, reason } });
  for (;;) {
    // The first page also looks below 1, where no row may be.
    const found = await database.all<JournalRow & { hash: string }>('SELECT seq, id, actor, rev, at_ms, outcome, body, hash FROM journal WHERE seq > ? ORDER BY seq LIMIT ?', rows === 0 ? Number.MIN_SAFE_INTEGER : rows, page);
    for (const row of found) {
      if (row.seq > rows + 1) return bad(rows + 1, 'the row is missing');
      if (row.seq < rows + 1) return bad(row.seq, 'the row was inserted');
      if (chainHash(head, row) !== row.hash) return bad(row.seq, 'the row was changed');
      head = row.hash;
      rows = row.seq;
    }
    if (found.length === page) continue;
    // One statement sees one moment: rows that came since are still walked, a count that differs from the rows is a cut tail.
    const [now] = await database.all<{ counted: number; last: number }>('SELECT applied + parked AS counted, (SELECT coalesce(max(seq), 0) FROM journal) AS last FROM counter');
    if (now?.counted !== now?.last) return bad((now?.last ?? 0) + 1, `${now?.counted ?? 0} commits were counted, the journal has ${now?.last ?? 0}`);
    if (now?.last === rows || now === undefined) return { ok: true, rows, head };
  }
}
