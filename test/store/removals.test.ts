import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { sha256 } from '#actors/hash.ts';
import type { Database } from '#store/database.ts';
import { firstUncovered, readRemoval, toRanges, type Ranges } from '#store/removals.ts';
import { readParts, verifyAudit } from '#store/verify.ts';
import { commitOf, tempStore } from './temp-store.ts';

const numbersOf = (ranges: Ranges) => ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
const sorted = fc.uniqueArray(fc.nat(60), { maxLength: 30 }).map((numbers) => numbers.toSorted((a, b) => a - b));
const range = fc.tuple(fc.nat(60), fc.nat(10)).map(([from, more]): [number, number] => [from, from + more]);

test('ranges hold exactly the numbers they were made of, and no two of them touch', () => {
  assert.deepEqual(toRanges([1, 2, 3, 7]), [[1, 3], [7, 7]]);
  fc.assert(fc.property(sorted, (numbers) => {
    const ranges = toRanges(numbers);
    assert.deepEqual(numbersOf(ranges), numbers);
    for (const [i, [from]] of ranges.entries()) if (i > 0) assert.ok(from > ranges[i - 1]![1] + 1);
  }));
});

test('the first number that is covered by no range is the one that looking at each finds', () => {
  fc.assert(fc.property(sorted, fc.array(fc.array(range, { maxLength: 4 }), { maxLength: 4 }), (numbers, declared) => {
    const covered = new Set(declared.flatMap(numbersOf));
    assert.equal(firstUncovered(toRanges(numbers), declared), numbers.find((number) => !covered.has(number)) ?? null);
  }), { numRuns: 1_000 });
});

const removed = { reason: 'erased', bodies: [[2, 4]], records: [] };
test('only the store declares, and only what has the shape of a declaration', () => {
  const body = JSON.stringify({ removed });
  assert.deepEqual(readRemoval('store/erase', body), { ...removed, left: {} });
  for (const actor of ['operator/you', 'order/1', 'storeroom/1', 'store', 'mail/store/erase']) assert.equal(readRemoval(actor, body), null, actor);
  assert.equal(readRemoval('store/erase', null), null);
  for (const wrong of [undefined, null, [], { ...removed, reason: 'felt like it' }, { ...removed, bodies: [[2]] }, { ...removed, bodies: [['2', '4']] }, { ...removed, bodies: [[2, 4.5]] }, { reason: 'erased' }]) assert.equal(readRemoval('store/erase', JSON.stringify({ removed: wrong })), null, JSON.stringify(wrong));
});

/** Ten rows with a fact and a decision each; the ways in which something goes. */
async function tenRows() {
  const { db, committer } = await tempStore();
  for (let i = 1; i <= 10; i++) {
    await committer.commit(commitOf(`id-${i}`, {
      facts: [{ entity: 'person/anna', predicate: `city.${i}`, value: i, label: 'untrusted', confidence: 0.5 }],
      decisions: [{ what: 'triage', outcome: 'x', confidence: null, reasons: [], evidence: [], policy: null, model: null, costMicros: null }],
    }));
  }
  await db.exec('DROP TRIGGER journal_is_append_only_update; DROP TRIGGER fact_is_append_only_delete; DROP TRIGGER fact_is_append_only_update');
  const declare = (what: object, actor = 'store/erase') => committer.commit(commitOf(`removal:${Math.random()}`, { actor, journal: JSON.stringify({ removed: { reason: 'erased', bodies: [], records: [], ...what } }) }));
  return { db, declare };
}
async function removeBody(db: Database, ...seqs: number[]) {
  for (const seq of seqs) {
    const [row] = await db.all<{ body: string }>('SELECT body FROM journal WHERE seq = ?', seq);
    await db.run('UPDATE journal SET body = NULL, digest = ? WHERE seq = ?', sha256(row!.body), seq);
  }
}
const firstBad = async (db: Database) => (await verifyAudit(db)).firstBad;
const undeclared = (seq: number) => ({ seq, reason: 'its body is gone and nothing says why' });

