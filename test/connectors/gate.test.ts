// Goal: nothing leaves that was not judged, approved where that is asked, and still the same. Method: the real gate over a connector of
// our own, with a store whose answers each test sets; then each of the changes that may happen between the yes and the call.
import assert from 'node:assert/strict';
import test from 'node:test';
import { KeelsonError } from '#machines/errors.ts';
import { failsWith, makeGate, operationAddress, type Outside } from '#test/kit/gate.ts';

const letter = { to: 'nina@nina.example', text: 'Hello' };
const dayMs = 86_400_000;

test('a check says what would happen, who vouches for where it goes, and what the rule is; nothing is done', async () => {
  const { check, done, requests } = makeGate();
  const verdict = await check(letter);
  assert.deepEqual([verdict.answer, verdict.policy.rule, verdict.plan?.summary, verdict.risk], ['ask', 'ask', 'a letter to nina@nina.example', 'medium']);
  assert.match(verdict.reasons.join('\n'), /recipient nina@nina\.example \(to\) is known only from what was handed in/);
  assert.deepEqual([requests[0]?.agent, requests[0]?.context.tainted, requests[0]?.context.recipientDomains, requests[0]?.context.confidence], ['mail', ['recipient'], ['nina.example'], 80]);
  assert.deepEqual(done, []);
});

test('an action that no connector has is denied by a rule of its own', async () => {
  const verdict = await makeGate().check(letter, { action: 'money.pay' });
  assert.deepEqual([verdict.answer, verdict.policy.rule], ['deny', 'unknown-action']);
});

test('a payload that cannot be read, or has a field that nobody knows, is refused', async () => {
  const { check } = makeGate();
  await assert.rejects(check({ to: 7 }), failsWith('REFUSED', /not a payload of letter\.send/));
  await assert.rejects(check({ ...letter, bcc: 'eve@evil.example' }), failsWith('REFUSED', /not a payload/));
});

const standing: [what: string, change: Partial<Outside>, answer: string, reason: RegExp][] = [
  ['nobody vouches for the recipient', {}, 'ask', /nobody the company trusts vouches/],
  ['a fact vouches for the recipient', { vouched: ['"nina@nina.example"'] }, 'allow', /rule allow/],
  ['another address is vouched for', { vouched: ['"nina@nina.example.evil.example"'] }, 'ask', /nobody/],
  ['the operator proposed it', { proposer: 'operator/desk' }, 'allow', /rule allow/],
  ['the agent hears strangers, reads and acts', { vouched: ['"nina@nina.example"'], supervised: 'it hears strangers' }, 'ask', /hears strangers/],
  ['nobody knows who proposed it', { vouched: ['"nina@nina.example"'], proposer: null, supervised: 'no agent of this build' }, 'ask', /no agent/],
  ['a backup was put back', { vouched: ['"nina@nina.example"'], restored: { backupAtMs: null, restoredAtMs: 1_900_000_000_000 - 6 * dayMs } }, 'ask', /a backup was put back/],
  ['a backup was put back long ago', { vouched: ['"nina@nina.example"'], restored: { backupAtMs: null, restoredAtMs: 1_900_000_000_000 - 8 * dayMs } }, 'allow', /rule allow/],
];
for (const [what, change, answer, reason] of standing) {
  test(`a standing yes ${answer === 'allow' ? 'holds' : 'does not hold'} when ${what}`, async () => {
    const verdict = await makeGate({ answer: 'allow', ...change }).check(letter);
    assert.equal(verdict.answer, answer);
    assert.match(verdict.reasons.join('\n'), reason);
  });
}

test('a denial is a denial, whoever proposed it', async () => {
  for (const proposer of ['operator/desk', 'mail/m-1']) assert.equal((await makeGate({ answer: 'deny', proposer, vouched: ['"nina@nina.example"'] }).check(letter)).answer, 'deny');
});

test('what was approved is done, exactly', async () => {
  const { check, run, held, done } = makeGate();
  const verdict = await check(letter);
  await run('prepare', held(letter, verdict));
  await run('commit', held(letter, verdict));
  assert.deepEqual(done, [{ operationId: operationAddress, payload: letter }]);
});

