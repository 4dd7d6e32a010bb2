// What a builder imports as `keelson/connector`: the contract of a way out, and one bounded HTTP request whose failures say what is known.
export { action, type Action, type Call, type Connector, type Idempotency, type PlanCall } from './connector.ts';
export type { Documents } from './documents.ts';
export { statusError } from './http-errors.ts';
export { exchange, isSafeBase, saidBy, type ExchangeReply, type ExchangeRequest } from './named-server.ts';
export type { Control, Enclosure, Found, Performed, Plan, Reservation } from '#machines/effects.ts';
export { KeelsonError } from '#machines/errors.ts';
