// Arguments of the named reads: what is checked before it comes near SQL. Values are bound; words of SQL come from fixed lists only.
import { KeelsonError } from '#machines/errors.ts';
import type { Database, Row, Value } from './database.ts';

export type Args = Record<string, unknown>;
export type Query = (db: Database, args: Args) => Promise<unknown>;

export const rowsMax = 10_000;

export function text(args: Args, key: string): string {
  const value = args[key];
  if (typeof value !== 'string') throw new KeelsonError('BAD_ARGUMENT', `'${key}' must be text`);
  return value;
}

export const filter = (args: Args, key: string): string | null => (args[key] === undefined ? null : text(args, key));

export function count(args: Args, key: string, fallback: number, max: number): number {
  const value = args[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw new KeelsonError('BAD_ARGUMENT', `'${key}' must be a whole number`);
  return Math.min(value, max);
}

/** A moment in milliseconds, or null when it is not given. */
export const moment = (args: Args, key: string): number | null => (args[key] === undefined ? null : count(args, key, 0, Number.MAX_SAFE_INTEGER));

export const json = (value: Row[string] | undefined) => (typeof value === 'string' ? (JSON.parse(value) as unknown) : null);

/** A value that is given as JSON text. */
export function jsonText(args: Args, key: string): unknown {
  try {
    return JSON.parse(text(args, key)) as unknown;
  } catch (cause) {
    throw cause instanceof KeelsonError ? cause : new KeelsonError('BAD_ARGUMENT', `'${key}' must be JSON text`, { cause });
  }
}

export type Condition = [sql: string, ...values: (Value | undefined)[]];
/** `WHERE` of those conditions whose values are given. With `(? IS NULL OR …)` SQLite could use no index. */
export function where(...conditions: Condition[]): [sql: string, values: Value[]] {
  const given = conditions.filter(([, ...values]) => values.every((value) => value !== null && value !== undefined));
  return [given.length > 0 ? `WHERE ${given.map(([sql]) => sql).join(' AND ')}` : '', given.flatMap(([, ...values]) => values as Value[])];
}

/** Where a list goes on: after the row that this cursor names. Null when there is none. */
export function cursor<T>(args: Args, read: (cursor: string) => T | null): T | null {
  const given = filter(args, 'cursor');
  if (given === null) return null;
  const place = read(given);
  if (place === null) throw new KeelsonError('BAD_ARGUMENT', `'${given}' is no place in this list`, { hint: 'Give the `cursor` of the last row you have.' });
  return place;
}

/**
 * The commits from the first one at or after `since` up to the last one before `until`: by them a list is cut in time without an
 * index of its own. Commits follow the clock; where a clock was set back, rows from before that lie outside.
 */
export async function commitsBetween(db: Database, args: Args): Promise<{ from: number | null; to: number | null }> {
  const [since, until] = [moment(args, 'since'), moment(args, 'until')];
  const find = async (sql: string, ms: number, none: number) => (await db.all<{ seq: number }>(sql, ms))[0]?.seq ?? none;
  return {
    from: since === null ? null : await find('SELECT seq FROM journal WHERE at_ms >= ? ORDER BY at_ms, seq LIMIT 1', since, Number.MAX_SAFE_INTEGER / 2_048),
    to: until === null ? null : await find('SELECT seq FROM journal WHERE at_ms < ? ORDER BY at_ms DESC, seq DESC LIMIT 1', until, -1),
  };
}

/** Which decisions are answers of tiers: the condition of the index decision_task, word for word, or it is not used. */
export const ofTask = "(CASE WHEN json_valid(detail) THEN detail ->> '$.task' END IS NOT NULL OR what IN ('triage', 'draft'))";

/** `up`: the actor ?1 and all that it was started by; the last of them, without a parent, is what its run began with. */
export const ancestors = 'up (address, parent) AS (SELECT address, parent FROM actor WHERE address = ?1 UNION SELECT actor.address, actor.parent FROM actor JOIN up ON actor.address = up.parent)';
