import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { chainHash } from '#store/audit.ts';
import type { Database, Value } from '#store/database.ts';
import { verifyAudit } from '#store/verify.ts';
import { commitOf, openTemp, stepOf, tempStore } from './temp-store.ts';

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

test('verification walks some 50,000 rows a second (printed, not judged)', async (t) => {
  const { db, committer } = await tempStore();
  const journal = { text: 'x'.repeat(1000) };
  await Promise.all(Array.from({ length: 20_000 }, (_, i) => committer.commit(commitOf(`n${i}`, { journal: JSON.stringify(journal) }))));
  const from = performance.now();
  assert.deepEqual((await verifyAudit(db)).rows, 20_000);
  t.diagnostic(`${Math.round(20_000_000 / (performance.now() - from))} rows of 1 KB per second`);
});
