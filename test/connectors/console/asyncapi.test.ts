// Goal: the two documents that describe what Keelson takes are complete and right, so that other programs can be made from them. Method: the
// structure that AsyncAPI 3.0 and OpenAPI 3.1 require, every reference resolved, and real messages against the schemas.
import assert from 'node:assert/strict';
import test from 'node:test';
import { subjectNames } from '#actors/bus-subjects.ts';
import { toAsyncApi } from '#connectors/console/asyncapi.ts';
import { toOpenApi } from '#connectors/console/openapi.ts';
import { commandRoutes, type Ports } from '#connectors/console/routes.ts';
import { queries } from '#store/queries.ts';

interface Channel { address: string | null; parameters?: Record<string, unknown>; messages: Record<string, unknown> }
interface Operation { action: string; channel: { $ref: string }; messages: { $ref: string }[]; reply?: { channel: { $ref: string }; messages: { $ref: string }[] } }
interface Schema { type?: string; properties?: Record<string, Schema>; oneOf?: Schema[]; anyOf?: Schema[]; required?: string[]; enum?: unknown[]; const?: unknown }
interface AsyncApi { asyncapi: string; info: { title: string; version: string }; channels: Record<string, Channel>; operations: Record<string, Operation>; components: { messages: Record<string, { name: string; payload: Schema; headers?: Schema }> } }

const document = JSON.parse(JSON.stringify(toAsyncApi({ version: '1.2.3', queries: Object.keys(queries) }))) as AsyncApi;

function refsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' && typeof inner === 'string' ? [inner] : refsOf(inner)));
}
const resolve = (root: unknown, ref: string): unknown => ref.replace(/^#\//, '').split('/').reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')], root);

test('the AsyncAPI document has what AsyncAPI 3.0 requires', () => {
  assert.deepEqual([document.asyncapi, document.info.title, document.info.version], ['3.0.0', 'Keelson', '1.2.3']);
  for (const [name, { address, parameters = {}, messages }] of Object.entries(document.channels)) {
    assert.deepEqual(Object.keys(parameters), Array.from((address ?? '').matchAll(/\{(\w+)\}/g), ([, parameter]) => parameter), `parameters of ${name}`);
    assert.ok(Object.keys(messages).length > 0, name);
  }
  for (const [name, { action, channel, messages, reply }] of Object.entries(document.operations)) {
    assert.ok(['send', 'receive'].includes(action), name);
    for (const part of [{ channel, messages }, ...(reply ? [reply] : [])]) for (const { $ref } of part.messages) assert.ok($ref.startsWith(`${part.channel.$ref}/messages/`), `${name}: ${$ref} is no message of its channel`);
  }
  for (const [name, message] of Object.entries(document.components.messages)) assert.deepEqual([message.name, typeof message.payload], [name, 'object']);
});

test('every reference of the AsyncAPI document leads somewhere', () => {
  const refs = refsOf(document);
  assert.ok(refs.length > 20);
  for (const ref of refs) assert.notEqual(resolve(document, ref), undefined, ref);
});

test('its channels are the subjects that the bus uses', () => {
  const names = subjectNames('acme');
  const fill = (name: string, values: Record<string, string>) => document.channels[name]!.address!.replaceAll(/\{(\w+)\}/g, (_, key: string) => values[key]!);
  assert.equal(fill('mailbox', { company: 'acme', toType: 'order', toKey: '1', fromType: 'shop', fromKey: 'main' }), names.mailbox('order/1', 'shop/main'));
  assert.equal(fill('applied', { company: 'acme', fromType: 'shop', fromKey: 'main' }), names.applied('shop/main'));
  assert.equal(fill('jobs', { company: 'acme', activity: 'mail-send' }), names.queue('mail-send'));
  assert.deepEqual(['changes', 'query'].map((name) => fill(name, { company: 'acme' })), [names.changes, names.query]);
});

test('its messages are the kinds that travel, and its questions the named reads', () => {
  const { messages } = document.components;
  assert.deepEqual(Object.keys(messages).slice(0, 7), ['start', 'event', 'timer', 'done', 'error', 'stop', 'next']);
  for (const kind of ['start', 'event', 'job']) assert.deepEqual([messages[kind]!.payload.properties?.['kind']?.const, messages[kind]!.headers?.required], [kind, ['ce-id']]);
  assert.deepEqual(messages['ask']!.payload.properties?.['name']?.enum, Object.keys(queries));
});

test('the OpenAPI document names every parameter of a path, every answer, and resolves', () => {
  const routes = commandRoutes({} as Ports);
  const open = JSON.parse(JSON.stringify(toOpenApi(routes, { version: '1.2.3', raw: [] }))) as { openapi: string; paths: Record<string, Record<string, { parameters?: { name: string; in: string; required: boolean }[]; responses: Record<string, { description: string }> }>> };
  assert.equal(open.openapi, '3.1.0');
  assert.equal(Object.values(open.paths).flatMap((path) => Object.keys(path)).length, routes.length);
  for (const [path, methods] of Object.entries(open.paths)) {
    for (const { parameters = [], responses } of Object.values(methods)) {
      assert.deepEqual(parameters.filter((one) => one.in === 'path').map(({ name }) => name), Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name), path);
      assert.ok(Object.values(responses).every(({ description }) => description !== ''));
    }
  }
  for (const ref of refsOf(open)) assert.notEqual(resolve(open, ref), undefined, ref);
});
