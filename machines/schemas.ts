// Every shape that is stored or travels, as JSON Schema under a name and a version, and what may change without a new version.
// `docs/schemas.json` holds the catalog as it was last accepted; a test compares.
import type { AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { protocolOf, type ActivitySpec } from './define.ts';
import { boundSchema } from './agents/activities.ts';
import { controlSchema, enclosureSchema, moneySchema } from './effects.ts';
import type { Item } from './inbox.ts';
import { bodySchema, jobSchema } from './message.ts';
import { predicates } from './predicates.ts';
import { annotationSchema, artifactSchema, decisionSchema, factSchema, intentSchema, linkSchema } from './records.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;
type Version = number | string;
export interface SchemaEntry {
  /** `predicate/receipt`, `machine/mail/event/APPROVE`, … */
  name: string;
  /** A machine's own version as it stands there: 1 for '1', but '2.0-beta' for '2.0-beta'. */
  version: Version;
  schema: JsonSchema;
}

/** Of what has no version of its own: `record/…`, `message/…`, `inbox/item`, `activity/…`. What is not named here is at 1. */
const versions: Readonly<Record<string, number>> = {
  // Hits are references.
  'activity/knowledge.search/output': 2, 'activity/reply.template/input': 2,
};

/** What no machine asks for any more; what was open of it is taken back by the migration of who asked (copy@2). */
export const retired: readonly string[] = ['activity/reply.model/input', 'activity/reply.model/output'];

const itemSchema = z.object({
  category: z.string().nullable(),
  confidence: z.number().nullable(),
  risk: z.enum(['low', 'medium', 'high']),
  reasons: z.array(z.string()),
  payload: z.json(),
  payloadHash: z.string(),
  evidence: z.array(linkSchema),
  policy: z.object({ id: z.string(), version: z.string(), rule: z.string() }).nullable(),
  expiresAfterMs: z.number().nullable(),
  answers: z.string(),
  bound: boundSchema.optional(),
  does: z.string().optional(),
  preview: z.string().optional(),
  control: z.array(controlSchema).optional(),
  enclosures: z.array(enclosureSchema).optional(),
  money: moneySchema.nullable().optional(),
  reversible: z.boolean().optional(),
} satisfies Record<keyof Item, z.ZodType>);

const records = { fact: factSchema, intent: intentSchema, artifact: artifactSchema, decision: decisionSchema, annotation: annotationSchema };

/** What is taken in is described as the sender may write it, what is stored or given back as the reader finds it. */
const taken = (name: string, schema: z.ZodType, version: Version = versions[name] ?? 1): SchemaEntry => ({ name, version, schema: z.toJSONSchema(schema, { io: 'input' }) });
const kept = (name: string, schema: z.ZodType, version: Version = versions[name] ?? 1): SchemaEntry => ({ name, version, schema: z.toJSONSchema(schema, { io: 'output' }) });

function ofMachine(machine: AnyStateMachine): SchemaEntry[] {
  const { input, output, events } = protocolOf(machine) ?? { input: z.unknown(), output: z.unknown(), events: {} };
  const version = /^\d{1,9}$/.test(String(machine.version)) ? Number(machine.version) : String(machine.version);
  return [
    taken(`machine/${machine.id}/input`, input, version),
    kept(`machine/${machine.id}/output`, output, version),
    ...Object.entries(events).map(([type, schema]) => taken(`machine/${machine.id}/event/${type}`, schema, version)),
  ];
}

/** All schemas of a build, by name and version. */
export function schemaCatalog(machines: readonly AnyStateMachine[], activities: readonly ActivitySpec[]): SchemaEntry[] {
  return [
    ...predicates.map(({ name, version, schema }) => kept(`predicate/${name}`, schema, version)),
    ...Object.entries(records).map(([kind, schema]) => kept(`record/${kind}`, schema)),
    ...[...bodySchema.options, jobSchema].map((schema) => taken(`message/${schema.shape.kind.value}`, schema)),
    kept('inbox/item', itemSchema),
    ...machines.flatMap(ofMachine),
    ...activities.flatMap(({ name, input, output }) => [taken(`activity/${name}/input`, input), kept(`activity/${name}/output`, output)]),
  ].toSorted((a, b) => (a.name === b.name ? compareVersions(a.version, b.version) : a.name < b.name ? -1 : 1));
}

const compareVersions = (a: Version, b: Version) => String(a).localeCompare(String(b), 'en', { numeric: true });

export interface SchemaProblem { name: string; problem: string }

/**
 * What may not change as it did. Under one version a schema may only widen: an optional property more, an enum or union member
 * more, a looser limit. An entry may only leave when a higher version of it is there, or when it is retired.
 */
export function compareCatalogs(old: readonly SchemaEntry[], now: readonly SchemaEntry[]): SchemaProblem[] {
  return old.flatMap(({ name, version, schema }) => {
    const versionsNow = now.filter((entry) => entry.name === name);
    const same = versionsNow.find((entry) => entry.version === version);
    if (same) return whyNarrower({ schema, root: schema }, { schema: same.schema, root: same.schema }, '$', []).map((problem) => ({ name, problem }));
    if (retired.includes(name)) return [];
    return versionsNow.some((entry) => compareVersions(entry.version, version) > 0) ? [] : [{ name, problem: `version ${version} was removed` }];
  });
}

/** A part of a schema, and the whole in which its `$ref` is looked up. */
interface Part { schema: JsonSchema; root: JsonSchema }
type Pair = readonly [JsonSchema, JsonSchema];

const annotations = ['$schema', '$defs', 'title', 'description', 'default'];
const lowest = ['minLength', 'minItems', 'minProperties', 'minimum', 'exclusiveMinimum'];
const highest = ['maxLength', 'maxItems', 'maxProperties', 'maximum', 'exclusiveMaximum'];
const understood = ['type', 'enum', 'const', 'properties', 'required', 'additionalProperties', 'items', 'propertyNames', ...annotations, ...lowest, ...highest];
const equal = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const hasOnly = (schema: JsonSchema, keys: readonly string[]) => Object.keys(schema).every((key) => keys.includes(key));
const toSchema = (part: unknown): JsonSchema => (part === undefined || part === true ? {} : part === false ? { not: {} } : (part as JsonSchema));
const valuesOf = (schema: JsonSchema): unknown[] | undefined => schema.enum ?? ('const' in schema ? [schema.const] : undefined);

function resolve({ schema, root }: Part): JsonSchema {
  if (schema.$ref === undefined) return schema;
  const definition = /^#\/\$defs\/(.+)$/.exec(schema.$ref)?.[1];
  return definition === undefined ? root : toSchema(root.$defs?.[definition]);
}

/** The members of a union, also of `type: [string, null]`; any other schema alone. */
function membersOf(part: Part): JsonSchema[] {
  const schema = resolve(part);
  const members = schema.anyOf ?? schema.oneOf;
  if (members && hasOnly(schema, ['anyOf', 'oneOf', ...annotations])) return members.flatMap((member) => membersOf({ schema: toSchema(member), root: part.root }));
  return Array.isArray(schema.type) ? (schema.type as JsonSchema['type'][]).map((type) => ({ ...schema, type })) : [schema];
}

/** Why not everything that was valid still is, with paths. `above` holds the pairs on the way here: a recursive schema meets itself. */
function whyNarrower(old: Part, now: Part, path: string, above: readonly Pair[]): string[] {
  const [before, after] = [resolve(old), resolve(now)];
  if (above.some(([a, b]) => a === before && b === after)) return [];
  const pairs = [...above, [before, after] as const];
  const members = membersOf(now);
  const narrower = membersOf(old).flatMap((member) => {
    const tries = members.map((other) => ({ type: other.type, reasons: whyNotWithin({ schema: member, root: old.root }, { schema: other, root: now.root }, path, pairs) }));
    if (tries.some(({ reasons }) => reasons.length === 0)) return [];
    const counterparts = tries.filter(({ type }) => members.length === 1 || type === member.type);
    return counterparts.length === 1 ? counterparts[0]!.reasons : [`${path}: no longer allows ${JSON.stringify({ ...member, $schema: undefined, $defs: undefined }).slice(0, 100)}`];
  });
  return old.schema.default !== undefined && !equal(old.schema.default, now.schema.default) ? [...narrower, `${path}: has another default`] : narrower;
}

/** The same for two schemas that are no unions. */
function whyNotWithin(old: Part, now: Part, path: string, pairs: readonly Pair[]): string[] {
  const [a, b] = [old.schema, now.schema];
  if (hasOnly(b, annotations)) return [];
  if (b.type !== undefined && a.type !== b.type && !(a.type === 'integer' && b.type === 'number')) return [`${path}: was ${String(a.type ?? 'anything')}, is ${String(b.type)}`];
  const inner = (before: unknown, after: unknown, key: string) => whyNarrower({ schema: toSchema(before), root: old.root }, { schema: toSchema(after), root: now.root }, `${path}.${key}`, pairs);
  const sameText = (key: string) => equal(a[key], b[key]) && (!JSON.stringify(b[key]).includes('"$ref"') || equal(old.root.$defs, now.root.$defs));
  const tighter = (key: string) => `${path}: ${key} was ${JSON.stringify(a[key] ?? 'open')}, is ${JSON.stringify(b[key])}`;
  const values = valuesOf(b);
  const lost = values ? (valuesOf(a)?.filter((value) => !values.includes(value)) ?? ['anything else']) : [];
  const [fields, fieldsNow] = [a.properties ?? {}, b.properties ?? {}];
  const others = a.additionalProperties;
  return [
    ...lost.map((value) => `${path}: no longer allows ${JSON.stringify(value)}`),
    ...lowest.filter((key) => b[key] !== undefined && !(Number(a[key]) >= Number(b[key]))).map(tighter),
    ...highest.filter((key) => b[key] !== undefined && !(Number(a[key]) <= Number(b[key]))).map(tighter),
    ...Object.keys(b).filter((key) => !understood.includes(key) && !sameText(key)).map((key) => `${path}: ${key} changed`),
    ...Object.keys(fields).flatMap((key) => (fieldsNow[key] === undefined ? [`${path}.${key}: was removed`] : inner(fields[key], fieldsNow[key], key))),
    ...(b.required ?? []).filter((key) => !a.required?.includes(key)).map((key) => `${path}.${key}: is required now`),
    ...Object.keys(fieldsNow).flatMap((key) => (fields[key] === undefined && typeof others === 'object' ? inner(others, fieldsNow[key], key) : [])),
    ...(others === false ? [] : inner(others, b.additionalProperties, '*')),
    ...(b.items === undefined ? [] : inner(a.items, b.items, '0')),
    ...(b.propertyNames === undefined ? [] : inner(a.propertyNames, b.propertyNames, '(key)')),
  ];
}
