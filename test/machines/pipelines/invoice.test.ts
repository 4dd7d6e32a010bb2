// Goal: an invoice ends in a known way whatever the operator, the customer, the clock and the providers do, and nothing leaves without its
// own yes. Method: the run with real operations in the simulator, each branch of it, then all of it under crashes and repeats.
import assert from 'node:assert/strict';
import test from 'node:test';
import { KeelsonError } from '#machines/errors.ts';
import { lintMachine } from '#machines/lint.ts';
import { outgoingMailSchema } from '#machines/mail.ts';
import { invoiceMachine } from '#machines/pipelines/invoice.ts';
import { whyNotFact } from '#machines/predicates.ts';
import { performed } from '#test/kit/verdict.ts';
import { address, begun, dayMs, issued, order, performedOf, sentInvoice, type Script, type World } from './invoice-kit.ts';

const actions = ({ done }: World) => done.map(({ operation, action }) => `${action} ${operation}`);
const mails = ({ done }: World) => done.filter(({ action }) => action === 'mail.send').map(({ payload }) => payload);
const failing = (action: string, error: Error): Script => ({ commit: (call) => (call.action === action ? Promise.reject(error) : performedOf(call.action)) });
/** From the issue to the first reminder. */
const overdueMs = issued.dueInMs + 3 * dayMs;

test('the machine can be hosted durably', () => assert.deepEqual(lintMachine(invoiceMachine), []));

test('issue, page, mail, payment: each with its own yes, and it is booked', async () => {
  const world = await begun({ paymentLink: true });
  assert.deepEqual([world.value(), world.done], ['issuing', []]);
  await world.approve('issue');
  assert.deepEqual([world.value(), world.state()], [{ open: 'linking' }, 'issued']);
  await world.approve('link');
  assert.deepEqual(world.value(), { open: 'mailing' });
  await world.approve('mail');
  assert.deepEqual([world.value(), world.state(), world.open()], [{ open: 'waiting' }, 'sent', []]);
  assert.deepEqual(actions(world), ['invoices.issue web-1-issue', 'payments.link web-1-link', 'mail.send web-1-mail']);
  assert.deepEqual(world.done[0]!.payload, order);
  assert.deepEqual(world.done[1]!.payload, { amountMinor: 11_900, currency: 'EUR', payer: 'nina@holt.example', description: 'Invoice R-0001', reference: 'R-0001' });
  const [mail] = mails(world);
  assert.deepEqual(outgoingMailSchema.parse(mail).enclosures, [{ artifact: 'invoice/R-0001', hash: issued.hash, name: 'R-0001.pdf' }]);
  assert.match(mail!.text, /Please pay 119\.00 EUR by 2026-12-07, with the reference R-0001\.\n\nPay online: https:\/\/pay\.example\/l\/1\n/);
  await world.paid(11_900);
  assert.deepEqual([world.value(), world.state(), world.decisions().at(-1)], ['booked', 'paid', 'booked']);
  assert.deepEqual(world.output(), { outcome: 'paid', number: 'R-0001', paidMinor: 11_900, reason: '119.00 EUR came in' });
  assert.deepEqual([world.sim.deadlines(), world.open()], [[], []]);
  for (const fact of world.sim.recorded.facts) assert.equal(whyNotFact(fact, 'agent'), null);
});

test('without payments configured no page is asked for, and the mail names none', async () => {
  const world = await sentInvoice();
  assert.deepEqual(actions(world), ['invoices.issue web-1-issue', 'mail.send web-1-mail']);
  assert.doesNotMatch(mails(world)[0]!.text, /online|https/);
});

test('a German order has German mails', async () => {
  const world = await sentInvoice({ order: { ...order, language: 'de' } });
  assert.match(mails(world)[0]!.text, /Rechnung R-0001 über 119,00 EUR\. Bitte zahlen Sie 119,00 EUR bis zum 2026-12-07/);
  await world.sim.advance(overdueMs);
  await world.approve('reminder-1');
  assert.deepEqual([mails(world)[1]!.subject, /119,00 EUR sind noch offen/.test(mails(world)[1]!.text)], ['Zahlungserinnerung: Rechnung R-0001', true]);
});

for (const [outcome, end] of [['rejected', (world: World) => world.reject('issue', 'wrong price')], ['expired', (world: World) => world.sim.advance(2 * dayMs)]] as const) {
  test(`an invoice whose issue was ${outcome} has no number, no facts, and nothing follows`, async () => {
    const world = await begun();
    await end(world);
    assert.deepEqual([world.value(), world.output()['outcome'], world.done, world.states(), world.sim.deadlines()], ['not issued', 'not-issued', [], [], []]);
    assert.match(String(world.output()['reason']), new RegExp(`^${outcome}: `));
  });
}

