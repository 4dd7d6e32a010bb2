import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Database } from '#store/database.ts';
import { queries, runQuery, type QueryName } from '#store/queries.ts';
import { partNumber } from '#machines/records.ts';
import { withCode } from '#test/contract/database.ts';
import { commitOf, messageOf, openTemp, stepOf, tempStore } from './temp-store.ts';

/** A small company: two orders, an operation, a mail, facts, intents, artifacts, decisions and a parked message. */
async function company() {
  const { file, committer } = await tempStore();
  const fact = (entity: string, predicate: string, value: string, label: 'untrusted' | 'operator' = 'untrusted') => ({ entity, predicate, value, label, confidence: 0.5 });
  const template = (hash: string, text: string) => ({ artifacts: [{ id: 'template/offer', kind: 'template' as const, mediaType: 'text/markdown', hash, sizeBytes: text.length, name: 'offer.md', text }], blobs: [{ hash, bytes: text }] });
  const commits = [
    commitOf('c1', { atMs: 1, step: stepOf(0, '{"timers":{"t":1},"children":{}}'), sends: [messageOf('m1'), messageOf('d1', 99)] }),
    commitOf('c2', { atMs: 2, step: { ...stepOf(1, '{"snapshot":{}}'), status: 'done' } }),
    commitOf('c3', { atMs: 3, actor: 'order/2', step: { ...stepOf(0), status: 'error' } }),
    commitOf('c4', { atMs: 4, actor: 'operation/op-1', step: stepOf(0, '{"snapshot":{"context":{"id":"op-1"}}}') }),
    commitOf('c5', { atMs: 5, actor: 'mail/m-1', step: stepOf(0), facts: [fact('person/anna', 'person.name', 'Anna Müller'), fact('person/anna', 'city', 'Köln', 'operator'), fact('organisation/acme', 'organisation.name', 'ACME')] }),
    commitOf('c6', { atMs: 6, facts: [fact('person/anna', 'person.name', 'Anna Schmidt')], intents: [{ id: 'i2', kind: 'approval', state: 'input-required', summary: 'Send?', data: { risk: 'low' } }] }),
    commitOf('c7', { atMs: 7, intents: [{ id: 'i1', kind: 'question', state: 'input-required', summary: 'Which?' }, { id: 'i3', kind: 'task', state: 'completed' }] }),
    commitOf('c8', { atMs: 8, ...template('h1', 'An offer for three chairs') }),
    commitOf('c9', { atMs: 9, ...template('h2', 'A proposal for three chairs') }),
    commitOf('c10', { atMs: 10, decisions: [{ what: 'triage', outcome: 'inquiry', confidence: 0.9, reasons: ['r'], evidence: [], policy: null, model: null, costMicros: 7 }] }),
    commitOf('c11', { atMs: 11, outcome: 'parked', parked: { subject: 's', reason: 'bad', bytes: new Uint8Array([1, 2]) } }),
  ];
  for (const commit of commits) assert.equal((await committer.commit(commit)).outcome, 'written', commit.id);
  await committer.commit(commits[0]!);
  return openTemp(file, { readOnly: true });
}
const ask = async <T = unknown>(db: Database, name: QueryName, args: Record<string, unknown> = {}) => (await runQuery(db, name, args)) as T;
const column = async (db: Database, name: QueryName, args: Record<string, unknown>, key: string) => (await ask<Record<string, unknown>[]>(db, name, args)).map((row) => row[key]);

test('status counts messages, actors, deadlines, waiting work, mails and facts', async () => {
  assert.deepEqual(await ask(await company(), 'status'), { received: 12, applied: 10, duplicate: 1, parked: 1, waiting: 2, inFlight: 1, deadlines: 1, active: 2, failed: 1, mails: 1, facts: 4, commits: 11 });
});

test('record answers the stored text, null for an unknown actor', async () => {
  const db = await company();
  assert.equal(await ask(db, 'record', { address: 'order/1' }), '{"snapshot":{}}');
  assert.equal(await ask(db, 'record', { address: 'order/none' }), null);
});

