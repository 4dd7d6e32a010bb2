// Goal: what a tier claimed is held against what became of it: asked, approved, edited, rejected, corrected later, or never looked at.
// Method: runs written as the agents write them, on the real store; each kind of ending once.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Commit } from '#machines/commit.ts';
import type { Annotation, Decision, Intent } from '#machines/records.ts';
import { runQuery } from '#store/queries.ts';
import type { OutcomeRow } from '#store/query-quality.ts';
import { commitOf, stepOf, tempStore } from './temp-store.ts';

const decided = (what: string, outcome: string, more: Partial<Decision> = {}): Decision => ({ what, outcome, confidence: null, reasons: [], evidence: [], policy: null, model: null, costMicros: null, ...more });
const about = (id: string): Pick<Decision, 'evidence'> => ({ evidence: [{ kind: 'artifact', id }] });
const asked = (id: string, category: string, confidence: number): Intent => ({ id, kind: 'question', state: 'input-required', summary: 'What is it?', data: { category, confidence } });
const corrected = (target: string, kind: 'artifact' | 'decision' = 'artifact'): Annotation => ({ kind: 'correction', target: { kind, id: target }, text: 'no', before: 'spam', after: 'inquiry' });

async function world() {
  const store = await tempStore();
  let n = 0;
  const put = async (actor: string, parts: Partial<Commit>) => {
    const answer = await store.committer.commit(commitOf(`c-${++n}`, { actor, atMs: 1_000 + n, ...parts }));
    assert.equal(answer.outcome, 'written', `${actor} ${JSON.stringify(answer)}`);
    return (answer as { seq: number }).seq;
  };
  const born = (address: string, parent: string | null) => put(address, { step: { ...stepOf(0), parent } });
  const outcomes = async (args: object = {}) => (await runQuery(store.db, 'outcomes', { ...args })) as OutcomeRow[];
  return { store, put, born, outcomes };
}
const essence = ({ task, tier, kind, confidence, outcome, implied }: OutcomeRow) => [task, tier, kind, confidence, outcome, implied];

test('a verdict that the operator was asked about is the claim that he was shown, by the tier that made it', async () => {
  const { put, outcomes } = await world();
  const cases: [string, string, string, Partial<Decision>][] = [['m1', 'invoice', 'invoice', {}], ['m2', 'invoice', 'receipt', { task: 'triage', tier: 'operator', reasons: ['Before you answered, local said invoice at 0.4.', 'x'] }], ['m3', 'notice', 'spam', { task: 'triage', tier: 'operator' }]];
  for (const [id, suggested, said, more] of cases) {
    await put(`triage/${id}`, { intents: [asked(`q-${id}`, suggested, 0.4)] });
    await put(`triage/${id}`, { decisions: [decided('triage', said, { confidence: 1, ...about(id), ...more })], intents: [{ id: `q-${id}`, kind: 'question', state: 'completed' }] });
  }
  assert.deepEqual((await outcomes()).toReversed().map(essence), [['triage', 'rules', 'invoice', 0.4, 'approved', false], ['triage', 'local', 'invoice', 0.4, 'edited', false], ['triage', 'rules', 'notice', 0.4, 'rejected', false]]);
});

test('a verdict that stood is unseen, until it is corrected by mail or by decision, or the reply that came of it is approved', async () => {
  const { put, born, outcomes } = await world();
  const seqs: number[] = [];
  for (const id of ['m1', 'm2', 'm3', 'm4', 'm5']) {
    await born(`mail/${id}`, null);
    await born(`triage/${id}`, `mail/${id}`);
    seqs.push(await put(`triage/${id}`, { decisions: [decided('triage', 'inquiry', { confidence: 0.9, task: 'triage', tier: 'rules', ...about(id) })] }));
  }
  await put('operator/desk', { annotations: [corrected('m2'), corrected(`d-${seqs[2]}-0`, 'decision')] });
  await born('operation/r4', 'mail/m4');
  await put('operation/r4', { decisions: [decided('approval', 'approved', { confidence: 1 })] });
  await put('mail/m5', { intents: [{ id: 't-m5', kind: 'task', state: 'completed', summary: 'Pay' }] });
  assert.deepEqual((await outcomes()).toReversed().map(({ outcome, implied }) => [outcome, implied]), [['unseen', false], ['contradicted', false], ['contradicted', false], ['approved', true], ['approved', true]]);
});

