// Goal: from any row one gets back to the raw input. Method: one mail's history written by hand as the host writes it, then with
// parts of it missing.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Decision, Fact } from '#machines/records.ts';
import { explain, type Why, type WhyKind } from '#store/why.ts';
import type { Commit } from '#machines/commit.ts';
import { commitOf, stepOf, tempStore, type TempStore } from './temp-store.ts';

const run = 'mail/m-1';
const triage = 'triage/mail.m-1.triage~0';
const journal = (body: object) => JSON.stringify(body);
const decision = (what: string, rest: Partial<Decision> = {}): Decision => ({ what, outcome: 'yes', confidence: 0.9, reasons: ['r'], evidence: [{ kind: 'artifact', id: 'm-1' }], policy: null, model: null, costMicros: null, ...rest });
const invoice: Fact = { entity: 'organisation/acme', predicate: 'invoice', value: 1, label: 'untrusted', confidence: 0.9, source: 'm-1#L2' };

/** received → start → triage → its result, with a fact → an operation, approved by the operator. */
const mailHistory = (): Commit[] => [
  commitOf('received:m-1', { actor: 'connector/mail', journal: journal({ received: 'm-1' }), artifacts: [{ id: 'm-1', kind: 'mail', mediaType: 'message/rfc822', name: 'a.eml', hash: 'h1', sizeBytes: 3, text: 'Bill\nHello,\nAmount due: 5 EUR\nBye' }], blobs: [{ hash: 'h1', bytes: 'raw' }] }),
  commitOf('start:m-1', { actor: run, journal: journal({ from: 'connector/mail', cause: 'received:m-1', message: { kind: 'start', machine: 'mail@1', input: { mail: { text: 'Hello,\nAmount due: 5 EUR\nBye' } } } }), step: stepOf(0) }),
  commitOf(`${run}#0.0`, { actor: triage, journal: journal({ from: run, cause: 'start:m-1', message: { kind: 'start', machine: 'triage@1' } }), step: stepOf(0), decisions: [decision('triage', { model: 'gpt', costMicros: 12, policy: { id: 'mail', version: '1', rule: 'ask' } })] }),
  commitOf(`${triage}#0.0`, { actor: run, journal: journal({ from: triage, cause: `${run}#0.0`, message: { kind: 'done', child: 'triage' } }), step: stepOf(1), facts: [invoice] }),
  commitOf(`${run}#1.0`, { actor: 'operation/mail.m-1', journal: journal({ from: run, cause: `${triage}#0.0`, message: { kind: 'start', machine: 'operation@1' } }), step: stepOf(0, '{"snapshot":{"context":{"id":"op-1"}}}'), intents: [{ id: 'ap-1', kind: 'approval', state: 'input-required', summary: 'Send?' }] }),
  commitOf('command:1', { actor: 'operation/mail.m-1', journal: journal({ from: 'operator/desk', message: { kind: 'event', event: { type: 'APPROVE' } } }), step: stepOf(1, '{"snapshot":{"context":{"id":"op-1"}}}'), intents: [{ id: 'ap-1', kind: 'approval', state: 'completed' }], decisions: [decision('approval', { evidence: [{ kind: 'fact', id: 'f-4-0' }] })], artifacts: [{ id: 'sent-op-1', kind: 'sent', mediaType: 'text/plain', hash: 'h2', sizeBytes: 2, text: 'ok' }], blobs: [{ hash: 'h2', bytes: 'ok' }] }),
];

async function written(commits: Commit[]): Promise<TempStore> {
  const store = await tempStore();
  for (const commit of commits) assert.equal((await store.committer.commit(commit)).outcome, 'written', commit.id);
  return store;
}
const why = async ({ db }: TempStore, kind: WhyKind, id: string) => (await explain(db, kind, id)) as Why;
const seqs = ({ chain }: Why) => chain.map(({ seq }) => seq);
const mail = { artifact: 'm-1', version: 1, hash: 'h1', name: 'a.eml' };

test('a fact leads over the step that read it to the line of the mail', async () => {
  const { chain, raw, cut } = await why(await written(mailHistory()), 'fact', 'f-4-0');
  assert.deepEqual(chain.map(({ seq, actor, rev, event }) => [seq, actor, rev, event]), [[4, run, 1, 'done triage'], [3, triage, 0, 'start triage@1'], [2, run, 0, 'start mail@1'], [1, 'connector/mail', null, 'received']]);
  const [decided] = chain[1]!.decisions;
  assert.deepEqual([decided!.id, decided!.what, decided!.model, decided!.costMicros, decided!.policy?.rule, decided!.evidence], ['d-3-0', 'triage', 'gpt', 12, 'ask', [{ kind: 'artifact', id: 'm-1' }]]);
  assert.deepEqual([raw, cut], [[{ ...mail, line: 2, text: 'Amount due: 5 EUR' }], false]);
});

test('an answer of the operator has no cause: the chain goes on with what was asked', async () => {
  const store = await written(mailHistory());
  for (const [kind, id] of [['intent', 'ap-1'], ['artifact', 'sent-op-1'], ['operation', 'op-1'], ['operation', 'operation/mail.m-1'], ['actor', 'operation/mail.m-1'], ['decision', 'd-6-0']] as const) assert.deepEqual(seqs(await why(store, kind, id)), [6, 5, 4, 3, 2, 1], `${kind} ${id}`);
});

