// Goal: a declaration that cannot be kept is refused when the server starts, in one line that names the call; and an OpenAPI file says
// what a request looks like, never where it goes or what it may do.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action } from '#connectors/connector.ts';
import { createHttpConnector, settingsSchema } from '#connectors/http/connector.ts';
import { connectorContract } from '#test/contract/connector.ts';

const make = (settings: object, files: Record<string, string> = {}) => createHttpConnector(settingsSchema.parse(settings), { secrets: {}, readText: (file) => files[file] ?? assert.fail(file) });
const get = { name: 'get', method: 'GET', url: 'https://desk.example/a' };
const post = { name: 'post', method: 'POST', url: 'https://desk.example/a', body: { type: 'object', properties: { to: { type: 'string' } } } };

test('a call that can never be made as declared is refused, with its name or its address', () => {
  const cases: [RegExp, object][] = [
    ...['desk.example/a', 'ftp://desk.example/', 'https://{host}/a', 'https://desk.example{path}', 'https://desk.example/a#b', 'https://desk.example/../a', 'https://desk.example/a/./b', 'https://desk.example/{a?}', 'https://desk.example/{a', 'https://desk.example/{a b}', 'https://desk.example/?{a}', 'https://desk.example/?{a}=1', 'https://user@desk.example/', 'https://2130706433/', 'https://desk.example./'].map((url): [RegExp, object] => [/address .* of a call cannot be used/, { ...get, url }]),
    [/'b' does not stand in its address/, { ...get, params: { b: { type: 'string' } } }],
    [/GET has no body/, { ...get, body: { type: 'object' } }],
    [/needs an 'idempotencyHeader'/, { ...post, money: { amountMinor: 'body.a', currency: 'body.b', payee: 'body.to' } }],
    [/'operationField' and no body/, { ...get, method: 'DELETE', operationField: 'x' }],
    [/does not carry the operation/, { ...post, lookup: { url: 'https://desk.example/b' } }],
    [/asks another host/, { ...post, operationField: 'ref', lookup: { url: 'https://other.example/{operation}' } }],
    [/needs 'id', which the call does not have/, { ...post, operationField: 'ref', lookup: { url: 'https://desk.example/{id}' } }],
    [/'params.to' is no part/, { ...post, control: [{ field: 'params.to', kind: 'recipient' }] }],
    [/'body.to' is no part/, { ...get, control: [{ field: 'body.to', kind: 'recipient' }] }],
    [/header 'cookie' may not be set/, { ...get, headers: { Cookie: 'a=b' } }],
    [/header 'host' may not be set/, { ...post, idempotencyHeader: 'Host' }],
    [/holds a line break/, { ...get, headers: { 'X-A': 'a\r\nb: c' } }],
    [/the body of http.post cannot be checked/, { ...post, body: { type: 'object', properties: { a: { $ref: '#/components/schemas/Nowhere' } } } }],
    [/the body of http.post cannot be checked/, { ...post, body: { type: 'object', dependentRequired: { a: ['b'] } } }],
    [/the body of http.post cannot be checked/, { ...post, body: { type: 'object', properties: { a: { $ref: 'https://evil.example/schema.json' } } } }],
  ];
  for (const [why, call] of cases) assert.throws(() => make({ calls: [call] }), (error: Error & { code?: string }) => error.code === 'BAD_CONFIG' && why.test(error.message), JSON.stringify(call));
  assert.throws(() => make({ calls: [get, get] }), /the name 'get'/);
  for (const call of [{ ...get, extra: 1 }, { ...get, name: 'Get it' }, { ...get, method: 'TRACE' }, { ...post, control: [{ field: 'body.to', kind: 'host' }] }, { ...post, control: [{ field: 'to', kind: 'payee' }] }]) assert.equal(settingsSchema.safeParse({ calls: [call] }).success, false, JSON.stringify(call));
});

test('another declaration is another version, because something else would be approved', () => {
  const version = (call: object) => make({ calls: [call] }).version;
  assert.equal(version(get), version({ ...get }));
  assert.notEqual(version(get), version({ ...get, url: 'https://desk.example/b' }));
  assert.notEqual(version(post), version({ ...post, body: { type: 'object' } }));
});

