// Every text that a commit carries comes back as it was, or the commit is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Commit } from '#machines/commit.ts';
import { verifyAudit } from '#store/verify.ts';
import { runQuery } from '#store/queries.ts';
import { commitOf, countRows, tempStore, type TempStore } from './temp-store.ts';

/** The same text in every field that takes one. */
function allTexts(id: string, s: string): Commit {
  const key = `${s}${id}`;
  return commitOf(`c${key}`, {
    actor: `order/${key}`, journal: JSON.stringify({ note: s }),
    step: { rev: 0, machine: s, status: s, value: JSON.stringify(s), parent: s, record: JSON.stringify({ s }) },
    sends: [{ id: `m${key}`, to: `to/${key}`, from: `from/${key}`, cause: s || 'x', body: { kind: 'event', event: { type: 't', s } } }],
    facts: [{ entity: `person/${key}`, predicate: s, value: { [s]: s }, label: 'untrusted', confidence: 1, source: s }],
    intents: [{ id: `i${key}`, kind: 'question', state: 'working', summary: s, data: { [s]: [s] } }],
    artifacts: [{ id: `a${key}`, kind: 'draft', mediaType: s, hash: `h${key}`, sizeBytes: 1, name: s, text: s }],
    decisions: [{ what: s, outcome: s, confidence: null, reasons: [s], evidence: [{ kind: 'fact', id: s }], policy: null, model: s, costMicros: null }],
    blobs: [{ hash: `h${key}`, bytes: s }],
    outcome: 'parked', parked: { subject: s, reason: s, bytes: Buffer.from(s) },
  });
}

async function assertKept({ db, committer }: TempStore, id: string, s: string): Promise<void> {
  const key = `${s}${id}`;
  const commit = allTexts(id, s);
  assert.equal((await committer.commit(commit)).outcome, 'written');
  assert.equal((await committer.commit(commit)).outcome, 'duplicate', 'the id is recognised');
  const [journal] = await db.all("SELECT actor, body, body ->> '$.note' AS note FROM journal WHERE id = ?", `c${key}`);
  assert.deepEqual(journal, { actor: `order/${key}`, body: commit.journal, note: s });
  const [actor] = await db.all('SELECT machine, status, value, parent, record FROM actor WHERE address = ?', `order/${key}`);
  assert.deepEqual(actor, { machine: s, status: s, value: commit.step!.value, parent: s, record: commit.step!.record });
  const [message] = await db.all('SELECT receiver, sender, cause, body FROM outbox WHERE id = ?', `m${key}`);
  assert.deepEqual(message, { receiver: `to/${key}`, sender: `from/${key}`, cause: s || 'x', body: JSON.stringify(commit.sends[0]!.body) });
  const [fact] = await db.all('SELECT predicate, value, source FROM fact WHERE entity = ?', `person/${key}`);
  assert.deepEqual(fact, { predicate: s, value: JSON.stringify({ [s]: s }), source: s });
  assert.deepEqual(await db.all('SELECT kind FROM entity WHERE id = ?', `person/${key}`), [{ kind: 'person' }]);
  const intent = (await runQuery(db, 'intent', { id: `i${key}` })) as Record<string, unknown>;
  assert.deepEqual([intent['summary'], intent['data']], [s, { [s]: [s] }]);
  const [artifact] = await db.all('SELECT media_type, name, hash FROM artifact WHERE id = ?', `a${key}`);
  assert.deepEqual(artifact, { media_type: s, name: s, hash: `h${key}` });
  assert.equal(Buffer.from((await runQuery(db, 'blob', { hash: `h${key}` })) as Uint8Array).toString(), s);
  const [decision] = (await runQuery(db, 'decisions', { actor: `order/${key}` })) as Record<string, unknown>[];
  assert.deepEqual([decision!['what'], decision!['reasons'], decision!['model']], [s, [s], s]);
  const [parked] = await db.all('SELECT subject, reason FROM parked WHERE id = ?', `c${key}`);
  assert.deepEqual(parked, { subject: s, reason: s });
}

const hostile = ['', ' ', 'ä€😀', 'e\u0301', 'a\0b', '\0', '\u2028\u2029', '\ufeff\uffff', '\u202e', '123', '1e5', '0x10', 'null', 'true', '[1,2]', '{"a":1}', '"', "'", '\\', '\\u0000', '$.note', '%_', '?1', ':x', "'; DROP TABLE journal; --", '"; ATTACH DATABASE "x', '*/', '\r\n\t\b'];

test('hostile text comes back unchanged from every field, and nothing else happens', async () => {
  const store = await tempStore();
  for (const [i, s] of hostile.entries()) await assertKept(store, `-${i}`, s);
  assert.equal(await countRows(store.db, 'journal'), hostile.length);
  assert.ok((await verifyAudit(store.db)).ok);
});

