// Vectors of the rows of the full-text index, by model. They are derived: whatever is missing is made again, so they stand neither in
// the journal nor in exports. What always holds: a place has the vector of the text that stands there now, or none; vectors of two
// models never meet; when a text goes or changes, its vector goes in the same transaction.
import { sha256 } from '#actors/hash.ts';
import { hashedModel } from '#machines/hashed-vector.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Committer } from './commit.ts';
import type { Database, Value } from './database.ts';
import { vectorTables } from './tables.ts';
import { bitsOf, bytesPerPlace, codeOfKind, placesPerPage, readVector, shapeOf } from './vector-bits.ts';

/** Of each text, so much is looked at. */
export const embeddedChars = 4_000;

/** What a model has to look at next: rows of one page, in their order. */
export interface Due { page: number; after: number; until: number; rows: { place: number; kind: string; hash: string; text: string; known: boolean }[] }
export interface Remembered {
  model: string;
  page: number;
  after: number;
  until: number;
  /** `vector` in base64; null when the store has one of this text. What is not named gets none. */
  items: { place: number; hash: string; vector: string | null }[];
}

interface PageRow { until: number; kinds: Uint8Array; bits: Uint8Array }

const firstOf = (page: number) => page * placesPerPage;
const endOf = (page: number) => firstOf(page + 1) - 1;
export const pageOf = (place: number) => Math.floor(place / placesPerPage);
export const hashOfText = (text: string) => sha256(text);

/** The next rows that this model has not seen; null when it has seen all. */
export async function findDue(db: Database, model: string, limit: number): Promise<Due | null> {
  const [{ last } = { last: null }] = await db.all<{ last: number | null }>('SELECT max(rowid) AS last FROM search');
  if (last === null) return null;
  const begun = await db.all<{ page: number; until: number }>('SELECT page, until FROM vector_page WHERE model = ?1 AND until < (page + 1) * ?2 - 1 ORDER BY page', model, placesPerPage);
  const [{ next } = { next: 0 }] = await db.all<{ next: number }>('SELECT coalesce(max(page) + 1, 0) AS next FROM vector_page WHERE model = ?', model);
  for (const { page, until: after } of [...begun, ...(next <= pageOf(last) ? [{ page: next, until: firstOf(next) - 1 }] : [])]) {
    // Older versions of a document are never found, so they need none.
    const rows = await db.all<{ place: number; kind: string; text: string; current: number }>(
      `SELECT rowid AS place, kind, substr(text, 1, ?3) AS text, version IS NULL OR version = (SELECT max(version) FROM artifact WHERE artifact.id = search.id) AS current
       FROM search WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid LIMIT ?4`, after, endOf(page), embeddedChars, limit);
    const full = rows.length < limit && page < pageOf(last);
    if (rows.length === 0 && !full) continue;
    const hashed = rows.filter(({ current }) => current === 1).map(({ place, kind, text }) => ({ place, kind, text, hash: hashOfText(text) }));
    const known = new Set((await db.all<{ hash: string }>('SELECT hash FROM vector WHERE model = ?1 AND hash IN (SELECT value FROM json_each(?2))', model, JSON.stringify(hashed.map(({ hash }) => hash)))).map(({ hash }) => hash));
    return { page, after, until: full ? endOf(page) : rows.at(-1)!.place, rows: hashed.map((row) => ({ ...row, known: known.has(row.hash) })) };
  }
  return null;
}

/**
 * Keeps vectors. False when the page or a text has changed since it was asked for: then nothing is written, and the rows are due again.
 * Asked twice with the same, the second time changes nothing.
 */
export async function remember(db: Database, committer: Pick<Committer, 'exclusively'>, given: Remembered): Promise<boolean> {
  const shape = shapeOf(given.model);
  const vectors = given.items.map(({ vector }) => vector === null ? null : Buffer.from(vector, 'base64'));
  const unfit = vectors.find((bytes) => bytes !== null && bytes.length !== shape.bytes);
  if (unfit) throw new KeelsonError('BAD_ARGUMENT', `a vector of ${given.model} has ${shape.bytes} bytes, not ${unfit.length}`);
  if (given.until < given.after || given.until > endOf(given.page) || given.items.some(({ place }) => place <= given.after || place > given.until)) throw new KeelsonError('BAD_ARGUMENT', 'the places do not lie within the page');
  return committer.exclusively(async () => {
    await db.run('BEGIN IMMEDIATE');
    try {
      const kept = await write(db, given, vectors);
      await db.run(kept ? 'COMMIT' : 'ROLLBACK');
      return kept;
    } catch (error) {
      await db.run('ROLLBACK').catch(() => {});
      throw error;
    }
  });
}

