// Goal: what the store insists on, whoever asks. Method: one commit that is right, and one way of being wrong after the other; then
// hostile texts through the rules, the file and the named reads.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { KeelsonError } from '#machines/errors.ts';
import { bannedKeys } from '#machines/json-limits.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import type { Annotation, Artifact, Decision, Fact, Intent } from '#machines/records.ts';
import { createCommitter } from '#store/commit.ts';
import { queries, runQuery, type QueryName } from '#store/queries.ts';
import { commitLimits, createRules } from '#store/rules.ts';
import { verifyAudit } from '#store/verify.ts';
import { countRows, messageOf, openTemp, tempStore } from './temp-store.ts';

const rules = createRules({ copy: { facts: ['asset.note', 'person.name'], artifacts: ['draft'], intents: ['question'], corrections: true, spendMicros: 10 } });
const fact = (parts: object = {}): Fact => ({ entity: 'asset/x', predicate: 'asset.note', value: 'a note', label: 'untrusted', confidence: 0.5, ...parts });
const intent = (parts: object = {}): Intent => ({ id: 'i-1', kind: 'question', state: 'input-required', summary: 'Which?', data: { n: 1 }, ...parts });
const artifact = (parts: object = {}): Artifact => ({ id: 'a-1', kind: 'draft', mediaType: 'text/plain', hash: 'h', sizeBytes: 1, text: 'x', ...parts });
const decision = (parts: object = {}): Decision => ({ what: 'draft', outcome: 'written', confidence: null, reasons: [], evidence: [], policy: null, model: null, costMicros: 10, ...parts });
const annotation = (parts: object = {}): Annotation => ({ kind: 'correction', target: { kind: 'artifact', id: 'a-1' }, text: 'x', ...parts });
const why = (parts: Partial<Commit>, actor = 'copy/1') => rules({ ...emptyCommit('c', 1, actor, {}), ...parts });
const times = <T>(n: number, one: (i: number) => T) => Array.from({ length: n }, (_, i) => one(i));
const nested = (depth: number) => { let value: unknown = 'x'; for (let i = 0; i < depth; i++) value = [value]; return value; };
const half = '\ud800';

test('a commit with a record of every kind is right', () => {
  assert.equal(why({ facts: [fact()], intents: [intent()], artifacts: [artifact()], decisions: [decision()], annotations: [annotation()], sends: [], blobs: [{ hash: 'h', bytes: 'x' }] }), null);
});

