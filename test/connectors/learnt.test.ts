// Goal: the tier `local` answers from published rules first, then from what was taught, and forgets what was erased. Method: commits as the
// host and the desk write them, on the real store, read through its named queries.
import assert from 'node:assert/strict';
import test from 'node:test';
import { consolidate } from '#connectors/consolidate.ts';
import { createLearnt } from '#connectors/learnt.ts';
import type { Tried } from '#machines/agents/activities.ts';
import { localQuestion } from '#machines/agents/triage-tiers.ts';
import { triageMail } from '#machines/agents/triage-rules.ts';
import { sha256 } from '#actors/hash.ts';
import type { Mail } from '#machines/mail.ts';
import type { Annotation, Decision } from '#machines/records.ts';
import { runQuery } from '#store/queries.ts';
import { commitOf, stepOf, tempStore, type TempStore } from '#test/store/temp-store.ts';
import { buildMail } from '#test/kit/held-out.ts';

const portal = (n: number): Mail => buildMail({ from: 'Portal <sales@portal.example>', subject: `Invoice ${n} of your gallery`, text: `Hello, please find attached invoice ${n} for the prints sold through our portal. Total amount due: EUR ${n}.00, payable by 3 May 2026.` }, n);
const ask = (mail: Mail) => localQuestion(mail, triageMail(mail));
const categoryOf = ({ answer }: Tried) => (answer as { category: string } | null)?.category;
const verdict = (mail: Mail, outcome: string, tier: string): Decision => ({ what: 'triage', outcome, confidence: tier === 'operator' ? 1 : 0.8, reasons: [], evidence: [{ kind: 'artifact', id: mail.id }], policy: null, model: null, costMicros: 0, task: 'triage', tier });
const correction = (mail: Mail, before: string, after: string): Annotation => ({ kind: 'correction', target: { kind: 'artifact', id: mail.id }, text: mail.subject, before, after, task: 'triage' });

async function open() {
  const store = await tempStore();
  const write = async (...args: Parameters<typeof commitOf>) => assert.equal((await store.committer.commit(commitOf(...args))).outcome, 'written', args[0]);
  let at = 0;
  const sorted = async (mail: Mail, outcome: string, tier: string) => {
    await write(`start:${mail.id}`, { atMs: ++at, actor: `mail/${mail.id}`, journal: JSON.stringify({ from: 'connector/mail', message: { kind: 'start', machine: 'mail@2', input: { mail } } }), step: stepOf(0) });
    await write(`sorted:${mail.id}`, { atMs: ++at, actor: `triage/mail.${mail.id}.triage~0`, step: { ...stepOf(0), parent: `mail/${mail.id}` }, decisions: [verdict(mail, outcome, tier)] });
  };
  const corrected = (mail: Mail, before: string, after: string) => write(`command:${mail.id}-${after}`, { atMs: ++at, actor: 'operator/desk', annotations: [correction(mail, before, after)], decisions: [verdict(mail, after, 'operator')] });
  const publish = (name: string, rule: object | string) => {
    const text = typeof rule === 'string' ? rule : JSON.stringify({ name, ...rule });
    const hash = sha256(text);
    return write(`rule:${name}:${hash}`, { atMs: ++at, actor: 'operator/company', artifacts: [{ id: `rule/${name}`, kind: 'rule', mediaType: 'application/json', hash, sizeBytes: Buffer.byteLength(text) }], blobs: [{ hash, bytes: text }] });
  };
  const port = { query: (name: string, args: Record<string, unknown> = {}) => runQuery(store.db, name, args) };
  return { store, write, sorted, corrected, publish, port, learnt: createLearnt({ store: port }) };
}
type Open = Awaited<ReturnType<typeof open>>;
const cases = async ({ db }: TempStore, args: object = {}) => (await runQuery(db, 'triageCases', { ...args })) as { cases: { id: string; by: string; before: string | null; category: string; source: { kind: string; id: string } }[]; next: number | null; epoch: number };

test('a case says who said so, what it was before, and where that is written', async () => {
  const { store, sorted, corrected } = await open();
  await sorted(portal(1), 'invoice', 'rules');
  await sorted(portal(2), 'notice', 'local');
  await sorted(portal(3), 'payment', 'operator');
  await corrected(portal(1), 'invoice', 'payment');
  const found = await cases(store);
  assert.deepEqual(found.cases.map(({ id, by, before, category, source }) => [id, by, before, category, source.kind]), [
    [portal(1).id, 'rules', null, 'invoice', 'decision'], [portal(2).id, 'other', null, 'notice', 'decision'], [portal(3).id, 'operator', null, 'payment', 'decision'], [portal(1).id, 'operator', 'invoice', 'payment', 'annotation'],
  ]);
  assert.equal(found.next, null);
});

test('cases come in pages, each once', async () => {
  const { store, sorted } = await open();
  for (let n = 1; n <= 7; n++) await sorted(portal(n), 'invoice', 'rules');
  const ids: string[] = [];
  for (let after: number | null = 0; after !== null;) {
    const page = await cases(store, { after, limit: 3 });
    ids.push(...page.cases.map(({ id }) => id));
    after = page.next;
  }
  assert.deepEqual(ids, [1, 2, 3, 4, 5, 6, 7].map((n) => portal(n).id));
});

