// Goal: a proposed reply ends in a known way whatever the operator, the policy, the clock and the mail server do. Method: the
// pipeline in the simulator up to its operation, then each branch.
import assert from 'node:assert/strict';
import test from 'node:test';
import { hashJson } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { OutgoingMail } from '#machines/mail.ts';
import { verdictFor } from '#test/kit/verdict.ts';
import { company, hourMs, inquiry, outcomes, parked, runMail, type Run } from './mail-kit.ts';

const payloadOf = (run: Run) => run.only('approval').data.payload as OutgoingMail;
const approve = async (run: Run) => run.answer('operation', { type: 'APPROVE', payloadHash: run.only('approval').data.payloadHash });
const ruled = (answer: 'allow' | 'ask' | 'deny') => ({ answer, policy: { id: 'mail', version: '1+a', rule: answer }, risk: 'high' as const, reasons: [`rule ${answer}`] });
const policySays = (answer: 'allow' | 'ask' | 'deny') => ({ 'operation.check': async ({ input }: { input: never }) => verdictFor(input, ruled(answer)) });
const sendFails = (error: Error) => ({ 'operation.commit': async () => { throw error; } });

test('an approval of another hash changes nothing and is written down', async () => {
  const run = await runMail(inquiry);
  for (const payloadHash of ['', '0'.repeat(64)]) await run.answer('operation', { type: 'APPROVE', payloadHash });
  assert.deepEqual([run.value('operation'), run.sent], [{ 'awaiting-approval': 'asked' }, []]);
  assert.deepEqual(outcomes(run, 'approval'), ['refused', 'refused']);
});

test('a rejection ends it with the reason and sends nothing', async () => {
  const run = await runMail(inquiry);
  await run.answer('operation', { type: 'REJECT', reason: 'wrong tone' });
  assert.deepEqual([run.value('operation'), run.value(), run.reason(), run.sent, run.open()], ['rejected', 'closed', 'rejected: wrong tone', [], []]);
});

test('an edit is checked again and sent as edited, once', async () => {
  const run = await runMail(inquiry);
  const edited = { ...payloadOf(run), text: 'My own words.' };
  await run.answer('operation', { type: 'APPROVE', payloadHash: run.only('approval').data.payloadHash, edit: { payload: edited, payloadHash: hashJson(edited) } });
  assert.deepEqual(run.sent.map(({ payload }) => payload), [edited]);
  assert.deepEqual([run.value(), run.open(), outcomes(run, 'approval')], ['closed', [], ['approved']]);
});

test('an edit whose hash is not that of its text is not sent', async () => {
  const run = await runMail(inquiry);
  const edited = { ...payloadOf(run), text: 'My own words.' };
  await run.answer('operation', { type: 'APPROVE', payloadHash: run.only('approval').data.payloadHash, edit: { payload: edited, payloadHash: '0'.repeat(64) } });
  assert.deepEqual([run.value('operation'), run.sent, run.reason()], ['failed', [], 'failed: the edited payload is not the one that was checked']);
});

test('an edit of something else than what is shown is refused', async () => {
  const run = await runMail(inquiry);
  const edited = { ...payloadOf(run), text: 'My own words.' };
  await run.answer('operation', { type: 'APPROVE', payloadHash: '1'.repeat(64), edit: { payload: edited, payloadHash: hashJson(edited) } });
  assert.deepEqual([run.value('operation'), run.sent, outcomes(run, 'approval')], [{ 'awaiting-approval': 'asked' }, [], ['refused']]);
});

test('an edit that the policy denies is not sent', async () => {
  const run = await runMail(inquiry, { 'operation.check': async ({ input }) => verdictFor(input, ruled((input as { payload: OutgoingMail }).payload.text === 'Evil' ? 'deny' : 'ask')) });
  const edited = { ...payloadOf(run), text: 'Evil' };
  await run.answer('operation', { type: 'APPROVE', payloadHash: run.only('approval').data.payloadHash, edit: { payload: edited, payloadHash: hashJson(edited) } });
  assert.deepEqual([run.value('operation'), run.sent, run.open()], ['refused', [], []]);
});

test('another text is a new draft with a new approval', async () => {
  const run = await runMail(inquiry);
  const first = run.only('approval');
  await run.answer('operation', { type: 'RESPOND', text: 'Quite different' });
  const second = run.only('approval');
  assert.notEqual(second.id, first.id);
  assert.equal(run.state(first.id), 'canceled');
  await run.answer('operation', { type: 'APPROVE', payloadHash: first.data.payloadHash });
  assert.equal(run.sent.length, 0);
  await approve(run);
  assert.equal(run.sent[0]?.payload.text, 'Quite different');
});

test('what the policy allows is sent without a question, and the rule is written down', async () => {
  const run = await runMail(inquiry, policySays('allow'));
  assert.deepEqual([run.value(), run.sent.length, run.open()], ['closed', 1, []]);
  assert.deepEqual(run.sim.recorded.decisions.filter(({ what }) => what === 'policy').map(({ outcome, policy }) => [outcome, policy?.rule]), [['allow', 'allow']]);
});

test('what the policy denies is never asked and never sent', async () => {
  const run = await runMail(inquiry, policySays('deny'));
  assert.deepEqual([run.value('operation'), run.sent, run.open(), run.reason()], ['refused', [], [], 'refused: policy rule deny denies it']);
  await run.answer('operation', { type: 'APPROVE', payloadHash: '' });
  assert.deepEqual(run.sent, []);
});

