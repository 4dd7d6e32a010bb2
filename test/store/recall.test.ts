// Goal: what is known is found by its words and by what is like them, with who vouches for it; and vectors are derived data that follow
// the texts: computed once, made again when missing, gone when the text goes. Method: small stores on real files; vectors by the hashed
// embedder, and by a model of four dimensions that the test makes up.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '#actors/hash.ts';
import { hashedModel, hashText } from '#machines/hashed-vector.ts';
import type { Commit } from '#machines/commit.ts';
import type { Annotation, Artifact, Fact } from '#machines/records.ts';
import { backupStore } from '#store/backup.ts';
import type { Database } from '#store/database.ts';
import { erase, findSubject, finishErasure } from '#store/erase.ts';
import { exportStore } from '#store/export.ts';
import { importStore } from '#store/import.ts';
import { measure, nearestByBits } from '#store/nearest.ts';
import { runQuery } from '#store/queries.ts';
import type { Recalled } from '#store/query-recall.ts';
import { cosine } from '#store/vector-bits.ts';
import { dropModels, findDue, remember, type Due } from '#store/vectors.ts';
import { withCode } from '#test/contract/database.ts';
import { commitOf, openTemp, tempDir, tempStore, type TempStore } from './temp-store.ts';

const atMs = 1_790_000_000_000;
const dayMs = 86_400_000;
const own = 'made-up@4';

const note = (entity: string, value: string, more: Partial<Fact> = {}): Fact => ({ entity, predicate: 'note', value, label: 'operator', confidence: 1, ...more });
const document = (id: string, text: string, kind: Artifact['kind'] = 'mail') => ({ artifacts: [{ id, kind, mediaType: 'text/plain', hash: sha256(text), sizeBytes: Buffer.byteLength(text), text }], blobs: [{ hash: sha256(text), bytes: text }] });
const said = (kind: Annotation['kind'], text: string): Annotation => ({ kind, target: { kind: 'artifact', id: 'm-1' }, text });
const write = async ({ committer }: TempStore, id: string, parts: Partial<Commit>) => assert.equal((await committer.commit(commitOf(id, { actor: 'operator/desk', ...parts }))).outcome, 'written', id);
const base64 = (vector: Int8Array | Float32Array) => Buffer.from(vector.buffer).toString('base64');
const vectorOf = (model: string, text: string) => base64(model === hashedModel ? hashText(text) : Float32Array.from([text.length % 7, text.charCodeAt(0) % 5, 1, -1]));
const itemsOf = (model: string, due: Due) => ({ model, page: due.page, after: due.after, until: due.until, items: due.rows.map(({ place, hash, text, known }) => ({ place, hash, vector: known ? null : vectorOf(model, text) })) });
/** Answers how many rows were looked at. */
async function embedAll({ db, committer }: Pick<TempStore, 'db' | 'committer'>, model = hashedModel, limit = 64): Promise<number> {
  let n = 0;
  for (let due = await findDue(db, model, limit); due; due = await findDue(db, model, limit)) {
    assert.equal(await remember(db, committer, itemsOf(model, due)), true);
    n += due.rows.length;
  }
  return n;
}
const recall = async (db: Database, text: string, args: object = {}) => (await runQuery(db, 'recall', { text, ...args })) as Recalled[];
const idsOf = (hits: { id: string }[]) => hits.map(({ id }) => id);
const counts = async (db: Database) => Object.fromEntries(await Promise.all(['vector', 'embedded', 'vector_page'].map(async (table) => [table, (await db.all<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))[0]!.n] as const)));

async function office(): Promise<TempStore> {
  const store = await tempStore();
  await write(store, 'w1', document('m-1', 'Wann werden die Druckerpatronen geliefert? Die Bestellung war im Mai.'));
  await write(store, 'w2', document('m-2', 'Could you extend my trial by some weeks?'));
  await write(store, 'w3', { facts: [note('organisation/acme', 'pays invoices late')] });
  return store;
}