const between: [what: string, change: (outside: Outside) => void, code: string, message: RegExp][] = [
  ['the policy has another version', (o) => { o.policyVersion = '2+b'; }, 'REFUSED', /policy mail has changed since the approval \(it was version 1\+a\)/],
  ['the policy denies it now', (o) => { o.answer = 'deny'; }, 'REFUSED', /denies it/],
  ['the connector has another version', (o) => { o.connectorVersion = '2'; }, 'REFUSED', /connector letter has changed/],
  ['a document has other bytes', (o) => { o.documents['d-1'] = 'hash-2'; }, 'REFUSED', /what is enclosed has changed/],
  ['the time of the yes is over', (o) => { o.nowMs += dayMs + 1; }, 'EXPIRED', /lapsed/],
  ['effects are stopped', (o) => { o.effects = 'stopped'; }, 'EFFECTS_STOPPED', /effects are stopped: a test/],
  ['the server runs dry now', (o) => { o.dryRun = true; }, 'EFFECTS_STOPPED', /runs dry/],
  ['its connector is in the sandbox', (o) => { o.sandbox = ['letter']; }, 'EFFECTS_STOPPED', /the connector letter is in the sandbox/],
  ['the question was not answered with yes', (o) => { o.approval = { kind: 'approval', state: 'input-required', actor: operationAddress }; }, 'REFUSED', /nobody has approved it/],
  ['the yes was to another operation', (o) => { o.approval = { kind: 'approval', state: 'completed', actor: 'operation/o-2' }; }, 'REFUSED', /nobody has approved it/],
  ['there is no such question', (o) => { o.approval = null; }, 'REFUSED', /nobody has approved it/],
];
for (const [what, change, code, message] of between) {
  test(`nothing leaves when, since the yes, ${what}`, async () => {
    const kit = makeGate({ documents: { 'd-1': 'hash-1' } });
    const enclosed = { ...letter, enclosure: 'd-1' };
    const verdict = await kit.check(enclosed);
    change(kit.outside);
    for (const step of ['prepare', 'commit']) await assert.rejects(kit.run(step, kit.held(enclosed, verdict)), failsWith(code, message), step);
    assert.deepEqual(kit.done, []);
  });
}

const forged: [what: string, payload: object, rest: object][] = [
  ['another text', { ...letter, text: 'Hello!' }, {}],
  ['another recipient', { ...letter, to: 'eve@evil.example' }, {}],
  ['an empty hash', letter, { payloadHash: '' }],
];
for (const [what, payload, rest] of forged) {
  test(`nothing leaves with ${what}`, async () => {
    const { check, run, held, done } = makeGate();
    const verdict = await check(letter);
    for (const step of ['prepare', 'commit']) await assert.rejects(run(step, held(payload, verdict, rest)), failsWith('REFUSED', /not the one that was approved/));
    assert.deepEqual(done, []);
  });
}
for (const [field, value] of Object.entries({ operation: 'o-2', connectorVersion: '0', mode: 'dry-run', enclosures: ['x'], expiresAtMs: 9_999_999_999_999, action: 'letter.pay' })) {
  test(`what a yes is bound to cannot be changed afterwards: ${field}`, async () => {
    const { check, run, held, done } = makeGate();
    const verdict = await check(letter);
    await assert.rejects(run('commit', held(letter, verdict, { bound: { ...verdict.bound, [field]: value } })), failsWith('REFUSED', /./));
    assert.deepEqual(done, []);
  });
}

test('without a question only what policy allows leaves', async () => {
  const kit = makeGate({ answer: 'allow', vouched: ['"nina@nina.example"'] });
  const verdict = await kit.check(letter);
  await kit.run('commit', kit.held(letter, verdict, { approvalId: null }));
  assert.equal(kit.done.length, 1);
  // What vouched is gone: the standing yes is none any more.
  kit.outside.vouched = [];
  await assert.rejects(kit.run('commit', kit.held(letter, verdict, { approvalId: null })), failsWith('REFUSED', /nobody has approved it/));
  assert.equal(kit.done.length, 1);
});

test('a dry run asks everything and does nothing, and what is dry stays dry', async () => {
  const kit = makeGate({ dryRun: true });
  const verdict = await kit.check(letter);
  assert.equal(verdict.bound.mode, 'dry-run');
  const would = (await kit.run('commit', kit.held(letter, verdict))) as { done: boolean; note: string };
  assert.deepEqual([would.done, would.note, kit.done], [false, 'dry run: a letter to nina@nina.example', []]);
  kit.outside.dryRun = false;
  await kit.run('commit', kit.held(letter, verdict));
  assert.deepEqual(kit.done, []);
});

