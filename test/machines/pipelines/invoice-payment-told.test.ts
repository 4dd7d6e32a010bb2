// Goal: money that only a mail tells of, or that carries no number of ours, finds the invoice it is for, and is booked by the operator's yes
// alone; whatever is said twice or late counts once. Method: facts as the mail pipeline books them, against an invoice that was sent.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { InvoiceState } from '#machines/invoice.ts';
import { matchPayment, type OpenInvoice } from '#machines/match-payment.ts';
import { createWorld, address, input, sentInvoice, type World } from './invoice-kit.ts';
import { invoiceMachine } from '#machines/pipelines/invoice.ts';

const outcomeOf = (world: World, at: string) => [world.sim.value(at), world.sim.context<{ outcome: string }>(at).outcome];
const yes = (world: World, at: string) => world.sim.event(at, { type: 'APPROVE', payloadHash: '' }).idle();
const respond = (world: World, at: string, text: string) => world.sim.event(at, { type: 'RESPOND', text }).idle();

test('a mail with number and amount is shown as exact, and nothing is booked before the operator says yes', async () => {
  const world = await sentInvoice();
  const at = await world.told(11_900);
  assert.deepEqual([world.value(), outcomeOf(world, at)], [{ open: 'waiting' }, ['asking', 'told']]);
  assert.deepEqual(world.asked(), ['A mail says that 119.00 EUR came in with the reference R-0001: exactly what is open of R-0001']);
  await yes(world, at);
  assert.deepEqual([world.value(), world.output()['outcome'], outcomeOf(world, at), world.open()], ['booked', 'paid', ['ended', 'paid'], []]);
});

test('a no leaves it, with the reason', async () => {
  const world = await sentInvoice();
  const at = await world.told(11_900);
  await world.sim.event(at, { type: 'REJECT', reason: 'our bank never writes' }).idle();
  assert.deepEqual([world.value(), outcomeOf(world, at), world.decisions('payment'), world.open()], [{ open: 'waiting' }, ['ended', 'left'], ['left'], []]);
});

test('nobody but the operator says yes', async () => {
  const world = await sentInvoice();
  const at = await world.told(11_900);
  for (const from of ['mail/m-1', 'invoice/web-1', 'connector/payments']) await world.sim.event(at, { type: 'APPROVE', payloadHash: '' }, from).idle();
  assert.deepEqual([world.value(), world.sim.value(at)], [{ open: 'waiting' }, 'asking']);
});

test('a part that a mail tells of is offered for its invoice and counts as a part', async () => {
  const world = await sentInvoice();
  const at = await world.told(5_000);
  assert.deepEqual(world.asked(), ['A mail says that 50.00 EUR came in with the reference R-0001; it may be for R-0001, of which 119.00 EUR are open']);
  await yes(world, at);
  assert.deepEqual([world.value(), world.state(), outcomeOf(world, at)], [{ open: 'waiting' }, 'partly-paid', ['ended', 'partly-paid']]);
});

test('without a number the amount, or who paid, finds the invoice', async () => {
  for (const over of [{ reference: null }, { reference: null, payee: 'Holt Ltd' }] as const) {
    const world = await sentInvoice();
    const at = await world.told(over.payee ? 100 : 11_900, over);
    assert.match(world.asked()[0]!, /it may be for R-0001, of which 119\.00 EUR are open$/);
    await yes(world, at);
    assert.equal(world.state(), over.payee ? 'partly-paid' : 'paid');
  }
});

test('what fits no open invoice ends quietly and is written down', async () => {
  const world = await sentInvoice();
  const at = await world.told(77_700, { reference: 'X-77', payee: 'Somebody Else' });
  assert.deepEqual([outcomeOf(world, at), world.open(), world.decisions('payment')], [['ended', 'no-invoice'], [], ['no-invoice']]);
});

test('another currency is never taken for the same amount', async () => {
  const world = await sentInvoice();
  assert.deepEqual(outcomeOf(world, await world.told(11_900, { currency: 'USD' })), ['ended', 'no-invoice']);
});

test('the operator names another invoice; one that is not there is asked about again', async () => {
  const world = await sentInvoice();
  const at = await world.told(11_900, { reference: null });
  await respond(world, at, 'R-0009');
  assert.deepEqual([outcomeOf(world, at), world.asked()], [['asking', 'no-invoice'], ['119.00 EUR came in, and R-0009 is no invoice that is followed here']]);
  await respond(world, at, 'two words');
  assert.equal(world.sim.value(at), 'asking');
  await respond(world, at, ' R-0001 ');
  assert.deepEqual([world.value(), outcomeOf(world, at)], ['booked', ['ended', 'paid']]);
});

