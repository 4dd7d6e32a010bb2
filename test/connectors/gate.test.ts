// Goal: nothing is performed that was not checked, approved as it is, and still allowed. Method: a connector that writes down
// every call, and each thing that can be wrong.
import assert from 'node:assert/strict';
import test from 'node:test';
import { hashJson } from '#actors/hash.ts';
import type { Call } from '#actors/worker.ts';
import type { Connector } from '#connectors/connector.ts';
import { createGate } from '#connectors/gate.ts';
import type { Policy } from '#connectors/policy.ts';
import { KeelsonError } from '#machines/errors.ts';

interface Letter { to: string; text: string }
const letter: Letter = { to: 'nina@nina.example', text: 'Hello' };
const hash = hashJson(letter);
const askAlways: Policy = { id: 'mail', version: 1, hash: 'aaaaaaaa11', rules: [{ id: 'ask', action: 'mail.send', answer: 'ask', why: 'Always ask.' }] };
const deny: Policy = { id: 'a-stop', version: 1, hash: 'bbbbbbbb22', rules: [{ id: 'stop', action: 'mail.send', answer: 'deny', why: 'Nothing leaves.' }] };
const shown = { id: 'mail', version: '1+aaaaaaaa', rule: 'ask' };
const signal = new AbortController().signal;
const call = (input: object): Call => ({ input: input as never, operationId: 'op-1', attempt: 1, signal, heartbeat: () => {} });
const failsWith = (code: string, message: RegExp) => (error: unknown) => error instanceof KeelsonError && error.code === code && message.test(error.message);

interface Gap { backupAtMs: number | null; restoredAtMs: number }
const nowMs = 1_790_000_000_000;

function makeGate({ policies = [askAlways], dryRun, gap = null }: { policies?: Policy[]; dryRun?: () => Promise<never>; gap?: Gap | null } = {}) {
  const calls: string[] = [];
  const performed: unknown[] = [];
  const connector: Connector<Letter> = {
    action: 'mail.send',
    parse(payload) {
      calls.push('parse');
      const { to, text } = payload as Partial<Letter>;
      if (typeof to !== 'string' || typeof text !== 'string') throw new KeelsonError('REFUSED', 'not a letter');
      return { to, text };
    },
    async dryRun(payload, { operationId, trusted }) {
      calls.push('dryRun');
      if (dryRun) return dryRun();
      return { risk: 'medium', reasons: [`${operationId} to ${payload.to}, ${trusted.length} trusted`] };
    },
    async perform(payload, { operationId }) {
      calls.push('perform');
      performed.push(payload);
      return { sent: true, providerRef: `<${operationId}@x>`, note: '250 ok' };
    },
  };
  const gate = createGate({
    connectors: [connector as never],
    policies: async () => {
      calls.push('policies');
      return policies;
    },
    recipientDomain: (payload) => (payload as Letter).to.split('@')[1] ?? '',
    restored: async () => gap,
    now: () => nowMs,
  });
  return { gate, calls, performed, check: gate['gate.check']!, perform: gate['mail.send']! };
}
const checkInput = (rest: object = {}) => call({ operationId: 'op-1', action: 'mail.send', payload: letter, trusted: ['nina@nina.example'], ...rest });
const performInput = (rest: object = {}) => call({ operationId: 'op-1', payload: letter, payloadHash: hash, policy: shown, ...rest });

test('there is one activity per connector and one for the check', () => {
  assert.deepEqual(Object.keys(makeGate().gate).toSorted(), ['gate.check', 'mail.send']);
});

test('a check reads the payload, asks the policy and dry-runs, in this order, and performs nothing', async () => {
  const { check, calls } = makeGate();
  assert.deepEqual(await check(checkInput()), { answer: 'ask', policy: shown, risk: 'medium', reasons: ['Always ask.', 'op-1 to nina@nina.example, 1 trusted'], payloadHash: hash });
  assert.deepEqual(calls, ['parse', 'policies', 'dryRun']);
});

test('the hash is of what was understood, so that fields nobody knows cannot ride along', async () => {
  const { check } = makeGate();
  assert.equal(((await check(checkInput({ payload: { ...letter, bcc: 'evil@evil.example' } }))) as { payloadHash: string }).payloadHash, hash);
});

test('a denied operation is high risk and names the rule', async () => {
  const { check, performed } = makeGate({ policies: [deny, askAlways] });
  const verdict = (await check(checkInput())) as { answer: string; risk: string; policy: { rule: string }; reasons: string[] };
  assert.deepEqual([verdict.answer, verdict.risk, verdict.policy.rule, verdict.reasons[0]], ['deny', 'high', 'stop', 'Nothing leaves.']);
  assert.deepEqual(performed, []);
});