test('actors are listed by address, filtered by type and status', async () => {
  const db = await company();
  assert.deepEqual(await column(db, 'actors', {}, 'address'), ['mail/m-1', 'operation/op-1', 'order/1', 'order/2']);
  assert.deepEqual(await column(db, 'actors', { type: 'order' }, 'address'), ['order/1', 'order/2']);
  assert.deepEqual(await column(db, 'actors', { type: 'ord' }, 'address'), []);
  assert.deepEqual(await column(db, 'actors', { status: 'error' }, 'address'), ['order/2']);
  assert.deepEqual(await column(db, 'actors', { limit: 1 }, 'address'), ['mail/m-1']);
});

test('actor answers its parsed record, null for an unknown one', async () => {
  const db = await company();
  const found = await ask<{ rev: number; status: string; record: unknown }>(db, 'actor', { address: 'order/1' });
  assert.deepEqual([found.rev, found.status, found.record], [1, 'done', { snapshot: {} }]);
  assert.equal(await ask(db, 'actor', { address: 'x/1' }), null);
});

test('history is one actor\'s commits, oldest first, in pages', async () => {
  const db = await company();
  assert.deepEqual(await column(db, 'history', { address: 'order/2' }, 'id'), ['c3']);
  assert.deepEqual(await column(db, 'history', { address: 'order/1', after: 2, limit: 2 }, 'id'), ['c6', 'c7']);
  assert.deepEqual((await column(db, 'history', { address: 'order/2' }, 'body')), [{ note: 'note of c3' }]);
});

test('operations show their context', async () => {
  assert.deepEqual(await column(await company(), 'operations', {}, 'context'), [{ id: 'op-1' }]);
});

test('the inbox is what waits for the operator, oldest first, or what is in the state asked for', async () => {
  const db = await company();
  assert.deepEqual(await column(db, 'inbox', {}, 'id'), ['i2', 'i1']);
  assert.deepEqual(await column(db, 'inbox', {}, 'data'), [{ risk: 'low' }, {}]);
  assert.deepEqual(await column(db, 'inbox', { state: 'completed' }, 'id'), ['i3']);
  assert.equal((await ask<{ summary: string }>(db, 'intent', { id: 'i1' })).summary, 'Which?');
  assert.equal(await ask(db, 'intent', { id: 'none' }), null);
  assert.deepEqual(await column(db, 'intents', {}, 'id'), ['i1', 'i3', 'i2']);
});

test('facts are filtered by entity, predicate, label, kind and position, alone and together', async () => {
  const db = await company();
  const values = (args: object) => column(db, 'facts', args as Record<string, unknown>, 'value');
  assert.deepEqual(await values({}), ['Anna Müller', 'Köln', 'ACME', 'Anna Schmidt']);
  assert.deepEqual(await values({ entity: 'person/anna' }), ['Anna Müller', 'Köln', 'Anna Schmidt']);
  assert.deepEqual(await values({ predicate: 'person.name', entityKind: 'person' }), ['Anna Müller', 'Anna Schmidt']);
  assert.deepEqual(await values({ label: 'operator' }), ['Köln']);
  assert.deepEqual(await values({ entityKind: 'organisation' }), ['ACME']);
  assert.deepEqual(await values({ entityKind: '%' }), []);
  assert.deepEqual(await values({ after: partNumber(5, 0), limit: 2 }), ['Köln', 'ACME']);
  assert.deepEqual(await column(db, 'lastFact', { entity: 'person/anna', predicate: 'person.name' }, 'value'), ['Anna Schmidt']);
  assert.deepEqual(await column(db, 'lastFact', { entity: 'person/nobody', predicate: 'person.name' }, 'value'), []);
  assert.deepEqual(await column(db, 'entities', { entityKind: 'person' }, 'id'), ['person/anna']);
  assert.deepEqual(await column(db, 'entities', {}, 'id'), ['organisation/acme', 'person/anna']);
});

