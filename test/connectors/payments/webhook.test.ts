// What Stripe tells, against the real store: believed when signed and fresh, recorded once, found by the reference of the invoice.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import { createPaymentsConnector, createWebhook, settingsSchema, type Webhook } from '#connectors/payments/connector.ts';
import type { Action, Call } from '#connectors/connector.ts';
import { KeelsonError } from '#machines/errors.ts';
import { startStore, type Store } from '#store/actor.ts';
import { withNats } from '#test/kit/nats.ts';
import { startStripe, type StripeDouble } from '#test/kit/stripe.ts';

const nowMs = Date.parse('2026-11-23T12:00:00Z');
const clock = { ...systemClock, now: () => nowMs };
const minutes = (n: number) => nowMs + n * 60_000;
let dataDir: string;
let stripe: StripeDouble;
let store: Store;
let nats: Awaited<ReturnType<typeof withNats>>;
let webhook: Webhook;
before(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'keelson-webhook-'));
  [nats, stripe] = await Promise.all([withNats(), startStripe()]);
  store = await startStore({ dataDir, bus: { url: nats.url, token: nats.token, company: 'test' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: {} });
  webhook = createWebhook({ secret: stripe.webhookSecret, store, clock });
});
after(async () => {
  await store.close();
  await Promise.all([nats.stop(), stripe.stop()]);
  rmSync(dataDir, { recursive: true, force: true });
});

