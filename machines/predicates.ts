// What may be said about whom: every predicate with the schema of its value, and how values of older versions are read today.
// A fact is written under the current version and never rewritten; a value that changes shape gets a new version and an upcaster.
import { z } from 'zod';
import { budgetPredicate, limitsSchema } from './budget.ts';
import { capabilitiesPredicate, capabilitiesSchema } from './capabilities.ts';
import { connectorModeSchema } from './effects.ts';
import { KeelsonError } from './errors.ts';
import { evalPredicate, evalResultSchema } from './evals.ts';
import { hasIbanChecksum, ibanShape } from './iban.ts';
import { invoiceStateSchema, workSchema } from './invoice.ts';
import { whyNotJson } from './json-limits.ts';
import { mailLimits } from './mail.ts';
import { tierPredicate, tierQualitySchema } from './tier-quality.ts';

export type Json = z.core.util.JSONType;

export const entityKinds = ['person', 'organisation', 'project', 'asset', 'product', 'account'] as const;
export type EntityKind = (typeof entityKinds)[number];

/** Of every fact, whoever records it. `keyChars` holds the longest mail address. */
export const factLimits = {
  keyChars: 320,
  /** Of the value as JSON in UTF-8. */
  valueBytes: 65_536,
  /** Lists and objects inside each other; a plain word has depth 0. */
  valueDepth: 32,
  reasonChars: 300,
  freeName: /^[a-z][a-z0-9.-]{0,63}$/,
} as const;

export interface Predicate {
  /** `person.name` */
  name: string;
  /** Of the value's schema, from 1. */
  version: number;
  /** The kinds of entities it may be said about. */
  of: readonly EntityKind[];
  /** Of the value. */
  schema: z.ZodType;
  /** events: every fact stands for itself · latest: the newest counts · one: there is one truth, a differing fact is a contradiction for the operator. */
  holds: 'events' | 'latest' | 'one';
  /** From the value of version n, the key, to that of n + 1. Pure. */
  upcast: Readonly<Record<number, (value: Json) => Json>>;
}

const entityPattern = (kinds: readonly EntityKind[]) => new RegExp(`^(?:${kinds.join('|')})/[^\\p{Cc}\\p{Cs}]{1,${factLimits.keyChars}}$`, 'u');
const entityOf = (...kinds: EntityKind[]) => z.string().regex(entityPattern(kinds), `expected ${kinds.map((kind) => `${kind}/…`).join(' or ')}`);
const line = z.string().max(200).regex(/^\S(?:.*\S)?$/, 'expected one line without spaces around it');
const day = z.iso.date();
const currency = z.string().regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code such as EUR');
const minor = z.number().int();
const iban = z.string().regex(ibanShape, 'expected an IBAN without spaces').refine(hasIbanChecksum, 'expected an IBAN whose check digits are right');

const moneySchema = z.strictObject({
  payee: z.string().nullable(),
  /** In minor units of `currency`. */
  amountMinor: minor.nullable(),
  currency: currency.nullable(),
  dueDate: day.nullable(),
  documentDate: day.nullable(),
  reference: z.string().nullable(),
  confidence: z.number().min(0).max(1),
  reasons: z.array(z.string()),
  /** The line of the mail's text, from 1, where the amount was read. */
  line: z.number().int().positive().nullable(),
});

const define = (name: string, of: EntityKind, holds: Predicate['holds'], schema: z.ZodType): Predicate => ({ name, version: 1, of: [of], schema, holds, upcast: {} });
const money = (name: string): Predicate => ({ ...define(name, 'organisation', 'events', moneySchema), version: 2, upcast: { 1: (value) => ({ line: null, ...(value as Record<string, Json>) }) } });
const authenticationSchema = z.strictObject({ mail: z.string(), dkim: z.string(), spf: z.string(), dmarc: z.string(), domain: z.string() });
const paid = { amountMinor: minor.positive(), currency, reference: line };
const sentSchema = z.strictObject({ subject: z.string(), operation: z.string() });

