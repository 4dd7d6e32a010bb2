// Goal: from the inquiry in the inbox to the booked payment, through real processes, each thing happens once: also when the server is killed
// at every point on the way and the payment is told three times, and also when nobody pays for days. Method: `keelson up` on a new company, a
// real mail server, the stand-in for Stripe; kill -9. KEELSON_TEST_ROUNDS repeats the killing, KEELSON_TEST_SEED moves its moments.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { simpleParser, type ParsedMail } from 'mailparser';
import type { InvoiceState } from '#machines/invoice.ts';
import type { Why } from '#store/why.ts';
import { assertIntact } from '#test/faults/checks.ts';
import { pdfToolsMissing, readPdf } from '#test/kit/pdf.ts';
import { seeded } from '#test/kit/server.ts';
import { sampleMailbox } from '#supervisor/company.ts';
import { restsToday } from '#test/kit/todays-share.ts';
import { order, startCash, totalMinor, type Cash, type Item } from './cash-kit.ts';

const rounds = Number(process.env['KEELSON_TEST_ROUNDS'] ?? 1);
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 20_261_123);
const number = '2026-0001';
const customer = order.customer.email;
const amount = { amountMinor: totalMinor, currency: 'EUR' };
const byFact = /^fact (f-\d+-\d+): invoice\.issued, system$/;
const skip = pdfToolsMissing() ?? false;

/** The PDF that the mail carries, read by programs that know nothing of the one that drew it. */
function pdfOf({ attachments }: ParsedMail): string {
  assert.deepEqual(attachments.map(({ filename, contentType }) => [filename, contentType]), [[`${number}.pdf`, 'application/pdf']]);
  return readPdf(attachments[0]!.content).text;
}

/** Kills the server, and starts it again, as often as a test likes. */
function killer({ company, up }: Cash, random: () => number) {
  let kills = 0;
  const kill = async () => {
    await company.kill();
    kills++;
  };
  return {
    kill,
    /** While something is on its way. */
    killSoon: (withinMs: number) => new Promise((done) => setTimeout(done, random() * withinMs)).then(kill),
    async killAndStart() {
      await kill();
      await up();
    },
    count: () => kills,
  };
}

/** However it came to be: one number, one document, one page to pay at, one payment, booked once by one run. */
async function assertBookedOnce(cash: Cash, invoice: string, { pages = 1 } = {}): Promise<void> {
  const facts = async (predicate: string) => (await cash.rows('facts', { predicate })).length;
  const decisions = async (what: string) => (await cash.rows('decisions', { what })).map(({ actor, outcome }) => `${actor.split('/')[0]} ${outcome}`);
  assert.deepEqual([await facts('invoice.number'), await facts('invoice.issued'), await facts('payment.linked'), await facts('payment.received')], [1, 1, pages, 1]);
  assert.deepEqual((await cash.rows('artifacts', { artifactKind: 'document' })).map(({ id }) => id).filter((id) => !id.startsWith('report/')).toSorted(), [`invoice/${number}`, 'stripe/evt_paid']);
  const states = await cash.states(number);
  assert.equal(states.filter(({ value }) => (value as { state: string }).state === 'paid').length, 1);
  assert.deepEqual(await decisions('payment'), ['invoice-payment paid']);
  assert.deepEqual((await decisions('invoice')).filter((one) => /paid|booked/.test(one)).toSorted(), ['invoice booked', 'invoice paid']);
  assert.equal((await cash.rows('actors', { type: 'invoice-payment' })).length, 1);
  const { value, actor } = states.at(-1)!;
  assert.equal(actor, invoice);
  assert.deepEqual(value, { state: 'paid', reason: '1,190.00 EUR came in', totalMinor, paidMinor: totalMinor, currency: 'EUR', payments: ['pi_1'] });
  assert.deepEqual(cash.stripe.executed.map(({ what, amount: charged }) => [what, charged]), Array.from({ length: pages }, () => ['link', totalMinor]));
}

