// A trigger is data: when a record of this kind comes in, start that machine or wake that actor. The store evaluates it inside the
// commit that records, so the message it leads to is in the outbox exactly when the record is on disk. No code and no expressions:
// a file of the operator can do no more than this schema says.
import { z } from 'zod';
import { isAddress, typeOf } from './address.ts';
import { changeKinds, type ChangeKind } from './changes.ts';
import type { Commit } from './commit.ts';
import { KeelsonError } from './errors.ts';
import { isReservedType, limits, type Message } from './message.ts';
import { entityKinds } from './predicates.ts';
import { annotationSchema, artifactSchema, intentSchema, intentStateSchema, labelSchema } from './records.ts';

/** What every change has. Besides: the fields of its record; `intent`, `artifact` are ids, `intentKind`, `artifactKind`, `annotationKind` its kind. */
export const changeSchema = z.looseObject({
  kind: z.enum(changeKinds),
  /** Of this change alone: `f-12-0` is the first fact of commit 12, `i-12-0` its first intent, `v-12-0` its first artifact. */
  id: z.string(),
  seq: z.number().int(),
  atMs: z.number(),
  /** Who recorded it. */
  actor: z.string(),
  /** Long fields were left out, since a message has a limit; read them from the store. */
  cut: z.literal(true).optional(),
});
export type Change = z.output<typeof changeSchema>;

// `path` leads into the value of a fact, the data of an intent, and else the record. Without it that itself is meant.
const path = z.string().max(200).regex(/^[^.]+(\.[^.]+)*$/, 'expected names with dots between them').optional();
const scalar = z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]);
const conditionSchema = z.discriminatedUnion('is', [
  z.strictObject({ path, is: z.enum(['eq', 'ne']), value: scalar }),
  z.strictObject({ path, is: z.enum(['gt', 'gte', 'lt', 'lte']), value: z.union([z.string().max(1_000), z.number()]) }),
  z.strictObject({ path, is: z.literal('contains'), value: scalar }),
  z.strictObject({ path, is: z.literal('exists'), value: z.boolean().default(true) }),
]);
type Condition = z.output<typeof conditionSchema>;

/** Which filters say something about which records. */
const filters = { fact: ['entityKind', 'predicate', 'label'], intent: ['kind', 'state'], artifact: ['kind'], decision: [], annotation: ['kind'] } as const satisfies Record<ChangeKind, string[]>;
const filterNames = ['entityKind', 'predicate', 'label', 'kind', 'state'] as const;
const kinds: Partial<Record<ChangeKind, readonly string[]>> = { intent: intentSchema.shape.kind.options, artifact: artifactSchema.shape.kind.options, annotation: annotationSchema.shape.kind.options };

export const triggerSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,47}$/, 'expected lower-case letters, digits and dashes, at most 48'),
  on: z.enum(changeKinds),
  entityKind: z.enum(entityKinds).optional(),
  predicate: z.string().min(1).max(64).optional(),
  label: labelSchema.optional(),
  kind: z.string().optional(),
  state: intentStateSchema.optional(),
  /** All of them must hold. */
  where: z.array(conditionSchema).max(20).default([]),
  /** With `key`, a path, one actor for each value there; a second change with the same value finds it started already. */
  start: z.strictObject({ machine: z.string().regex(/^[a-z][a-z0-9-]{0,47}@[^\s@]{1,50}$/, 'expected id@version'), key: path }).optional(),
  wake: z.strictObject({
    to: z.string().refine(isAddress, 'expected an address, type/key'),
    type: z.string().min(1).max(limits.typeChars).refine((type) => !isReservedType(type), 'expected a type that is not reserved'),
  }).optional(),
  /** Of a trigger that is new: whether what was recorded before counts too. */
  from: z.enum(['now', 'beginning']).default('now'),
}).superRefine((trigger, { addIssue }) => {
  const bad = (message: string, ...at: string[]) => addIssue({ code: 'custom', message, path: at });
  if ((trigger.start === undefined) === (trigger.wake === undefined)) bad('expected either start or wake');
  for (const name of filterNames) if (trigger[name] !== undefined && !(filters[trigger.on] as readonly string[]).includes(name)) bad(`says nothing about ${trigger.on}`, name);
  const allowed = kinds[trigger.on];
  if (allowed && trigger.kind !== undefined && !allowed.includes(trigger.kind)) bad(`expected one of ${allowed.join(', ')}`, 'kind');
});
export type Trigger = z.output<typeof triggerSchema>;

/** Throws BAD_CONFIG with the path of what is wrong. */
export function parseTrigger(json: unknown): Trigger {
  const parsed = triggerSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new KeelsonError('BAD_CONFIG', `${(issue?.path ?? []).map(String).join('.') || 'trigger'}: ${issue?.message}`, { hint: 'docs/triggers.md says what a trigger holds.' });
}

/** Throws BAD_CONFIG when two share a name or one leads to a machine that is not hosted. */
export function assertTriggers(triggers: readonly Trigger[], machines: readonly string[]): void {
  for (const [i, { name, start, wake }] of triggers.entries()) {
    if (triggers.findIndex((other) => other.name === name) !== i) throw new KeelsonError('BAD_CONFIG', `two triggers are called '${name}'`, { hint: 'Rename one of them.' });
    if (start && !machines.includes(start.machine)) throw new KeelsonError('BAD_CONFIG', `the trigger '${name}' starts '${start.machine}', which this build does not have`, { hint: `It has ${machines.join(', ')}.` });
    if (wake && !machines.some((key) => key.startsWith(`${typeOf(wake.to)}@`))) throw new KeelsonError('BAD_CONFIG', `the trigger '${name}' wakes ${wake.to}, and this build has no such type of actor`, { hint: `It has ${machines.join(', ')}.` });
  }
}

