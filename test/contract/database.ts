// What the store needs from a database driver. Every implementation of `Database` runs it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { KeelsonError, type Code } from '#machines/errors.ts';
import type { Database, OpenOptions } from '#store/database.ts';

export interface DatabaseDriver {
  name: string;
  open(file: string, options?: OpenOptions): Promise<Database>;
  tempDir(): string;
}

export const withCode = (code: Code, text = /./) => (error: unknown) => {
  assert.ok(error instanceof KeelsonError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

export function databaseContract({ name, open, tempDir }: DatabaseDriver): void {
  const fresh = async () => {
    const file = join(tempDir(), 'contract.db');
    const db = await open(file);
    await db.exec('CREATE TABLE item (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size REAL) STRICT');
    return { file, db };
  };

  suite(`database contract: ${name}`, () => {
    test('what is not bound is null, also after the same statement had values there', async () => {
      const { db } = await fresh();
      const insert = 'INSERT INTO item (n, name, size) VALUES (?, ?, ?)';
      await db.run(insert, 1, 'a', 2.5);
      await db.run(insert, 2, 'b');
      assert.deepEqual(await db.all('SELECT * FROM item ORDER BY n'), [{ n: 1, name: 'a', size: 2.5 }, { n: 2, name: 'b', size: null }]);
      await db.close();
    });

    test('different statements run in the order in which they were asked for', async () => {
      const { db } = await fresh();
      const work: Promise<unknown>[] = [];
      for (let i = 0; i < 200; i++) {
        work.push(db.run('INSERT INTO item (n, name) VALUES (?, ?)', i, `a${i}`));
        work.push(db.run('UPDATE item SET name = ? WHERE n = ?', `b${i}`, i));
        work.push(db.exec(`UPDATE item SET size = ${i} WHERE n = ${i}`));
        work.push(db.all<{ name: string; size: number }>('SELECT name, size FROM item WHERE n = ?', i).then((rows) => assert.deepEqual(rows, [{ name: `b${i}`, size: i }])));
      }
      await Promise.all(work);
    });

    test('run answers how many rows changed', async () => {
      const { db } = await fresh();
      assert.equal(await db.run("INSERT INTO item (name) VALUES ('a'), ('b')"), 2);
      assert.equal(await db.run('UPDATE item SET size = 1 WHERE name = ?', 'nobody'), 0);
    });

    test('values come back as they were bound', async () => {
      const { db } = await fresh();
      const values = ['ä€😀', 'a\0b', "'; DROP TABLE item; --", '\u2028', '123', '', 2 ** 40, -0.5, 0, null];
      for (const value of values) assert.deepEqual((await db.all<{ v: unknown }>('SELECT ? AS v', value))[0]!.v, value);
      assert.deepEqual(new Uint8Array((await db.all<{ v: Uint8Array }>('SELECT ? AS v', Buffer.from([0, 255, 7])))[0]!.v), new Uint8Array([0, 255, 7]));
    });

    test('a numbered parameter may stand anywhere and more than once', async () => {
      const { db } = await fresh();
      assert.deepEqual(await db.all('SELECT ?2 AS b, ?1 AS a, ?2 AS again', 'x', 'y'), [{ b: 'y', a: 'x', again: 'y' }]);
    });

    test('a small whole number is bound as one', async () => {
      const { db } = await fresh();
      assert.deepEqual(await db.all("SELECT typeof(?1) AS type, ?1 || '' AS text, typeof(?2) AS other", -7, 0.5), [{ type: 'integer', text: '-7', other: 'real' }]);
    });

    test('a broken constraint is REFUSED, and the statement works again afterwards', async () => {
      const { db } = await fresh();
      const insert = 'INSERT INTO item (name) VALUES (?)';
      await db.run(insert, 'a');
      await assert.rejects(db.run(insert, 'a'), withCode('REFUSED', /UNIQUE/));
      await assert.rejects(db.run(insert, null), withCode('REFUSED', /NOT NULL/));
      assert.equal(await db.run(insert, 'b'), 1);
    });

    test('a value of the wrong type is REFUSED', async () => {
      const { db } = await fresh();
      await assert.rejects(db.run('INSERT INTO item (n, name) VALUES (?, ?)', 1.5, 'a'), withCode('REFUSED'));
    });

    test('a statement that cannot be prepared is STORE_FAILED, and works once its table exists', async () => {
      const { db } = await fresh();
      await assert.rejects(db.all('SELECT * FROM later'), withCode('STORE_FAILED', /later/));
      await assert.rejects(db.run('INSERT INTO later VALUES (1)'), withCode('STORE_FAILED', /later/));
      await db.exec('CREATE TABLE later (n)');
      assert.equal(await db.run('INSERT INTO later VALUES (1)'), 1);
      assert.deepEqual(await db.all('SELECT * FROM later'), [{ n: 1 }]);
    });

    test('an error in the queue does not stop what waits behind it', async () => {
      const { db } = await fresh();
      const broken = db.exec('NOT SQL');
      const next = db.run('INSERT INTO item (name) VALUES (?)', 'a');
      await assert.rejects(broken, withCode('STORE_FAILED', /syntax/));
      assert.equal(await next, 1);
    });

    test('prepared statements survive a change of the schema and a rolled back transaction', async () => {
      const { db } = await fresh();
      const select = 'SELECT * FROM item';
      await db.all(select);
      await db.run('BEGIN IMMEDIATE');
      await db.exec('ALTER TABLE item ADD COLUMN colour TEXT');
      await db.run('ROLLBACK');
      await db.exec("ALTER TABLE item ADD COLUMN weight REAL; INSERT INTO item (name) VALUES ('a')");
      assert.deepEqual(await db.all(select), [{ n: 1, name: 'a', size: null, weight: null }]);
    });

    test('a closed database rejects instead of failing the process', async () => {
      const { db } = await fresh();
      await db.run('BEGIN');
      await db.run('ROLLBACK');
      await db.close();
      await assert.rejects(db.run('BEGIN'), withCode('STORE_FAILED'));
      await assert.rejects(db.all('SELECT 1'), withCode('STORE_FAILED'));
      await assert.rejects(db.exec('SELECT 1'), withCode('STORE_FAILED'));
    });

    test('a reader sees what was committed and cannot write', async () => {
      const { file, db } = await fresh();
      await db.run('INSERT INTO item (name) VALUES (?)', 'a');
      const reader = await open(file, { readOnly: true });
      assert.deepEqual(await reader.all('SELECT name FROM item'), [{ name: 'a' }]);
      await assert.rejects(reader.run('INSERT INTO item (name) VALUES (?)', 'b'), withCode('STORE_FAILED', /readonly/));
      await assert.rejects(reader.exec('DROP TABLE item'), withCode('STORE_FAILED', /readonly/));
      await db.run('INSERT INTO item (name) VALUES (?)', 'c');
      assert.deepEqual(await reader.all('SELECT name FROM item ORDER BY n'), [{ name: 'a' }, { name: 'c' }]);
      await reader.close();
    });

    test('a write while another connection holds the write lock is STORE_BUSY', async () => {
      const { file, db } = await fresh();
      const other = await open(file);
      await db.exec('PRAGMA busy_timeout = 20');
      await other.exec('BEGIN IMMEDIATE');
      await assert.rejects(db.run('BEGIN IMMEDIATE'), withCode('STORE_BUSY'));
      await other.exec('ROLLBACK');
      await db.run('BEGIN IMMEDIATE');
      await other.close();
    });

    test('a bare connection keeps what SQLite itself would do', async () => {
      const db = await open(join(tempDir(), 'bare.db'), { bare: true });
      await db.exec('CREATE TABLE t (n)');
      assert.deepEqual(await db.all('PRAGMA journal_mode'), [{ journal_mode: 'delete' }]);
    });

    test('a file that is no database is STORE_DAMAGED, named, and nothing stays open', async () => {
      const file = join(tempDir(), 'a.db');
      writeFileSync(file, 'this is not a database, but long enough to look like one '.repeat(100));
      await assert.rejects(open(file), withCode('STORE_DAMAGED', /a\.db is damaged/));
      assert.ok(!existsSync(`${file}-wal`));
    });

    test('a damaged page is STORE_DAMAGED', async () => {
      const { file, db } = await fresh();
      await db.exec("WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) INSERT INTO item (name) SELECT printf('%0200d', n) FROM c");
      await db.close();
      writeFileSync(file, readFileSync(file).fill(0xff, 4096 * 4, 4096 * 12));
      await assert.rejects(open(file).then((again) => again.all('SELECT * FROM item')), withCode('STORE_DAMAGED', /contract\.db is damaged/));
    });

    test('a missing folder is STORE_FAILED and names the file', async () => {
      await assert.rejects(open(join(tempDir(), 'no/such.db')), withCode('STORE_FAILED', /such\.db/));
    });
  });
}