export const predicates: readonly Predicate[] = [
  define('mail.received', 'person', 'events', z.strictObject({ subject: z.string(), date: z.string().nullable(), messageId: z.string().nullable() })),
  define('mail.sent', 'person', 'events', sentSchema),
  define('mail.written-not-sent', 'person', 'events', sentSchema),
  define('calendar.booked', 'person', 'events', z.strictObject({ event: z.string(), summary: z.string(), start: z.iso.datetime({ offset: true }), end: z.iso.datetime({ offset: true }), operation: z.string() })),
  define('calendar.cancelled', 'person', 'events', z.strictObject({ event: z.string(), summary: z.string(), operation: z.string() })),
  // About the page, by its address.
  define('published', 'asset', 'events', z.strictObject({ title: z.string(), visibility: z.enum(['public', 'unlisted', 'private']), operation: z.string() })),
  // Who sent it, by DKIM, SPF and DMARC; of mail that was received, not imported.
  define('mail.authenticated', 'person', 'events', authenticationSchema),
  define('mail.not-authenticated', 'person', 'events', authenticationSchema.extend({ why: z.string() })),
  // The mail by which it was first shown.
  define('organisation.mail-authenticated', 'organisation', 'latest', z.strictObject({ mail: z.string() })),
  define('imap.cursor', 'asset', 'latest', z.strictObject({ uidValidity: z.string(), lastUid: z.number().int().nonnegative() })),
  money('invoice'),
  money('receipt'),
  money('payment'),

  // As the sender writes it, so it changes from mail to mail and may be empty.
  define('person.name', 'person', 'latest', z.string().max(mailLimits.nameChars)),
  define('person.email', 'person', 'one', z.email().max(factLimits.keyChars)),
  define('person.phone', 'person', 'one', z.string().regex(/^\+?\d[\d ()/.-]{2,38}$/, 'expected a phone number')),
  define('person.employer', 'person', 'one', entityOf('organisation')),
  define('person.role', 'person', 'latest', line),

  // May anything leave? Said by the operator about the company itself; the kill switch.
  define('company.effects', 'organisation', 'events', z.strictObject({ state: z.enum(['running', 'stopped']), reason: z.string().max(2_000) })),
  // May a connector reach the world? Said by the operator; without a word it may.
  define('connector.mode', 'asset', 'events', z.strictObject({ mode: connectorModeSchema, reason: z.string().max(2_000) })),
  // What models may cost: of a workflow, or of the company. Said by the operator, over the settings.
  define(budgetPredicate, 'asset', 'latest', limitsSchema),
  // What a model endpoint was seen to do, about `asset/model-endpoint-<provider>:<model>`; null where it could not be found out.
  define(capabilitiesPredicate, 'asset', 'latest', capabilitiesSchema),
  // How well a wording, rules or a tier did on cases from the past: about `asset/prompt-draft`, `asset/rules-triage`, `asset/tier-triage-local`.
  define(evalPredicate, 'asset', 'events', evalResultSchema),
  // How far a tier is believed at a task: about `asset/tier-triage-local`.
  define(tierPredicate, 'asset', 'latest', tierQualitySchema),
  define('organisation.name', 'organisation', 'one', line),
  define('organisation.iban', 'organisation', 'one', iban),
  define('organisation.vat-id', 'organisation', 'one', z.string().regex(/^[A-Z]{2}[A-Z0-9+*]{2,13}$/, 'expected a VAT number with its country and without spaces')),
  define('organisation.address', 'organisation', 'one', z.strictObject({ street: line, postalCode: line, city: line, country: z.string().regex(/^[A-Z]{2}$/, 'expected an ISO 3166 code such as DE') })),
  define('organisation.payment-terms-days', 'organisation', 'one', z.number().int().min(0).max(365)),

  define('project.name', 'project', 'one', line),
  define('project.client', 'project', 'one', entityOf('person', 'organisation')),
  define('project.status', 'project', 'latest', z.enum(['lead', 'offered', 'active', 'paused', 'done', 'cancelled'])),
  // Said by the operator: this is done, and to be invoiced so.
  define('work.accepted', 'project', 'events', workSchema),
  define('project.budget', 'project', 'one', z.strictObject({ amountMinor: minor.nonnegative(), currency })),

  define('product.name', 'product', 'one', line),
  // From when and until when it is the price: validFromMs and validToMs of the fact.
  define('product.price', 'product', 'one', z.strictObject({ amountMinor: minor.nonnegative(), currency, unit: line })),

  define('account.name', 'account', 'one', line),
  define('account.iban', 'account', 'one', iban),
  define('account.balance', 'account', 'latest', z.strictObject({ amountMinor: minor, currency, date: day })),

  // About `account/<reference>`: an invoice is found by the reference that its payment carries. The first three are what we did, by
  // operation; the others what the provider says of the money, once per payment or refund.
  define('payment.linked', 'account', 'events', z.strictObject({ ...paid, url: z.url(), link: line, payer: z.string(), operation: z.string() })),
  define('payment.charged', 'account', 'events', z.strictObject({ ...paid, payment: line, customer: line, operation: z.string() })),
  define('payment.refund-made', 'account', 'events', z.strictObject({ ...paid, payment: line, refund: line, operation: z.string() })),
  define('payment.received', 'account', 'events', z.strictObject({ ...paid, payment: line, event: line, operation: z.string().nullable() })),
  define('payment.refunded', 'account', 'events', z.strictObject({ ...paid, payment: line, refund: line, event: line, operation: z.string().nullable() })),
  define('payment.failed', 'account', 'events', z.strictObject({ ...paid, payment: line, event: line, code: line })),

  // `asset/invoice-2026-0007` is an invoice of ours, `asset/invoices-2026-` a series of numbers.
  define('invoice.series', 'asset', 'latest', z.strictObject({ last: z.number().int().positive() })),
  define('invoice.number', 'asset', 'one', z.strictObject({ operation: z.string() })),
  define('invoice.issued', 'asset', 'one', z.strictObject({ number: z.string(), customerEmail: z.string(), total: z.strictObject({ amountMinor: minor.positive(), currency }), issuedOn: day, dueOn: day, document: z.string() })),
  define('invoice.state', 'asset', 'latest', invoiceStateSchema),

  define('asset.name', 'asset', 'one', line),
  define('asset.expires-on', 'asset', 'latest', day),
  define('asset.note', 'asset', 'events', z.string().min(1).max(2_000)),

  // About `asset/research-<run>`: what a source says, in its words. It is a claim of that source and no more.
  define('finding', 'asset', 'events', z.strictObject({ claim: z.string().min(1).max(1_000), by: z.string().min(1).max(4_000), quote: z.string().min(1).max(1_000), question: z.string().min(1).max(1_000) })),
  // About `asset/strategy`: what the last look at the company saw, as a hash.
  define('strategy.seen', 'asset', 'latest', z.strictObject({ hash: z.string(), situations: z.int().nonnegative() })),
];

