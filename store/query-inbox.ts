// Named reads of the inbox as a list: a line of each item without its payload, and what a run has cost until now.
import { ancestors, count, rowsMax, text, type Query } from './query-args.ts';

/** More than any run has; a bound for a tree that was written by others. */
const runActorsMax = 1_000;

export const inboxQueries = {
  /** A line of everything that waits, oldest first. `money` is what would move, else what the item is about. */
  async inboxLines(db, args) {
    const rows = await db.all(
      `SELECT id, kind, actor, summary, created_ms AS createdMs, data ->> '$.risk' AS risk, data ->> '$.category' AS category, data ->> '$.confidence' AS confidence, data ->> '$.expiresAfterMs' AS expiresAfterMs,
         data ->> '$.payloadHash' AS hash, data ->> '$.bound.action' AS action, data ->> '$.does' AS does, data ->> '$.reversible' AS reversible,
         coalesce(data ->> '$.money.amountMinor', data ->> '$.payload.amountMinor') AS amountMinor, coalesce(data ->> '$.money.currency', data ->> '$.payload.currency') AS currency, data ->> '$.money.payee' AS payee
       FROM intent WHERE state = 'input-required' ORDER BY created_ms, id LIMIT ?`, count(args, 'limit', rowsMax, rowsMax));
    return rows.map(({ reversible, ...row }) => ({ ...row, reversible: reversible === null ? null : reversible === 1 }));
  },

  /** What the decisions of a run have cost, in millionths: of the actor's whole tree. */
  async runCost(db, args) {
    const [row] = await db.all(
      `WITH RECURSIVE ${ancestors},
         tree (address) AS (SELECT address FROM up WHERE parent IS NULL UNION SELECT actor.address FROM actor JOIN tree ON actor.parent = tree.address LIMIT ?2)
       SELECT coalesce(sum(detail ->> '$.costMicros'), 0) AS costMicros FROM tree JOIN decision ON decision.actor = tree.address`, text(args, 'address'), runActorsMax);
    return row!['costMicros'];
  },
} satisfies Record<string, Query>;
