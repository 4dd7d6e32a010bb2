// Goal: an erasure that a reader of the file holds up stops nothing, is told once, and ends by itself. Method: a real database with a
// person half erased, a reader that keeps a transaction open, and a clock that ticks when the test says so.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import { backupStore } from '#store/backup.ts';
import { emptyLog, erase, findSubject, finishErasure, openErasures } from '#store/erase.ts';
import { runQuery } from '#store/queries.ts';
import { startErasing } from '#supervisor/main-unfinished.ts';
import { commitOf, openTemp, tempDir, tempStore } from '#test/store/temp-store.ts';

const anna = 'anna@x.org';
const nowMs = 1_800_000_000_000;

/** Anna's rows are gone, and the process died there. */
async function halfErased() {
  const store = await tempStore();
  const { db, committer, dir, file } = store;
  await committer.commit(commitOf('c1', { facts: [{ entity: `person/${anna}`, predicate: 'person.name', value: 'Zq1Anna', label: 'untrusted', confidence: 1 }, { entity: 'person/bob@y.org', predicate: 'person.name', value: 'Bob', label: 'untrusted', confidence: 1 }] }));
  await erase(db, committer, { id: 'e1', ...(await findSubject(db, anna)) }, nowMs);
  await db.exec('PRAGMA busy_timeout = 1');
  const said: string[] = [];
  let purged = 0;
  let tick = () => {};
  const start = (erasedCopy: string | null = null) => startErasing({
    erasure: {
      dataDir: dir, outside: [], erasedCopy, now: () => nowMs,
      openErasures: () => openErasures(db),
      eraseRows: async ({ id, subject }) => erase(db, committer, { id, ...(await findSubject(db, subject)) }, nowMs),
      finishRows: (id) => finishErasure(db, committer, id),
      purgeBus: async () => void purged++,
    },
    finishRowsNow: (id) => finishErasure(db, committer, id, 1),
    assertUnread: () => emptyLog(db, committer, 1),
    clock: { ...systemClock, every(periodMs, task) { assert.equal(periodMs, 60_000); tick = task; return () => {}; } },
    log: silentLog, say: (line) => void said.push(line),
  });
  const erasing = async () => ((await runQuery(db, 'status', {})) as { erasing: number }).erasing;
  const bytes = () => ['', '-wal'].map((end) => readFileSync(`${file}${end}`, 'latin1')).join('');
  const reader = async () => {
    const open = await openTemp(file, { readOnly: true });
    await open.exec('BEGIN');
    await open.all('SELECT count(*) FROM fact');
    return open;
  };
  return { ...store, start, said, tick: () => tick(), purged: () => purged, erasing, bytes, reader };
}

test('what was begun before the last stop is finished at the start, and nothing is said', async () => {
  const { start, said, erasing, bytes } = await halfErased();
  await start();
  assert.deepEqual([said, await erasing(), /Zq1Anna|anna@x\.org/.test(bytes())], [[], 0, false]);
});

test('a reader of the file does not stop the start; the erasure is told once, tried again, and ends when the reader has', async () => {
  const { start, said, tick, purged, erasing, bytes, reader, dir } = await halfErased();
  const open = await reader();
  const running = await start();
  assert.match(said[0]!, /^An erasure is not finished: another process reads the database, .*tried again every minute\.$/);
  for (let i = 0; i < 3; i++) {
    tick();
    await running.stop();
  }
  assert.deepEqual([said.length, purged(), await erasing()], [1, 1, 1], 'told once, and the bus is left alone meanwhile');
  await open.exec('COMMIT');
  tick();
  await running.stop();
  assert.deepEqual([said.length, await erasing()], [2, 0]);
  assert.match(said[1]!, /done now/);
  assert.doesNotMatch(bytes(), /Zq1Anna|anna@x\.org/);
  assert.equal(existsSync(join(dir, 'receipts', 'erase-e1.json')), true);
});

test('a backup and a mail that were written while the reader held it up are erased from at the end, and the receipt counts everything', async () => {
  const { start, tick, reader, dir } = await halfErased();
  mkdirSync(join(dir, 'outbox'));
  const put = (name: string) => writeFileSync(join(dir, 'outbox', name), `To: ${anna}`);
  put('1.eml');
  const open = await reader();
  const running = await start();
  put('2.eml');
  const { backup } = await backupStore({ dataDir: dir, file: join(tempDir(), 'meanwhile.db'), nowMs });
  assert.match(readFileSync(backup, 'latin1'), /anna@x\.org/, 'it knows that she is being erased');
  await open.exec('COMMIT');
  tick();
  await running.stop();
  for (const name of ['1.eml', '2.eml']) assert.equal(existsSync(join(dir, 'outbox', name)), false, name);
  assert.doesNotMatch(readFileSync(backup, 'latin1'), /anna@x\.org/);
  const { erased } = JSON.parse(readFileSync(join(dir, 'receipts', 'erase-e1.json'), 'utf8')) as { erased: { files: number; copies: number } };
  assert.deepEqual([erased.files, erased.copies], [2, 1]);
});

test('somebody who asks for another erasure meanwhile waits for the one in hand, and both end', async () => {
  const { start, tick, erasing, db } = await halfErased();
  const running = await start();
  tick();
  const { erased } = await running.erase('bob@y.org', 'command-1');
  assert.deepEqual([erased.facts, await erasing(), await db.all('SELECT entity FROM fact')], [1, 0, []]);
});

test('the list of erased people is copied to the place outside at the start and at each erasure, each line once', async () => {
  const { start, dir } = await halfErased();
  const copy = join(tempDir(), 'heads-erased.jsonl');
  writeFileSync(join(dir, 'erased.jsonl'), `${JSON.stringify({ id: 'older', salt: 's', hash: 'h', at: '2027-01-01T00:00:00.000Z' })}\n`);
  const running = await start(copy);
  await running.erase('bob@y.org', 'command-1');
  const lines = readFileSync(copy, 'utf8');
  assert.equal(lines, readFileSync(join(dir, 'erased.jsonl'), 'utf8'));
  assert.deepEqual(lines.trim().split('\n').length, 3);
});

test('a place outside that cannot be written stops no erasure, and the receipt says what to do', async () => {
  const { start, said, dir } = await halfErased();
  const running = await start(join(tempDir(), 'not-mounted', 'heads-erased.jsonl'));
  const { outside } = await running.erase('bob@y.org', 'command-1');
  assert.deepEqual(said, [], 'there was no list yet');
  assert.match(outside[0]!.what, /the list of erased people could not be copied to .*not-mounted/);
  assert.match(readFileSync(join(dir, 'receipts', 'erase-e1.json'), 'utf8'), /not-mounted/);
});
