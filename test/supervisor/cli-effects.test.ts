// Goal: the operator proposes, watches, settles, takes back and stops operations from the command line, and every no is one clear line.
// Method: the real CLI against one running company, with a provider that holds calls and a stand-in for Stripe.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { Run } from '#test/kit/server.ts';
import { letter, startStepsCompany, type StepsCompany } from '#test/kit/steps-company.ts';
import { startStripe, type StripeDouble } from '#test/kit/stripe.ts';

let at: StepsCompany;
let stripe: StripeDouble;
before(async () => {
  stripe = await startStripe();
  at = await startStepsCompany();
  await at.up();
}, { timeout: 120_000 });
after(async () => void (await Promise.all([at?.stop(), stripe?.stop()])));

interface Op { id: string; state: string; done: boolean | null; mode: string; reason: string; providerRef: string | null }
const op = async (id: string) => (await at.company.json<Op[]>('ops')).find((one) => one.id === id)!;
function assertOneLine({ code, stdout, stderr }: Run, message: RegExp): void {
  assert.equal(code, 1, stdout);
  assert.match(stderr, message);
  assert.match(stderr, /^keelson: [^\n]+\n$/);
}
const file = (name: string, text: string) => {
  const path = join(at.company.dataDir, '..', name);
  writeFileSync(path, text);
  return path;
};
const hook = (body: Uint8Array, signature: string) => {
  const { api } = JSON.parse(readFileSync(join(at.company.dataDir, 'run.json'), 'utf8')) as { api: string };
  return fetch(`${api}/hooks/stripe`, { method: 'POST', headers: { 'stripe-signature': signature }, body: Buffer.from(body) });
};
const setUpPayments = async () => {
  await at.company.down();
  writeFileSync(join(at.company.dataDir, 'connectors', 'payments.json'), JSON.stringify({ account: 'voss-stripe', currencies: ['EUR', 'USD'], apiUrl: stripe.apiUrl }));
  writeFileSync(join(at.company.dataDir, 'secrets.env'), `STRIPE_SECRET_KEY=${stripe.secretKey}\nSTRIPE_WEBHOOK_SECRET=${stripe.webhookSecret}\n`, { mode: 0o600 });
  await at.up();
};

test('the operator proposes a mail, sees what it would do, approves, and it is listed as done', { timeout: 60_000 }, async () => {
  const told = await at.company.json<{ address: string; outcome: string }>('run', 'operation', JSON.stringify({ id: 'hello', action: 'mail.send', summary: 'Say hello', payload: letter('nina@nina.example') }), '--key', 'hello');
  assert.deepEqual([told.address, told.outcome], ['operation/hello', 'applied']);
  const { approvalId } = await at.reaches('hello', 'awaiting-approval.asked');
  assert.match((await at.company.cli('inbox', approvalId!)).stdout, /Send “Hello” to nina@nina\.example/);
  await at.company.json('approve', approvalId!);
  await at.reaches('hello', 'done');
  const { done, mode, providerRef } = await op('hello');
  assert.deepEqual([done, mode, at.smtp.mails.length], [true, 'live', 1]);
  assert.match(at.smtp.mails[0]!.raw.toString(), new RegExp(`Message-ID: ${providerRef}`));
  assert.match((await at.company.cli('ops')).stdout, /hello +mail\.send +done +done +Say hello/);
});

test('what is wrong with a proposal is said: no such action, no such payload, no JSON', { timeout: 60_000 }, async () => {
  await at.propose('none', 'mail.burn', {});
  assert.match((await at.reaches('none', 'refused')).reason, /unknown-action/);
  await at.propose('wrong', 'mail.send', { ...letter('nina@nina.example'), bcc: 'eve@evil.example' });
  assert.match((await at.reaches('wrong', 'failed')).reason, /not a payload of mail\.send/);
  assertOneLine(await at.company.cli('run', 'operation', '{"id":'), /is not JSON/);
  assertOneLine(await at.company.cli('run', 'operation', '{"id":"x"}'), /input: action/);
});

