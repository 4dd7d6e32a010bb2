// What the company knows that resembles a text: full text and vectors together, corrections first, with where each comes from and who
// vouches for it. The words of strangers are found like all others; `label` says that they are theirs.
import { hashedModel, hashText } from '#machines/hashed-vector.ts';
import { typeOf } from '#machines/address.ts';
import type { Label } from '#machines/records.ts';
import { partId, readPartId } from '#machines/records.ts';
import type { Database } from './database.ts';
import { measure, nearestByBits, type Nearness } from './nearest.ts';
import { count, filter, json, moment, text, type Args, type Query } from './query-args.ts';
import { searchQueries, type Hit } from './query-search.ts';
import { readVector, shapeOf } from './vector-bits.ts';
import { findDue } from './vectors.ts';
import { KeelsonError } from '#machines/errors.ts';

export interface Recalled extends Hit {
  /** The lowest that counts: what a mail says is `untrusted`, whoever asks. */
  label: Label;
  atMs: number;
  /** What its place in the list rests on, in plain words. */
  why: string[];
  /** What was decided about it, newest first; with `decisions`. */
  decided?: Decided[];
}
interface Decided { id: string; what: string; outcome: string; confidence: number | null; reasons: unknown; label: Label }

const textChars = 1_000;
const fromWords = 40;
const fromBits = 120;
const wordsAsked = 16;
const fromVectors = 24;
/** What shares no word and is not nearer than this shares accidents: with 512 hashed dimensions, three times what chance gives. */
const nearMin = { recall: 0.13, all: 0.22 };

/** Both by their share of the best there is; a best vector that is not near does not count in full. Measured: `npm run bench -- recall`. */
const weights = { words: 0.3, vectors: 0.7 };
const nearFull = 0.35;
/** More than anything else can give. */
const wordsFirst = 2;
const kindWeights: Record<string, number> = { correction: 1.3, remark: 1.15 };
const labelWeights: Record<Label, number> = { operator: 1.05, policy: 1.05, system: 1, 'verified-connector': 1, untrusted: 0.97 };
/** What is old counts up to a seventh less: half of that after so long. */
const halfLifeMs = 120 * 86_400_000;
const ageShare = 0.15;

export const recallQueries = {
  /**
   * Best first: `{kind, id, place, text, score, label, atMs, why}`. `kinds` narrows it, `except` is an id that is left out, with `nowMs` what is
   * newer counts more, with `decisions` each mail brings what was decided about it. `vector` (base64) and `model` ask by the vectors of that
   * model; without them, or when it has none yet, by the hashed ones. Older versions are not found, nor facts that were corrected since, unless `all` is set: then somebody looks
   * for words, and what shares none of them is there only when it is very near,
   * and after those that do.
   */
  async recall(db, args): Promise<Recalled[]> {
    const words = text(args, 'text');
    const limit = Math.max(1, count(args, 'limit', 12, 200));
    const kinds = Array.isArray(args['kinds']) && args['kinds'].length > 0 ? args['kinds'].map(String) : null;
    const except = filter(args, 'except') ?? '';
    const all = args['all'] === true;
    const question = await questionOf(db, args, words);
    // While SQLite looks for words on its own thread, bits are compared on this one.
    const [hits, near]: [Hit[], number[]] = await Promise.all([
      searchQueries.search(db, { text: all ? words : tellingWords(words), kinds: kinds ?? [], except, limit: Math.max(limit, fromWords) }),
      question.vector.some((x) => x !== 0) ? nearestByBits(db, question.model, { vector: question.vector, kinds, limit: fromBits }) : [],
    ]);
    const nearness = await measure(db, question.model, question.vector, [...new Set([...near, ...hits.map(({ place }) => place)])]);
    const found = await addPlaces(db, hits, near, nearness, { kinds, except, limit });
    const described = await describe(db, found, all);
    const nowMs = moment(args, 'nowMs');
    const best = { score: hits[0]?.score ?? 0, cosine: Math.max(nearFull, ...nearness.values()) };
    const ranked = described
      .map((hit) => weigh(hit, { best, cosine: nearness.get(hit.place) ?? 0, model: question.model, nowMs, all }))
      .filter(({ score }) => score > 0).toSorted((a, b) => b.score - a.score || b.place - a.place).slice(0, limit);
    return args['decisions'] === true ? withDecisions(db, ranked) : ranked;
  },

  /** The rows of the full-text index that a model has not seen, `{page, after, until, rows}`; null when it has seen all. */
  vectorsDue: (db, args) => findDue(db, text(args, 'model'), Math.max(1, count(args, 'limit', 64, 1_000))),

  /** How often what was computed once was there when it was wanted again: vectors by model, and answers of models. */
  async cacheRates(db) {
    const embeddings = await db.all<{ model: string; computed: number; found: number }>('SELECT model, computed, found FROM vector_count ORDER BY model');
    const [{ kept } = { kept: 0 }] = await db.all<{ kept: number }>('SELECT count(*) AS kept FROM answer');
    return { embeddings, answers: { kept } };
  },
} satisfies Record<string, Query>;

