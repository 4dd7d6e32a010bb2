// Writes a few rows of every kind as a released Keelson of this schema wrote them: `node test/store/write-fixture.ts`, once per
// schema, when it is released. The tables themselves are not in it: the migration files say them and never change.
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { Database, Value } from '#store/database.ts';
import { counterColumns, describeTables } from '#store/export-format.ts';
import { planMigrations } from '#store/migrate.ts';
import { richStore } from './rich-store.ts';

function literal(value: Value): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return /[\0\r\n]/.test(value) ? `CAST(x'${Buffer.from(value).toString('hex')}' AS TEXT)` : `'${value.replaceAll("'", "''")}'`;
  return `x'${Buffer.from(value).toString('hex')}'`;
}

async function dump(database: Database): Promise<string> {
  const lines: string[] = [];
  for (const { name, columns, key } of await describeTables(database)) {
    const names = columns.map((column) => column.name);
    for (const row of await database.all(`SELECT ${names.join()} FROM ${name} ORDER BY ${key.join()}`)) lines.push(`INSERT INTO ${name} (${names.join()}) VALUES (${names.map((column) => literal(row[column] ?? null)).join()});`);
  }
  const [counter] = await database.all(`SELECT ${counterColumns.join()} FROM counter`);
  return `${[...lines, `UPDATE counter SET ${counterColumns.map((name) => `${name} = ${literal(counter![name] ?? null)}`).join()};`].join('\n')}\n`;
}

let written = '';
test('the fixture of this schema is written', async () => {
  const { db } = await richStore(10);
  const { newest } = await planMigrations(db);
  written = new URL(`./fixtures/schema-${newest}.sql`, import.meta.url).pathname;
  writeFileSync(written, await dump(db));
});
after(() => process.stdout.write(`${written}\n`));
