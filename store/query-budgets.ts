// Named reads of what models cost: how much of each budget is taken, what is reserved now, and every call.
import { dayOf, monthOf } from '#machines/budget.ts';
import { readLimits } from './known.ts';
import { count, cursor, filter, json, where, type Query } from './query-args.ts';

export const budgetQueries = {
  /** The budgets of company and workflows that count at this time, `{scope, period, settledMicros, reservedMicros}`. A budget without a row is untouched. */
  balances: (db, args) => {
    const nowMs = count(args, 'nowMs', 0, Number.MAX_SAFE_INTEGER);
    return db.all("SELECT scope, period, settled AS settledMicros, reserved AS reservedMicros FROM balance WHERE period IN (?1, ?2) ORDER BY scope = 'company' DESC, scope, period", dayOf(nowMs), monthOf(nowMs));
  },

  /** The operator's limits, by workflow, `company` for all. */
  budgetLimits: (db) => readLimits(db),

  /** Calls that may be under way: reserved and not settled. With `before`, those that nobody settles any more by then. */
  reservations: (db, args) => db.all('SELECT id, workflow, run, micros, counted_ms AS atMs, until_ms AS untilMs FROM reservation WHERE until_ms < ?1 ORDER BY until_ms LIMIT ?2', count(args, 'before', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), count(args, 'limit', 1_000, 10_000)),

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
    const [row] = await db.all<{ address: string }>('WITH RECURSIVE up (address, parent) AS (SELECT address, parent FROM actor WHERE address = ?1 UNION SELECT actor.address, actor.parent FROM actor JOIN up ON actor.address = up.parent) SELECT address FROM up WHERE parent IS NULL LIMIT 1', filter(args, 'address'));
    return row?.address ?? null;
  },
} satisfies Record<string, Query>;
