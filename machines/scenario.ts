// A scenario of a company: what is there, what comes in, what models would say, and what must come of it. It is a file of the
// operator's, `scenarios/NAME.json`; see docs/scenarios.md. Pure: what is there at the end is handed in as it was read from the store.
import { z } from 'zod';
import { triedOutcomes } from './agents/activities.ts';
import { factSchema } from './records.ts';

const text = z.string().min(1).max(100_000);
const words = z.union([text, z.array(text).min(1)]);
const count = z.union([z.int().nonnegative(), z.strictObject({ atMost: z.int().nonnegative() })]);
const spanSchema = z.strictObject({ days: z.number().optional(), hours: z.number().optional(), minutes: z.number().optional(), seconds: z.number().optional() }).refine((span) => Object.values(span).every((n) => n >= 0) && Object.keys(span).length > 0, 'expected a time like {"days": 1}');
export type Span = z.output<typeof spanSchema>;

/** A mail by its parts, as text of an .eml, or as such a file beside the scenario. */
const mailSchema = z.union([
  z.strictObject({ eml: text }),
  z.strictObject({ file: z.string().regex(/^[\w.-]+(?:\/[\w.-]+)*$/, 'expected a file beside the scenario').refine((path) => !path.split('/').includes('..'), 'expected a file beside the scenario') }),
  z.strictObject({ from: text, subject: z.string().max(900).default(''), text: z.string().max(100_000), headers: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/), z.string().regex(/^[^\r\n]*$/)).default({}) }),
]);
export type ScenarioMail = z.output<typeof mailSchema>;

const lineSchema = z.strictObject({
  task: z.string(),
  tier: z.string(),
  /** Words in what the model is asked; without them it always answers so. */
  when: words.optional(),
  answer: z.json().optional(),
  /** How sure it says it is; else what the answer says. */
  confidence: z.number().min(0).max(1).optional(),
  outcome: z.enum(triedOutcomes).optional(),
  reason: z.string().optional(),
  costMicros: z.int().nonnegative().default(0),
  /** So often; then the next line that fits. */
  times: z.int().positive().optional(),
  /** So long the tier goes on like this; then the next line that fits counts. */
  again: spanSchema.optional(),
}).refine(({ answer, outcome }) => (answer === undefined) !== (outcome === undefined || outcome === 'answered'), 'expected either "answer" or an "outcome" other than answered');
export type ScriptLine = z.output<typeof lineSchema>;

/** What the world answers to an operation that is done; without a line it is done and answers nothing. */
const worldSchema = z.strictObject({ action: z.string(), when: words.optional(), result: z.json() });
export type WorldLine = z.output<typeof worldSchema>;

const expectSchema = z.strictObject({
  /** Each was taken; others may have been, too. */
  decisions: z.array(z.strictObject({ what: z.string(), outcome: z.string().optional(), actor: z.string().optional(), task: z.string().optional(), tier: z.string().nullable().optional(), because: words.optional(), confidenceAtLeast: z.number().optional(), confidenceAtMost: z.number().optional() })).optional(),
  /** All that were proposed. */
  operations: z.array(z.strictObject({ action: z.string(), to: z.string().optional(), contains: words.optional(), lacks: words.optional(), state: z.string().optional() })).optional(),
  /** All that wait for the operator, besides operations. */
  asks: z.array(z.strictObject({ kind: z.string().optional(), contains: words.optional(), category: z.string().nullable().optional() })).optional(),
  /** Each was stated; others may have been, too. Of a value only the named fields are compared. */
  facts: z.array(z.strictObject({ entity: z.string().optional(), predicate: z.string(), value: z.json().optional(), label: z.string().optional() })).optional(),
  noFacts: z.array(z.strictObject({ entity: z.string().optional(), predicate: z.string().optional(), value: z.json().optional(), label: z.string().optional() })).optional(),
  actors: z.array(z.strictObject({ address: z.string(), state: z.json() })).optional(),
  /** So many operations were done. */
  sent: z.int().nonnegative().optional(),
  costMicros: count.optional(),
  modelCalls: count.optional(),
});
export type Expect = z.output<typeof expectSchema>;

