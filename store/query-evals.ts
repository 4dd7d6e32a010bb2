// Named reads for evals: what the operator let stand, and what was sent in the end.
import { count, json, type Query } from './query-args.ts';

export const evalQueries = {
  /** Replies that were sent after a yes, newest first: the draft as it was proposed first, and what was sent. `edited`: the operator changed it. */
  async sentReplies(db, args) {
    const rows = await db.all(
      `SELECT o.address, o.updated_ms AS atMs, o.record ->> '$.snapshot.context.origin.draft' AS draft, o.record -> '$.snapshot.context.payload' AS payload,
         (SELECT CAST(b.bytes AS TEXT) FROM artifact a JOIN blob b ON b.hash = a.hash WHERE a.id = o.record ->> '$.snapshot.context.origin.draft' AND a.kind = 'draft' ORDER BY a.version LIMIT 1) AS proposed,
         EXISTS (SELECT 1 FROM annotation n WHERE n.target = o.record ->> '$.snapshot.context.origin.draft' AND n.kind = 'correction') AS edited
       FROM actor o WHERE o.address >= 'operation/' AND o.address < 'operation0' AND o.status = 'done' AND o.record ->> '$.snapshot.context.action' = 'mail.send'
         AND o.record ->> '$.snapshot.context.origin.draft' LIKE 'draft-%' AND o.record ->> '$.snapshot.context.approvedHash' IS NOT NULL AND o.record ->> '$.snapshot.context.outcome' IN ('done', 'not-done', 'dry-run')
       ORDER BY o.updated_ms DESC, o.address LIMIT ?`, count(args, 'limit', 500, 5_000));
    return rows.map(({ draft, payload, edited, ...row }) => ({ ...row, mail: String(draft).slice('draft-'.length), edited: edited === 1, sent: json(payload) }));
  },

  /** Mails whose task the operator did, `{mail, atMs}`, newest first: what they were taken for was right. */
  doneTasks: (db, args) => db.all("SELECT substr(id, 3) AS mail, updated_ms AS atMs FROM intent WHERE kind = 'task' AND state = 'completed' AND id LIKE 't-m-%' ORDER BY updated_ms DESC, id LIMIT ?", count(args, 'limit', 500, 5_000)),
} satisfies Record<string, Query>;