test('evidence that is a fact counts with its source, and our own documents are no raw input', async () => {
  const store = await written([...mailHistory(), commitOf('alone', { actor: 'other/1', decisions: [decision('guess', { evidence: [{ kind: 'fact', id: 'f-4-0' }, { kind: 'artifact', id: 'sent-op-1' }] })] })]);
  const { chain, raw } = await why(store, 'decision', 'd-7-0');
  assert.deepEqual([chain.length, raw], [1, [{ ...mail, line: 2, text: 'Amount due: 5 EUR' }]]);
});

test('an entity is explained by its newest facts, an annotation by its commit', async () => {
  const store = await written([...mailHistory(), commitOf('note', { actor: 'operator/desk', journal: journal({ remark: 1 }), annotations: [{ kind: 'remark', target: { kind: 'fact', id: 'f-4-0' }, text: 'hm' }] })]);
  assert.deepEqual(seqs(await why(store, 'entity', 'organisation/acme')), [4, 3, 2, 1]);
  const { chain, raw } = await why(store, 'annotation', 'a-7-0');
  assert.deepEqual([chain.map(({ event }) => event), raw], [['remark'], []]);
});

test('where bodies are gone the chain says so and goes on by the ids of the messages', async () => {
  const store = await written(mailHistory());
  await store.db.exec("UPDATE journal SET body = NULL, digest = 'd'");
  const { chain, raw } = await why(store, 'fact', 'f-4-0');
  assert.deepEqual(chain.map(({ seq, event, note }) => [seq, event, note]), [4, 3, 2, 1].map((seq) => [seq, null, 'the message is gone: erased or too old']));
  assert.deepEqual(raw, [{ ...mail, line: 2, text: 'Amount due: 5 EUR' }], 'the index still has the text');
  await store.db.exec('DELETE FROM search');
  assert.deepEqual((await why(store, 'fact', 'f-4-0')).raw, [{ ...mail, line: 2 }]);
});

test('the result of a job leads to the step that asked for it, whatever try it was', async () => {
  const job = (id: string, body: object) => commitOf(id, { actor: 'host/worker', journal: journal(body) });
  const gen = 'order/1#0.0';
  const store = await written([
    commitOf('first', { journal: journal({ message: { kind: 'start' } }), step: stepOf(0) }),
    job(`${gen}!result`, { job: gen, error: {} }), job(`${gen}~2!claim`, { job: `${gen}~2`, claimed: true }), job(`${gen}~2!result`, { job: `${gen}~2`, result: 'done' }),
    commitOf(`${gen}~2.done`, { journal: journal({ cause: `${gen}~2!result`, message: { kind: 'done', child: 'send' } }), step: stepOf(1) }),
  ]);
  assert.deepEqual((await why(store, 'actor', 'order/1')).chain.map(({ seq, event }) => [seq, event]), [[5, 'done send'], [4, 'job done'], [1, 'start']]);
});

test('causes in a circle end, and a very long chain is cut and says so', async () => {
  const circle = await written([commitOf('a', { journal: journal({ cause: 'b' }) }), commitOf('b', { journal: journal({ cause: 'a' }) })]);
  assert.deepEqual(seqs(await why(circle, 'actor', 'order/1')), [2, 1]);
  const long = await written(Array.from({ length: 210 }, (_, i) => commitOf(`m${i}`, { journal: journal({ cause: `m${i - 1}` }) })));
  const { chain, cut } = await why(long, 'actor', 'order/1');
  assert.deepEqual([chain.length, chain[0]!.seq, cut], [200, 210, true]);
});

test('the version that was in force then is named, and lines of texts are found', async () => {
  const template = (hash: string, bytes: string) => ({ artifacts: [{ id: 'template/t', kind: 'template' as const, mediaType: 'text/markdown', hash, sizeBytes: bytes.length }], blobs: [{ hash, bytes }] });
  const store = await written([commitOf('t1', template('h1', 'one\ntwo')), commitOf('c', { facts: [{ ...invoice, source: 'template/t#L2' }] }), commitOf('t2', template('h2', 'new'))]);
  const found = { artifact: 'template/t', version: 1, hash: 'h1', name: null };
  assert.deepEqual((await why(store, 'fact', 'f-2-0')).raw, [{ ...found, line: 2, text: 'two' }]);
  const beyond = await written([commitOf('t1', template('h1', 'one')), commitOf('c', { facts: [{ ...invoice, source: 'template/t#L9' }, { ...invoice, source: 'm-never' }] })]);
  assert.deepEqual((await why(beyond, 'fact', 'f-2-0')).raw, [{ ...found, line: 9 }]);
});

test('what is not there has no why', async () => {
  const store = await written(mailHistory());
  for (const [kind, id] of [['fact', 'f-9-0'], ['fact', 'x'], ['decision', 'f-4-0'], ['annotation', 'a-1-0'], ['intent', 'x'], ['artifact', 'x'], ['entity', 'x'], ['actor', 'x'], ['operation', 'x']] as const) assert.equal(await explain(store.db, kind, id), null, `${kind} ${id}`);
});
