// `keelson debt`: what nobody looks after. Reads the file and the folder, so it works with and without a running server.
import type { Command } from 'commander';
import { runQuery } from '#store/queries.ts';
import { oneLine, table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { readDebts } from './main-debt.ts';

export function addDebtCommand(program: Command, define: Define): void {
  define(program.command('debt').description('operational debt: what nobody looks after, how it was a week ago, and the command that leads out of it'), async ({ dataDir, out }) => {
    const debts = await withDatabase(dataDir, (db) => readDebts({ dataDir, query: (name, args) => runQuery(db, name, args), nowMs: Date.now() }));
    out.result(debts, (all) => (all.length === 0 ? 'No debts: everything that is measured is in order. What is measured: docs/debt.md' : [
      table(['KIND', 'NUMBER', 'IN A WEEK', 'WHAT', 'DO'], all.map(({ kind, number, unit, trend, what, fix }) => [kind, `${number} ${unit}`, sayTrend(trend), oneLine(what, 90), fix])),
      '', 'What each number is: docs/debt.md',
    ].join('\n')));
  });
}

const sayTrend = (trend: number | null) => (trend === null ? '?' : trend > 0 ? `+${trend}` : trend === 0 ? '=' : String(trend));
