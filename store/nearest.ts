// The nearest texts by vector, in three steps. All are compared by 512 bits each with the bits of the question, a few pages at a time, so
// that nobody waits for this thread longer than those take; the best 2,000 of them with the question itself; the best of those exactly.
import { setImmediate } from 'node:timers/promises';
import type { Database } from './database.ts';
import { bitsOf, bytesPerPlace, codeOfKind, cosine, placesPerPage, readVector, turned } from './vector-bits.ts';

/** Of a text to the question: 1 is the same direction, 0 has nothing to do with it. */
export type Nearness = Map<number, number>;

/** Between them others have their turn: these take half a millisecond. */
const pagesPerTurn = 8;
/** The newest 400,000 places; what is older is found by its words alone. */
const pagesMax = 400;
/** Found by bits alone. Of 100,000 texts the first 120 of them hold half of the nearest twelve; compared once more, three quarters. */
const roughMax = 2_000;
const wordsPerPlace = bytesPerPlace / 4;
const distances = bytesPerPlace * 8 + 1;

export interface NearestOptions { vector: Int8Array | Float32Array; kinds: readonly string[] | null; limit: number }

/** The places that are nearest as far as their bits tell, best first. */
export async function nearestByBits(db: Database, model: string, { vector, kinds, limit }: NearestOptions): Promise<number[]> {
  const pages = await readPages(db, model);
  const rough = await nearestRoughly(pages, asWords(bitsOf(vector)), kinds);
  const share = sharesOf(vector);
  const found = rough.map(({ page, slot }) => ({ place: page.page * placesPerPage + slot, near: share(page.bits, slot * bytesPerPlace) }));
  return found.toSorted((a, b) => b.near - a.near).slice(0, limit).map(({ place }) => place);
}

interface Slot { page: Page; slot: number }

/** Whose bits differ least from those of the question, in no order. */
async function nearestRoughly(pages: Page[], question: Uint32Array, kinds: readonly string[] | null): Promise<Slot[]> {
  const wanted = new Uint8Array(256).fill(kinds === null ? 1 : 0);
  for (const kind of kinds ?? []) wanted[codeOfKind(kind)] = 1;
  wanted[0] = 0;
  const best: Best = { byDistance: Array.from({ length: distances }, () => []), found: 0, worst: distances - 1 };
  for (const [i, page] of pages.entries()) {
    if (i % pagesPerTurn === pagesPerTurn - 1) await setImmediate();
    comparePage(page, { question, wanted, best });
  }
  return best.byDistance.slice(0, best.worst + 1).flat();
}

/** What was found so far by its distance; what is farther than `worst` will not be among the best. */
interface Best { byDistance: Slot[][]; found: number; worst: number }

/** A function of its own: within one that waits, the same loop takes twice as long. */
function comparePage(page: Page, { question, wanted, best }: { question: Uint32Array; wanted: Uint8Array; best: Best }): void {
  const { kinds, words } = page;
  const { byDistance } = best;
  for (let slot = 0, at = 0; slot < placesPerPage; slot++, at += wordsPerPlace) {
    if (wanted[kinds[slot]!] === 0) continue;
    const distance = differing(words, at, question);
    if (distance > best.worst) continue;
    byDistance[distance]!.push({ page, slot });
    for (best.found++; best.found - byDistance[best.worst]!.length >= roughMax; best.worst--) best.found -= byDistance[best.worst]!.length;
  }
}

/** How near bits are to a question that is not made of bits: its turned numbers, added where the bit is set. By tables of a byte each. */
function sharesOf(vector: Int8Array | Float32Array): (bits: Uint8Array, from: number) => number {
  const numbers = turned(vector);
  const tables = new Float64Array(bytesPerPlace * 256);
  for (let byte = 0; byte < bytesPerPlace; byte++) {
    for (let value = 1; value < 256; value++) {
      const lowest = value & -value;
      tables[byte * 256 + value] = tables[byte * 256 + (value ^ lowest)]! + numbers[byte * 8 + (31 - Math.clz32(lowest))]!;
    }
  }
  return (bits, from) => {
    let sum = 0;
    for (let byte = 0; byte < bytesPerPlace; byte++) sum += tables[byte * 256 + bits[from + byte]!]!;
    return sum;
  };
}

