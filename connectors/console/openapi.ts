// The table of routes as an OpenAPI 3.1 document, whose schemas are JSON Schema as zod writes it.
import { z } from 'zod';
import type { RawRoute, Route } from './route.ts';

const failure = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) });

/** `raw`: routes of which only the name and who may ask is said. */
export function toOpenApi(routes: readonly Route[], { version, raw }: { version: string; raw: readonly RawRoute[] }): object {
  const paths: Record<string, Record<string, object>> = {};
  const schemas: Record<string, object> = {};
  const json = (schema: z.ZodType, io: 'input' | 'output') => ({ 'application/json': { schema: toSchema(schema, io, schemas) } });
  for (const { method, path, summary, who } of raw) (paths[named(path)] ??= {})[method] = { summary, ...security(who), ...(namesIn(path).length > 0 ? { parameters: namesIn(path) } : {}), responses: { default: { description: 'As its type says.' } } };
  for (const { method, path, summary, who, body, query, answer } of routes) {
    const { properties = {}, required = [] } = toSchema(query, 'input', schemas) as { properties?: Record<string, object>; required?: string[] };
    const asked = Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }));
    const parameters = [...namesIn(path), ...asked];
    (paths[named(path)] ??= {})[method] = {
      summary, ...security(who),
      ...(parameters.length > 0 ? { parameters } : {}),
      ...(body ? { requestBody: { required: true, content: json(body, 'input') } } : {}),
      responses: { 200: { description: 'It was done, or this is what is known.', content: json(answer, 'output') }, default: { description: 'It was not done, and why.', content: json(failure, 'output') } },
    };
  }
  return { openapi: '3.1.0', info: { title: 'Keelson', version, description: 'The operating system of a one-person company.' }, components: { schemas, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }, paths };
}

const named = (path: string) => path.replaceAll(/:(\w+)/g, '{$1}');
const namesIn = (path: string) => Array.from(path.matchAll(/:(\w+)/g), ([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
const security = (who: Route['who']) => ({ security: [{ token: [] }], ...(who === 'operator' ? { description: 'The operator\'s alone: an automation token is refused.' } : {}) });

/** What a schema names for itself goes to `schemas`: in the whole document its own `#/$defs` would lead nowhere. */
function toSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, object>): object {
  const { $schema: _, $defs = {}, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  const begin = Object.keys(schemas).length;
  const places = new Map(Object.keys($defs).map((key, i) => [`#/$defs/${key}`, `Part${begin + i + 1}`]));
  const moved = (part: object) => JSON.parse(JSON.stringify(part), (key, value: unknown) => (key === '$ref' && places.has(String(value)) ? `#/components/schemas/${places.get(String(value))}` : value)) as object;
  for (const [key, part] of Object.entries($defs)) schemas[places.get(`#/$defs/${key}`)!] = moved(part);
  return moved(rest);
}
