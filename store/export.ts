// Everything the store holds, as JSON lines and files: docs/export.md. Read in one transaction, so that it is one moment also
// while the server writes, and row by row, so that it fits into memory. The same state gives the same bytes.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import { firstHash } from './audit.ts';
import { rememberCopy } from './copies.ts';
import { openDatabase, type Database, type Row } from './database.ts';
import { blobFolder, counterColumns, counterFile, describeTables, format, isHash, limits, schemaFiles, schemaFolder, type FileEntry, type Manifest, type TableShape } from './export-format.ts';
import { planMigrations } from './migrate.ts';

export interface ExportOptions {
  dataDir: string;
  /** Must not exist, or be empty. */
  dir: string;
  nowMs: number;
  say?(line: string): void;
  /** Schemas of what is in the rows, copied as they are. */
  recordSchemas?: URL;
}
export interface Exported { exported: string; rows: number; files: number }

const ownSchemas = new URL('../docs/schemas.json', import.meta.url);
/** Aimed at, so that memory stays the same whatever is in the rows. */
const pageBytes = 4 * 2 ** 20;
const pageRowsMax = 256;
const progressRows = 50_000;

/** Throws BAD_ARGUMENT when `dir` holds something. Written beside it and renamed: what stands at `dir` is whole. */
export async function exportStore({ dataDir, dir: given, nowMs, say = () => {}, recordSchemas = ownSchemas }: ExportOptions): Promise<Exported> {
  const dir = resolve(given);
  if (existsSync(dir) && readdirSync(dir).length > 0) throw new KeelsonError('BAD_ARGUMENT', `${dir} is not empty`, { hint: 'Name a folder that does not exist yet.' });
  mkdirSync(dirname(dir), { recursive: true, mode: 0o700 });
  const part = mkdtempSync(join(dirname(dir), `.${basename(dir)}-`)); // readable by its owner only
  const database = await openDatabase(join(dataDir, 'keelson.db'), { readOnly: true });
  try {
    await database.exec('BEGIN');
    const manifest = await writeFiles(database, part, { say, recordSchemas });
    const text = toManifest(manifest);
    if (manifest.files.reduce((sum, { bytes }) => sum + bytes, 0) > limits.totalBytes || text.length > limits.manifestBytes) throw tooLarge('the store is too large for an export');
    writeFileSync(join(part, 'manifest.json'), text, { mode: 0o600, flush: true });
    rememberCopy(dataDir, { kind: 'export', path: dir, at: new Date(nowMs).toISOString() }); // before it is there: no copy may be overlooked
    renameSync(part, dir);
    return { exported: dir, rows: manifest.files.reduce((sum, { rows }) => sum + rows, 0), files: manifest.files.length + 1 };
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error;
  } finally {
    await database.close();
  }
}

async function writeFiles(database: Database, part: string, { say, recordSchemas }: Required<Pick<ExportOptions, 'say' | 'recordSchemas'>>): Promise<Manifest> {
  const { version } = await planMigrations(database);
  const [last] = await database.all<{ seq: number; hash: string }>('SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1');
  const shapes = await describeTables(database);
  const files: FileEntry[] = [];
  const writeWhole = (name: string, content: string | Uint8Array, rows: number) => {
    writeFileSync(join(part, name), content, { mode: 0o600 });
    files.push({ name, sha256: sha256(content), bytes: Buffer.byteLength(content), rows });
  };
  mkdirSync(join(part, schemaFolder), { mode: 0o700 });
  writeWhole(schemaFiles.tables, `${JSON.stringify(shapes.map(({ name, columns, key }) => ({ name, columns, key })), null, 2)}\n`, 0);
  if (existsSync(recordSchemas)) writeWhole(schemaFiles.records, readFileSync(recordSchemas), 0);
  writeWhole(counterFile, (await database.all(`SELECT ${counterColumns.join()} FROM counter`)).map((row) => toLine(row)).join(''), 1);

  for (const shape of shapes) {
    const rows = shape.name === 'blob' ? blobs(database, shape, writeBlob) : readTable(database, shape);
    const entry = await writeLines(join(part, shape.file), shape.file, rows, say);
    files.push(entry);
  }
  return { format: format.name, formatVersion: format.version, schema: version, head: { seq: last?.seq ?? 0, hash: last?.hash ?? firstHash }, files };

  function writeBlob(hash: string, bytes: Uint8Array): void {
    if (sha256(bytes) !== hash) throw new KeelsonError('STORE_DAMAGED', `the bytes stored as ${hash} are others`);
    if (bytes.length > limits.blobBytes) throw tooLarge(`the blob ${hash} has ${bytes.length} bytes; at most ${limits.blobBytes} can be exported`);
    mkdirSync(join(part, blobFolder), { recursive: true, mode: 0o700 });
    writeWhole(`${blobFolder}/${hash}`, bytes, 1);
  }
}