const wrong: [title: string, parts: Partial<Commit>, reason: RegExp, actor?: string][] = [
  ['half a surrogate pair in its id', { id: half }, /^half a surrogate pair in '\ufffd'$/],
  ['half a surrogate pair in the name of an entity', { facts: [fact({ entity: `asset/${half}` })] }, /^half a surrogate pair in 'asset\/\ufffd'$/],
  ['half a surrogate pair in a source', { facts: [fact({ source: half })] }, /half a surrogate pair/],
  ['half a surrogate pair in a value', { facts: [fact({ value: half })] }, /^facts\.0\.value: expected text without half a surrogate pair$/],
  ['half a surrogate pair in a receiver', { sends: [{ ...messageOf('m'), to: `order/${half}` }] }, /half a surrogate pair/],
  ['half a surrogate pair in the id of an intent or document', { intents: [intent({ id: half })] }, /half a surrogate pair/],

  ['too many facts', { facts: times(513, () => fact()) }, /^facts: 513 is more than 512$/],
  ['too many intents', { intents: times(513, (i) => intent({ id: `i${i}` })) }, /^intents: 513 is more than 512$/],
  ['too many documents', { artifacts: times(513, () => artifact()) }, /^artifacts: 513 is more than 512$/],
  ['too many decisions', { decisions: times(513, () => decision()) }, /^decisions: 513 is more than 512$/],
  ['too many annotations', { annotations: times(513, () => annotation()) }, /^annotations: 513 is more than 512$/],
  ['too many blobs', { blobs: times(513, () => ({ hash: 'h', bytes: '' })) }, /^blobs: 513 is more than 512$/],
  ['too many messages', { sends: times(1_001, (i) => messageOf(`m${i}`)) }, /^sends: 1001 is more than 1000$/],
  ['a transition record that is too long', { journal: 'x'.repeat(commitLimits.journalBytes + 1) }, /^journal bytes: 4000001 is more than 4000000$/],
  ['a state that is too long', { step: { rev: 0, machine: 'm@1', status: 'active', value: '0', parent: null, record: 'x'.repeat(commitLimits.recordBytes + 1) } }, /^record bytes: 4000001 is more than 4000000$/],
  ['content that is too long', { blobs: [{ hash: 'h', bytes: new Uint8Array(commitLimits.blobBytes + 1) }] }, /^blob bytes: 60000001 is more than 60000000$/],

  ['a confidence that is no number', { facts: [fact({ confidence: Number.NaN })] }, /^facts\.0\.confidence: .*NaN/],
  ['a confidence above one', { facts: [fact(), fact({ confidence: 1.01 })] }, /^facts\.1\.confidence: Too big/],
  ['a label that does not exist', { facts: [fact({ label: 'god' })] }, /^facts\.0\.label: Invalid option/],
  ['a time that is not whole', { facts: [fact({ validFromMs: 0.5 })] }, /^facts\.0\.validFromMs: /],
  ['a value that is no JSON', { facts: [fact({ value: Number.NaN })] }, /^facts\.0\.value: /],
  ['no value', { facts: [fact({ value: undefined })] }, /^facts\.0\.value: /],
  ['a value that is infinite', { facts: [fact({ value: { a: [Infinity] } })] }, /^facts\.0\.value/],
  ['an entity without a kind', { facts: [fact({ entity: 'anna' })] }, /^facts\.0\.entity: expected kind\/key/],
  ['an entity of an unknown kind', { facts: [fact({ entity: 'planet/mars' })] }, /^facts\.0\.entity: expected kind\/key with a kind of person, organisation/],
  ['an entity with a key that is too long', { facts: [fact({ entity: `asset/${'x'.repeat(321)}` })] }, /^facts\.0\.entity: expected/],
  ['a predicate that is not said about such an entity', { facts: [fact({ entity: 'person/anna' })] }, /^facts\.0\.entity: 'asset\.note' is said about asset, not about person$/],
  ['a value that the predicate does not allow', { facts: [fact({ value: 5 })] }, /^facts\.0\.value: expected string, received number$/],
  ['a value that is too long for the predicate', { facts: [fact({ value: 'x'.repeat(2_001) })] }, /^facts\.0\.value: /],
  ['a value of too many bytes', { facts: [fact({ predicate: 'free', value: 'ä'.repeat(32_768) })] }, /^facts\.0\.value: expected at most 65536 bytes of JSON$/, 'operator/you'],
  ['a value that is too deep', { facts: [fact({ predicate: 'free', value: nested(33) })] }, /expected at most 32 levels$/, 'operator/you'],
  ['a value with the key __proto__', { facts: [fact({ predicate: 'free', value: JSON.parse('{"a":{"__proto__":{"admin":true}}}') })] }, /^facts\.0\.value\.a: the key '__proto__' is not allowed$/, 'operator/you'],
  ['a value with the key constructor', { facts: [fact({ predicate: 'free', value: { constructor: 1 } })] }, /^facts\.0\.value: the key 'constructor' is not allowed$/, 'operator/you'],
  ['a predicate that nobody registered', { facts: [fact({ predicate: 'asset.colour' })] }, /^facts\.0\.predicate: 'asset\.colour' is not registered in machines\/predicates\.ts; agents record only what is$/],
  ['a predicate that is no word, even by the operator', { facts: [fact({ predicate: "x'; DROP TABLE fact; --" })] }, /^facts\.0\.predicate: expected a letter/, 'operator/you'],
  ['an intent in no known state', { intents: [intent({ state: 'done' })] }, /^intents\.0\.state: Invalid option/],
  ['an intent of an unknown kind', { intents: [intent({ kind: 'wish' })] }, /^intents\.0\.kind: Invalid option/],
  ['an intent whose data are no JSON', { intents: [intent({ data: { a: Number.NaN } })] }, /^intents\.0\.data\.a: /],
  ['a document of an unknown kind', { artifacts: [artifact({ kind: 'song' })] }, /^artifacts\.0\.kind: Invalid option/],
  ['a document of half a byte', { artifacts: [artifact({ sizeBytes: 0.5 })] }, /^artifacts\.0\.sizeBytes: /],
  ['a decision with half a coin', { decisions: [decision({ costMicros: 0.5 })] }, /^decisions\.0\.costMicros: /],
  ['a decision that is too sure', { decisions: [decision({ confidence: 2 })] }, /^decisions\.0\.confidence: Too big/],
  ['evidence of an unknown kind', { decisions: [decision({ evidence: [{ kind: 'rumour', id: 'x' }] })] }, /^decisions\.0\.evidence\.0\.kind: Invalid option/],
  ['an annotation without words', { annotations: [annotation({ text: '' })] }, /^annotations\.0\.text: Too small/],
  ['an annotation that is too long', { annotations: [annotation({ text: 'x'.repeat(100_001) })] }, /^annotations\.0\.text: Too big/],
  ['an annotation about nothing known', { annotations: [annotation({ target: { kind: 'dream', id: 'x' } })] }, /^annotations\.0\.target\.kind: Invalid option/],
  ['what its actor may not', { artifacts: [artifact({ kind: 'policy' })] }, /^copy\/1 may not write a policy$/],
];