test('an inquiry is answered, the work invoiced, the invoice paid by its page and booked; each step waits for a yes that shows all of it', { skip, timeout: 170_000 }, async (t) => {
  const cash = await startCash(t);
  const { company, smtp, stripe } = cash;
  /** As the operator does it: looks at the item, says yes to what is shown. */
  const yes = async ({ id, payloadHash }: Item) => {
    assert.equal((await company.json<Item>('inbox', id)).payloadHash, payloadHash);
    assert.equal((await company.json<{ state: string }>('approve', id, '--hash', payloadHash)).state, 'completed');
  };
  await cash.up();

  assert.deepEqual(await company.json('mail', 'import', join(sampleMailbox, '06-project-request.eml')), { imported: 1, duplicates: 0, rejected: [] });
  const reply = await cash.asked(/Elena Petrova|elena\.petrova|museum shop/i);
  assert.deepEqual([reply.kind, reply.bound?.['action'], reply.control?.map(({ kind, value }) => [kind, value])], ['approval', 'mail.send', [['recipient', customer]]]);
  await yes(reply);
  await company.until('the answer to the inquiry', 30_000, async () => smtp.mails.length === 1);
  assert.deepEqual(smtp.mails[0]!.to, [customer]);

  await cash.run('museum-1', { paymentLink: true });
  const issue = await cash.asked(/^Invoice to Elena Petrova/);
  assert.equal(issue.does, `Issue an invoice over 1,190.00 EUR to Elena Petrova <${customer}>`);
  for (const words of ['Branding, first part', '1,190.00 EUR', 'Museum Square 3', 'Studio Voss', 'GB33 BUKB']) assert.ok(issue.preview?.includes(words), words);
  assert.deepEqual(issue.money, { ...amount, payee: customer, moves: false });
  assert.deepEqual([issue.reversible, issue.policy?.rule, Date.parse(issue.expiresAt!) - Date.parse(issue.createdAt)], [false, 'keelson.tainted', 3_600_000]);
  assert.deepEqual(issue.control, [{ kind: 'amount', field: 'lines', value: amount, vouchedBy: null }, { kind: 'payee', field: 'customer.email', value: customer, vouchedBy: null }], 'nobody vouches for an amount that was not issued');
  assert.deepEqual(issue.reasons.filter((reason) => reason.includes('nobody the company trusts')).length, 2);
  const shown = (await company.cli('inbox', issue.id)).stdout;
  for (const line of [`What happens: ${issue.does}`, /^ {2}│ Total: 1,190\.00 EUR$/m, /^money: 1,190\.00 EUR · payee elena\.petrova@example\.org · nothing is moved/m, /^lines +amount +1,190\.00 EUR +NOBODY$/m, / · cannot be undone · .* · expires 20/, `hash ${issue.payloadHash}`]) assert.match(shown, typeof line === 'string' ? new RegExp(line.replace(/[.*+?^${}()|[\]\\<>]/g, '\\$&')) : line);
  await yes(issue);

  const link = await cash.asked(/^A page to pay the invoice/);
  assert.deepEqual([link.does, link.money], [`Make a payment page over 1190.00 EUR for ${customer} (${number})`, { ...amount, payee: customer, moves: false }]);
  const vouched = Object.fromEntries(link.control!.map(({ kind, vouchedBy }) => [kind, vouchedBy]));
  assert.equal(vouched['account'], 'named in connectors/payments.json');
  for (const kind of ['amount', 'payee']) {
    const [, fact] = byFact.exec(vouched[kind] ?? '') ?? [];
    assert.ok(fact, `${kind}: ${vouched[kind]}`);
    assert.equal((await company.json<{ entity: string }>('get', 'fact', fact)).entity, `asset/invoice-${number}`);
  }
  assert.match((await company.cli('inbox', link.id)).stdout, /^amountMinor +amount +1,190\.00 EUR +fact f-\d+-\d+: invoice\.issued, system$/m);
  await yes(link);

  const mail = await cash.asked(/^Mail the invoice 2026-0001/);
  assert.deepEqual([mail.does, mail.enclosures?.map(({ artifact, name }) => [artifact, name])], [`Send “Invoice ${number}” to ${customer}`, [[`invoice/${number}`, `${number}.pdf`]]]);
  assert.deepEqual(mail.bound?.['enclosures'], mail.enclosures?.map(({ hash }) => hash));
  assert.ok(mail.preview?.includes('https://buy.stripe.example/1'), mail.preview);
  await yes(mail);
  await cash.untilState(number, 'sent');

  const [, arrived] = smtp.mails;
  assert.deepEqual(arrived!.to, [customer]);
  const read = await simpleParser(arrived!.raw);
  assert.match(read.text ?? '', /https:\/\/buy\.stripe\.example\/1/);
  const pdf = pdfOf(read);
  for (const words of [number, '1,190.00 EUR', 'Elena Petrova', 'Branding, first part']) assert.ok(pdf.includes(words), `${words} in ${pdf}`);

  const paid = { ...cash.pay(), receipt_email: customer };
  const told = stripe.event('payment_intent.succeeded', paid, { id: 'evt_paid' });
  assert.deepEqual((await cash.deliver(stripe.event('payment_intent.succeeded', paid, { id: 'evt_forged', secret: 'whsec_other' }))).status, 401);
  const heard = await Promise.all([cash.deliver(told), cash.deliver(told), cash.deliver(told)]);
  assert.deepEqual(heard.map(({ status, outcome }) => `${status} ${outcome}`).toSorted(), ['200 duplicate', '200 duplicate', '200 recorded']);
  assert.deepEqual(await cash.deliver(stripe.event('payment_intent.succeeded', paid, { id: 'evt_again' })), { status: 200, outcome: 'duplicate' }, 'another event about the same payment');
  await cash.untilState(number, 'paid');
  await cash.api().quiet();
  await assertBookedOnce(cash, 'invoice/museum-1');
  assert.deepEqual([smtp.mails.length, await cash.rows('inbox')], [2, []]);

  const booked = (await cash.states(number)).at(-1)!;
  const why = await company.json<Why>('why', 'fact', booked.id);
  const decided = why.chain.flatMap(({ actor, decisions }) => decisions.map(({ what, outcome }) => `${actor.split('/')[0]}: ${what} ${outcome}`));
  assert.ok(decided.includes('invoice: invoice booked') && decided.includes('invoice: invoice paid'), decided.join(', '));
  assert.ok(why.chain.some(({ actor, id }) => actor === 'connector/payments' && id === 'stripe:received:pi_1'), JSON.stringify(why.chain.map(({ id }) => id)));
  assert.ok(why.raw.some(({ artifact, name }) => artifact === 'stripe/evt_paid' && name === 'evt_paid.json'), JSON.stringify(why.raw));
  const kept = await cash.api().query<{ base64: string }>('document', { id: 'stripe/evt_paid' });
  assert.deepEqual(Buffer.from(kept.base64, 'base64'), Buffer.from(told.body));

  assert.equal(await company.down(), 0);
  assert.equal((await company.json<{ ok: boolean }>('audit', 'verify')).ok, true);
  assert.ok((await assertIntact(company)) > 5);

  assert.equal((await company.cli('erase', customer)).code, 0);
  assert.ok(!readFileSync(join(company.dataDir, 'keelson.db')).includes(customer), 'the event of the provider names the customer too');
  assert.equal((await company.json<{ ok: boolean }>('audit', 'verify')).ok, true);
});

