// Goal: money that comes in is counted once, for the right invoice, whenever and however often it is said; what does not come out even is
// the operator's. Method: payments as facts of the connector and as the operator's word, against invoices in each state.
import assert from 'node:assert/strict';
import test from 'node:test';
import { lintMachine } from '#machines/lint.ts';
import { invoicePaymentMachine } from '#machines/pipelines/invoice-payment.ts';
import { address, begun, dayMs, issued, sentInvoice, type World } from './invoice-kit.ts';

const overdueMs = issued.dueInMs + 3 * dayMs;
const outcomeOf = (world: World, at: string) => [world.sim.value(at), world.sim.context<{ outcome: string }>(at).outcome];
const paidMinor = (world: World) => (world.sim.recorded.facts.findLast(({ predicate }) => predicate === 'invoice.state')!.value as { paidMinor: number }).paidMinor;
const seen = async (world: World, at: string) => world.sim.event(at, { type: 'APPROVE', payloadHash: '' }).idle();

test('the machine can be hosted durably', () => assert.deepEqual(lintMachine(invoicePaymentMachine), []));

test('a payment that the connector verified finds its invoice by the reference, and it is booked', async () => {
  const world = await sentInvoice();
  const at = await world.received(11_900);
  assert.deepEqual([world.value(), world.output()['outcome'], outcomeOf(world, at), world.open()], ['booked', 'paid', ['ended', 'paid'], []]);
  assert.deepEqual(world.decisions('payment'), ['paid']);
});

test('in parts: it is open until the last one, and the reminders ask for the rest only', async () => {
  const world = await sentInvoice({ paymentLink: false });
  assert.deepEqual(outcomeOf(world, await world.received(5_000, { payment: 'a' })), ['ended', 'partly-paid']);
  assert.deepEqual([world.value(), world.state(), paidMinor(world)], [{ open: 'waiting' }, 'partly-paid', 5_000]);
  await world.sim.advance(overdueMs);
  await world.approve('reminder-1');
  assert.match(world.done.at(-1)!.payload.text, /; 69\.00 EUR are still open\./);
  assert.deepEqual(outcomeOf(world, await world.received(6_900, { payment: 'b' })), ['ended', 'paid']);
  assert.deepEqual([world.value(), world.states()], ['booked', ['issued', 'sent', 'partly-paid', 'reminded', 'paid']]);
});

test('too much is booked as overpaid, and the operator is asked what to do with the rest', async () => {
  const world = await sentInvoice();
  const at = await world.received(12_000);
  assert.deepEqual([world.value(), world.state(), world.output()['paidMinor'], outcomeOf(world, at)], ['booked', 'overpaid', 12_000, ['asking', 'overpaid']]);
  assert.deepEqual(world.asked(), ['The invoice R-0001 is overpaid with 120.00 EUR: give the rest back, or agree on it']);
  await seen(world, at);
  assert.deepEqual([world.sim.value(at), world.open()], ['ended', []]);
});

test('another currency is not counted, is not taken for the same amount, and is a task', async () => {
  const world = await sentInvoice();
  const at = await world.received(11_900, { currency: 'USD' });
  assert.deepEqual([world.value(), outcomeOf(world, at), world.asked()], [{ open: 'waiting' }, ['asking', 'wrong-currency'], ['119.00 USD came in for the invoice R-0001, which is in EUR: it was not counted']]);
  await world.received(11_900, { payment: 'pi_2' });
  assert.equal(world.value(), 'booked');
});

test('the operator\'s own word in another currency changes nothing and is written down', async () => {
  const world = await sentInvoice();
  await world.paid(11_900, 'cash', 'USD');
  assert.deepEqual([world.value(), world.decisions()], [{ open: 'waiting' }, ['wrong-currency']]);
});

test('one payment that is said twice counts once', async () => {
  const world = await sentInvoice();
  const both = [await world.received(5_000, { payment: 'pi_1' }), await world.received(5_000, { payment: 'pi_1' })];
  assert.deepEqual([both.map((at) => outcomeOf(world, at)), paidMinor(world), world.open()], [[['ended', 'partly-paid'], ['ended', 'known']], 5_000, []]);
  await world.paid(5_000, 'pi_1');
  assert.deepEqual([world.value(), paidMinor(world)], [{ open: 'waiting' }, 5_000]);
});

test('said again after it was booked it is known, and no task', async () => {
  const world = await sentInvoice();
  await world.received(11_900);
  assert.deepEqual([outcomeOf(world, await world.received(11_900)), world.open()], [['ended', 'known'], []]);
});

for (const [what, state, end] of [
  ['was paid', 'paid', (world: World) => world.received(11_900, { payment: 'first' })],
  ['was given up', 'canceled', (world: World) => world.answer('CANCEL')],
] as const) {
  test(`another payment for an invoice that ${what} is late: a task, and the invoice stays as it is`, async () => {
    const world = await sentInvoice();
    await end(world);
    const at = await world.received(11_900, { payment: 'second' });
    assert.deepEqual([outcomeOf(world, at), world.state(), world.asked()], [['asking', 'late'], state, [`119.00 EUR came in for the invoice R-0001, which is ${state} already`]]);
  });
}

test('a payment for an invoice that was written off is late', async () => {
  const world = await sentInvoice({ reminderDays: [] });
  await world.sim.advance(issued.dueInMs);
  await world.answer('REJECT');
  assert.deepEqual(outcomeOf(world, await world.received(11_900)), ['asking', 'late']);
});

