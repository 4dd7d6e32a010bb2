// Operations of an OpenAPI 3 file as declared calls. The file says what a request looks like; what may be done with it, and on which
// server, say the operator's settings alone.
import { KeelsonError } from '#machines/errors.ts';
import type { ApiSettings, CallSettings } from './settings.ts';

type Json = Record<string, unknown>;
export interface DeclaredCall { call: CallSettings; definitions: Record<string, Json> }

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
const bytesMax = 10_000_000;

/** Throws BAD_CONFIG, with the operation it is about. */
export function callsFromOpenApi(text: string, { openapi: file, server, operations }: ApiSettings): DeclaredCall[] {
  const document = parse(text, file);
  const definitions = ((document['components'] as Json | undefined)?.['schemas'] ?? {}) as Record<string, Json>;
  const declared = new Map(Object.entries((document['paths'] ?? {}) as Record<string, Json>).flatMap(([path, item]) => methods.flatMap((method) => {
    const operation = item[method] as Json | undefined;
    return operation === undefined ? [] : [[String(operation['operationId']), { path, method, item, operation }] as const];
  })));
  return Object.entries(operations).map(([operationId, { name, ...manner }]) => {
    const refuse = (why: string) => new KeelsonError('BAD_CONFIG', `the operation '${operationId}' of ${file} cannot be called: ${why}`);
    const found = declared.get(operationId);
    if (found === undefined) throw refuse('the file has no such operationId');
    const { path, method, item, operation } = found;
    const given = [...list(item['parameters']), ...list(operation['parameters'])].map((one) => resolve(document, one, refuse));
    const refused = given.find((one) => one['required'] === true && !isUsable(one));
    if (refused !== undefined) throw refuse(`its parameter '${String(refused['name'])}' is needed, and is no plain value in path or query; declare the call under 'calls' instead`);
    // What an operation says of a parameter replaces what its path says.
    const usable = new Map(given.filter(isUsable).map((one) => [String(one['name']), one]));
    const query = [...usable.values()].filter((one) => one['in'] === 'query').map((one) => `${encodeURIComponent(String(one['name']))}={${String(one['name'])}${one['required'] === true ? '' : '?'}}`);
    const body = operation['requestBody'] === undefined ? undefined : resolve(document, operation['requestBody'], refuse);
    const bodySchema = body === undefined ? undefined : ((body['content'] as Json | undefined)?.['application/json'] as Json | undefined)?.['schema'];
    if (body !== undefined && bodySchema === undefined) throw refuse('its body is not JSON');
    const call: CallSettings = {
      ...manner,
      name: name ?? kebab(operationId), method: method.toUpperCase() as CallSettings['method'],
      title: manner.title ?? (typeof operation['summary'] === 'string' ? operation['summary'].replace(/\s+/g, ' ').trim().slice(0, 200) || undefined : undefined),
      url: `${server.replace(/\/$/, '')}${path}${query.length === 0 ? '' : `?${query.join('&')}`}`,
      params: Object.fromEntries([...usable].map(([key, one]) => [key, schemaOf(one) as CallSettings['params'][string]])),
      ...(bodySchema === undefined ? {} : { body: bodySchema as CallSettings['params'][string] }),
    };
    return { call, definitions };
  });
}

function parse(text: string, file: string): Json {
  if (text.length > bytesMax) throw new KeelsonError('BAD_CONFIG', `${file} has more than ${bytesMax} characters`);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new KeelsonError('BAD_CONFIG', `${file} is not JSON; save the OpenAPI file as JSON, YAML is not read`, { cause: error });
  }
  if (!String((document as Json | null)?.['openapi']).startsWith('3.')) throw new KeelsonError('BAD_CONFIG', `${file} is no OpenAPI 3 file`);
  return document as Json;
}

function resolve(document: Json, one: unknown, refuse: (why: string) => KeelsonError): Json {
  const ref = (one as Json)['$ref'];
  if (ref === undefined) return one as Json;
  const [, kind = '', name = ''] = /^#\/components\/(parameters|requestBodies)\/([\w.-]+)$/.exec(typeof ref === 'string' ? ref : '') ?? [];
  const found = ((document['components'] as Json | undefined)?.[kind] as Record<string, Json> | undefined)?.[name];
  if (found === undefined || found['$ref'] !== undefined) throw refuse(`${JSON.stringify(ref).slice(0, 100)} leads nowhere in this file`);
  return found;
}

const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const schemaOf = (parameter: Json): Json => (parameter['schema'] ?? {}) as Json;
const isUsable = (parameter: Json): boolean => ['path', 'query'].includes(String(parameter['in'])) && /^[A-Za-z_][\w-]*$/.test(String(parameter['name'])) && isScalar(schemaOf(parameter));
const isScalar = (schema: Json): boolean => ['string', 'integer', 'number', 'boolean'].includes(String(schema['type'])) || Array.isArray(schema['enum']);
const kebab = (operationId: string): string => operationId.replace(/([a-z0-9])([A-Z])/g, '$1-$2').replace(/[^A-Za-z0-9]+/g, '-').toLowerCase().replace(/^-|-$/g, '').slice(0, 40);
