// Named reads of actors, their history and their messages, and the counts. Of actors that were erased nothing is shown.
import { KeelsonError } from '#machines/errors.ts';
import { count, cursor, filter, json, moment, rowsMax, text, where, type Args, type Query } from './query-args.ts';
import { newestEffects } from './query-effects.ts';
import { readSetting } from './setting.ts';

export const actorQueries = {
  async record(db, args) {
    const [row] = await db.all<{ record: string }>("SELECT record FROM actor WHERE address = ? AND status <> 'erased'", text(args, 'address'));
    return row?.record ?? null;
  },

  /** What became of a message or command, or null when it was never applied. */
  async outcome(db, args) {
    const [row] = await db.all<{ outcome: string }>('SELECT outcome FROM journal WHERE id = ?', text(args, 'id'));
    return row?.outcome ?? null;
  },

  /** The body of a message that was promised and is not applied yet. */
  async promised(db, args) {
    const [row] = await db.all<{ body: string }>('SELECT body FROM outbox WHERE id = ?', text(args, 'id'));
    return row ? json(row.body) : null;
  },

  async status(db) {
    const [counter] = await db.all('SELECT received, applied, duplicate, parked FROM counter');
    const [more] = await db.all(`SELECT
      (SELECT count(*) FROM intent WHERE state = 'input-required') AS waiting,
      (SELECT count(*) FROM outbox WHERE due_ms IS NULL) AS inFlight,
      (SELECT count(*) FROM outbox WHERE due_ms IS NOT NULL) AS deadlines,
      (SELECT count(*) FROM actor) - (SELECT count(*) FROM actor WHERE status <> 'active') AS active,
      (SELECT count(*) FROM actor WHERE status <> 'active' AND status = 'error') AS failed,
      (SELECT count(*) FROM actor WHERE address >= 'mail/' AND address < 'mail0') AS mails,
      (SELECT count(*) FROM fact) AS facts,
      (SELECT count(*) FROM erasure) AS erasing,
      (SELECT coalesce(max(seq), 0) FROM journal) AS commits`);
    const [effects] = await db.all(newestEffects);
    return { ...counter, ...more, effects: effects?.['state'] ?? 'running' };
  },

  /** The newest row of the hash chain. */
  async head(db) {
    return (await db.all('SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1'))[0] ?? null;
  },

  /** Which past this is: a bus belongs to one incarnation, and to epochs up to this one. */
  async incarnation(db) {
    return (await db.all('SELECT incarnation, epoch FROM counter'))[0] ?? null;
  },

  /** Which time a restore has lost, or null. */
  async restored(db) {
    return readSetting(db, 'restored');
  },

  /** By address. `addresses`: only these. */
  async actors(db, args) {
    const type = filter(args, 'type');
    const after = cursor(args, (place) => place);
    const [sql, values] = where(
      after !== null && (!type || after >= `${type}/`) ? ['address > ?', after] : ['address >= ?', type && `${type}/`], ['address < ?', type && `${type}0`],
      ['address IN (SELECT value FROM json_each(?))', addresses(args)], ['status = ?', filter(args, 'status')], ['updated_ms >= ?', moment(args, 'since')], ['updated_ms < ?', moment(args, 'until')],
    );
    const rows = await db.all(
      `SELECT address, machine, rev, status, value, parent, updated_ms, record ->> '$.timers' AS timers, record ->> '$.children' AS children, record ->> '$.asks' AS asks, record ->> '$.held' AS held FROM actor
       ${sql} ${sql ? 'AND' : 'WHERE'} status <> 'erased' ORDER BY address LIMIT ?`, ...values, count(args, 'limit', rowsMax, 1_000_000),
    );
    return rows.map((row) => ({ ...row, value: json(row['value']), timers: json(row['timers']), children: json(row['children']), asks: json(row['asks']), held: json(row['held']), cursor: row['address'] }));
  },

  /** Active actors without a deadline of their own, a held message or one under way to them: candidates for standing still for ever. */
  async resting(db, args) {
    const rows = await db.all(
      `SELECT address, record FROM actor WHERE status = 'active' AND address > ? AND record ->> '$.timers' = '{}' AND record ->> '$.held' IS NULL
         AND NOT EXISTS (SELECT 1 FROM outbox WHERE receiver = actor.address) ORDER BY address LIMIT ?`, filter(args, 'after') ?? '', count(args, 'limit', rowsMax, rowsMax));
    return rows.map(({ address, record }) => ({ address, record: json(record) }));
  },

  /** What is to happen by itself, soonest first. */
  async due(db, args) {
    const rows = await db.all("SELECT id, receiver, due_ms, body ->> '$.kind' AS kind, coalesce(body ->> '$.timer', body ->> '$.activity') AS name FROM outbox WHERE due_ms IS NOT NULL ORDER BY due_ms, n LIMIT ?", count(args, 'limit', rowsMax, rowsMax));
    return rows.map((row) => ({ id: row['id'], actor: String(row['kind']) === 'job' ? String(row['id']).split('#')[0] : row['receiver'], dueMs: row['due_ms'], kind: row['kind'], name: row['name'] }));
  },

  async actor(db, args) {
    const [row] = await db.all("SELECT address, machine, rev, status, record, updated_ms FROM actor WHERE address = ? AND status <> 'erased'", text(args, 'address'));
    return row ? { ...row, record: json(row['record']) } : null;
  },

  /** Every commit of one actor, oldest first, with the transition record. */
  async history(db, args) {
    const rows = await db.all('SELECT seq, id, rev, at_ms, outcome, body FROM journal WHERE actor = ? AND seq > ? ORDER BY seq LIMIT ?', text(args, 'address'), count(args, 'after', 0, Number.MAX_SAFE_INTEGER), count(args, 'limit', 1_000, rowsMax));
    return rows.map((row) => ({ ...row, body: json(row['body']) }));
  },

  /** By when they moved last, the longest resting first. */
  async operations(db, args) {
    const after = cursor(args, (address) => address);
    const [sql, values] = where(['address >= ?', 'operation/'], ['address < ?', 'operation0'], ['(updated_ms, address) > (SELECT updated_ms, address FROM actor WHERE address = ?)', after]);
    const rows = await db.all(`SELECT address, value, status, record ->> '$.snapshot.context' AS context, updated_ms FROM actor ${sql} AND status <> 'erased' ORDER BY updated_ms, address LIMIT ?`, ...values, count(args, 'limit', rowsMax, rowsMax));
    return rows.map((row) => ({ ...row, value: json(row['value']), context: json(row['context']), cursor: row['address'] }));
  },
} satisfies Record<string, Query>;

const addressesMax = 1_000;

/** Those asked for, as a JSON array; null when any will do. */
function addresses({ addresses: asked }: Args): string | null {
  if (asked === undefined) return null;
  if (!Array.isArray(asked) || asked.length > addressesMax || !asked.every((one) => typeof one === 'string')) throw new KeelsonError('BAD_ARGUMENT', `'addresses' must be a list of at most ${addressesMax} texts`);
  return JSON.stringify(asked);
}
