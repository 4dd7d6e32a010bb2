import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { findChangedContent } from '#store/verify-contents.ts';
import { commitOf, stepOf, tempStore } from './temp-store.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const artifact = (text: string) => ({ artifacts: [{ id: 'template/offer', kind: 'template' as const, mediaType: 'text/plain', hash: sha256(text), sizeBytes: text.length }], blobs: [{ hash: sha256(text), bytes: text }] });

async function withContents() {
  const store = await tempStore();
  const record = '{"snapshot":{"value":"open"}}';
  await store.committer.commit(commitOf('c1', artifact('An offer')));
  await store.committer.commit(commitOf('c2', { step: stepOf(0, record), journal: JSON.stringify({ state: sha256(record) }) }));
  await store.committer.commit(commitOf('c3', { intents: [{ id: 'i', kind: 'approval', state: 'input-required', summary: 'Send?', data: { to: 'a' } }] }));
  await store.committer.commit(commitOf('c4', { intents: [{ id: 'i', kind: 'approval', state: 'completed' }] }));
  return store.db;
}

test('what was committed is found unchanged', async () => {
  assert.equal(await findChangedContent(await withContents()), null);
});

const changes: [what: string, sql: string, seq: number, reason: RegExp][] = [
  ['a document', "UPDATE blob SET bytes = CAST('Another offer' AS BLOB)", 1, /content of template\/offer/],
  ['an actor', `UPDATE actor SET record = replace(record, 'open', 'paid')`, 2, /state of order\/1/],
  ['the state of an intent', "DROP TRIGGER intent_stays_final; UPDATE intent SET state = 'input-required'", 4, /intent i/],
  ['what an intent asks for', "UPDATE intent SET data = json_set(data, '$.to', 'b')", 4, /intent i/],
  ['its summary', "UPDATE intent SET summary = 'Pay?'", 4, /intent i/],
];
for (const [what, sql, seq, reason] of changes) {
  test(`${what} that was changed behind the store's back is named by its commit`, async () => {
    const db = await withContents();
    await db.exec(sql);
    const found = await findChangedContent(db);
    assert.equal(found?.seq, seq);
    assert.match(found.reason, reason);
  });
}

test('of several changes the first commit is named', async () => {
  const db = await withContents();
  await db.exec(`${changes[1]![1]}; ${changes[4]![1]}; ${changes[0]![1]}`);
  assert.equal((await findChangedContent(db))?.seq, 1);
});
