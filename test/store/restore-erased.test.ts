// Goal: who was erased does not come back with a backup that was away then. Method: random histories of a few people, a backup, more
// history, one of them erased, the backup restored; then every byte.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '#actors/hash.ts';
import type { Commit } from '#machines/commit.ts';
import { backupStore } from '#store/backup.ts';
import { readCopies } from '#store/copies.ts';
import type { Database } from '#store/database.ts';
import { eraseAgain } from '#store/erase-copy.ts';
import { erase, findSubject, finishErasure } from '#store/erase.ts';
import { erasedFile, rememberErased } from '#store/erased.ts';
import { restoreStore } from '#store/restore.ts';
import { findChangedContent } from '#store/verify-contents.ts';
import { verifyAudit } from '#store/verify.ts';
import { withCode } from '#test/contract/database.ts';
import { randomFrom, type Random } from '#test/kit/random.ts';
import { commitOf, openTemp, stepOf, tempDir, tempStore, type TempStore } from './temp-store.ts';

const nowMs = 1_800_000_000_000;
const people = ['anna@x.org', 'bob@y.org', 'joanna@x.org', 'carl@z.net'];
const written = (address: string, random: Random) => [address, address.toUpperCase(), encodeURIComponent(address), `mailto:${address}`, `\n${address}\n`][random.int(5)]!;
/** Only of this person and this commit. */
const secretOf = (address: string, id: string) => `Zq${sha256(`${address} ${id}`).slice(0, 12)}`;

/** A mail, a note, a document about two people or a step of a run, at random. */
function someCommits(id: string, random: Random): Commit[] {
  const [about, other] = [people[random.int(people.length)]!, people[random.int(people.length)]!];
  const fact = (address: string, value: string, source?: string) => ({ entity: `person/${address}`, predicate: `note.${id}`, value, label: 'operator' as const, confidence: 1, ...(source ? { source } : {}) });
  const document = (text: string) => ({ artifacts: [{ id: `a-${id}`, kind: 'mail' as const, mediaType: 'text/plain', hash: sha256(text), sizeBytes: Buffer.byteLength(text), text }], blobs: [{ hash: sha256(text), bytes: text }] });
  switch (random.int(4)) {
    case 0: {
      const text = `From: ${written(about, random)}\n${secretOf(about, id)}`;
      return [
        commitOf(`${id}-in`, { actor: 'connector/mail', journal: JSON.stringify({ text }), ...document(text) }),
        commitOf(`${id}-run`, { actor: `mail/a-${id}`, journal: JSON.stringify({ text }), step: stepOf(0, JSON.stringify({ context: { text } })), facts: [fact(about, secretOf(about, id), `a-${id}#L2`)] }),
      ];
    }
    case 1: return [commitOf(id, { actor: 'operator/console', facts: [fact(about, secretOf(about, id))], annotations: [{ kind: 'remark', target: { kind: 'entity', id: `person/${about}` }, text: secretOf(about, `${id}r`) }] })];
    case 2: return [commitOf(id, { actor: 'operator/console', facts: [fact(other, other === about ? secretOf(about, id) : `knows ${written(about, random)}`)], journal: JSON.stringify({ about: written(about, random) }) })];
    default: return [commitOf(id, { actor: `order/${id}`, journal: '{}', step: stepOf(0, JSON.stringify({ context: { cc: written(about, random) } })), ...document(`${written(about, random)} and ${written(other, random)} met`) })];
  }
}
const writeSome = async ({ committer }: TempStore, name: string, count: number, random: Random) => {
  for (let i = 0; i < count; i++) for (const commit of someCommits(`${name}${i}`, random)) assert.equal((await committer.commit(commit)).outcome, 'written');
};