test('of a long past only the newest are read', async () => {
  const { store, sorted } = await open();
  for (let n = 1; n <= 6; n++) await sorted(portal(n), 'invoice', 'rules');
  assert.deepEqual((await cases(store, { newest: 2 })).cases.map(({ id }) => id), [portal(5).id, portal(6).id]);
});

test('without a word of the operator nothing is known', async () => {
  const { learnt, sorted } = await open();
  await sorted(portal(1), 'invoice', 'rules');
  const tried = await learnt('triage', ask(portal(2)));
  assert.deepEqual([tried.outcome, tried.answer, tried.costMicros, tried.model], ['unsure', null, 0, null]);
});

test('a correction counts from the next question on', async () => {
  const { learnt, sorted, corrected } = await open();
  await sorted(portal(1), 'invoice', 'rules');
  await learnt('triage', ask(portal(2)));
  await corrected(portal(1), 'invoice', 'payment');
  const tried = await learnt('triage', ask(portal(2)));
  assert.deepEqual([tried.outcome, categoryOf(tried), tried.evidence[0]?.kind], ['answered', 'payment', 'annotation']);
  assert.ok(tried.confidence! >= 0.7, `${tried.confidence}`);
});

test('a published rule speaks before what was taught, and names itself', async () => {
  const { learnt, sorted, corrected, publish } = await open();
  await sorted(portal(1), 'invoice', 'rules');
  await corrected(portal(1), 'invoice', 'payment');
  await publish('portal', { when: { domain: ['portal.example'] }, category: 'receipt' });
  const tried = await learnt('triage', ask(portal(2)));
  assert.deepEqual([categoryOf(tried), tried.evidence], ['receipt', [{ kind: 'artifact', id: 'rule/portal' }]]);
  assert.match(tried.reason, /Your rule portal \(version 1\): mail from portal\.example is: receipt/);
});

test('two rules that contradict each other decide nothing, and say so', async () => {
  const { learnt, publish } = await open();
  await publish('one', { when: { domain: ['portal.example'] }, category: 'receipt' });
  await publish('two', { when: { says: ['please find attached'] }, category: 'notice' });
  const tried = await learnt('triage', ask(portal(2)));
  assert.equal(tried.outcome, 'unsure');
  assert.match(tried.reason, /one and two contradict each other/);
});

test('a rule that this build cannot read is passed over, and the others count', async () => {
  const { learnt, publish } = await open();
  await publish('future', '{"name":"future","when":{"mood":"good"},"category":"spam"}');
  await publish('portal', { when: { domain: ['portal.example'] }, category: 'receipt' });
  assert.equal(categoryOf(await learnt('triage', ask(portal(2)))), 'receipt');
});

test('what is asked about another task, or in another shape, gets no answer', async () => {
  const { learnt } = await open();
  for (const [task, input] of [['draft', ask(portal(1))], ['triage', { subject: 'x' }], ['triage', null]] as const) assert.equal((await learnt(task, input)).outcome, 'unsure');
});

test('what was taken out of the store is forgotten: it learns anew from what is left', async () => {
  const { learnt, sorted, corrected, store, write } = await open();
  await sorted(portal(1), 'invoice', 'rules');
  await corrected(portal(1), 'invoice', 'payment');
  assert.equal(categoryOf(await learnt('triage', ask(portal(2)))), 'payment');
  await store.db.run('UPDATE journal SET body = NULL, digest = ? WHERE id = ?', 'gone', `start:${portal(1).id}`);
  await write('erased', { atMs: 99, actor: 'store/erase' });
  assert.equal((await learnt('triage', ask(portal(2)))).outcome, 'unsure');
});

test('questions that come together are answered alike, each case learnt once', async () => {
  const { learnt, sorted, corrected } = await open();
  for (let n = 1; n <= 5; n++) await sorted(portal(n), 'invoice', 'rules');
  await corrected(portal(1), 'invoice', 'payment');
  const all = await Promise.all(Array.from({ length: 10 }, () => learnt('triage', ask(portal(9)))));
  for (const one of all) assert.deepEqual(one, all[0]);
});

test('consolidation words a proposal from the store, with a hash of what it would publish', async () => {
  const { sorted, corrected, port }: Open = await open();
  for (let n = 1; n <= 3; n++) {
    await sorted(portal(n), 'invoice', 'rules');
    await corrected(portal(n), 'invoice', 'payment');
  }
  const look = consolidate({ store: port, clock: { now: () => 5 } });
  const call = (known: string[], limit = 5) => look({ input: { known, limit } as never, operationId: 'x', attempt: 1, signal: AbortSignal.timeout(10_000), heartbeat: () => {} }) as Promise<{ proposals: { fingerprint: string; publish: { kind: string; name: string; text: string }; hash: string; summary: string; evidence: { kind: string }[] }[]; atMs: number }>;
  const { proposals, atMs } = await call([]);
  const [first] = proposals;
  assert.deepEqual([proposals.length, atMs, first?.hash, first?.evidence.map(({ kind }) => kind)], [1, 5, sha256(first!.publish.text), ['annotation', 'annotation', 'annotation']]);
  assert.match(first!.summary, /Mail from sales@portal\.example is: payment/);
  assert.deepEqual((await call([first!.fingerprint])).proposals.filter(({ fingerprint }) => fingerprint === first!.fingerprint), []);
  assert.deepEqual((await call([], 0)).proposals, []);
});
