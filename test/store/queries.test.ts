import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Database } from '#store/database.ts';
import { queries, runQuery, type QueryName } from '#store/queries.ts';
import { partNumber, type Fact } from '#machines/records.ts';
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
  assert.deepEqual(await ask(await company(), 'status'), { received: 12, applied: 10, duplicate: 1, parked: 1, waiting: 2, inFlight: 1, deadlines: 1, active: 2, failed: 1, mails: 1, facts: 4, erasing: 0, commits: 11, effects: 'running' });
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

test('an operation is found by its address, else by the id under which it was proposed, whoever else has that id', async () => {
  const { file, committer } = await tempStore();
  const operation = (address: string, id: string, status = 'active') => committer.commit(commitOf(address, { actor: address, step: { ...stepOf(0, JSON.stringify({ snapshot: { context: { id } } })), status, value: '"unknown"' } }));
  await Promise.all([operation('operation/a', 'reply'), operation('operation/b', 'reply'), operation('operation/c', 'operation/a'), operation('operation/d', 'gone', 'erased'), operation('order/9', 'reply')]);
  const db = await openTemp(file, { readOnly: true });
  const find = async (id: string) => (await ask<{ address: string; id: string; value: unknown }[]>(db, 'operation', { id })).map(({ address, id: named, value }) => [address, named, value]);
  assert.deepEqual(await find('operation/a'), [['operation/a', 'reply', 'unknown']]);
  assert.deepEqual(await find('reply'), [['operation/a', 'reply', 'unknown'], ['operation/b', 'reply', 'unknown']]);
  for (const none of ['gone', 'operation/d', 'order/9', '', '%']) assert.deepEqual(await find(none), [], none);
});

const stated = (n: string, predicate: string, value: Fact['value'], { actor = 'connector/shop', ...rest }: Partial<Fact> & { actor?: string } = {}) => commitOf(n, { actor, facts: [{ entity: 'person/anna', predicate, value, label: 'verified-connector', confidence: 1, ...rest }] });

test('a value is vouched for by what the operator, a policy, a connector or an operation stated, in force today, and by nothing else', async () => {
  const { file, committer } = await tempStore();
  const nowMs = commitOf('c').atMs;
  const commits = [
    stated('c1', 'person.email', 'anna@anna.example', { label: 'operator' }),
    stated('c2', 'person.email', 'said@bo.example', { label: 'untrusted' }),
    stated('c3', 'person.email', 'agent@bo.example', { label: 'system', actor: 'mail/m-1' }),
    stated('c4', 'person.email', 'done@bo.example', { label: 'system', actor: 'operation/o-1' }),
    stated('c5', 'person.email', 'over@bo.example', { validFromMs: nowMs - 10, validToMs: nowMs }),
    stated('c6', 'person.email', 'soon@bo.example', { validFromMs: nowMs + 1 }),
    stated('c7', 'person.name', 'name@bo.example'),
    stated('c8', 'invoice.issued', { total: { amountMinor: 119_00, currency: 'EUR' }, customerEmail: 'Payer@Bo.example' }),
    stated('c9', 'person.email', 'wrong@bo.example'),
    stated('c10', 'person.email', 'right@bo.example', { label: 'operator', supersedes: 'f-9-0', actor: 'operator/you' }),
  ];
  for (const commit of commits) assert.equal((await committer.commit(commit)).outcome, 'written', commit.id);
  const db = await openTemp(file, { readOnly: true });
  const vouches = (kind: string, value: unknown) => ask<{ fact: string; label: string; predicate: string } | null>(db, 'vouched', { kind, value: JSON.stringify(value), nowMs });
  assert.deepEqual(await vouches('recipient', 'ANNA@anna.example'), { fact: 'f-1-0', label: 'operator', predicate: 'person.email' });
  assert.equal((await vouches('recipient', 'done@bo.example'))?.fact, 'f-4-0');
  assert.equal((await vouches('recipient', 'right@bo.example'))?.fact, 'f-10-0');
  for (const name of ['said', 'agent', 'over', 'soon', 'name', 'wrong', 'payer', 'nobody']) assert.equal(await vouches('recipient', `${name}@bo.example`), null, name);
  assert.equal((await vouches('payee', 'payer@bo.example'))?.predicate, 'invoice.issued');
  assert.equal((await vouches('amount', { amountMinor: 119_00, currency: 'EUR' }))?.predicate, 'invoice.issued');
  for (const other of [{ amountMinor: 119_01, currency: 'EUR' }, { amountMinor: 119_00, currency: 'USD' }, 119_00, '119', null]) assert.equal(await vouches('amount', other), null, JSON.stringify(other));
  for (const kind of ['host', 'path', 'visibility']) assert.equal(await vouches(kind, 'anna@anna.example'), null, kind);
  await assert.rejects(vouches('anything', 'x'), withCode('BAD_ARGUMENT'));
  await assert.rejects(ask(db, 'vouched', { kind: 'recipient', value: 'no JSON', nowMs }), withCode('BAD_ARGUMENT'));
});

