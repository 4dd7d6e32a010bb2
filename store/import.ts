// Takes an export into an empty store. Nothing in the folder is believed: every file is checked against the manifest and every row
// against the schema before anything is written. The database is made beside the live one and takes its place when its chain verifies.
import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { firstIssue, KeelsonError, plainError } from '#machines/errors.ts';
import { openDatabase, type Database, type Value } from './database.ts';
import { badCopy, blobFolder, blobHashOf, counterColumns, counterFile, describeTables, format, limits, manifestSchema, schemaFiles, schemaFolder, type FileEntry, type Manifest, type TableShape } from './export-format.ts';
import { depthOf, readRow } from './import-row.ts';
import { replaceLive, withIncoming } from './incoming.ts';
import { migrate, ownMigrations, planMigrations } from './migrate.ts';
import { verifyAudit } from './verify.ts';

export interface ImportOptions {
  dir: string;
  dataDir: string;
  say?(line: string): void;
  /** The longest line that is read. */
  lineBytesMax?: number;
}
export interface Imported { imported: string; rows: number; files: number; head: Manifest['head'] }

/** Throws BAD_COPY, STORE_TOO_NEW, STORE_BUSY, or BAD_ARGUMENT when the store is not empty; then nothing has changed. */
export async function importStore({ dir: given, dataDir, say = () => {}, lineBytesMax = limits.lineBytes }: ImportOptions): Promise<Imported> {
  const dir = resolve(given);
  const manifest = readManifest(dir);
  const source: Source = { dir, manifest, shapes: await shapesOf(manifest.schema), lineBytesMax };
  checkNames(source);
  say(`checking ${manifest.files.length} files …`);
  for (const entry of manifest.files) await readFileOf(source, entry, async () => {});

  return withIncoming(dataDir, async ({ incoming, live }) => {
    const epoch = await emptyStoreEpoch(live);
    const database = await openDatabase(incoming);
    try {
      await migrate(database, ownMigrations, manifest.schema);
      await database.exec('PRAGMA synchronous = OFF'); // half of it is thrown away, and the whole is synced at the end
      say('writing …');
      await database.run('BEGIN');
      let rowsOpen = 0;
      for (const entry of manifest.files) {
        await readFileOf(source, entry, async (batch) => {
          await insert(database, batch);
          rowsOpen += batch.rows.length;
          if (rowsOpen < transactionRows) return;
          await database.exec('COMMIT; BEGIN'); // so that the write-ahead log stays small
          rowsOpen = 0;
        });
      }
      await database.run('COMMIT');
      await migrate(database);
      await database.run('UPDATE counter SET epoch = ?', epoch);
      const { ok, rows, head, firstBad } = await verifyAudit(database, manifest.head.seq > 0 ? [manifest.head] : []);
      if (!ok || rows !== manifest.head.seq || head !== manifest.head.hash) throw badCopy(`the journal of ${dir} does not verify: ${firstBad ? `row ${firstBad.seq}: ${firstBad.reason}` : `it ends at row ${rows}, the manifest says ${manifest.head.seq}`}`);
      await database.exec('PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      await database.close();
    }
    await replaceLive({ dataDir, incoming, live });
    return { imported: dir, rows: manifest.files.reduce((sum, { rows }) => sum + rows, 0), files: manifest.files.length + 1, head: manifest.head };
  });
}

const transactionRows = 20_000;
const chunkBytes = 2 ** 20;
const reading = constants.O_RDONLY | constants.O_NOFOLLOW;

interface Source { dir: string; manifest: Manifest; shapes: Map<string, TableShape>; lineBytesMax: number }
interface Batch { file: string; sql: string; rows: Value[][] }

function readManifest(dir: string): Manifest {
  const path = join(dir, 'manifest.json');
  if (!existsSync(path)) throw badCopy(`${dir} is no export: it has no manifest.json`);
  checkRegular(path, 'manifest.json');
  const fd = openSync(path, reading);
  let json: unknown;
  try {
    if (fstatSync(fd).size > limits.manifestBytes) throw new Error(`it has more than ${limits.manifestBytes} bytes`);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(fd));
    if (depthOf(text) > 3) throw new Error('it is nested deeper than a manifest');
    json = JSON.parse(text);
  } catch (error) {
    throw badCopy(`manifest.json cannot be read: ${plainError(error).message}`, error);
  } finally {
    closeSync(fd);
  }
  const { formatVersion } = (json ?? {}) as { formatVersion?: unknown };
  if (typeof formatVersion === 'number' && formatVersion > format.version) throw new KeelsonError('STORE_TOO_NEW', `the export has format ${formatVersion}, this build knows up to ${format.version}`, { hint: 'Import it with the Keelson that made it, or a newer one.' });
  const manifest = manifestSchema.safeParse(json);
  if (!manifest.success) throw badCopy(`manifest.json does not say what it should: ${firstIssue(manifest.error, ': ')}`);
  return manifest.data;
}

/** What the tables looked like in that schema. */
async function shapesOf(schema: number): Promise<Map<string, TableShape>> {
  const database = await openDatabase(':memory:');
  try {
    const { newest } = await planMigrations(database);
    if (schema > newest) throw new KeelsonError('STORE_TOO_NEW', `the export has schema ${schema}, this build knows up to ${newest}`, { hint: 'Import it with the Keelson that made it, or a newer one.' });
    await migrate(database, ownMigrations, schema);
    return new Map((await describeTables(database)).map((shape) => [shape.file, shape]));
  } finally {
    await database.close();
  }
}