test('what shares no whole word is found by its parts: compounds, endings, typing errors', async () => {
  const store = await office();
  await embedAll(store);
  assert.deepEqual(await runQuery(store.db, 'search', { text: 'Patrone fuer Drucker' }), [], 'full text alone does not find it');
  assert.equal((await recall(store.db, 'Patrone fuer Drucker'))[0]?.id, 'm-1');
  assert.equal((await recall(store.db, 'trials extention'))[0]?.id, 'm-2');
  const [hit] = await recall(store.db, 'invoices of acme', { nowMs: atMs + 3 * dayMs });
  assert.deepEqual([hit!.kind, hit!.id, hit!.label, hit!.atMs], ['fact', 'f-3-0', 'operator', atMs]);
  assert.match(hit!.why.join('; '), /^words: 1\.00 of the best; near: 0\.\d\d by hashed-1@512; says operator; 3 days old$/);
});

test('as long as there are no vectors, full text answers alone', async () => {
  const { db } = await office();
  assert.deepEqual(idsOf(await recall(db, 'trial weeks')), ['m-2']);
  assert.deepEqual(await recall(db, '!!'), []);
});

test('vectors are made in turns that go on wherever the last one ended, and a turn that comes twice changes nothing', async () => {
  const store = await office();
  const due = (await findDue(store.db, hashedModel, 2))!;
  assert.deepEqual(due.rows.map(({ place }) => place), [1, 2]);
  assert.equal(await remember(store.db, store.committer, itemsOf(hashedModel, due)), true);
  const after = await counts(store.db);
  assert.equal(await remember(store.db, store.committer, itemsOf(hashedModel, due)), false, 'the same again is stale');
  assert.deepEqual(await counts(store.db), after);
  assert.equal(await embedAll(store), 1, 'only what is left');
  assert.equal(await findDue(store.db, hashedModel, 2), null);
  await write(store, 'later', { facts: [note('organisation/beta', 'something new')] });
  assert.equal(await embedAll(store), 1, 'the store grew while nobody looked');
});

test('many pages are gone through in order and searched as one', async () => {
  const store = await tempStore();
  for (let i = 0; i < 6; i++) await write(store, `many-${i}`, { facts: Array.from({ length: 400 }, (_, k) => note(`asset/a${i}-${k}`, i === 0 && k === 5 ? 'umbrellastands' : i === 5 && k === 390 ? 'woodenladders' : `shelf${(i * 400 + k) * 7_919}`)) });
  assert.equal(await embedAll(store, hashedModel, 500), 2_400);
  assert.equal((await counts(store.db))['vector_page'], 3);
  assert.equal((await recall(store.db, 'umbrella stand'))[0]?.id, 'f-1-5', 'on the first page');
  assert.equal((await recall(store.db, 'ladder of wood'))[0]?.id, 'f-6-390', 'on the last one');
});

test('the vector of a text is computed once for each model, and the rates tell', async () => {
  const store = await tempStore();
  await write(store, 'a', document('d-1', 'the very same words', 'document'));
  await write(store, 'b', document('d-2', 'the very same words', 'document'));
  const due = (await findDue(store.db, hashedModel, 1))!;
  assert.equal(await remember(store.db, store.committer, itemsOf(hashedModel, due)), true);
  assert.deepEqual((await findDue(store.db, hashedModel, 1))!.rows.map(({ known }) => known), [true]);
  await embedAll(store);
  await embedAll(store, own);
  assert.deepEqual(await runQuery(store.db, 'cacheRates', {}), { embeddings: [{ model: hashedModel, computed: 1, found: 1 }, { model: own, computed: 1, found: 1 }], answers: { kept: 0 } });
  assert.deepEqual(await counts(store.db), { vector: 2, embedded: 4, vector_page: 2 });
});

test('a vector of a text that changed while it was computed is not kept', async () => {
  const store = await office();
  const due = (await findDue(store.db, hashedModel, 64))!;
  await store.db.run("UPDATE search SET text = 'other words' WHERE rowid = 2");
  assert.equal(await remember(store.db, store.committer, itemsOf(hashedModel, due)), false);
  assert.deepEqual(await counts(store.db), { vector: 0, embedded: 0, vector_page: 0 });
});