const shop = {
  openapi: '3.0.3',
  servers: [{ url: 'https://evil.example' }],
  paths: {
    '/orders/{orderId}': {
      parameters: [{ name: 'orderId', in: 'path', required: true, schema: { type: 'string', pattern: '^o-[0-9]+$' } }],
      get: { operationId: 'getOrder', summary: 'One\n order', parameters: [{ name: 'lang', in: 'query', schema: { type: 'string', enum: ['de', 'en'] } }, { $ref: '#/components/parameters/Trace' }, { name: 'filter[a]', in: 'query', schema: { type: 'string' } }] },
      delete: { operationId: 'cancelOrder', responses: {} },
    },
    '/orders': {
      post: { operationId: 'createOrder', requestBody: { $ref: '#/components/requestBodies/Order' } },
      put: { operationId: 'replaceAll', parameters: [{ name: 'X-Tenant', in: 'header', required: true, schema: { type: 'string' } }] },
      patch: { operationId: 'upload', requestBody: { content: { 'multipart/form-data': { schema: {} } } } },
    },
  },
  components: {
    parameters: { Trace: { name: 'X-Trace', in: 'header', schema: { type: 'string' } } },
    requestBodies: { Order: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } } } },
    schemas: {
      Base: { type: 'object', properties: { id: { type: 'string', readOnly: true }, note: { type: 'string', nullable: true } }, required: ['id', 'note'] },
      Order: { allOf: [{ $ref: '#/components/schemas/Base' }, { type: 'object', description: 'x', properties: { lines: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/Line' } } }, required: ['lines'] }] },
      Line: { type: 'object', properties: { sku: { type: 'string', example: 'a' }, amount: { type: 'integer', format: 'int64' }, price: { type: 'number', format: 'double' }, parts: { type: 'array', items: { $ref: '#/components/schemas/Line' } } }, required: ['sku', 'amount'] },
    },
  },
};
const api = (operations: object, more: object = {}) => ({ apis: [{ openapi: 'shop.json', server: 'https://api.shop.example/v2/', operations, ...more }] });
const files = { 'shop.json': JSON.stringify(shop) };

test('operations of an OpenAPI file become calls to the server that the settings name', async (t) => {
  const connector = make(api({ getOrder: {}, createOrder: { name: 'order', control: [{ field: 'body.note', kind: 'recipient' }], idempotencyHeader: 'Idempotency-Key', risk: 'medium' }, cancelOrder: { reversible: true } }), files);
  const order = { note: null, lines: [{ sku: 'a', amount: 2, parts: [{ sku: 'b', amount: 1 }] }] };
  await connectorContract(t, {
    connector,
    good: { 'http.get-order': { params: { orderId: 'o-7', lang: 'de' } }, 'http.order': { body: order }, 'http.cancel-order': { params: { orderId: 'o-7' } } },
    bad: {
      'http.get-order': [{ params: { orderId: '../users' } }, { params: { orderId: 'o-7', lang: 'fr' } }, { params: { orderId: 'o-7', 'filter[a]': 'x' } }, { params: {} }],
      'http.order': [{ body: { ...order, id: 'mine' } }, { body: { lines: order.lines } }, { body: { ...order, lines: [] } }, { body: { ...order, admin: true } }, { body: { note: null, lines: [{ sku: 'a', amount: 2, parts: [{ sku: 'b', amount: 1, x: 1 }] }] } }, { body: { ...order, lines: [{ sku: 'a', amount: 1.5 }] } }],
    },
  });
  assert.deepEqual(connector.hosts, ['api.shop.example']);
  const [one, , three] = connector.actions as unknown as Action<unknown>[];
  assert.deepEqual([one?.title, one?.effect, one?.risk, three?.effect, three?.risk, three?.reversible], ['One order', 'read', 'low', 'write', 'high', true]);
  assert.match((await one!.plan({ params: { orderId: 'o-7', lang: 'de' } }, { operationId: 'op-1', documents: { read: () => assert.fail(), keep: () => assert.fail() } })).preview, /^GET https:\/\/api\.shop\.example\/v2\/orders\/o-7\?lang=de\n/);
});

test('what an OpenAPI file cannot say plainly is refused with its name', () => {
  for (const [why, operations] of [[/'nothing' .* no such operationId/, { nothing: {} }], [/'X-Tenant' is needed/, { replaceAll: {} }], [/its body is not JSON/, { upload: {} }]] as const) assert.throws(() => make(api(operations), files), why);
  for (const [why, text] of [[/not JSON; save the OpenAPI file as JSON/, 'openapi: 3.0.0\npaths: {}'], [/no OpenAPI 3 file/, '{"swagger":"2.0"}'], [/no OpenAPI 3 file/, 'null']] as const) assert.throws(() => make(api({}), { 'shop.json': text }), why);
  for (const openapi of ['../shop.json', '/etc/passwd', 'a/b.json', 'shop.yaml']) assert.equal(settingsSchema.safeParse(api({}, { openapi })).success, false, openapi);
});
