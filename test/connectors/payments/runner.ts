// A process of its own that does one action once, to be killed on its way: node runner.ts '{"apiUrl":…}'
import type { Action } from '#connectors/connector.ts';
import { createPaymentsConnector, settingsSchema } from '#connectors/payments/connector.ts';
import type { Reservation } from '#machines/effects.ts';

export interface RunnerInput { apiUrl: string; secretKey: string; action: string; operationId: string; payload: unknown; reservation: Reservation | null }

const { apiUrl, secretKey, action, operationId, payload, reservation } = JSON.parse(process.argv[2] ?? '') as RunnerInput;
const connector = createPaymentsConnector(settingsSchema.parse({ account: 'holt-stripe', currencies: ['EUR'], apiUrl }), { STRIPE_SECRET_KEY: secretKey });
const one = connector.actions.find(({ name }) => name === action) as unknown as Action<unknown>;
await one.commit(one.input.parse(payload), { operationId, reservation, documents: {} as never, signal: new AbortController().signal, nowMs: Date.now });
