// Goal: which rule speaks, what it answers, and that nothing is allowed by a mistake. Method: real Cedar, small policies, one request each.
import assert from 'node:assert/strict';
import test from 'node:test';
import { denyAll, parsePolicies, versionOf, type PolicyRequest } from '#connectors/policy.ts';
import { actions, askAll, forbidAll, parse, permitAll, request, rule, texts } from './policy-kit.ts';

const short = async (files: Parameters<typeof parse>[0], asked = request()) => {
  const { answer, policy, why } = (await parse(files)).decide(asked);
  return [answer, policy.id, policy.rule, why];
};

test('no policy at all means no', async () => {
  assert.deepEqual(await short({}), ['deny', 'none', 'no-rule', 'no policy permits mail.send']);
});

test('a policy that speaks about another action means no', async () => {
  assert.deepEqual((await short(rule('read', 'permit (principal, action == Action::"web.read", resource)'))).slice(0, 3), ['deny', 'none', 'no-rule']);
});

test('a permit allows, one that waits for a yes asks, a forbid denies whatever is permitted', async () => {
  assert.deepEqual(await short(permitAll('yes')), ['allow', 'own', 'yes', 'because yes']);
  assert.deepEqual(await short(askAll('ask')), ['ask', 'own', 'ask', 'because ask']);
  assert.deepEqual(await short({ a: permitAll('yes'), b: forbidAll('no') }), ['deny', 'b', 'no', 'because no']);
  assert.deepEqual(await short({ a: askAll('ask'), b: forbidAll('no') }), ['deny', 'b', 'no', 'because no']);
});

test('a forbid that gives way to a yes is what is asked about, not the permit behind it', async () => {
  const unless = rule('wait', 'forbid (principal, action, resource) unless { context.approvals >= 1 }');
  assert.deepEqual(await short({ a: permitAll('a-yes'), b: unless }), ['ask', 'b', 'wait', 'because wait (also a-yes)']);
  assert.deepEqual((await short(unless)).slice(0, 3), ['deny', 'none', 'no-rule'], 'a yes alone permits nothing');
});

test('what two yeses would be needed for is denied', async () => {
  assert.equal((await short(rule('two', 'permit (principal, action, resource) when { context.approvals >= 2 }')))[0], 'deny');
});

test('of several rules that speak the first by id decides, and the others are named', async () => {
  assert.deepEqual(await short({ z: permitAll('b'), a: permitAll('c') + permitAll('a') }), ['allow', 'a', 'a', 'because a (also b, c)']);
  assert.deepEqual((await short({ z: forbidAll('b'), a: forbidAll('c') }))[3], 'because b (also c)');
});

test('groups of actions are what the connectors say of them', async () => {
  for (const [group, allowed] of [['reads', ['web.read']], ['writes', ['mail.send', 'payments.charge']], ['spends', ['payments.charge']]] as const) {
    const policies = await parse(rule('group', `permit (principal, action in Action::"${group}", resource)`));
    assert.deepEqual(actions.map(({ name }) => name).filter((name) => policies.decide(request(name)).answer === 'allow').toSorted(), [...allowed].toSorted());
  }
});

test('agent and connector can be named', async () => {
  const policies = await parse(rule('only', 'permit (principal == Agent::"invoice", action, resource == Connector::"mail")'));
  assert.equal(policies.decide({ ...request(), agent: 'invoice' }).answer, 'allow');
  assert.equal(policies.decide(request()).answer, 'deny');
  assert.equal(policies.decide({ ...request('payments.charge'), agent: 'invoice' }).answer, 'deny');
});

