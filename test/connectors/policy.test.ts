// Goal: the first rule that matches decides, and where no rule speaks the answer is no.
import assert from 'node:assert/strict';
import test from 'node:test';
import { evaluate, parsePolicy, versionOf, type Policy } from '#connectors/policy.ts';
import { KeelsonError } from '#machines/errors.ts';

type Rule = Policy['rules'][number];
const rule = (id: string, answer: Rule['answer'], recipientDomain?: string[], action = 'mail.send'): Rule => ({ id, action, answer, why: `because ${id}`, ...(recipientDomain ? { when: { recipientDomain } } : {}) });
const policy = (id: string, ...rules: Rule[]): Policy => ({ id, version: 3, hash: 'abcdef0123456789', rules });
const decide = (policies: Policy[], recipientDomain = 'nina.example', action = 'mail.send') => {
  const { answer, policy: named, why } = evaluate(policies, { action, recipientDomain });
  return [answer, named.id, named.rule, why];
};

test('no policy at all means no', () => {
  assert.deepEqual(evaluate([], { action: 'mail.send', recipientDomain: 'a.example' }), { answer: 'deny', policy: { id: 'none', version: '0', rule: 'no-rule' }, why: 'no policy speaks about mail.send' });
});

test('a policy that speaks about another action means no', () => {
  assert.equal(decide([policy('money', rule('pay', 'allow', undefined, 'money.pay'))])[0], 'deny');
});

test('the first rule that matches decides, in the order of the file', () => {
  assert.deepEqual(decide([policy('p', rule('first', 'ask'), rule('second', 'allow'))]), ['ask', 'p', 'first', 'because first']);
  assert.equal(decide([policy('p', rule('never', 'deny', ['nina.example']), rule('all', 'allow'))])[0], 'deny');
  assert.equal(decide([policy('p', rule('never', 'deny', ['other.example']), rule('all', 'allow'))])[0], 'allow');
});

test('an earlier policy goes before a later one', () => {
  assert.deepEqual(decide([policy('a', rule('no', 'deny')), policy('b', rule('yes', 'allow'))]).slice(0, 3), ['deny', 'a', 'no']);
});

test('a condition without a matching domain lets the next rule speak, and none is no', () => {
  assert.equal(decide([policy('p', rule('friends', 'allow', ['friend.example']))])[0], 'deny');
  assert.equal(decide([policy('p', rule('nobody', 'allow', []))])[0], 'deny');
  assert.equal(decide([policy('p', rule('friends', 'allow', ['friend.example']))], '')[0], 'deny');
});

test('a domain is meant however it is written', () => {
  assert.equal(decide([policy('p', rule('never', 'deny', ['Nina.EXAMPLE']), rule('all', 'allow'))])[0], 'deny');
  assert.equal(decide([policy('p', rule('never', 'deny', ['nina.example']), rule('all', 'allow'))], 'NINA.example')[0], 'deny');
  assert.equal(decide([policy('p', rule('never', 'deny', ['nina.example']), rule('all', 'allow'))], 'sub.nina.example')[0], 'allow');
});

test('the version names the number and the content', () => {
  assert.equal(versionOf(policy('p')), '3+abcdef01');
  assert.notEqual(versionOf({ ...policy('p'), hash: 'ffff' }), versionOf(policy('p')));
  assert.equal(evaluate([policy('p', rule('r', 'ask'))], { action: 'mail.send', recipientDomain: '' }).policy.version, '3+abcdef01');
});

test('a policy is read with its hash', () => {
  const text = JSON.stringify({ id: 'mail', version: 1, rules: [rule('r', 'ask', ['a.example'])] });
  assert.deepEqual(parsePolicy(text, 'policy/mail', 'aa'), { id: 'mail', version: 1, hash: 'aa', rules: [rule('r', 'ask', ['a.example'])] });
});

const broken: Record<string, unknown> = {
  'no JSON': '{"id":',
  'no rules': JSON.stringify({ id: 'mail', version: 1 }),
  'an unknown answer': JSON.stringify({ id: 'mail', version: 1, rules: [{ ...rule('r', 'ask'), answer: 'maybe' }] }),
  'a rule without a reason': JSON.stringify({ id: 'mail', version: 1, rules: [{ id: 'r', action: 'mail.send', answer: 'ask' }] }),
  'version zero': JSON.stringify({ id: 'mail', version: 0, rules: [] }),
  'no id': JSON.stringify({ id: '', version: 1, rules: [] }),
  'a misspelt condition': JSON.stringify({ id: 'mail', version: 1, rules: [{ ...rule('r', 'deny'), when: { recipientDomains: ['a.example'] } }] }),
};
for (const [what, text] of Object.entries(broken)) {
  test(`a policy with ${what} is refused by name`, () => {
    assert.throws(() => parsePolicy(String(text), 'policy/mail', 'aa'), (error) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && error.message.startsWith('policy policy/mail is not readable: '));
  });
}