interface Page { page: number; rev: string; kinds: Uint8Array; bits: Uint8Array; words: Uint32Array }

/** The pages that a connection has read, by model: reading them takes longer than comparing them. They go with the connection. */
const kept = new WeakMap<Database, Map<string, Map<number, Page>>>();

/** As they are now; only what has changed is read. */
async function readPages(db: Database, model: string): Promise<Page[]> {
  const byModel = kept.get(db) ?? new Map<string, Map<number, Page>>();
  kept.set(db, byModel);
  const before = byModel.get(model) ?? new Map<number, Page>();
  const now = await db.all<{ page: number; rev: string }>('SELECT page, rev FROM vector_page WHERE model = ? ORDER BY page DESC LIMIT ?', model, pagesMax);
  const changed = now.filter(({ page, rev }) => before.get(page)?.rev !== rev).map(({ page }) => page);
  const read = changed.length === 0 ? [] : await db.all<Omit<Page, 'words'>>('SELECT page, rev, kinds, bits FROM vector_page WHERE model = ? AND page IN (SELECT value FROM json_each(?))', model, JSON.stringify(changed));
  const after = new Map([...before, ...read.map(({ page, rev, kinds, bits }): [number, Page] => [page, { page, rev, kinds, bits, words: asWords(bits) }])]);
  // What is not there any more is not kept either.
  byModel.set(model, new Map(now.flatMap(({ page }) => (after.has(page) ? [[page, after.get(page)!] as const] : []))));
  return [...byModel.get(model)!.values()];
}

/** How near each of these places is, exactly; what has no vector is left out. In SQLite where it can, so that the vectors need not come here. */
export async function measure(db: Database, model: string, vector: Int8Array | Float32Array, places: readonly number[]): Promise<Nearness> {
  const of = 'FROM json_each(?1) CROSS JOIN embedded ON embedded.model = ?2 AND embedded.place = value CROSS JOIN vector ON vector.n = embedded.vector';
  const given = [JSON.stringify(places), model] as const;
  if (db.distances) {
    const typed = vector instanceof Int8Array ? 'vec_int8' : 'vec_f32';
    const rows = await db.all<{ place: number; distance: number | null }>(`SELECT value AS place, vec_distance_cosine(${typed}(vector.bytes), ${typed}(?3)) AS distance ${of}`, ...given, Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength));
    return new Map(rows.map(({ place, distance }) => [place, 1 - (distance ?? 1)]));
  }
  const rows = await db.all<{ place: number; bytes: Uint8Array }>(`SELECT value AS place, vector.bytes AS bytes ${of}`, ...given);
  return new Map(rows.map(({ place, bytes }) => [place, cosine(readVector(model, bytes), vector)]));
}

/** The driver's bytes may begin anywhere. */
function asWords(bytes: Uint8Array): Uint32Array {
  return bytes.byteOffset % 4 === 0 ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) : new Uint32Array(bytes.slice().buffer);
}

/** How many bits differ. Two words are counted together: each of their bytes has at most 16. */
function differing(words: Uint32Array, at: number, question: Uint32Array): number {
  let sum = 0;
  for (let w = 0; w < wordsPerPlace; w += 2) {
    let x = words[at + w]! ^ question[w]!;
    let y = words[at + w + 1]! ^ question[w + 1]!;
    x -= (x >>> 1) & 0x55_55_55_55;
    y -= (y >>> 1) & 0x55_55_55_55;
    x = (x & 0x33_33_33_33) + ((x >>> 2) & 0x33_33_33_33) + (y & 0x33_33_33_33) + ((y >>> 2) & 0x33_33_33_33);
    sum += Math.imul((x & 0x0f_0f_0f_0f) + ((x >>> 4) & 0x0f_0f_0f_0f), 0x01_01_01_01) >>> 24;
  }
  return sum;
}