/** Of a long question, the longest words: full text takes a time for each, and the vector knows them all. */
function tellingWords(words: string): string {
  const distinct = [...new Set(words.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [])];
  return distinct.length <= wordsAsked ? words : distinct.toSorted((a, b) => b.length - a.length).slice(0, wordsAsked).join(' ');
}

interface Question { model: string; vector: Int8Array | Float32Array }

async function questionOf(db: Database, args: Args, words: string): Promise<Question> {
  const [model, given] = [filter(args, 'model'), filter(args, 'vector')];
  if ((model === null) !== (given === null)) throw new KeelsonError('BAD_ARGUMENT', "'model' and 'vector' go together");
  if (model !== null && given !== null) {
    const bytes = Buffer.from(given, 'base64');
    if (bytes.length !== shapeOf(model).bytes) throw new KeelsonError('BAD_ARGUMENT', `a vector of ${model} has ${shapeOf(model).bytes} bytes, not ${bytes.length}`);
    if ((await db.all('SELECT 1 FROM vector_page WHERE model = ? LIMIT 1', model)).length > 0) return { model, vector: readVector(model, bytes) };
  }
  return { model: hashedModel, vector: hashText(words) };
}

/** The nearest that full text did not find. */
async function addPlaces(db: Database, hits: Hit[], near: number[], nearness: Nearness, { kinds, except, limit }: { kinds: string[] | null; except: string; limit: number }): Promise<Hit[]> {
  const known = new Set(hits.map(({ place }) => place));
  const places = near.filter((place) => !known.has(place)).toSorted((a, b) => (nearness.get(b) ?? 0) - (nearness.get(a) ?? 0)).slice(0, Math.max(fromVectors, limit * 2));
  const rows = await db.all<Hit>(
    `SELECT rowid AS place, kind, id, substr(text, 1, ?4) AS text, 0 AS score FROM search WHERE rowid IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR kind IN (SELECT value FROM json_each(?2)))
       AND id <> ?3 AND (version IS NULL OR version = (SELECT max(version) FROM artifact WHERE artifact.id = search.id))`, JSON.stringify(places), kinds && JSON.stringify(kinds), except, textChars);
  return [...hits, ...rows];
}

type Described = Hit & Pick<Recalled, 'label' | 'atMs'>;

/** Documents: what the operator publishes is his, what was sent was allowed; all others hold what strangers wrote, or what was made of it. */
const documentLabels: Record<string, Label> = { template: 'operator', policy: 'operator', trigger: 'operator', prompt: 'operator', rule: 'operator', sent: 'system' };

