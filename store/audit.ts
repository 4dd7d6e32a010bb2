// The journal is a hash chain: each row's hash covers the previous hash and everything in the row. Changing, removing,
// inserting or moving a row breaks it from that row on.
import { createHash } from 'node:crypto';
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
  const head = `${previous}|${row.seq}|${row.rev ?? '-'}|${row.at_ms}|${row.outcome}|${row.id.length}:${row.id}|${row.actor.length}:${row.actor}|`;
  return createHash('sha256').update(head).update(row.body).digest('hex');
}

export interface Verdict { ok: boolean; rows: number; head: string; firstBad?: { seq: number; reason: string } }

const page = 2_000;

/** Walks the whole chain and compares the counters. `firstBad` names the first row that does not fit. */
export async function verifyAudit(database: Database): Promise<Verdict> {
  let head = firstHash;
  let rows = 0;
  for (;;) {
    const found = await database.all<JournalRow & { hash: string }>('SELECT seq, id, actor, rev, at_ms, outcome, body, hash FROM journal WHERE seq > ? ORDER BY seq LIMIT ?', rows, page);
    for (const row of found) {
      if (row.seq !== rows + 1) return { ok: false, rows, head, firstBad: { seq: rows + 1, reason: 'the row is missing' } };
      if (chainHash(head, row) !== row.hash) return { ok: false, rows, head, firstBad: { seq: row.seq, reason: 'the row was changed' } };
      head = row.hash;
      rows = row.seq;
    }
    if (found.length < page) break;
  }
  const [counter] = await database.all<{ applied: number; parked: number }>('SELECT applied, parked FROM counter');
  const counted = (counter?.applied ?? 0) + (counter?.parked ?? 0);
  if (counted !== rows) return { ok: false, rows, head, firstBad: { seq: rows + 1, reason: `${counted} commits were counted, the journal has ${rows}` } };
  return { ok: true, rows, head };
}