suite('a body that is gone', () => {
  test('is found when nothing declares it', async () => {
    const { db } = await tenRows();
    await removeBody(db, 4);
    assert.deepEqual(await firstBad(db), undeclared(4));
  });

  test('is fine when a later row of the store declares it, alone or within a range', async () => {
    for (const bodies of [[[4, 4]], [[1, 2], [3, 9]], [[4, 4], [4, 4]]]) {
      const { db, declare } = await tenRows();
      await removeBody(db, 4);
      await declare({ bodies });
      assert.deepEqual(await firstBad(db), undefined, JSON.stringify(bodies));
    }
  });

  test('is found when the declaration is about another row, about records, or by another actor', async () => {
    for (const [what, actor] of [[{ bodies: [[3, 3], [5, 9]] }], [{ records: [[4, 4]] }], [{ bodies: [[4, 4]] }, 'operator/you'], [{ bodies: [[4, 4]] }, 'order/1'], [{ bodies: [[4, 4]], reason: 'no reason' }]] as [object, string?][]) {
      const { db, declare } = await tenRows();
      await removeBody(db, 4);
      await declare(what, actor);
      assert.deepEqual(await firstBad(db), undeclared(4), JSON.stringify([what, actor]));
    }
  });

  test('is named first among several that nobody declared', async () => {
    const { db, declare } = await tenRows();
    await removeBody(db, 3, 6, 8);
    await declare({ bodies: [[3, 3], [8, 8]] });
    assert.deepEqual(await firstBad(db), undeclared(6));
  });

  test('cannot have been another one: the digest belongs to the chain', async () => {
    const { db, declare } = await tenRows();
    await db.run('UPDATE journal SET body = NULL, digest = ? WHERE seq = 4', sha256('{"note":"another"}'));
    await declare({ bodies: [[4, 4]] });
    assert.deepEqual(await firstBad(db), { seq: 4, reason: 'the row was changed' });
  });

  test('may be declared and still be there', async () => {
    const { db, declare } = await tenRows();
    await declare({ bodies: [[1, 10]], records: [[1, 10]] });
    assert.deepEqual(await firstBad(db), undefined);
  });

  test('takes its own declaration with it', async () => {
    const { db, declare } = await tenRows();
    await removeBody(db, 4);
    await declare({ bodies: [[4, 4]] });
    await removeBody(db, 11);
    assert.deepEqual(await firstBad(db), undeclared(4));
    await declare({ bodies: [[4, 4], [11, 11]] });
    assert.deepEqual(await firstBad(db), undefined);
  });
});

test('a declaration does not cover a body that was changed instead of removed', async () => {
  const { db, declare } = await tenRows();
  await db.run("UPDATE journal SET body = '{\"note\":\"another\"}' WHERE seq = 4");
  await declare({ bodies: [[4, 4]], records: [[4, 4]] });
  assert.deepEqual(await firstBad(db), { seq: 4, reason: 'the row was changed' });
});

test('a row that was changed is the one that is named, although bodies before it went and are declared behind it', async () => {
  const { db, declare } = await tenRows();
  await removeBody(db, 2, 3);
  await db.exec('DELETE FROM fact WHERE seq = 4; DELETE FROM decision WHERE seq = 4');
  await declare({ bodies: [[2, 3]], records: [[4, 4]] });
  await db.exec('UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 7');
  assert.deepEqual(await firstBad(db), { seq: 7, reason: 'the row was changed' });
  await db.exec("UPDATE journal SET at_ms = at_ms - 1 WHERE seq = 7; UPDATE journal SET body = 'no JSON' WHERE seq = 11");
  assert.deepEqual((await firstBad(db))?.seq, 2, 'a declaration that cannot be read declares nothing');
});

suite('records that are gone', () => {
  test('are found when nothing declares them, or only the body', async () => {
    const { db, declare } = await tenRows();
    await db.exec('DELETE FROM fact WHERE seq = 4; DELETE FROM decision WHERE seq = 4');
    await declare({ bodies: [[4, 4]] });
    assert.deepEqual(await firstBad(db), { seq: 4, reason: 'its records were changed' });
    await declare({ records: [[4, 5]] });
    assert.deepEqual(await firstBad(db), undefined);
  });

  test('of another commit are found beside those that are declared', async () => {
    const { db, declare } = await tenRows();
    await db.exec('DELETE FROM fact WHERE seq IN (4, 6); DELETE FROM decision WHERE seq = 4');
    await declare({ records: [[4, 4]] });
    assert.deepEqual(await firstBad(db), { seq: 6, reason: 'its records were changed' });
  });

  test('of the first commit do not hide rows that were never in a commit', async () => {
    const { db, declare } = await tenRows();
    await db.exec('DELETE FROM fact WHERE seq = 1; DELETE FROM decision WHERE seq = 1');
    await declare({ records: [[1, 1]] });
    assert.deepEqual(await firstBad(db), undefined);
    await db.exec("INSERT INTO decision SELECT 5, actor, 0, at_ms, what, outcome, confidence, machine, detail FROM decision WHERE seq = 2");
    assert.match((await firstBad(db))!.reason, /records of a commit that the journal does not have/);
  });

  test('leave the rest of their commit as it was declared, and as the last declaration says', async () => {
    const { db, declare } = await tenRows();
    const left = async () => ({ 4: (await readParts(db, [4]))(4)! });
    await db.exec('DELETE FROM fact WHERE seq = 4');
    await declare({ records: [[4, 4]] });
    assert.deepEqual((await firstBad(db))?.seq, 4, 'nothing is said to be left');
    await declare({ records: [[4, 4]], left: await left() });
    assert.deepEqual(await firstBad(db), undefined);
    await db.exec("UPDATE decision SET outcome = 'forged' WHERE seq = 4");
    assert.deepEqual(await firstBad(db), { seq: 4, reason: 'its records were changed' });
    await declare({ records: [[3, 5]], left: await left() });
    assert.deepEqual(await firstBad(db), undefined);
  });
});
