// Named reads of operational debt: what is neglected, as it was at a moment. Each number can be asked for today and for a week ago, because
// nothing that it rests on is ever overwritten; what a moment in the past cannot tell any more is null.
import { predicates } from '#machines/predicates.ts';
import { partsMax } from '#machines/records.ts';
import type { Database } from './database.ts';
import { count, ofTask, type Args, type Query } from './query-args.ts';

const dayMs = 86_400_000;
/** What is in force for a shorter time cannot be said to be of no use. */
const graceMs = 30 * dayMs;
/** More than these are not looked at: the numbers then are those of the newest. */
const among = 50_000;
const listed = 20;

export interface DebtCounts {
  /** Policy rules that spoke, and triggers that fired, of those asked about. */
  spoke: string[];
  fired: string[];
  usedRules: string[];
  /** The policies, triggers and learnt rules that were in force a while before that moment: what is newer had no chance yet. */
  policySet: string;
  there: string[];
  prompts: { id: string; hash: string; evaluated: boolean }[];
  connectors: { connector: string; failed: number; all: number }[];
  expired: { entity: string; value: string }[];
  ended: number;
  oldWord: number;
  drift: { predicate: string; version: number; rows: number }[];
  parked: { rows: number; oldestMs: number | null } | null;
  waiting: number;
  standing: number;
  unknown: string[];
  tiers: string[];
}

export const debtQueries = {
  /** `atMs`: as it was then. `rules`, `triggers`: names of those in force. `waitedMs`: from when on an item counts as left lying. `isNow`: what has no history counts too. */
  async debts(db, args): Promise<DebtCounts> {
    const atMs = count(args, 'atMs', 0, Number.MAX_SAFE_INTEGER);
    const [last] = await db.all<{ seq: number }>('SELECT seq FROM journal WHERE at_ms <= ? ORDER BY at_ms DESC, seq DESC LIMIT 1', atMs);
    const end = ((last?.seq ?? 0) + 1) * partsMax;
    const [older] = await db.all<{ seq: number }>('SELECT seq FROM journal WHERE at_ms <= ? ORDER BY at_ms DESC, seq DESC LIMIT 1', Math.max(0, atMs - graceMs));
    const earlier = older?.seq ?? 0;
    const open = await openAt(db, atMs, end, atMs - count(args, 'waitedMs', 3 * dayMs, Number.MAX_SAFE_INTEGER));
    return {
      ...(await spoken(db, args, atMs, end)),
      policySet: (await db.all<{ text: string }>("SELECT CAST(bytes AS TEXT) AS text FROM artifact JOIN blob ON blob.hash = artifact.hash WHERE id = 'policy/set' AND seq <= ?1 ORDER BY version DESC LIMIT 1", earlier))[0]?.text ?? '',
      there: (await db.all<{ id: string }>("SELECT id FROM (SELECT id, size_bytes, max(version) FROM artifact WHERE kind IN ('trigger', 'rule') AND seq <= ?1 GROUP BY id) WHERE size_bytes > 0 ORDER BY id", earlier)).map(({ id }) => id),
      prompts: await promptsAt(db, end),
      connectors: await db.all(
        `SELECT a.record ->> '$.snapshot.context.verdict.bound.connector' AS connector, sum(d.outcome = 'failed') AS failed, count(*) AS "all" FROM decision d JOIN actor a ON a.address = d.actor
         WHERE d.n >= coalesce((SELECT seq FROM journal WHERE at_ms >= ?1 ORDER BY at_ms, seq LIMIT 1), 0) * ${partsMax} AND d.n < ?2 AND d.actor >= 'operation/' AND d.actor < 'operation0' AND d.what = 'operation' AND d.outcome IN ('done', 'failed', 'reconciled') AND a.status <> 'erased' GROUP BY 1 HAVING connector IS NOT NULL ORDER BY 1`, atMs - 7 * dayMs, end),
      expired: await db.all(
        `SELECT entity, value ->> '$' AS value FROM (SELECT entity, value, max(n) FROM fact WHERE predicate = 'asset.expires-on' AND n < ?1 GROUP BY entity) WHERE value ->> '$' < strftime('%Y-%m-%d', ?2 / 1000, 'unixepoch') ORDER BY value LIMIT ${among}`, end, atMs),
      ended: await numberOf(db, `SELECT count(*) AS n FROM (SELECT 1 FROM fact WHERE valid_to_ms <= ?1 AND n < ?2 AND NOT EXISTS (SELECT 1 FROM fact later WHERE later.entity = fact.entity AND later.predicate = fact.predicate AND later.n > fact.n AND later.n < ?2 AND (later.valid_to_ms IS NULL OR later.valid_to_ms > ?1)) LIMIT ${among})`, atMs, end),
      oldWord: await numberOf(db,
        `SELECT count(*) AS n FROM (SELECT entity, predicate, max(n), recorded_ms FROM fact WHERE label = 'operator' AND n < ?1 AND predicate IN (SELECT value FROM json_each(?3)) GROUP BY entity, predicate HAVING recorded_ms < ?2 LIMIT ${among})`, end, atMs - 365 * dayMs, JSON.stringify(ageing)),
      drift: await driftAt(db, end),
      parked: args['isNow'] === true ? (await db.all<{ rows: number; oldestMs: number | null }>('SELECT count(*) AS "rows", min(at_ms) AS oldestMs FROM parked'))[0]! : null,
      ...open,
      tiers: (await db.all<{ entity: string }>("SELECT entity FROM (SELECT entity, value, max(n) FROM fact WHERE predicate = 'tier.quality' AND n < ? GROUP BY entity) WHERE value ->> '$.demoted' ORDER BY entity", end)).map(({ entity }) => entity.replace('asset/tier-', '')),
    };
  },
} satisfies Record<string, Query>;