test('a check that fails for good is an escalation and no approval', async () => {
  const run = await runMail(inquiry, { 'operation.check': async () => { throw new KeelsonError('REFUSED', 'no such recipient'); } });
  assert.match(run.only('escalation').summary, /^This could not be done: .*: no such recipient$/);
  assert.deepEqual([run.value('operation'), run.value(), run.sent], ['failed', 'closed', []]);
});

test('the operator is reminded again and again until it expires, and then nothing is sent', async () => {
  const run = await runMail(inquiry);
  const { id } = run.only('approval');
  const reminders = () => run.sim.recorded.intents.filter((intent) => intent.id === id && intent.summary?.startsWith('Reminder: ')).length;
  await run.sim.advance(company.remindAfterMs - 1);
  assert.equal(reminders(), 0);
  await run.sim.advance(1);
  assert.deepEqual([reminders(), run.only('approval').summary], [1, 'Reminder: Reply to nina@holt.example: Re: Website']);
  await run.sim.advance(2 * company.remindAfterMs);
  assert.equal(reminders(), 3);
  await run.sim.advance(company.expireAfterMs - 3 * company.remindAfterMs - 1);
  assert.deepEqual(run.value('operation'), { 'awaiting-approval': 'reminded' });
  await run.sim.advance(1);
  assert.deepEqual([run.value('operation'), run.value(), run.reason(), run.sent], ['expired', 'closed', 'expired: nobody decided in time', []]);
  assert.deepEqual([run.state(id), run.open(), run.sim.deadlines()], ['canceled', [], []]);
  await run.answer('operation', { type: 'APPROVE', payloadHash: '' });
  await run.sim.advance(1_000 * hourMs);
  assert.deepEqual([run.sent, parked(run)], [[], []]);
});

test('a reminded approval is still approved, and no reminder comes after it', async () => {
  const run = await runMail(inquiry);
  await run.sim.advance(company.remindAfterMs);
  await approve(run);
  assert.deepEqual([run.value(), run.sent.length, run.sim.deadlines()], ['closed', 1, []]);
});

test('a new draft has its full time to be approved', async () => {
  const run = await runMail(inquiry);
  await run.sim.advance(company.expireAfterMs - 1);
  await run.answer('operation', { type: 'RESPOND', text: 'Later' });
  await run.sim.advance(company.expireAfterMs - 1);
  await approve(run);
  assert.equal(run.sent.length, 1);
});

test('a mail that was refused is an escalation with the reason and is not tried again', async () => {
  let tries = 0;
  const run = await runMail(inquiry, { 'operation.commit': async () => {
    tries++;
    throw new KeelsonError('SEND_REFUSED', '550 no such mailbox');
  } });
  await approve(run);
  await run.sim.advance(48 * hourMs);
  assert.deepEqual([tries, run.value('operation'), run.reason()], [1, 'failed', 'failed: 550 no such mailbox']);
  assert.match(run.only('escalation').summary, /550 no such mailbox/);
});

test('a mail that certainly did not leave is tried again, five times in all', async () => {
  let tries = 0;
  const run = await runMail(inquiry, { 'operation.commit': async () => {
    tries++;
    throw new KeelsonError('SEND_DEFERRED', '451 later');
  } });
  await approve(run);
  await run.sim.advance(48 * hourMs);
  assert.deepEqual([tries, run.value('operation'), run.only('escalation').kind], [5, 'failed', 'escalation']);
});

test('a changed policy stops an approved mail at the last step', async () => {
  const run = await runMail(inquiry, sendFails(new KeelsonError('REFUSED', 'policy mail has changed since the approval')));
  await approve(run);
  assert.deepEqual([run.value('operation'), run.only('escalation').data.risk], ['failed', 'high']);
});

for (const [outcome, reason] of [['done', 'done: found it in the folder'], ['not-done', 'not-done: found it in the folder']] as const) {
  test(`when nobody can know whether it left it waits, is never sent again, and ends as the operator says: ${outcome}`, async () => {
    let tries = 0;
    const run = await runMail(inquiry, { 'operation.commit': async () => {
      tries++;
      throw new KeelsonError('SEND_UNKNOWN', 'the line broke');
    } });
    await approve(run);
    await run.sim.advance(1_000 * hourMs);
    assert.deepEqual([tries, run.value('operation'), run.value()], [1, 'unknown', 'proposing']);
    assert.match(run.only('escalation').summary, /^Did this leave\? /);
    for (const event of [{ type: 'APPROVE', payloadHash: '' }, { type: 'REJECT', reason: 'x' }, { type: 'RESPOND', text: 'x' }]) await run.answer('operation', event);
    assert.equal(run.value('operation'), 'unknown');
    await run.answer('operation', { type: 'RECONCILE', outcome, note: 'found it in the folder' });
    assert.deepEqual([run.value('operation'), run.value(), run.reason(), run.open(), tries], ['reconciled', 'closed', reason, [], 1]);
  });
}

test('what is not unknown cannot be reconciled', async () => {
  const run = await runMail(inquiry);
  await run.answer('operation', { type: 'RECONCILE', outcome: 'done', note: '' });
  assert.deepEqual(run.value('operation'), { 'awaiting-approval': 'asked' });
});

test('every branch leaves nothing parked', async () => {
  for (const outside of [{}, policySays('deny'), policySays('allow'), sendFails(new KeelsonError('SEND_UNKNOWN', 'x')), sendFails(new TypeError('x is not a function'))]) {
    const run = await runMail(inquiry, outside);
    for (const item of run.open().filter(({ kind }) => kind === 'approval')) await run.answer('operation', { type: 'APPROVE', payloadHash: item.data.payloadHash });
    await run.sim.advance(48 * hourMs);
    assert.deepEqual(parked(run), []);
  }
});