const conditions: [condition: string, yes: PolicyRequest, no: PolicyRequest][] = [
  ['context.effect == "write"', request(), request('web.read')],
  ['context.risk != "high"', request(), request('payments.charge')],
  ['context.reversible', request('mail.send', { reversible: true }), request()],
  ['context.isMoney', request('payments.charge'), request()],
  ['context.mode == "dry-run"', request('mail.send', { mode: 'dry-run' }), request()],
  ['["holt.example"].containsAll(context.recipientDomains)', request(), request('mail.send', { recipientDomains: ['holt.example', 'evil.example'] })],
  ['context.recipients == ["nina@holt.example"]', request(), request('mail.send', { recipients: ['nina@holt.example', 'x@evil.example'] })],
  ['context.hosts == ["news.example"]', request('web.read'), request('web.read', { hosts: ['evil.example'] })],
  ['context.paths.contains("reports/may.pdf")', request('mail.send', { paths: ['reports/may.pdf'] }), request()],
  ['context.payees == ["billing@hosting.example"] && context.currency == "EUR" && context.amountMinor <= 5000', request('payments.charge'), request('payments.charge', { amountMinor: 5_001 })],
  ['context.currency == "EUR"', request('payments.charge'), request('payments.charge', { currency: 'USD' })],
  ['context.confidence >= 90', request('mail.send', { confidence: 90 }), request('mail.send', { confidence: 89 })],
  ['context.category == "inquiry"', request('mail.send', { category: 'inquiry' }), request('mail.send', { category: 'complaint' })],
];
for (const [condition, yes, no] of conditions) {
  test(`a rule with the condition ${condition} allows one side and not the other`, async () => {
    const policies = await parse(rule('r', `permit (principal, action, resource) when { ${condition} }`));
    assert.equal(policies.decide(yes).answer, 'allow');
    assert.equal(policies.decide(no).answer, 'deny');
  });
}

test('what nobody vouches for is asked about, whatever the operator permits', async () => {
  const policies = await parse(permitAll('everything'));
  for (const action of ['mail.send', 'web.read', 'payments.charge']) {
    assert.equal(policies.decide(request(action)).answer, 'allow');
    assert.deepEqual((({ answer, policy }) => [answer, policy.id, policy.rule])(policies.decide(request(action, { tainted: ['recipient'] }))), ['ask', 'keelson', 'keelson.tainted']);
  }
  assert.equal((await parse(forbidAll('nothing'))).decide(request('mail.send', { tainted: ['recipient'] })).answer, 'deny');
});

test('a supervised run is asked about each write and may read', async () => {
  const policies = await parse(permitAll('everything'));
  assert.deepEqual((({ answer, policy }) => [answer, policy.rule])(policies.decide(request('mail.send', { supervised: true }))), ['ask', 'keelson.supervised']);
  assert.equal(policies.decide(request('web.read', { supervised: true })).answer, 'allow');
});

test('a rule that cannot be evaluated denies, also where Cedar would pass over it', async () => {
  const overflow = 'context.amountMinor * 9223372036854775807 > 1';
  const policies = await parse({ a: permitAll('a-yes'), b: rule('stop', `forbid (principal, action, resource) when { ${overflow} }`) });
  const { answer, policy, why } = policies.decide(request('payments.charge'));
  assert.deepEqual([answer, policy.id, policy.rule], ['deny', 'b', 'stop']);
  assert.match(why, /^rule stop cannot be evaluated: integer overflow/);
  assert.equal(policies.decide(request()).answer, 'allow', 'nothing to multiply');
  const onlyWithYes = await parse({ a: askAll('ask'), b: rule('stop', `forbid (principal, action, resource) when { context.approvals >= 1 && ${overflow} }`) });
  assert.equal(onlyWithYes.decide(request('payments.charge')).answer, 'deny');
});

