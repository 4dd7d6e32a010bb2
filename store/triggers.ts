// What triggers lead to. While one is in force every commit is looked at, and its messages are part of that commit. What was
// recorded while it was away is caught up with at the next start, before anything else is accepted. `watch.until_seq` is how far a
// trigger that is not in force has looked; each page of the catching up is a commit, so that a crash repeats at most one page,
// and what that page had promised already is left out.
import { sha256 } from '#actors/hash.ts';
import type { Log } from '#actors/log.ts';
import type { ChangeKind } from '#machines/changes.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import type { Message } from '#machines/message.ts';
import { predicateOf, upcastValue, type Json } from '#machines/predicates.ts';
import { partNumber, partsMax } from '#machines/records.ts';
import { changesOf, matches, toTriggerMessage, type Change, type Trigger } from '#machines/triggers.ts';
import type { Committer } from './commit.ts';
import type { Database, Row } from './database.ts';

/** More than one commit can record of a kind, so that a page always holds whole commits. */
const pageRows = 2 * partsMax;
const sendsPerCommit = 500;

/** What a commit sets off. Never throws: a trigger must not stop what it watches. */
export function createTriggers(triggers: readonly Trigger[], log: Log): (commit: Commit, seq: number) => Message[] {
  const byKind = Map.groupBy(triggers, ({ on }) => on);
  return (commit, seq) => [...byKind].flatMap(([kind, watching]) => {
    try {
      return changesOf(commit, seq, kind).flatMap((change) => toMessages(watching, change));
    } catch (error) {
      log.error({ commit: commit.id, ...plainError(error) }, 'a trigger failed; it is not repeated');
      return [];
    }
  });
}

const toMessages = (triggers: readonly Trigger[], change: Change) => triggers.filter((trigger) => matches(trigger, change)).map((trigger) => toTriggerMessage(trigger, change, (value) => sha256(value).slice(0, 16)));

interface CatchUpOptions { database: Database; committer: Pick<Committer, 'commit' | 'exclusively'>; triggers: readonly Trigger[]; nowMs: number }

/**
 * Puts exactly these triggers in force. A new one looks at everything or at nothing that is there, one that was away at what it
 * has missed. Another definition under a known name goes on where the old one had stopped. Answers how many messages it promised.
 */
export async function putInForce({ database, committer, triggers, nowMs }: CatchUpOptions): Promise<number> {
  const write = (sql: string, ...values: (string | number | null)[]) => committer.exclusively(() => database.run(sql, ...values));
  const [head] = await database.all<{ seq: number }>('SELECT coalesce(max(seq), 0) AS seq FROM journal');
  const rows = await database.all<{ name: string; definition: string; until: number | null }>('SELECT name, definition, until_seq AS until FROM watch');
  const watched = new Map(rows.map((row) => [row.name, row]));
  await write('UPDATE watch SET until_seq = ? WHERE until_seq IS NULL AND name NOT IN (SELECT value FROM json_each(?))', head!.seq, JSON.stringify(triggers.map(({ name }) => name)));
  let promised = 0;
  for (const trigger of triggers) {
    const { name, from } = trigger;
    const before = watched.get(name);
    const until = before ? before.until : from === 'beginning' ? 0 : null;
    const definition = JSON.stringify(trigger);
    if (before?.definition !== definition) await write('INSERT INTO watch (name, definition, until_seq) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET definition = excluded.definition', name, definition, until);
    if (until === null) continue;
    for await (const { after, to, changes } of pages(database, trigger.on, until)) {
      promised += await promise({ database, committer, nowMs }, `watch:${name}:${after}-${to}`, changes.flatMap((change) => toMessages([trigger], change)));
      await write('UPDATE watch SET until_seq = ? WHERE name = ?', to, name);
    }
    await write('UPDATE watch SET until_seq = NULL WHERE name = ?', name);
  }
  return promised;
}

async function promise({ database, committer, nowMs }: Omit<CatchUpOptions, 'triggers'>, page: string, messages: Message[]): Promise<number> {
  let promised = 0;
  for (let i = 0; i < messages.length; i += sendsPerCommit) {
    const part = messages.slice(i, i + sendsPerCommit);
    const old = await known(database, part.map((message) => message.id));
    const sends = part.filter((message) => !old.has(message.id));
    if (sends.length === 0) continue;
    const id = i === 0 ? page : `${page}.${i}`;
    const answer = await committer.commit({ ...emptyCommit(id, nowMs, 'store/triggers', { watch: page, sends: sends.length }), sends });
    if (answer.outcome === 'written') promised += sends.length;
    else if (answer.outcome !== 'duplicate') throw new KeelsonError('STORE_FAILED', `${id} was not written: ${answer.outcome === 'invalid' ? answer.reason : answer.outcome}`);
  }
  return promised;
}

