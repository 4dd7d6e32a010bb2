// Payments over Stripe: ask for money by a link, take it from a stored payment method in two phases, give it back. How each is done
// once stands in its own file; ask.ts says what a reply means; webhook.ts hears what became of the money.
import { KeelsonError } from '#machines/errors.ts';
import type { Connector } from '../connector.ts';
import { createAsk } from './ask.ts';
import { chargeAction } from './charge.ts';
import { linkAction } from './link.ts';
import { refundAction } from './refund.ts';
import type { PaymentsSettings } from './settings.ts';

export { settingsSchema, type PaymentsSettings } from './settings.ts';
export { createWebhook, type Webhook, type WebhookOptions } from './webhook.ts';

/** `secrets.STRIPE_SECRET_KEY`. The webhook has its own, which the connector never sees. */
export function createPaymentsConnector(settings: PaymentsSettings, secrets: Record<string, string>): Connector {
  const secretKey = secrets['STRIPE_SECRET_KEY'] ?? '';
  if (secretKey === '') throw new KeelsonError('BAD_CONFIG', 'connectors/payments.json is there, but no STRIPE_SECRET_KEY', { hint: 'Set STRIPE_SECRET_KEY, or remove the file.' });
  const ask = createAsk(settings, secretKey);
  const isTest = /^[rs]k_test_/.test(secretKey);
  return {
    name: 'payments',
    version: '1',
    hosts: [new URL(settings.apiUrl).host],
    secrets: ['STRIPE_SECRET_KEY'],
    // A quarter of what Stripe bears in test mode.
    perMinute: 300,
    actions: [linkAction(settings, ask, isTest), chargeAction(settings, ask, isTest), refundAction(settings, ask, isTest)],
  };
}