test('without any policy everything is denied', async () => {
  assert.equal(((await makeGate({ policies: [] }).check(checkInput())) as { answer: string }).answer, 'deny');
});

test('an action without a connector is an error before anything is read', async () => {
  const { check, calls } = makeGate();
  await assert.rejects(check(checkInput({ action: 'money.pay' })), failsWith('BAD_CONFIG', /no connector performs 'money\.pay'/));
  assert.deepEqual(calls, []);
});

test('a payload that cannot be read is refused before the policy is asked', async () => {
  const { check, calls } = makeGate();
  await assert.rejects(check(checkInput({ payload: { to: 7 } })), failsWith('REFUSED', /not a letter/));
  assert.deepEqual(calls, ['parse']);
});

test('a dry run that fails fails the check', async () => {
  const { check, performed } = makeGate({ dryRun: () => Promise.reject(new KeelsonError('REFUSED', 'no such recipient')) });
  await assert.rejects(check(checkInput()), failsWith('REFUSED', /no such recipient/));
  assert.deepEqual(performed, []);
});

test('policies that cannot be read fail the check instead of passing it', async () => {
  const gate = createGate({ connectors: [], policies: () => Promise.reject(new KeelsonError('STORE_FAILED', 'away')), recipientDomain: () => '', restored: async () => null, now: () => nowMs });
  await assert.rejects(gate['gate.check']!(checkInput()));
});

test('what was approved is performed once, exactly', async () => {
  const { perform, performed, calls } = makeGate();
  assert.deepEqual(await perform(performInput()), { sent: true, providerRef: '<op-1@x>', note: '250 ok' });
  assert.deepEqual(performed, [letter]);
  assert.deepEqual(calls, ['parse', 'policies', 'perform']);
});

const refusals: Record<string, { rest?: object; policies?: Policy[]; message: RegExp }> = {
  'another payload than the approved one': { rest: { payload: { ...letter, text: 'Hello!' } }, message: /not the one that was approved/ },
  'another recipient than the approved one': { rest: { payload: { ...letter, to: 'eve@evil.example' } }, message: /not the one that was approved/ },
  'an empty hash': { rest: { payloadHash: '' }, message: /not the one that was approved/ },
  'a policy with another content': { policies: [{ ...askAlways, hash: 'cccccccc33' }], message: /policy mail has changed since the approval \(it was version 1\+aaaaaaaa\)/ },
  'a policy with another number': { policies: [{ ...askAlways, version: 2 }], message: /has changed/ },
  'a policy that is gone': { policies: [], message: /has changed/ },
  'a new policy that speaks first and denies': { policies: [deny, askAlways], message: /has changed/ },
  'a verdict that names no policy': { rest: { policy: { id: 'none', version: '0', rule: 'no-rule' } }, policies: [askAlways], message: /has changed/ },
  'a denial, even in the name of the policy that denies': { rest: { policy: { id: 'a-stop', version: '1+bbbbbbbb', rule: 'stop' } }, policies: [deny], message: /denies/ },
  'a payload that is no letter': { rest: { payload: {} }, message: /not a letter/ },
};
for (const [what, { rest, policies, message }] of Object.entries(refusals)) {
  test(`nothing is performed with ${what}`, async () => {
    const { perform, performed } = makeGate(policies ? { policies } : {});
    await assert.rejects(perform(performInput(rest)), failsWith('REFUSED', message));
    assert.deepEqual(performed, []);
  });
}

test('after a restore a standing yes is not enough for a week, and the reason says why', async () => {
  const allow: Policy = { ...askAlways, rules: [{ ...askAlways.rules[0]!, answer: 'allow' }] };
  const checked = async (restoredAtMs: number | null) => {
    const { gate } = makeGate({ policies: [allow], gap: restoredAtMs === null ? null : { backupAtMs: restoredAtMs - 1_000, restoredAtMs } });
    const { answer, risk, reasons } = (await gate['gate.check']!(call({ operationId: 'op-1', action: 'mail.send', payload: letter, trusted: [] }))) as { answer: string; risk: string; reasons: string[] };
    return [answer, risk, /a backup of .* was put back/.test(reasons[0]!)];
  };
  assert.deepEqual(await checked(null), ['allow', 'medium', false]);
  assert.deepEqual(await checked(nowMs - 6 * 86_400_000), ['ask', 'high', true]);
  assert.deepEqual(await checked(nowMs - 8 * 86_400_000), ['allow', 'medium', false]);
});