test('effects run until the operator stops them, and what he said last holds', async () => {
  const { file, committer } = await tempStore();
  const db = await openTemp(file, { readOnly: true });
  const state = async () => (await ask<{ state: string; reason: string }>(db, 'effects')).state;
  assert.equal(await state(), 'running');
  const say = (id: string, value: string, label: Fact['label'] = 'operator') => committer.commit(stated(id, 'company.effects', { state: value, reason: 'r' }, { entity: 'organisation/self', label }));
  for (const [i, [value, label, expected]] of ([['stopped', 'operator', 'stopped'], ['running', 'untrusted', 'stopped'], ['running', 'system', 'stopped'], ['running', 'operator', 'running'], ['stopped', 'verified-connector', 'running']] as const).entries()) {
    await say(`c${i}`, value, label);
    assert.equal(await state(), expected, `${value} by ${label}`);
  }
});

test('who proposed is who started the operation: its parent, or who sent its first message', async () => {
  const { file, committer } = await tempStore();
  const step = stepOf(0, JSON.stringify({ parent: { address: 'mail/m-1' } }));
  await committer.commit(commitOf('c1', { actor: 'operation/a', step }));
  await committer.commit(commitOf('c2', { actor: 'operation/b', step: stepOf(0), journal: JSON.stringify({ from: 'operator/desk' }) }));
  await committer.commit(commitOf('c3', { actor: 'operation/b', step: stepOf(1), journal: JSON.stringify({ from: 'mail/m-2' }) }));
  const db = await openTemp(file, { readOnly: true });
  const proposer = (address: string) => ask<string | null>(db, 'proposer', { address });
  assert.deepEqual([await proposer('operation/a'), await proposer('operation/b'), await proposer('operation/c')], ['mail/m-1', 'operator/desk', null]);
});