test('a vector of another length, or a place outside of the page, is refused', async () => {
  const store = await office();
  const given = itemsOf(own, (await findDue(store.db, own, 64))!);
  await assert.rejects(remember(store.db, store.committer, { ...given, items: [{ ...given.items[0]!, vector: base64(new Float32Array(5)) }] }), withCode('BAD_ARGUMENT', /16 bytes, not 20/));
  await assert.rejects(remember(store.db, store.committer, { ...given, until: 5_000 }), withCode('BAD_ARGUMENT', /within the page/));
  await assert.rejects(remember(store.db, store.committer, { ...given, model: 'nameless' }), withCode('BAD_ARGUMENT', /NAME@DIMENSIONS/));
  assert.equal(await remember(store.db, store.committer, { ...given, items: given.items.map((item) => ({ ...item, vector: null })) }), false, 'a vector that the store does not have');
  assert.deepEqual(await counts(store.db), { vector: 0, embedded: 0, vector_page: 0 });
});

test('no vector of an erased person stays, and where others name them the text without the name gets a new one', async () => {
  const store = await tempStore();
  const anna = 'anna@x.org';
  await write(store, 'in', { actor: 'connector/mail', ...document('m-1', 'Anna Zq1 writes about her secret illness') });
  await write(store, 'run', { actor: 'mail/m-1', facts: [{ ...note(`person/${anna}`, 'has a secret illness', { label: 'untrusted' }), source: 'm-1#L1' }] });
  await write(store, 'bob', { facts: [note('person/bob@y.org', `asked ${anna} for the papers`), note('person/bob@y.org', 'likes tea')] });
  await embedAll(store);
  await embedAll(store, own);
  const rows = () => store.db.all<{ place: number; model: string; hash: string; text: string }>('SELECT place, vector.model AS model, hash, text FROM embedded JOIN vector ON vector.n = embedded.vector LEFT JOIN search ON search.rowid = place');
  const before = (await rows()).filter(({ text }) => /illness|anna@/.test(text));
  assert.equal(before.length, 6, 'mail, fact and mention, in two models');
  const bytes = (await store.db.all<{ bytes: Buffer }>('SELECT bytes FROM vector WHERE hash IN (SELECT value FROM json_each(?))', JSON.stringify(before.map(({ hash }) => hash)))).map((row) => Buffer.from(row.bytes).toString('latin1'));
  const inFile = () => { const file = ['', '-wal'].map((end) => readFileSync(join(store.dir, `keelson.db${end}`)).toString('latin1')).join(''); return bytes.filter((one) => one.length > 100 && file.includes(one)).length; };
  assert.equal(inFile(), 3);
  const late = itemsOf(hashedModel, (await findDue(store.db, hashedModel, 64)) ?? { page: 0, after: 0, until: 0, rows: [] });
  await erase(store.db, store.committer, { id: 'e1', ...(await findSubject(store.db, anna)) }, atMs);
  await finishErasure(store.db, store.committer, 'e1');
  assert.deepEqual(idsOf(await recall(store.db, 'secret illness')), []);
  assert.equal(inFile(), 0);
  assert.equal(late.items.length, 0);
  const left = await rows();
  assert.deepEqual(left.filter(({ hash }) => before.some((one) => one.hash === hash)), []);
  assert.equal((await store.db.all<{ n: number }>('SELECT count(*) AS n FROM vector'))[0]!.n, 2, 'what Bob likes, in two models');
  assert.ok(await embedAll(store) > 0, 'the places are looked at again');
  const [mention] = await recall(store.db, 'who was asked for papers');
  assert.match(mention!.text, /asked \[erased\] for the papers/);
  for (const { text, hash } of await rows()) assert.equal(hash, sha256(text));
});