function leftOf(dir: string, address: string): string[] {
  const bytes = ['', '-wal'].map((end) => readFileSync(join(dir, `keelson.db${end}`), 'latin1').toLowerCase()).join('');
  const spelled = [address, encodeURIComponent(address)].map((text) => new RegExp(`(?<![a-z0-9]|[a-z0-9][._+-])${RegExp.escape(text.toLowerCase())}`));
  const secrets = ['before', 'after'].flatMap((name) => Array.from({ length: 12 }, (_, i) => [secretOf(address, `${name}${i}`), secretOf(address, `${name}${i}r`)])).flat();
  return [...spelled.filter((pattern) => pattern.test(bytes)).map(String), ...secrets.filter((secret) => bytes.includes(secret.toLowerCase()))];
}
const othersOf = async (db: Database, address: string) => (await db.all<{ n: number }>('SELECT count(*) AS n FROM fact WHERE entity <> ?', `person/${address}`))[0]!.n;

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`who was erased stays away when a backup is restored that nobody knew of (seed ${seed})`, async (t) => {
    const random = randomFrom(seed);
    const store = await tempStore();
    await writeSome(store, 'before', 12, random);
    const { backup } = await backupStore({ dataDir: store.dir, file: join(tempDir(), 'moved.db'), nowMs });
    await writeSome(store, 'after', 12, random);
    const known = (await store.db.all<{ id: string }>("SELECT id FROM entity WHERE id LIKE 'person/%'")).map(({ id }) => id.slice(7));
    const gone = known[random.int(known.length)]!;
    assert.notDeepEqual(leftOf(store.dir, gone), []);

    const plan = await erase(store.db, store.committer, { id: 'e1', ...(await findSubject(store.db, gone)) }, nowMs);
    rememberErased(store.dir, plan, nowMs);
    await finishErasure(store.db, store.committer, 'e1');
    assert.deepEqual(leftOf(store.dir, gone), [], 'in the live one');
    await store.db.close();

    const old = await openTemp(backup, { readOnly: true });
    const others = await othersOf(old, gone);
    await old.close();
    await restoreStore({ dataDir: store.dir, file: backup, nowMs, doubt: { once: [], takesRestored: () => false }, eraseAgain: async (database) => void (await eraseAgain(store.dir, database, nowMs)) });
    const db = await openTemp(join(store.dir, 'keelson.db'));
    t.diagnostic(`${gone}: ${JSON.stringify(plan.counts)}`);
    assert.deepEqual(leftOf(store.dir, gone), [], 'in the restored one');
    assert.deepEqual([(await verifyAudit(db)).firstBad, await findChangedContent(db)], [undefined, null]);
    assert.equal(await othersOf(db, gone), others, 'everybody else is there');
    assert.equal(readCopies(store.dir).length, 1);
  });
}

const notDone = { doubt: { once: [], takesRestored: () => false } };
const restoreWith = (dataDir: string, file: string, erasedLists: string[]) => restoreStore({ dataDir, file, nowMs, ...notDone, erasedLists, eraseAgain: async (database) => void (await eraseAgain(dataDir, database, nowMs)) });
const peopleIn = async (dir: string) => {
  const db = await openTemp(join(dir, 'keelson.db'), { readOnly: true });
  const rows = await db.all<{ id: string }>('SELECT id FROM entity ORDER BY id');
  await db.close();
  return rows.map(({ id }) => id);
};

/** A backup that knows Anna and Bob, and the list of a folder in which Anna was erased since. */
async function withListOfAnna() {
  const store = await tempStore();
  for (const [i, address] of ['anna@x.org', 'bob@y.org'].entries()) await store.committer.commit(commitOf(`c${i}`, { facts: [{ entity: `person/${address}`, predicate: 'person.name', value: `Zq${address}`, label: 'untrusted', confidence: 1 }] }));
  const { backup } = await backupStore({ dataDir: store.dir, file: join(tempDir(), 'carried.db'), nowMs });
  rememberErased(store.dir, { id: 'e1', ...(await findSubject(store.db, 'anna@x.org')) }, nowMs);
  return { backup, list: erasedFile(store.dir) };
}

test('a backup that is restored in another folder does not bring back who is on the list that is given', async () => {
  const { backup, list } = await withListOfAnna();
  const there = tempDir();
  await restoreWith(there, backup, [list]);
  assert.deepEqual(await peopleIn(there), ['person/bob@y.org']);
  assert.deepEqual(leftOf(there, 'anna@x.org'), []);
  assert.equal(readFileSync(erasedFile(there), 'utf8'), readFileSync(list, 'utf8'), 'and the folder knows it from now on');
  await restoreWith(there, backup, []);
  assert.deepEqual(await peopleIn(there), ['person/bob@y.org']);
});

test('lists are joined: what the folder has stays, and nothing is written twice', async () => {
  const { backup, list } = await withListOfAnna();
  const there = tempDir();
  rememberErased(there, { id: 'e2', entity: 'person/bob@y.org' }, nowMs);
  for (let i = 0; i < 2; i++) await restoreWith(there, backup, [list, list]);
  assert.deepEqual(await peopleIn(there), []);
  assert.equal(readFileSync(erasedFile(there), 'utf8').trim().split('\n').length, 2);
});

test('a list that is missing or cannot be read stops the restore, and what is there stays', async () => {
  const { backup, list } = await withListOfAnna();
  const { dir, db } = await tempStore();
  await db.close();
  const present = readFileSync(join(dir, 'keelson.db'));
  const broken = join(tempDir(), 'broken.jsonl');
  writeFileSync(broken, `{"id": 1}\n${readFileSync(list, 'utf8')}`);
  await assert.rejects(restoreWith(dir, backup, [join(dir, 'nowhere.jsonl')]), withCode('BAD_ARGUMENT', /there is no file .*nowhere\.jsonl/));
  await assert.rejects(restoreWith(dir, backup, [broken]), withCode('BAD_CONFIG', /line 1 of .*broken\.jsonl cannot be read/));
  assert.deepEqual(readFileSync(join(dir, 'keelson.db')), present);
});
