// Named reads of the company's own invoices.
import { closedStandings } from '#machines/invoice.ts';
import { partId } from '#machines/records.ts';
import { count, json, rowsMax, type Query } from './query-args.ts';

export const invoiceQueries = {
  /** Issued, and by their newest word neither paid nor given up; oldest first. */
  async openInvoices(db, args) {
    const rows = await db.all<{ entity: string; actor: string; issued: string; state: string; issuedN: number; stateN: number }>(
      `SELECT i.entity, s.actor, i.value AS issued, s.value AS state, i.n AS issuedN, s.n AS stateN
       FROM fact i JOIN fact s ON s.n = (SELECT max(n) FROM fact WHERE entity = i.entity AND predicate = 'invoice.state')
       WHERE i.predicate = 'invoice.issued' AND i.n = (SELECT min(n) FROM fact WHERE entity = i.entity AND predicate = 'invoice.issued')
         AND s.value ->> '$.state' NOT IN (SELECT value FROM json_each(?)) ORDER BY i.n LIMIT ?`,
      JSON.stringify(closedStandings), count(args, 'limit', rowsMax, rowsMax));
    return rows.map(({ entity, actor, issued, state, issuedN, stateN }) => ({ entity, actor, issued: json(issued), state: json(state), facts: [partId('f', issuedN), partId('f', stateN)] }));
  },
} satisfies Record<string, Query>;
