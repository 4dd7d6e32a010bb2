import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backupStore } from '#store/backup.ts';
import { readCopies } from '#store/copies.ts';
import { verifyAudit } from '#store/verify.ts';
import { withCode } from '#test/contract/database.ts';
import { richStore } from './rich-store.ts';
import { commitOf, countRows, damage, openTemp, tempDir, tempStore } from './temp-store.ts';

const nowMs = 1_800_000_000_000;

test('a backup is one file with everything, readable by its owner only, and remembered', async () => {
  const { dir, db } = await richStore(30);
  const file = join(tempDir(), 'backup.db');
  const made = await backupStore({ dataDir: dir, file, nowMs });
  assert.deepEqual(made, { backup: file, bytes: statSync(file).size });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readCopies(dir), [{ kind: 'backup', path: file, at: '2027-01-15T08:00:00.000Z' }]);
  const copy = await openTemp(file, { readOnly: true });
  for (const table of ['journal', 'actor', 'outbox', 'fact', 'intent', 'artifact', 'decision', 'blob', 'parked', 'search'] as const) assert.equal(await countRows(copy, table), await countRows(db, table), table);
  assert.equal((await verifyAudit(copy)).ok, true);
  assert.deepEqual(await copy.all('PRAGMA auto_vacuum'), [{ auto_vacuum: 2 }]);
  await copy.close();
  assert.deepEqual(readdirSync(join(file, '..')), ['backup.db']);
});

test('a backup that is taken while the store writes is one moment', async () => {
  const { dir, committer } = await richStore(200);
  const state = { done: false };
  const writing = (async () => {
    for (let i = 0; !state.done; i++) await committer.commit(commitOf(`later-${i}`));
  })();
  const file = join(tempDir(), 'backup.db');
  await backupStore({ dataDir: dir, file, nowMs });
  state.done = true;
  await writing;
  assert.equal((await verifyAudit(await openTemp(file, { readOnly: true }))).ok, true);
});

test('a file that exists is not written over', async () => {
  const { dir } = await tempStore();
  const file = join(tempDir(), 'mine');
  writeFileSync(file, 'mine');
  await assert.rejects(backupStore({ dataDir: dir, file, nowMs }), withCode('BAD_ARGUMENT', /exists/));
  assert.equal(readFileSync(file, 'utf8'), 'mine');
});

test('a folder that is not there is named, and not made', async () => {
  const { dir } = await tempStore();
  const folder = join(tempDir(), 'not-mounted');
  await assert.rejects(backupStore({ dataDir: dir, file: join(folder, 'b.db'), nowMs }), withCode('BAD_ARGUMENT', /no folder/));
  assert.equal(existsSync(folder), false);
});

test('a store whose journal does not verify gives no backup', async () => {
  const { dir, db } = await richStore(10);
  await db.exec('DROP TRIGGER journal_is_append_only_update');
  await db.run("UPDATE journal SET actor = 'order/99' WHERE seq = 6");
  const folder = tempDir();
  await assert.rejects(backupStore({ dataDir: dir, file: join(folder, 'b.db'), nowMs }), withCode('STORE_DAMAGED', /the journal does not verify: row \d/));
  assert.deepEqual([readdirSync(folder), readCopies(dir)], [[], []]);
});

test('a store that is damaged gives no backup', async () => {
  const { dir, db, file } = await richStore(300);
  await db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  await db.close();
  damage(file);
  const folder = tempDir();
  await assert.rejects(backupStore({ dataDir: dir, file: join(folder, 'b.db'), nowMs }), withCode('STORE_DAMAGED'));
  assert.deepEqual([readdirSync(folder), readCopies(dir)], [[], []]);
});
