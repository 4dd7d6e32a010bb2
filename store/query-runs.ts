// Named reads of whole runs: who started whom, every step of all of them, and what was done since a moment.
import { standingAddresses } from '#machines/agents/standing.ts';
import { partId, partsMax } from '#machines/records.ts';
import type { Database, Row } from './database.ts';
import { commitsBetween, count, filter, json, moment, text, where, type Query } from './query-args.ts';

/** How many commits a page of runs looks at: a kind of run that is rare is looked for further on the next page. */
const windowCommits = 100_000;
const partsOfRun = 300;
const stepsOfRun = 4_000;
const decisionsOfRun = 1_000;
const depthMax = 20;
const forksMax = 50;
const asksMax = 2_000;
const countedMax = 200_000;

const title = "coalesce(record ->> '$.snapshot.context.title', record ->> '$.snapshot.context.mail.subject', record ->> '$.snapshot.context.summary')";
const standing = standingAddresses.map((address) => `'${address}'`).join();
const isRun = `actor.address NOT IN (${standing}) AND (actor.record ->> '$.snapshot.context.slots' IS NOT NULL OR actor.record ->> '$.children' <> '{}' OR EXISTS (SELECT 1 FROM actor child WHERE child.parent = actor.address))`;

export const runQueries = {
  /** Runs by when they began, newest first: actors that nobody started and that have stages or started others. `next` is the cursor of the next page, null at the end. */
  async runs(db, args) {
    const machine = filter(args, 'machine');
    const status = filter(args, 'status');
    const limit = Math.max(1, count(args, 'limit', 100, 500));
    const before = count(args, 'before', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    const [{ top } = { top: 0 }] = await db.all<{ top: number }>('SELECT coalesce(max(seq), 0) AS top FROM journal WHERE seq < ?', before);
    const floor = Math.max(0, top - windowCommits);
    const asking = await askingRoots(db);
    const [sql, values] = where(['journal.actor >= ?', machine && `${machine}/`], ['journal.actor < ?', machine && `${machine}0`], ['actor.status = ?', status === 'waiting' ? 'active' : status]);
    const rows = await db.all<Row & { seq: number; address: string }>(
      `SELECT journal.seq, journal.at_ms AS startedMs, address, machine, actor.rev, status, value, updated_ms AS updatedMs, ${title} AS title, record ->> '$.held.by' AS held
       FROM journal CROSS JOIN actor ON actor.address = journal.actor ${sql} ${sql ? 'AND' : 'WHERE'} journal.seq <= ? AND journal.seq > ? AND journal.rev = 0 AND actor.parent IS NULL AND status <> 'erased' AND ${isRun}
         ${status === 'waiting' ? 'AND address IN (SELECT value FROM json_each(?))' : ''} ORDER BY journal.seq DESC LIMIT ?`,
      ...values, top, floor, ...(status === 'waiting' ? [JSON.stringify([...asking])] : []), limit);
    const next = rows.length === limit ? rows.at(-1)!.seq : floor > 0 ? floor + 1 : null;
    return { runs: rows.map(({ seq: _, ...row }) => ({ ...row, value: json(row['value']), waitsForYou: asking.has(row.address) })), next };
  },

  /** One run as rows: its actors, their steps, the tries of their jobs, decisions, documents, and the dry runs made of it. */
  async trace(db, args) {
    const address = text(args, 'address');
    const parts = await db.all<Row & { address: string }>(
      `WITH RECURSIVE part (address, depth) AS (SELECT ?1, 0 UNION SELECT actor.address, depth + 1 FROM part JOIN actor ON actor.parent = part.address WHERE depth < ${depthMax} AND actor.record ->> '$.dryRun' IS NULL)
       SELECT actor.address, machine, rev, status, value, parent, updated_ms AS updatedMs, ${title} AS title, record ->> '$.parent.child' AS child, record ->> '$.parent.gen' AS gen, record ->> '$.held' AS held, record ->> '$.dryRun' AS dryRun, record ->> '$.snapshot.error.message' AS error,
         CASE WHEN actor.address >= 'operation/' AND actor.address < 'operation0' THEN json_object('id', record ->> '$.snapshot.context.id', 'action', record ->> '$.snapshot.context.action', 'mode', record ->> '$.snapshot.context.mode', 'providerRef', record ->> '$.snapshot.context.providerRef',
           'done', record ->> '$.snapshot.context.done', 'outcome', record ->> '$.snapshot.context.outcome', 'reason', record ->> '$.snapshot.context.reason', 'payload', record -> '$.snapshot.context.payload', 'money', record -> '$.snapshot.context.verdict.plan.money', 'dispatches', record ->> '$.snapshot.context.dispatches') END AS operation
       FROM part JOIN actor ON actor.address = part.address WHERE status <> 'erased' LIMIT ?2`, address, partsOfRun + 1);
    if (parts.length === 0 || parts[0]!.address !== address) return null;
    const shown = parts.slice(0, partsOfRun);
    const addresses = JSON.stringify(shown.map((part) => part.address));
    const steps = await db.all<Row & { seq: number; sends: string | null; documents: number | null }>(
      `SELECT seq, id, actor, rev, at_ms AS atMs, outcome, body IS NULL AS gone, body ->> '$.from' AS "from", body ->> '$.message.kind' AS kind, body ->> '$.message.event.type' AS type, body ->> '$.message.child' AS child, body ->> '$.message.gen' AS gen,
         body ->> '$.message.error.message' AS error, body ->> '$.note' AS note, body -> '$.value' AS value, body ->> '$.status' AS status, body ->> '$.sends' AS sends, json_array_length(body, '$.artifacts') AS documents, body -> '$.would' AS would, body -> '$.message.input' IS NOT NULL AS hasInput,
         (SELECT json_group_array(json_object('id', value ->> '$.id', 'kind', value ->> '$.kind', 'state', value ->> '$.state', 'summary', value ->> '$.summary')) FROM json_each(body, '$.intents')) AS intents
       FROM journal WHERE actor IN (SELECT value FROM json_each(?)) AND rev IS NOT NULL ORDER BY seq LIMIT ?`, addresses, stepsOfRun + 1);
    const jobs = steps.flatMap(({ sends }) => ((json(sends) ?? []) as { id: string; to: string }[]).filter(({ to }) => to.startsWith('job/')).map(({ id }) => id));
    const tries = await db.all(
      `SELECT gen.value AS gen, journal.id, at_ms AS atMs, body ->> '$.result' AS result, body ->> '$.claimed' AS claimed, body ->> '$.error.code' AS code, body ->> '$.error.message' AS error, body ->> '$.retryAfterMs' AS retryAfterMs
       FROM json_each(?) gen JOIN journal ON (journal.id >= gen.value || '!' AND journal.id < gen.value || '"') OR (journal.id >= gen.value || '~' AND journal.id < gen.value || x'7f') WHERE journal.actor = 'host/worker' ORDER BY seq LIMIT ?`, JSON.stringify(jobs.slice(0, stepsOfRun)), stepsOfRun);
    const decisions = await db.all<Row & { n: number }>("SELECT n, actor, at_ms AS atMs, what, outcome, confidence, machine, detail FROM decision WHERE actor IN (SELECT value FROM json_each(?)) ORDER BY n LIMIT ?", addresses, decisionsOfRun + 1);
    const written = steps.filter(({ documents }) => (documents ?? 0) > 0).map(({ seq }) => seq);
    const documents = await db.all('SELECT id, version, kind, media_type AS mediaType, name, hash, size_bytes AS sizeBytes, actor, at_ms AS atMs FROM artifact WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq, id', JSON.stringify(written));
    const forks = await db.all("SELECT address, rev, status, value, record ->> '$.dryRun.rev' AS at, updated_ms AS updatedMs FROM actor WHERE parent IN (SELECT value FROM json_each(?)) AND record ->> '$.dryRun' IS NOT NULL AND status <> 'erased' ORDER BY updated_ms DESC LIMIT ?", addresses, forksMax);
    const parsed = (rows: Row[], ...keys: string[]) => rows.map((row) => ({ ...row, ...Object.fromEntries(keys.map((key) => [key, json(row[key])])) }));
    return {
      parts: parsed(shown, 'value', 'held', 'dryRun', 'operation'), steps: parsed(steps.slice(0, stepsOfRun), 'value', 'sends', 'intents', 'would'),
      tries, decisions: decisions.slice(0, decisionsOfRun).map(({ n, detail, ...row }) => ({ ...(json(detail) as object), id: partId('d', n), ...row })), documents, forks: parsed(forks, 'value'),
      isCut: parts.length > partsOfRun || steps.length > stepsOfRun || decisions.length > decisionsOfRun,
    };
  },

  /** What was recorded in a span of time, counted: decisions by agent, money and documents. Of more than 200,000 decisions the oldest are counted. */
  async done(db, args) {
    const since = moment(args, 'since') ?? 0;
    const { from, to } = await commitsBetween(db, args);
    const [first, last] = [(from ?? 0) * partsMax, to === null ? Number.MAX_SAFE_INTEGER : (to + 1) * partsMax];
    const within = `(SELECT * FROM decision WHERE n >= ?1 AND n < ?2 ORDER BY n LIMIT ${countedMax})`;
    const facts = (predicate: string) => db.all(`SELECT value ->> '$.currency' AS currency, sum(value ->> '$.amountMinor') AS amountMinor, count(*) AS count FROM fact WHERE predicate = ?1 AND n >= ?2 AND n < ?3 GROUP BY 1`, predicate, first, last);
    const [{ mails } = { mails: 0 }] = await db.all<{ mails: number }>("SELECT count(*) AS mails FROM artifact WHERE kind = 'mail' AND version = 1 AND seq >= ? AND seq <= ?", from ?? 0, to ?? Number.MAX_SAFE_INTEGER);
    const [spend] = await db.all(`SELECT coalesce(sum(detail ->> '$.costMicros'), 0) AS costMicros, count(*) FILTER (WHERE detail ->> '$.model' IS NOT NULL) AS modelCalls, count(*) FILTER (WHERE detail ->> '$.model' IS NOT NULL AND detail ->> '$.costMicros' IS NULL) AS unknownPrices FROM ${within}`, first, last);
    const operations = await db.all(
      `SELECT record ->> '$.snapshot.context.action' AS action, d.outcome, record ->> '$.snapshot.context.done' AS done, count(*) AS count, max(d.at_ms) AS lastMs FROM ${within} d JOIN actor ON actor.address = d.actor WHERE d.what = 'operation' AND status <> 'erased' GROUP BY 1, 2, 3 ORDER BY 1, 2`, first, last);
    const failures = await db.all(
      `SELECT record ->> '$.snapshot.context.action' AS action, d.actor, d.outcome, d.at_ms AS atMs, d.detail ->> '$.reasons[0]' AS reason FROM ${within} d JOIN actor ON actor.address = d.actor WHERE d.what = 'operation' AND d.outcome IN ('failed', 'refused', 'reconciled') AND status <> 'erased' ORDER BY d.n DESC LIMIT 20`, first, last);
    const decisions = await db.all(`SELECT substr(actor, 1, instr(actor, '/') - 1) AS agent, what, outcome, count(*) AS count FROM ${within} GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT 200`, first, last);
    const escalations = await db.all("SELECT count(*) AS count FROM intent WHERE created_ms >= ? AND kind = 'escalation'", since);
    return {
      mails, spend, operations, failures, decisions, escalations: escalations[0]?.['count'] ?? 0,
      moneyIn: await facts('payment.received'), moneyOut: await db.all("SELECT data ->> '$.currency' AS currency, sum(data ->> '$.amountMinor') AS amountMinor, count(*) AS count FROM intent WHERE created_ms >= ? AND kind = 'payment' AND state = 'completed' GROUP BY 1", since),
      invoicesIn: await facts('invoice'), invoicesOut: await facts('invoice.issued'),
    };
  },

  /** How the store stands: operations by their outermost state, parked messages, the last commit. */
  async standing(db) {
    const operations = await db.all<{ state: string; count: number }>(
      `SELECT coalesce(CASE json_type(value) WHEN 'object' THEN (SELECT key FROM json_each(actor.value) LIMIT 1) ELSE value ->> '$' END, '?') AS state, count(*) AS count FROM actor WHERE address >= 'operation/' AND address < 'operation0' AND status <> 'erased' GROUP BY 1 ORDER BY 1`);
    const [{ parked } = { parked: 0 }] = await db.all<{ parked: number }>('SELECT count(*) AS parked FROM parked');
    const statuses = await db.all<{ status: string; count: number }>("SELECT status, count(*) AS count FROM actor WHERE status <> 'active' AND status <> 'erased' GROUP BY 1 ORDER BY 1");
    const [last] = await db.all<{ seq: number; atMs: number }>('SELECT seq, at_ms AS atMs FROM journal ORDER BY seq DESC LIMIT 1');
    return { operations, parked, statuses, last: last ?? null };
  },
} satisfies Record<string, Query>;

/** Runs in which somebody waits for the operator, by who asked and who started that one. */
async function askingRoots(db: Database): Promise<Set<string>> {
  const rows = await db.all<{ address: string }>(
    `WITH RECURSIVE up (address) AS (SELECT actor FROM (SELECT DISTINCT actor FROM intent WHERE state = 'input-required' LIMIT ${asksMax}) UNION SELECT actor.parent FROM up JOIN actor ON actor.address = up.address WHERE actor.parent IS NOT NULL)
     SELECT address FROM up`);
  return new Set(rows.map(({ address }) => address));
}