const numberOf = async (db: Database, sql: string, ...values: (string | number)[]) => (await db.all<{ n: number }>(sql, ...values))[0]?.n ?? 0;
/** What the operator says of how things stand; prices, numbers and names have no age. */
const ageing = predicates.filter(({ holds, name }) => holds === 'latest' && !/^(?:asset\.expires-on|budget\.|tier\.|imap\.|connector\.)/.test(name)).map(({ name }) => name);
const names = (value: unknown) => (Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string').slice(0, 1_000) : []);

/** Which of the rules, triggers and learnt rules asked about were of any use in the 90 days before. */
async function spoken(db: Database, args: Args, atMs: number, end: number): Promise<Pick<DebtCounts, 'spoke' | 'fired' | 'usedRules'>> {
  const [from] = await db.all<{ seq: number }>('SELECT seq FROM journal WHERE at_ms >= ? ORDER BY at_ms, seq LIMIT 1', atMs - 90 * dayMs);
  const first = (from?.seq ?? 0) * partsMax;
  const rules = names(args['rules']);
  const spoke = rules.length === 0 ? [] : await db.all<{ rule: string }>(
    "SELECT value AS rule FROM json_each(?) WHERE EXISTS (SELECT 1 FROM decision INDEXED BY decision_rule WHERE what = 'policy' AND CASE WHEN json_valid(detail) THEN detail ->> '$.policy.rule' END = value AND n >= ? AND n < ?)", JSON.stringify(rules), first, end);
  const fired = await db.all<{ name: string }>(
    "SELECT value AS name FROM json_each(?) WHERE EXISTS (SELECT 1 FROM journal WHERE id >= 'trigger:' || value || '#' AND id < 'trigger:' || value || '$' AND +at_ms >= ? AND +at_ms <= ?)", JSON.stringify(names(args['triggers'])), atMs - 90 * dayMs, atMs);
  const learnt = names(args['learnt']);
  const used = learnt.length === 0 ? [] : await db.all<{ id: string }>(
    `SELECT DISTINCT link.value ->> '$.id' AS id FROM (SELECT detail FROM decision INDEXED BY decision_task WHERE ${ofTask} AND n >= ? AND n < ? ORDER BY n DESC LIMIT ${among}) d, json_each(d.detail, '$.evidence') link WHERE instr(d.detail, '"rule/') > 0 AND link.value ->> '$.id' IN (SELECT value FROM json_each(?))`, first, end, JSON.stringify(learnt));
  return { spoke: spoke.map(({ rule }) => rule), fired: fired.map(({ name }) => name), usedRules: used.map(({ id }) => id) };
}

/** Wordings that were in force then, and whether that very text had been scored. */
async function promptsAt(db: Database, end: number): Promise<DebtCounts['prompts']> {
  const rows = await db.all<{ id: string; hash: string; sizeBytes: number; evaluated: number }>(
    `SELECT id, hash, size_bytes AS sizeBytes, EXISTS (SELECT 1 FROM fact WHERE predicate = 'eval.result' AND value ->> '$.hash' = hash AND n < ?1) AS evaluated
     FROM (SELECT id, hash, size_bytes, max(version) FROM artifact WHERE kind = 'prompt' AND seq < ?1 / ${partsMax} GROUP BY id) ORDER BY id`, end);
  return rows.filter(({ sizeBytes }) => sizeBytes > 0).map(({ id, hash, evaluated }) => ({ id, hash, evaluated: evaluated === 1 }));
}

/** Facts that are still in a shape from before; they are read through an upcaster each time. */
async function driftAt(db: Database, end: number): Promise<DebtCounts['drift']> {
  const found: DebtCounts['drift'] = [];
  for (const { name, version } of predicates.filter((one) => one.version > 1)) {
    const rows = await numberOf(db, `SELECT count(*) AS n FROM (SELECT 1 FROM fact WHERE predicate = ? AND version < ? AND n < ? LIMIT ${among})`, name, version, end);
    if (rows > 0) found.push({ predicate: name, version, rows });
  }
  return found;
}

/** What waited for the operator then: those that wait today and those that changed since, each by its newest change before that moment. */
async function openAt(db: Database, atMs: number, end: number, beforeMs: number): Promise<Pick<DebtCounts, 'waiting' | 'standing' | 'unknown'>> {
  const rows = await db.all<{ id: string; kind: string; category: string | null; answers: string | null; askedMs: number }>(
    `WITH candidate (id) AS (SELECT id FROM intent WHERE state = 'input-required' UNION SELECT id FROM intent_change WHERE n >= ?1 LIMIT ${among})
     SELECT c.id, i.kind, i.data ->> '$.category' AS category, i.data ->> '$.answers' AS answers, i.created_ms AS askedMs FROM candidate c JOIN intent i ON i.id = c.id
     WHERE i.created_ms <= ?2 AND (SELECT state FROM intent_change WHERE id = c.id AND n < ?1 ORDER BY n DESC LIMIT 1) = 'input-required'`, end, atMs);
  return {
    waiting: rows.filter(({ askedMs }) => askedMs <= beforeMs).length,
    standing: rows.filter(({ kind, category }) => kind === 'escalation' && (category === 'failure' || category === 'stuck' || category === 'version')).length,
    unknown: rows.filter(({ answers }) => answers?.includes('ops reconcile')).map(({ id }) => id).slice(0, listed),
  };
}