suite('a commit is refused for', () => {
  for (const [title, parts, reason, actor] of wrong) test(title, () => assert.match(why(parts, actor) ?? 'nothing', reason));
});

test('the operator may use a predicate of their own; an agent may not', () => {
  const parts = { facts: [fact({ predicate: 'favourite-colour', value: 'blue' })] };
  assert.equal(why(parts, 'operator/you'), null);
  assert.match(why(parts)!, /is not registered/);
});

test('exactly as much as the limits say is right', () => {
  assert.equal(why({ facts: times(512, () => fact()), journal: 'x'.repeat(commitLimits.journalBytes), sends: times(1_000, (i) => ({ ...messageOf(`m${i}`), from: 'copy/1' })) }), null);
  assert.equal(why({ facts: [fact({ predicate: 'free', value: nested(32) })] }, 'operator/you'), null);
});

test('the first reason counts, in the order: form, size, schema, permission', () => {
  const worst = { artifacts: [artifact({ kind: 'policy' })], facts: times(513, () => fact({ confidence: 5 })), id: half };
  assert.match(why(worst)!, /surrogate/);
  assert.match(why({ ...worst, id: 'c' })!, /more than 512/);
  assert.match(why({ ...worst, id: 'c', facts: [fact({ confidence: 5 })] })!, /confidence/);
});

test('a commit that the rules refuse is answered with the reason and writes nothing', async () => {
  const { db, epoch } = await tempStore();
  const committer = await createCommitter(db, epoch, { onWritten() {}, check: rules });
  const answer = await committer.commit({ ...emptyCommit('c', 1, 'copy/1', {}), facts: [fact()], artifacts: [artifact({ kind: 'template' })] });
  assert.deepEqual(answer, { outcome: 'invalid', reason: 'copy/1 may not write a template' });
  assert.deepEqual([await countRows(db, 'journal'), await countRows(db, 'fact')], [0, 0]);
});

const attacks = ["'); DROP TABLE fact; --", '"); DELETE FROM journal; --', "' OR '1'='1", '$.a[0]', "$' || x'00", 'a\0b', '%_', '?1', ':id', '\\', '*', 'NEAR(a b)', '"; ATTACH DATABASE "x" AS y; --', '{"$ref":"#"}', '\u202e\ufeff', '__proto__', 'x'.repeat(1_900)];
const hostile = fc.oneof(fc.constantFrom(...attacks), fc.string({ unit: 'binary', maxLength: 100 }), fc.tuple(fc.constantFrom(...attacks), fc.string({ maxLength: 20 })).map(([a, b]) => (a + b).slice(0, 1_990))).map((words) => words.toWellFormed());
const isLine = (words: string) => /^[^\p{Cc}\p{Cs}]{1,300}$/u.test(words);