test('everything is found with the label of who vouches for it, and a correction comes before the words that it corrects', async () => {
  const store = await tempStore();
  const words = 'delivery of the oak table takes nine weeks';
  await write(store, 'mail', { actor: 'connector/mail', ...document('m-1', `${words} mail`) });
  await write(store, 'sent', { actor: 'mail/m-1', ...document('s-1', `${words} sent`, 'sent') });
  await write(store, 'template', document('t-1', `${words} template`, 'template'));
  await write(store, 'fact', { actor: 'mail/m-1', facts: [note('organisation/oak', words, { label: 'untrusted' })] });
  await write(store, 'right', { annotations: [said('correction', `${words} right`)] });
  await embedAll(store);
  const hits = await recall(store.db, words);
  assert.deepEqual(Object.fromEntries(hits.map(({ kind, label }) => [kind, label])), { mail: 'untrusted', sent: 'system', template: 'operator', fact: 'untrusted', correction: 'operator' });
  assert.equal(hits[0]!.kind, 'correction');
  assert.deepEqual((await recall(store.db, words, { kinds: ['mail', 'sent'], except: 'm-1' })).map(({ kind }) => kind), ['sent']);
  assert.deepEqual(await recall(store.db, words, { kinds: ["x') OR 1=1 --"] }), []);
});

test('facts that were corrected and older versions are not recalled; whoever looks for words finds them', async () => {
  const store = await tempStore();
  await write(store, 'wrong', { facts: [note('organisation/acme', 'street is Gartenweg nine')] });
  await write(store, 'right', { facts: [note('organisation/acme', 'street is Gartenweg ninety', { supersedes: 'f-1-0' })] });
  await write(store, 'v1', document('t-1', 'Gartenweg in the first version', 'template'));
  await write(store, 'v2', document('t-1', 'something else altogether', 'template'));
  await embedAll(store);
  assert.deepEqual(idsOf(await recall(store.db, 'Gartenweg')), ['f-2-0']);
  assert.deepEqual(idsOf(await recall(store.db, 'Gartenweg', { all: true })).toSorted(), ['f-1-0', 'f-2-0']);
});

test('of two that say the same, the newer comes first', async () => {
  const store = await tempStore();
  await write(store, 'new', { atMs: atMs + 300 * dayMs, facts: [note('organisation/x', 'the entrance is in the yard')] });
  await write(store, 'old', { atMs, facts: [note('organisation/x', 'the entrance is in the yard')] });
  await embedAll(store);
  assert.deepEqual(idsOf(await recall(store.db, 'where is the entrance', { nowMs: atMs + 301 * dayMs })), ['f-1-0', 'f-2-0']);
});

test('a past case brings what was decided about it, and says when a model had a part in that', async () => {
  const store = await office();
  const decision = { what: 'triage', confidence: 0.7, evidence: [], policy: null, costMicros: null };
  await write(store, 'd1', { actor: 'mail/m-2', decisions: [{ ...decision, outcome: 'inquiry', reasons: ['asks'], model: null }] });
  await write(store, 'd2', { actor: 'mail/m-2', decisions: [{ ...decision, outcome: 'spam', reasons: ['as the mail says'], model: 'm' }] });
  await embedAll(store);
  const [hit] = await recall(store.db, 'extend the trial', { decisions: true });
  assert.deepEqual(hit!.decided!.map(({ outcome, label }) => [outcome, label]), [['spam', 'untrusted'], ['inquiry', 'system']]);
  assert.equal((await recall(store.db, 'extend the trial'))[0]!.decided, undefined);
});

test('a question with the vector of a model is compared with vectors of that model alone', async () => {
  const store = await office();
  await embedAll(store);
  const vector = vectorOf(own, 'Could you extend my trial by some weeks?');
  const by = async () => (await recall(store.db, 'trial', { model: own, vector })).flatMap(({ why }) => why.filter((one) => one.startsWith('near'))).join();
  assert.match(await by(), /by hashed-1@512/, 'as long as it has none, by the hashed one');
  await embedAll(store, own);
  assert.match(await by(), /near: 1\.00 by made-up@4/);
  await assert.rejects(recall(store.db, 'trial', { model: own, vector: base64(new Float32Array(3)) }), withCode('BAD_ARGUMENT', /16 bytes, not 12/));
  await assert.rejects(recall(store.db, 'trial', { model: own }), withCode('BAD_ARGUMENT', /go together/));
});