test('the inbox is what waits for the operator, oldest first, or what is in the state asked for', async () => {
  const db = await company();
  assert.deepEqual(await column(db, 'inbox', {}, 'id'), ['i2', 'i1']);
  assert.deepEqual(await column(db, 'inbox', {}, 'data'), [{ risk: 'low' }, {}]);
  assert.deepEqual(await column(db, 'inbox', { state: 'completed' }, 'id'), ['i3']);
  assert.equal((await ask<{ summary: string }>(db, 'intent', { id: 'i1' })).summary, 'Which?');
  assert.equal(await ask(db, 'intent', { id: 'none' }), null);
  assert.deepEqual(await column(db, 'intents', {}, 'id'), ['i3', 'i1', 'i2']);
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

test('facts are filtered by value, actor and time; one fact names its correction', async () => {
  const db = await company();
  const values = (args: object) => column(db, 'facts', args as Record<string, unknown>, 'value');
  assert.deepEqual(await values({ value: '"ACME"' }), ['ACME']);
  assert.deepEqual(await values({ actor: 'mail/m-1' }), ['Anna Müller', 'Köln', 'ACME']);
  assert.deepEqual(await values({ actor: 'mail/m-1', predicate: 'city', cursor: 'f-5-0' }), ['Köln']);
  assert.deepEqual(await values({ actor: 'order/1', after: partNumber(5, 1) }), ['Anna Schmidt']);
  assert.deepEqual(await values({ since: 6 }), ['Anna Schmidt']);
  assert.deepEqual(await values({ until: 6, label: 'operator' }), ['Köln']);
  assert.deepEqual(await values({ since: 7, until: 99 }), []);
  assert.deepEqual(await values({ until: 1 }), []);
  const { db: other, committer } = await tempStore();
  const phone = { entity: 'person/anna', predicate: 'person.phone', value: '1', label: 'operator' as const, confidence: 1 };
  await committer.commit(commitOf('a', { atMs: 1, facts: [phone] }));
  await committer.commit(commitOf('b', { atMs: 2, facts: [{ ...phone, value: '2', supersedes: 'f-1-0' }] }));
  const corrected = await ask<{ id: string; supersedes: string | null; supersededBy: unknown }>(other, 'fact', { id: 'f-1-0' });
  assert.deepEqual([corrected.id, corrected.supersedes, corrected.supersededBy], ['f-1-0', null, [{ id: 'f-2-0', recorded_ms: 2 }]]);
  assert.equal((await ask<{ supersedes: string }>(other, 'fact', { id: 'f-2-0' })).supersedes, 'f-1-0');
  assert.equal(await ask(other, 'fact', { id: 'f-9-0' }), null);
});

test('every list can be read in pages by its cursors, without gap or repetition', async () => {
  const { db, committer } = await tempStore();
  for (let i = 1; i <= 5; i++) {
    const note = { kind: i % 2 ? 'remark' as const : 'correction' as const, target: { kind: 'entity' as const, id: `person/${i % 2}` }, text: `note ${i}` };
    const mail = (id: string) => ({ id, kind: 'mail' as const, mediaType: 'text/plain', hash: `h${i}${id}`, sizeBytes: 1 });
    await committer.commit(commitOf(`c${i}`, {
      atMs: i, actor: `order/${i}`, step: stepOf(0), facts: [1, 2].map((n) => ({ entity: `person/${i}`, predicate: 'mail.received', value: n, label: 'untrusted', confidence: 1 })),
      intents: [{ id: `i${9 - i}`, kind: 'task', state: 'working' }, { id: `i${9 - i}b`, kind: 'task', state: 'working' }], artifacts: [mail('m'), mail(`m-${i}`), mail(`m-${i}/1`)], annotations: [note],
      decisions: [{ what: 'triage', outcome: 'x', confidence: null, reasons: [], evidence: [], policy: null, model: null, costMicros: null }], parked: { subject: 's', reason: 'r', bytes: new Uint8Array([i]) },
    }));
  }
  const lists: [QueryName, Record<string, unknown>, number][] = [
    ['facts', {}, 10], ['facts', { entityKind: 'person' }, 10], ['entities', {}, 5], ['entities', { entityKind: 'person' }, 5], ['intents', {}, 10], ['intents', { state: 'working', since: 2, until: 5 }, 6], ['artifacts', {}, 15], ['artifacts', { artifactKind: 'mail', since: 3 }, 9], ['artifacts', { id: 'm' }, 5],
    ['decisions', {}, 5], ['decisions', { what: 'triage', since: 2, until: 4 }, 2], ['annotations', {}, 5], ['annotations', { target: 'person/1', annotationKind: 'remark' }, 3], ['annotations', { until: 3 }, 2], ['parked', {}, 5], ['parked', { since: 4 }, 2], ['actors', {}, 5], ['actors', { type: 'order', since: 2 }, 4],
  ];
  for (const [name, args, total] of lists) {
    const whole = await ask<Record<string, unknown>[]>(db, name, args);
    const paged: typeof whole = [];
    for (let page = await ask<typeof whole>(db, name, { ...args, limit: 2 }); page.length > 0; page = await ask<typeof whole>(db, name, { ...args, limit: 2, cursor: page.at(-1)!['cursor'] })) paged.push(...page);
    assert.equal(whole.length, total, `${name} ${JSON.stringify(args)}`);
    assert.deepEqual(paged, whole, `${name} ${JSON.stringify(args)}`);
  }
  for (const [name, cursor] of [['facts', 'x'], ['facts', 'd-1-0'], ['decisions', 'f-1-0'], ['annotations', '1'], ['artifacts', 'm'], ['parked', 'x']] as [QueryName, string][]) await assert.rejects(ask(db, name, { cursor }), withCode('BAD_ARGUMENT'), `${name} ${cursor}`);
  assert.equal((await ask<{ text: string }>(db, 'annotation', { id: 'a-1-0' })).text, 'note 1');
  assert.equal((await ask<{ what: string }>(db, 'decision', { id: 'd-1-0' })).what, 'triage');
  assert.deepEqual([await ask(db, 'annotation', { id: 'a-9-0' }), await ask(db, 'decision', { id: 'x' })], [null, null]);
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
  for (const text of ['müller', 'MULLER', 'mu\u0308ller', '"Müller" OR x']) assert.deepEqual(await column(db, 'search', { text }, 'id'), ['f-5-0'], text);
  assert.deepEqual(await column(db, 'search', { text: 'chairs Anna', kinds: ['template'] }, 'kind'), ['template']);
  assert.deepEqual(await column(db, 'search', { text: 'chairs', except: 'template/offer' }, 'id'), []);
  assert.equal((await ask<unknown[]>(db, 'search', { text: 'anna name', limit: 1 })).length, 1);
});

test('words that very many rows have still find: alone the newest, with a rarer word what has both', async () => {
  const { db, committer } = await tempStore();
  const fact = (value: string) => ({ entity: 'asset/x', predicate: 'asset.note', value, label: 'operator' as const, confidence: 1 });
  await committer.commit(commitOf('rare', { facts: [fact('zebra'), fact('zebra common')] }));
  await committer.commit(commitOf('template', { artifacts: [{ id: 'template/t', kind: 'template', mediaType: 'text/plain', hash: 'h', sizeBytes: 1, text: 'usual common words' }] }));
  for (let i = 0; i < 4; i++) await committer.commit(commitOf(`many${i}`, { facts: Array.from({ length: 100 }, (_, n) => fact(n % 50 === 0 ? 'common usual' : 'common filler')) }));
  const ids = (args: object) => column(db, 'search', args as Record<string, unknown>, 'id');
  assert.deepEqual(await ids({ text: 'zebra common' }), ['f-1-1', 'f-1-0']);
  assert.deepEqual((await ids({ text: 'common' }))[0], 'f-6-99');
  assert.deepEqual(await ids({ text: 'common', kinds: ['template'] }), ['template/t']);
  assert.deepEqual(await ids({ text: 'common filler', limit: 1 }), ['f-6-99']);
  assert.deepEqual(await ids({ text: 'common nowhere', limit: 1 }), ['f-6-99']);
  assert.deepEqual(await ids({ text: 'common', kinds: ['"'] }), []);
});

test('the words of a hit are found again at its place', async () => {
  const db = await company();
  const [hit] = await ask<{ place: number; text: string }[]>(db, 'search', { text: 'chairs' });
  assert.deepEqual(await ask(db, 'texts', { places: [hit!.place, 999, 'x'] }), [{ place: hit!.place, text: hit!.text }]);
  assert.deepEqual(await ask(db, 'texts'), []);
});

test('every state of an intent is kept', async () => {
  const { db, committer } = await tempStore();
  for (const [i, state] of (['input-required', 'completed'] as const).entries()) await committer.commit(commitOf(`c${i}`, { atMs: i, intents: [{ id: 'i', kind: 'task', state, ...(i ? {} : { summary: 's', data: { a: 1 } }) }] }));
  assert.deepEqual((await ask<Record<string, unknown>[]>(db, 'intentChanges', { id: 'i' })).map(({ state, summary, data }) => [state, summary, data]), [['input-required', 's', { a: 1 }], ['completed', '', {}]]);
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
  const args = { address: 'a/1', id: 'x', entity: 'person/x', entityKind: 'person', predicate: 'p', artifactKind: 'mail', hash: 'h', text: 'word', kind: 'recipient', value: '"x"', mail: 'm-1', types: ['mail'] };
  for (const name of Object.keys(queries)) await runQuery(db, name, name === 'why' ? { ...args, kind: 'fact' } : name === 'vectorsDue' ? { model: 'hashed-1@512' } : args);
});