test('what is on its way cannot be cancelled or stopped, in one clear line; before that it can be taken back', { timeout: 120_000 }, async () => {
  const { steps, smtp } = at;
  const call = steps.hold('commit', 'on-its-way');
  await at.propose('on-its-way', 'steps.none');
  await call.reached;
  for (const command of ['cancel', 'stop']) assertOneLine(await at.company.cli(command, 'operation/on-its-way'), /operation\/on-its-way is dispatching: what it does outside may be happening now.*Wait until `keelson ops`/);
  assertOneLine(await at.company.cli('send', 'operation/on-its-way', 'CANCEL'), /did not take 'CANCEL'/);
  call.release();
  await at.reaches('on-its-way', 'done');

  smtp.behave('hang');
  await at.company.json('mail', 'import', file('inquiry.eml', 'From: nina <nina@holt.example>\r\nTo: hello@studio-voss.example\r\nMessage-ID: <1@holt.example>\r\nSubject: Website\r\n\r\nHow much would a website for my violin workshop cost? Could you send me a quote?\r\n'));
  const item = await at.company.until('a draft', 60_000, async () => (await at.company.json<{ id: string; kind: string; actor: string }[]>('inbox')).find(({ kind }) => kind === 'approval'));
  const { parent } = await at.company.json<{ parent: { address: string } }>('show', item.actor);
  const arrived = smtp.mails.length;
  await at.company.json('approve', item.id);
  await at.company.until('the mail is on its way', 30_000, async () => smtp.mails.length > arrived);
  for (const command of ['cancel', 'stop']) assertOneLine(await at.company.cli(command, parent.address), /is dispatching: what it does outside may be happening now/);
  smtp.behave('accept');

  await at.propose('taken-back', 'mail.send', letter('otto@otto.example'));
  await at.reaches('taken-back', 'awaiting-approval.asked');
  await at.company.json('send', 'operation/taken-back', 'CANCEL', '{"reason":"not needed"}');
  assert.equal((await at.reaches('taken-back', 'canceled')).reason, 'not needed');
  await at.company.json('stop-effects');
  await at.propose('approved-taken-back', 'steps.none');
  await at.reaches('approved-taken-back', 'prepared.halted');
  await at.company.json('send', 'operation/approved-taken-back', 'CANCEL');
  await at.reaches('approved-taken-back', 'canceled');
  await at.company.json('resume-effects');
  await at.propose('next', 'steps.none');
  await at.reaches('next', 'done');
  assert.equal(steps.count('commit', 'approved-taken-back'), 0);
  assert.ok(!smtp.mails.some(({ to }) => to.includes('otto@otto.example')));
});

test('an unknown operation is settled by asking once more, or by what the operator says, once', { timeout: 120_000 }, async () => {
  const { steps } = at;
  for (const [name, kind] of [['ask-again', 'lookup'], ['says-done', 'none'], ['says-not', 'none']] as const) {
    steps.answer('commit', name, 'drop');
    if (kind === 'lookup') steps.answer('lookup', name, 'drop');
    await at.propose(name, `steps.${kind}`);
    await at.reaches(name, 'unknown');
  }
  assertOneLine(await at.company.cli('ops', 'reconcile', 'ask-again', '--done', '--not-done'), /either --done or --not-done/);
  assertOneLine(await at.company.cli('ops', 'reconcile', 'nobody', '--done'), /there is no operation 'nobody'/);
  await at.company.json('ops', 'reconcile', 'ask-again');
  await at.reaches('ask-again', 'done');
  await at.company.json('ops', 'reconcile', 'says-done', '--done', '--note', 'it is in the account');
  await at.company.json('ops', 'reconcile', 'says-not', '--not-done');
  assert.deepEqual([(await op('says-done')).done, (await op('says-done')).reason, (await op('says-not')).done], [true, 'it is in the account', false]);
  for (const name of ['says-done', 'ask-again']) assertOneLine(await at.company.cli('ops', 'reconcile', name, '--done'), /not unknown; there is nothing to reconcile/);
  assert.ok(!(await at.company.json<{ id: string }[]>('inbox')).some(({ id }) => /says|ask-again/.test(id)), 'nobody is asked any more');
  for (const name of ['ask-again', 'says-done', 'says-not']) assert.equal(steps.count('commit', name), 1, name);
});

test('a yes lapses: what nobody decided in time expires and cannot be approved any more', { timeout: 60_000 }, async () => {
  await at.propose('short', 'mail.send', letter('late@late.example'), { expireAfterMs: 1_500 });
  const { approvalId } = await at.company.until('it was asked', 20_000, async () => {
    const now = await at.operation('short');
    return now.approvalId === null ? null : now;
  });
  assert.equal((await at.reaches('short', 'expired')).reason, 'nobody decided in time');
  assertOneLine(await at.company.cli('approve', approvalId!), /is already canceled/);
  assert.ok(!at.smtp.mails.some(({ to }) => to.includes('late@late.example')));
});