const byName = new Map(predicates.map((predicate) => [predicate.name, predicate]));

export function predicateOf(name: string): Predicate | undefined {
  return byName.get(name);
}

/** What no predicate says holds one truth: the operator's own words do. */
export const holdsOf = (name: string): Predicate['holds'] => predicateOf(name)?.holds ?? 'one';

/** A value as it was written under `version`, in today's shape. Throws BAD_MESSAGE when this build does not know that version. */
export function upcastValue({ name, version: current, upcast }: Predicate, version: number, value: Json): Json {
  if (!Number.isInteger(version) || version < 1 || version > current) throw new KeelsonError('BAD_MESSAGE', `a fact '${name}' has version ${version}; this build reads 1 to ${current}`, { hint: 'It was written by a newer Keelson; install that version.' });
  let upcasted = value;
  for (let from = version; from < current; from++) {
    const step = upcast[from];
    if (!step) throw new KeelsonError('BAD_MESSAGE', `nothing leads from version ${from} of '${name}' to the next`, { hint: 'Add the upcaster in machines/predicates.ts.' });
    upcasted = step(upcasted);
  }
  return upcasted;
}

const valueLimits = { bytes: factLimits.valueBytes, depth: factLimits.valueDepth, wellFormed: true };

/** null when the fact may be written; else the reason, with the path: `value.amountMinor: expected number, received string`. */
export function whyNotFact(fact: Statement, by: 'operator' | 'agent'): string | null {
  return whyNotFactJson(fact.value) ?? whyNotStatement(fact, by);
}

interface Statement { entity: string; predicate: string; value: unknown }

/** What holds for the value of any fact. It goes first: whatever else looks into a value relies on its being small, shallow and no circle. */
export const whyNotFactJson = (value: unknown) => shorten(whyNotJson(value, 'value', valueLimits));

/** What is said about whom, of a fact whose value is good JSON. */
export const whyNotStatement = (fact: Statement, by: 'operator' | 'agent') => shorten(whyNotEntity(fact.entity) ?? whyNotPredicate(fact, by) ?? whyNotValue(fact));

const shorten = (reason: string | null) => (reason === null ? null : reason.slice(0, factLimits.reasonChars).toWellFormed());

function whyNotEntity(entity: string): string | null {
  return entityPattern(entityKinds).test(entity) ? null : `entity: expected kind/key with a kind of ${entityKinds.join(', ')} and a key of 1 to ${factLimits.keyChars} characters, none of them a control character`;
}

function whyNotPredicate({ entity, predicate: name }: { entity: string; predicate: string }, by: 'operator' | 'agent'): string | null {
  const kind = entity.slice(0, entity.indexOf('/'));
  const predicate = predicateOf(name);
  if (predicate && !predicate.of.some((one) => one === kind)) return `entity: '${name}' is said about ${predicate.of.join(' or ')}, not about ${kind}`;
  if (predicate || (by === 'operator' && factLimits.freeName.test(name))) return null;
  return by === 'operator' ? 'predicate: expected a letter a to z, then at most 63 of a to z, 0 to 9, dot and dash' : `predicate: '${name.slice(0, 64)}' is not registered in machines/predicates.ts; agents record only what is`;
}

function whyNotValue({ predicate: name, value }: { predicate: string; value: unknown }): string | null {
  const issue = predicateOf(name)?.schema.safeParse(value).error?.issues[0];
  return issue ? `${['value', ...issue.path.map(String)].join('.')}: ${issue.message.replace(/^Invalid \w+: /, '')}` : null;
}