test('a draft is approved, edited, rejected, sent unseen, or still open', async () => {
  const { put, born, outcomes } = await world();
  const draft = async (id: string, endings: [string, string][], more: Partial<Commit> = {}, decision: Partial<Decision> = {}) => {
    await born(`mail/${id}`, null);
    await born(`copy/${id}`, `mail/${id}`);
    await put(`copy/${id}`, { decisions: [decided('draft', 'prices', { confidence: 0.7, ...about(id), ...decision })] });
    await born(`operation/${id}`, `mail/${id}`);
    await put(`operation/${id}`, { decisions: endings.map(([what, outcome]) => decided(what, outcome)), ...more });
  };
  await draft('as-it-was', [['policy', 'ask'], ['approval', 'approved'], ['operation', 'done']]);
  await draft('edited', [['policy', 'ask'], ['approval', 'approved'], ['operation', 'done']], { annotations: [corrected('draft-edited')] });
  await draft('rejected', [['policy', 'ask'], ['operation', 'rejected']], {}, { task: 'draft', tier: 'small', model: 'm' });
  await draft('allowed', [['policy', 'allow'], ['operation', 'done']], {}, { model: 'm' });
  await draft('open', [['policy', 'ask']]);
  assert.deepEqual((await outcomes()).toReversed().map(essence), [
    ['draft', 'templates', 'prices', 0.7, 'approved', false], ['draft', 'templates', 'prices', 0.7, 'edited', false], ['draft', 'small', 'prices', 0.7, 'rejected', false],
    ['draft', 'large', 'prices', 0.7, 'unseen', false], ['draft', 'templates', 'prices', 0.7, 'open', false],
  ]);
});

test('a draft that was only a suggestion and got a no is rejected', async () => {
  const { put, born, outcomes } = await world();
  await born('mail/m1', null);
  await born('copy/m1', 'mail/m1');
  await put('copy/m1', { decisions: [decided('draft', 'prices', { confidence: 0.3, ...about('m1') })] });
  await put('mail/m1', { intents: [{ id: 'w-m1', kind: 'question', state: 'input-required', summary: 'How?', data: {} }] });
  assert.deepEqual((await outcomes()).map(({ outcome }) => outcome), ['open']);
  await put('mail/m1', { intents: [{ id: 'w-m1', kind: 'question', state: 'completed' }], decisions: [decided('mail', 'ignored')] });
  assert.deepEqual((await outcomes()).map(({ outcome }) => outcome), ['rejected']);
});

test('only the newest are read, from a moment on, by the index of their own', async () => {
  const { store, put, outcomes } = await world();
  for (let i = 0; i < 5; i++) await put(`triage/m${i}`, { decisions: [decided('triage', 'notice', { confidence: 0.9, ...about(`m${i}`) }), decided('supervision', 'restart')] });
  assert.equal((await outcomes({ limit: 2 })).length, 2);
  assert.deepEqual((await outcomes({ since: 1_004 })).map(({ atMs }) => atMs), [1_005, 1_004]);
  const plan = await store.db.all<{ detail: string }>("EXPLAIN QUERY PLAN SELECT n FROM decision INDEXED BY decision_task WHERE (CASE WHEN json_valid(detail) THEN detail ->> '$.task' END IS NOT NULL OR what IN ('triage', 'draft')) AND n >= 0 ORDER BY n DESC LIMIT 5");
  assert.match(plan.map(({ detail }) => detail).join(), /decision_task/);
});

test('what was measured of a tier is believed only from who measures and from the operator', async () => {
  const { store, put } = await world();
  const value = { task: 'triage', tier: 'rules', threshold: 0.7, demoted: true, cases: 30, right: 0.5, error: 0.2, sinceMs: 1, freshFromMs: 0, by: 'measured', reason: 'worse' };
  const fact = (more: object) => ({ entity: 'asset/tier-triage-rules', predicate: 'tier.quality', value: { ...value, ...more }, label: 'system' as const, confidence: 1 });
  await put('quality/main', { facts: [fact({})] });
  await put('stranger/1', { facts: [fact({ demoted: false })] });
  const read = async () => ((await runQuery(store.db, 'tierQuality', {})) as { demoted: boolean; tier: string }[]).map(({ tier, demoted }) => [tier, demoted]);
  assert.deepEqual(await read(), [['rules', true]]);
  await put('operator/desk', { facts: [{ ...fact({ demoted: false, by: 'operator' }), label: 'operator' }] });
  assert.deepEqual(await read(), [['rules', false]]);
});
