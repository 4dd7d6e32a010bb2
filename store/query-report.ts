// The named read of a report: what was recorded between two moments, counted. Bounded by the span: only commits of it are looked at.
import { partsMax } from '#machines/records.ts';
import { commitsBetween, count, ofTask, type Query } from './query-args.ts';

const listed = 20;
const looked = 200_000;

export interface ReportCounts {
  mails: number;
  verdicts: { category: string; count: number }[];
  replies: { outcome: string; count: number }[];
  operations: { action: string; outcome: string; count: number }[];
  booked: number;
  questions: number;
  costs: { workflow: string; micros: number; calls: number }[];
  reservedMicros: number;
  answers: { task: string; tier: string; count: number; costMicros: number | null }[];
  corrections: number;
  learnt: { id: string; kind: string; version: number; actor: string }[];
  stated: number;
  tiers: { entity: string; demoted: number; reason: string }[];
  moneyIn: { currency: string; amountMinor: number; count: number }[];
  moneyOut: { currency: string; amountMinor: number; count: number }[];
  waiting: { kind: string; count: number; oldestMs: number }[];
}

export const reportQueries = {
  /** From `since` up to, not including, `until`. What waits is what waits now. */
  async reportCounts(db, args): Promise<ReportCounts> {
    const [since, until] = [count(args, 'since', 0, Number.MAX_SAFE_INTEGER), count(args, 'until', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)];
    const { from, to } = await commitsBetween(db, { since, until });
    const [firstSeq, lastSeq] = [from ?? 0, to ?? Number.MAX_SAFE_INTEGER / 2_048];
    const span = [Math.floor(firstSeq) * partsMax, (Math.floor(lastSeq) + 1) * partsMax];
    const decided = `(SELECT * FROM decision WHERE n >= ?1 AND n < ?2 ORDER BY n LIMIT ${looked})`;
    const one = async (sql: string, ...values: number[]) => (await db.all<{ n: number }>(sql, ...values))[0]?.n ?? 0;
    const money = (sql: string, ...values: number[]) => db.all<ReportCounts['moneyIn'][number]>(sql, ...values);
    return {
      mails: await one("SELECT count(*) AS n FROM artifact WHERE kind = 'mail' AND version = 1 AND seq >= ? AND seq <= ?", firstSeq, lastSeq),
      verdicts: await db.all(`SELECT outcome AS category, count(*) AS count FROM ${decided} WHERE what = 'triage' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${listed}`, ...span),
      replies: await db.all(`SELECT outcome, count(*) AS count FROM ${decided} d JOIN actor ON actor.address = d.actor WHERE what = 'operation' AND record ->> '$.snapshot.context.action' = 'mail.send' GROUP BY 1 ORDER BY 1`, ...span),
      operations: await db.all(`SELECT record ->> '$.snapshot.context.action' AS action, outcome, count(*) AS count FROM ${decided} d JOIN actor ON actor.address = d.actor WHERE what = 'operation' AND action <> 'mail.send' GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ${listed}`, ...span),
      booked: await one(`SELECT count(*) AS n FROM ${decided} WHERE what = 'mail' AND outcome = 'booked'`, ...span),
      questions: await one('SELECT count(*) AS n FROM intent WHERE created_ms >= ? AND created_ms < ?', since, until),
      costs: await db.all("SELECT workflow, sum(micros) AS micros, count(*) AS calls FROM spend WHERE at_ms >= ? AND at_ms < ? AND state = 'settled' GROUP BY 1 ORDER BY 2 DESC, 1", since, until),
      reservedMicros: await one('SELECT coalesce(sum(micros), 0) AS n FROM reservation'),
      answers: await db.all(`SELECT coalesce(detail ->> '$.task', what) AS task, coalesce(detail ->> '$.tier', iif(detail ->> '$.model' IS NULL, '—', 'large')) AS tier, count(*) AS count, sum(detail ->> '$.costMicros') AS costMicros FROM ${decided} WHERE ${ofTask} AND what <> 'ladder' GROUP BY 1, 2 ORDER BY 1, 3 DESC`, ...span),
      corrections: await one("SELECT count(*) AS n FROM annotation WHERE n >= ? AND n < ? AND kind = 'correction'", ...span),
      learnt: await db.all(`SELECT id, kind, version, actor FROM artifact WHERE seq >= ? AND seq <= ? AND kind IN ('rule', 'template', 'prompt', 'policy') AND size_bytes > 0 ORDER BY seq, id LIMIT ${listed}`, firstSeq, lastSeq),
      stated: await one("SELECT count(*) AS n FROM fact WHERE label = 'operator' AND n >= ? AND n < ?", ...span),
      tiers: await db.all("SELECT entity, value ->> '$.demoted' AS demoted, value ->> '$.reason' AS reason FROM fact WHERE predicate = 'tier.quality' AND n >= ? AND n < ? ORDER BY n", ...span),
      moneyIn: await money("SELECT value ->> '$.currency' AS currency, sum(value ->> '$.amountMinor') AS amountMinor, count(*) AS count FROM fact WHERE predicate = 'payment.received' AND n >= ? AND n < ? GROUP BY 1", ...span),
      moneyOut: await money("SELECT data ->> '$.currency' AS currency, sum(data ->> '$.amountMinor') AS amountMinor, count(*) AS count FROM intent WHERE created_ms >= ? AND created_ms < ? AND kind = 'payment' AND state = 'completed' GROUP BY 1", since, until),
      waiting: await db.all("SELECT kind, count(*) AS count, min(created_ms) AS oldestMs FROM intent WHERE state = 'input-required' GROUP BY 1 ORDER BY 2 DESC, 1"),
    };
  },
} satisfies Record<string, Query>;
