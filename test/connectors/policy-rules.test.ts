// Goal: a policy that names what is not there, or says nothing of itself, is refused with file, line and rule; and no text can break
// the engine for those that come after it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { actionsOf } from '#connectors/policy-schema.ts';
import { parsePolicies } from '#connectors/policy.ts';
import { actions, assertBad, parse, permitAll, request, rule, texts } from './policy-kit.ts';

const when = (condition: string) => rule('r', `permit (principal, action, resource)\nwhen { ${condition} }`);

const wrong: Record<string, [text: string, message: RegExp]> = {
  'no Cedar at all': ['{ "id": "mail" }', /^policies\/own\.cedar, line 1: /],
  'a rule that is not finished': ['\n\npermit (principal, action, resource)', /^policies\/own\.cedar, line 3: /],
  'a misspelt scope': ['// ü\npermit (principal, action, resorce);', /^policies\/own\.cedar, line 2: .*resorce/],
  'an unknown action': [`${permitAll('first')}${rule('r', 'forbid (principal, action == Action::"mail.sent", resource)')}`, /^policies\/own\.cedar, line 4, rule r: unrecognized action `Action::"mail\.sent"` \(did you mean `Action::"mail\.send"`\?\)/],
  'an unknown group of actions': [rule('r', 'forbid (principal, action in Action::"send", resource)'), /rule r: unrecognized action/],
  'an unknown connector': [rule('r', 'forbid (principal, action, resource == Connector::"mial")'), /line 2, rule r: .*`"mial"` is not declared/],
  'an unknown kind of proposer': [rule('r', 'forbid (principal == Robot::"x", action, resource)'), /rule r: .*Robot/],
  'a misspelt attribute': [when('context.amountminor > 1'), /^policies\/own\.cedar, line 3, rule r: attribute `amountminor` in context for Action::"[a-z.]+" not found \(did you mean `amountMinor`\?\)/],
  'an attribute of the proposer, who has none': [when('principal.trusted'), /rule r: /],
  'a word compared with a number': [when('context.currency > 5'), /rule r: /],
  'a word compared with a list': [when('context.recipients == "x"'), /rule r: /],
  'a condition that is no yes or no': [when('context.currency'), /rule r: unexpected type: expected Bool/],
  'a rule without an id': ['@why("x") permit (principal, action, resource);', /^policies\/own\.cedar: the rule that begins with '@why\("x"\) permit/],
  'an empty id': [rule('', 'permit (principal, action, resource)'), /needs an @id/],
  'an id that is no word': [rule('a b', 'permit (principal, action, resource)'), /needs an @id/],
  'a rule without a reason': ['@id("r") permit (principal, action, resource);', /rule r needs a @why/],
  'an empty reason': ['@id("r") @why(" ") permit (principal, action, resource);', /rule r needs a @why/],
  'a reason that is a book': [`@id("r") @why("${'x'.repeat(301)}") permit (principal, action, resource);`, /at most 300/],
  'a misspelt annotation': [rule('r', 'permit (principal, action, resource)', '@expire("1h")'), /rule r has an annotation @expire; rules take @id, @why, @expires/],
  'a duration without a unit': [rule('r', 'permit (principal, action, resource)', '@expires("48")'), /rule r: @expires\("48"\) must be/],
  'a duration of nothing': [rule('r', 'permit (principal, action, resource)', '@expires("0h")'), /@expires\("0h"\) must be/],
  'two rules of one id': [permitAll('r') + permitAll('r'), /the @id\("r"\) is taken already, in own\.cedar/],
  'an id of every build': [permitAll('keelson.tainted'), /own\.cedar: the @id\("keelson\.tainted"\) is taken already, in keelson\.cedar/],
  'a template': [rule('r', 'permit (principal == ?principal, action, resource)'), /templates/],
};
for (const [what, [text, message]] of Object.entries(wrong)) {
  test(`a policy with ${what} is refused with file and place`, () => assertBad(parse(text), message));
}

test('the rule is named right in a file of many', async () => {
  const many = Array.from({ length: 12 }, (_, i) => permitAll(`r${i}`)).join('');
  await assertBad(parse(many.replace('@id("r10") @why("because r10") \npermit (principal, action, resource)', '@id("r10") @why("because r10") \npermit (principal, action, resource) when { context.nothing }')), /line 22, rule r10: attribute `nothing`/);
});

test('two files cannot hold one id, and no file can take the name of the rules of every build', async () => {
  await assertBad(parse({ b: permitAll('r'), a: permitAll('r') }), /^policies\/b\.cedar: the @id\("r"\) is taken already, in a\.cedar/);
  await assertBad(parse({ keelson: permitAll('r') }), /^policies\/keelson\.cedar: this name is taken/);
});

const huge: Record<string, string> = {
  brackets: `${'('.repeat(400)}true${')'.repeat(400)}`,
  negations: `${'!('.repeat(5_000)}true${')'.repeat(5_000)}`,
  lists: `${'['.repeat(400)}1${']'.repeat(400)} == [1]`,
  'closing brackets first': `${')'.repeat(400)}${'('.repeat(400)}true${')'.repeat(400)}`,
  'terms in a row': Array.from({ length: 3_000 }, () => 'context.approvals == 1').join(' || '),
  'additions without spaces': `${'1+'.repeat(3_000)}1 == 1`,
  'an if in an if': `${'if true then '.repeat(1_000)}true${' else false'.repeat(1_000)}`,
  'attributes of attributes': `context${'.a'.repeat(3_000)} == 1`,
  'calls on calls': `context.recipients${'.contains("a")'.repeat(3_000)}`,
  'conditions after conditions': `true }${' when { true }'.repeat(3_000)} when { true`,
};
for (const [what, condition] of Object.entries(huge)) {
  test(`a rule of endless ${what} is refused before the engine sees it, and the next policy is judged`, async () => {
    await assertBad(parse(when(condition)), /^policies\/own\.cedar: a rule (is nested more than 30 brackets deep|has more than 400 words and signs)/);
    assert.equal((await parse(permitAll('yes'))).decide(request()).answer, 'allow');
  });
}

test('as much as a rule may hold is also judged', async () => {
  const deep = `${'('.repeat(26)}context.isMoney${')'.repeat(26)}`;
  const long = `${'1+'.repeat(170)}context.amountMinor > 0`;
  for (const [condition, answer] of [[deep, 'deny'], [long, 'allow'], [`["${Array.from({ length: 500 }, (_, i) => `p${i}@holt.example`).join('","')}"].containsAny(context.recipients)`, 'deny']] as const) {
    assert.equal((await parse(when(condition))).decide(request()).answer, answer);
  }
});

test('a long list of names and a long comment are not endless', async () => {
  await parse(`// ${'(;"'.repeat(1_000)}\n${when(`[${Array.from({ length: 2_000 }, (_, i) => `"(p${i}@holt.example;"`).join(', ')}].containsAny(context.recipients)`)}`);
});

test('a file beyond its size and a set of too many rules are refused', async () => {
  await assertBad(parse(`// ${'x'.repeat(100_000)}`), /longer than 100000/);
  await assertBad(parse({ a: Array.from({ length: 251 }, (_, i) => permitAll(`a${i}`)).join(''), b: Array.from({ length: 250 }, (_, i) => permitAll(`b${i}`)).join('') }), /500 are the most/);
});

test('a rule that can never apply is odd, and said so, but no mistake', async () => {
  const policies = await parsePolicies(texts({ own: permitAll('yes') + rule('pay', 'forbid (principal, action in Action::"spends", resource)') }), actions.filter(({ money }) => !money));
  assert.equal(policies.warnings.length > 0, true);
  for (const warning of policies.warnings) assert.match(warning, /^policies\/own\.cedar, line 3, rule pay: /);
  assert.deepEqual((await parse(permitAll('yes'))).warnings, []);
});

test('rules are listed with what they say of themselves, comments and all', async () => {
  const text = `// first\n${rule('a', 'permit (principal, action, resource)', '@expires("30m")')}// last\n`;
  const { rules } = await parse(text);
  assert.deepEqual(rules.filter(({ file }) => file === 'own').map(({ text: _, ...own }) => own), [{ id: 'a', file: 'own', effect: 'permit', why: 'because a', expiresAfterMs: 1_800_000 }]);
  assert.deepEqual(rules.filter(({ file }) => file === 'keelson').map(({ id, effect }) => [id, effect]), [['keelson.supervised', 'forbid'], ['keelson.tainted', 'forbid']]);
});

test('actions come from connectors, and two of one name are refused', async () => {
  const action = { name: 'mail.send', effect: 'write', money: false } as never;
  const mail = { name: 'mail', version: '1', hosts: [], secrets: [], actions: [action] };
  assert.deepEqual(actionsOf([mail]), [{ name: 'mail.send', connector: 'mail', effect: 'write', money: false }]);
  await assertBad(parsePolicies([], actionsOf([mail, { ...mail, name: 'post' }])), /two actions are called 'mail\.send'/);
  await assertBad(parsePolicies([], [{ ...actions[0]!, name: 'writes' }]), /two actions are called 'writes'/);
});

test('an action may be called anything: names are quoted, not pasted', async () => {
  const name = 'tool."x"\n}; permit\u0001 ';
  const policies = await parsePolicies(texts({ own: rule('r', `permit (principal, action == Action::"tool.\\"x\\"\\n}; permit\\u{1} ", resource)`) }), [...actions, { name, connector: 'to"ol', effect: 'write', money: false }]);
  assert.equal(policies.decide({ ...request(), action: name, connector: 'to"ol' }).answer, 'allow');
  assert.equal(policies.decide(request()).answer, 'deny');
});
