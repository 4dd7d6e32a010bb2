// What the feed of changes announced, for whoever has missed a part of it: the same in pages, read from the tables.
import { fitting, toAnnounced, type AnnouncedCommit, type AnnouncedRecord } from '#machines/changes.ts';
import { partId, partNumber } from '#machines/records.ts';
import type { Database, Row } from './database.ts';
import { count, type Query } from './query-args.ts';

export const changeQueries = {
  /** Every commit after number `after`, oldest first, with ids of what it recorded. A page may be shorter than `limit`; an empty one is the end. */
  changes: (db, args) => readChanges(db, count(args, 'after', 0, Number.MAX_SAFE_INTEGER), Math.max(1, count(args, 'limit', 500, 1_000))),
} satisfies Record<string, Query>;

async function readChanges(db: Database, after: number, limit: number): Promise<AnnouncedCommit[]> {
  const commits = await db.all<{ seq: number; at: number; id: string; actor: string; rev: number | null; outcome: string }>('SELECT seq, at_ms AS at, id, actor, rev, outcome FROM journal WHERE seq > ? ORDER BY seq LIMIT ?', after, limit);
  const last = commits.at(-1)?.seq ?? after;
  const [from, to] = [partNumber(after + 1, 0), partNumber(last + 1, 0)];
  const numbered = (columns: string, table: string) => db.all<Row & { seq: number; n: number }>(`SELECT seq, n${columns} FROM ${table} WHERE n >= ? AND n < ? ORDER BY n`, from, to);
  const rows: (AnnouncedRecord & { seq: number })[] = [
    ...(await numbered(', entity, predicate, label', 'fact')).map(({ seq, n, entity, predicate, label }) => ({ seq, ...recordOf.fact(n, entity as string, predicate as string, label as string) })),
    ...(await numbered(', id, state', 'intent_change')).map(({ seq, id, state }) => ({ seq, ...recordOf.intent(id as string, state as string) })),
    ...(await db.all<{ seq: number; id: string }>('SELECT seq, id FROM artifact WHERE seq > ? AND seq <= ? ORDER BY seq, id, version', after, last)).map(({ seq, id }) => ({ seq, ...recordOf.artifact(id) })),
    ...(await numbered('', 'decision')).map(({ seq, n }) => ({ seq, ...recordOf.decision(n) })),
    ...(await numbered('', 'annotation')).map(({ seq, n }) => ({ seq, ...recordOf.annotation(n) })),
  ];
  const records = Map.groupBy(rows, ({ seq }) => seq);
  return fitting(commits.map((commit) => toAnnounced({ ...commit, records: (records.get(commit.seq) ?? []).map(({ seq: _, ...record }) => record) })));
}

/** Ids, kinds, names and labels; never a value. */
export const recordOf = {
  fact: (n: number, entity: string, predicate: string, label: string): AnnouncedRecord => ({ kind: 'fact', id: partId('f', n), entity, predicate, label }),
  intent: (id: string, state: string): AnnouncedRecord => ({ kind: 'intent', id, state }),
  artifact: (id: string): AnnouncedRecord => ({ kind: 'artifact', id }),
  decision: (n: number): AnnouncedRecord => ({ kind: 'decision', id: partId('d', n) }),
  annotation: (n: number): AnnouncedRecord => ({ kind: 'annotation', id: partId('a', n) }),
};
