// Goal: what strategy looks at is what stands in the store: each kind of situation when it is one and not when it is not, nothing that is
// spoken for, and a hash that changes when something does. Method: a real store, written by hand, and a clock that is moved.
import assert from 'node:assert/strict';
import test from 'node:test';
import { strategyActivities } from '#connectors/strategy.ts';
import type { Commit } from '#machines/commit.ts';
import type { Situation } from '#machines/situations.ts';
import type { Fact, Intent, Label } from '#machines/records.ts';
import { runQuery } from '#store/queries.ts';
import { commitOf, tempStore } from '#test/store/temp-store.ts';

const day = 86_400_000;
const start = Date.parse('2026-11-02T09:00:00Z');
interface Look { fresh: Situation[]; known: number; hash: string; before: string | null }

async function company() {
  const { db, committer } = await tempStore();
  let [now, n] = [start, 0];
  const activities = strategyActivities({ store: { query: (name, args) => runQuery(db, name, args) }, clock: { now: () => now } });
  const call = (input: unknown) => ({ input: input as never, operationId: 'x', attempt: 1, signal: new AbortController().signal, heartbeat: () => {} });
  const commit = async (actor: string, parts: Partial<Commit>) => assert.equal((await committer.commit(commitOf(`c${++n}`, { actor, atMs: now, ...parts }))).outcome, 'written');
  return {
    commit,
    pass: (ms: number) => void (now += ms),
    say: (entity: string, predicate: string, value: Fact['value'], { actor = 'operator/desk', label = 'operator', source }: { actor?: string; label?: Label; source?: string } = {}) => commit(actor, { facts: [{ entity, predicate, value, label, confidence: 1, ...(source ? { source } : {}) }] }),
    look: async () => (await activities['strategy.look']!(call({}))) as Look,
    still: async (key: string) => ((await activities['strategy.still']!(call({ key }))) as { still: boolean }).still,
  };
}
type Company = Awaited<ReturnType<typeof company>>;
const keys = async ({ look }: Company) => (await look()).fresh.map(({ key }) => key).toSorted();

const issue = (at: Company, number: string, dueOn: string) => at.commit('operation/x', { facts: [{ entity: `asset/invoice-${number}`, predicate: 'invoice.issued', value: { number, customerEmail: 'nina@holt.example', total: { amountMinor: 11_900, currency: 'EUR' }, issuedOn: '2026-10-01', dueOn, document: 'd' }, label: 'system', confidence: 1 }] });
const stand = (at: Company, number: string, state: string, paidMinor = 0) => at.commit('invoice/x', { facts: [{ entity: `asset/invoice-${number}`, predicate: 'invoice.state', value: { state, reason: '', totalMinor: 11_900, paidMinor, currency: 'EUR', payments: [] }, label: 'system', confidence: 1 }] });
async function ask(at: Company, mail: string, who = 'ada@berg.example') {
  await at.say(`person/${who}`, 'mail.received', { subject: 'Offer?', date: null, messageId: null }, { actor: `mail/${mail}`, label: 'untrusted', source: mail });
  await at.commit(`triage/mail.${mail}~1`, { decisions: [{ what: 'triage', outcome: 'inquiry', confidence: 0.9, reasons: [], evidence: [{ kind: 'artifact', id: mail }], policy: null, model: null, costMicros: null }] });
}
const decideMail = (at: Company, mail: string, outcome: string, reason: string) => at.commit(`mail/${mail}`, { decisions: [{ what: 'mail', outcome, confidence: null, reasons: [reason], evidence: [], policy: null, model: null, costMicros: null }] });
const propose = (at: Company, id: string, situation: Situation, state: Intent['state'] = 'input-required') => at.commit('proposal/strategy.a.proposal~1', { intents: [{ id, kind: 'task', state, summary: 'x', data: { payload: situation as never } }] });

test('a company where nothing is to be done has no situations, and the same hash each time', async () => {
  const at = await company();
  const [first, second] = [await at.look(), await at.look()];
  assert.deepEqual([first.fresh, first.known, first.before, first.hash === second.hash], [[], 0, null, true]);
});

test('an invoice is overdue from the day after its due day, until it is closed; what was paid is not open', async () => {
  const at = await company();
  await issue(at, 'R-1', '2026-11-02');
  assert.deepEqual(await keys(at), [], 'nobody follows it yet');
  await stand(at, 'R-1', 'sent');
  assert.deepEqual(await keys(at), [], 'today it is due');
  at.pass(day);
  await stand(at, 'R-1', 'partly-paid', 5_000);
  const { fresh: [one] } = await at.look();
  assert.deepEqual([one!.key, one!.entity, one!.days, one!.amountMinor, one!.currency, one!.evidence.map(({ kind }) => kind)], ['overdue-invoice:R-1', 'person/nina@holt.example', 1, 6_900, 'EUR', ['fact', 'fact']]);
  assert.equal(await at.still('overdue-invoice:R-1'), true);
  await stand(at, 'R-1', 'paid', 11_900);
  assert.deepEqual([await keys(at), await at.still('overdue-invoice:R-1')], [[], false]);
});

