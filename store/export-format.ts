// The format of an export, as docs/export.md describes it: what is written, and what is believed when it comes back.
import { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';
import type { Database } from './database.ts';
import { tables } from './tables.ts';

export const format = { name: 'keelson-export', version: 1 } as const;

/** An export that would pass one of these is not made, so that what was exported can be imported. */
export const limits = { lineBytes: 2 ** 28, blobBytes: 2 ** 28, manifestBytes: 2 ** 28, totalBytes: 2 ** 40, jsonDepth: 10_000 } as const;

/** Tables that no commit writes to; the list of the others is in store/tables.ts. */
const ownTables: Record<string, readonly string[]> = { setting: ['key', 'value'], watch: ['name', 'definition', 'until_seq'], erasure: ['id', 'plan', 'at_ms'] };
export const exportedTables: Record<string, readonly string[]> = { ...ownTables, ...tables };
/** The row `counter` without `epoch`, which says how often this very file was opened. */
export const counterColumns = ['incarnation', 'received', 'applied', 'duplicate', 'parked'] as const;
export const counterFile = 'counter.jsonl';

/** Text columns that hold JSON. An erased actor has no record. */
const jsonColumns: Record<string, readonly string[]> = {
  journal: ['body'], actor: ['value', 'record'], outbox: ['body'], fact: ['value'], intent: ['data'], intent_change: ['data'], decision: ['detail'], annotation: ['detail'], spend: ['detail'], answer: ['value'],
};
/** A full-text table has no types of its own. */
const searchTypes: Record<string, ColumnType> = { version: 'INTEGER' };

export type ColumnType = 'INTEGER' | 'REAL' | 'TEXT' | 'BLOB';
export interface Column { name: string; type: ColumnType; required: boolean; json: boolean }
export interface TableShape { name: string; file: string; columns: Column[]; /** By these the rows are ordered. */ key: string[] }

/** The tables of this database that are exported. One that a later schema brought is not there; of an earlier schema, only the columns it had. */
export async function describeTables(database: Database): Promise<TableShape[]> {
  const shapes: TableShape[] = [];
  for (const [name, names] of Object.entries(exportedTables)) {
    const info = await database.all<{ name: string; type: string; required: number; pk: number }>('SELECT name, type, "notnull" AS required, pk FROM pragma_table_info(?) ORDER BY cid', name);
    if (info.length === 0) continue;
    const key = info.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk).map((column) => column.name);
    const known = new Map(info.map((column) => [column.name, column]));
    // Numbers of arrival stand in no list of columns: SQLite gives them. They are the order, so they are kept.
    const columns = [...key.filter((column) => !names.includes(column)), ...names.filter((column) => known.has(column))].map((column): Column => {
      const { type, required, pk } = known.get(column)!;
      return { name: column, type: type === '' ? (searchTypes[column] ?? 'TEXT') : (type as ColumnType), required: required === 1 || pk > 0, json: jsonColumns[name]?.includes(column) ?? false };
    });
    shapes.push({ name, file: `${name}.jsonl`, columns, key: key.length > 0 ? key : ['rowid'] });
  }
  return shapes;
}

export const isHash = (text: string) => /^[0-9a-f]{64}$/.test(text);
export const blobFolder = 'blobs';
export const blobHashOf = (file: string) => (file.startsWith(`${blobFolder}/`) && isHash(file.slice(blobFolder.length + 1)) ? file.slice(blobFolder.length + 1) : null);
export const schemaFolder = 'schemas';
/** The columns of every table, and the schemas of what is in them. */
export const schemaFiles = { tables: `${schemaFolder}/tables.json`, records: `${schemaFolder}/records.json` } as const;

const count = z.int().min(0);
const fileSchema = z.strictObject({ name: z.string(), sha256: z.string().refine(isHash, 'no sha256'), bytes: count, rows: count });
export type FileEntry = z.output<typeof fileSchema>;

export const manifestSchema = z.strictObject({
  format: z.literal(format.name),
  formatVersion: z.literal(format.version),
  /** Number of the last migration of the database that was exported. */
  schema: z.int().min(1),
  /** The last row of the journal; with the first hash when there is none. */
  head: z.strictObject({ seq: count, hash: z.string() }),
  files: z.array(fileSchema),
});
export type Manifest = z.output<typeof manifestSchema>;

export const badCopy = (message: string, cause?: unknown) => new KeelsonError('BAD_COPY', message, { cause });