test('hostile words come back unchanged from every field the rules let through, and nothing else happens', async () => {
  const { db, epoch } = await tempStore();
  const committer = await createCommitter(db, epoch, { onWritten() {}, check: rules });
  let n = 0;
  await fc.assert(fc.asyncProperty(hostile, async (s) => {
    const id = `${s.slice(0, 400)}#${n++}`;
    const key = bannedKeys.includes(s) ? 'k' : s;
    const words = s || 'x';
    const entity = isLine(s) ? `asset/${s}` : 'asset/x';
    const answer = await committer.commit({
      ...emptyCommit(id, n, 'copy/1', { [s]: s }), facts: [fact({ entity, value: words, source: s })], intents: [intent({ id: `i${id}`, summary: s, data: { [key]: [s] } })],
      artifacts: [artifact({ id: `a${id}`, mediaType: s, hash: `h${id}`, name: s, text: s })], blobs: [{ hash: `h${id}`, bytes: s }],
      decisions: [decision({ what: s, outcome: s, reasons: [s], evidence: [{ kind: 'fact', id: s }], model: s })], annotations: [annotation({ target: { kind: 'fact', id: s }, text: words, before: s, after: s, rule: s })],
    });
    assert.deepEqual(answer, { outcome: 'written', seq: n });
    const read = async <T>(name: QueryName, args: Record<string, unknown>) => (await runQuery(db, name, args)) as T;
    type Found = Record<string, unknown>;
    const found = await read<Found>('fact', { id: `f-${n}-0` });
    assert.deepEqual([found['entity'], found['value'], found['source']], [entity, words, s]);
    assert.ok((await read<Found[]>('facts', { entity, value: JSON.stringify(words) })).some((one) => one['id'] === `f-${n}-0`));
    const asked = await read<Found>('intent', { id: `i${id}` });
    assert.deepEqual([asked['summary'], asked['data']], [s, { [key]: [s] }]);
    const [document] = await read<Found[]>('artifacts', { id: `a${id}` });
    assert.deepEqual([document!['mediaType'], document!['name'], document!['hash']], [s, s, `h${id}`]);
    assert.equal(Buffer.from(await read<Uint8Array>('blob', { hash: `h${id}` })).toString(), s);
    const decided = await read<Found>('decision', { id: `d-${n}-0` });
    assert.deepEqual([decided['what'], decided['outcome'], decided['reasons'], decided['model']], [s, s, [s], s]);
    const said = await read<Found>('annotation', { id: `a-${n}-0` });
    assert.deepEqual([said['target'], said['text'], said['before'], said['rule']], [s, words, s, s]);
    assert.equal((await read<Found[]>('annotations', { target: s })).some((one) => one['id'] === `a-${n}-0`), true);
    assert.equal(await read('outcome', { id }), 'applied');
  }), { numRuns: 120 });
  assert.deepEqual([await countRows(db, 'journal'), await countRows(db, 'fact'), await countRows(db, 'artifact'), await countRows(db, 'decision')], [n, n, n, n]);
  assert.deepEqual((await verifyAudit(db)).firstBad, undefined);
});

test('half a surrogate pair in words for people becomes another character, and the chain still verifies', async () => {
  const { db, epoch } = await tempStore();
  const committer = await createCommitter(db, epoch, { onWritten() {}, check: rules });
  const answer = await committer.commit({ ...emptyCommit('c', 1, 'copy/1', {}), intents: [intent({ summary: half, data: { [half]: half } })], artifacts: [artifact({ mediaType: half, name: half })], decisions: [decision({ what: half, outcome: half, reasons: [half] })], annotations: [annotation({ target: { kind: 'fact', id: half }, text: half, before: half })] });
  assert.equal(answer.outcome, 'written');
  assert.deepEqual((await verifyAudit(db)).firstBad, undefined);
});