test('an inquiry is unanswered after three days without a mail to its sender', async () => {
  const at = await company();
  await ask(at, 'm-1');
  at.pass(2 * day);
  assert.deepEqual(await keys(at), []);
  at.pass(1.5 * day);
  const { fresh: [one] } = await at.look();
  assert.deepEqual([one!.key, one!.entity, one!.days, one!.evidence.map(({ kind }) => kind)], ['unanswered-lead:m-1', 'person/ada@berg.example', 3, ['fact', 'decision', 'artifact']]);
  await at.say('person/ada@berg.example', 'mail.sent', { subject: 'Re', operation: 'o' }, { actor: 'operation/o', label: 'system' });
  assert.deepEqual(await keys(at), []);
});

test('what the operator decided not to answer is no lead; an approval that lapsed still is; who wrote thrice is one', async () => {
  const at = await company();
  for (const [mail, who] of [['m-1', 'a@a.example'], ['m-2', 'b@b.example'], ['m-3', 'c@c.example'], ['m-4', 'c@c.example'], ['m-5', 'c@c.example']] as const) await ask(at, mail, who);
  await decideMail(at, 'm-1', 'ignored', 'the operator decided not to answer: no');
  await decideMail(at, 'm-2', 'closed', 'rejected: no');
  await decideMail(at, 'm-3', 'closed', 'expired: nobody answered');
  await ask(at, 'm-6', 'd@d.example');
  await at.commit('operator/desk', { annotations: [{ kind: 'correction', target: { kind: 'artifact', id: 'm-6' }, text: 'x', before: 'inquiry', after: 'spam', task: 'triage' }] });
  await ask(at, 'm-7', 'e@e.example');
  await decideMail(at, 'm-7-r1', 'ignored', 'the operator decided not to answer: no');
  at.pass(4 * day);
  assert.deepEqual(await keys(at), ['unanswered-lead:m-3']);
  at.pass(60 * day);
  assert.deepEqual(await keys(at), [], 'too long ago to matter');
});

test('a project stands still when nobody said anything of it or its client for three weeks', async () => {
  const at = await company();
  await at.say('project/shop', 'project.status', 'active');
  await at.say('project/shop', 'project.client', 'person/ada@berg.example');
  await at.say('project/done', 'project.status', 'done');
  at.pass(20 * day);
  await at.say('person/ada@berg.example', 'mail.received', { subject: 'x', date: null, messageId: null }, { actor: 'mail/m', label: 'untrusted' });
  at.pass(20 * day);
  assert.deepEqual(await keys(at), []);
  at.pass(2 * day);
  assert.deepEqual(await keys(at), ['still-project:project/shop:active']);
  await at.say('project/shop', 'project.status', 'paused');
  assert.deepEqual(await keys(at), []);
});

test('what expires within a month, or did so within the last, by its newest day', async () => {
  const at = await company();
  await at.say('asset/domain', 'asset.expires-on', '2026-12-20');
  await at.say('asset/old', 'asset.expires-on', '2026-09-01');
  await at.say('asset/recent', 'asset.expires-on', '2026-10-20');
  assert.deepEqual(await keys(at), ['expiring-asset:asset/recent:2026-10-20']);
  at.pass(20 * day);
  assert.deepEqual((await at.look()).fresh.map(({ key, days }) => [key, days]), [['expiring-asset:asset/domain:2026-12-20', -28]]);
  await at.say('asset/domain', 'asset.expires-on', '2027-12-20');
  assert.deepEqual(await keys(at), []);
});

test('contradictions that nobody settles for a week are one situation, with their number', async () => {
  const at = await company();
  for (const name of ['a', 'b']) for (const value of ['One', 'Two']) await at.say(`project/${name}`, 'project.name', value, { actor: 'operator/desk' });
  assert.deepEqual(await keys(at), []);
  at.pass(8 * day);
  const { fresh } = await at.look();
  assert.deepEqual(fresh.map(({ key, count, evidence }) => [key, count, evidence.length]), [['contradiction', 2, 2]]);
});

test('what is proposed is not fresh: while it is open, for a month after a no, for two weeks after a yes', async () => {
  for (const [state, quietDays] of [['rejected', 30], ['completed', 14], ['canceled', 0]] as const) {
    const at = await company();
    await at.say('asset/domain', 'asset.expires-on', '2026-12-20');
    at.pass(10 * day);
    await at.say('asset/domain', 'asset.expires-on', '2026-12-01');
    const { fresh: [one], hash } = await at.look();
    await propose(at, 's-1', one!);
    const proposed = await at.look();
    assert.deepEqual([proposed.fresh, proposed.known, proposed.hash === hash], [[], 1, false]);
    await propose(at, 's-1', one!, state);
    assert.equal((await at.look()).fresh.length, quietDays === 0 ? 1 : 0, state);
    if (quietDays > 0) {
      at.pass((quietDays - 1) * day);
      assert.deepEqual((await at.look()).fresh, [], `${state}: a day before it is over`);
    }
    at.pass(2 * day);
    assert.equal((await at.look()).fresh.length, 1, `${state}: after it`);
  }
});

test('the hash is that of the last look as long as nothing got notably worse', async () => {
  const at = await company();
  await issue(at, 'R-1', '2026-11-01');
  await stand(at, 'R-1', 'sent');
  const { hash } = await at.look();
  await at.say('asset/strategy', 'strategy.seen', { hash, situations: 1 }, { actor: 'strategy/a', label: 'system' });
  at.pass(day);
  const next = await at.look();
  assert.deepEqual([next.hash, next.before], [hash, hash], 'a day more is no news');
  at.pass(8 * day);
  assert.notEqual((await at.look()).hash, hash, 'a week more is');
});
