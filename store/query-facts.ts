// Named reads of entities and facts.
import { partId, partsMax, readPartId } from '#machines/records.ts';
import { readValue, viewEntity, type FactRow } from './entity-view.ts';
import { commitsBetween, count, cursor, filter, json, moment, rowsMax, text, where, type Condition, type Query } from './query-args.ts';

const columns = 'n, entity, predicate, version, value, label, confidence, source, supersedes, valid_from_ms, valid_to_ms, fact.actor, recorded_ms';
type Stored = FactRow & { actor: string };

const shown = ({ version, ...fact }: Stored) => ({ id: partId('f', fact.n), ...fact, value: readValue({ ...fact, version }), supersedes: fact.supersedes === null ? null : partId('f', fact.supersedes) });

export const factQueries = {
  /** In the order in which they were recorded; with `newest`, the other way round. A `value` to look for is the JSON text that was recorded. */
  async facts(db, args) {
    const [kind, label, actor, predicate] = [filter(args, 'entityKind'), filter(args, 'label'), filter(args, 'actor'), filter(args, 'predicate')];
    const { from, to } = await commitsBetween(db, args);
    const isNewestFirst = args['newest'] === true;
    const place = cursor(args, (given) => readPartId('f', given)) ?? (isNewestFirst ? Infinity : count(args, 'after', 0, Number.MAX_SAFE_INTEGER));
    const first = Math.max(isNewestFirst ? 0 : place + 1, (from ?? 0) * partsMax);
    const last = Math.min(isNewestFirst ? place : Infinity, to === null ? Infinity : (to + 1) * partsMax);
    // SQLite uses one condition of each column for its index; `+` keeps those out that would narrow less.
    const conditions: Condition[] = [
      ['entity = ?', filter(args, 'entity')], [label === 'operator' || label === 'policy' ? '+predicate = ?' : 'predicate = ?', predicate], ['label = ?', label], ['value = ?', filter(args, 'value')],
      [`${predicate === null && label === null ? '' : '+'}substr(entity, 1, instr(entity, '/')) = ?`, kind && `${kind}/`], ['recorded_ms >= ?', moment(args, 'since')], ['recorded_ms < ?', moment(args, 'until')],
    ];
    const bound = (value: number) => (value === Infinity ? null : value);
    const end: Condition = ['n < ?', bound(last)];
    const order = isNewestFirst ? ' DESC' : '';
    const limit = count(args, 'limit', 100, rowsMax);
    const read = (from_: string, by: string, ...all: Condition[]) => {
      const [sql, values] = where(...all);
      return db.all<Stored>(`SELECT ${columns} FROM ${from_} ${sql} ORDER BY ${by} LIMIT ?`, ...values, limit);
    };
    // Facts have no index by actor: the journal knows the actor's commits, and the facts of one commit lie together.
    const rows = actor === null
      ? await read('fact', `n${order}`, ...conditions, ['n >= ?', first], end)
      : await read(`journal CROSS JOIN fact ON n >= journal.seq * ${partsMax} AND n < (journal.seq + 1) * ${partsMax}`, `journal.seq${order}, n${order}`, ...conditions, ['journal.actor = ?', actor], ['journal.seq >= ?', Math.floor(first / partsMax)], ['journal.seq <= ?', bound(Math.floor(last / partsMax))], ['+n >= ?', first], end);
    return rows.map((row) => ({ ...shown(row), cursor: partId('f', row.n) }));
  },

  /** One fact by its id, with the id of the one that corrects it; null when there is none. */
  async fact(db, args) {
    const n = readPartId('f', text(args, 'id'));
    const [row] = n === null ? [] : await db.all<Stored & { seq: number }>(`SELECT ${columns}, seq FROM fact WHERE n = ?`, n);
    if (!row) return null;
    const later = await db.all<{ n: number; recorded_ms: number }>('SELECT n, recorded_ms FROM fact WHERE supersedes = ? ORDER BY n', row.n);
    return { ...shown(row), supersededBy: later.map((fact) => ({ id: partId('f', fact.n), recorded_ms: fact.recorded_ms })) };
  },

  async lastFact(db, args) {
    const rows = await db.all('SELECT value, confidence, recorded_ms FROM fact WHERE entity = ? AND predicate = ? ORDER BY n DESC LIMIT 1', text(args, 'entity'), text(args, 'predicate'));
    return rows.map((row) => ({ ...row, value: json(row['value']) }));
  },

  async entities(db, args) {
    const kind = filter(args, 'entityKind');
    const after = cursor(args, (place) => place);
    // One lower end: of two, SQLite might use the one that narrows less.
    const [sql, values] = where(after !== null && (!kind || after >= `${kind}/`) ? ['id > ?', after] : ['id >= ?', kind && `${kind}/`], ['id < ?', kind && `${kind}0`]);
    const rows = await db.all(`SELECT id, kind FROM entity ${sql} ORDER BY id LIMIT ?`, ...values, count(args, 'limit', 100, rowsMax));
    return rows.map((row) => ({ ...row, cursor: row['id'] }));
  },

  /** What is known about an entity; see viewEntity. Null when nothing was ever said about it. */
  async entityView(db, args) {
    const id = text(args, 'id');
    const [validAtMs, knownAtMs] = [count(args, 'validAtMs', 0, Number.MAX_SAFE_INTEGER), count(args, 'knownAtMs', 0, Number.MAX_SAFE_INTEGER)];
    const own = await db.all<FactRow>(`SELECT ${columns} FROM fact WHERE entity = ?`, id);
    // What was said of the wrong entity is corrected by a fact about another one.
    const elsewhere = await db.all<FactRow>(`SELECT ${columns} FROM fact WHERE supersedes IN (SELECT n FROM fact WHERE entity = ?1) AND entity <> ?1`, id);
    return own.length === 0 ? null : viewEntity([...own, ...elsewhere], { id, validAtMs, knownAtMs });
  },
} satisfies Record<string, Query>;
