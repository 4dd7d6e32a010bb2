// Goal: a shape changes under its version only where every old value still fits. Method: pairs of zod schemas, before and after,
// each with what must be said about it; then the catalog of a small machine.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setup } from 'xstate';
import { z } from 'zod';
import { activity, activityOf, protocol } from '#machines/define.ts';
import { predicates } from '#machines/predicates.ts';
import { compareCatalogs, retired, schemaCatalog, type SchemaEntry } from '#machines/schemas.ts';

const entry = (schema: z.ZodType, version: number | string = 1, name = 'x'): SchemaEntry => ({ name, version, schema: z.toJSONSchema(schema) });
const problemsOf = (before: z.ZodType, after: z.ZodType) => compareCatalogs([entry(before)], [entry(after)]).map(({ problem }) => problem);

const linked = <T extends z.ZodType>(value: T) => {
  const node: z.ZodType = z.object({ value, next: z.lazy(() => node).nullable() });
  return node;
};
const kinds = (...members: z.ZodObject[]) => z.discriminatedUnion('kind', members as never);
const a = z.object({ kind: z.literal('a'), n: z.number() });
const b = z.object({ kind: z.literal('b') });

const widened: [string, z.ZodType, z.ZodType][] = [
  ['nothing changed', z.object({ a: z.string() }), z.object({ a: z.string() })],
  ['an optional property more', z.object({ a: z.string() }), z.object({ a: z.string(), b: z.number().optional() })],
  ['a property that may be left out now', z.object({ a: z.string() }), z.object({ a: z.string().optional() })],
  ['an enum member more', z.enum(['a', 'b']), z.enum(['c', 'b', 'a'])],
  ['a literal that became an enum', z.literal('a'), z.enum(['a', 'b'])],
  ['an enum that became text', z.enum(['a']), z.string()],
  ['null as well', z.int().min(1), z.int().min(1).nullable()],
  ['null as well, in short', z.string(), z.string().nullable()],
  ['a union member more', z.union([z.string(), z.array(z.string())]), z.union([z.number(), z.array(z.string()), z.string()])],
  ['a kind more', kinds(a), kinds(b, a)],
  ['an optional property more in one kind', kinds(a, b), kinds(a.extend({ m: z.string().optional() }), b)],
  ['looser limits', z.object({ s: z.string().min(2).max(3), n: z.number().gt(1).lt(2), l: z.array(z.null()).min(1).max(2) }), z.object({ s: z.string().min(1).max(4), n: z.number().gt(0).lt(3), l: z.array(z.null()).max(3) })],
  ['whole numbers that became numbers', z.int(), z.number()],
  ['a pattern that is gone', z.string().regex(/a/), z.string()],
  ['anything', z.object({ a: z.string() }), z.unknown()],
  ['open where it was closed', z.strictObject({ a: z.string() }), z.looseObject({ a: z.string() })],
  ['a record of more', z.record(z.string(), z.string()), z.record(z.string(), z.string().nullable())],
  ['a recursive one that did not change', z.object({ v: z.json() }), z.object({ v: z.json(), w: z.json().optional() })],
  ['a recursive one with more in its leaves', linked(z.string()), linked(z.string().nullable())],
  ['another description', z.string().describe('old'), z.string().describe('new')],
];
for (const [title, before, after] of widened) test(`fits under the same version: ${title}`, () => assert.deepEqual(problemsOf(before, after), []));

