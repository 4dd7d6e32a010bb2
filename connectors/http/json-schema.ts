// JSON Schema as settings and OpenAPI files hold it becomes a zod schema that knows no other fields than those declared.
import { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';

type Schema = Record<string, unknown>;

const depthMax = 40;

/** `without`: a field at the top that the payload does not have, because the call fills it in. Throws BAD_CONFIG for what cannot be checked. */
export function schemaFrom(schema: Schema, what: string, { definitions = {}, without }: { definitions?: Record<string, Schema>; without?: string | undefined } = {}): z.ZodType {
  const refuse = (why: string) => new KeelsonError('BAD_CONFIG', `${what} cannot be checked: ${why}`);
  const names = new Map<string, Schema | null>();
  const defs: Record<string, Schema> = {};

  const resolve = (ref: unknown): { name: string; schema: Schema } => {
    const name = /^#\/(?:components\/schemas|\$defs|definitions)\/([\w.-]+)$/.exec(String(ref))?.[1];
    const found = name === undefined ? undefined : definitions[name];
    if (name === undefined || found === undefined) throw refuse(`'${String(ref).slice(0, 100)}' leads nowhere in this file`);
    return { name, schema: found };
  };
  const close = (given: unknown, depth: number): unknown => {
    if (depth > depthMax) throw refuse(`it is more than ${depthMax} levels deep`);
    if (Array.isArray(given)) return given.map((one) => close(one, depth + 1));
    if (typeof given !== 'object' || given === null) return given;
    const one = given as Schema;
    if (one['$ref'] !== undefined) {
      const { name, schema: target } = resolve(one['$ref']);
      if (!names.has(name)) {
        names.set(name, null);
        defs[name] = close(target, depth + 1) as Schema;
      }
      return { $ref: `#/$defs/${name}` };
    }
    if (Array.isArray(one['allOf'])) return close(merge(one, depth), depth + 1);
    const { properties, nullable, ...rest } = one;
    const plain = Object.fromEntries(Object.entries(rest).filter(([key]) => !ignored.has(key)).map(([key, value]) => [key, literal.has(key) ? value : close(value, depth + 1)]));
    const closed = typeof properties === 'object' && properties !== null ? { ...plain, ...closeObject(properties as Record<string, Schema>, one, (inner) => close(inner, depth + 1)) } : plain;
    return nullable === true ? { anyOf: [closed, { type: 'null' }] } : closed;
  };
  /** One object with the fields of all parts: closed parts would refuse each other's. */
  const merge = (one: Schema, depth: number): Schema => {
    if (depth > depthMax) throw refuse(`it is more than ${depthMax} levels deep`);
    const { allOf, ...own } = one;
    const parts = [own, ...(allOf as Schema[])].map((part) => (part['$ref'] === undefined ? part : resolve(part['$ref']).schema)).map((part) => (Array.isArray(part['allOf']) ? merge(part, depth + 1) : part));
    if (parts.some((part) => Object.keys(part).some((key) => !['type', 'properties', 'required', 'additionalProperties', 'nullable'].includes(key) && !ignored.has(key)))) throw refuse("'allOf' joins more than the fields of objects");
    return { type: 'object', properties: Object.assign({}, ...parts.map((part) => part['properties'] ?? {})) as Schema, required: [...new Set(parts.flatMap((part) => (part['required'] as string[] | undefined) ?? []))] };
  };

  try {
    const top = close(withoutField(schema['$ref'] === undefined ? schema : resolve(schema['$ref']).schema, without), 0) as Schema;
    return z.fromJSONSchema({ ...top, ...(Object.keys(defs).length === 0 ? {} : { $defs: defs }) });
  } catch (error) {
    throw error instanceof KeelsonError ? error : refuse((error as Error).message);
  }
}

/** They describe, and check nothing. */
const ignored = new Set(['title', 'description', 'example', 'examples', 'deprecated', 'externalDocs', 'xml', 'discriminator', 'writeOnly', 'readOnly', '$defs', 'definitions', '$schema', '$comment']);
const literal = new Set(['enum', 'const', 'default', 'required']);

/** What the server alone writes is no field of a request. */
function closeObject(properties: Record<string, Schema>, { required }: Schema, close: (inner: Schema) => unknown): Schema {
  const kept = Object.entries(properties).filter(([, inner]) => inner['readOnly'] !== true);
  const names = kept.map(([name]) => name);
  return {
    type: 'object', additionalProperties: false,
    properties: Object.fromEntries(kept.map(([name, inner]) => [name, close(inner)])),
    required: ((required as string[] | undefined) ?? []).filter((name) => names.includes(name)),
  };
}

function withoutField(schema: Schema, name: string | undefined): Schema {
  if (name === undefined) return schema;
  const { [name]: _, ...properties } = (schema['properties'] as Record<string, unknown> | undefined) ?? {};
  return { ...schema, properties, required: ((schema['required'] as string[] | undefined) ?? []).filter((one) => one !== name) };
}