test('approved, then restarted: it goes on from there, and nothing before it runs again', { timeout: 120_000 }, async () => {
  const inquiry = (n: number) => file(`again-${n}.eml`, `From: otto <otto@holt.example>\r\nTo: hello@studio-voss.example\r\nMessage-ID: <again-${n}@holt.example>\r\nSubject: Website\r\n\r\nHow much would a website for my ${n} cafes cost? Could you send me a quote?\r\n`);
  const historyOf = (address: string) => at.company.json<{ id: string; rev: number; event: string }[]>('history', address);
  for (const [n, end] of [at.company.kill, at.company.down].entries()) {
    const known = (await at.company.json<{ id: string }[]>('inbox')).map(({ id }) => id);
    await at.company.json('mail', 'import', inquiry(n));
    const item = await at.company.until('a draft', 60_000, async () => (await at.company.json<{ id: string; kind: string; actor: string }[]>('inbox')).find(({ id, kind }) => kind === 'approval' && !known.includes(id)));
    const { parent } = await at.company.json<{ parent: { address: string } }>('show', item.actor);
    const before_ = [await historyOf(item.actor), await historyOf(parent.address)];
    // Effects are off, so that the yes is given and nothing has left when the process ends.
    await at.api().post('/api/effects/stop', {});
    await at.company.json('approve', item.id);
    const arrived = at.smtp.mails.length;
    await end();
    await at.up();
    await at.api().post('/api/effects/resume', {});
    await at.company.until('it is sent', 60_000, async () => at.smtp.mails.length > arrived);
    await at.api().quiet();
    const after_ = [await historyOf(item.actor), await historyOf(parent.address)];
    for (const [i, steps] of before_.entries()) assert.deepEqual(after_[i]!.slice(0, steps.length), steps, 'what was before is as it was');
    assert.equal(after_[1]!.filter(({ event }) => event === 'start').length, 1);
    assert.equal(at.smtp.mails.length, arrived + 1);
  }
});

test('without settings there is no webhook; with them Stripe is heard once, and nobody else', { timeout: 120_000 }, async () => {
  const paid = stripe.event('payment_intent.succeeded', { id: 'pi_1', object: 'payment_intent', amount: 11_900, amount_received: 11_900, currency: 'eur', metadata: { reference: '2026-0007' } });
  assert.equal((await hook(paid.body, paid.signature)).status, 404);
  await setUpPayments();
  const answers = [];
  for (const { body, signature } of [paid, paid, stripe.event('payment_intent.succeeded', { id: 'pi_2' }, { secret: 'whsec_forged' }), { ...paid, signature: '' }, stripe.event('payment_intent.succeeded', {}, { signedAtMs: Date.now() - 3_600_000 }), stripe.sign('{"no": "event"}', Date.now()), stripe.event('customer.created', { id: 'cus_1' })]) {
    const response = await hook(body, signature);
    answers.push([response.status, ((await response.json()) as { outcome?: string; error?: { code: string } }).outcome ?? 'refused']);
  }
  assert.deepEqual(answers, [[200, 'recorded'], [200, 'duplicate'], [401, 'refused'], [401, 'refused'], [401, 'refused'], [400, 'refused'], [200, 'ignored']]);
  const facts = await at.company.json<{ entity: string; label: string }[]>('find', 'facts', '--predicate', 'payment.received');
  assert.deepEqual(facts.map(({ entity, label }) => [entity, label]), [['account/2026-0007', 'verified-connector']]);
});

test('money without a cap does not move, and it is said how it would; an edit changes words only', { timeout: 120_000 }, async () => {
  const charge = { amountMinor: 5_000, currency: 'USD', customer: 'cus_nina', paymentMethod: 'pm_card', description: 'Hosting', reference: '2026-0008' };
  await at.propose('uncapped', 'payments.charge', charge);
  const { approvalId } = await at.reaches('uncapped', 'awaiting-approval.asked');
  for (const edit of ['Another text', '{"amountMinor": 1}', '{"customer": "cus_eve"}']) assertOneLine(await at.company.cli('approve', approvalId!, '--edit', file('edit.txt', edit)), /an edit changes words.*Reject it, and have it proposed anew/);
  await at.company.json('approve', approvalId!);
  assert.match((await at.reaches('uncapped', 'failed')).reason, /USD/);
  assert.match((await at.company.cli('inbox', 'op-uncapped')).stdout, /caps/);
  assert.deepEqual(stripe.executed, []);
  await at.propose('capped', 'payments.charge', { ...charge, currency: 'EUR' });
  await at.company.json('approve', (await at.reaches('capped', 'awaiting-approval.asked')).approvalId!);
  await at.reaches('capped', 'done');
  assert.deepEqual(stripe.executed.map(({ what, operation, amount, currency }) => [what, operation, amount, currency]), [['capture', 'operation/capped', 5_000, 'eur']]);
});
