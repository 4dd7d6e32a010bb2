// The parts of accepted commits, one statement per kind of part and group.
import type { Commit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { limits, type Message } from '#machines/message.ts';
import type { Accepted } from './accepted.ts';
import type { Database, Value } from './database.ts';
import { insertRows, type Insert } from './rows.ts';
import { toBuffer, writeArtifacts } from './write-artifacts.ts';

const journal = { into: 'INTO journal (seq, id, actor, rev, at_ms, outcome, body, hash)', columns: 8 };
const actor = {
  into: 'INTO actor (address, machine, rev, status, value, parent, record, updated_ms)',
  columns: 8,
  conflict: 'ON CONFLICT (address) DO UPDATE SET machine = excluded.machine, rev = excluded.rev, status = excluded.status, value = excluded.value, record = excluded.record, updated_ms = excluded.updated_ms',
};
const send = { into: 'INTO outbox (id, receiver, sender, cause, due_ms, at_ms, body)', columns: 7 };
const entity = { or: 'OR IGNORE', into: 'INTO entity (id, kind, seq)', columns: 3 };
const fact = { into: 'INTO fact (entity, predicate, value, label, confidence, source, actor, seq, recorded_ms)', columns: 9 };
const intent = {
  into: 'INTO intent (id, kind, state, actor, summary, data, seq, created_ms, updated_ms)',
  columns: 9,
  conflict: `ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_ms = excluded.updated_ms, seq = excluded.seq,
    summary = CASE excluded.summary WHEN '' THEN summary ELSE excluded.summary END, data = CASE excluded.data WHEN '{}' THEN data ELSE excluded.data END`,
};
const decision = { into: 'INTO decision (actor, seq, at_ms, what, outcome, confidence, machine, detail)', columns: 8 };
const parked = { into: 'INTO parked (id, subject, reason, bytes, at_ms, seq)', columns: 6 };
const search = { into: 'INTO search (kind, id, version, text)', columns: 4 };

/** Writes everything; `settled` are ids of messages that were applied earlier and must not wait any longer. */
export async function writeParts(database: Database, accepted: Accepted[], settled: string[]): Promise<void> {
  const insert = (into: Insert, rows: (entry: Accepted) => Value[][]) => insertRows(database, into, accepted.flatMap(rows));

  await insert(journal, ({ commit: c, seq, hash }) => [[seq, c.id, c.actor, c.step?.rev ?? null, c.atMs, c.outcome, c.journal, hash]]);
  await insert(actor, ({ commit: { step: s, ...c } }) => (s ? [[c.actor, s.machine, s.rev, s.status, s.value, s.parent, s.record, c.atMs]] : []));
  await database.run('DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify([...settled, ...accepted.flatMap(({ commit: c }) => [c.id, ...c.settles])]));
  await insertRows(database, send, sendsLeft(accepted));
  await insert(entity, ({ commit: c, seq }) => c.facts.map((f) => [f.entity, f.entity.slice(0, Math.max(f.entity.indexOf('/'), 0)), seq]));
  await insert(fact, ({ commit: c, seq }) => c.facts.map((f) => [f.entity, f.predicate, JSON.stringify(f.value), f.label, f.confidence, f.source ?? null, c.actor, seq, c.atMs]));
  await insert(intent, ({ commit: c, seq }) => c.intents.map((i) => [i.id, i.kind, i.state, c.actor, i.summary ?? '', i.data ? JSON.stringify(i.data) : '{}', seq, c.atMs, c.atMs]));
  await insert(decision, ({ commit: c, seq }) => c.decisions.map(({ what, outcome, confidence, ...detail }) => [c.actor, seq, c.atMs, what, outcome, confidence, c.step?.machine ?? null, JSON.stringify(detail)]));
  await insert(parked, ({ commit: c, seq }) => (c.parked ? [[c.id, c.parked.subject, c.parked.reason, toBuffer(c.parked.bytes), c.atMs, seq]] : []));
  const texts = await writeArtifacts(database, accepted);
  const facts = accepted.flatMap(({ commit: c }) => c.facts.map((f) => ['fact', f.entity, null, `${f.predicate} ${JSON.stringify(f.value)}`]));
  await insertRows(database, search, [...facts, ...texts]);
}

/** A later commit of the group may settle what an earlier one sends; the outcome is as if each had been written alone. */
function sendsLeft(accepted: Accepted[]): Value[][] {
  const rows: Value[][] = [];
  const settledLater = new Set<string>();
  for (const { commit } of accepted.toReversed()) {
    rows.push(...commit.sends.filter(({ id }) => !settledLater.has(id)).map((message) => messageRow(message, commit)).toReversed());
    for (const id of [commit.id, ...commit.settles]) settledLater.add(id);
  }
  return rows.toReversed();
}

function messageRow(message: Message, commit: Commit): Value[] {
  const body = JSON.stringify(message.body);
  // The bus would refuse it each time it is published again.
  if (body.length > limits.bodyBytes || Buffer.byteLength(body) > limits.bodyBytes) throw new KeelsonError('REFUSED', `the message ${message.id} to ${message.to} has more than ${limits.bodyBytes} bytes`);
  return [message.id, message.to, message.from, message.cause ?? commit.id, message.dueMs ?? null, commit.atMs, body];
}