const unfit: Record<string, unknown> = {
  'an unknown action': { ...request(), action: 'mail.burn' },
  'a group instead of an action': { ...request(), action: 'writes' },
  'an unknown connector': { ...request(), connector: 'fax' },
  'a fraction of a cent': request('payments.charge', { amountMinor: 0.5 }),
  'an amount beyond counting': request('payments.charge', { amountMinor: 2 ** 70 }),
  'an amount that is no number': request('payments.charge', { amountMinor: Number.NaN }),
  'half a character': request('mail.send', { category: '\ud800' }),
  'a missing attribute': { ...request(), context: { effect: 'write' } },
  'an attribute that nobody knows': { ...request(), context: { ...request().context, trusted: true } },
  'a word where a list belongs': { ...request(), context: { ...request().context, tainted: 'none' } },
  'no context': { ...request(), context: null },
};
for (const [what, asked] of Object.entries(unfit)) {
  test(`a request with ${what} is denied with a reason`, async () => {
    const policies = await parse(permitAll('everything'));
    const { answer, policy, why } = policies.decide(asked as PolicyRequest);
    assert.deepEqual([answer, policy.id, policy.rule], ['deny', 'none', 'no-rule']);
    assert.match(why, /^the policies cannot judge (mail\.send|mail\.burn|payments\.charge|writes): ./);
    assert.ok(why.length < 400);
    assert.equal(policies.decide(request()).answer, 'allow', 'the next one is judged');
  });
}

test('approvals are counted here: a request cannot bring its own', async () => {
  const forged = { ...request(), context: { ...request().context, approvals: 7 } } as PolicyRequest;
  assert.equal((await parse(askAll('ask'))).decide(forged).answer, 'ask');
});

test('a yes lapses after the shortest time that a rule on the way wants', async () => {
  const expiring = (id: string, time: string, body = 'permit (principal, action, resource) when { context.approvals >= 1 }') => rule(id, body, `@expires("${time}")`);
  const lapse = async (files: string, asked = request()) => (await parse(files)).decide(asked).expiresAfterMs;
  assert.equal(await lapse(askAll('ask')), null);
  assert.equal(await lapse(expiring('ask', '48h')), 48 * 3_600_000);
  assert.equal(await lapse(expiring('a', '2d') + expiring('b', '30m')), 30 * 60_000);
  assert.equal(await lapse(expiring('a', '1h') + askAll('b')), 3_600_000);
  assert.equal(await lapse(expiring('a', '1h'), request('mail.send', { tainted: ['recipient'] })), 3_600_000, 'the permit behind keelson.tainted');
  assert.equal(await lapse(askAll('a') + expiring('z', '1h', 'permit (principal, action == Action::"web.read", resource)')), null, 'a rule that is not spoken of');
});

test('the version names the newest number and every file: any change of any of them is another version', async () => {
  const version = async (files: Record<string, string>, n = 1) => (await parsePolicies(texts(files, n), actions)).version;
  const both = { a: permitAll('one'), b: askAll('two') };
  assert.match(await version(both, 3), /^3\+[0-9a-f]{8}$/);
  assert.equal(await version(both), await version({ b: both.b, a: both.a }), 'the order of files says nothing');
  const others: Record<string, string>[] = [{ ...both, a: `${both.a}\n` }, { a: both.a }, { ...both, c: '' }, { a: both.b, b: both.a }, {}];
  const all = await Promise.all([both, ...others].map((files) => version(files)));
  assert.equal(new Set(all).size, all.length);
  assert.notEqual(await version(both, 2), await version(both, 1));
  assert.equal(versionOf([]), await version({}));
  const policies = await parsePolicies(texts(both), actions);
  assert.equal(policies.decide(request()).policy.version, policies.version);
});

test('two versions live beside each other: a draft does not change what is in force', async () => {
  const inForce = await parse(askAll('r'));
  const draft = await parse(permitAll('r'));
  assert.deepEqual([inForce.decide(request()).answer, draft.decide(request()).answer, inForce.decide(request()).answer], ['ask', 'allow', 'ask']);
});

test('policies that are none deny everything and say why', () => {
  const policies = denyAll('the file is broken');
  assert.deepEqual(policies.decide(request()), { answer: 'deny', policy: { id: 'none', version: policies.version, rule: 'no-policies' }, why: 'the file is broken', expiresAfterMs: null });
  assert.equal(policies.problem, 'the file is broken');
});

test('with no connector at all every action is unknown', async () => {
  const policies = await parsePolicies(texts({ own: permitAll('everything') }), []);
  assert.equal(policies.decide(request()).answer, 'deny');
});