test('a policy that denies the issue ends it', async () => {
  const world = await begun({}, { verdict: () => ({ answer: 'deny' }) });
  assert.deepEqual([world.value(), world.open()], ['not issued', []]);
  assert.match(String(world.output()['reason']), /^refused: /);
});

test('a dry run issues nothing and says so', async () => {
  const world = await begun({ mode: 'dry-run' });
  await world.approve('issue');
  assert.deepEqual([world.value(), world.output()['outcome'], world.states()], ['not issued', 'dry-run', []]);
});

test('an issue that nobody can read afterwards is no invoice to go on with', async () => {
  const world = await begun({}, { commit: async () => performed({ result: { number: 7 } }) });
  await world.approve('issue');
  assert.deepEqual([world.value(), /cannot be read/.test(String(world.output()['reason']))], ['not issued', true]);
});

for (const [what, script, act] of [
  ['is rejected', {}, (world: World) => world.reject('link')],
  ['fails', failing('payments.link', new KeelsonError('SEND_REFUSED', 'no such account')), (world: World) => world.approve('link')],
  ['gives no safe address', { commit: ({ action }) => (action === 'payments.link' ? Promise.resolve(performed({ result: { url: 'javascript:alert(1)' } })) : performedOf(action)) }, (world: World) => world.approve('link')],
] as [string, Script, (world: World) => Promise<void>][]) {
  test(`when the page to pay at ${what} the invoice is mailed without it, and that is written down`, async () => {
    const world = await begun({ paymentLink: true }, script);
    await world.approve('issue');
    await act(world);
    await world.approve('mail');
    assert.deepEqual([world.value(), world.decisions()], [{ open: 'waiting' }, ['without-link']]);
    assert.doesNotMatch(mails(world)[0]!.text, /online|script/);
  });
}

test('a mail that did not leave is a task: yes proposes it again, as another operation', async () => {
  const world = await begun();
  await world.approve('issue');
  await world.reject('mail', 'wrong words');
  assert.deepEqual([world.value(), world.state(), world.asked()], [{ open: 'unsent' }, 'not-sent', ['The invoice R-0001 over 119.00 EUR to Nina Holt was not mailed: rejected: wrong words']]);
  await world.sim.advance(8 * 3_600_000);
  assert.match(world.asked()[0]!, /^Reminder: The invoice R-0001/);
  await world.answer('APPROVE');
  await world.approve('mail-2');
  assert.deepEqual([world.value(), world.open(), actions(world)], [{ open: 'waiting' }, [], ['invoices.issue web-1-issue', 'mail.send web-1-mail-2']]);
});

test('a mail that expires twice is two tasks, and with a no the money is waited for without a mail', async () => {
  const world = await begun();
  await world.approve('issue');
  await world.sim.advance(2 * dayMs);
  await world.answer('APPROVE');
  await world.sim.advance(2 * dayMs);
  assert.deepEqual([world.value(), world.open().length], [{ open: 'unsent' }, 1]);
  await world.answer('REJECT');
  assert.deepEqual([world.value(), world.open(), mails(world)], [{ open: 'waiting' }, [], []]);
  await world.paid(11_900);
  assert.equal(world.output()['outcome'], 'paid');
});

test('an invoice that was not mailed can be given up, and then it is canceled', async () => {
  const world = await begun();
  await world.approve('issue');
  await world.reject('mail');
  await world.answer('CANCEL', 'the customer stepped back');
  assert.deepEqual([world.value(), world.state(), world.output()['outcome'], world.open(), world.sim.deadlines()], ['canceled', 'canceled', 'canceled', [], []]);
});

test('only the operator gives it up', async () => {
  const world = await sentInvoice();
  await world.sim.event(address, { type: 'CANCEL', reason: 'x' }, 'mail/m-1').idle();
  assert.deepEqual(world.value(), { open: 'waiting' });
});

test('three reminders with growing spaces, each with its own yes, then a task', async () => {
  const world = await sentInvoice();
  await world.sim.advance(overdueMs - 1);
  assert.deepEqual(world.value(), { open: 'waiting' });
  for (const [n, spaceMs] of [[1, 7 * dayMs], [2, 14 * dayMs], [3, 14 * dayMs]] as const) {
    await world.sim.advance(1);
    assert.deepEqual([world.value(), mails(world).length], [{ open: 'reminding' }, n], 'nothing leaves without a yes');
    await world.approve(`reminder-${n}`);
    assert.deepEqual([world.value(), world.state()], [{ open: 'pausing' }, 'reminded']);
    await world.sim.advance(spaceMs - 1);
    assert.deepEqual(world.value(), { open: 'pausing' });
  }
  await world.sim.advance(1);
  assert.deepEqual(mails(world).map(({ subject }) => subject), ['Invoice R-0001', 'Reminder: invoice R-0001', 'Reminder no. 2: invoice R-0001', 'Last reminder: invoice R-0001']);
  for (const mail of mails(world)) assert.ok(outgoingMailSchema.safeParse(mail).success);
  assert.deepEqual([world.value(), world.asked()], [{ open: 'unpaid' }, ['The invoice R-0001 over 119.00 EUR to Nina Holt is not paid: 119.00 EUR open after 3 reminders']]);
});

