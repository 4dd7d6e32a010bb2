// Many rows in one statement, as bound values: at 64 rows of 1 KB a third of a statement per row, and half of handing the rows
// over as JSON for `json_each` to take apart. Strings also keep their NULs, and numbers stay numbers.
import type { Database, Value } from './database.ts';
import { tables, type Table } from './tables.ts';

export interface Insert {
  /** Its first column is never null. */
  table: Table;
  /** `OR IGNORE`. */
  or?: string;
  /** `ON CONFLICT …`. */
  conflict?: string;
}

/** Rows per statement; more are written in turns. Far below SQLite's 32,766 parameters. */
const rowsMax = 256;

/**
 * Writes rows in their order. Few shapes stay prepared: the count is rounded up to a power of two. What is not bound is null, and
 * rows of nulls are left out.
 */
export async function insertRows(database: Database, insert: Insert, rows: Value[][]): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsMax) {
    const some = rows.slice(from, from + rowsMax);
    const size = 2 ** Math.ceil(Math.log2(some.length));
    await database.run(statementFor(insert, size), ...some.flat());
  }
}

const statements = new Map<Insert, Map<number, string>>();

function statementFor(insert: Insert, size: number): string {
  const sizes = statements.get(insert) ?? new Map<number, string>();
  statements.set(insert, sizes);
  const { table, or = '', conflict = '' } = insert;
  const columns = tables[table];
  const row = `(${columns.map(() => '?').join()})`;
  const sql = sizes.get(size) ?? `INSERT ${or} INTO ${table} (${columns.join()}) SELECT * FROM (VALUES ${Array.from({ length: size }, () => row).join()}) WHERE column1 IS NOT NULL ${conflict}`;
  sizes.set(size, sql);
  return sql;
}
