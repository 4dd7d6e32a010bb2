// What every way out has in common: a connector is a manifest and, per action, a handful of functions. It never decides whether it
// may run: the gate (connectors/gate.ts) has asked policy, operator and store before, and calls nothing twice that is not safe to repeat.
import type { z } from 'zod';
import type { Found, Performed, Plan, Reservation, Risk } from '#machines/effects.ts';
import type { Documents } from './documents.ts';

/**
 * What makes it safe that a call may have been lost:
 * `native`: the provider does one thing per operation id, so `commit` may be called again with it within `keyLifetimeMs`;
 * `lookup`: the provider can be asked whether it happened (`lookup`);
 * `none`: nobody can tell, so a lost call is `unknown` until the operator says.
 */
export type Idempotency = { kind: 'native'; keyLifetimeMs: number } | { kind: 'lookup' } | { kind: 'none' };

/** The same operation id at every try, in every process: the provider's idempotency key, Message-ID, href or marker comes from it. */
export interface PlanCall { operationId: string; documents: Documents }
export interface Call extends PlanCall {
  /** Aborted when the time is up. What had begun to leave then is SEND_UNKNOWN. */
  signal: AbortSignal;
  nowMs(): number;
  /** When the operation was made ready to run first: the same at every try, for what carries a date. Absent: now. */
  sinceMs?: number;
}

/**
 * One kind of effect. Functions throw KeelsonError, and the code says what is known:
 * REFUSED (the payload cannot be performed), SEND_REFUSED (a definite no from outside), SEND_DEFERRED (certainly not done, try later; `retryAfterMs` when
 * the provider named a time), SEND_UNKNOWN (it may have happened). Anything else that is thrown after the first byte left counts as SEND_UNKNOWN.
 */
export interface Action<P> {
  /** `mail.send`: the connector's name, a dot, a verb. */
  name: string;
  /** What it is good for, in one line. */
  title: string;
  /** Strict: an unknown field is refused, for it would be approved without meaning anything. */
  input: z.ZodType<P>;
  /** `read` changes nothing outside; it is asked about only where policy or an untrusted control field says so. */
  effect: 'read' | 'write';
  /** The least that it is; `plan` may say more. */
  risk: Risk;
  reversible: boolean;
  money: boolean;
  idempotency: Idempotency;
  /** What would happen. Pure: no network, no clock, nothing written; only documents are read. */
  plan(payload: P, call: PlanCall): Promise<Plan>;
  /** First phase: hold the money, place the draft. Safe to repeat with the same operation id; what it holds lapses by itself. */
  prepare?(payload: P, call: Call): Promise<Reservation>;
  /** Does it. After a `prepare`, `reservation` is what that gave. */
  commit(payload: P, call: Call & { reservation: Reservation | null }): Promise<Performed>;
  /** Lets go of what `prepare` held. Safe to repeat, also for a reservation that has lapsed or was used up. */
  abort?(payload: P, call: Call & { reservation: Reservation }): Promise<void>;
  /** Did the operation with this id happen? Required where `idempotency` is `lookup`; useful with `native` once the key has lapsed. */
  lookup?(payload: P, call: Call & { reservation: Reservation | null }): Promise<Found>;
}

export interface Connector {
  /** `mail` */
  name: string;
  /** Part of what is approved: another version is another thing to say yes to. */
  version: string;
  /** Host names it may reach; `localhost:1080` with a port, `*` for what the payload names (the gate then looks at each host). */
  hosts: string[];
  /** Names of the settings it needs that are secret. Their values never leave the connector. */
  secrets: string[];
  /** Calls per minute that the provider bears; absent: no limit. */
  perMinute?: number;
  actions: Action<never>[];
}

/** Gives a connector its type, and each of its actions the type of its payload. */
export const action = <P>(spec: Action<P>): Action<never> => spec as unknown as Action<never>;