test('in the sandbox everything is asked and nothing done, and what was proposed there stays dry', async () => {
  const kit = makeGate({ sandbox: ['letter'] });
  const verdict = await kit.check(letter);
  assert.deepEqual([verdict.bound.mode, verdict.answer, kit.requests.at(-1)?.context.mode], ['dry-run', 'ask', 'dry-run']);
  const would = (await kit.run('commit', kit.held(letter, verdict))) as { done: boolean; note: string };
  assert.deepEqual([would.done, would.note], [false, 'dry run: a letter to nina@nina.example']);
  kit.outside.sandbox = [];
  await kit.run('commit', kit.held(letter, verdict));
  await assert.rejects(kit.run('commit', kit.held(letter, verdict, { bound: { ...verdict.bound, mode: 'live' } })), failsWith('REFUSED', /not the one that was approved/));
  assert.deepEqual(kit.done, []);
});

test('the sandbox of one connector holds no other back', async () => {
  const kit = makeGate({ sandbox: ['mail', 'lett', 'letters'] });
  const verdict = await kit.check(letter);
  assert.equal(verdict.bound.mode, 'live');
  await kit.run('commit', kit.held(letter, verdict));
  assert.equal(kit.done.length, 1);
});

test('a connector that goes to the sandbox while the last questions are asked is not called, and asked nothing afterwards', async () => {
  const kit = makeGate({ idempotency: { kind: 'lookup' }, lookup: async () => assert.fail('asked') });
  const verdict = await kit.check(letter);
  kit.outside.planning = () => { kit.outside.sandbox = ['letter']; };
  await assert.rejects(kit.run('commit', kit.held(letter, verdict)), failsWith('EFFECTS_STOPPED', /in the sandbox: what was meant in earnest waits/));
  assert.deepEqual(await kit.run('settle', kit.held(letter, verdict)), { found: 'unclear', note: 'the connector letter is in the sandbox, so nobody is asked' });
  const paid = await makeGate().check({ ...letter, amountMinor: 100 }, { action: 'letter.pay' });
  await assert.rejects(kit.run('abort', kit.held(letter, paid, { reservation: { ref: 'r-1', expiresAtMs: 0, note: '' } })), failsWith('EFFECTS_STOPPED', /in the sandbox: what is held lapses by itself/));
  assert.deepEqual(kit.done, []);
});

test('money has caps: per day, per payee, and none without one', async () => {
  const kit = makeGate();
  const pay = async (payload: { to: string; text: string; amountMinor: number }) => {
    const verdict = await kit.check(payload, { action: 'letter.pay' });
    assert.equal(verdict.expiresAfterMs, 3_600_000, 'a yes to money is good for an hour');
    return kit.run('prepare', kit.held(payload, verdict));
  };
  assert.deepEqual(await pay({ ...letter, amountMinor: 5_000 }), { reservation: { ref: 'r-1', expiresAtMs: kit.outside.nowMs + dayMs, note: 'held' }, atMs: kit.outside.nowMs });
  await assert.rejects(pay({ ...letter, amountMinor: 5_001 }), failsWith('REFUSED', /payments to nina@nina\.example would come to 50\.01 EUR/));
  kit.outside.payments = [{ amountMinor: 6_000, currency: 'EUR', payee: 'bo@bo.example', actor: 'operation/o-9' }];
  await assert.rejects(pay({ ...letter, amountMinor: 4_001 }), failsWith('REFUSED', /all payments would come to 100\.01 EUR/));
  // What this very operation has on its way is not counted twice.
  kit.outside.payments = [{ amountMinor: 5_000, currency: 'EUR', payee: letter.to, actor: operationAddress }];
  await pay({ ...letter, amountMinor: 5_000 });
});

test('a lost call is settled by the key while the provider knows it, by a look where there is one, and else not at all', async () => {
  const key = makeGate({ idempotency: { kind: 'native', keyLifetimeMs: dayMs } });
  const keyed = await key.check(letter);
  assert.equal(((await key.run('settle', key.held(letter, keyed))) as { found: string }).found, 'done');
  assert.equal(key.done.length, 1);
  assert.deepEqual(await key.run('settle', key.held(letter, keyed, { sinceMs: key.outside.nowMs - dayMs })), { found: 'unclear', note: 'the provider does not know the key of the call any more' });

  const none = makeGate();
  assert.equal(((await none.run('settle', none.held(letter, await none.check(letter)))) as { found: string }).found, 'unclear');
  assert.deepEqual(none.done, []);

  const look = makeGate({ idempotency: { kind: 'lookup' }, lookup: async () => ({ found: 'absent', note: 'not there' }) });
  assert.deepEqual(await look.run('settle', look.held(letter, await look.check(letter))), { found: 'absent', note: 'not there' });
  assert.deepEqual(look.done, []);
});

