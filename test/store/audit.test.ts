import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { chainHash } from '#store/audit.ts';
import type { Database, Value } from '#store/database.ts';
import { tables, vouched, type Vouched } from '#store/tables.ts';
import { verifyAudit, type KnownHead } from '#store/verify.ts';
import { randomFrom } from '#test/kit/random.ts';
import { commitOf, openTemp, stepOf, tempStore } from './temp-store.ts';

const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 1);

/** A journal of ten rows, and a door for somebody who has the file and a tool. */
async function journalOfTen() {
  const { db, committer, file } = await tempStore();
  for (let i = 0; i < 10; i++) await committer.commit(commitOf(`id-${i}`, i === 3 ? { outcome: 'parked', parked: { subject: 's', reason: 'r', bytes: new Uint8Array(1) } } : { step: stepOf(i < 3 ? i : i - 1) }));
  await db.exec('DROP TRIGGER journal_is_append_only_update; DROP TRIGGER journal_is_append_only_delete');
  return { db, committer, file };
}
const firstBad = async (db: Database) => (await verifyAudit(db)).firstBad;

test('an untouched journal verifies and names its head', async () => {
  const { db } = await journalOfTen();
  const [last] = await db.all<{ hash: string }>('SELECT hash FROM journal WHERE seq = 10');
  assert.deepEqual(await verifyAudit(db), { ok: true, rows: 10, head: last!.hash });
});

test('an empty journal verifies', async () => {
  const { db } = await tempStore();
  assert.deepEqual(await verifyAudit(db), { ok: true, rows: 0, head: '0'.repeat(64) });
});

const columns = { id: "id || 'x'", actor: "replace(actor, '1', '2')", rev: 'coalesce(rev, 0) + 1', at_ms: 'at_ms + 1', outcome: "'refused'", body: "replace(body, 'note', 'note ')", hash: "replace(hash, substr(hash, 1, 1), 'x')" };
for (const [column, changed] of Object.entries(columns)) {
  test(`a change of ${column} in any row is found and the row is named`, async () => {
    const { db } = await journalOfTen();
    for (let seq = 1; seq <= 10; seq++) {
      await db.exec('SAVEPOINT s');
      await db.exec(`UPDATE journal SET ${column} = ${changed} WHERE seq = ${seq}`);
      assert.deepEqual(await firstBad(db), { seq, reason: 'the row was changed' }, `row ${seq}`);
      await db.exec('ROLLBACK TO s; RELEASE s');
    }
    assert.ok((await verifyAudit(db)).ok);
  });
}

test('any single byte of a row that is changed is found', async () => {
  const { db } = await journalOfTen();
  const [row] = await db.all<Record<string, Value>>('SELECT id, actor, outcome, body, hash FROM journal WHERE seq = 5');
  for (const [column, text] of Object.entries(row!)) {
    for (let at = 0; at < String(text).length; at++) {
      const tampered = Buffer.from(String(text));
      tampered[at]! ^= 1 << at % 7;
      await db.run(`UPDATE journal SET ${column} = ? WHERE seq = 5`, tampered.toString());
      assert.equal((await firstBad(db))?.seq, 5, `${column}, byte ${at}`);
      await db.run(`UPDATE journal SET ${column} = ? WHERE seq = 5`, text);
    }
  }
});

test('text moved from one column to its neighbour is found', () => {
  const row = { seq: 1, id: 'b', actor: 'c', rev: null, at_ms: 1, outcome: 'applied', body: '{}', digest: null, parts: null };
  const hashes = [row, { ...row, id: 'b|1:c', actor: '' }, { ...row, outcome: 'applied|1:b', id: 'c', actor: '' }, { ...row, actor: 'c|{', body: '}' }].map((r) => chainHash('0', r));
  assert.equal(new Set(hashes).size, hashes.length);
});