test('artifacts list every version, contents only the newest', async () => {
  const db = await company();
  assert.deepEqual(await column(db, 'artifacts', { id: 'template/offer' }, 'version'), [2, 1]);
  assert.deepEqual(await column(db, 'artifacts', { artifactKind: 'mail' }, 'id'), []);
  assert.deepEqual(await ask(db, 'contents', { artifactKind: 'template' }), [{ id: 'template/offer', version: 2, hash: 'h2', text: 'A proposal for three chairs' }]);
  assert.equal(Buffer.from(await ask<Uint8Array>(db, 'blob', { hash: 'h1' })).toString(), 'An offer for three chairs');
  assert.equal(await ask(db, 'blob', { hash: 'none' }), null);
});

test('decisions carry their detail, filtered by actor', async () => {
  const db = await company();
  assert.deepEqual(await column(db, 'decisions', { actor: 'order/1' }, 'costMicros'), [7]);
  assert.deepEqual(await column(db, 'decisions', { actor: 'order/2' }, 'what'), []);
});

test('parked messages keep their bytes', async () => {
  const [parked] = await ask<{ reason: string; bytes: Uint8Array }[]>(await company(), 'parked');
  assert.deepEqual([parked!.reason, [...parked!.bytes]], ['bad', [1, 2]]);
});

test('search finds words in facts and in the newest version of artifacts, with and without accents', async () => {
  const db = await company();
  assert.deepEqual(await column(db, 'search', { text: 'chairs' }, 'id'), ['template/offer']);
  assert.deepEqual(await column(db, 'search', { text: 'offer' }, 'id'), [], 'only the old version says offer');
  for (const text of ['müller', 'MULLER', 'mu\u0308ller', '"Müller" OR x']) assert.deepEqual(await column(db, 'search', { text }, 'id'), ['person/anna'], text);
  assert.deepEqual(await column(db, 'search', { text: 'chairs Anna', kinds: ['template'] }, 'kind'), ['template']);
  assert.deepEqual(await column(db, 'search', { text: 'chairs', except: 'template/offer' }, 'id'), []);
  assert.equal((await ask<unknown[]>(db, 'search', { text: 'anna name', limit: 1 })).length, 1);
});

test('hostile search text never throws', async () => {
  const db = await company();
  const hostile = ['', ' ', '"', '""', "'", '*', 'a*', 'NEAR', 'NEAR(a b, 2)', 'aa NEAR bb', 'AND', 'aa AND', 'OR OR', 'NOT aa', '(((', 'aa) OR (bb', '-aa', '^aa', 'text:aa', '{kind id}: aa', 'aa + bb', '\0', 'aa\0bb', '😀', '日本語', '\ud800', 'e\u0301te\u0301', '½ ٣٤ ⅷⅷ', '%', "'; DROP TABLE search; --", 'x'.repeat(10_000), 'wort '.repeat(2_000), Array.from({ length: 3_000 }, (_, i) => `w${i}`).join(' ')];
  for (const text of hostile) assert.ok(Array.isArray(await ask(db, 'search', { text })), JSON.stringify(text.slice(0, 30)));
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), async (text) => assert.ok(Array.isArray(await ask(db, 'search', { text })))), { numRuns: 150 });
});

test('a query that does not exist, and arguments of the wrong kind, are BAD_ARGUMENT', async () => {
  const db = await company();
  for (const name of ['drop', 'constructor', '__proto__', '']) assert.throws(() => void runQuery(db, name, {}), withCode('BAD_ARGUMENT'), name);
  const wrong: [QueryName, Record<string, unknown>][] = [
    ['record', {}], ['record', { address: 1 }], ['history', { address: 'a/1', after: -1 }], ['history', { address: 'a/1', limit: '5' }], ['facts', { entity: ['person/anna'] }],
    ['facts', { limit: 1.5 }], ['facts', { limit: Number.NaN }], ['search', { text: null }], ['search', {}], ['inbox', { state: {} }], ['actors', { status: 5 }],
  ];
  for (const [name, args] of wrong) await assert.rejects(async () => runQuery(db, name, args), withCode('BAD_ARGUMENT'), `${name} ${JSON.stringify(args)}`);
});

test('every query works on an empty company', async () => {
  const { db } = await tempStore();
  const args = { address: 'a/1', id: 'x', entity: 'person/x', predicate: 'p', artifactKind: 'mail', hash: 'h', text: 'word' };
  for (const name of Object.keys(queries)) await runQuery(db, name, args);
});
