// Full text over facts, annotations and the newest version of each artifact. Words only: the query language of FTS5 is not for strangers.
import type { Database } from './database.ts';
import { count, text, type Query } from './query-args.ts';

/** `place` is where it stands in the index. */
export interface Hit { kind: string; id: string; text: string; score: number; place: number }

const termsMax = 40;
const textChars = 1_000;
/** Of each candidate, for the words that SQLite did not rank. */
const scoredChars = 1_000;
/** How many of the best by rare words the common ones may lift. */
const liftedMax = 100;
/** How many of the newest are ranked when every word is common. */
const newestMax = 80;
const windowRows = 100_000;
const placesMax = 200;

/** Only the newest version of an artifact; never the one that asks. */
const current = `id <> ?3 AND (version IS NULL OR version = (SELECT max(version) FROM artifact WHERE artifact.id = search.id))`;
const row = `rowid AS place, kind, id, substr(text, 1, ${scoredChars}) AS text`;

export const searchQueries = {
  /**
   * Best first. `kinds` narrows it, `except` is an id that is left out.
   *
   * SQLite's bm25 reads every row of every word it ranks, some 5 µs each: words that a million rows contain take a second. So
   * words are counted first, up to a bound. Those below it are ranked by bm25 over all their rows: nothing is lost, and in a small
   * store these are all words. Those at the bound tell little apart: they only lift what the others found. When there are no
   * others, the newest rows are ranked: of the last 100,000 rows those with all words, else those with any.
   */
  async search(db, args) {
    const words = text(args, 'text').normalize('NFC').toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [];
    const terms = [...new Set(words)].slice(0, termsMax);
    const kinds = Array.isArray(args['kinds']) && args['kinds'].length > 0 ? args['kinds'].map(String).filter((kind) => /^[a-z-]+$/.test(kind)) : null;
    if (terms.length === 0 || kinds?.length === 0) return [];
    const except = typeof args['except'] === 'string' ? args['except'] : '';
    const limit = count(args, 'limit', 20, 200);

    const bound = Math.max(100, Math.min(300, Math.floor(1_000 / terms.length)));
    const counted = await db.all<{ word: string; n: number }>('SELECT value AS word, (SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH value LIMIT ?2)) AS n FROM json_each(?1)', JSON.stringify(terms.map(inText)), bound);
    const common = terms.filter((_, i) => counted[i]!.n >= bound);
    const rare = terms.filter((term) => !common.includes(term));
    const found = rare.length > 0 ? await rankRare(db, rare, { kinds, except, limit: common.length > 0 ? Math.max(limit, liftedMax) : limit }) : [];
    const candidates = found.length > 0 || common.length === 0 ? found : await newest(db, common, { kinds, except, limit });
    const score = common.length > 0 ? scorer(common) : () => 0;
    return candidates
      .map(({ text: words_, ...hit }): Hit => ({ ...hit, text: words_.slice(0, textChars), score: hit.score + score(words_) }))
      .toSorted((a, b) => b.score - a.score || b.place - a.place).slice(0, limit);
  },

  /** The words at the places of hits; what has gone meanwhile is missing. */
  texts: (db, args) => db.all('SELECT rowid AS place, substr(text, 1, ?2) AS text FROM search WHERE rowid IN (SELECT value FROM json_each(?1))', JSON.stringify(Array.isArray(args['places']) ? args['places'].filter(Number.isSafeInteger).slice(0, placesMax) : []), textChars),
} satisfies Record<string, Query>;

const inText = (term: string) => `text : "${term}"`;
const anyOf = (terms: string[]) => `text : (${terms.map((term) => `"${term}"`).join(' OR ')})`;

async function rankRare(db: Database, terms: string[], { kinds, except, limit }: { kinds: string[] | null; except: string; limit: number }): Promise<Hit[]> {
  return db.all<Hit>(`SELECT ${row}, -bm25(search) AS score FROM search WHERE search MATCH ?1 AND (?2 IS NULL OR kind IN (SELECT value FROM json_each(?2))) AND ${current} ORDER BY rank LIMIT ?4`,
    anyOf(terms), kinds && JSON.stringify(kinds), except, limit);
}

async function newest(db: Database, terms: string[], { kinds, except, limit }: { kinds: string[] | null; except: string; limit: number }): Promise<Hit[]> {
  const within = (match: string) => (kinds ? `kind : (${kinds.map((kind) => `"${kind}"`).join(' OR ')}) AND ${match}` : match);
  const select = (match: string, after: number) => db.all<Hit>(`SELECT ${row}, 0 AS score FROM search WHERE search MATCH ?1 AND rowid > ?2 AND ${current} ORDER BY rowid DESC LIMIT ?4`, within(match), after, except, newestMax);
  const [{ last } = { last: 0 }] = terms.length > 1 ? await db.all<{ last: number }>('SELECT max(rowid) AS last FROM search') : [];
  const all = last > 0 ? await select(terms.map(inText).join(' AND '), last - windowRows) : [];
  if (all.length >= limit) return all;
  const some = await select(anyOf(terms), 0);
  return [...all, ...some.filter(({ place }) => !all.some((hit) => hit.place === place))];
}

/** As bm25 with equal weights: how often the words are there, less for each repetition and in a long text. */
function scorer(terms: string[]): (words: string) => number {
  const wanted = new Set(terms.map(fold));
  return (words) => {
    const tokens = fold(words).match(/[\p{L}\p{N}]+/gu) ?? [];
    const times = new Map<string, number>();
    for (const token of tokens) if (wanted.has(token)) times.set(token, (times.get(token) ?? 0) + 1);
    return [...times.values()].reduce((sum, n) => sum + (n * 2.2) / (n + 0.3 + 0.01 * tokens.length), 0);
  };
}

/** As the index folds: without case and accents. */
const fold = (words: string) => words.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