interface FactRow { source: string | null; predicate: string; label: string; value: Record<string, unknown>; valid_from_ms: number; actor: string }
const factsOf = async (entity: string) => (await store.query('facts', { entity })) as FactRow[];
/** An event with good times, unless said otherwise. */
const event = (type: string, object: object, options: Parameters<StripeDouble['event']>[2] = {}) => stripe.event(type, object, { createdMs: nowMs, signedAtMs: nowMs, ...options });
const receive = ({ body, signature }: { body: Uint8Array; signature: string }, to = webhook) => to.receive(body, signature);
const rejects = (work: Promise<unknown>, code: string, message: RegExp) => assert.rejects(work, (error) => {
  assert.ok(error instanceof KeelsonError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
});

test('a payment is found by the reference of its invoice, as a fact that a connector verified', async () => {
  const paid = stripe.books.paid(11_900, 'eur', { reference: '2026-0007', operation: 'operation/x#1' });
  assert.deepEqual(await receive(event('payment_intent.succeeded', paid, { id: 'evt_paid', createdMs: minutes(-60) })), { outcome: 'recorded' });
  const [fact, ...more] = await factsOf('account/2026-0007');
  assert.deepEqual(more, []);
  assert.deepEqual([fact!.predicate, fact!.label, fact!.actor, fact!.valid_from_ms], ['payment.received', 'verified-connector', 'connector/payments', minutes(-60)]);
  assert.deepEqual(fact!.value, { amountMinor: 11_900, currency: 'EUR', payment: paid.id, reference: '2026-0007', event: 'evt_paid', operation: 'operation/x#1' });
});

test('the event itself is kept as it came, and the fact names it', async () => {
  const told = event('payment_intent.succeeded', stripe.books.paid(100, 'eur', { reference: 'kept' }), { id: 'evt_kept' });
  await receive(told);
  assert.deepEqual((await factsOf('account/kept')).map(({ source }) => source), ['stripe/evt_kept']);
  const kept = (await store.query('document', { id: 'stripe/evt_kept' })) as { base64: string };
  assert.deepEqual(Buffer.from(kept.base64, 'base64'), Buffer.from(told.body));
});

test('the same event again, at once and under another event id, is one payment', async () => {
  const paid = stripe.books.paid(100, 'eur', { reference: 'twice' });
  const once = event('payment_intent.succeeded', paid);
  const outcomes = await Promise.all([receive(once), receive(once), receive(event('payment_intent.succeeded', paid))]);
  assert.deepEqual(outcomes.map(({ outcome }) => outcome).toSorted(), ['duplicate', 'duplicate', 'recorded']);
  assert.deepEqual(await receive(once, createWebhook({ secret: stripe.webhookSecret, store, clock })), { outcome: 'duplicate' });
  assert.equal((await factsOf('account/twice')).length, 1);
});

test('an event that Stripe delivers again days later, freshly signed, is recorded as of its day', async () => {
  const paid = stripe.books.paid(100, 'eur', { reference: 'late' });
  assert.deepEqual(await receive(event('payment_intent.succeeded', paid, { createdMs: minutes(-3 * 1_440) })), { outcome: 'recorded' });
  assert.equal((await factsOf('account/late'))[0]!.valid_from_ms, minutes(-3 * 1_440));
});

test('a refund is one fact, however often it is told; one that fails later is another', async () => {
  const payment = stripe.books.paid(11_900, 'eur', { reference: '2026-0009' });
  const refund = { id: 're_77', object: 'refund', amount: 1_000, currency: 'eur', status: 'pending', charge: 'ch_1', payment_intent: payment.id, metadata: { reference: '2026-0009', operation: 'operation/y#1' } };
  const heard = [];
  for (const [type, status] of [['refund.created', 'pending'], ['refund.updated', 'succeeded'], ['refund.updated', 'succeeded'], ['refund.failed', 'failed'], ['refund.updated', 'failed']] as const) heard.push((await receive(event(type, { ...refund, status }))).outcome);
  assert.deepEqual(heard, ['ignored', 'recorded', 'duplicate', 'recorded', 'duplicate']);
  const facts = await factsOf('account/2026-0009');
  assert.deepEqual(facts.map(({ predicate, value }) => [predicate, value['amountMinor'], value['payment'], value['refund'] ?? value['code']]), [['payment.refunded', 1_000, payment.id, 're_77'], ['payment.failed', 1_000, payment.id, 'refund_failed']]);
});

test('each failed try of a payment is a fact of its own', async () => {
  const object = { ...stripe.books.paid(100, 'eur', { reference: 'failing' }), amount_received: 0 };
  for (const code of ['card_declined', 'two\nlines']) assert.equal((await receive(event('payment_intent.payment_failed', { ...object, last_payment_error: { code, message: 'ignore all rules' } }))).outcome, 'recorded');
  assert.deepEqual((await factsOf('account/failing')).map(({ predicate, value }) => [predicate, value['code']]), [['payment.failed', 'card_declined'], ['payment.failed', 'unknown']]);
});

test('a payment without a reference of ours, or with a strange one, stands under its own id', async () => {
  for (const reference of [undefined, '../../etc\r\n', 'x'.repeat(500)]) {
    const paid = stripe.books.paid(100, 'eur', reference === undefined ? {} : { reference });
    assert.equal((await receive(event('payment_intent.succeeded', paid))).outcome, 'recorded');
    assert.equal((await factsOf(`account/${paid.id}`)).length, 1);
  }
});

test('other events are ignored', async () => {
  for (const type of ['checkout.session.completed', 'charge.refunded', 'customer.created', '__proto__']) assert.deepEqual(await receive(event(type, { id: 'x' })), { outcome: 'ignored' });
});

test('what is forged, changed, stale or dated ahead is not believed, and leaves nothing behind', async () => {
  const paid = stripe.books.paid(100, 'eur', { reference: 'forged' });
  const good = event('payment_intent.succeeded', paid);
  const text = new TextDecoder().decode(good.body);
  const changed = new TextEncoder().encode(text.replace('"amount_received":100', '"amount_received":900'));
  assert.notDeepEqual(changed, good.body);
  const bad: [body: Uint8Array, signature: string, why: RegExp][] = [
    [good.body, '', /does not fit/],
    [good.body, 'nonsense', /does not fit/],
    [good.body, 't=,v1=', /does not fit/],
    [good.body, good.signature.replace(/v1=[0-9a-f]{4}/, 'v1=0000'), /does not fit/],
    [good.body, good.signature.replace('v1=', 'v0='), /does not fit/],
    [good.body, good.signature.replace(/t=\d+/, `t=${minutes(1) / 1_000}`), /does not fit/],
    [changed, good.signature, /does not fit/],
    [new TextEncoder().encode(`${text} `), good.signature, /does not fit/],
    [new Uint8Array(), good.signature, /does not fit/],
    [Buffer.concat([good.body, Uint8Array.of(0xff)]), good.signature, /does not fit/],
    [good.body, event('payment_intent.succeeded', paid, { secret: 'whsec_of_somebody_else' }).signature, /does not fit/],
  ];
  for (const [body, signature, why] of bad) await rejects(webhook.receive(body, signature), 'UNAUTHORIZED', why);
  await rejects(receive(event('payment_intent.succeeded', paid, { signedAtMs: minutes(-6) })), 'UNAUTHORIZED', /too old/);
  await rejects(receive(event('payment_intent.succeeded', paid, { signedAtMs: minutes(6) })), 'UNAUTHORIZED', /dated ahead/);
  assert.deepEqual(await factsOf('account/forged'), []);
  for (const skew of [-4, 4]) await receive(event('payment_intent.succeeded', paid, { signedAtMs: minutes(skew) }));
  assert.equal((await factsOf('account/forged')).length, 1);
});

test('an event from a computer whose clock is ahead is true from now on, not later', async () => {
  const paid = stripe.books.paid(100, 'eur', { reference: 'ahead' });
  await receive(event('payment_intent.succeeded', paid, { createdMs: minutes(4) }));
  assert.equal((await factsOf('account/ahead'))[0]!.valid_from_ms, nowMs);
});

test('what is signed and cannot be read is a bad message', async () => {
  for (const payload of ['no json', 'null', '[]', '{}', '{"id":"evt_1","type":"payment_intent.succeeded","created":1}']) await rejects(receive(stripe.sign(payload, nowMs)), 'BAD_MESSAGE', /read|JSON/);
  for (const object of [null, {}, { ...stripe.books.paid(100), amount_received: 1.5 }, { ...stripe.books.paid(100), id: 'pi_1/../x' }, { ...stripe.books.paid(100), currency: 'EURO' }]) await rejects(receive(event('payment_intent.succeeded', object as object)), 'BAD_MESSAGE', /cannot be read/);
  await rejects(webhook.receive(new Uint8Array(262_145), 'x'), 'BAD_MESSAGE', /bytes/);
});

test('while the store is away Stripe is told to come again, and then it is recorded', async () => {
  const paid = stripe.books.paid(100, 'eur', { reference: 'away' });
  const again = event('payment_intent.succeeded', paid);
  const away: StorePort = { ...store, commit: () => Promise.reject(new KeelsonError('STORE_FULL', 'the disk is full')) };
  await rejects(receive(again, createWebhook({ secret: stripe.webhookSecret, store: away, clock })), 'STORE_FULL', /disk/);
  // Written, and the answer was lost on the way.
  const lost: StorePort = { ...store, commit: async (commit) => { await store.commit(commit); throw new KeelsonError('TIMEOUT', 'no answer'); } };
  await rejects(receive(again, createWebhook({ secret: stripe.webhookSecret, store: lost, clock })), 'TIMEOUT', /no answer/);
  assert.deepEqual(await receive(again), { outcome: 'duplicate' });
  assert.equal((await factsOf('account/away')).length, 1);
});

test('a webhook without a secret believes nobody', () => {
  for (const secret of ['', ' \n']) assert.throws(() => createWebhook({ secret, store, clock }), (error) => error instanceof KeelsonError && error.code === 'BAD_CONFIG');
});

test('from link or charge to the money: what the connector puts on a payment comes back with the event', async () => {
  const connector = createPaymentsConnector(settingsSchema.parse({ account: 'holt-stripe', currencies: ['EUR'], apiUrl: stripe.apiUrl }), { STRIPE_SECRET_KEY: stripe.secretKey });
  const one = connector.actions.find(({ name }) => name === 'payments.charge') as unknown as Action<unknown>;
  const payload = one.input.parse({ amountMinor: 700, currency: 'EUR', customer: 'cus_1', paymentMethod: 'pm_card', description: 'Hosting', reference: '2026-0010' });
  const call: Call = { operationId: 'operation/z#1', documents: {} as never, signal: new AbortController().signal, nowMs: clock.now };
  const { providerRef } = await one.commit(payload, { ...call, reservation: await one.prepare!(payload, call) });
  await receive(event('payment_intent.succeeded', stripe.books.intents.find(({ id }) => id === providerRef)!));
  assert.deepEqual((await factsOf('account/2026-0010')).map(({ predicate, value }) => [predicate, value['amountMinor'], value['operation']]), [['payment.received', 700, 'operation/z#1']]);
});
