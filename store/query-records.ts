// Named reads of what steps recorded beside facts: intents, artifacts, decisions, annotations, and parked messages.
import { partId, partsMax, readPartId } from '#machines/records.ts';
import type { Row } from './database.ts';
import { commitsBetween, count, cursor, filter, json, moment, rowsMax, text, where, type Args, type Query } from './query-args.ts';

const intentColumns = 'id, kind, state, actor, summary, data, created_ms, updated_ms';
const artifactColumns = 'id, version, kind, media_type AS mediaType, name, hash, size_bytes AS sizeBytes, actor, at_ms AS atMs';
const limit = (args: Args) => count(args, 'limit', 100, rowsMax);
const decisionOf = ({ detail, ...row }: Row) => ({ ...(json(detail) as object), id: partId('d', row['n'] as number), ...row });
const annotationOf = ({ detail, ...row }: Row) => ({ ...(json(detail) as object), id: partId('a', row['n'] as number), ...row });

/** The first number that is not wanted any more: after the commit `to`, and from the cursor on. */
const endOf = (to: number | null, place: number | null) => (to === null && place === null ? null : Math.min(to === null ? Infinity : (to + 1) * partsMax, place ?? Infinity));

/** `mail/x@2` is version 2 of it. */
function readVersion(place: string): [id: string, version: number] | null {
  const [, id, version] = /^(.+)@(\d{1,9})$/s.exec(place) ?? [];
  return id === undefined ? null : [id, Number(version)];
}