test('before the mail left: it counts, the mail still goes out as it was asked, and then it is booked', async () => {
  const world = await begun();
  await world.approve('issue');
  await world.received(11_900);
  assert.deepEqual([world.value(), paidMinor(world)], [{ open: 'mailing' }, 0]);
  await world.approve('mail');
  assert.deepEqual([world.value(), world.output()['outcome'], world.done.length], ['booked', 'paid', 2]);
});

test('before the mail was written: it says that nothing is to be paid', async () => {
  const world = await begun({ paymentLink: true });
  await world.approve('issue');
  await world.received(11_900);
  await world.approve('link');
  await world.approve('mail');
  assert.match(world.done.at(-1)!.payload.text, /It is paid already, thank you\./);
  assert.doesNotMatch(world.done.at(-1)!.payload.text, /Please pay|online/);
  assert.equal(world.value(), 'booked');
});

test('an invoice that is paid and was never mailed is booked without a task left', async () => {
  const world = await begun();
  await world.approve('issue');
  await world.reject('mail');
  await world.received(11_900);
  assert.deepEqual([world.value(), world.open()], ['booked', []]);
});

test('while a reminder waits for its yes the operator is told to reject it; either way it is booked once', async () => {
  for (const decide of ['approve', 'reject'] as const) {
    const world = await sentInvoice();
    await world.sim.advance(overdueMs);
    await world.received(11_900);
    assert.deepEqual([world.value(), world.asked().at(-1)], [{ open: 'reminding' }, 'The invoice R-0001 over 119.00 EUR to Nina Holt is paid: reject the reminder that still waits for you']);
    await world[decide]('reminder-1');
    assert.deepEqual([world.value(), world.output()['outcome'], world.open(), world.sim.deadlines()], ['booked', 'paid', [], []]);
  }
});

test('with the reference of an invoice that is not issued it is nobody\'s, and a task', async () => {
  const world = await begun();
  const at = await world.received(11_900);
  assert.deepEqual([outcomeOf(world, at), world.asked().at(-1)], [['asking', 'no-invoice'], '119.00 EUR came in with the reference R-0001, which is no invoice that is followed here']);
});

test('two payments at once: the one that comes when it is booked asks the operator after a minute', async () => {
  const world = await sentInvoice();
  world.sim.runJobs = false;
  const both = [await world.received(11_900, { payment: 'a' }), await world.received(11_900, { payment: 'b' })];
  world.sim.runJobs = true;
  await world.sim.idle();
  await world.sim.advance(61_000);
  assert.deepEqual(both.map((at) => String(outcomeOf(world, at)[1])).toSorted(), ['late', 'paid']);
  assert.deepEqual([world.value(), world.output()['paidMinor'], world.asked().length], ['booked', 11_900, 1]);
});

test('an invoice that does not answer is told again, and after some minutes the operator is asked', async () => {
  const world = await sentInvoice();
  await world.sim.event(address, { type: 'x' }).idle();
  await world.sim.send(address, 'operator/test', { kind: 'stop', gen: '' }).idle();
  const at = await world.received(11_900);
  await world.sim.advance(5 * 61_000);
  assert.deepEqual([outcomeOf(world, at), world.asked().at(-1)], [['asking', 'no-answer'], '119.00 EUR came in and is not booked: invoice/web-1 does not answer']);
});

test('nobody makes a payment up: not by an event, not by a start, not by a fact that is no connector\'s', async () => {
  const world = await sentInvoice();
  for (const from of ['mail/m-1', 'operation/x', 'connector/payments', 'invoice/other', 'invoice-payments/x']) await world.paid(11_900, `from ${from}`, 'EUR', from);
  assert.deepEqual([world.value(), world.decisions()], [{ open: 'waiting' }, Array.from({ length: 5 }, () => 'refused')]);
  const fake = 'invoice-payment/fake';
  await world.sim.start(fake, invoicePaymentMachine, { change: { kind: 'fact', id: 'f-99-0', seq: 99, atMs: 1, actor: 'connector/payments', value: { amountMinor: 11_900, currency: 'EUR', reference: 'R-0001', payment: 'x' } } }).idle();
  assert.deepEqual(outcomeOf(world, fake), ['ended', 'not-believed']);
  for (const label of ['untrusted', 'system'] as const) assert.deepEqual(outcomeOf(world, await world.received(11_900, { label })), ['ended', 'not-believed']);
  assert.deepEqual(world.value(), { open: 'waiting' });
});

test('nobody but the invoice says what became of a payment', async () => {
  const world = await begun();
  await world.approve('issue');
  world.sim.runJobs = false;
  const at = await world.received(11_900);
  await world.sim.event(at, { type: 'TAKEN', payment: 'pi_1', how: 'known' }, address).idle();
  assert.equal(world.sim.value(at), 'looking', 'and not before it was told');
  world.sim.runJobs = true;
  await world.sim.idle();
  assert.deepEqual(outcomeOf(world, at), ['ended', 'paid']);
  const sent = await sentInvoice();
  await sent.sim.send(address, 'operator/test', { kind: 'stop', gen: '' }).idle();
  const waits = await sent.received(11_900);
  await sent.sim.event(waits, { type: 'TAKEN', payment: 'pi_1', how: 'paid' }, 'mail/m-1').idle();
  await sent.sim.event(waits, { type: 'TAKEN', payment: 'other', how: 'paid' }, address).idle();
  assert.deepEqual([sent.sim.value(waits), sent.decisions('payment')], ['telling', ['refused', 'refused']]);
});