/** Those of these messages that were promised before. */
async function known(database: Database, ids: string[]): Promise<Set<string>> {
  const rows = await database.all<{ id: string }>('SELECT id FROM outbox WHERE id IN (SELECT value FROM json_each(?1)) UNION ALL SELECT id FROM journal WHERE id IN (SELECT value FROM json_each(?1))', JSON.stringify(ids));
  return new Set(rows.map(({ id }) => id));
}

async function* pages(database: Database, kind: ChangeKind, until: number): AsyncGenerator<{ after: number; to: number; changes: Change[] }> {
  const { sql, toFields, letter } = stored[kind];
  for (let after = until; ;) {
    const rows = await database.all<Row & { seq: number }>(sql, kind === 'artifact' ? after : partNumber(after + 1, 0) - 1, pageRows);
    const full = rows.length === pageRows;
    // The last commit of a full page may be cut off.
    const whole = full ? rows.filter(({ seq }) => seq < rows.at(-1)!.seq) : rows;
    const to = whole.at(-1)?.seq;
    if (to === undefined) return;
    let place = 0;
    const changes = whole.map((row, i): Change => {
      place = whole[i - 1]?.seq === row.seq ? place + 1 : 0;
      const id = `${letter}-${row.seq}-${typeof row['n'] === 'number' ? row['n'] % partsMax : place}`;
      return { kind, id, seq: row.seq, atMs: row['at_ms'] as number, actor: row['actor'] as string, ...toFields(row) };
    });
    yield { after, to, changes };
    if (!full) return;
    after = to;
  }
}

/** The rows of each kind after a place, oldest first, and what a change of machines/triggers.ts holds of them. */
const stored: Record<ChangeKind, { letter: string; sql: string; toFields(row: Row): object }> = {
  fact: {
    letter: 'f',
    sql: 'SELECT n, seq, recorded_ms AS at_ms, actor, entity, predicate, version, value, label, confidence, source FROM fact WHERE n > ? ORDER BY n LIMIT ?',
    toFields: ({ entity, predicate, version, value, label, confidence, source }) => ({ entity, predicate, value: today(predicate as string, version as number, JSON.parse(value as string) as Json), label, confidence, source }),
  },
  intent: {
    letter: 'i',
    // The store's own questions are not in the commit that a trigger is shown.
    sql: "SELECT n, seq, at_ms, actor, id, kind, state, summary, data FROM intent_change WHERE n > ? AND actor <> 'store/questions' ORDER BY n LIMIT ?",
    toFields: ({ id, kind, state, summary, data }) => ({ intent: id, intentKind: kind, state, summary, data: JSON.parse(data as string) as unknown }),
  },
  artifact: {
    letter: 'v',
    sql: 'SELECT seq, at_ms, actor, id, kind, media_type AS mediaType, name, hash, size_bytes AS sizeBytes FROM artifact WHERE seq > ? ORDER BY seq, id, version LIMIT ?',
    toFields: ({ id, kind, mediaType, name, hash, sizeBytes }) => ({ artifact: id, artifactKind: kind, mediaType, name, hash, sizeBytes }),
  },
  decision: {
    letter: 'd',
    sql: 'SELECT n, seq, at_ms, actor, what, outcome, confidence, detail FROM decision WHERE n > ? ORDER BY n LIMIT ?',
    toFields: ({ what, outcome, confidence, detail }) => ({ what, outcome, confidence, ...(JSON.parse(detail as string) as object) }),
  },
  annotation: {
    letter: 'a',
    sql: 'SELECT n, seq, at_ms, actor, kind, target_kind, target, text, detail FROM annotation WHERE n > ? ORDER BY n LIMIT ?',
    toFields: (row) => ({ annotationKind: row['kind'], target: { kind: row['target_kind'], id: row['target'] }, text: row['text'], ...(JSON.parse(row['detail'] as string) as object) }),
  },
};

/** A value as a trigger of today expects it. */
function today(name: string, version: number, value: Json): Json {
  const predicate = predicateOf(name);
  return predicate && version <= predicate.version ? upcastValue(predicate, version, value) : value;
}
