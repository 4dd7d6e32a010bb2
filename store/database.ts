// The only file that knows the SQLite driver. npm `sqlite3` does not order different statements, not even under serialize():
// every statement goes through one queue per connection.
import sqlite3 from 'sqlite3';
import { getLoadablePath } from 'sqlite-vec';
import { KeelsonError } from '#machines/errors.ts';
import { compareVersions, sqliteFloor } from '#machines/versions.ts';

export type Value = string | number | null | Uint8Array;
export type Row = Record<string, string | number | null | Uint8Array>;

export interface Database {
  /** Runs one statement with parameters; resolves with the number of changed rows. */
  run(sql: string, ...values: Value[]): Promise<number>;
  all<T = Row>(sql: string, ...values: Value[]): Promise<T[]>;
  /** Runs a script of several statements. */
  exec(sql: string): Promise<void>;
  /** Whether the functions of sqlite-vec are there. */
  distances?: boolean;
  close(): Promise<void>;
}

/** `readOnly` never writes a row; it may still recover the write-ahead log after a crash. `bare` sets nothing. */
export interface OpenOptions { readOnly?: boolean; bare?: boolean }

export async function openDatabase(file: string, options: OpenOptions = {}): Promise<Database> {
  const flags = options.readOnly ? sqlite3.OPEN_READONLY : sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE;
  const translate = (error: Error & { errno?: number }, what: string) => translateError(error, { result: error.errno, file, what });
  const db = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(file, flags, (error) => (error ? reject(translate(error, 'open')) : resolve(opened)));
  });
  const prepared = new Map<string, sqlite3.Statement>();
  let last: Promise<unknown> = Promise.resolve();
  const queue = <T>(task: () => Promise<T>): Promise<T> => {
    const next = last.then(task, task);
    last = next;
    return next;
  };
  /** Prepares a statement once. One that cannot be prepared now is not remembered: the next try may find its table. */
  const withStatement = <T>(sql: string, use: (statement: sqlite3.Statement, done: (error: Error | null, result: T) => void) => void) => queue(() => new Promise<T>((resolve, reject) => {
    const done = (error: Error | null, result: T) => (error ? reject(translate(error, sql)) : resolve(result));
    const known = prepared.get(sql);
    if (known) return use(known, done);
    const statement: sqlite3.Statement = db.prepare(sql, (error: Error | null) => {
      if (error) return reject(translate(error, sql));
      prepared.set(sql, statement);
      use(statement, done);
    });
  }));
  const database: Database = {
    // Only reads compare vectors.
    distances: options.readOnly === true && options.bare !== true && (await loadDistances(db)),
    run: (sql, ...values) => withStatement<number>(sql, (statement, done) => statement.run(values, function (error) { done(error, this?.changes); })),
    all: <T>(sql: string, ...values: Value[]) => withStatement<T[]>(sql, (statement, done) => statement.all(values, (error, rows) => done(error, rows as T[]))),
    exec: (sql) => queue(() => new Promise<void>((resolve, reject) => db.exec(sql, (error) => (error ? reject(translate(error, sql)) : resolve())))),
    close: () => queue(async () => {
      await Promise.all([...prepared.values()].map((statement) => new Promise<void>((resolve) => statement.finalize(() => resolve()))));
      prepared.clear();
      await new Promise<void>((resolve, reject) => db.close((error) => (error ? reject(translate(error, 'close')) : resolve())));
    }),
  };
  return prepareConnection(database, options);
}

/** Not for every platform there is a build of it; whoever compares vectors can do without. */
function loadDistances(db: sqlite3.Database): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      db.loadExtension(getLoadablePath(), (error) => resolve(error === null));
    } catch {
      resolve(false);
    }
  });
}

/** Sets what every connection has, whichever driver opened it; closes it when that fails. */
export async function prepareConnection(database: Database, { readOnly, bare }: OpenOptions): Promise<Database> {
  if (bare) return database;
  try {
    await checkVersion(database);
    await database.exec(readOnly ? 'PRAGMA query_only = ON; PRAGMA busy_timeout = 2000' : 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000');
  } catch (error) {
    await database.close().catch(() => {});
    throw error;
  }
  return database;
}

/** Throws when the driver brings an SQLite that is too old. */
export async function checkVersion(database: Pick<Database, 'all'>): Promise<void> {
  const version = String((await database.all<{ v: string }>('SELECT sqlite_version() AS v'))[0]?.v);
  if (compareVersions(version, sqliteFloor) < 0) throw new KeelsonError('STORE_FAILED', `SQLite ${version} can corrupt a database in use by two connections; ${sqliteFloor} or newer is needed`);
}

/** SQLite's own error as ours. `result` is SQLite's result code, extended or not; `what` was being done to `file`. */
export function translateError(error: Error, { result = sqlite3.ERROR, file, what }: { result?: number | undefined; file: string; what: string }): KeelsonError {
  const detail = `${error.message} (${what.replace(/\s+/g, ' ').slice(0, 80)})`;
  switch (result & 0xff) {
    case sqlite3.FULL:
      return new KeelsonError('STORE_FULL', `the disk is full: ${detail}`, { cause: error });
    case sqlite3.BUSY:
      return new KeelsonError('STORE_BUSY', `the database is in use: ${detail}`, { cause: error });
    case sqlite3.CONSTRAINT:
    case sqlite3.MISMATCH:
    case sqlite3.TOOBIG:
      return new KeelsonError('REFUSED', detail, { cause: error });
    case sqlite3.CORRUPT:
    case sqlite3.NOTADB:
      return new KeelsonError('STORE_DAMAGED', `the database ${file} is damaged: ${detail}`, { cause: error });
    case sqlite3.CANTOPEN:
      return new KeelsonError('STORE_FAILED', `cannot open ${file}: ${detail}`, { cause: error });
    default:
      return new KeelsonError('STORE_FAILED', detail, { cause: error });
  }
}