const stepSchema = z.union([
  z.strictObject({ mail: mailSchema }),
  z.strictObject({ after: spanSchema }),
  /** The operator's answers: to what was asked last, or to the item of this id. */
  z.strictObject({ approve: z.strictObject({ item: z.string().optional(), edit: text.optional(), reason: text.optional() }) }),
  z.strictObject({ reject: z.strictObject({ item: z.string().optional(), reason: text }) }),
  z.strictObject({ respond: z.strictObject({ item: z.string().optional(), text, reason: text.optional() }) }),
  z.strictObject({ start: z.strictObject({ address: z.string(), machine: z.string(), input: z.json() }) }),
  z.strictObject({ event: z.strictObject({ to: z.string(), event: z.looseObject({ type: z.string() }) }) }),
  z.strictObject({ expect: expectSchema }),
]);
export type ScenarioStep = z.output<typeof stepSchema>;

const texts = z.record(z.string().regex(/^[a-z0-9][a-z0-9-]*$/), text);
export const scenarioSchema = z.strictObject({
  title: z.string().min(1).max(200),
  /** When it begins. */
  at: z.iso.datetime({ offset: true }).default('2026-03-02T09:00:00Z'),
  given: z.strictObject({
    facts: z.array(factSchema.omit({ confidence: true, label: true }).extend({ confidence: z.number().min(0).max(1).default(1), label: factSchema.shape.label.default('operator') }).strict()).default([]),
    /** In the form of their files, by name; beside and over those of the company's folder. */
    templates: texts.default({}),
    prompts: texts.default({}),
    rules: z.record(z.string().regex(/^[a-z0-9][a-z0-9-]*$/), z.json()).default({}),
    /** Over fields of company.json. */
    company: z.record(z.string(), z.json()).default({}),
  }).prefault({}),
  /** The tiers of models there are, cheapest first, and from which confidence on each is believed. */
  tiers: z.array(z.strictObject({ name: z.string(), threshold: z.number().min(0).max(1) })).default([]),
  models: z.array(lineSchema).default([]),
  world: z.array(worldSchema).default([]),
  steps: z.array(stepSchema).min(1),
  expect: expectSchema.optional(),
}).refine(({ tiers, models }) => models.every(({ tier }) => tiers.some(({ name }) => name === tier)), { path: ['models'], message: 'a line names a tier that "tiers" does not have' });
export type Scenario = z.output<typeof scenarioSchema>;

/** What is there, as the store has it. */
export interface Outcome {
  decisions: { what: string; outcome: string; actor: string; task?: string; tier?: string; confidence: number | null; reasons: string[] }[];
  operations: { action: string; payload: unknown; state: string; done: boolean }[];
  asks: { id: string; kind: string; summary: string; category: string | null }[];
  facts: { entity: string; predicate: string; value: unknown; label: string }[];
  actors: Record<string, unknown>;
  costMicros: number;
  modelCalls: number;
}

/** `path`: where in the file. */
export interface Mismatch { path: (string | number)[]; expected: string; found: string }

const spaces = /\s+/g;
/** All of the wanted words, without regard to case and spaces. */
export const saysAll = (where: string, wanted: string | readonly string[] | undefined): boolean => [wanted ?? []].flat().every((part) => plain(where).includes(plain(part)));
const plain = (value: string) => value.toLowerCase().replace(spaces, ' ');
const holdsAny = (where: string, wanted: string | readonly string[] | undefined): boolean => [wanted ?? []].flat().some((part) => plain(where).includes(plain(part)));
const is = <T>(wanted: T | undefined, found: unknown): boolean => wanted === undefined || JSON.stringify(wanted) === JSON.stringify(found ?? null);

/** Every field that is named is there and as it should be, however deep. */
function includes(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return wanted === found;
  if (typeof found !== 'object' || found === null || Array.isArray(wanted) !== Array.isArray(found)) return false;
  if (Array.isArray(wanted)) return wanted.length === (found as unknown[]).length && wanted.every((part, i) => includes((found as unknown[])[i], part));
  return Object.entries(wanted).every(([key, value]) => includes((found as Record<string, unknown>)[key], value));
}

const say = (value: unknown) => JSON.stringify(value);
const short = (value: string, max = 160) => (value.length > max ? `${value.slice(0, max)}…` : value);
const listed = (all: readonly string[]) => (all.length === 0 ? 'none' : `\n${all.slice(0, 20).map((one) => `      ${one}`).join('\n')}${all.length > 20 ? `\n      … ${all.length - 20} more` : ''}`);

const payloadText = (payload: unknown) => (typeof payload === 'object' && payload !== null ? Object.values(payload).flatMap((value) => (typeof value === 'string' ? [value] : [])).join('\n') : String(payload));
const recipient = (payload: unknown) => (payload as { to?: { address?: string } | string } | null)?.to;
const addressOf = (payload: unknown) => { const to = recipient(payload); return typeof to === 'string' ? to : (to?.address ?? ''); };