test('a reminder that was refused counts as an attempt and not as a reminder', async () => {
  const world = await sentInvoice({ reminderDays: [3, 7] });
  await world.sim.advance(overdueMs);
  await world.reject('reminder-1');
  assert.deepEqual([world.value(), world.state(), world.decisions()], [{ open: 'pausing' }, 'sent', ['not-reminded']]);
  await world.sim.advance(7 * dayMs);
  await world.approve('reminder-2');
  assert.equal(mails(world)[1]!.subject, 'Reminder: invoice R-0001', 'to the customer it is the first');
  await world.sim.advance(7 * dayMs);
  assert.match(world.asked()[0]!, /after 1 reminders$/);
});

test('without reminders the operator is asked when it is due', async () => {
  const world = await sentInvoice({ reminderDays: [] });
  await world.sim.advance(issued.dueInMs);
  assert.deepEqual(world.value(), { open: 'unpaid' });
});

test('the time counts from the issue: what waited long for its mail is overdue at once', async () => {
  const world = await begun({ expireAfterMs: 90 * dayMs });
  await world.approve('issue');
  await world.sim.advance(overdueMs);
  assert.deepEqual(world.value(), { open: 'mailing' });
  await world.approve('mail');
  assert.deepEqual(world.value(), { open: 'reminding' });
});

for (const [answer, outcome, state] of [['APPROVE', 'paid', 'booked'], ['REJECT', 'written-off', 'written off']] as const) {
  test(`an unpaid invoice ends as the operator says: ${outcome}`, async () => {
    const world = await sentInvoice({ reminderDays: [] });
    await world.sim.advance(issued.dueInMs + 8 * 3_600_000);
    assert.match(world.asked()[0]!, /^Reminder: The invoice/);
    await world.answer(answer, 'bankrupt');
    assert.deepEqual([world.value(), world.output()['outcome'], world.state(), world.open(), world.sim.deadlines()], [state, outcome, outcome, [], []]);
    assert.equal(world.output()['reason'], answer === 'APPROVE' ? 'the operator says that it is paid' : 'bankrupt');
  });
}

test('an unpaid invoice whose money comes after all is booked, and the task goes', async () => {
  const world = await sentInvoice({ reminderDays: [] });
  await world.sim.advance(issued.dueInMs);
  await world.paid(11_900);
  assert.deepEqual([world.value(), world.open()], ['booked', []]);
});

test('a provider that may have taken the mail is not asked twice, and the invoice waits for the operator\'s word', async () => {
  const world = await begun({}, failing('mail.send', new KeelsonError('SEND_UNKNOWN', 'the line broke')));
  await world.approve('issue');
  await world.approve('mail');
  assert.deepEqual([world.value(), world.sim.value(world.operation('mail'))], [{ open: 'mailing' }, 'unknown']);
  await world.sim.event(world.operation('mail'), { type: 'RECONCILE', outcome: 'done', note: 'seen in the folder' }).idle();
  assert.deepEqual([world.value(), world.state()], [{ open: 'waiting' }, 'sent']);
});

// That a job which may leave runs at most once is the worker's part (test/actors/worker-claim.test.ts); the simulator runs it again.
test('whatever crashes or comes twice, the same steps are proposed and it is booked once', async () => {
  let struck = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const world = await begun({ paymentLink: true }, { chaos: 0.15, seed });
    await world.approve('issue');
    await world.approve('link');
    await world.approve('mail');
    await world.sim.advance(overdueMs);
    await world.approve('reminder-1');
    await world.received(5_000, { payment: 'a' });
    await world.received(6_900, { payment: 'b' });
    assert.deepEqual([...new Set(actions(world))], ['invoices.issue web-1-issue', 'payments.link web-1-link', 'mail.send web-1-mail', 'mail.send web-1-reminder-1'], `seed ${seed}`);
    assert.deepEqual([world.value(), world.states(), world.open()], ['booked', ['issued', 'sent', 'reminded', 'partly-paid', 'paid'], []], `seed ${seed}`);
    assert.deepEqual(world.sim.notes().filter((note) => note.startsWith('parked')), [], `seed ${seed}`);
    struck += world.sim.trouble.crashes + world.sim.trouble.redeliveries + world.sim.trouble.duplicates;
  }
  assert.ok(struck > 200, `${struck}`);
});

