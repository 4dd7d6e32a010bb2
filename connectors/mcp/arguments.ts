// The arguments of a tool, checked by the JSON Schema that its server gives. The schema is foreign text as well, so it is rewritten
// first: known keywords only, references put in their place, objects closed (an unknown field would be approved without meaning
// anything), and no regular expressions, which could take for ever; the server checks those itself.
import { z } from 'zod';

type Schema = Record<string, unknown>;
const plain = ['type', 'enum', 'const', 'minLength', 'maxLength', 'format', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties', 'required'];
const ignored = /^(?:title|description|default|examples|\$schema|\$id|id|\$comment|deprecated|readOnly|writeOnly|pattern|contentEncoding|contentMediaType|\$defs|definitions|x-.*)$/;
const limits = { nodes: 2_000, depth: 30 } as const;

/** Throws an Error that says what cannot be checked. */
export function argumentsSchema(inputSchema: unknown): z.ZodType<Schema> {
  if (!isSchema(inputSchema)) throw new Error('expected a JSON Schema');
  const root = rewrite(inputSchema, { root: inputSchema, nodes: 0 }, 0);
  if (root['type'] !== 'object') throw new Error('expected arguments of type object');
  const isOpen = root['properties'] === undefined && root['additionalProperties'] === undefined;
  return z.fromJSONSchema((isOpen ? { ...root, properties: {}, additionalProperties: false } : root)) as z.ZodType<Schema>;
}

interface Walk { root: Schema; nodes: number }

function rewrite(schema: unknown, walk: Walk, depth: number): Schema {
  if (schema === true) return {};
  if (!isSchema(schema)) throw new Error(`expected a JSON Schema at depth ${depth}`);
  // Counted where it is used, so that a reference to itself, or one to many of many, ends here.
  if (++walk.nodes > limits.nodes || depth > limits.depth) throw new Error('it is too large, or refers to itself');
  const inner = (value: unknown) => rewrite(value, walk, depth + 1);
  if (typeof schema['$ref'] === 'string') return inner(resolve(schema['$ref'], walk.root));
  const all: unknown = schema['allOf'];
  if (Array.isArray(all)) {
    const { allOf: _, ...beside } = schema;
    if (all.length !== 1 || Object.keys(beside).some((key) => !ignored.test(key))) throw new Error("'allOf' with more than one part is not understood");
    return inner(all[0]);
  }
  const out: Schema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (plain.includes(key)) out[key] = value;
    else if (key === 'properties') out[key] = Object.fromEntries(Object.entries(object(value, key)).map(([name, one]) => [name, inner(one)]));
    else if (key === 'items') out[key] = inner(value);
    else if (key === 'additionalProperties') out[key] = typeof value === 'boolean' ? value : inner(value);
    else if (key === 'anyOf' || key === 'oneOf' || key === 'prefixItems') out[key] = list(value, key).map(inner);
    else if (!ignored.test(key)) throw new Error(`'${key.slice(0, 40)}' is not understood`);
  }
  const types = Array.isArray(out['type']) ? (out['type'] as unknown[]) : [];
  if (new Set(types).size !== types.length) throw new Error("'type' names one type twice");
  if (out['properties'] !== undefined && typeof out['additionalProperties'] !== 'object') out['additionalProperties'] = false;
  return out;
}

function resolve(ref: string, root: Schema): unknown {
  const [, place = '', name = ''] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(ref) ?? [];
  const found = place === '' ? undefined : object(root[place], place)[decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')];
  if (found === undefined) throw new Error(`the reference '${ref.slice(0, 80)}' leads nowhere`);
  return found;
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);

function object(value: unknown, key: string): Schema {
  if (!isSchema(value)) throw new Error(`'${key}' is no object`);
  return value;
}

function list(value: unknown, key: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`'${key}' is no list`);
  return value;
}