/** Everything that is not as it was expected to be. */
export function judgeScenario(expect: Expect, there: Outcome): Mismatch[] {
  const wrong: Mismatch[] = [];
  const note = (path: (string | number)[], expected: unknown, found: string) => void wrong.push({ path, expected: typeof expected === 'string' ? expected : say(expected), found });
  /** Each expected one has one of its own; with `all` nothing else is there. */
  const pair = <W, F>(field: string, wanted: readonly W[] | undefined, found: readonly F[], options: { all: boolean; fits(want: W, one: F): boolean; show(one: F): string }) => {
    if (wanted === undefined) return;
    const free = [...found];
    for (const [i, want] of wanted.entries()) {
      const place = free.findIndex((one) => options.fits(want, one));
      if (place < 0) note([field, i], want, listed((options.all ? free : found).map(options.show)));
      else if (options.all) free.splice(place, 1);
    }
    if (options.all && found.length > wanted.length && !wrong.some(({ path }) => path[0] === field)) note([field], `${wanted.length} in all`, listed(found.map(options.show)));
  };
  pair('decisions', expect.decisions, there.decisions, {
    all: false,
    fits: (want, one) => want.what === one.what && is(want.outcome, one.outcome) && is(want.actor, one.actor) && is(want.task, one.task) && is(want.tier, one.tier) && saysAll(one.reasons.join('\n'), want.because) && (one.confidence ?? 0) >= (want.confidenceAtLeast ?? 0) && (one.confidence ?? 0) <= (want.confidenceAtMost ?? 1),
    show: (one) => short(`${one.what}: ${one.outcome}${one.tier ? ` by ${one.tier}` : ''}${one.confidence === null ? '' : ` ${one.confidence}`} (${one.actor}) ${one.reasons.join('; ')}`),
  });
  pair('operations', expect.operations, there.operations, {
    all: true,
    fits: (want, one) => want.action === one.action && (want.to === undefined || addressOf(one.payload).toLowerCase() === want.to.toLowerCase()) && saysAll(payloadText(one.payload), want.contains) && !holdsAny(payloadText(one.payload), want.lacks) && is(want.state, one.state),
    show: (one) => short(`${one.action} ${one.state} to ${addressOf(one.payload) || 'nobody'}: ${payloadText(one.payload).replace(spaces, ' ')}`, 400),
  });
  pair('asks', expect.asks, there.asks, {
    all: true,
    fits: (want, one) => is(want.kind, one.kind) && saysAll(one.summary, want.contains) && is(want.category, one.category),
    show: (one) => short(`${one.kind} ${one.id}${one.category === null ? '' : ` [${one.category}]`}: ${one.summary}`),
  });
  const about = (want: { entity?: string | undefined; predicate?: string | undefined; value?: unknown; label?: string | undefined }, one: Outcome['facts'][number]) => is(want.entity, one.entity) && is(want.predicate, one.predicate) && is(want.label, one.label) && (want.value === undefined || includes(one.value, want.value));
  const showFact = (one: Outcome['facts'][number]) => short(`${one.entity} ${one.predicate} = ${say(one.value)} [${one.label}]`);
  pair('facts', expect.facts, there.facts, { all: false, fits: about, show: showFact });
  for (const [i, want] of (expect.noFacts ?? []).entries()) {
    const found = there.facts.filter((one) => about(want, one));
    if (found.length > 0) note(['noFacts', i], `none like ${say(want)}`, listed(found.map(showFact)));
  }
  for (const [i, { address, state }] of (expect.actors ?? []).entries()) if (!is(state, there.actors[address])) note(['actors', i], { address, state }, address in there.actors ? say(there.actors[address]) : 'no such actor');
  const sent = there.operations.filter(({ done }) => done);
  if (expect.sent !== undefined && sent.length !== expect.sent) note(['sent'], `${expect.sent}`, listed(sent.map(({ action, payload }) => short(`${action} to ${addressOf(payload)}: ${payloadText(payload).replace(spaces, ' ')}`))));
  for (const field of ['costMicros', 'modelCalls'] as const) {
    const want = expect[field];
    if (want !== undefined && (typeof want === 'number' ? there[field] !== want : there[field] > want.atMost)) note([field], typeof want === 'number' ? `${want}` : `at most ${want.atMost}`, `${there[field]}`);
  }
  return wrong;
}