test('a payment that the connector verified, with a reference of its own, is offered by its amount', async () => {
  const world = await sentInvoice();
  const at = await world.received(11_900, { reference: 'pi_1' });
  assert.deepEqual(world.asked(), ['119.00 EUR came in with the reference pi_1, which is no invoice that is followed here; it may be for R-0001, of which 119.00 EUR are open']);
  await yes(world, at);
  assert.deepEqual([world.value(), outcomeOf(world, at)], ['booked', ['ended', 'paid']]);
});

test('two mails about one payment: the second finds the invoice closed', async () => {
  const world = await sentInvoice();
  const [first, second] = [await world.told(11_900), await world.told(11_900, { source: 'm-2#L1' })];
  await yes(world, first);
  await yes(world, second);
  assert.deepEqual([outcomeOf(world, first), outcomeOf(world, second)], [['ended', 'paid'], ['asking', 'late']]);
  assert.equal((world.sim.recorded.facts.findLast(({ predicate }) => predicate === 'invoice.state')!.value as InvoiceState).paidMinor, 11_900);
});

test('the same mail read twice is one payment', async () => {
  const world = await sentInvoice();
  const [first, second] = [await world.told(5_000), await world.told(5_000)];
  await yes(world, first);
  await yes(world, second);
  assert.deepEqual([outcomeOf(world, first), outcomeOf(world, second)], [['ended', 'partly-paid'], ['ended', 'known']]);
});

test('under crashes, repeats and jobs that run twice it is booked once', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = createWorld({ chaos: 0.15, seed });
    await world.sim.start(address, invoiceMachine, input).idle();
    await world.approve('issue');
    await world.approve('mail');
    const at = await world.told(11_900);
    await yes(world, at);
    await world.sim.advance(120_000);
    assert.deepEqual([world.value(), outcomeOf(world, at), world.decisions('payment')], ['booked', ['ended', 'paid'], ['paid']], `seed ${seed}`);
  }
});

const open = (number: string, totalMinor: number, over: Partial<OpenInvoice['customer']> = {}, paidMinor = 0): OpenInvoice => ({ number, actor: `invoice/${number}`, customer: { name: 'Nina Holt', email: 'nina@holt.example', ...over }, standing: { state: 'sent', reason: '', totalMinor, paidMinor, currency: 'EUR', payments: [] } });

test('matching is a table: by reference, amount and payer, exact only by the first two, and never by chance', () => {
  const invoices = [open('2026-0001', 11_900), open('2026-0002', 11_900, { name: 'Ada Berg', email: 'ada@berg.example' }), open('2026-0003', 500, { name: 'Cy Dorn', email: 'cy@mail.example' }, 100)];
  const match = (amountMinor: number, reference: string | null, payer: string | null = null, currency = 'EUR') => {
    const { exact, candidates } = matchPayment({ amountMinor, currency, reference, payer }, invoices);
    return [exact?.number ?? null, candidates.map(({ number }) => number)];
  };
  assert.deepEqual(match(11_900, '2026-0001'), ['2026-0001', ['2026-0001', '2026-0002']]);
  assert.deepEqual(match(11_900, 'RE 2026-0001, Holt'), ['2026-0001', ['2026-0001', '2026-0002']]);
  assert.deepEqual(match(11_900, '20260002'), ['2026-0002', ['2026-0002', '2026-0001']]);
  assert.deepEqual(match(11_900, null), [null, ['2026-0001', '2026-0002']], 'the amount alone is ambiguous');
  assert.deepEqual(match(11_900, null, 'Berg GmbH'), [null, ['2026-0002', '2026-0001']]);
  assert.deepEqual(match(400, '2026-0003'), ['2026-0003', ['2026-0003']], 'what is open counts, not the total');
  assert.deepEqual(match(500, '2026-0003'), [null, ['2026-0003']], 'more than is open is not exact');
  assert.deepEqual(match(11_900, '2026-00012026-0001'), [null, ['2026-0001', '2026-0002']], 'a number within another is none');
  assert.deepEqual(match(11_900, '2026-0001', null, 'GBP'), [null, []]);
  assert.deepEqual(match(42, '2026'), [null, []]);
  assert.deepEqual(match(42, '', ''), [null, []]);
});