/** Only known names, each once, none missing; so no name leads out of the folder. */
function checkNames({ dir, manifest: { files }, shapes }: Source): void {
  const names = new Set<string>();
  for (const { name } of files) {
    if (!shapes.has(name) && name !== counterFile && !Object.values<string>(schemaFiles).includes(name) && blobHashOf(name) === null) throw badCopy(`manifest.json names ${JSON.stringify(name).slice(0, 100)}, which is no file of an export`);
    if (names.has(name)) throw badCopy(`manifest.json names ${name} twice`);
    names.add(name);
  }
  const missing = [...shapes.keys(), counterFile].find((name) => !names.has(name));
  if (missing) throw badCopy(`manifest.json does not name ${missing}`);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > limits.totalBytes) throw badCopy(`the files have ${total} bytes; at most ${limits.totalBytes} are read`);
  for (const folder of [blobFolder, schemaFolder]) {
    if (files.some(({ name }) => name.startsWith(`${folder}/`)) && !lstatSync(join(dir, folder), { throwIfNoEntry: false })?.isDirectory()) throw badCopy(`${folder} is no folder`);
  }
}

function checkRegular(path: string, name: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) throw badCopy(`${name} is missing`);
  if (!found.isFile()) throw badCopy(`${name} is no regular file`);
}

/** Reads one file to its end, checks everything about it, and hands its rows over in batches. */
async function readFileOf({ dir, shapes, lineBytesMax }: Source, entry: FileEntry, take: (batch: Batch) => Promise<void>): Promise<void> {
  const { name: file, rows } = entry;
  const blob = blobHashOf(file);
  const shape = shapes.get(file);
  if (blob !== null) {
    if (blob !== entry.sha256 || rows !== 1) throw badCopy(`manifest.json says of ${file} that it is another file`);
    if (entry.bytes > limits.blobBytes) throw badCopy(`${file} has ${entry.bytes} bytes; at most ${limits.blobBytes} are read`);
    const chunks: Buffer[] = [];
    for await (const chunk of readChunks(dir, entry)) chunks.push(chunk);
    await take({ file, sql: 'INSERT INTO blob (hash, bytes) VALUES (?, ?)', rows: [[blob, Buffer.concat(chunks)]] });
  } else if (shape || file === counterFile) {
    const columns = shape?.columns ?? counterColumns.map((name) => ({ name, type: name === 'incarnation' ? 'TEXT' as const : 'INTEGER' as const, required: true, json: false }));
    const names = columns.map(({ name }) => name);
    const sql = shape ? `INSERT INTO ${shape.name} (${names.join()}) VALUES (${names.map(() => '?').join()})` : `UPDATE counter SET ${names.map((name) => `${name} = ?`).join()}`;
    let line = 0;
    for await (const lines of readLines(dir, entry, lineBytesMax)) await take({ file, sql, rows: lines.map((text) => readRow(text, columns, `${file} line ${++line}`)) });
    if (line !== rows || (!shape && rows !== 1)) throw badCopy(`${file} has ${line} rows, not ${shape ? rows : 1}`);
  } else {
    for await (const _ of readChunks(dir, entry)); // schemas are for readers: only whether they are whole
  }
}

async function* readChunks(dir: string, { name, bytes, sha256 }: FileEntry): AsyncGenerator<Buffer> {
  const path = join(dir, name);
  checkRegular(path, name);
  const handle = await open(path, reading);
  try {
    const { size } = await handle.stat();
    if (size !== bytes) throw badCopy(`${name} has ${size} bytes, not ${bytes}`);
    const hash = createHash('sha256');
    let read = 0;
    for (;;) {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.allocUnsafeSlow(Math.min(chunkBytes, bytes - read + 1)) }); // one more: it may have grown
      read += bytesRead;
      if (bytesRead === 0 || read > bytes) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      yield chunk;
    }
    if (read !== bytes || hash.digest('hex') !== sha256) throw badCopy(`${name} is not the file that was exported: its sha256 differs`);
  } finally {
    await handle.close();
  }
}

/** The lines of each chunk. */
async function* readLines(dir: string, entry: FileEntry, lineBytesMax: number): AsyncGenerator<string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let begun: Buffer[] = [];
  let begunBytes = 0;
  const add = (piece: Buffer) => {
    begun.push(piece);
    begunBytes += piece.length;
    if (begunBytes > lineBytesMax) throw badCopy(`${entry.name} has a line of more than ${lineBytesMax} bytes`);
  };
  for await (const chunk of readChunks(dir, entry)) {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, end));
      try {
        lines.push(decoder.decode(Buffer.concat(begun)));
      } catch (error) {
        throw badCopy(`${entry.name} is not UTF-8`, error);
      }
      begun = [];
      begunBytes = 0;
      from = end + 1;
    }
    add(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (begunBytes > 0) throw badCopy(`the last line of ${entry.name} is cut off`);
}

async function insert(database: Database, { file, sql, rows }: Batch): Promise<void> {
  try {
    await Promise.all(rows.map((values) => database.run(sql, ...values)));
  } catch (error) {
    if (error instanceof KeelsonError && error.code === 'REFUSED') throw badCopy(`${file}: ${error.message}`, error);
    throw error;
  }
}

/** The epoch of the store that is replaced. Throws BAD_ARGUMENT when something was ever written there. */
async function emptyStoreEpoch(live: string): Promise<number> {
  if (!existsSync(live)) return 0;
  const database = await openDatabase(live, { readOnly: true });
  try {
    if ((await planMigrations(database)).version === 0) return 0;
    if ((await database.all('SELECT 1 FROM journal LIMIT 1')).length > 0) throw new KeelsonError('BAD_ARGUMENT', `${live} is not empty`, { hint: 'Import into a folder without a database: --data DIR.' });
    return (await database.all<{ epoch: number }>('SELECT epoch FROM counter'))[0]!.epoch;
  } finally {
    await database.close();
  }
}
