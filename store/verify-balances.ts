// What is taken of each budget, and what is reserved now, are sums over the rows of `spend`, which the chain vouches for. A balance that is
// not the sum would let somebody spend twice.
import type { Database } from './database.ts';

const periods = (scope: string) => ["'day:' || strftime('%Y-%m-%d', counted_ms / 1000, 'unixepoch')", "'month:' || strftime('%Y-%m', counted_ms / 1000, 'unixepoch')"].map((period) => [scope, period] as const);
const accounts = [...periods("'company'"), ...periods("'workflow/' || workflow"), ["'run/' || run", "'run'"] as const];
const sums = `SELECT scope, period, sum(settled), sum(reserved) FROM (${accounts.map(([scope, period]) =>
  `SELECT ${scope} AS scope, ${period} AS period, iif(state = 'settled', micros, 0) AS settled, iif(state = 'settled', -held, micros) AS reserved FROM spend`).join(' UNION ALL ')}) GROUP BY scope, period`;
const kept = 'SELECT scope, period, settled, reserved FROM balance';
const open = "SELECT id, workflow, run, micros, counted_ms, until_ms FROM spend WHERE state = 'reserved' AND NOT EXISTS (SELECT 1 FROM spend AS later WHERE later.id = spend.id AND later.state = 'settled')";
const shown = 'SELECT id, workflow, run, micros, counted_ms, until_ms FROM reservation';
const differ = (a: string, b: string) => `SELECT * FROM (SELECT * FROM (${a}) EXCEPT ${b}) UNION ALL SELECT * FROM (SELECT * FROM (${b}) EXCEPT ${a})`;

/** Whether a balance or a list of what is reserved is another than its rows say; with the commit that is the first to be counted wrong. */
export async function changedBalance(database: Database): Promise<{ seq: number; reason: string } | null> {
  const [balance] = await database.all<{ scope: string; period: string }>(`${differ(sums, kept)} LIMIT 1`);
  if (balance) return { seq: await firstOf(database), reason: `the balance of ${balance.scope} for ${balance.period} is not the sum of what was spent` };
  const [reservation] = await database.all<{ id: string }>(`${differ(open, shown)} LIMIT 1`);
  return reservation ? { seq: await firstOf(database), reason: `what is reserved under ${reservation.id} is not what was committed` } : null;
}

const firstOf = async (database: Database) => (await database.all<{ seq: number }>('SELECT coalesce((SELECT min(seq) FROM spend), 1) AS seq'))[0]!.seq;
