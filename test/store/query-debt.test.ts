// Goal: every debt is counted as it was at a moment, from what was recorded, and nothing that was put right counts on. Method: a company's
// records of some weeks, written by hand on the real store, asked for today and for a week before.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Commit } from '#machines/commit.ts';
import type { Decision, Fact, Intent } from '#machines/records.ts';
import { runQuery } from '#store/queries.ts';
import type { DebtCounts } from '#store/query-debt.ts';
import { commitOf, stepOf, tempStore } from './temp-store.ts';

const dayMs = 86_400_000;
const today = Date.parse('2026-11-20T12:00:00Z');
const ago = (days: number) => today - days * dayMs;

async function world() {
  const store = await tempStore();
  let n = 0;
  const put = async (atMs: number, parts: Partial<Commit>) => {
    const answer = await store.committer.commit(commitOf(parts.id ?? `c-${++n}`, { atMs, ...parts }));
    assert.equal(answer.outcome, 'written', JSON.stringify(answer));
  };
  const ask = async (args: object = {}, atMs = today) => (await runQuery(store.db, 'debts', { atMs, ...args })) as DebtCounts;
  return { store, put, ask };
}
const policy = (rule: string): Decision => ({ what: 'policy', outcome: 'ask', confidence: null, reasons: [], evidence: [], policy: { id: 'p', version: '1', rule }, model: null, costMicros: null });
const operation = (outcome: string): Decision => ({ ...policy('x'), what: 'operation', outcome, policy: null });
const fact = (entity: string, predicate: string, value: Fact['value'], more: Partial<Fact> = {}): Fact => ({ entity, predicate, value, label: 'operator', confidence: 1, ...more });
const item = (id: string, state: Intent['state'], data: Record<string, string> = {}, kind: Intent['kind'] = 'task'): Intent => ({ id, kind, state, summary: id, data });
const document = (id: string, text: string): Pick<Commit, 'artifacts' | 'blobs'> => ({ artifacts: [{ id, kind: id.slice(0, id.indexOf('/')) as 'prompt', mediaType: 'text/plain', hash: `hash of ${text}`, sizeBytes: text.length }], blobs: [{ hash: `hash of ${text}`, bytes: text }] });

test('rules, triggers and learnt rules are of use when they spoke within 90 days, and what is newer than 30 days has no chance yet', async () => {
  const { put, ask } = await world();
  await put(ago(200), { actor: 'operator/company', ...document('policy/set', 'old set') });
  await put(ago(199), { actor: 'operator/company', ...document('trigger/payments', 't') });
  await put(ago(150), { actor: 'operation/1', decisions: [policy('long-ago')] });
  await put(ago(20), { actor: 'operation/1', decisions: [policy('lately')] });
  await put(ago(19), { actor: 'triage/1', decisions: [{ ...policy('x'), what: 'triage', policy: null, task: 'triage', tier: 'local', evidence: [{ kind: 'artifact', id: 'rule/shop' }] }] });
  await put(ago(10), { actor: 'operator/company', ...document('policy/set', 'new set') });
  await put(ago(5), { actor: 'operator/company', ...document('rule/new', 'r') });
  await put(ago(3), { id: 'trigger:payments#f-1-0', actor: 'invoice/1' });
  const args = { rules: ['long-ago', 'lately', 'never'], triggers: ['payments', 'pay'], learnt: ['rule/shop', 'rule/new'] };
  const now = await ask(args);
  assert.deepEqual([now.spoke, now.fired, now.usedRules], [['lately'], ['payments'], ['rule/shop']]);
  assert.deepEqual([now.policySet, now.there], ['old set', ['trigger/payments']]);
  const before = await ask(args, ago(100));
  assert.deepEqual([before.spoke, before.fired, before.usedRules], [['long-ago'], [], []]);
});

test('a wording counts as scored only when that very text was, and before that moment', async () => {
  const { put, ask } = await world();
  await put(ago(30), { actor: 'operator/company', ...document('prompt/triage', 'one') });
  await put(ago(29), { actor: 'operator/desk', facts: [fact('asset/prompt-triage', 'eval.result', { hash: 'hash of one' })] });
  await put(ago(5), { actor: 'operator/company', ...document('prompt/triage', 'two') });
  assert.deepEqual((await ask()).prompts, [{ id: 'prompt/triage', hash: 'hash of two', evaluated: false }]);
  assert.deepEqual((await ask({}, ago(7))).prompts, [{ id: 'prompt/triage', hash: 'hash of one', evaluated: true }]);
  assert.deepEqual((await ask({}, ago(29.5))).prompts.map(({ evaluated }) => evaluated), [false]);
});