test('a text of 5 MB comes back unchanged', async () => {
  const store = await tempStore();
  const long = 'ä😀x'.repeat(700_000);
  const commit = commitOf('c1', { step: { rev: 0, machine: 'm', status: 's', value: '0', parent: null, record: JSON.stringify(long) }, intents: [{ id: 'i', kind: 'task', state: 'working', summary: long }] });
  assert.equal((await store.committer.commit(commit)).outcome, 'written');
  assert.equal(await runQuery(store.db, 'record', { address: 'order/1' }), JSON.stringify(long));
  assert.equal(((await runQuery(store.db, 'intent', { id: 'i' })) as { summary: string }).summary, long);
});

test('any text comes back unchanged', async () => {
  const store = await tempStore();
  let n = 0;
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), (s) => assertKept(store, `~${++n}`, s)), { numRuns: 60 });
  assert.ok((await verifyAudit(store.db)).ok);
});

test('half a surrogate pair in a name is refused cleanly', async () => {
  const { db, committer } = await tempStore();
  const bad = 'x\ud800y';
  const parts: [string, Partial<Commit>][] = [
    ['id', { id: bad }], ['actor', { actor: bad }], ['journal', { journal: bad }], ['requires', { requires: bad }], ['settles', { settles: [bad] }],
    ['message', { sends: [{ ...allTexts('', 'ok').sends[0]!, id: bad }] }], ['receiver', { sends: [{ ...allTexts('', 'ok').sends[0]!, to: bad }] }],
    ['entity', { facts: [{ ...allTexts('', 'ok').facts[0]!, entity: bad }] }], ['intent', { intents: [{ id: bad, kind: 'task', state: 'working' }] }],
    ['artifact', { artifacts: [{ ...allTexts('', 'ok').artifacts[0]!, id: bad }] }], ['record', { step: { ...allTexts('', 'ok').step!, record: bad } }],
  ];
  for (const [what, part] of parts) {
    const answer = await committer.commit(commitOf(`c-${what}`, part));
    assert.ok(answer.outcome === 'invalid' && /surrogate/.test(answer.reason), what);
  }
  assert.equal(await countRows(db, 'journal'), 0);
});

test('half a surrogate pair in a text for people becomes one replacement character', async () => {
  const { db, committer } = await tempStore();
  await committer.commit(commitOf('c1', { intents: [{ id: 'i', kind: 'task', state: 'working', summary: 'cut \ud83d', data: { cut: '\ud83d' } }] }));
  const intent = (await runQuery(db, 'intent', { id: 'i' })) as { summary: string; data: unknown };
  assert.deepEqual([intent.summary, intent.data], ['cut \ufffd', { cut: '\ud83d' }], 'inside JSON it stays what it was');
  assert.ok((await verifyAudit(db)).ok);
});

test('numbers stay numbers', async () => {
  const { db, committer } = await tempStore();
  const atMs = 2 ** 43 + 1;
  await committer.commit(commitOf('c1', {
    atMs, step: { rev: 0, machine: 'm', status: 's', value: '0', parent: null, record: '{}' }, sends: [{ id: 'm', to: 'a/1', from: 'a/1', dueMs: 2 ** 52 + 1, body: { kind: 'event', event: { type: 't' } } }],
    facts: [1, 0, -1.5, 2 ** 53 - 1, 1e300, true, null, '1'].map((value) => ({ entity: 'person/a', predicate: 'p', value, label: 'untrusted' as const, confidence: 0.1 })),
    artifacts: [{ id: 'a', kind: 'draft', mediaType: 't', hash: 'h', sizeBytes: 2 ** 40 }],
  }));
  assert.deepEqual(await db.all('SELECT typeof(at_ms) AS t, at_ms, typeof(rev) AS r FROM journal'), [{ t: 'integer', at_ms: atMs, r: 'integer' }]);
  assert.deepEqual(await db.all('SELECT typeof(due_ms) AS t, due_ms FROM outbox'), [{ t: 'integer', due_ms: 2 ** 52 + 1 }]);
  assert.deepEqual(await db.all('SELECT typeof(size_bytes) AS t, size_bytes FROM artifact'), [{ t: 'integer', size_bytes: 2 ** 40 }]);
  assert.deepEqual(await db.all('SELECT DISTINCT typeof(confidence) AS t, confidence FROM fact'), [{ t: 'real', confidence: 0.1 }]);
  assert.deepEqual(((await runQuery(db, 'facts', {})) as { value: unknown }[]).map(({ value }) => value), [1, 0, -1.5, 2 ** 53 - 1, 1e300, true, null, '1']);
});