const tampering: [title: string, sql: string, seq: number, reason: RegExp][] = [
  ['a deleted row', 'DELETE FROM journal WHERE seq = 4', 4, /missing/],
  ['a deleted first row', 'DELETE FROM journal WHERE seq = 1', 1, /missing/],
  ['a deleted row whose gap was closed', 'DELETE FROM journal WHERE seq = 4; UPDATE journal SET seq = seq - 1 WHERE seq > 4', 4, /changed/],
  ['two swapped rows', 'UPDATE journal SET seq = -4 WHERE seq = 4; UPDATE journal SET seq = 4 WHERE seq = 5; UPDATE journal SET seq = 5 WHERE seq = -4', 4, /changed/],
  ['a copied row at the end', "INSERT INTO journal SELECT 11, 'copy', actor, rev, at_ms, outcome, body, digest, parts, hash FROM journal WHERE seq = 10", 11, /changed/],
  ['a row inserted before the first', "INSERT INTO journal SELECT -1, 'copy', actor, rev, at_ms, outcome, body, digest, parts, hash FROM journal WHERE seq = 10", -1, /inserted/],
  ['a cut tail', 'DELETE FROM journal WHERE seq > 7', 8, /10 commits were counted, the journal has 7/],
  ['a journal that was emptied', 'DELETE FROM journal', 1, /10 commits were counted/],
];
for (const [title, sql, seq, reason] of tampering) {
  test(`${title} is found`, async () => {
    const { db } = await journalOfTen();
    await db.exec(sql);
    const verdict = await verifyAudit(db);
    assert.equal(verdict.ok, false);
    assert.equal(verdict.firstBad?.seq, seq);
    assert.match(verdict.firstBad.reason, reason);
  });
}

test('a forged row with a correct hash at the end is found by the count', async () => {
  const { db } = await journalOfTen();
  const [last] = await db.all<{ hash: string }>('SELECT hash FROM journal WHERE seq = 10');
  const row = { seq: 11, id: 'forged', actor: 'a/1', rev: null, at_ms: 1, outcome: 'applied', body: '{}', digest: null, parts: null };
  await db.run('INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', ...Object.values(row), chainHash(last!.hash, row));
  assert.match((await firstBad(db))!.reason, /10 commits were counted, the journal has 11/);
});

test('names of every script verify after the way through the file', async () => {
  const { db, committer } = await tempStore();
  for (const name of ['ä€😀', 'a\0b', '\u2028', "'; DROP TABLE journal; --", '\uffff']) await committer.commit(commitOf(name, { actor: `order/${name}`, journal: JSON.stringify({ name }) }));
  assert.deepEqual([(await verifyAudit(db)).ok, (await verifyAudit(db)).rows], [true, 5]);
});

test('a journal that is being written verifies all the while', async () => {
  const { committer, file } = await journalOfTen();
  const reader = await openTemp(file, { readOnly: true });
  const writing = (async () => {
    for (let i = 0; i < 150; i++) await Promise.all([0, 1, 2].map((k) => committer.commit(commitOf(`more-${i}-${k}`))));
  })();
  const written = writing.then(() => true);
  do assert.deepEqual(await firstBad(reader), undefined);
  while (!(await Promise.race([written, setImmediate(false)])));
  assert.equal((await verifyAudit(reader)).rows, 460);
});