async function write(db: Database, { model, page, after, until, items }: Remembered, vectors: (Buffer | null)[]): Promise<boolean> {
  const [row] = await db.all<PageRow>('SELECT until, kinds, bits FROM vector_page WHERE model = ? AND page = ?', model, page);
  if ((row?.until ?? firstOf(page) - 1) !== after) return false;
  const texts = new Map((await db.all<{ place: number; kind: string; text: string }>('SELECT rowid AS place, kind, substr(text, 1, ?2) AS text FROM search WHERE rowid IN (SELECT value FROM json_each(?1))', JSON.stringify(items.map(({ place }) => place)), embeddedChars))
    .map(({ place, ...said }) => [place, said]));
  if (items.some(({ place, hash }) => !texts.has(place) || hashOfText(texts.get(place)!.text) !== hash)) return false;
  const kinds = Buffer.from(row?.kinds ?? Buffer.alloc(placesPerPage));
  const bits = Buffer.from(row?.bits ?? Buffer.alloc(placesPerPage * bytesPerPlace));
  const computed = await insertVectors(db, model, items.flatMap(({ hash }, i) => (vectors[i] ? [[hash, vectors[i]] as const] : [])));
  const stored = new Map((await db.all<{ n: number; hash: string; bytes: Uint8Array }>('SELECT n, hash, bytes FROM vector WHERE model = ? AND hash IN (SELECT value FROM json_each(?))', model, JSON.stringify(items.map(({ hash }) => hash)))).map((vector) => [vector.hash, vector]));
  if (items.some(({ hash }) => !stored.has(hash))) return false;
  await db.run("INSERT OR REPLACE INTO embedded (model, place, vector) SELECT ?1, value ->> '$[0]', value ->> '$[1]' FROM json_each(?2)", model, JSON.stringify(items.map(({ place, hash }) => [place, stored.get(hash)!.n])));
  for (const { place, hash } of items) {
    const slot = place - firstOf(page);
    kinds[slot] = codeOfKind(texts.get(place)!.kind);
    bits.set(bitsOf(readVector(model, stored.get(hash)!.bytes)), slot * bytesPerPlace);
  }
  await db.run('INSERT INTO vector_page (model, page, until, rev, kinds, bits) VALUES (?, ?, ?, hex(randomblob(8)), ?, ?) ON CONFLICT (model, page) DO UPDATE SET until = excluded.until, rev = excluded.rev, kinds = excluded.kinds, bits = excluded.bits', model, page, until, kinds, bits);
  await db.run('INSERT INTO vector_count (model, computed, found) VALUES (?, ?, ?) ON CONFLICT (model) DO UPDATE SET computed = computed + excluded.computed, found = found + excluded.found', model, computed, items.length - computed);
  return true;
}

const insertsAtOnce = 64;

/** Answers how many are new. */
async function insertVectors(db: Database, model: string, rows: (readonly [hash: string, bytes: Buffer])[]): Promise<number> {
  let made = 0;
  for (let from = 0; from < rows.length; from += insertsAtOnce) {
    const some = rows.slice(from, from + insertsAtOnce);
    const values: Value[] = some.flatMap(([hash, bytes]) => [model, hash, bytes]);
    // Rows that are not bound are null and left out: one statement for every number of them.
    made += await db.run(`INSERT OR IGNORE INTO vector (model, hash, bytes) SELECT * FROM (VALUES ${Array.from({ length: insertsAtOnce }, () => '(?, ?, ?)').join()}) WHERE column1 IS NOT NULL`, ...values);
  }
  return made;
}

/**
 * The texts at these places went or changed: so do their vectors, of all models, and the places are looked at again. Within the
 * transaction of whoever changed them. A file from before there were vectors has none.
 */
export async function forgetPlaces(db: Database, places: number[]): Promise<void> {
  if (places.length === 0 || (await db.all("SELECT 1 FROM sqlite_schema WHERE name = 'vector_page'")).length === 0) return;
  const given = JSON.stringify(places);
  const vectors = JSON.stringify((await db.all<{ vector: number }>('SELECT DISTINCT vector FROM embedded WHERE place IN (SELECT value FROM json_each(?))', given)).map(({ vector }) => vector));
  await db.run('DELETE FROM embedded WHERE place IN (SELECT value FROM json_each(?))', given);
  await db.run('DELETE FROM vector WHERE n IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1 FROM embedded WHERE vector = vector.n)', vectors);
  for (const [page, gone] of Map.groupBy(places, pageOf)) {
    for (const { model, until, ...row } of await db.all<PageRow & { model: string }>('SELECT model, until, kinds, bits FROM vector_page WHERE page = ?', page)) {
      const [kinds, bits] = [Buffer.from(row.kinds), Buffer.from(row.bits)];
      for (const place of gone) {
        const slot = place - firstOf(page);
        kinds[slot] = 0;
        bits.fill(0, slot * bytesPerPlace, (slot + 1) * bytesPerPlace);
      }
      await db.run('UPDATE vector_page SET until = ?, rev = hex(randomblob(8)), kinds = ?, bits = ? WHERE model = ? AND page = ?', Math.min(until, Math.min(...gone) - 1), kinds, bits, model, page);
    }
  }
}

/** Drops what other models than these and the hashed one have left behind. Answers how many vectors went. */
export async function dropModels(db: Database, committer: Pick<Committer, 'exclusively'>, keep: readonly string[]): Promise<number> {
  const kept = JSON.stringify([hashedModel, ...keep]);
  return committer.exclusively(async () => {
    let gone = 0;
    for (const table of vectorTables) gone += await db.run(`DELETE FROM ${table} WHERE model NOT IN (SELECT value FROM json_each(?))`, kept) * (table === 'vector' ? 1 : 0);
    return gone;
  });
}
