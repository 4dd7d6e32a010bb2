// The parts of accepted commits, one statement per kind of part and group.
import type { Commit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { limits, type Message } from '#machines/message.ts';
import { partId, partNumber } from '#machines/records.ts';
import type { Accepted } from './accepted.ts';
import type { Database, Value } from './database.ts';
import { insertRows, type Insert } from './rows.ts';
import { vouched } from './tables.ts';
import { chainOf } from './trigger-loops.ts';

const inserts = {
  journal: { table: 'journal' },
  actor: {
    table: 'actor',
    conflict: 'ON CONFLICT (address) DO UPDATE SET machine = excluded.machine, rev = excluded.rev, status = excluded.status, value = excluded.value, record = excluded.record, updated_ms = excluded.updated_ms',
  },
  outbox: { table: 'outbox' },
  entity: { table: 'entity', or: 'OR IGNORE' },
  blob: { table: 'blob', or: 'OR IGNORE' },
  intent: {
    table: 'intent',
    conflict: `ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_ms = excluded.updated_ms, seq = excluded.seq,
      summary = CASE excluded.summary WHEN '' THEN summary ELSE excluded.summary END, data = CASE excluded.data WHEN '{}' THEN data ELSE excluded.data END`,
  },
  parked: { table: 'parked' },
  search: { table: 'search' },
  answer: { table: 'answer', or: 'OR REPLACE' },
} satisfies Record<string, Insert>;
const vouchedInserts: Insert[] = vouched.map((table) => ({ table }));

/** Writes everything; `settled` are messages that waited before and must not any longer. */
export async function writeParts(database: Database, accepted: Accepted[], settled: string[]): Promise<void> {
  const insert = (into: Insert, rows: (entry: Accepted) => Value[][]) => insertRows(database, into, accepted.flatMap(rows));

  await insert(inserts.journal, ({ commit: c, seq, parts, hash }) => [[seq, c.id, c.actor, c.step?.rev ?? null, c.atMs, c.outcome, c.journal, null, parts, hash]]);
  await insert(inserts.actor, ({ commit: { step: s, ...c } }) => (s ? [[c.actor, s.machine, s.rev, s.status, s.value, s.parent, s.record, c.atMs]] : []));
  if (settled.length > 0) await database.run('DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(settled));
  await insertRows(database, inserts.outbox, sendsLeft(accepted));
  await insert(inserts.blob, ({ commit: c }) => c.blobs.map(({ hash, bytes }) => [hash, toBuffer(bytes)]));
  await insert(inserts.entity, ({ commit: c, seq }) => c.facts.map((f) => [f.entity, f.entity.slice(0, Math.max(f.entity.indexOf('/'), 0)), seq]));
  for (const into of vouchedInserts) await insert(into, ({ rows }) => rows[into.table as (typeof vouched)[number]]);
  await insert(inserts.intent, ({ rows }) => rows.intent_change.map(([, id, kind, state, summary, data, actor, seq, atMs]) => [id!, kind!, state!, actor!, summary!, data!, seq!, atMs!, atMs!]));
  await insert(inserts.parked, ({ commit: c, seq }) => (c.parked ? [[c.id, c.parked.subject, c.parked.reason, toBuffer(c.parked.bytes), c.atMs, seq]] : []));
  const unparked = accepted.flatMap(({ commit: c }) => c.unparks ?? []);
  if (unparked.length > 0) await database.run('DELETE FROM parked WHERE seq IN (SELECT value FROM json_each(?))', JSON.stringify(unparked));
  await insert(inserts.answer, ({ commit: { answers = [], atMs } }) => answers.map(({ key, task, model, value }) => [key, task, model, value, atMs]));
  await insert(inserts.search, searchRows);
}

/** What the full-text index learns: facts, annotations, and artifact versions that have a text. */
function searchRows({ commit, rows, seq }: Accepted): Value[][] {
  const texts = new Map(commit.artifacts.map(({ id, hash, text }) => [`${id} ${hash}`, text]));
  return [
    ...rows.fact.map(([n, entity, predicate, , value]): Value[] => ['fact', partId('f', n as number), null, `${entity as string} ${predicate as string} ${value as string}`]),
    ...commit.annotations.map(({ kind, text, before = '', after = '' }, i): Value[] => [kind, partId('a', partNumber(seq, i)), null, [text, before, after].join('\n').trim()]),
    ...rows.artifact.flatMap(([id, version, kind, , , hash]) => {
      const text = texts.get(`${id as string} ${hash as string}`);
      return text ? [[kind!, id!, version!, text]] : [];
    }),
  ];
}

/** A later commit of the group may settle what an earlier one sends; the outcome is as if each had been written alone. */
function sendsLeft(accepted: Accepted[]): Value[][] {
  const rows: Value[][] = [];
  const settledLater = new Set<string>();
  for (const { commit, sends, chain } of accepted.toReversed()) {
    rows.push(...sends.filter(({ id }) => !settledLater.has(id)).map((message) => [...messageRow(message, commit), chainOf(message, chain)]).toReversed());
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

/** The driver binds Buffers, not plain byte arrays; this shares the memory. */
function toBuffer(bytes: Uint8Array | string): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