/** Eight commits with records of every kind, some of their columns null, and the same door. Commit 2 leads to a question of the store's own. */
async function storeOfRecords() {
  const { db, committer } = await tempStore();
  for (let i = 1; i <= 8; i++) {
    const bytes = `text ${i}`;
    await committer.commit(commitOf(`id-${i}`, {
      facts: [
        { entity: 'person/anna', predicate: 'city', value: `city ${Math.ceil(i / 2)}`, label: 'untrusted', confidence: 0.5, ...(i % 2 ? {} : { source: 'm-1#L2', supersedes: `f-${i - 1}-0`, validToMs: 1_800_000_000_000 }) },
        { entity: 'organisation/acme', predicate: 'note', value: { i, half: i / 2 }, label: 'system', confidence: 1 },
      ],
      intents: [{ id: 'i-1', kind: 'task', state: 'working', ...(i % 2 ? { summary: 'Do it', data: { i } } : {}) }],
      decisions: [{ what: 'triage', outcome: 'inquiry', confidence: i % 2 ? null : 0.9, reasons: ['r'], evidence: [], policy: null, model: null, costMicros: i }],
      annotations: [{ kind: 'remark', target: { kind: 'fact', id: `f-${i}-0` }, text: `remark ${i}` }],
      spends: [
        { state: 'reserved', id: `call-${i}`, micros: 100 + i, workflow: 'mail', run: `mail/m-${Math.ceil(i / 2)}`, untilMs: 1_790_000_060_000, task: 'triage', tier: 'small', provider: 'p', model: 'm', price: 'list' },
        ...(i > 1 ? [{ state: 'settled' as const, id: `call-${i - 1}`, micros: i, outcome: 'answered', inputTokens: i, outputTokens: null, note: '' }] : []),
      ],
      artifacts: [{ id: 'draft/1', kind: 'draft', mediaType: 'text/plain', hash: `h${i}`, sizeBytes: bytes.length, ...(i % 2 ? { name: 'a.txt' } : {}), text: bytes }],
      ...(i % 2 ? { step: stepOf((i - 1) / 2) } : {}),
    }));
  }
  for (const { name } of await db.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'trigger'")) await db.exec(`DROP TRIGGER ${name}`);
  assert.ok((await verifyAudit(db)).ok);
  return { db, committer };
}

/** Does something and undoes it. Answers null when the schema alone refuses it. */
async function whenTampered<T>(db: Database, look: () => Promise<T>, sql: string, ...values: Value[]): Promise<T | null> {
  await db.exec('SAVEPOINT s');
  try {
    return (await db.run(sql, ...values).catch((error: { code?: string }) => (error.code === 'REFUSED' ? 0 : Promise.reject(error as Error)))) > 0 ? await look() : null;
  } finally {
    await db.exec('ROLLBACK TO s; RELEASE s');
  }
}

/** What somebody might make of a value: one bit of a text, the next number, something of nothing. */
function changesOf(value: Value, type: string, bit: number): Value[] {
  if (value === null) return type === 'TEXT' ? ['', 'x', 'null'] : type === 'REAL' ? [0, 0.5, Infinity] : [0, 1];
  if (typeof value === 'number') return type === 'REAL' ? [null, value + Number.EPSILON, value / 2 + 0.1, Infinity] : [null, value + 1, value - 1];
  const flipped = Buffer.from(String(value));
  const at = Math.floor(bit * flipped.length);
  if (flipped.length > 0) flipped[at]! ^= 1 << Math.floor(bit * 7_919) % 7;
  return [null, `${String(value)}\0`, `${String(value)} `, String(value).slice(1), flipped.toString()].filter((changed) => changed !== value);
}

const keyOf = (table: Vouched | 'journal') => (table === 'artifact' ? ['id', 'version'] : table === 'journal' ? ['seq'] : ['n']);
const seqOf = (table: Vouched, row: Record<string, Value>) => (table === 'artifact' ? Number(row['seq']) : Math.floor(Number(row['n']) / 1_024));

for (const table of vouched) {
  const rowsOf = (db: Database) => db.all<Record<string, Value>>(`SELECT ${tables[table].join()} FROM ${table} ORDER BY ${keyOf(table).join()}`);
  const where = keyOf(table).map((key) => `${key} = ?`).join(' AND ');
  const insert = `INSERT INTO ${table} (${tables[table].join()}) VALUES (${tables[table].map(() => '?').join()})`;

  test(`a change of any column of a row in ${table} is found and its commit is named`, async (t) => {
    const { db } = await storeOfRecords();
    const random = randomFrom(seed);
    const types = new Map((await db.all<{ name: string; type: string }>(`PRAGMA table_info(${table})`)).map(({ name, type }) => [name, type]));
    const rows = await rowsOf(db);
    let found = 0;
    for (const row of [rows[0]!, rows[1]!, random.pick(rows), random.pick(rows), rows.at(-1)!]) {
      for (const column of tables[table]) {
        for (const changed of changesOf(row[column]!, types.get(column)!, random.next())) {
          const bad = await whenTampered(db, () => firstBad(db), `UPDATE ${table} SET ${column} = ? WHERE ${where}`, changed, ...keyOf(table).map((key) => row[key]!));
          if (bad === null) continue;
          const seqs = [seqOf(table, row), seqOf(table, { ...row, [column]: changed })];
          assert.equal(bad?.seq, Math.min(...seqs.filter((seq) => seq <= 8)), `seed ${seed}: ${JSON.stringify(row)}, ${column} = ${JSON.stringify(changed)}`);
          found++;
        }
      }
    }
    assert.ok(found > 60, `${found}`);
    t.diagnostic(`${found} changes, all found`);
  });

  test(`a row of ${table} that was deleted, copied to another place or swapped with another is found`, async () => {
    const { db } = await storeOfRecords();
    const rows = await rowsOf(db);
    for (const row of rows) assert.equal((await whenTampered(db, () => firstBad(db), `DELETE FROM ${table} WHERE ${where}`, ...keyOf(table).map((key) => row[key]!)))?.seq, seqOf(table, row));
    assert.equal((await whenTampered(db, () => firstBad(db), `DELETE FROM ${table}`))?.seq, Math.min(...rows.map((row) => seqOf(table, row))));

    const last = rows.at(-1)!;
    const placed = (seq: number, place: number) => tables[table].map((column): Value => (column === 'n' ? seq * 1_024 + place : column === 'id' && (table === 'artifact' || table === 'spend') ? `rogue-${seq}` : column === 'seq' ? seq : last[column]!));
    // Beyond the last commit the row after it is named, below the first one none that could be there.
    for (const [seq, named] of [[3, 3], [8, 8], [9, 9], [1e9, 9], [2 ** 43, 9], [0, 0], [-1, -1], [-(2 ** 42), -(2 ** 42)]] as const) {
      const bad = await whenTampered(db, () => firstBad(db), insert, ...placed(seq, 1_000));
      assert.ok(bad && (named > 0 ? bad.seq === named : bad.seq <= 0), `${seq}: ${JSON.stringify(bad)}`);
    }

    const other = rows.find((row) => seqOf(table, row) === 3)!;
    const same = (a: Record<string, Value>, b: Record<string, Value>) => tables[table].map((column) => (column === 'n' || column === 'seq' || (table === 'artifact' && keyOf(table).includes(column)) ? a[column]! : b[column]!));
    await db.run(`DELETE FROM ${table} WHERE ${keyOf(table)[0]} IN (?, ?) AND seq IN (3, 8)`, other[keyOf(table)[0]!]!, last[keyOf(table)[0]!]!);
    await db.run(insert, ...same(other, last));
    await db.run(insert, ...same(last, other));
    assert.equal((await firstBad(db))?.seq, 3);
  });
}

test('records where nothing was ever committed are found', async () => {
  for (const n of [0, 5, 1_023, 1_024, -1]) {
    const { db } = await tempStore();
    await db.run("INSERT INTO decision VALUES (?, 'a/1', 0, 0, 'w', 'o', NULL, NULL, '{}')", n);
    assert.match((await firstBad(db))!.reason, /records of a commit that the journal does not have/);
  }
});

test('a row far below the first one is found', async () => {
  const { db } = await journalOfTen();
  await db.exec("INSERT INTO journal SELECT -9223372036854775807, 'low', actor, rev, at_ms, outcome, body, digest, parts, hash FROM journal WHERE seq = 10");
  assert.deepEqual(await firstBad(db), { seq: -(2 ** 63), reason: 'the row was inserted' });
});

test('any column of any journal row with records can be changed in no way that is not found', async () => {
  const { db } = await storeOfRecords();
  const random = randomFrom(seed);
  const types = new Map((await db.all<{ name: string; type: string }>('PRAGMA table_info(journal)')).map(({ name, type }) => [name, type]));
  for (const row of await db.all<Record<string, Value>>('SELECT * FROM journal')) {
    for (const [column, value] of Object.entries(row)) {
      if (column === 'seq') continue;
      for (const changed of changesOf(value, types.get(column)!, random.next())) {
        const bad = await whenTampered(db, () => firstBad(db), `UPDATE journal SET ${column} = ? WHERE seq = ?`, changed, row['seq']!);
        if (bad !== null) assert.equal(bad?.seq, row['seq'], `seed ${seed}: ${column} = ${JSON.stringify(changed)}`);
      }
    }
  }
});

/** Recomputes the chain from some row on: what somebody does who knows how it is made. */
async function rechain(db: Database, from: number) {
  const [before] = await db.all<{ hash: string }>('SELECT hash FROM journal WHERE seq = ?', from - 1);
  let head = before!.hash;
  for (const row of await db.all<Parameters<typeof chainHash>[1]>('SELECT * FROM journal WHERE seq >= ? ORDER BY seq', from)) {
    head = chainHash(head, row);
    await db.run('UPDATE journal SET hash = ? WHERE seq = ?', head, row.seq);
  }
}
const headsOf = (db: Database) => db.all<KnownHead & Record<string, Value>>('SELECT seq, hash FROM journal WHERE seq IN (3, 7, 10)');

test('a tail that was cut together with its counters is found by a head that was written down', async () => {
  const { db } = await journalOfTen();
  const heads = await headsOf(db);
  assert.ok((await verifyAudit(db, heads)).ok);
  await db.exec('DELETE FROM journal WHERE seq > 7; UPDATE counter SET applied = applied - 3, received = received - 3');
  assert.deepEqual((await verifyAudit(db)).ok, true, 'the file alone does not show it');
  assert.deepEqual((await verifyAudit(db, heads)).firstBad, { seq: 8, reason: 'the journal ends at 7, but row 10 was there once' });
  assert.ok((await verifyAudit(db, heads.slice(0, 2))).ok);
});

test('records that were left behind by a cut tail are found without a head', async () => {
  for (const kept of vouched) {
    const { db } = await storeOfRecords();
    await db.exec('DELETE FROM journal WHERE seq > 6; UPDATE counter SET applied = applied - 2');
    for (const table of vouched) if (table !== kept) await db.exec(`DELETE FROM ${table} WHERE seq > 6`);
    assert.deepEqual(await firstBad(db), { seq: 7, reason: 'there are records of a commit that the journal does not have' }, kept);
  }
});

test('a chain that was rewritten from some row on is found by the next head that was written down', async () => {
  const { db } = await journalOfTen();
  const heads = await headsOf(db);
  await db.exec("UPDATE journal SET outcome = 'refused' WHERE seq = 5");
  await rechain(db, 5);
  assert.ok((await verifyAudit(db)).ok, 'the file alone does not show it');
  assert.deepEqual((await verifyAudit(db, heads)).firstBad, { seq: 7, reason: 'the row is not the one whose hash was written down' });
  assert.deepEqual((await verifyAudit(db, heads.slice(2))).firstBad?.seq, 10);
  assert.ok((await verifyAudit(db, heads.slice(0, 1))).ok, 'no head after it');
});

test('records that were changed together with the chain are found by a head', async () => {
  const { db } = await storeOfRecords();
  const heads = await headsOf(db);
  await db.exec('DELETE FROM fact WHERE seq = 4; DELETE FROM intent_change WHERE seq = 4; DELETE FROM decision WHERE seq = 4; DELETE FROM annotation WHERE seq = 4; DELETE FROM artifact WHERE seq = 4; DELETE FROM spend WHERE seq = 4; UPDATE journal SET parts = NULL WHERE seq = 4');
  await rechain(db, 4);
  assert.deepEqual([(await verifyAudit(db)).ok, (await verifyAudit(db, heads)).firstBad?.seq], [true, 7]);
});

test('verification walks some 50,000 rows a second, with and without records (printed, not judged)', async (t) => {
  const fact = { predicate: 'city', value: 'x'.repeat(100), label: 'untrusted' as const, confidence: 0.5, source: 'm-1' };
  for (const [name, facts] of [['without records', []], ['with a fact each', [fact]]] as const) {
    const { db, committer } = await tempStore();
    const journal = { text: 'x'.repeat(1000) };
    await Promise.all(Array.from({ length: 10_000 }, (_, i) => committer.commit(commitOf(`n${i}`, { journal: JSON.stringify(journal), facts: facts.map((one) => ({ ...one, entity: `person/p${i}` })) }))));
    const from = performance.now();
    assert.deepEqual((await verifyAudit(db)).rows, 10_000);
    t.diagnostic(`${Math.round(10_000_000 / (performance.now() - from))} rows of 1 KB per second ${name}`);
  }
});
