// Named reads for strategy: what may want somebody to do something. Rows only; what is made of them is decided elsewhere.
import { partId, partsMax } from '#machines/records.ts';
import { count, json, type Query } from './query-args.ts';

const rows = 200;
const dayMs = 86_400_000;
const rememberedMs = 120 * dayMs;

export const situationQueries = {
  /** People who asked something and heard nothing since, by the mail that was taken for an inquiry. What the operator decided not to answer, or said is none, is left out; `m-1-r1` is another run of `m-1`. */
  async unanswered(db, args) {
    const [sinceMs, untilMs] = [count(args, 'sinceMs', 0, Number.MAX_SAFE_INTEGER), count(args, 'untilMs', 0, Number.MAX_SAFE_INTEGER)];
    const found = await db.all<{ mail: string; entity: string; n: number; d: number; recordedMs: number }>(
      `SELECT m.source AS mail, m.entity, m.n, d.n AS d, m.recorded_ms AS recordedMs
       FROM decision d CROSS JOIN fact m INDEXED BY fact_source ON m.source = d.detail ->> '$.evidence[0].id' AND m.predicate = 'mail.received'
       WHERE d.n >= (SELECT coalesce(min(seq), 0) FROM journal WHERE at_ms >= ?1) * ${partsMax} AND d.what = 'triage' AND d.outcome = 'inquiry' AND m.recorded_ms >= ?1 AND m.recorded_ms < ?2
         AND NOT EXISTS (SELECT 1 FROM fact s WHERE s.entity = m.entity AND s.predicate IN ('mail.sent', 'mail.written-not-sent') AND s.n > m.n)
         AND NOT EXISTS (SELECT 1 FROM decision e WHERE e.actor >= 'mail/' || m.source AND e.actor < 'mail/' || m.source || '.' AND +e.what = 'mail' AND (e.outcome = 'ignored' OR e.detail ->> '$.reasons[0]' LIKE 'rejected:%'))
         AND NOT EXISTS (SELECT 1 FROM annotation a WHERE a.target = m.source AND a.kind = 'correction' AND a.detail ->> '$.task' = 'triage' AND a.detail ->> '$.after' <> 'inquiry')
       ORDER BY m.n LIMIT ${rows}`, sinceMs, untilMs);
    return found.map(({ mail, entity, n, d, recordedMs }) => ({ mail, entity, recordedMs, fact: partId('f', n), decision: partId('d', d) }));
  },

  /** Projects by their newest word, with when anything was said last about them or their client. */
  async projects(db) {
    const found = await db.all<{ entity: string; n: number; status: string; saidMs: number }>(
      `SELECT f.entity, f.n, json_extract(f.value, '$') AS status, max(
         (SELECT max(recorded_ms) FROM fact WHERE entity = f.entity),
         coalesce((SELECT max(c.recorded_ms) FROM fact c WHERE c.entity = (SELECT json_extract(value, '$') FROM fact WHERE entity = f.entity AND predicate = 'project.client' ORDER BY n DESC LIMIT 1)), 0)) AS saidMs
       FROM fact f WHERE f.predicate = 'project.status' AND f.n = (SELECT max(n) FROM fact WHERE entity = f.entity AND predicate = 'project.status') AND json_extract(f.value, '$') IN ('lead', 'offered', 'active') ORDER BY f.n LIMIT ${rows}`);
    return found.map(({ n, ...row }) => ({ ...row, fact: partId('f', n) }));
  },

  /** What ends on a day between these two, by its newest word. */
  async expiring(db, args) {
    const [from, to] = [String(args['from']), String(args['to'])];
    const found = await db.all<{ entity: string; n: number; day: string }>(
      `SELECT entity, n, json_extract(value, '$') AS day FROM fact f WHERE predicate = 'asset.expires-on' AND n = (SELECT max(n) FROM fact WHERE entity = f.entity AND predicate = 'asset.expires-on')
         AND json_extract(value, '$') BETWEEN ? AND ? ORDER BY n LIMIT ${rows}`, from, to);
    return found.map(({ n, ...row }) => ({ ...row, fact: partId('f', n) }));
  },

  /** Contradictions that nobody has settled. */
  contradictions: (db, args) => db.all(`SELECT id, created_ms AS createdMs FROM intent WHERE state = 'input-required' AND created_ms < ? AND id GLOB 'c-[0-9]*' ORDER BY created_ms LIMIT ${rows}`, count(args, 'untilMs', 0, Number.MAX_SAFE_INTEGER)),

  /** What strategy proposed lately, by the key of the situation, and what became of it. */
  async proposals(db, args) {
    const found = await db.all<{ data: string; state: string; updatedMs: number }>(
      "SELECT data, state, updated_ms AS updatedMs FROM intent WHERE created_ms >= ? AND kind = 'task' AND actor >= 'proposal/' AND actor < 'proposal0' ORDER BY created_ms", Math.max(0, count(args, 'nowMs', 0, Number.MAX_SAFE_INTEGER) - rememberedMs));
    return found.map(({ data, state, updatedMs }) => ({ key: (json(data) as { payload?: { key?: string } } | null)?.payload?.key ?? '', state, updatedMs }));
  },
} satisfies Record<string, Query>;
