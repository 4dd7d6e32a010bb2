// Named reads. They run on a read-only connection: in the store's thread for the server, in the CLI directly on the file, so
// that looking never needs the server.
import { KeelsonError } from '#machines/errors.ts';
import type { Database, Row, Value } from './database.ts';

export type Args = Record<string, unknown>;
type Query = (db: Database, args: Args) => Promise<unknown>;

const text = (args: Args, key: string): string => {
  const value = args[key];
  if (typeof value !== 'string') throw new KeelsonError('BAD_ARGUMENT', `'${key}' must be text`);
  return value;
};
const count = (args: Args, key: string, fallback: number, max: number): number => {
  const value = args[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw new KeelsonError('BAD_ARGUMENT', `'${key}' must be a whole number`);
  return Math.min(value, max);
};
const json = (value: Row[string] | undefined) => (typeof value === 'string' ? (JSON.parse(value) as unknown) : null);
const rowsMax = 10_000;
const filter = (args: Args, key: string): string | null => (args[key] === undefined ? null : text(args, key));
/** `WHERE` of those conditions whose value is given. With `(? IS NULL OR …)` SQLite could use no index. */
const where = (...conditions: [sql: string, value: Value][]): [string, Value[]] => {
  const given = conditions.filter(([, value]) => value !== null);
  return [given.length > 0 ? `WHERE ${given.map(([sql]) => sql).join(' AND ')}` : '', given.map(([, value]) => value)];
};

export const queries = {
  async record(db, args) {
    const [row] = await db.all<{ record: string }>('SELECT record FROM actor WHERE address = ?', text(args, 'address'));
    return row?.record ?? null;
  },

  /** What became of a message or command, or null when it was never applied. */
  async outcome(db, args) {
    const [row] = await db.all<{ outcome: string }>('SELECT outcome FROM journal WHERE id = ?', text(args, 'id'));
    return row?.outcome ?? null;
  },

  /** The body of a message that was promised and is not applied yet. */
  async promised(db, args) {
    const [row] = await db.all<{ body: string }>('SELECT body FROM outbox WHERE id = ?', text(args, 'id'));
    return row ? json(row.body) : null;
  },

  async status(db) {
    const [counter] = await db.all('SELECT received, applied, duplicate, parked FROM counter');
    const [more] = await db.all(`SELECT
      (SELECT count(*) FROM intent WHERE state = 'input-required') AS waiting,
      (SELECT count(*) FROM outbox WHERE due_ms IS NULL) AS inFlight,
      (SELECT count(*) FROM outbox WHERE due_ms IS NOT NULL) AS deadlines,
      (SELECT count(*) FROM actor) - (SELECT count(*) FROM actor WHERE status <> 'active') AS active,
      (SELECT count(*) FROM actor WHERE status <> 'active' AND status = 'error') AS failed,
      (SELECT count(*) FROM actor WHERE address >= 'mail/' AND address < 'mail0') AS mails,
      (SELECT count(*) FROM fact) AS facts,
      (SELECT coalesce(max(seq), 0) FROM journal) AS commits`);
    return { ...counter, ...more };
  },

  async inbox(db, args) {
    const rows = await db.all("SELECT id, kind, state, actor, summary, data, created_ms, updated_ms FROM intent WHERE state = coalesce(?, 'input-required') ORDER BY created_ms, id LIMIT ?", filter(args, 'state'), count(args, 'limit', rowsMax, rowsMax));
    return rows.map(({ data, ...row }) => ({ ...row, data: json(data) }));
  },

  async intent(db, args) {
    const [row] = await db.all('SELECT id, kind, state, actor, summary, data, created_ms, updated_ms FROM intent WHERE id = ?', text(args, 'id'));
    return row ? { ...row, data: json(row['data']) } : null;
  },

  async actors(db, args) {
    const rows = await db.all(
      `SELECT address, machine, rev, status, value, parent, updated_ms, record ->> '$.timers' AS timers, record ->> '$.children' AS children FROM actor
       WHERE address >= ?1 AND address < ?2 AND (?3 IS NULL OR status = ?3) ORDER BY address LIMIT ?4`,
      ...range(args['type']), filter(args, 'status'), count(args, 'limit', rowsMax, 1_000_000),
    );
    return rows.map((row) => ({ ...row, value: json(row['value']), timers: json(row['timers']), children: json(row['children']) }));
  },

  async actor(db, args) {
    const [row] = await db.all('SELECT address, machine, rev, status, record, updated_ms FROM actor WHERE address = ?', text(args, 'address'));
    return row ? { ...row, record: json(row['record']) } : null;
  },

  /** Every commit of one actor, oldest first, with the transition record. */
  async history(db, args) {
    const rows = await db.all('SELECT seq, id, rev, at_ms, outcome, body FROM journal WHERE actor = ? AND seq > ? ORDER BY seq LIMIT ?', text(args, 'address'), count(args, 'after', 0, Number.MAX_SAFE_INTEGER), count(args, 'limit', 1_000, rowsMax));
    return rows.map((row) => ({ ...row, body: json(row['body']) }));
  },

  async operations(db, args) {
    const rows = await db.all("SELECT address, value, status, record ->> '$.snapshot.context' AS context, updated_ms FROM actor WHERE address >= 'operation/' AND address < 'operation0' ORDER BY updated_ms, address LIMIT ?", count(args, 'limit', rowsMax, rowsMax));
    return rows.map((row) => ({ ...row, value: json(row['value']), context: json(row['context']) }));
  },

  async facts(db, args) {
    const kind = filter(args, 'entityKind');
    const [sql, values] = where(
      ['entity = ?', filter(args, 'entity')], ['predicate = ?', filter(args, 'predicate')], ['label = ?', filter(args, 'label')],
      ['entity >= ?', kind && `${kind}/`], ['entity < ?', kind && `${kind}0`], ['n > ?', count(args, 'after', 0, Number.MAX_SAFE_INTEGER)],
    );
    const rows = await db.all(`SELECT n, entity, predicate, value, label, confidence, source, actor, recorded_ms FROM fact ${sql} ORDER BY n LIMIT ?`, ...values, count(args, 'limit', 100, rowsMax));
    return rows.map((row) => ({ ...row, value: json(row['value']) }));
  },

  async lastFact(db, args) {
    const rows = await db.all('SELECT value, confidence, recorded_ms FROM fact WHERE entity = ? AND predicate = ? ORDER BY n DESC LIMIT 1', text(args, 'entity'), text(args, 'predicate'));
    return rows.map((row) => ({ ...row, value: json(row['value']) }));
  },

  entities: (db, args) => db.all('SELECT id, kind FROM entity WHERE (?1 IS NULL OR kind = ?1) ORDER BY id LIMIT ?2', filter(args, 'entityKind'), count(args, 'limit', 100, rowsMax)),

  artifacts(db, args) {
    const [sql, values] = where(['kind = ?', filter(args, 'artifactKind')], ['id = ?', filter(args, 'id')]);
    return db.all(`SELECT id, version, kind, media_type AS mediaType, name, hash, size_bytes AS sizeBytes, actor, at_ms AS atMs FROM artifact ${sql} ORDER BY at_ms DESC, id, version DESC LIMIT ?`, ...values, count(args, 'limit', 100, rowsMax));
  },

  async decisions(db, args) {
    const [sql, values] = where(['actor = ?', filter(args, 'actor')]);
    const rows = await db.all(`SELECT n, actor, at_ms, what, outcome, confidence, machine, detail FROM decision ${sql} ORDER BY n DESC LIMIT ?`, ...values, count(args, 'limit', 100, rowsMax));
    return rows.map(({ detail, ...row }) => ({ ...row, ...(json(detail ?? null) as object) }));
  },

  intents: (db, args) => db.all('SELECT id, kind, state, actor, summary, created_ms, updated_ms FROM intent ORDER BY created_ms DESC, id LIMIT ?', count(args, 'limit', 100, rowsMax)),

  parked: (db, args) => db.all('SELECT n, id, subject, reason, bytes, at_ms FROM parked ORDER BY n DESC LIMIT ?', count(args, 'limit', 100, rowsMax)),

  /** Current text of every artifact of a kind: templates, policies. */
  async contents(db, args) {
    return db.all('SELECT a.id, a.version, a.hash, CAST(b.bytes AS TEXT) AS text FROM artifact a JOIN blob b ON b.hash = a.hash WHERE a.kind = ? AND a.size_bytes > 0 AND a.version = (SELECT max(version) FROM artifact WHERE id = a.id) ORDER BY a.id', text(args, 'artifactKind'));
  },

  async blob(db, args) {
    const [row] = await db.all<{ bytes: Uint8Array }>('SELECT bytes FROM blob WHERE hash = ?', text(args, 'hash'));
    return row?.bytes ?? null;
  },

  /** Full text of facts and current artifact versions, best first. Words only: the query language of FTS5 is not for strangers. */
  async search(db, args) {
    const words = text(args, 'text').normalize('NFC').toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [];
    const terms = [...new Set(words)].slice(0, 40).map((word) => `"${word}"`).join(' OR ');
    if (!terms) return [];
    const kinds = Array.isArray(args['kinds']) ? args['kinds'].map(String) : [];
    return db.all(
      `SELECT kind, id, substr(text, 1, 1000) AS text, -bm25(search) AS score FROM search
       WHERE search MATCH ? AND (? = '[]' OR kind IN (SELECT value FROM json_each(?))) AND id <> ?
         AND (version IS NULL OR version = (SELECT max(version) FROM artifact WHERE artifact.id = search.id)) ORDER BY rank LIMIT ?`,
      terms, JSON.stringify(kinds), JSON.stringify(kinds), typeof args['except'] === 'string' ? args['except'] : '', count(args, 'limit', 20, 200),
    );
  },
} satisfies Record<string, Query>;

export type QueryName = keyof typeof queries;

const named = new Map<string, Query>(Object.entries(queries));

export function runQuery(db: Database, name: string, args: Args): Promise<unknown> {
  const query = named.get(name);
  if (!query) throw new KeelsonError('BAD_ARGUMENT', `there is no query '${name}'`);
  return query(db, args);
}

function range(type: unknown): [string, string] {
  return typeof type === 'string' ? [`${type}/`, `${type}0`] : ['', '\u{10ffff}'];
}
