// The payments connector against the stand-in for Stripe: what is done, once, and what each bad reply is called.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Action, Call } from '#connectors/connector.ts';
import { createPaymentsConnector, settingsSchema } from '#connectors/payments/connector.ts';
import type { Found, Performed, Reservation } from '#machines/effects.ts';
import { KeelsonError, type Code } from '#machines/errors.ts';
import { connectorContract } from '#test/contract/connector.ts';
import { startStripe, type Canned, type StripeDouble, type StripeMode } from '#test/kit/stripe.ts';

const secretKey = 'sk_test_canary_51f0c2b7d9e84';
let stripe: StripeDouble;
let made = 0;
let operationId = '';
before(async () => void (stripe = await startStripe({ secretKey })));
after(() => stripe.stop());
beforeEach(() => {
  stripe.mode('normal');
  operationId = `operation/mail-7/pay#${++made}`;
});

const connectorAt = (apiUrl: string, more: object = {}, key = secretKey) => createPaymentsConnector(settingsSchema.parse({ account: 'holt-stripe', currencies: ['EUR', 'JPY', 'KWD'], apiUrl, ...more }), { STRIPE_SECRET_KEY: key });
const find = (name: string, connector = connectorAt(stripe.apiUrl)) => connector.actions.find((one) => one.name === name) as unknown as Action<unknown>;
const call = (signal = new AbortController().signal): Call => ({ operationId, documents: {} as never, signal, nowMs: Date.now });
const failsWith = (code: Code, message = /./) => (error: unknown) => {
  assert.ok(error instanceof KeelsonError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};
const mine = () => stripe.executed.filter(({ operation }) => operation === operationId);

const link = { amountMinor: 11_900, currency: 'EUR', payer: 'nina@holt.example', description: 'Website, second part', reference: '2026-0007' };
const charge = { amountMinor: 5_000, currency: 'EUR', customer: 'cus_nina', paymentMethod: 'pm_card', description: 'Hosting', reference: '2026-0008' };
const refundOf = (payment: string) => ({ payment, amountMinor: 1_000, currency: 'EUR', reason: 'duplicate', reference: '2026-0007' });

interface Try { payload: unknown; reservation: Reservation | null; commit(signal?: AbortSignal): Promise<Performed>; lookup(): Promise<Found> }
/** Everything up to the write that matters. */
async function begin(name: string, connector = connectorAt(stripe.apiUrl)): Promise<Try> {
  const one = find(name, connector);
  const payload = one.input.parse(name === 'payments.link' ? link : name === 'payments.charge' ? charge : refundOf(stripe.books.paid(11_900).id));
  const reservation = (await one.prepare?.(payload, call())) ?? null;
  return { payload, reservation, commit: (signal) => one.commit(payload, { ...call(signal), reservation }), lookup: () => one.lookup!(payload, { ...call(), reservation }) };
}
const names = ['payments.link', 'payments.charge', 'payments.refund'];

test('the payments connector keeps the contract', (t) => {
  const wrong = [{ amountMinor: 0 }, { amountMinor: 1.5 }, { amountMinor: -100 }, { amountMinor: '100' }, { amountMinor: 100_000_000 }, { currency: 'eur' }, { currency: 'USD' }, { currency: 'ISK' }, { reference: '../etc' }, { reference: 'a\r\nb' }, { extra: 1 }];
  const badOf = (good: object, more: object[]) => [...wrong, ...more].map((fields) => ({ ...good, ...fields }));
  return connectorContract(t, {
    connector: connectorAt(stripe.apiUrl),
    good: { 'payments.link': link, 'payments.charge': charge, 'payments.refund': () => refundOf(stripe.books.paid(11_900).id) },
    bad: {
      'payments.link': badOf(link, [{ payer: 'nina' }, { payer: 'nina@holt.example, eve@evil.example' }, { description: 'a\nb' }, { description: 'abc\u202edef' }, { currency: 'KWD', amountMinor: 1_001 }]),
      'payments.charge': badOf(charge, [{ customer: 'nina' }, { customer: 'cus_x/../../refunds' }, { paymentMethod: 'tok_1' }]),
      'payments.refund': badOf(refundOf('pi_1'), [{ payment: 're_1' }, { payment: 'pi_1/capture' }, { reason: 'because' }]),
    },
    secrets: { STRIPE_SECRET_KEY: secretKey },
    provider: { executed: () => stripe.executed.length, loseNextReply: () => stripe.mode('execute-then-drop', { times: 1 }), silence: () => stripe.silence() },
  });
});

test('a link asks for the approved amount, once, and leads the payer there', async () => {
  const { commit } = await begin('payments.link');
  const { result, facts, providerRef } = await commit();
  assert.deepEqual(mine().map(({ what, amount, currency }) => [what, amount, currency]), [['link', 11_900, 'eur']]);
  assert.deepEqual(result, { url: `https://buy.stripe.example/${providerRef.slice('plink_'.length)}?prefilled_email=nina%40holt.example`, link: providerRef });
  assert.equal(facts[0]?.entity, 'account/2026-0007');
  assert.deepEqual(stripe.books.links.at(-1)?.metadata, { operation: operationId, reference: '2026-0007', asks: '119.00 EUR' });
});

test('a charge is held until the time that the bank names, captured once, and every request carries the operation id', async () => {
  const { reservation, commit } = await begin('payments.charge');
  const held = stripe.books.intents.at(-1)!;
  assert.equal(reservation!.expiresAtMs, (held.created + 5 * 86_400) * 1_000);
  assert.equal(held.status, 'requires_capture');
  assert.equal((await commit()).providerRef, held.id);
  assert.equal((await commit()).providerRef, held.id);
  assert.deepEqual(mine().map(({ what, amount, key }) => [what, amount, key]), [['capture', 5_000, operationId]]);
  assert.ok(stripe.requests.some(({ key }) => key === `${operationId}:prepare`));
});

test('what was let go cannot be captured any more, and what was captured is not let go', async () => {
  const one = find('payments.charge');
  const { payload, reservation, commit, lookup } = await begin('payments.charge');
  await one.abort!(payload, { ...call(), reservation: reservation! });
  await assert.rejects(commit(), failsWith('SEND_REFUSED', /held no more/));
  assert.equal((await lookup()).found, 'absent');
  operationId = `operation/mail-7/pay#${++made}`;
  const second = await begin('payments.charge');
  await second.commit();
  await one.abort!(second.payload, { ...call(), reservation: second.reservation! });
  assert.equal((await second.lookup()).found, 'done');
});

test('a declined card and one that needs its owner hold nothing, also when asked again', async () => {
  const one = find('payments.charge');
  for (const [paymentMethod, why] of [['pm_declined', /declined/], ['pm_confirm', /authentication/]] as const) {
    operationId = `operation/mail-7/pay#${++made}`;
    const payload = one.input.parse({ ...charge, paymentMethod });
    await assert.rejects(one.prepare!(payload, call()), failsWith('SEND_REFUSED', why));
    await assert.rejects(one.prepare!(payload, call()), failsWith('SEND_REFUSED', /not held/));
  }
});

test('a hold whose reply was lost is found, and not made a second time', async () => {
  const one = find('payments.charge');
  const payload = one.input.parse(charge);
  const intents = stripe.books.intents.length;
  for (const mode of ['execute-then-drop', 'execute-then-500'] as StripeMode[]) {
    stripe.mode(mode, { times: 1 });
    await assert.rejects(one.prepare!(payload, call()), failsWith('SEND_UNKNOWN'));
    assert.equal((await one.prepare!(payload, call())).ref, stripe.books.intents.at(-1)!.id);
    operationId = `operation/mail-7/pay#${++made}`;
  }
  assert.equal(stripe.books.intents.length - intents, 2);
});

test('money that is held for another operation, or another amount, is not captured', async () => {
  const { reservation } = await begin('payments.charge');
  const one = find('payments.charge');
  await assert.rejects(one.commit(one.input.parse({ ...charge, amountMinor: 4_999 }), { ...call(), reservation }), failsWith('REFUSED', /50\.00 EUR/));
  operationId = `operation/mail-7/pay#${++made}`;
  await assert.rejects(one.commit(one.input.parse(charge), { ...call(), reservation }), failsWith('REFUSED', /another operation/));
  await assert.rejects(one.commit(one.input.parse(charge), { ...call(), reservation: null }), failsWith('REFUSED', /no money is held/));
});

test('a refund is refused when the payment was made in another currency, or is gone already', async () => {
  const one = find('payments.refund');
  const dollars = stripe.books.paid(5_000, 'usd').id;
  await assert.rejects(one.commit(one.input.parse(refundOf(dollars)), { ...call(), reservation: null }), failsWith('REFUSED', /USD/));
  const small = stripe.books.paid(500).id;
  await assert.rejects(one.commit(one.input.parse(refundOf(small)), { ...call(), reservation: null }), failsWith('SEND_REFUSED', /greater than/));
  await assert.rejects(one.commit(one.input.parse(refundOf('pi_nobody')), { ...call(), reservation: null }), failsWith('SEND_REFUSED', /No such/));
  assert.deepEqual(mine(), []);
});

// Six ways in which a provider can be, and what the second try under the same operation id may do.
for (const name of names) for (const mode of ['execute-then-drop', 'execute-then-500', 'slow'] as StripeMode[]) for (const then of ['normal', 'key-expired', 'no-key'] as StripeMode[]) {
  test(`${name}: ${mode}, then ${then}: executed once and settled`, async () => {
    const { commit, lookup } = await begin(name, connectorAt(stripe.apiUrl, { timeoutMs: mode === 'slow' ? 300 : 10_000 }));
    stripe.mode(mode, { times: 1 });
    await assert.rejects(commit(), failsWith('SEND_UNKNOWN'));
    stripe.mode(then);
    assert.equal((await lookup()).found, 'done');
    const { providerRef } = await commit();
    const found = await lookup();
    assert.equal(found.found === 'done' && found.performed.providerRef, providerRef);
    assert.equal(mine().length, 1);
  });
}

test('an operation id that Stripe knows from another request is unknown, and never done a second time', async () => {
  const one = find('payments.refund');
  const { id } = stripe.books.paid(11_900);
  await one.commit(one.input.parse(refundOf(id)), { ...call(), reservation: null });
  const other = one.input.parse({ ...refundOf(id), amountMinor: 2_000 });
  await assert.rejects(one.commit(other, { ...call(), reservation: null }), failsWith('SEND_UNKNOWN', /another amount already/));
  assert.equal((await one.lookup!(other, { ...call(), reservation: null })).found, 'unclear');
  // Where the first is not found by its payment, the key still speaks.
  const elsewhere = one.input.parse(refundOf(stripe.books.paid(11_900).id));
  await assert.rejects(one.commit(elsewhere, { ...call(), reservation: null }), failsWith('SEND_UNKNOWN', /knows this operation id/));
  assert.equal(mine().length, 1);
});

test('an operation id that no header takes is sent as its hash', async () => {
  operationId = `operation/Žofie ${'x'.repeat(300)}\n`;
  const { commit, lookup } = await begin('payments.link');
  await commit();
  assert.equal((await lookup()).found, 'done');
  assert.match(stripe.executed.at(-1)!.key!, /^[0-9a-f]{64}$/);
});

const json = (body: object) => JSON.stringify(body);
async function* endless(): AsyncIterable<string> {
  for (let i = 0; i < 1_600; i++) yield 'x'.repeat(65_536);
}
const replies: [what: string, canned: Canned, code: Code, message: RegExp][] = [
  ['429 with a time', { status: 429, headers: { 'retry-after': '7' }, body: json({ error: { type: 'rate_limit_error', message: 'Too many requests' } }) }, 'SEND_DEFERRED', /Too many/],
  ['429 of somebody in between', { status: 429, headers: { 'retry-after': '7' }, body: '<h1>slow down</h1>' }, 'SEND_DEFERRED', /./],
  ['500', { status: 500, body: json({ error: { type: 'api_error', message: 'oops' } }) }, 'SEND_UNKNOWN', /500/],
  ['500 without an error in it', { status: 500, body: json({ id: 'plink_1', url: 'https://buy.stripe.example/1', metadata: {} }) }, 'SEND_UNKNOWN', /500/],
  ['503 of a proxy', { status: 503, body: 'unavailable' }, 'SEND_UNKNOWN', /503/],
  ['400 of a proxy', { status: 400, body: 'bad gateway, really' }, 'SEND_UNKNOWN', /400/],
  ['409', { status: 409, body: json({ error: { type: 'idempotency_error', message: 'in use' } }) }, 'SEND_UNKNOWN', /in use/],
  ['a key that was used for something else', { status: 400, body: json({ error: { type: 'idempotency_error', message: 'same parameters' } }) }, 'SEND_UNKNOWN', /same parameters/],
  ['400', { status: 400, body: json({ error: { type: 'invalid_request_error', message: 'no such\r\n\u001b[31mthing' } }) }, 'SEND_REFUSED', /no such \[31mthing/],
  ['403', { status: 403, body: json({ error: { type: 'invalid_request_error', message: 'may not' } }) }, 'SEND_DEFERRED', /may not/],
  ['its own secret', { status: 402, body: json({ error: { type: 'card_error', message: `the key ${secretKey} is bad` } }) }, 'SEND_REFUSED', /the key … is bad/],
  ['no JSON', { body: 'ok' }, 'SEND_UNKNOWN', /read/],
  ['nothing', { body: '' }, 'SEND_UNKNOWN', /read/],
  ['null', { body: 'null' }, 'SEND_UNKNOWN', /./],
  ['other JSON', { body: json({ hello: 1 }) }, 'SEND_UNKNOWN', /read/],
  ['a redirect', { status: 302, headers: { location: 'http://evil.example/' }, body: json({ id: 'plink_1', url: 'https://buy.stripe.example/1', metadata: {} }) }, 'SEND_UNKNOWN', /302/],
  ['100 MB', { body: endless }, 'SEND_UNKNOWN', /bytes/],
];
for (const [what, canned, code, message] of replies) test(`a write that is answered with ${what} is ${code}`, async () => {
  const { commit } = await begin('payments.link');
  stripe.answerNext(canned, 'POST');
  await assert.rejects(commit(), (error) => {
    failsWith(code, message)(error);
    assert.equal((error as KeelsonError).retryAfterMs, canned.status === 429 ? 7_000 : undefined);
    return true;
  });
});

test('a read that fails has changed nothing, so it is deferred', async () => {
  for (const canned of [{ status: 500, body: json({ error: { type: 'api_error', message: 'oops' } }) }, { body: 'ok' }, { body: endless }]) {
    const { commit, lookup } = await begin('payments.link');
    stripe.answerNext(canned, 'GET');
    await assert.rejects(commit(), failsWith('SEND_DEFERRED'));
    stripe.answerNext(canned, 'GET');
    await assert.rejects(lookup(), failsWith('SEND_DEFERRED'));
  }
  assert.deepEqual(mine(), []);
});

test('a capture that Stripe refuses because an earlier try was faster is done', async () => {
  const { commit, reservation } = await begin('payments.charge');
  const held = stripe.books.intents.find(({ id }) => id === reservation!.ref)!;
  const refusal = { status: 400, body: json({ error: { type: 'invalid_request_error', code: 'payment_intent_unexpected_state', message: 'has a status of succeeded' } }) };
  stripe.answerNext(refusal, 'POST');
  await assert.rejects(commit(), failsWith('SEND_REFUSED'));
  // The state changes between the look and the capture.
  stripe.answerNext({ body: json(held) }, 'GET');
  Object.assign(held, { status: 'succeeded', amount_received: held.amount });
  assert.equal((await commit()).providerRef, held.id);
});

test('no server, no TLS and a wrong key are told apart from a lost reply', async () => {
  const gone = await startStripe();
  await gone.stop();
  const payload = find('payments.link').input.parse(link);
  const commit = (connector: ReturnType<typeof connectorAt>) => find('payments.link', connector).commit(payload, { ...call(), reservation: null });
  await assert.rejects(commit(connectorAt(gone.apiUrl)), failsWith('SEND_DEFERRED', /ECONNREFUSED/));
  await assert.rejects(commit(connectorAt(stripe.apiUrl.replace('http:', 'https:'))), failsWith('SEND_DEFERRED'));
  await assert.rejects(commit(connectorAt(stripe.apiUrl, {}, 'sk_test_other')), failsWith('SEND_DEFERRED', /Invalid API Key/));
});

test('a call that is stopped while the write is under way is unknown', async () => {
  const { commit } = await begin('payments.refund');
  const silence = stripe.silence();
  const controller = new AbortController();
  const pending = commit(controller.signal);
  await Promise.race([silence.reached, pending]);
  controller.abort();
  await assert.rejects(pending, failsWith('SEND_UNKNOWN'));
  silence.end();
});

test('a key that was withdrawn meanwhile does not make an earlier try undone', async () => {
  const { commit } = await begin('payments.refund');
  await commit();
  const { params } = stripe.requests.findLast(({ method }) => method === 'POST')!;
  const payload = find('payments.refund').input.parse(refundOf(params['payment_intent']!));
  await assert.rejects(find('payments.refund', connectorAt(stripe.apiUrl, {}, 'sk_test_other')).commit(payload, { ...call(), reservation: null }), failsWith('SEND_DEFERRED'));
});

test('after a reset the library does not send the request again by itself', async () => {
  const { commit } = await begin('payments.link');
  stripe.mode('execute-then-drop');
  const posts = () => stripe.requests.filter(({ method }) => method === 'POST').length;
  const sent = posts();
  await assert.rejects(commit(), failsWith('SEND_UNKNOWN'));
  assert.equal(posts() - sent, 1);
});

test('lists are read page by page, and one that does not end is unclear', async () => {
  const { commit, lookup } = await begin('payments.link');
  await commit();
  const { operation } = mine()[0]!;
  const fill = (n: number) => stripe.books.links.push(...Array.from({ length: n }, (_, i) => ({ id: `plink_f${stripe.books.links.length + i}`, object: 'payment_link' as const, url: 'https://buy.stripe.example/f', active: true, metadata: {} })));
  fill(250);
  assert.equal((await lookup()).found, 'done');
  fill(1_000);
  assert.deepEqual([(await lookup()).found, operation], ['unclear', operationId]);
  stripe.books.links.length = 0;
  assert.equal((await lookup()).found, 'absent');
});

test('amounts are shown in the units of their currency', async () => {
  const one = find('payments.link');
  const shown = async (amountMinor: number, currency: string) => (await one.plan(one.input.parse({ ...link, amountMinor, currency }), call())).preview.split('\n')[0];
  assert.deepEqual([await shown(5, 'EUR'), await shown(500, 'JPY'), await shown(1_230, 'KWD')], ['0.05 EUR', '500 JPY', '1.230 KWD']);
});

test('settings name an account and currencies, and reach only https or this machine', () => {
  const good = { account: 'holt-stripe', currencies: ['EUR'] };
  assert.equal(settingsSchema.parse(good).apiUrl, 'https://api.stripe.com');
  for (const wrong of [{ ...good, apiUrl: 'http://api.stripe.com' }, { ...good, apiUrl: 'https://u:p@api.stripe.com' }, { ...good, apiUrl: 'https://api.stripe.com/v2' }, { ...good, currencies: [] }, { ...good, currencies: ['ISK'] }, { ...good, secretKey }, { currencies: ['EUR'] }]) {
    assert.equal(settingsSchema.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
  assert.throws(() => createPaymentsConnector(settingsSchema.parse(good), {}), failsWith('BAD_CONFIG', /STRIPE_SECRET_KEY/));
});
