// Goal: the reads of the store browser answer what a person looks for, page by page. Method: one mail's run written by hand as the host
// writes it, with its operation and its question, on the real store.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Commit } from '#machines/commit.ts';
import type { Fact } from '#machines/records.ts';
import { runQuery } from '#store/queries.ts';
import { explain } from '#store/why.ts';
import { withCode } from '#test/contract/database.ts';
import { commitOf, stepOf, tempStore, type TempStore } from './temp-store.ts';

const said = (entity: string, predicate: string, value: Fact['value'], source?: string): Fact => ({ entity, predicate, value, label: 'untrusted', confidence: 0.5, ...(source === undefined ? {} : { source }) });
const anna = 'person/anna@acme.example';
const mail = [{ id: 'm-1', kind: 'mail' as const, mediaType: 'message/rfc822', hash: 'h1', sizeBytes: 3, text: 'Offer?\nHello,\nhow much?' }];

const history = (): Commit[] => [
  commitOf('received:m-1', { atMs: 1, actor: 'connector/mail', artifacts: mail, blobs: [{ hash: 'h1', bytes: 'raw' }] }),
  commitOf('start:m-1', { atMs: 2, actor: 'mail/m-1', journal: JSON.stringify({ from: 'connector/mail', cause: 'received:m-1', message: { kind: 'start', machine: 'mail@1', input: { mail: { text: 'Hello,\nhow much?' } } } }), step: stepOf(0), facts: [said(anna, 'person.name', 'Anna', 'm-1'), said('organisation/acme', 'city', 'Ulm', 'm-1#L2')] }),
  commitOf('mail/m-1#0.0', { atMs: 3, actor: 'operation/mail.m-1', journal: JSON.stringify({ from: 'mail/m-1', cause: 'start:m-1' }), step: { ...stepOf(0), parent: 'mail/m-1' }, intents: [{ id: 'ap-1', kind: 'approval', state: 'input-required', summary: 'Send?' }] }),
  commitOf('other', { atMs: 4, actor: 'mail/m-2', step: stepOf(0), facts: [said('person/ben@acme.example', 'person.name', 'Ben')], intents: [{ id: 'ap-2', kind: 'approval', state: 'input-required', summary: 'Another?' }] }),
  commitOf('renamed', { atMs: 5, actor: 'operator/desk', facts: [{ ...said(anna, 'person.name', 'Anna Adler'), label: 'operator' }] }),
];

async function company(): Promise<TempStore> {
  const store = await tempStore();
  for (const commit of history()) assert.equal((await store.committer.commit(commit)).outcome, 'written', commit.id);
  return store;
}
const ask = async <T = unknown>({ db }: TempStore, name: string, args: Record<string, unknown>) => (await runQuery(db, name, args)) as T;

test('people are listed with the name that was said last, by the beginning of their id, page by page', async () => {
  const store = await company();
  const rows = await ask<{ id: string; name: string; facts: number; last_ms: number; cursor: string }[]>(store, 'browse', { entityKind: 'person' });
  assert.deepEqual(rows.map(({ id, name, facts, last_ms: last }) => [id, name, facts, last]), [[anna, 'Anna Adler', 2, 5], ['person/ben@acme.example', 'Ben', 1, 4]]);
  const ids = async (args: object) => (await ask<{ id: string }[]>(store, 'browse', { entityKind: 'person', ...args })).map(({ id }) => id);
  assert.deepEqual(await ids({ limit: 1 }), [anna]);
  assert.deepEqual(await ids({ cursor: anna }), ['person/ben@acme.example']);
  assert.deepEqual(await ids({ startsWith: 'be' }), ['person/ben@acme.example']);
  assert.deepEqual(await ids({ startsWith: 'be', cursor: anna }), ['person/ben@acme.example'], 'a cursor from before the beginning');
  assert.deepEqual(await ids({ startsWith: 'x' }), []);
  assert.deepEqual((await ask<{ name: unknown }[]>(store, 'browse', { entityKind: 'organisation' })).map(({ name }) => name), [null]);
});

test('around a person stand only the documents, questions and runs that began with what was said about them', async () => {
  const store = await company();
  const { actors, intents, artifacts } = await ask<Record<'actors' | 'intents' | 'artifacts', Record<string, unknown>[]>>(store, 'around', { id: anna });
  assert.deepEqual(new Set(actors.map(({ address }) => address)), new Set(['mail/m-1', 'operation/mail.m-1']));
  assert.deepEqual(intents.map(({ id, summary }) => [id, summary]), [['ap-1', 'Send?']]);
  assert.deepEqual(artifacts.map(({ id, kind }) => [id, kind]), [['m-1', 'mail']]);
  assert.deepEqual(await ask(store, 'around', { id: 'person/nobody' }), { actors: [], intents: [], artifacts: [] });
});

test('a document names whom it says something about, also in a single line', async () => {
  const store = await company();
  assert.deepEqual(await ask(store, 'entitiesIn', { sources: ['m-1'] }), ['organisation/acme', anna]);
  assert.deepEqual(await ask(store, 'entitiesIn', { sources: ['m-', 'm-10'] }), []);
});

test('why is the same as the command line computes, and refuses what has none', async () => {
  const store = await company();
  for (const [kind, id] of [['fact', 'f-2-0'], ['intent', 'ap-1'], ['entity', anna], ['actor', 'mail/m-1']] as const) assert.deepEqual(await ask(store, 'why', { kind, id }), await explain(store.db, kind, id));
  assert.equal(await ask(store, 'why', { kind: 'fact', id: 'f-99-0' }), null);
  await assert.rejects(ask(store, 'why', { kind: 'weather', id: 'x' }), withCode('BAD_ARGUMENT'));
});

test('each step of why names the commit that led to it', async () => {
  const { chain } = (await ask<Awaited<ReturnType<typeof explain>>>(await company(), 'why', { kind: 'intent', id: 'ap-1' }))!;
  assert.deepEqual(chain.map(({ seq, cause }) => [seq, cause]), [[3, 2], [2, 1], [1, null]]);
});

test('the words of a mail are those that the agents read; null when there is no such mail', async () => {
  const store = await company();
  assert.equal(await ask(store, 'mailText', { id: 'm-1' }), 'Hello,\nhow much?');
  assert.equal(await ask(store, 'mailText', { id: 'm-9' }), null);
});

test('facts can be read newest first, with every filter, and go on before the cursor', async () => {
  const store = await company();
  const ids = async (args: object) => (await ask<{ id: string }[]>(store, 'facts', { newest: true, ...args })).map(({ id }) => id);
  assert.deepEqual(await ids({}), ['f-5-0', 'f-4-0', 'f-2-1', 'f-2-0']);
  assert.deepEqual(await ids({ limit: 2 }), ['f-5-0', 'f-4-0']);
  assert.deepEqual(await ids({ cursor: 'f-4-0' }), ['f-2-1', 'f-2-0']);
  assert.deepEqual(await ids({ cursor: 'f-2-1', actor: 'mail/m-1' }), ['f-2-0']);
  assert.deepEqual(await ids({ actor: 'mail/m-1' }), ['f-2-1', 'f-2-0']);
  assert.deepEqual(await ids({ since: 4 }), ['f-5-0', 'f-4-0']);
  assert.deepEqual(await ids({ until: 4, cursor: 'f-5-0' }), ['f-2-1', 'f-2-0']);
});