/** One entry per line, so that a file that differs is a line that differs. */
const toManifest = ({ files, ...head }: Manifest) => `${JSON.stringify(head).slice(0, -1)},"files":[\n${files.map((entry) => JSON.stringify(entry)).join(',\n')}\n]}\n`;

async function writeLines(path: string, name: string, pages: AsyncIterable<Row[]>, say: (line: string) => void): Promise<FileEntry> {
  const handle = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let [rows, bytes] = [0, 0];
  try {
    for await (const page of pages) {
      const lines = Buffer.from(page.map(toLine).join(''));
      await handle.appendFile(lines);
      hash.update(lines);
      bytes += lines.length;
      if (Math.floor((rows + page.length) / progressRows) > Math.floor(rows / progressRows)) say(`${name}: ${rows + page.length} rows …`);
      rows += page.length;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { name, sha256: hash.digest('hex'), bytes, rows };
}

/** Pages of a table in the order of its key, as large as fits. */
async function* readTable(database: Database, { name, columns, key }: Pick<TableShape, 'name' | 'columns' | 'key'>): AsyncGenerator<Row[]> {
  const keys = key.map((column, i) => `${column} AS key_${i}`);
  const select = `SELECT ${[...keys, ...columns.map((column) => column.name)].join()} FROM ${name}`;
  const after = `WHERE (${key.join()}) > (${key.map(() => '?').join()})`;
  let last: Row | undefined;
  let limit = 16;
  for (;;) {
    const found: Row[] = await database.all(`${select} ${last ? after : ''} ORDER BY ${key.join()} LIMIT ?`, ...(last ? key.map((_, i) => last![`key_${i}`]!) : []), limit);
    last = found.at(-1);
    if (!last) return;
    yield found.map((row) => Object.fromEntries(columns.map((column) => [column.name, row[column.name] ?? null])));
    if (found.length < limit) return;
    limit = Math.max(1, Math.min(pageRowsMax, Math.floor((limit * pageBytes) / Math.max(sizeOf(found), 1))));
  }
}

/** Bytes that are named by their hash go into files of their own, one at a time; the rest stays in lines. */
async function* blobs(database: Database, shape: TableShape, writeBlob: (hash: string, bytes: Uint8Array) => void): AsyncGenerator<Row[]> {
  const names = { ...shape, columns: shape.columns.filter(({ name }) => name === 'hash') };
  for await (const page of readTable(database, names)) {
    for (const { hash } of page) {
      const [row] = await database.all<{ bytes: Uint8Array }>('SELECT bytes FROM blob WHERE hash = ?', hash!);
      if (isHash(hash as string)) writeBlob(hash as string, row!.bytes);
      else yield [{ hash: hash!, bytes: row!.bytes }];
    }
  }
}

const sizeOf = (rows: Row[]) => rows.reduce((sum, row) => sum + Object.values(row).reduce<number>((size, value) => size + (typeof value === 'string' || value instanceof Uint8Array ? value.length : 8), 0), 0);

function toLine(row: Row): string {
  const line = `${JSON.stringify(Object.fromEntries(Object.entries(row).map(([name, value]) => {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new KeelsonError('STORE_DAMAGED', `${name} is ${value}, which nothing writes`);
    return [name, value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value];
  })))}\n`;
  if (line.length > limits.lineBytes || Buffer.byteLength(line) > limits.lineBytes) throw tooLarge(`a row of more than ${limits.lineBytes} bytes cannot be exported`);
  return line;
}

const tooLarge = (message: string) => new KeelsonError('REFUSED', message, { hint: 'Make a backup instead: `keelson backup FILE` has no such limit.' });