test('query arguments of hostile names and values are refused or harmless', async () => {
  const { file, committer } = await tempStore();
  await committer.commit({ ...emptyCommit('c', 1, 'copy/1', {}), facts: [fact()] });
  const db = await openTemp(file, { readOnly: true });
  const before = await db.all("SELECT group_concat(sql) AS sql, (SELECT count(*) FROM fact) AS facts, (SELECT count(*) FROM journal) AS commits FROM sqlite_schema");
  const keys = ['address', 'id', 'entity', 'entityKind', 'predicate', 'value', 'label', 'actor', 'state', 'kind', 'kinds', 'what', 'target', 'artifactKind', 'hash', 'text', 'type', 'status', 'limit', 'cursor', 'after', 'since', 'until', 'except', 'places', 'validAtMs', 'knownAtMs'];
  const value = fc.oneof(hostile, fc.array(hostile, { maxLength: 3 }), fc.constantFrom(null, true, Number.NaN, Infinity, -1, 1.5, 2 ** 60, {}, nested(50)), fc.nat());
  const args = fc.dictionary(fc.oneof(fc.constantFrom(...keys), hostile), value, { maxKeys: 5 });
  await fc.assert(fc.asyncProperty(fc.constantFrom(...Object.keys(queries)), args, async (name, given) => {
    try {
      await runQuery(db, name, given);
    } catch (error) {
      assert.ok(error instanceof KeelsonError && error.code === 'BAD_ARGUMENT', `${name} ${JSON.stringify(given)}: ${String(error)}`);
    }
  }), { numRuns: 800 });
  assert.deepEqual(await db.all("SELECT group_concat(sql) AS sql, (SELECT count(*) FROM fact) AS facts, (SELECT count(*) FROM journal) AS commits FROM sqlite_schema"), before);
});

const frozen = [
  ['fact', 'UPDATE fact SET value = value'], ['fact', "UPDATE fact SET label = 'operator'"], ['fact', 'DELETE FROM fact'], ['fact', 'INSERT OR REPLACE INTO fact SELECT n + 1, entity, predicate, version, value, label, confidence, source, n, valid_from_ms, valid_to_ms, actor, seq, recorded_ms FROM fact; DELETE FROM fact WHERE supersedes IS NOT NULL'],
  ['journal', "UPDATE journal SET body = '{}'"], ['journal', 'UPDATE journal SET seq = 7'], ['journal', "UPDATE journal SET hash = 'x'"], ['journal', "UPDATE journal SET body = NULL, digest = 'x', actor = 'operator/x'"], ['journal', 'DELETE FROM journal'],
] as const;
for (const [table, sql] of frozen) {
  test(`the table ${table} refuses: ${sql.slice(0, 60)}`, async () => {
    const { db, committer } = await tempStore();
    await committer.commit({ ...emptyCommit('c', 1, 'copy/1', {}), facts: [fact()] });
    await assert.rejects(db.exec(sql), (error: unknown) => error instanceof KeelsonError && error.code === 'REFUSED' && /append-only/.test(error.message));
    assert.ok((await db.all(`SELECT * FROM ${table}`)).length > 0);
  });
}

test('what goes beyond a record is refused, whatever the record is', () => {
  const deep = Array.from({ length: 5_000 }).reduce<unknown>((inner) => [inner], 1);
  const circle: Record<string, unknown> = {};
  circle['me'] = circle;
  const refused: [parts: object, reason: RegExp][] = [
    [{ facts: [fact({ value: deep as never })] }, /levels/], [{ intents: [intent({ data: { deep: deep as never } })] }, /levels/],
    [{ intents: [intent({ data: circle as never })] }, /levels/], [{ intents: [intent({ data: JSON.parse('{"__proto__": 1}') as never })] }, /'__proto__' is not allowed/],
    [{ decisions: [{ ...decision({}), actor: 'operator/you' }] }, /there is no 'actor' in it/], [{ annotations: [{ ...annotation({}), id: 'a-1-0' }] }, /there is no 'id' in it/],
    [{ intents: [intent({ id: 'x'.repeat(501) })] }, /1 to 500 characters/], [{ intents: [intent({ summary: 'x'.repeat(1_000_001) })] }, /bytes of JSON/],
    [{ artifacts: [artifact({ sizeBytes: -1 })] }, /expected 0 or more/], [{ actor: 'operatorX' }, /no address/], [{ settles: ['mail/b#3.0'] }, /may not settle/],
  ];
  for (const [parts, reason] of refused) assert.match(rules({ ...emptyCommit('c', 1, 'copy/1', {}), ...parts })!, reason);
  assert.equal(rules({ ...emptyCommit('c', 1, 'copy/1', {}), settles: ['copy/1#3.0'] }), null);
});