const narrowed: [string, z.ZodType, z.ZodType, RegExp][] = [
  ['another type', z.object({ a: z.string() }), z.object({ a: z.number() }), /^\$\.a: was string, is number$/],
  ['a property less', z.object({ a: z.string(), b: z.string().optional() }), z.object({ a: z.string() }), /^\$\.b: was removed$/],
  ['another name', z.object({ a: z.string() }), z.object({ b: z.string().optional() }), /^\$\.a: was removed$/],
  ['a required property more', z.object({}), z.object({ a: z.string() }), /^\$\.a: is required now$/],
  ['required instead of optional', z.object({ a: z.string().optional() }), z.object({ a: z.string() }), /^\$\.a: is required now$/],
  ['an enum member less', z.enum(['a', 'b']), z.enum(['a', 'c']), /^\$: no longer allows "b"$/],
  ['text that became an enum', z.string(), z.enum(['a']), /^\$: no longer allows "anything else"$/],
  ['null no more', z.object({ a: z.string().nullable() }), z.object({ a: z.string() }), /^\$\.a: was null, is string$/],
  ['a union member less', z.union([z.string(), z.number(), z.boolean()]), z.union([z.string(), z.boolean()]), /^\$: no longer allows \{"type":"number"\}$/],
  ['a kind less', kinds(a, b), kinds(a), /^\$\.n: is required now$|^\$\.kind: no longer allows "b"$/],
  ['a kind that wants more', kinds(a, b), kinds(a.extend({ m: z.string() }), b), /^\$: no longer allows .*"const":"a"/],
  ['a tighter lower limit', z.string().min(1), z.string().min(2), /^\$: minLength was 1, is 2$/],
  ['a new upper limit', z.array(z.string()), z.array(z.string()).max(9), /^\$: maxItems was "open", is 9$/],
  ['numbers that became whole', z.object({ n: z.number().nullable() }), z.object({ n: z.int().nullable() }), /^\$\.n: no longer allows \{"type":"number"\}$/],
  ['a new pattern', z.string(), z.string().regex(/a/), /^\$: pattern changed$/],
  ['another pattern', z.string().regex(/a/), z.string().regex(/b/), /^\$: pattern changed$/],
  ['closed where it was open', z.looseObject({}), z.strictObject({}), /^\$\.\*: /],
  ['a named property in an open object', z.looseObject({}), z.looseObject({ a: z.string().optional() }), /^\$\.a: was anything, is string$/],
  ['something where anything was', z.unknown(), z.json(), /^\$: no longer allows \{/],
  ['the items of a list', z.array(z.string()), z.array(z.number()), /^\$\.0: was string, is number$/],
  ['the values of a record', z.record(z.string(), z.number()), z.record(z.string(), z.string()), /^\$\.\*: was number, is string$/],
  ['a tuple', z.tuple([z.string()]), z.tuple([z.number()]), /^\$: prefixItems changed$/],
  ['a tuple of what is defined elsewhere', z.tuple([linked(z.string())]), z.tuple([linked(z.number())]), /^\$: prefixItems changed$/],
  ['the leaves of a recursive one', linked(z.string()), linked(z.number()), /^\$\.value: was string, is number$/],
  ['another default', z.object({ a: z.string().default('x') }), z.object({ a: z.string().default('y') }), /^\$\.a: has another default$/],
];
for (const [title, before, after, reason] of narrowed) {
  test(`needs a new version: ${title}`, () => {
    const problems = problemsOf(before, after);
    assert.ok(problems.some((problem) => reason.test(problem)), problems.join('\n') || 'nothing was found');
  });
}

test('under another version anything may change', () => {
  assert.deepEqual(compareCatalogs([entry(z.string(), 1)], [entry(z.number(), 2)]), []);
  assert.deepEqual(compareCatalogs([entry(z.string(), '1.9')], [entry(z.number(), '1.10')]), []);
  assert.deepEqual(compareCatalogs([entry(z.string(), 1)], [entry(z.string(), 1), entry(z.number(), 2)]), []);
});

test('an entry leaves only when a higher version of it is there', () => {
  assert.deepEqual(compareCatalogs([entry(z.string(), 2)], []), [{ name: 'x', problem: 'version 2 was removed' }]);
  assert.deepEqual(compareCatalogs([entry(z.string(), 2)], [entry(z.string(), 1)]), [{ name: 'x', problem: 'version 2 was removed' }]);
  assert.deepEqual(compareCatalogs([entry(z.string(), 1)], [entry(z.string(), 2, 'y')]), [{ name: 'x', problem: 'version 1 was removed' }]);
  assert.deepEqual(compareCatalogs([], [entry(z.string())]), []);
});

test('what is retired may leave, and while it is there it may not narrow', () => {
  for (const name of retired) {
    assert.deepEqual(compareCatalogs([entry(z.string(), 2, name)], []), []);
    assert.equal(compareCatalogs([entry(z.string(), 2, name)], [entry(z.number(), 2, name)]).length, 1);
  }
});

test('the catalog names all that is stored or travels, sorted, each with its version', () => {
  const small = protocol({ context: z.object({}), input: z.object({ n: z.number().default(1) }), output: z.object({ n: z.number().default(1) }), events: { GO: z.object({}) } });
  const machine = (version: string) => setup({ types: small.types, schemas: small.schemas }).createMachine({ id: 'small', version, context: {} });
  const wait = activityOf(activity({ name: 'a.wait', input: z.null(), output: z.null(), timeoutMs: 1, retry: { attempts: 1, firstMs: 1, maxMs: 1 } }))!;
  const catalog = schemaCatalog([machine('10'), machine('9'), machine('1.0-b')], [wait]);
  const names = catalog.map(({ name, version }) => `${name} ${version}`);
  assert.deepEqual(names.filter((name) => name.startsWith('machine/small/event')), ['machine/small/event/GO 1.0-b', 'machine/small/event/GO 9', 'machine/small/event/GO 10']);
  for (const name of ['activity/a.wait/input 1', 'activity/a.wait/output 1', 'inbox/item 1', 'message/start 1', 'message/job 1', 'record/fact 1', 'record/decision 1', ...predicates.map((p) => `predicate/${p.name} ${p.version}`)]) assert.ok(names.includes(name), name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(catalog.map(({ name }) => name), catalog.map(({ name }) => name).toSorted());
  const schemaOf = (name: string) => catalog.find((one) => one.name === name)?.schema;
  assert.deepEqual([schemaOf('machine/small/input')?.required, schemaOf('machine/small/output')?.required], [undefined, ['n']]);
});