for (let round = 0; round < rounds; round++) {
  test(`killed before, in and after each yes, the invoice is issued, gets its page and is mailed once; a mail whose answer was lost is asked about (seed ${seed + round})`, { skip: restsToday(0), timeout: 170_000 }, async (t) => {
    const cash = await startCash(t);
    const { company, smtp } = cash;
    const { kill, killSoon, killAndStart, count } = killer(cash, seeded(seed + round));
    await cash.up();
    await cash.run('killed-1', { paymentLink: true });
    await killAndStart();

    let heard = 0;
    for (const summary of [/^Invoice to/, /^A page to pay/]) {
      const asked = await cash.asked(summary);
      await killAndStart();
      assert.equal((await cash.asked(summary)).payloadHash, asked.payloadHash, 'it is the same question after the restart');
      // The yes is on its way when the server dies, and is said again, as a program does that heard nothing: it counts once.
      const yes = () => cash.approve(asked, `yes-${asked.id}`);
      const [wasHeard] = await Promise.all([yes().then(() => true, () => false), killSoon(80)]);
      heard += Number(wasHeard);
      await cash.up();
      await yes();
      await killAndStart();
    }

    const mail = await cash.asked(/^Mail the invoice/);
    await killAndStart();
    // The mail has arrived and nobody has heard of it when the server dies: whether it left, only the operator can say.
    smtp.behave('hang');
    await cash.approve(mail);
    await company.until('the mail at the server', 30_000, async () => smtp.mails.length === 1);
    await kill();
    smtp.behave('accept');
    await cash.up();
    await cash.asked(/^Did this leave\?/);
    await cash.api().quiet();
    assert.equal(smtp.mails.length, 1, 'it is not sent again by itself');
    await company.json('ops', 'reconcile', 'killed-1-mail', '--done', '--note', 'it is in the folder Sent');
    await killAndStart();
    await cash.untilState(number, 'sent');

    assert.equal((await cash.deliver(cash.stripe.event('payment_intent.succeeded', cash.pay(), { id: 'evt_paid' }))).outcome, 'recorded');
    await cash.untilState(number, 'paid');
    await cash.api().quiet();
    await assertBookedOnce(cash, 'invoice/killed-1');
    assert.deepEqual([smtp.mails.length, await cash.rows('inbox')], [1, []]);
    await company.down();
    await assertIntact(company);
    t.diagnostic(`killed ${count()} times, ${heard} of 2 yeses were heard by the server that died`);
  });

  test(`killed before, in and after a payment that is told again until it is answered, and then again, it is booked once (seed ${seed + round})`, { skip: restsToday(1), timeout: 170_000 }, async (t) => {
    const cash = await startCash(t);
    const { company } = cash;
    const { kill, killSoon, killAndStart, count } = killer(cash, seeded(seed + round));
    await cash.up();
    await cash.run('paid-1');
    for (const summary of [/^Invoice to/, /^Mail the invoice/]) await cash.approve(await cash.asked(summary));
    await cash.untilState(number, 'sent');

    const told = cash.stripe.event('payment_intent.succeeded', cash.pay(number), { id: 'evt_paid' });
    await kill();
    await assert.rejects(cash.deliver(told), 'nobody hears it');
    await cash.up();
    const [first] = await Promise.all([cash.deliver(told).catch(() => null), killSoon(60)]);
    await cash.up();
    const second = await cash.deliver(told);
    assert.deepEqual([second.status, first?.status === 200 ? second.outcome : 'duplicate'], [200, 'duplicate'], 'what was answered is kept');
    await killAndStart();
    assert.deepEqual(await cash.deliver(told), { status: 200, outcome: 'duplicate' });
    await cash.untilState(number, 'paid');
    await killAndStart();
    assert.deepEqual(await cash.deliver(told), { status: 200, outcome: 'duplicate' });
    await cash.api().quiet();
    await assertBookedOnce(cash, 'invoice/paid-1', { pages: 0 });
    assert.deepEqual([cash.smtp.mails.length, await cash.rows('inbox')], [1, []]);
    await company.down();
    await assertIntact(company);
    t.diagnostic(`killed ${count()} times; the first answer was ${first?.outcome ?? 'lost'}`);
  });
}

