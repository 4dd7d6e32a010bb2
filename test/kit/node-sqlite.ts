// The Database port on `node:sqlite`, which is synchronous: for tests that the store asks nothing of one driver alone.
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { prepareConnection, translateError, type Database, type OpenOptions, type Value } from '#store/database.ts';

/** Opens a database file; the same as `openDatabase` of store/database.ts. */
export async function openNodeSqlite(file: string, options: OpenOptions = {}): Promise<Database> {
  const attempt = <T>(what: string, task: () => T): T => {
    try {
      return task();
    } catch (error) {
      throw translateError(error as Error, { result: (error as { errcode?: number }).errcode, file, what });
    }
  };
  const db = attempt('open', () => new DatabaseSync(file, { readOnly: options.readOnly ?? false, enableForeignKeyConstraints: false }));
  const prepared = new Map<string, StatementSync>();
  let last: Promise<unknown> = Promise.resolve();
  /** No answer comes in the turn of its question: other work goes on in between, as it does with a driver on another thread. */
  const queue = <T>(what: string, task: () => T): Promise<T> => {
    const next = last.catch(() => {}).then(() => setImmediate()).then(() => attempt(what, task));
    last = next;
    return next;
  };
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql) ?? db.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  const database: Database = {
    run: (sql, ...values) => queue(sql, () => Number(statement(sql).run(...values.map(bindable)).changes)),
    all: <T>(sql: string, ...values: Value[]) => queue(sql, () => statement(sql).all(...values.map(bindable)).map((row) => ({ ...row }) as T)),
    exec: (sql) => queue(sql, () => db.exec(sql)),
    close: () => queue('close', () => {
      prepared.clear();
      db.close();
    }),
  };
  return prepareConnection(database, options);
}

/** node:sqlite binds every number as REAL; npm sqlite3 binds what fits in 32 bits as INTEGER, and so do we. */
function bindable(value: Value): Value | bigint {
  return typeof value === 'number' && (value | 0) === value ? BigInt(value) : value;
}
