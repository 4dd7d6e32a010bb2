// Goal: a connector of one's own in at most 60 lines, proved by one run of the contract suite, in a folder outside of this checkout.
// Method: the example beside this file in a new company: `keelson test` runs its contract, and the company loads it.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { loadOwnConnectors } from '#supervisor/own-connectors.ts';
import { makeCompany } from '#test/kit/server.ts';

const company = makeCompany();
after(() => company.remove());
const example = join(import.meta.dirname, 'own-connector');
const file = join(company.dataDir, 'connectors', 'parcels.ts');

test('the example has at most 60 lines', async () => {
  const lines = readFileSync(join(example, 'parcels.ts'), 'utf8').trimEnd().split('\n').length;
  assert.ok(lines <= 60, `${lines} lines`);
  await company.cli('init', company.dataDir);
  cpSync(example, join(company.dataDir, 'connectors'), { recursive: true });
  writeFileSync(join(company.dataDir, 'connectors', 'parcels.json'), '{ "url": "https://api.parcels.example" }\n');
});

test('`keelson test` runs the contract of a connector, and fails when it is broken', { timeout: 120_000 }, async () => {
  const good = await company.cli('test');
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /the parcels connector keeps the contract/);
  assert.match(good.stdout, /a lost reply is unknown, and settles without a second execution/);
  const right = readFileSync(file, 'utf8');
  // The same key for everything, and no word about fields that nobody knows.
  for (const [from, to] of [["'idempotency-key': operationId", "'idempotency-key': 'one'"], ['z.strictObject({\n  to', 'z.object({\n  to']] as const) {
    assert.ok(right.includes(from));
    writeFileSync(file, right.replace(from, to));
    assert.equal((await company.cli('test', '--json')).code, 1, to);
  }
  writeFileSync(file, right);
});

test('the company loads it with its settings and its secret', async () => {
  const [parcels, ...others] = await loadOwnConnectors(company.dataDir, { secrets: (names) => Object.fromEntries(names.map((name) => [name, 'key'])), taken: ['mail'] });
  assert.deepEqual([parcels!.name, parcels!.hosts, parcels!.secrets, others], ['parcels', ['api.parcels.example'], ['PARCELS_KEY'], []]);
});