test('distances are the same in SQLite as here', async (t) => {
  const store = await office();
  for (const model of [hashedModel, own]) {
    await embedAll(store, model);
    const question = model === hashedModel ? hashText('trial of the printer') : Float32Array.from([3, 1, 1, -1]);
    const reader = await openTemp(store.file, { readOnly: true });
    if (!reader.distances) return t.skip('this driver has no sqlite-vec');
    const [there, here] = [await measure(reader, model, question, [1, 2, 3, 99]), await measure(store.db, model, question, [1, 2, 3, 99])];
    assert.equal(here.size, 3);
    for (const [place, nearness] of here) assert.ok(Math.abs(there.get(place)! - nearness) < 1e-5, `${model} ${place}: ${there.get(place)} and ${nearness}`);
  }
});

test('the best by bits hold what is nearest exactly', async () => {
  const store = await tempStore();
  const texts = Array.from({ length: 900 }, (_, i) => `order ${(i * 7_919) % 1_000} of ${['chairs', 'tables', 'lamps', 'shelves'][i % 4]} for ${['Berlin', 'Paris', 'Rome'][i % 3]} by ${(i * 31) % 50}`);
  await write(store, 'all', { facts: texts.slice(0, 450).map((text, i) => note(`asset/a${i}`, text)) });
  await write(store, 'more', { facts: texts.slice(450).map((text, i) => note(`asset/b${i}`, text)) });
  await embedAll(store);
  const all = await store.db.all<{ place: number; text: string }>('SELECT rowid AS place, text FROM search');
  let kept = 0;
  for (let k = 0; k < 20; k++) {
    const question = hashText(texts[k * 40]!);
    const best = all.map(({ place, text }) => ({ place, near: cosine(hashText(text), question) })).toSorted((a, b) => b.near - a.near).slice(0, 5);
    const found = await nearestByBits(store.db, hashedModel, { vector: question, kinds: null, limit: 120 });
    assert.equal(found.length, 120);
    kept += best.filter(({ place }) => found.includes(place)).length;
  }
  assert.ok(kept >= 95, `${kept} of 100 that are nearest are among the 120`);
  assert.deepEqual(await nearestByBits(store.db, hashedModel, { vector: hashText('x'), kinds: ['mail'], limit: 5 }), []);
});

test('a connection that has searched before sees what was added and what went since', async () => {
  const store = await office();
  await embedAll(store);
  const reader = await openTemp(store.file, { readOnly: true });
  assert.deepEqual(idsOf(await recall(reader, 'umbrellastand')), []);
  await write(store, 'more', { facts: [note('asset/hall', 'umbrellastands')] });
  await embedAll(store);
  assert.deepEqual(idsOf(await recall(reader, 'umbrellastand')), ['f-4-0']);
  assert.deepEqual(idsOf(await recall(reader, 'Patrone Drucker')), ['m-1']);
  await dropModels(store.db, store.committer, []);
  assert.deepEqual(idsOf(await recall(reader, 'umbrellastand')), ['f-4-0'], 'the hashed ones stay');
});

test('vectors of models that are not used any more go, the hashed ones stay', async () => {
  const store = await office();
  await embedAll(store);
  await embedAll(store, own);
  await embedAll(store, 'other@4');
  assert.equal(await dropModels(store.db, store.committer, ['other@4']), 3);
  assert.deepEqual((await store.db.all<{ model: string }>('SELECT DISTINCT model FROM embedded ORDER BY model')).map(({ model }) => model), [hashedModel, 'other@4']);
});

test('a backup holds the vectors; an export does not, and after its import all are due again', async () => {
  const store = await office();
  await embedAll(store);
  const dir = tempDir();
  await backupStore({ dataDir: store.dir, file: join(dir, 'copy.db'), nowMs: atMs });
  assert.deepEqual(idsOf(await recall(await openTemp(join(dir, 'copy.db'), { readOnly: true }), 'Patrone Drucker')), ['m-1']);
  await exportStore({ dataDir: store.dir, dir: join(dir, 'out'), nowMs: atMs });
  await importStore({ dir: join(dir, 'out'), dataDir: join(dir, 'in') });
  const db = await openTemp(join(dir, 'in', 'keelson.db'));
  assert.deepEqual(await counts(db), { vector: 0, embedded: 0, vector_page: 0 });
  assert.equal((await findDue(db, hashedModel, 64))!.rows.length, 3);
});