export const recordQueries = {
  async inbox(db, args) {
    const rows = await db.all(`SELECT ${intentColumns} FROM intent WHERE state = coalesce(?, 'input-required') ORDER BY created_ms, id LIMIT ?`, filter(args, 'state'), count(args, 'limit', rowsMax, rowsMax));
    return rows.map(({ data, ...row }) => ({ ...row, data: json(data) }));
  },

  async intent(db, args) {
    const [row] = await db.all(`SELECT ${intentColumns} FROM intent WHERE id = ?`, text(args, 'id'));
    return row ? { ...row, data: json(row['data']) } : null;
  },

  /** Every state an intent was in, oldest first. */
  async intentChanges(db, args) {
    const rows = await db.all('SELECT n, kind, state, summary, data, actor, seq, at_ms FROM intent_change WHERE id = ? ORDER BY n LIMIT ?', text(args, 'id'), rowsMax);
    return rows.map((row) => ({ ...row, data: json(row['data']) }));
  },

  /** By when they were asked, newest first. */
  async intents(db, args) {
    const place = cursor(args, (id) => id);
    const [sql, values] = where(
      ['state = ?', filter(args, 'state')], ['kind = ?', filter(args, 'intentKind')], ['actor = ?', filter(args, 'actor')], ['created_ms >= ?', moment(args, 'since')], ['created_ms < ?', moment(args, 'until')],
      ['created_ms <= (SELECT created_ms FROM intent WHERE id = ?)', place], ['(created_ms, id) < (SELECT created_ms, id FROM intent WHERE id = ?)', place],
    );
    const rows = await db.all(`SELECT id, kind, state, actor, summary, created_ms, updated_ms FROM intent ${sql} ORDER BY created_ms DESC, id DESC LIMIT ?`, ...values, limit(args));
    return rows.map((row) => ({ ...row, cursor: row['id'] }));
  },

  /** Every version, newest first. */
  async artifacts(db, args) {
    const { from, to } = await commitsBetween(db, args);
    const place = cursor(args, readVersion);
    const [sql, values] = where(
      ['kind = ?', filter(args, 'artifactKind')], ['id = ?', filter(args, 'id')], ['actor = ?', filter(args, 'actor')], ['at_ms >= ?', moment(args, 'since')], ['at_ms < ?', moment(args, 'until')],
      ['seq >= ?', from ?? 0], ['seq <= ?', to], ['seq <= (SELECT seq FROM artifact WHERE id = ? AND version = ?)', ...(place ?? [null])],
      ['(-seq, id, -version) > (SELECT -seq, id, -version FROM artifact WHERE id = ? AND version = ?)', ...(place ?? [null])],
    );
    const rows = await db.all(`SELECT ${artifactColumns} FROM artifact ${sql} ORDER BY seq DESC, id, version DESC LIMIT ?`, ...values, limit(args));
    return rows.map((row) => ({ ...row, cursor: `${String(row['id'])}@${String(row['version'])}` }));
  },

  /** Newest first. `type`: of the actor; `policy`, `rule`, `version`: which rule spoke. */
  async decisions(db, args) {
    const { from, to } = await commitsBetween(db, args);
    const type = filter(args, 'type');
    const [sql, values] = where(
      ['actor = ?', filter(args, 'actor')], ['actor >= ?', type && `${type}/`], ['actor < ?', type && `${type}0`], ['what = ?', filter(args, 'what')], ['outcome = ?', filter(args, 'outcome')],
      ["detail ->> '$.policy.id' = ?", filter(args, 'policy')], ["detail ->> '$.policy.rule' = ?", filter(args, 'rule')], ["detail ->> '$.policy.version' = ?", filter(args, 'version')],
       ['n >= ?', from && from * partsMax], ['n < ?', endOf(to, cursor(args, (id) => readPartId('d', id)))],
    );
    const rows = await db.all(`SELECT n, actor, at_ms, what, outcome, confidence, machine, detail FROM decision ${sql} ORDER BY n DESC LIMIT ?`, ...values, limit(args));
    return rows.map((row) => ({ ...decisionOf(row), cursor: partId('d', row['n'] as number) }));
  },

  async decision(db, args) {
    const [row] = await db.all('SELECT n, actor, seq, at_ms, what, outcome, confidence, machine, detail FROM decision WHERE n = ?', readPartId('d', text(args, 'id')) ?? -1);
    return row ? decisionOf(row) : null;
  },

  /** How often each rule spoke, among the newest decisions. */
  async firedRules(db, args) {
    return db.all("SELECT detail ->> '$.policy.rule' AS rule, count(*) AS fired, max(at_ms) AS lastMs FROM (SELECT what, at_ms, detail FROM decision ORDER BY n DESC LIMIT ?) WHERE what = 'policy' AND detail ->> '$.policy.rule' IS NOT NULL GROUP BY 1 ORDER BY 2 DESC", count(args, 'among', rowsMax, rowsMax));
  },

  /** How the operations of each connector ended, among the newest decisions: how many, and the newest of each outcome. */
  async connectorCalls(db, args) {
    return db.all(
      `SELECT a.record ->> '$.snapshot.context.verdict.bound.connector' AS connector, d.outcome, count(*) AS times, max(d.n) AS n, d.at_ms AS atMs, d.actor, d.detail ->> '$.reasons[0]' AS reason
       FROM (SELECT n, actor, what, outcome, at_ms, detail FROM decision ORDER BY n DESC LIMIT ?) d JOIN actor a ON a.address = d.actor WHERE d.what = 'operation' AND a.status <> 'erased' GROUP BY 1, 2`, count(args, 'among', rowsMax, rowsMax));
  },

  /** Newest first. `target` is the id of what they are about. */
  async annotations(db, args) {
    const { from, to } = await commitsBetween(db, args);
    const [sql, values] = where(['target = ?', filter(args, 'target')], ['kind = ?', filter(args, 'annotationKind')], ['actor = ?', filter(args, 'actor')], ['n >= ?', from && from * partsMax], ['n < ?', endOf(to, cursor(args, (id) => readPartId('a', id)))]);
    const rows = await db.all(`SELECT n, kind, target_kind, target, text, detail, actor, at_ms FROM annotation ${sql} ORDER BY n DESC LIMIT ?`, ...values, limit(args));
    return rows.map((row) => ({ ...annotationOf(row), cursor: partId('a', row['n'] as number) }));
  },

  async annotation(db, args) {
    const [row] = await db.all('SELECT n, kind, target_kind, target, text, detail, actor, seq, at_ms FROM annotation WHERE n = ?', readPartId('a', text(args, 'id')) ?? -1);
    return row ? annotationOf(row) : null;
  },

  /** Newest first. */
  async parked(db, args) {
    const [sql, values] = where(['at_ms >= ?', moment(args, 'since')], ['at_ms < ?', moment(args, 'until')], ['n < ?', cursor(args, (n) => (/^\d{1,15}$/.test(n) ? Number(n) : null))]);
    const rows = await db.all(`SELECT n, id, subject, reason, bytes, at_ms FROM parked ${sql} ORDER BY n DESC LIMIT ?`, ...values, limit(args));
    return rows.map((row) => ({ ...row, cursor: String(row['n']) }));
  },

  /** Current text of every artifact of a kind: templates, policies. */
  contents: (db, args) => db.all('SELECT a.id, a.version, a.hash, CAST(b.bytes AS TEXT) AS text FROM artifact a JOIN blob b ON b.hash = a.hash WHERE a.kind = ? AND a.size_bytes > 0 AND a.version = (SELECT max(version) FROM artifact WHERE id = a.id AND kind = a.kind) ORDER BY a.id', text(args, 'artifactKind')),

  async blob(db, args) {
    const [row] = await db.all<{ bytes: Uint8Array }>('SELECT bytes FROM blob WHERE hash = ?', text(args, 'hash'));
    return row?.bytes ?? null;
  },
} satisfies Record<string, Query>;