test('an invoice that nobody pays is reminded of with its PDF once you say yes; money that comes after the last reminder closes your task and books it', { skip, timeout: 170_000 }, async (t) => {
  const cash = await startCash(t);
  const { company, smtp, stripe } = cash;
  let laterMs = 0;
  /** The server is off until the invoice's own deadline has passed. */
  const untilDue = async () => {
    const due = await company.json<{ actor: string; at: string }[]>('due');
    const at = due.filter(({ actor }) => actor === 'invoice/late-1').map((one) => Date.parse(one.at)).toSorted((a, b) => a - b)[0]!;
    assert.ok(at > Date.now() + laterMs, `${new Date(at).toISOString()} lies ahead`);
    assert.equal(await company.down(), 0);
    laterMs = at - Date.now() + 60_000;
    await cash.up(laterMs);
    return at;
  };
  const startedMs = Date.now();
  await cash.up();
  await cash.run('late-1', { paymentLink: true, reminderDays: [1], order: { dueDays: 0 } });
  for (const summary of [/^Invoice to/, /^A page to pay/, /^Mail the invoice/]) await cash.approve(await cash.asked(summary));
  await cash.untilState(number, 'sent');

  const overdueMs = await untilDue();
  assert.ok(overdueMs - startedMs > 86_400_000 && overdueMs - startedMs <= 2 * 86_400_000 + 60_000, 'one day after the end of the day on which it was due');
  const reminder = await cash.asked(/^Remind Elena Petrova of the invoice 2026-0001/);
  assert.equal(smtp.mails.length, 1, 'nothing leaves before the yes');
  assert.deepEqual([reminder.does, reminder.bound?.['action']], [`Send “Reminder: invoice ${number}” to ${customer}`, 'mail.send']);
  await cash.approve(reminder);
  await cash.untilState(number, 'reminded');
  const read = await simpleParser(smtp.mails[1]!.raw);
  assert.match(read.text ?? '', /1,190\.00 EUR are still open[\s\S]*https:\/\/buy\.stripe\.example\/1/);
  assert.ok(pdfOf(read).includes(number));

  await untilDue();
  const task = await cash.asked(/is not paid: 1,190\.00 EUR open after 1 reminders/);
  assert.equal(task.kind, 'task');
  const nowMs = Date.now() + laterMs;
  assert.equal((await cash.deliver(stripe.event('payment_intent.succeeded', cash.pay(), { id: 'evt_paid', createdMs: nowMs, signedAtMs: nowMs }))).outcome, 'recorded');
  await cash.untilState(number, 'paid');
  await cash.api().quiet();
  await assertBookedOnce(cash, 'invoice/late-1');
  assert.deepEqual([smtp.mails.length, await cash.rows('inbox'), (await cash.api().query<{ state: string }>('intent', { id: task.id })).state], [2, [], 'canceled']);
  assert.equal(await company.down(), 0);
  assert.equal((await company.json<{ ok: boolean }>('audit', 'verify')).ok, true);
  await assertIntact(company);
});

test('money that came over the bank is booked by hand: a part and the rest, each once', { timeout: 170_000 }, async (t) => {
  const cash = await startCash(t);
  const { company } = cash;
  await cash.up();
  await cash.run('bank-1');
  for (const summary of [/^Invoice to/, /^Mail the invoice/]) await cash.approve(await cash.asked(summary));
  await cash.untilState(number, 'sent');
  const send = (id: string, amountMinor: number) => company.json('send', 'invoice/bank-1', 'PAID', JSON.stringify({ payment: { id, amountMinor, currency: 'EUR' } }));
  await send('bank-7', 19_000);
  await send('bank-7', 19_000);
  await cash.untilState(number, 'partly-paid');
  await send('bank-8', 100_000);
  await cash.untilState(number, 'paid');
  const { paidMinor, payments } = (await cash.states(number)).at(-1)!.value as InvoiceState;
  assert.deepEqual([paidMinor, payments], [totalMinor, ['bank-7', 'bank-8']]);
  assert.deepEqual((await cash.rows('decisions', { what: 'invoice' })).map(({ outcome }) => outcome).toSorted(), ['booked', 'known', 'paid', 'partly-paid']);
});