export function matches(trigger: Trigger, change: Change): boolean {
  const { on, entityKind, kind } = trigger;
  if (on !== change.kind || (entityKind !== undefined && !String(change['entity']).startsWith(`${entityKind}/`))) return false;
  if (kind !== undefined && change[`${on}Kind`] !== kind) return false;
  for (const name of ['predicate', 'label', 'state'] as const) if (trigger[name] !== undefined && change[name] !== trigger[name]) return false;
  const content = contentOf(change);
  return trigger.where.every((condition) => holds(condition, valueAt(content, condition.path))) && !leadsBack(trigger, change.actor);
}

/** The message a match leads to. An actor per value is named by the value's hash: addresses stay when a person is erased. Its id is made of trigger and change; the `#` keeps strangers from taking that id first. */
export function toTriggerMessage(trigger: Trigger, change: Change, hash: (value: string) => string): Message {
  const { name, start, wake } = trigger;
  const base = { id: `trigger:${name}#${change.id}`, from: sender };
  const sent = shorten(change);
  if (wake) return { ...base, to: wake.to, body: { kind: 'event', event: { type: wake.type, change: sent } } };
  const { machine, key } = start!;
  const type = machine.slice(0, machine.indexOf('@'));
  const value = key === undefined ? undefined : valueAt(contentOf(change), key);
  const keyed = typeof value === 'string' || typeof value === 'number' ? `${type}/${name}:${hash(String(value))}` : '';
  return { ...base, to: isAddress(keyed) ? keyed : `${type}/${name}-${change.id}`, body: { kind: 'start', machine, input: { change: sent } } };
}

const sender = 'store/triggers';

/** The trigger that made this message, or null. */
export const triggerOf = ({ id, from }: Message): string | null => (from === sender ? id.slice('trigger:'.length, id.indexOf('#')) : null);

/** What a commit records of one kind, as changes. */
export function changesOf({ actor, atMs, ...commit }: Commit, seq: number, kind: ChangeKind): Change[] {
  const change = (letter: string, place: number, fields: object): Change => ({ kind, id: `${letter}-${seq}-${place}`, seq, atMs, actor, ...fields });
  switch (kind) {
    case 'fact':
      return commit.facts.map(({ entity, predicate, value, label, confidence, source = null }, i) => change('f', i, { entity, predicate, value, label, confidence, source }));
    case 'intent':
      return commit.intents.map(({ id, kind: intentKind, state, summary = '', data = {} }, i) => change('i', i, { intent: id, intentKind, state, summary, data }));
    case 'artifact':
      return commit.artifacts.map(({ id, kind: artifactKind, mediaType, name = null, hash, sizeBytes }, i) => change('v', i, { artifact: id, artifactKind, mediaType, name, hash, sizeBytes }));
    case 'decision':
      return commit.decisions.map((decision, i) => change('d', i, decision));
    case 'annotation':
      return commit.annotations.map(({ kind: annotationKind, ...rest }, i) => change('a', i, { annotationKind, ...rest }));
  }
}

const contentOf = (change: Change): unknown => (change.kind === 'fact' ? change['value'] : change.kind === 'intent' ? change['data'] : change);

/** Own properties only. */
function valueAt(root: unknown, at: string | undefined): unknown {
  let value = root;
  for (const key of at?.split('.') ?? []) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Of what is not there nothing holds but that it does not exist. Numbers compare with numbers and texts with texts. */
function holds({ is, value }: Condition, found: unknown): boolean {
  if (is === 'exists') return (found !== undefined) === value;
  if (found === undefined) return false;
  if (is === 'eq') return found === value;
  if (is === 'ne') return found !== value;
  if (is === 'contains') return Array.isArray(found) ? found.includes(value) : typeof found === 'string' && typeof value === 'string' && found.includes(value);
  if (typeof found !== typeof value || value === null || (typeof found !== 'number' && typeof found !== 'string')) return false;
  const order = found < value ? -1 : found > value ? 1 : 0;
  return { gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[is];
}

/** Whether the actor, or one above it, was started or is woken by this trigger: then it would fire for ever. */
function leadsBack({ name, start, wake }: Trigger, actor: string): boolean {
  const root = wake ? wake.to.replace('/', '.') : `${start!.machine.slice(0, start!.machine.indexOf('@'))}.${name}`;
  const isRoot = (text: string) => text.startsWith(root) && (wake ? ['', '.'].includes(text.charAt(root.length)) : /^(?::|-[fivda]-\d+-\d+)/.test(text.slice(root.length)));
  const text = actor.replace('/', '.');
  if (isRoot(text)) return true;
  // A child's address is its type and, with dots, the address of its parent; see childAddress.
  return /~\d+$/.test(actor) && text.split('.').some((_, i, parts) => isRoot(parts.slice(i).join('.')));
}

const changeCharsMax = 300_000;
const fieldCharsMax = 20_000;

/** Of a change too long for a message its long fields are left out, so that the commit it is part of cannot fail of it. */
function shorten(change: Change): Change {
  if (JSON.stringify(change).length <= changeCharsMax) return change;
  const kept = Object.entries(change).filter(([, value]) => (JSON.stringify(value) ?? '').length <= fieldCharsMax);
  return { ...(Object.fromEntries(kept) as Change), cut: true };
}
