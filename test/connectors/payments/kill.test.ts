// The process is killed while Stripe is being asked; another one goes on with the same operation id. Whether the request was executed
// before or not, and whatever Stripe remembers of the key: it is done once.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Action, Call } from '#connectors/connector.ts';
import { createPaymentsConnector, settingsSchema } from '#connectors/payments/connector.ts';
import { until } from '#test/contract/bus.ts';
import { todaysShare } from '#test/kit/todays-share.ts';
import { startStripe, type StripeDouble, type StripeMode } from '#test/kit/stripe.ts';
import type { RunnerInput } from './runner.ts';

let stripe: StripeDouble;
before(async () => void (stripe = await startStripe()));
after(() => stripe.stop());

async function killWhen(input: RunnerInput, reached: () => Promise<unknown>): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'runner.ts'), JSON.stringify(input)], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  await reached();
  child.kill('SIGKILL');
  assert.deepEqual(await exited, [null, 'SIGKILL'], 'it was killed on its way, not done');
}

const link = { amountMinor: 11_900, currency: 'EUR', payer: 'nina@holt.example', description: 'Website', reference: '2026-0007' };
const charge = { amountMinor: 5_000, currency: 'EUR', customer: 'cus_nina', paymentMethod: 'pm_card', description: 'Hosting', reference: '2026-0008' };
const payloadOf: Record<string, () => object> = { 'payments.link': () => link, 'payments.charge': () => charge, 'payments.refund': () => ({ payment: stripe.books.paid(11_900).id, amountMinor: 1_000, currency: 'EUR', reference: '2026-0007' }) };

const cases = Object.keys(payloadOf).flatMap((action) => ['before it looks', 'before it is executed', 'after it was executed'].flatMap((at) => (['normal', 'key-expired', 'no-key'] as StripeMode[]).map((later) => ({ action, at, later }))));
for (const { action, at, later } of todaysShare(cases, 4)) {
  test(`${action}: killed ${at}, then Stripe is ${later}`, async () => {
    const operationId = `operation/kill-${action}-${at.replaceAll(' ', '-')}#${later}`;
    const connector = createPaymentsConnector(settingsSchema.parse({ account: 'holt-stripe', currencies: ['EUR'], apiUrl: stripe.apiUrl }), { STRIPE_SECRET_KEY: stripe.secretKey });
    const one = connector.actions.find(({ name }) => name === action) as unknown as Action<unknown>;
    const call: Call = { operationId, documents: {} as never, signal: new AbortController().signal, nowMs: Date.now };
    const payload = one.input.parse(payloadOf[action]!());
    stripe.mode('normal');
    const reservation = (await one.prepare?.(payload, call)) ?? null;
    const input: RunnerInput = { apiUrl: stripe.apiUrl, secretKey: stripe.secretKey, action, operationId, payload, reservation };
    const mine = () => stripe.executed.filter(({ operation }) => operation === operationId).length;

    if (at === 'after it was executed') {
      stripe.mode('slow', { times: 1 });
      await killWhen(input, () => until('the execution', () => mine() === 1));
    } else {
      const silence = stripe.silence(at === 'before it looks' ? 'GET' : 'POST');
      await killWhen(input, () => silence.reached);
      silence.end();
    }

    stripe.mode(later);
    const found = await one.lookup!(payload, { ...call, reservation });
    assert.equal(found.found, at === 'after it was executed' ? 'done' : 'absent');
    const { providerRef } = await one.commit(payload, { ...call, reservation });
    if (found.found === 'done') assert.equal(providerRef, found.performed.providerRef);
    assert.equal(mine(), 1);
  });
}
