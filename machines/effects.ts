// What is known of an effect before and after it happens, as plain data: what an action is, what it plans, what came of it. The
// operation (machines/agents/operation.ts) carries these, connectors make them, the gate judges by them.
import { z } from 'zod';
import { factSchema } from './records.ts';

export const riskSchema = z.enum(['low', 'medium', 'high']);
export type Risk = z.output<typeof riskSchema>;

/** `live` reaches the world; `dry-run` only says what it would do. Once fixed on an operation it cannot be raised. */
export const modeSchema = z.enum(['live', 'dry-run']);
export type Mode = z.output<typeof modeSchema>;

/** How a whole connector stands, by the operator's word: in the sandbox each of its operations is made as a dry run. */
export const connectorModeSchema = z.enum(['sandbox', 'live']);
export type ConnectorMode = z.output<typeof connectorModeSchema>;
export const connectorPrefix = 'asset/connector-';
/** What that word is about. */
export const connectorEntity = (name: string) => `${connectorPrefix}${name}`;

/** The parts of a payload that decide where an effect goes and how much it moves. */
export const controlKindSchema = z.enum(['recipient', 'payee', 'amount', 'account', 'host', 'path', 'visibility']);
export type ControlKind = z.output<typeof controlKindSchema>;

export const controlSchema = z.object({
  kind: controlKindSchema,
  /** Where it stands in the payload: `to.address`. */
  field: z.string(),
  /** As it is compared with what the company knows: an address in small letters, `{amountMinor, currency}`, a host name. */
  value: z.json(),
  /** Why the company's own settings vouch for it (`listed in connectors/http.json`); null when only a fact could. */
  vouchedBy: z.string().nullable(),
});
export type Control = z.output<typeof controlSchema>;

export const moneySchema = z.object({ amountMinor: z.number().int().positive(), currency: z.string().regex(/^[A-Z]{3}$/), payee: z.string().min(1) });
export type Money = z.output<typeof moneySchema>;
/** `moves`: the effect itself moves the money, so that it counts towards the caps; an invoice only names an amount. */
const plannedMoneySchema = moneySchema.extend({ moves: z.boolean() });

/** A document whose bytes leave with the effect; `hash` is the sha256 (hex) of them. */
export const enclosureSchema = z.object({ artifact: z.string(), name: z.string(), mediaType: z.string(), hash: z.string(), sizeBytes: z.number().int() });
export type Enclosure = z.output<typeof enclosureSchema>;

/** What an action would do with this payload. Pure: the same payload gives the same plan, and nothing leaves for it. */
export const planSchema = z.object({
  /** One business sentence: “Send an invoice over 119.00 EUR to nina@holt.example”. */
  summary: z.string(),
  /** What leaves, as a person reads it: the whole text, the request line, the event. */
  preview: z.string(),
  risk: riskSchema,
  /** What the operator should know. */
  reasons: z.array(z.string()),
  control: z.array(controlSchema),
  enclosures: z.array(enclosureSchema),
  money: plannedMoneySchema.nullable(),
});
export type Plan = z.output<typeof planSchema>;

/** What a first phase holds at the provider. It lapses by itself at `expiresAtMs`. */
export const reservationSchema = z.object({ ref: z.string(), expiresAtMs: z.number().int(), note: z.string() });
export type Reservation = z.output<typeof reservationSchema>;

export const performedSchema = z.object({
  /** False when it was deliberately not done (no server configured). */
  done: z.boolean(),
  /** What the provider calls it; leads back to the operation. */
  providerRef: z.string(),
  /** One line for the operator. */
  note: z.string(),
  /** What the proposer goes on with: free slots, the text of a page, a payment link. Untrusted, whatever it says. */
  result: z.json(),
  /** What is known by its having happened. Registered predicates only, labelled `system`. */
  facts: z.array(factSchema),
});
export type Performed = z.output<typeof performedSchema>;

/** What a provider says when it is asked whether an operation happened. */
export const foundSchema = z.discriminatedUnion('found', [
  z.object({ found: z.literal('done'), performed: performedSchema }),
  /** It certainly did not happen and cannot happen any more by the first call. */
  z.object({ found: z.literal('absent'), note: z.string() }),
  z.object({ found: z.literal('unclear'), note: z.string() }),
]);
export type Found = z.output<typeof foundSchema>;
