// The table of routes as an OpenAPI 3.1 document, whose schemas are JSON Schema as zod writes it.
import { z } from 'zod';
import type { Route } from './route.ts';

const failure = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) });
const json = (schema: z.ZodType, io: 'input' | 'output') => ({ 'application/json': { schema: toSchema(schema, io) } });

export function toOpenApi(routes: readonly Route[], { version }: { version: string }): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, summary, who, body, query, answer } of routes) {
    const named = Array.from(path.matchAll(/:(\w+)/g), ([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
    const { properties = {}, required = [] } = toSchema(query, 'input') as { properties?: Record<string, object>; required?: string[] };
    const asked = Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }));
    (paths[path.replaceAll(/:(\w+)/g, '{$1}')] ??= {})[method] = {
      summary, security: [{ token: [] }], ...(who === 'operator' ? { description: 'The operator\'s alone: an automation token is refused.' } : {}),
      ...(named.length + asked.length > 0 ? { parameters: [...named, ...asked] } : {}),
      ...(body ? { requestBody: { required: true, content: json(body, 'input') } } : {}),
      responses: { 200: { description: 'It was done, or this is what is known.', content: json(answer, 'output') }, default: { description: 'It was not done, and why.', content: json(failure, 'output') } },
    };
  }
  return { openapi: '3.1.0', info: { title: 'Keelson', version, description: 'The operating system of a one-person company.' }, components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }, paths };
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
