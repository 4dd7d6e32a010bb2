// Named reads of what could not be applied: messages set aside with their bytes, and actors that no machine of the build fits.
import { count, cursor, filter, json, where, type Query } from './query-args.ts';

/** Of each message that a page shows. */
const shownBytes = 4_096;

export const parkedQueries = {
  /** Parked messages of one actor, under one id, or all; oldest first. `message` is null when what is known of one was erased. */
  async parkedMessages(db, args) {
    const rows = await db.all(
      `SELECT p.id AS parkId, p.seq, p.subject, p.reason, p.bytes, p.at_ms, j.actor, j.body FROM parked p JOIN journal j ON j.seq = p.seq
       WHERE (?1 IS NULL OR j.actor = ?1) AND (?2 IS NULL OR j.body ->> '$.parked.id' = ?2 OR p.id = ?2) ORDER BY p.n`,
      filter(args, 'actor'), filter(args, 'id'),
    );
    return rows.map(({ body, ...row }) => {
      const { parked, from = null, cause = null } = (json(body) ?? {}) as { parked?: { id: string }; from?: string; cause?: string };
      return { ...row, message: parked ? { id: parked.id, from, cause } : null };
    });
  },

  /** The same in pages for people, newest first, with the first bytes of each. */
  async parkedPage(db, args) {
    const [sql, values] = where(['p.n < ?', cursor(args, (n) => (/^\d{1,15}$/.test(n) ? Number(n) : null))], ['j.actor = ?', filter(args, 'actor')]);
    const rows = await db.all(
      `SELECT p.n, p.id AS parkId, coalesce(j.body ->> '$.parked.id', p.id) AS id, j.actor, j.body ->> '$.from' AS sender, p.subject, p.reason, p.at_ms, substr(p.bytes, 1, ${shownBytes}) AS bytes, length(p.bytes) AS size
       FROM parked p JOIN journal j ON j.seq = p.seq ${sql} ORDER BY p.n DESC LIMIT ?`, ...values, Math.max(1, count(args, 'limit', 100, 500)));
    return rows.map(({ n, ...row }) => ({ ...row, cursor: String(n) }));
  },

  /** Is what this commit parked still there? */
  async stillParked(db, args) {
    return (await db.all('SELECT 1 FROM parked WHERE seq = ?', count(args, 'seq', 0, Number.MAX_SAFE_INTEGER))).length > 0;
  },

  /** Actors that stand still because of their version; their escalations say which they ever were. */
  async quarantined(db) {
    return db.all(`SELECT address, rev, record, updated_ms FROM actor WHERE address IN (SELECT actor FROM intent WHERE id >= 'held-' AND id < 'held.')
      AND status = 'active' AND record ->> '$.held.by' = 'version' ORDER BY address`);
  },
} satisfies Record<string, Query>;
