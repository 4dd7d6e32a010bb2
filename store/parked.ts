// Named reads of what could not be applied: messages set aside with their bytes, and actors that no machine of the build fits.
import { count, filter, json, type Query } from './query-args.ts';

export const parkedQueries = {
  /** Parked messages of one actor, under one id, or all; oldest first. `message` is null when what is known of one was erased. */
  async parkedMessages(db, args) {
    const rows = await db.all(
      `SELECT p.id AS parkId, p.seq, p.subject, p.reason, p.bytes, p.at_ms, j.actor, j.body FROM parked p JOIN journal j ON j.seq = p.seq
       WHERE (?1 IS NULL OR j.actor = ?1) AND (?2 IS NULL OR j.body ->> '$.parked.id' = ?2) ORDER BY p.n`,
      filter(args, 'actor'), filter(args, 'id'),
    );
    return rows.map(({ body, ...row }) => {
      const { parked, from = null, cause = null } = (json(body) ?? {}) as { parked?: { id: string }; from?: string; cause?: string };
      return { ...row, message: parked ? { id: parked.id, from, cause } : null };
    });
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