test('failures of a connector are those of seven days, and what was refused or rejected is none', async () => {
  const { put, ask } = await world();
  const record = (id: string) => ({ ...stepOf(0, JSON.stringify({ snapshot: { context: { verdict: { bound: { connector: 'mail' } } } } })), address: id });
  const ended = async (id: string, days: number, outcome: string) => put(ago(days), { actor: `operation/${id}`, step: record(id), decisions: [operation(outcome)] });
  await ended('a', 12, 'failed');
  await ended('b', 3, 'failed');
  await ended('c', 2, 'done');
  await ended('d', 1, 'rejected');
  assert.deepEqual((await ask()).connectors, [{ connector: 'mail', failed: 1, all: 2 }]);
  assert.deepEqual((await ask({}, ago(7))).connectors, [{ connector: 'mail', failed: 1, all: 1 }]);
});

test('what has expired counts until it is renewed, what has ended until something else is said, and how things stand for a year', async () => {
  const { put, ask } = await world();
  await put(ago(500), { actor: 'operator/desk', facts: [fact('asset/domain', 'asset.expires-on', '2026-11-01'), fact('project/site', 'project.status', 'active'), fact('project/other', 'project.status', 'active')] });
  await put(ago(100), { actor: 'operator/desk', facts: [fact('product/hour', 'product.price', { amountMinor: 1, currency: 'EUR', unit: 'h' }, { validToMs: ago(10) }), fact('project/other', 'project.status', 'done')] });
  const now = await ask();
  assert.deepEqual(now.expired, [{ entity: 'asset/domain', value: '2026-11-01' }]);
  assert.deepEqual([now.ended, now.oldWord], [1, 1]);
  const before = await ask({}, ago(30));
  assert.deepEqual([before.expired, before.ended], [[], 0], 'then it was not over yet');
  await put(today - 2_000, { actor: 'operator/desk', facts: [fact('asset/domain', 'asset.expires-on', '2027-11-01'), fact('product/hour', 'product.price', { amountMinor: 2, currency: 'EUR', unit: 'h' }), fact('project/site', 'project.status', 'done')] });
  const after = await ask();
  assert.deepEqual([after.expired, after.ended, after.oldWord], [[], 0, 0]);
});

test('items that wait are told as they stood then, with failures and doubts among them', async () => {
  const { put, ask } = await world();
  await put(ago(20), { actor: 'mail/1', intents: [item('old', 'input-required'), item('answered', 'input-required')] });
  await put(ago(12), { actor: 'supervisor/main', intents: [item('failed:x:1', 'input-required', { category: 'failure' }, 'escalation')] });
  await put(ago(9), { actor: 'operation/1', intents: [item('op-1', 'input-required', { answers: 'then: ops reconcile 1 --done' }, 'escalation')] });
  await put(ago(2), { actor: 'mail/1', intents: [{ id: 'answered', kind: 'task', state: 'completed' }, item('new', 'input-required')] });
  await put(ago(1), { actor: 'operation/1', intents: [{ id: 'op-1', kind: 'escalation', state: 'completed' }] });
  const now = await ask();
  assert.deepEqual([now.waiting, now.standing, now.unknown], [2, 1, []]);
  const before = await ask({}, ago(7));
  assert.deepEqual([before.waiting, before.standing, before.unknown], [3, 1, ['op-1']]);
  assert.equal((await ask({ waitedMs: 0 })).waiting, 3);
});

test('facts in an old shape, parked messages and demoted tiers are counted; of parked ones only today is known', async () => {
  const { store, put, ask } = await world();
  await put(ago(20), { actor: 'quality/main', facts: [{ ...fact('asset/tier-triage-local', 'tier.quality', { demoted: true }), label: 'system' }] });
  await put(ago(8), { id: 'm-9', actor: 'store/parked', outcome: 'parked', parked: { subject: 's', reason: 'r', bytes: Buffer.from('x') } });
  await put(ago(3), { actor: 'quality/main', facts: [{ ...fact('asset/tier-triage-local', 'tier.quality', { demoted: false }), label: 'system' }] });
  await store.db.run("INSERT INTO fact (n, entity, predicate, version, value, label, confidence, valid_from_ms, actor, seq, recorded_ms) VALUES (1, 'organisation/a', 'receipt', 1, '{}', 'untrusted', 1, 0, 'mail/1', 0, 0)");
  const now = await ask({ isNow: true });
  assert.deepEqual(now.drift.map(({ predicate, rows }) => [predicate, rows]), [['receipt', 1]]);
  assert.deepEqual(now.parked, { rows: 1, oldestMs: ago(8) });
  const before = await ask({}, ago(7));
  assert.deepEqual([now.tiers, before.tiers, before.parked], [[], ['triage-local'], null]);
});