async function describe(db: Database, hits: Hit[], all: boolean): Promise<Described[]> {
  const numbers = (letter: 'f' | 'a') => JSON.stringify(hits.flatMap(({ id }) => readPartId(letter, id) ?? []));
  const rows = await db.all<{ table: string; key: string | number; label: Label; atMs: number }>(
    `SELECT 'fact' AS "table", n AS key, label, recorded_ms AS atMs FROM fact WHERE n IN (SELECT value FROM json_each(?1)) AND (?4 OR NOT EXISTS (SELECT 1 FROM fact AS later WHERE later.supersedes = fact.n))
     UNION ALL SELECT 'annotation', n, 'operator', at_ms FROM annotation WHERE n IN (SELECT value FROM json_each(?2))
     UNION ALL SELECT 'artifact', id, '', max(at_ms) FROM artifact WHERE id IN (SELECT value FROM json_each(?3)) GROUP BY id`,
    numbers('f'), numbers('a'), JSON.stringify(hits.flatMap(({ kind, id }) => (kind === 'fact' ? [] : [id]))), Number(all));
  const known = new Map(rows.map((row) => [`${row.table} ${row.key}`, row]));
  return hits.flatMap((hit): Described[] => {
    if (hit.kind === 'fact') {
      const fact = known.get(`fact ${readPartId('f', hit.id)}`);
      return fact ? [{ ...hit, label: fact.label, atMs: fact.atMs }] : [];
    }
    if (hit.kind === 'correction' || hit.kind === 'remark') {
      // Only the operator corrects; a machine that writes it down heard it from him.
      const said = known.get(`annotation ${readPartId('a', hit.id)}`);
      return said ? [{ ...hit, label: 'operator', atMs: said.atMs }] : [];
    }
    return [{ ...hit, label: documentLabels[hit.kind] ?? 'untrusted', atMs: known.get(`artifact ${hit.id}`)?.atMs ?? 0 }];
  });
}

interface Measured { best: { score: number; cosine: number }; cosine: number; model: string; nowMs: number | null; all: boolean }

function weigh(hit: Described, { best, cosine, model, nowMs, all }: Measured): Recalled {
  const share = best.score > 0 ? hit.score / best.score : 0;
  const nearness = share > 0 || cosine > (all ? nearMin.all : nearMin.recall) ? Math.max(0, cosine) / best.cosine : 0;
  const age = nowMs === null ? 0 : Math.max(0, nowMs - hit.atMs);
  const factors = (kindWeights[hit.kind] ?? 1) * labelWeights[hit.label] * (1 - ageShare * (1 - 2 ** (-age / halfLifeMs)));
  const why = [
    ...(share > 0 ? [`words: ${share.toFixed(2)} of the best`] : []),
    ...(nearness > 0 ? [`near: ${cosine.toFixed(2)} by ${model}`] : []),
    ...(kindWeights[hit.kind] ? [`a ${hit.kind}`] : []),
    `says ${hit.label}`,
    ...(nowMs === null ? [] : [`${Math.floor(age / 86_400_000)} days old`]),
  ];
  return { ...hit, text: hit.text.slice(0, textChars), score: (weights.words * share + weights.vectors * nearness) * factors + (all && share > 0 ? wordsFirst : 0), why };
}

/** What the run of a mail decided, so that decisions need no place in the index: a case is found by its mail. */
async function withDecisions(db: Database, hits: Recalled[]): Promise<Recalled[]> {
  const mails = hits.filter(({ kind }) => kind === 'mail').map(({ id }) => `mail/${id}`);
  const rows = await db.all<{ n: number; actor: string; what: string; outcome: string; confidence: number | null; detail: string }>(
    'SELECT n, actor, what, outcome, confidence, detail FROM decision WHERE actor IN (SELECT value FROM json_each(?)) ORDER BY n DESC', JSON.stringify(mails));
  const decided = Map.groupBy(rows, ({ actor }) => actor);
  return hits.map((hit) => {
    const its = decided.get(`mail/${hit.id}`);
    if (hit.kind !== 'mail' || !its) return hit;
    return { ...hit, decided: its.slice(0, 10).map(({ n, actor, detail, ...said }) => {
      const { reasons, model } = json(detail) as { reasons?: unknown; model?: string | null };
      // A model that read a mail may say what the mail told it to say.
      return { id: partId('d', n), ...said, reasons: reasons ?? [], label: typeOf(actor) === 'operator' ? 'operator' as const : model ? 'untrusted' as const : 'system' as const };
    }) };
  });
}
