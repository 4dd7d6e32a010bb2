// The only file that knows the SQLite driver. npm `sqlite3` does not order different statements, not even under serialize():
// every statement goes through one queue per connection.
import sqlite3 from 'sqlite3';
import { KeelsonError } from '#machines/errors.ts';

export type Value = string | number | null | Uint8Array;
export type Row = Record<string, string | number | null | Uint8Array>;

export interface Database {
  /** Runs one statement with parameters; resolves with the number of changed rows. */
  run(sql: string, ...values: Value[]): Promise<number>;
  all<T = Row>(sql: string, ...values: Value[]): Promise<T[]>;
  /** Runs a script of several statements. */
  exec(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** SQLite below this can corrupt a database when two connections write and checkpoint at once (the WAL-reset bug). */
const sqliteFloor = [3, 51, 3];

/** Opens a database file. `readOnly` never writes a row; it may still recover the write-ahead log after a crash. `bare` sets nothing. */
export async function openDatabase(file: string, options: { readOnly?: boolean; bare?: boolean } = {}): Promise<Database> {
  const flags = options.readOnly ? sqlite3.OPEN_READONLY : sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE;
  const db = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(file, flags, (error) => (error ? reject(translate(error, `cannot open ${file}`)) : resolve(opened)));
  });
  const prepared = new Map<string, sqlite3.Statement>();
  let last: Promise<unknown> = Promise.resolve();
  const queue = <T>(task: () => Promise<T>): Promise<T> => {
    const next = last.then(task, task);
    last = next;
    return next;
  };
  const prepare = (sql: string): sqlite3.Statement => {
    let statement = prepared.get(sql);
    if (!statement) {
      statement = db.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement;
  };
  const database: Database = {
    run: (sql, ...values) => queue(() => new Promise((resolve, reject) => prepare(sql).run(values, function (error) {
      if (error) reject(translate(error, sql));
      else resolve(this.changes);
    }))),
    all: <T>(sql: string, ...values: Value[]) => queue(() => new Promise<T[]>((resolve, reject) => prepare(sql).all(values, (error, rows) => (error ? reject(translate(error, sql)) : resolve(rows as T[]))))),
    exec: (sql) => queue(() => new Promise<void>((resolve, reject) => db.exec(sql, (error) => (error ? reject(translate(error, sql)) : resolve())))),
    close: () => queue(async () => {
      await Promise.all([...prepared.values()].map((statement) => new Promise<void>((resolve) => statement.finalize(() => resolve()))));
      await new Promise<void>((resolve, reject) => db.close((error) => (error ? reject(translate(error, 'close')) : resolve())));
    }),
  };
  if (options.bare) return database;
  await checkVersion(database);
  await database.exec(options.readOnly ? 'PRAGMA query_only = ON; PRAGMA busy_timeout = 2000' : 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000');
  return database;
}

async function checkVersion(database: Database): Promise<void> {
  const version = String((await database.all<{ v: string }>('SELECT sqlite_version() AS v'))[0]?.v);
  const parts = version.split('.').map(Number);
  for (const [i, floor] of sqliteFloor.entries()) {
    if ((parts[i] ?? 0) > floor) return;
    if ((parts[i] ?? 0) < floor) throw new KeelsonError('STORE_FAILED', `SQLite ${version} can corrupt a database in use by two connections; ${sqliteFloor.join('.')} or newer is needed`);
  }
}

function translate(error: Error & { code?: string }, what: string): KeelsonError {
  const detail = `${error.message} (${what.slice(0, 80)})`;
  switch (error.code) {
    case 'SQLITE_FULL':
      return new KeelsonError('STORE_FULL', `the disk is full: ${detail}`, { cause: error });
    case 'SQLITE_BUSY':
      return new KeelsonError('STORE_BUSY', `the database is in use: ${detail}`, { cause: error });
    case 'SQLITE_CONSTRAINT':
      return new KeelsonError('REFUSED', detail, { cause: error });
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return new KeelsonError('STORE_FAILED', `the database file is damaged: ${detail}`, { cause: error, hint: 'Stop the server, keep the file, and restore the newest backup.' });
    default:
      return new KeelsonError('STORE_FAILED', detail, { cause: error });
  }
}
