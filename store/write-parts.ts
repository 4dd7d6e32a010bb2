// The parts of accepted commits, one statement per kind: the rows go in as one JSON array, which costs a third of a statement
// per row.
import type { Commit } from '#machines/commit.ts';
import type { Message } from '#machines/message.ts';
import type { Database } from './database.ts';

export interface Accepted { commit: Commit; seq: number; hash: string }

const journal = `INSERT INTO journal (seq, id, actor, rev, at_ms, outcome, body, hash)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7 FROM json_each(?)`;
const actor = `INSERT INTO actor (address, machine, rev, status, value, parent, record, updated_ms)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7 FROM json_each(?) WHERE true
  ON CONFLICT (address) DO UPDATE SET machine = excluded.machine, rev = excluded.rev, status = excluded.status, value = excluded.value, record = excluded.record, updated_ms = excluded.updated_ms`;
const settle = 'DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))';
const send = `INSERT INTO outbox (id, receiver, sender, cause, due_ms, at_ms, body)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?) WHERE true ORDER BY key`;
const entity = "INSERT OR IGNORE INTO entity (id, kind, seq) SELECT value ->> 0, substr(value ->> 0, 1, instr(value ->> 0, '/') - 1), value ->> 7 FROM json_each(?)";
const fact = `INSERT INTO fact (entity, predicate, value, label, confidence, source, actor, seq, recorded_ms)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8 FROM json_each(?)`;
const intent = `INSERT INTO intent (id, kind, state, actor, summary, data, seq, created_ms, updated_ms)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, coalesce(value ->> 4, ''), coalesce(value ->> 5, '{}'), value ->> 6, value ->> 7, value ->> 7 FROM json_each(?) WHERE true
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_ms = excluded.updated_ms, seq = excluded.seq,
    summary = CASE excluded.summary WHEN '' THEN summary ELSE excluded.summary END, data = CASE excluded.data WHEN '{}' THEN data ELSE excluded.data END`;
const decision = `INSERT INTO decision (actor, seq, at_ms, what, outcome, confidence, machine, detail)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7 FROM json_each(?)`;
const search = 'INSERT INTO search (kind, id, text) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)';
const artifact = `INSERT INTO artifact (id, version, kind, media_type, name, hash, size_bytes, actor, seq, at_ms)
  SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM artifact WHERE id = ?1
  HAVING NOT EXISTS (SELECT 1 FROM artifact WHERE id = ?1 AND hash = ?5 AND version = (SELECT max(version) FROM artifact WHERE id = ?1))`;

export async function writeParts(database: Database, accepted: Accepted[]): Promise<void> {
  const insert = async (sql: string, rows: unknown[]) => {
    if (rows.length > 0) await database.run(sql, JSON.stringify(rows));
  };
  const each = <T>(rows: (entry: Accepted) => T[]): T[] => accepted.flatMap(rows);

  await insert(journal, accepted.map(({ commit: c, seq, hash }) => [seq, c.id, c.actor, c.step?.rev ?? null, c.atMs, c.outcome, c.journal, hash]));
  await insert(actor, each(({ commit: c }) => (c.step ? [[c.actor, c.step.machine, c.step.rev, c.step.status, c.step.value, c.step.parent, c.step.record, c.atMs]] : [])));
  await insert(settle, each(({ commit: c }) => [c.id, ...c.settles]));
  await insert(send, each(({ commit: c }) => c.sends.map((m) => messageRow(m, c))));
  const facts = each(({ commit: c, seq }) => c.facts.map((f) => [f.entity, f.predicate, JSON.stringify(f.value), f.label, f.confidence, f.source ?? null, c.actor, seq, c.atMs]));
  await insert(entity, facts);
  await insert(fact, facts);
  await insert(intent, each(({ commit: c, seq }) => c.intents.map((i) => [i.id, i.kind, i.state, c.actor, i.summary ?? null, i.data ? JSON.stringify(i.data) : null, seq, c.atMs])));
  await insert(decision, each(({ commit: c, seq }) => c.decisions.map((d) => [c.actor, seq, c.atMs, d.what, d.outcome, d.confidence, c.step?.machine ?? null, JSON.stringify({ reasons: d.reasons, evidence: d.evidence, policy: d.policy, model: d.model, costMicros: d.costMicros })])));
  await insert(search, [
    ...facts.map((row) => ['fact', row[0], `${row[1]} ${row[2]}`]),
    ...each(({ commit: c }) => c.artifacts.flatMap((a) => (a.text ? [[a.kind, a.id, a.text]] : []))),
  ]);
  for (const { commit: c, seq } of accepted) {
    for (const { hash, bytes } of c.blobs) await database.run('INSERT OR IGNORE INTO blob (hash, bytes) VALUES (?, ?)', hash, typeof bytes === 'string' ? Buffer.from(bytes) : asBuffer(bytes));
    for (const a of c.artifacts) await database.run(artifact, a.id, a.kind, a.mediaType, a.name ?? null, a.hash, a.sizeBytes, c.actor, seq, c.atMs);
    if (c.parked) await database.run('INSERT INTO parked (id, subject, reason, bytes, at_ms, seq) VALUES (?, ?, ?, ?, ?, ?)', c.id, c.parked.subject, c.parked.reason, asBuffer(c.parked.bytes), c.atMs, seq);
  }
}

function messageRow(message: Message, commit: Commit): unknown[] {
  return [message.id, message.to, message.from, message.cause ?? commit.id, message.dueMs ?? null, commit.atMs, JSON.stringify(message.body)];
}

/** The driver binds Buffers, not plain byte arrays; this shares the memory. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
