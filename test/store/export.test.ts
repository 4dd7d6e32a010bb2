// Goal: what goes out comes back, byte for byte, and what somebody changed on the way comes back never. Method: a store of every kind
// of row goes out, in and out again; then one archive per way of breaking it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { sha256 } from '#actors/hash.ts';
import type { KeelsonError } from '#machines/errors.ts';
import { rememberCopy, readCopies } from '#store/copies.ts';
import { openDatabase } from '#store/database.ts';
import { counterFile, exportedTables, limits, type Manifest } from '#store/export-format.ts';
import { exportStore } from '#store/export.ts';
import { readRow } from '#store/import-row.ts';
import { importStore } from '#store/import.ts';
import { takeLock } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { madeTables, vectorTables } from '#store/tables.ts';
import { changedBalance } from '#store/verify-balances.ts';
import { verifyAudit } from '#store/verify.ts';
import { withCode } from '#test/contract/database.ts';
import { richStore } from './rich-store.ts';
import { commitOf, countRows, openTemp, tempDir, tempStore } from './temp-store.ts';

const nowMs = 1_800_000_000_000;
const exportOf = async (dataDir: string, dir = join(tempDir(), 'export')) => (await exportStore({ dataDir, dir, nowMs }), dir);
const filesOf = (dir: string) => (readdirSync(dir, { recursive: true }) as string[]).filter((name) => statSync(join(dir, name)).isFile()).toSorted();
const contentsOf = (dir: string) => new Map(filesOf(dir).map((name) => [name, sha256(readFileSync(join(dir, name)))]));
const manifestOf = (dir: string) => JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as Manifest;
const linesOf = (dir: string, table: string) => readFileSync(join(dir, `${table}.jsonl`), 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);

test('a store of more than 10,000 rows goes out, in and out again, and every file is the same', { timeout: 120_000 }, async (t) => {
  const { db: source, dir: dataDir } = await richStore(2_500);
  const [from, first] = [performance.now(), await exportOf(dataDir)];
  const between = performance.now();
  const there = tempDir();
  const imported = await importStore({ dir: first, dataDir: there });
  t.diagnostic(`${imported.rows} rows in ${imported.files} files: ${Math.round(between - from)} ms out, ${Math.round(performance.now() - between)} ms in`);
  assert.ok(imported.rows > 10_000, `${imported.rows}`);
  assert.deepEqual(imported.head, manifestOf(first).head);
  const again = await exportOf(there);
  assert.deepEqual(contentsOf(again), contentsOf(first));

  const db = await openTemp(join(there, 'keelson.db'), { readOnly: true });
  assert.equal((await verifyAudit(db)).ok, true);
  for (const table of madeTables) {
    const rows = await db.all(`SELECT * FROM ${table}`);
    assert.deepEqual(rows, await source.all(`SELECT * FROM ${table}`), table);
    assert.ok(rows.length > 100, `${table}: ${rows.length}`);
  }
  assert.equal(await changedBalance(db), null);
  assert.deepEqual(await db.all('PRAGMA quick_check'), [{ quick_check: 'ok' }]);
  assert.equal((await db.all("SELECT id FROM search WHERE search MATCH 'body'")).length > 0, true);
  assert.deepEqual(readdirSync(there).toSorted(), ['copies.jsonl', 'keelson.db', 'keelson.db-shm', 'keelson.db-wal', 'lock.db']);
  assert.equal(statSync(join(there, 'keelson.db')).mode & 0o077, 0);
});