test('a provider that says no under the same key has certainly not done it; one that says nothing leaves it open', async () => {
  for (const [code, found] of [['SEND_REFUSED', 'absent'], ['SEND_UNKNOWN', 'unclear']] as const) {
    const kit = makeGate({ idempotency: { kind: 'native', keyLifetimeMs: dayMs }, provider: () => Promise.reject(new KeelsonError(code, 'no')) });
    assert.equal(((await kit.run('settle', kit.held(letter, await kit.check(letter)))) as { found: string }).found, found);
  }
});

test('the kill switch also stops a call that would be made again to settle a lost one', async () => {
  const kit = makeGate({ idempotency: { kind: 'native', keyLifetimeMs: dayMs } });
  const verdict = await kit.check(letter);
  kit.outside.effects = 'stopped';
  assert.equal(((await kit.run('settle', kit.held(letter, verdict))) as { found: string }).found, 'unclear');
  assert.deepEqual(kit.done, []);
  Object.assign(kit.outside, { effects: 'running', answer: 'deny' });
  assert.equal(((await kit.run('settle', kit.held(letter, verdict))) as { found: string }).found, 'unclear', 'nor is one that policy denies now');
  assert.deepEqual(kit.done, []);
});

test('effects that are stopped while the last questions are asked still hold the call back', async () => {
  const kit = makeGate();
  const verdict = await kit.check(letter);
  const { approval } = kit.outside;
  Object.defineProperty(kit.outside, 'approval', { get: () => {
    kit.outside.effects = 'stopped';
    return approval;
  } });
  await assert.rejects(kit.run('commit', kit.held(letter, verdict)), failsWith('EFFECTS_STOPPED', /effects are stopped/));
  assert.deepEqual(kit.done, []);
});

test('so they hold back a first phase, and a call that would be made again', async () => {
  for (const [step, action] of [['prepare', 'letter.pay'], ['settle', 'letter.send']] as const) {
    const kit = makeGate({ idempotency: { kind: 'native', keyLifetimeMs: dayMs } });
    const verdict = await kit.check(letter, { action });
    kit.outside.planning = () => { kit.outside.effects = 'stopped'; };
    if (step === 'settle') assert.equal(((await kit.run(step, kit.held(letter, verdict))) as { found: string }).found, 'unclear');
    else await assert.rejects(kit.run(step, kit.held(letter, verdict)), failsWith('EFFECTS_STOPPED', /effects are stopped/));
    assert.deepEqual(kit.done, [], step);
  }
});

test('a dry server asks no provider what became of a call, and lets go of nothing', async () => {
  let asked = 0;
  const lookup = async () => (asked++, { found: 'absent' as const, note: 'not there' });
  const kit = makeGate({ idempotency: { kind: 'lookup' }, lookup });
  const verdict = await kit.check(letter);
  const paid = await kit.check(letter, { action: 'letter.pay' });
  kit.outside.dryRun = true;
  assert.deepEqual(await kit.run('settle', kit.held(letter, verdict)), { found: 'unclear', note: 'this server runs dry, so nobody is asked' });
  await assert.rejects(kit.run('abort', kit.held(letter, paid, { reservation: { ref: 'r-1', expiresAtMs: 0, note: '' } })), failsWith('EFFECTS_STOPPED', /runs dry/));
  assert.equal(asked, 0);
});

test('a read that failed may simply be made again', async () => {
  const kit = makeGate({ answer: 'allow', vouched: ['"nina@nina.example"'], provider: () => Promise.reject(new KeelsonError('SEND_UNKNOWN', 'cut off')) });
  const verdict = await kit.check(letter, { action: 'letter.read' });
  assert.deepEqual([verdict.answer, verdict.settledBy], ['allow', 'native']);
  await assert.rejects(kit.run('commit', kit.held(letter, verdict)), failsWith('SEND_DEFERRED', /letter\.read failed/));
});
