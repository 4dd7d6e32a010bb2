// Goal: everything that is recorded gets its vectors, whatever dies in between, and a model that cannot be asked is waited for without
// asking again and again. Method: the follower on a real file, with an embedder that the test stops and starts; then `keelson up`, killed.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Announcement } from '#machines/changes.ts';
import { hashedModel } from '#machines/hashed-vector.ts';
import { systemClock } from '#actors/clock.ts';
import { createHashedEmbedder, createModelEmbedder, type Buy } from '#connectors/embed.ts';
import { openDatabase } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { dropModels, findDue, remember } from '#store/vectors.ts';
import { keepMemory } from '#supervisor/main-memory.ts';
import { makeCompany } from '#test/kit/server.ts';
import { commitOf, tempStore, type TempStore } from '#test/store/temp-store.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} } as never;
const note = (n: number) => ({ entity: `asset/a${n}`, predicate: 'note', value: `thing number ${n}`, label: 'operator' as const, confidence: 1 });

function follow({ db, committer }: TempStore, buy: Buy | null, paused = () => false) {
  let announce: (announcement: Announcement) => void = () => {};
  const embedders = [createHashedEmbedder(), ...(buy ? [createModelEmbedder({ id: 'lab:small', buy, known: null, now: () => 0 })] : [])];
  const memory = keepMemory({
    store: { query: (name, args) => runQuery(db, name, args), remember: (vectors) => remember(db, committer, vectors), dropModels: (keep) => dropModels(db, committer, keep) },
    bus: { onChanges: (task) => { announce = task; return { stop: async () => {} }; } },
    embedders, paused, clock: systemClock, log: silent,
  });
  return { ...memory, announce: (last: number) => announce({ after: last, last, changes: [] }) };
}
const seen = async ({ db }: TempStore) => Object.fromEntries((await db.all<{ model: string; n: number }>('SELECT model, count(*) AS n FROM embedded GROUP BY model ORDER BY model')).map(({ model, n }) => [model, n]));
const write = async ({ committer }: TempStore, id: string, from: number, to: number) => assert.equal((await committer.commit(commitOf(id, { facts: Array.from({ length: to - from }, (_, i) => note(from + i)) }))).outcome, 'written');

test('what is there at a start gets its vectors, what comes later too, each text once for each model', async () => {
  const store = await tempStore();
  await write(store, 'before', 0, 100);
  const asked: string[] = [];
  const memory = follow(store, async (texts) => { asked.push(...texts); return { vectors: texts.map((text) => [text.length, 1, 2]) }; });
  await memory.settled();
  assert.deepEqual(await seen(store), { [hashedModel]: 100, 'lab:small@3': 100 });
  await write(store, 'later', 100, 103);
  memory.announce(2);
  await memory.settled();
  assert.deepEqual(await seen(store), { [hashedModel]: 103, 'lab:small@3': 103 });
  memory.announce(2);
  await memory.settled();
  assert.deepEqual(asked.filter((text) => text !== 'Keelson').length, 103);
  await memory.stop();
});

test('while a provider does not answer it is not asked again before its time; the hashed vectors go on', async () => {
  const store = await tempStore();
  await write(store, 'before', 0, 3);
  let asked = 0;
  const memory = follow(store, async () => { asked++; return { reason: 'it is down', againAtMs: systemClock.now() + 3_600_000 }; });
  await memory.settled();
  await write(store, 'later', 3, 5);
  memory.announce(2);
  await memory.settled();
  assert.deepEqual([asked, await seen(store)], [1, { [hashedModel]: 5 }]);
  await memory.stop();
});

test('a company that stands still gets no vectors until it goes on', async () => {
  const store = await tempStore();
  await write(store, 'before', 0, 3);
  let still = true;
  const memory = follow(store, null, () => still);
  await memory.settled();
  assert.deepEqual(await seen(store), {});
  still = false;
  memory.announce(2);
  await memory.settled();
  assert.deepEqual(await seen(store), { [hashedModel]: 3 });
  await memory.stop();
});

test('a model that answers with other dimensions than before is another model', async () => {
  const store = await tempStore();
  await write(store, 'before', 0, 3);
  let dims = 2;
  const memory = follow(store, async (texts) => ({ vectors: texts.map(() => Array.from({ length: dims }, () => 1)) }));
  await memory.settled();
  dims = 5;
  await write(store, 'later', 3, 5);
  memory.announce(2);
  await memory.settled();
  assert.equal((await seen(store))['lab:small@5'], 5, 'all texts anew');
  await memory.stop();
});

test('a server that is killed again and again while it makes vectors has made all of them in the end, and a search finds by them', { timeout: 120_000 }, async () => {
  const company = makeCompany();
  try {
    await company.cli('init', '--data', company.dataDir, '--name', 'Test', '--email', 'me@example.org');
    const dues = async () => {
      const db = await openDatabase(join(company.dataDir, 'keelson.db'), { readOnly: true });
      try {
        return await findDue(db, hashedModel, 1);
      } finally {
        await db.close();
      }
    };
    for (let i = 0; i < 3; i++) {
      await company.up();
      await company.json('fact', 'add', `asset/printer${i}`, 'note', `Druckerpatronen im Schrank ${i}`);
      await company.kill();
    }
    await company.up();
    await company.until('all vectors', 30_000, async () => (await dues()) === null);
    const hits = await company.json<{ text: string }[]>('search', 'Patronen Drucker');
    assert.ok(hits.some(({ text }) => text.includes('Druckerpatronen')), JSON.stringify(hits));
    assert.deepEqual(Object.keys(hits[0]!).toSorted(), ['id', 'kind', 'score', 'text']);
    assert.equal((await company.json<{ ok: boolean }>('audit', 'verify')).ok, true);
    await company.down();
  } finally {
    await company.remove();
  }
});
