// Named reads of what models cost: how much of each budget is taken, what is reserved now, and every call.
import { paceSince } from '#machines/budget-outlook.ts';
import { dayOf, monthOf } from '#machines/budget.ts';
import { readLimits } from './known.ts';
import { ancestors, count, cursor, filter, json, where, type Query } from './query-args.ts';

/** Each call with how it ended. */
const calls = "FROM spend AS asked LEFT JOIN spend AS told ON told.id = asked.id AND told.state = 'settled' WHERE asked.state = 'reserved'";
const taken = 'sum(coalesce(told.micros, asked.micros))';

export const budgetQueries = {
  /** The budgets of company and workflows that count at this time, with the days before of which a pace is made, `{scope, period, settledMicros, reservedMicros}`. A budget without a row is untouched. */
  balances: (db, args) => {
    const nowMs = count(args, 'nowMs', 0, Number.MAX_SAFE_INTEGER);
    return db.all("SELECT scope, period, settled AS settledMicros, reserved AS reservedMicros FROM balance WHERE period = ?2 OR period BETWEEN ?3 AND ?1 ORDER BY scope = 'company' DESC, scope, period", dayOf(nowMs), monthOf(nowMs), paceSince(nowMs));
  },

  /** Of each workflow, since the first call. */
  spendTotals: (db) => db.all("SELECT substr(scope, 10) AS workflow, sum(settled) AS settledMicros, sum(reserved) AS reservedMicros FROM balance WHERE scope >= 'workflow/' AND scope < 'workflow0' AND period >= 'month:' GROUP BY scope ORDER BY scope"),

  /** What each tier and model cost since then, dearest first. A call that is not settled counts with what is reserved. */
  spendByTier: (db, args) => db.all(`SELECT asked.workflow, asked.detail ->> '$.tier' AS tier, asked.detail ->> '$.provider' AS provider, asked.detail ->> '$.model' AS model, count(*) AS calls, ${taken} AS micros,
    sum(told.detail ->> '$.inputTokens') AS inputTokens, sum(told.detail ->> '$.outputTokens') AS outputTokens, sum(asked.detail ->> '$.price' = 'assumed') AS assumed, sum(coalesce(told.micros > asked.micros, 0)) AS overrun
    ${calls} AND asked.at_ms >= ? GROUP BY 1, 2, 3, 4 ORDER BY micros DESC, 1, 2, 3, 4`, count(args, 'since', 0, Number.MAX_SAFE_INTEGER)),

  /** The runs that cost most since then. */
  dearestRuns: (db, args) => db.all(`SELECT asked.workflow, asked.run, count(*) AS calls, ${taken} AS micros, sum(CASE WHEN told.n IS NULL THEN asked.micros ELSE 0 END) AS reservedMicros, max(asked.at_ms) AS atMs
    ${calls} AND asked.at_ms >= ? GROUP BY 1, 2 ORDER BY micros DESC, asked.run LIMIT ?`, count(args, 'since', 0, Number.MAX_SAFE_INTEGER), Math.max(1, count(args, 'limit', 10, 1_000))),

  /** The last calls, newest first; `micros` is null while one is under way. */
  modelCalls: async (db, args) => (await db.all(`SELECT asked.id, asked.workflow, asked.run, asked.micros AS reservedMicros, told.micros, asked.at_ms AS atMs, asked.detail, told.detail AS told
    ${calls} ORDER BY asked.n DESC LIMIT ?`, Math.max(1, count(args, 'limit', 20, 1_000)))).map(({ detail, told, ...call }) => ({ ...call, outcome: null, ...(json(detail) as object), ...(told === null ? {} : (json(told) as object)) })),

  /** The operator's limits, by workflow, `company` for all. */
  budgetLimits: (db) => readLimits(db),

  /** Calls that may be under way: reserved and not settled. With `before`, those that nobody settles any more by then; with `prefix`, those whose id begins so. */
  reservations(db, args) {
    const prefix = filter(args, 'prefix');
    const [sql, values] = where(['until_ms < ?', count(args, 'before', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)], ['id >= ?', prefix], ['id < ?', prefix === null ? null : `${prefix}\u{10ffff}`]);
    return db.all(`SELECT id, workflow, run, micros, counted_ms AS atMs, until_ms AS untilMs FROM reservation ${sql} ORDER BY until_ms LIMIT ?`, ...values, count(args, 'limit', 1_000, 10_000));
  },

  /** Reservations and settlements, newest first; by workflow, run, time. */
  async spends(db, args) {
    const [sql, values] = where(['n < ?', cursor(args, (n) => (/^\d{1,16}$/.test(n) ? Number(n) : null))], ['workflow = ?', filter(args, 'workflow')], ['run = ?', filter(args, 'run')], ['state = ?', filter(args, 'state')],
      ['at_ms >= ?', args['since'] === undefined ? null : count(args, 'since', 0, Number.MAX_SAFE_INTEGER)], ['at_ms < ?', args['until'] === undefined ? null : count(args, 'until', 0, Number.MAX_SAFE_INTEGER)]);
    const rows = await db.all(`SELECT n, id, state, workflow, run, micros, held AS heldMicros, counted_ms AS countedMs, at_ms AS atMs, detail FROM spend ${sql} ORDER BY n DESC LIMIT ?`, ...values, Math.max(1, count(args, 'limit', 100, 10_000)));
    return rows.map(({ n, detail, ...row }) => ({ ...row, ...(json(detail) as object), cursor: String(n) }));
  },

  /** An answer that was given before to exactly this, as JSON text with its model; null when there is none. */
  async answer(db, args) {
    const [row] = await db.all('SELECT value, model, at_ms AS atMs FROM answer WHERE key = ?', filter(args, 'key'));
    return row ?? null;
  },

  /** The actor that the run of this actor began with; itself when nobody started it. */
  async rootOf(db, args) {
    const [row] = await db.all<{ address: string }>(`WITH RECURSIVE ${ancestors} SELECT address FROM up WHERE parent IS NULL LIMIT 1`, filter(args, 'address'));
    return row?.address ?? null;
  },
} satisfies Record<string, Query>;