test('every table and every column of the database is in the export, but what SQLite and migrations keep for themselves', async () => {
  const { db, dir } = await richStore(12);
  const all = (await db.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'search_%'")).map(({ name }) => name);
  assert.deepEqual(all.toSorted(), [...Object.keys(exportedTables), ...madeTables, ...vectorTables, 'counter', 'migration'].toSorted());
  const out = await exportOf(dir);
  for (const name of Object.keys(exportedTables)) {
    const columns = (await db.all<{ name: string }>('SELECT name FROM pragma_table_info(?)', name)).map((column) => column.name);
    const rows = linesOf(out, name);
    assert.ok(rows.length > 0, name);
    assert.deepEqual(Object.keys(rows[0]!).toSorted(), columns.toSorted(), name);
  }
  assert.deepEqual(linesOf(out, 'counter').map((row) => Object.keys(row)), [['incarnation', 'received', 'applied', 'duplicate', 'parked']]);
});

test('the same state exported twice is the same bytes, however often the store was opened between', async () => {
  const { db, dir } = await richStore(20);
  const first = await exportOf(dir);
  await db.run('UPDATE counter SET epoch = epoch + 1');
  assert.deepEqual(contentsOf(await exportOf(dir)), contentsOf(first));
});

test('an empty store goes out and in', async () => {
  const { dir } = await tempStore();
  const out = await exportOf(dir);
  const there = join(tempDir(), 'new', 'company');
  assert.equal((await importStore({ dir: out, dataDir: there })).head.seq, 0);
  assert.deepEqual(contentsOf(await exportOf(there)), contentsOf(out));
});

test('the manifest tells name, sha256, bytes and rows of every file, and the end of the chain', async () => {
  const { db, dir } = await richStore(20);
  const out = await exportOf(dir);
  const manifest = manifestOf(out);
  assert.deepEqual([manifest.format, manifest.formatVersion, manifest.schema], ['keelson-export', 1, 4]);
  assert.deepEqual(manifest.files.map(({ name }) => name).toSorted(), filesOf(out).filter((name) => name !== 'manifest.json'));
  for (const { name, sha256: hash, bytes } of manifest.files) assert.deepEqual([hash, bytes], [sha256(readFileSync(join(out, name))), statSync(join(out, name)).size]);
  const [last] = await db.all('SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1');
  assert.deepEqual(manifest.head, last);
});

test('bytes under their sha256 are files, others are base64 in the lines', async () => {
  const { dir } = await richStore(12);
  const out = await exportOf(dir);
  assert.deepEqual(linesOf(out, 'blob'), [{ hash: 'empty', bytes: '' }, { hash: 'not-a-hash', bytes: 'AP8Q' }]);
  const names = readdirSync(join(out, 'blobs'));
  assert.equal(names.length, 12);
  for (const name of names) assert.equal(sha256(readFileSync(join(out, 'blobs', name))), name);
});

test('an export is readable by its owner only', async () => {
  const { dir } = await richStore(4);
  const out = await exportOf(dir);
  for (const name of readdirSync(out, { recursive: true }) as string[]) assert.equal(statSync(join(out, name)).mode & 0o777, statSync(join(out, name)).isDirectory() ? 0o700 : 0o600, name);
  assert.equal(statSync(out).mode & 0o777, 0o700);
});

test('an export is one moment, also while the store goes on writing', async () => {
  const { dir, committer } = await richStore(300);
  const state = { done: false };
  const writing = (async () => {
    for (let i = 0; !state.done; i++) await committer.commit(commitOf(`later-${i}`));
    return true;
  })();
  const out = await exportOf(dir);
  state.done = true;
  await writing;
  const there = tempDir();
  const { head } = await importStore({ dir: out, dataDir: there });
  assert.equal(linesOf(out, 'journal').length, head.seq);
});

test('a folder that holds something is refused and stays as it is, an empty one is taken', async () => {
  const { dir } = await richStore(4);
  const full = tempDir();
  writeFileSync(join(full, 'mine'), 'x');
  await assert.rejects(exportStore({ dataDir: dir, dir: full, nowMs }), withCode('BAD_ARGUMENT', /not empty/));
  assert.deepEqual(readdirSync(full), ['mine']);
  await exportOf(dir, tempDir());
});

test('an export that fails leaves nothing behind', async () => {
  const { db, dir } = await richStore(4);
  await db.run("UPDATE blob SET bytes = x'00' WHERE hash = (SELECT hash FROM artifact LIMIT 1)");
  const above = tempDir();
  await assert.rejects(exportStore({ dataDir: dir, dir: join(above, 'out'), nowMs }), withCode('STORE_DAMAGED', /are others/));
  assert.deepEqual(readdirSync(above), []);
  assert.deepEqual(readCopies(dir), []);
});

test('an export is remembered in the data folder', async () => {
  const { dir } = await richStore(4);
  const out = await exportOf(dir);
  assert.deepEqual(readCopies(dir), [{ kind: 'export', path: out, at: '2027-01-15T08:00:00.000Z' }]);
  assert.equal(statSync(join(dir, 'copies.jsonl')).mode & 0o077, 0);
});

test('half a line that a crash left in copies.jsonl was of a copy that never got its name: the next line takes its place', () => {
  const dir = tempDir();
  writeFileSync(join(dir, 'copies.jsonl'), '{"kind":"exp');
  rememberCopy(dir, { kind: 'backup', path: '/somewhere', at: '2027-01-15T08:00:00.000Z' });
  assert.deepEqual(readCopies(dir).map(({ path }) => path), ['/somewhere']);
  assert.equal(readFileSync(join(dir, 'copies.jsonl'), 'utf8').split('\n').length, 2);
});

test('an import into a store that has rows is refused', async () => {
  const { dir } = await richStore(4);
  const out = await exportOf(dir);
  const there = await tempStore();
  await there.committer.commit(commitOf('mine'));
  await assert.rejects(importStore({ dir: out, dataDir: there.dir }), withCode('BAD_ARGUMENT', /not empty/));
  assert.equal(await countRows(there.db, 'journal'), 1);
});

test('an import into a store that was opened and never used keeps its epoch', async () => {
  const { dir } = await richStore(4);
  const out = await exportOf(dir);
  const there = tempDir();
  const empty = await openDatabase(join(there, 'keelson.db'));
  await migrate(empty);
  await empty.run('UPDATE counter SET epoch = 7');
  await empty.close();
  await importStore({ dir: out, dataDir: there });
  const db = await openTemp(join(there, 'keelson.db'));
  assert.deepEqual(await db.all('SELECT epoch, applied + parked AS n FROM counter'), [{ epoch: 7, n: 5 }]);
});

test('an import is refused while a server holds the folder', async () => {
  const { dir } = await richStore(4);
  const out = await exportOf(dir);
  const there = tempDir();
  const lock = await takeLock(there);
  await assert.rejects(importStore({ dir: out, dataDir: there }), withCode('STORE_BUSY'));
  await lock.close();
});

test('an import that is killed half way has changed nothing, and the next one succeeds', async () => {
  const { dir } = await richStore(30);
  const out = await exportOf(dir);
  const there = tempDir();
  const script = `import { importStore } from ${JSON.stringify(import.meta.resolve('#store/import.ts'))};
    await importStore({ dir: ${JSON.stringify(out)}, dataDir: ${JSON.stringify(there)}, say: (line) => line.startsWith('writing') && setTimeout(() => process.kill(process.pid, 'SIGKILL'), 5) });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal((await once(child, 'close'))[1], 'SIGKILL');
  assert.equal(existsSync(join(there, 'keelson.db')), false);
  await importStore({ dir: out, dataDir: there });
  assert.deepEqual(contentsOf(await exportOf(there)), contentsOf(out));
});

test('what an import left behind that was killed is cleared away by the next', async () => {
  const { dir } = await richStore(4);
  const out = await exportOf(dir);
  const there = tempDir();
  mkdirSync(join(there, 'incoming.tmp'));
  writeFileSync(join(there, 'incoming.tmp', 'keelson.db'), 'half');
  await importStore({ dir: out, dataDir: there });
  assert.equal(existsSync(join(there, 'incoming.tmp')), false);
});

/** Writes another text and corrects the manifest, as somebody would who wants it to be believed. */
function forge(dir: string, name: string, change: (text: string) => string, rows?: number): void {
  const text = change(readFileSync(join(dir, name), 'utf8'));
  writeFileSync(join(dir, name), text);
  rewriteManifest(dir, (manifest) => {
    const entry = manifest.files.find((file) => file.name === name)!;
    Object.assign(entry, { sha256: sha256(text), bytes: Buffer.byteLength(text), ...(rows === undefined ? {} : { rows }) });
  });
}
function rewriteManifest(dir: string, change: (manifest: Manifest) => unknown): void {
  const manifest = manifestOf(dir);
  const changed = change(manifest);
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(typeof changed === 'object' ? changed : manifest));
}
const firstLine = (change: (row: Record<string, unknown>) => unknown) => (text: string) => {
  const [first, ...rest] = text.split('\n');
  return [JSON.stringify(change(JSON.parse(first!) as Record<string, unknown>)), ...rest].join('\n');
};
const someBlob = (dir: string) => `blobs/${readdirSync(join(dir, 'blobs'))[0]}`;
const entryOf = (manifest: Manifest, name: string) => manifest.files.find((file) => file.name === name)!;

suite('an export that was tampered with is refused, and nothing is left behind:', () => {
  const whole = mkdtempSync(join(tmpdir(), 'keelson-export-'));
  before(async () => void (await exportOf((await richStore(20)).dir, join(whole, 'export'))));
  after(() => rmSync(whole, { recursive: true, force: true }));
  const hostile: [title: string, spoil: (dir: string) => unknown, message: RegExp, code?: 'STORE_TOO_NEW'][] = [
    ['no manifest', (dir) => rmSync(join(dir, 'manifest.json')), /has no manifest/],
    ['a manifest that is not JSON', (dir) => writeFileSync(join(dir, 'manifest.json'), '{"format"'), /manifest.json cannot be read/],
    ['a manifest that is a link', (dir) => { renameSync(join(dir, 'manifest.json'), join(dir, 'other')); symlinkSync('other', join(dir, 'manifest.json')); }, /manifest.json is no regular file/],
    ['a manifest of brackets', (dir) => writeFileSync(join(dir, 'manifest.json'), '['.repeat(5_000_000)), /nested deeper/],
    ['a manifest of another format', (dir) => rewriteManifest(dir, (manifest) => ({ ...manifest, format: 'zip' })), /does not say what it should: format/],
    ['a manifest with a field too many', (dir) => rewriteManifest(dir, (manifest) => ({ ...manifest, more: 1 })), /more/],
    ['a newer format', (dir) => rewriteManifest(dir, (manifest) => ({ ...manifest, formatVersion: 2, more: 1 })), /format 2, this build knows up to 1/, 'STORE_TOO_NEW'],
    ['a newer schema', (dir) => rewriteManifest(dir, (manifest) => ({ ...manifest, schema: 99 })), /schema 99/, 'STORE_TOO_NEW'],
    ['a name that leads out of the folder', (dir) => rewriteManifest(dir, ({ files }) => void (files[0]!.name = '../../etc/passwd')), /names "\.\.\/\.\.\/etc\/passwd", which is no file/],
    ['an absolute name', (dir) => rewriteManifest(dir, ({ files }) => void (files[0]!.name = '/etc/passwd')), /"\/etc\/passwd"/],
    ['a blob whose name leads out of its folder', (dir) => rewriteManifest(dir, (manifest) => void (entryOf(manifest, someBlob(dir)).name = `blobs/../${'a'.repeat(61)}`)), /which is no file/],
    ['a table that nobody knows', (dir) => rewriteManifest(dir, ({ files }) => void (files[0]!.name = 'sqlite_schema.jsonl')), /which is no file/],
    ['a file that is named twice', (dir) => rewriteManifest(dir, ({ files }) => void files.push(files[0]!)), /twice/],
    ['a table that is not named', (dir) => rewriteManifest(dir, (manifest) => ({ ...manifest, files: manifest.files.filter(({ name }) => name !== 'fact.jsonl') })), /does not name fact/],
    ['counters that are not named', (dir) => rewriteManifest(dir, (manifest) => ({ ...manifest, files: manifest.files.filter(({ name }) => name !== counterFile) })), /does not name counter/],
    ['more bytes than anybody reads', (dir) => rewriteManifest(dir, ({ files }) => void (files[0]!.bytes = limits.totalBytes + 1)), /at most/],
    ['a blob larger than anybody reads', (dir) => rewriteManifest(dir, (manifest) => void (entryOf(manifest, someBlob(dir)).bytes = limits.blobBytes + 1)), /at most/],
    ['a missing table', (dir) => rmSync(join(dir, 'fact.jsonl')), /fact.jsonl is missing/],
    ['a missing blob', (dir) => rmSync(join(dir, someBlob(dir))), /is missing/],
    ['a table that is a link', (dir) => { renameSync(join(dir, 'fact.jsonl'), join(dir, '..', 'fact')); symlinkSync('../fact', join(dir, 'fact.jsonl')); }, /fact.jsonl is no regular file/],
    ['a folder of blobs that is a link', (dir) => { renameSync(join(dir, 'blobs'), join(dir, 'other')); symlinkSync('other', join(dir, 'blobs')); }, /blobs is no folder/],
    ['a folder in the place of a table', (dir) => { rmSync(join(dir, 'fact.jsonl')); mkdirSync(join(dir, 'fact.jsonl')); }, /fact.jsonl is no regular file/],
    ['a file with another length', (dir) => writeFileSync(join(dir, 'fact.jsonl'), 'x'), /fact.jsonl has 1 bytes, not \d/],
    ['a file with another content', (dir) => writeFileSync(join(dir, 'fact.jsonl'), readFileSync(join(dir, 'fact.jsonl'), 'utf8').replace('note.5', 'note.X')), /fact.jsonl is not the file/],
    ['a blob with another content', (dir) => forge(dir, someBlob(dir), (text) => `X${text.slice(1)}`), /is another file/],
    ['a blob with another name', (dir) => { const name = someBlob(dir); const other = `blobs/${'0'.repeat(64)}`; renameSync(join(dir, name), join(dir, other)); rewriteManifest(dir, (manifest) => void (entryOf(manifest, name).name = other)); }, /is another file/],
    ['a cut table', (dir) => forge(dir, 'fact.jsonl', (text) => text.slice(0, -10)), /last line of fact.jsonl is cut off/],
    ['a row too few', (dir) => forge(dir, 'fact.jsonl', (text) => text.slice(text.indexOf('\n') + 1)), /fact.jsonl has 19 rows, not 20/],
    ['a line that is no JSON', (dir) => forge(dir, 'fact.jsonl', (text) => text.replace('{', '<')), /fact.jsonl line 1 is no JSON/],
    ['an empty line', (dir) => forge(dir, 'fact.jsonl', (text) => `${text}\n`, 21), /fact.jsonl line 21 is no JSON/],
    ['a line that is a list', (dir) => forge(dir, 'fact.jsonl', (text) => text.replace(/.*/, '[1]')), /line 1 is no row/],
    ['a line of brackets', (dir) => forge(dir, 'fact.jsonl', (text) => text.replace(/.*/, '['.repeat(5_000_000))), /line 1 is no row/],
    ['bytes that are no text', (dir) => { const file = Buffer.from(readFileSync(join(dir, 'fact.jsonl'))); file[20] = 0xff; writeFileSync(join(dir, 'fact.jsonl'), file); rewriteManifest(dir, (manifest) => void (entryOf(manifest, 'fact.jsonl').sha256 = sha256(file))); }, /not UTF-8/],
    ['a column too many', (dir) => forge(dir, 'fact.jsonl', firstLine((row) => ({ ...row, more: 1 }))), /line 1 has a column "more"/],
    ['a column called __proto__', (dir) => forge(dir, 'fact.jsonl', (text) => text.replace('{', '{"__proto__":{"seq":1},')), /line 1 has a column "__proto__"/],
    ['a column too few', (dir) => forge(dir, 'fact.jsonl', firstLine(({ label: _, ...row }) => row)), /line 1 has no label/],
    ['a number instead of a text', (dir) => forge(dir, 'fact.jsonl', firstLine((row) => ({ ...row, entity: 5 }))), /line 1: entity is no text/],
    ['a text instead of a number', (dir) => forge(dir, 'fact.jsonl', firstLine((row) => ({ ...row, confidence: '1' }))), /line 1: confidence is no number/],
    ['a fraction instead of a whole number', (dir) => forge(dir, 'fact.jsonl', firstLine((row) => ({ ...row, seq: 1.5 }))), /line 1: seq is no whole number/],
    ['a list instead of a text', (dir) => forge(dir, 'fact.jsonl', firstLine((row) => ({ ...row, entity: ['x'] }))), /line 1: entity is no text/],
    ['null where nothing may be missing', (dir) => forge(dir, 'fact.jsonl', firstLine((row) => ({ ...row, entity: null }))), /line 1: entity is no text/],
    ['half a surrogate pair', (dir) => forge(dir, 'fact.jsonl', (text) => text.replace('"entity":"', '"entity":"\\ud800')), /line 1: entity is no text/],
    ['bytes that are no base64', (dir) => forge(dir, 'blob.jsonl', firstLine((row) => ({ ...row, bytes: 'A' }))), /line 1: bytes is no base64/],
    ['a column of JSON that is none', (dir) => forge(dir, 'fact.jsonl', firstLine((row) => ({ ...row, value: '{' }))), /line 1: value holds no JSON/],
    ['a column of JSON nested without end', (dir) => forge(dir, 'fact.jsonl', firstLine((row) => ({ ...row, value: `${'['.repeat(100_000)}${']'.repeat(100_000)}` }))), /line 1: value holds no JSON, or one nested too deep/],
    ['a row that is there twice', (dir) => forge(dir, 'fact.jsonl', (text) => text + text.slice(0, text.indexOf('\n') + 1), 21), /fact.jsonl: .*UNIQUE/],
    ['no counters', (dir) => forge(dir, counterFile, () => '', 0), /counter.jsonl has 0 rows, not 1/],
    ['another fact', (dir) => forge(dir, 'fact.jsonl', firstLine((row) => ({ ...row, value: '"paid"' }))), /does not verify: row 1: its records were changed/],
    ['another journal', (dir) => forge(dir, 'journal.jsonl', firstLine((row) => ({ ...row, actor: 'order/9' }))), /does not verify: row 1: the row was changed/],
    ['counters that were turned back', (dir) => forge(dir, counterFile, firstLine((row) => ({ ...row, applied: 3 }))), /does not verify/],
    ['another head', (dir) => rewriteManifest(dir, ({ head }) => void (head.hash = '0'.repeat(64))), /does not verify/],
    ['a head further on', (dir) => rewriteManifest(dir, ({ head }) => void (head.seq += 1)), /does not verify/],
  ];
  for (const [title, spoil, message, code = 'BAD_COPY'] of hostile) {
    test(title, async () => {
      const dir = join(tempDir(), 'export');
      cpSync(join(whole, 'export'), dir, { recursive: true });
      spoil(dir);
      const there = join(tempDir(), 'company');
      await assert.rejects(importStore({ dir, dataDir: there }), (error) => withCode(code, message)(error) && (error as KeelsonError).hint.length > 0);
      assert.equal(existsSync(there), false);
    });
  }
});

test('hard links, other files and looser permissions in the folder do not matter', async () => {
  const out = await exportOf((await richStore(20)).dir);
  linkSync(join(out, 'fact.jsonl'), join(out, '..', 'fact'));
  writeFileSync(join(out, 'README'), 'mine');
  symlinkSync('/etc/passwd', join(out, 'link'));
  chmodSync(join(out, 'fact.jsonl'), 0o644);
  await importStore({ dir: out, dataDir: join(tempDir(), 'company') });
});

test('a line longer than is read is refused, whole or without an end', async () => {
  const source = (await richStore(20)).dir;
  for (const line of [JSON.stringify('x'.repeat(3_000_000)), 'x'.repeat(3_000_000)]) {
    const dir = await exportOf(source);
    forge(dir, 'fact.jsonl', (text) => (line.startsWith('"') ? `${line}\n${text}` : text + line));
    await assert.rejects(importStore({ dir, dataDir: join(tempDir(), 'company'), lineBytesMax: 2_500_000 }), withCode('BAD_COPY', /line of more than 2500000 bytes/));
  }
});

test('a text full of brackets is no nested row', () => {
  const columns = [{ name: 'a', type: 'TEXT' as const, required: true, json: false }];
  const text = '[{"'.repeat(20_000);
  assert.deepEqual(readRow(JSON.stringify({ a: text }), columns, 'x'), [text]);
});
