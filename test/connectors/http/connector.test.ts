// Goal: a declared call does what its declaration says and nothing else, and whatever a server does ends in a named state, done at most
// once. Method: the contract suite through a real nginx that stands before a server with keys and a memory, then that server's bad days.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Action, Call } from '#connectors/connector.ts';
import { createHttpConnector, settingsSchema } from '#connectors/http/connector.ts';
import { KeelsonError } from '#machines/errors.ts';
import { connectorContract } from '#test/contract/connector.ts';
import { nginxMissing, startNginx } from '#test/kit/nginx.ts';
import { startRude, type RudeServer } from '#test/kit/rude-http.ts';
import type { z } from 'zod';

const skip = nginxMissing() ?? false;
const token = 'desk-TOKEN-9f3c"7a';
const ports = { secrets: { DESK_TOKEN: token }, readText: () => '' };
const nowMs = () => Date.UTC(2026, 0, 1);

type Settings = z.input<typeof settingsSchema>;
const connectorFor = (host: string, calls: NonNullable<Settings['calls']>, more: Partial<Settings> = {}) => createHttpConnector(settingsSchema.parse({ calls, allowPrivate: [host], ...more }), ports);
const actionOf = (connector: { actions: unknown[] }, name: string): Action<unknown> => (connector.actions as Action<unknown>[]).find((one) => one.name === name) ?? assert.fail(name);
const call = (operationId: string, signal = new AbortController().signal): Call & { reservation: null } => ({ operationId, signal, nowMs, reservation: null, documents: { read: () => assert.fail(), keep: () => assert.fail() } });
const failure = async (work: Promise<unknown>): Promise<KeelsonError> => {
  const error = await work.then((value) => assert.fail(`it succeeded: ${JSON.stringify(value)}`), (thrown: unknown) => thrown);
  assert.ok(error instanceof KeelsonError, String(error));
  return error;
};

const ticketBody = { type: 'object', properties: { subject: { type: 'string', minLength: 1 }, mail: { type: 'string', format: 'email' }, tags: { type: 'array', items: { type: 'string' } } }, required: ['subject', 'mail'] };
const secretHeader = { header: 'Authorization', secret: 'DESK_TOKEN', prefix: 'Bearer ' };
const callsAt = (url: string): NonNullable<Settings['calls']> => [
  { name: 'find', method: 'GET', url: `${url}/projects/{project}/tickets?state={state?}`, secretHeader },
  { name: 'create', title: 'Open a ticket', method: 'POST', url: `${url}/projects/{project}/tickets`, body: ticketBody, risk: 'medium', secretHeader, idempotencyHeader: 'Idempotency-Key', ref: 'id', control: [{ field: 'body.mail', kind: 'recipient' }, { field: 'params.project', kind: 'account', vouched: ['keel'] }] },
  { name: 'note', method: 'POST', url: `${url}/notes`, body: ticketBody, operationField: 'marker', lookup: { url: `${url}/notes?marker={operation}`, items: 'notes', ref: 'notes.0.id' }, ref: 'id', control: [{ field: 'body.mail', kind: 'recipient' }] },
  { name: 'transfer', method: 'POST', url: `${url}/transfers`, idempotencyHeader: 'Idempotency-Key', ref: 'id', money: { amountMinor: 'body.amount', currency: 'body.currency', payee: 'body.iban' }, body: { type: 'object', properties: { amount: { type: 'integer' }, currency: { type: 'string' }, iban: { type: 'string' } }, required: ['amount', 'currency', 'iban'] } },
];
const good = {
  'http.find': { params: { project: 'keel', state: 'open & shut' } },
  'http.create': { params: { project: 'keel' }, body: { subject: 'Rudder', mail: 'Nina@holt.example', tags: ['a'] } },
  'http.note': { body: { subject: 'Rudder', mail: 'nina@holt.example' } },
  'http.transfer': { body: { amount: 11_900, currency: 'EUR', iban: 'DE02120300000000202051' } },
};

/** Does one thing per key and remembers markers; asks for the token. Silent and forgetful when told. */
async function startDesk(t: TestContext): Promise<RudeServer & { executed(): number; mode(next: 'normal' | 'drop' | 'silent'): Promise<unknown> }> {
  const done = new Map<string, string>();
  const markers = new Map<string, string>();
  let [executed, mode, reached] = [0, 'normal', Promise.withResolvers<unknown>()];
  const desk = await startRude((response, { method, path, headers, body }) => {
    const json = (status: number, value: unknown): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (mode === 'silent') return reached.resolve(null);
    if (path.startsWith('/projects') && headers.authorization !== `Bearer ${token}`) return json(401, { message: `bad token ${headers.authorization}` });
    if (method === 'GET') return json(200, { echo: headers.authorization ?? null, notes: [...markers].filter(([marker]) => path.endsWith(marker)).map(([, id]) => ({ id })) });
    const key = String(headers['idempotency-key'] ?? '');
    const before = done.get(key);
    if (before !== undefined) return json(200, { id: before });
    executed += 1;
    const id = `t-${executed}`;
    if (key !== '') done.set(key, id);
    const { marker } = JSON.parse(body) as { marker?: string };
    if (marker !== undefined) markers.set(marker, id);
    if (mode === 'drop') return void ((mode = 'normal'), response.destroy());
    json(201, { id });
  });
  t.after(desk.stop);
  return { ...desk, executed: () => executed, mode: (next) => ((mode = next), (reached = Promise.withResolvers()), reached.promise) };
}

test('the http connector keeps the contract, through nginx', { skip }, async (t) => {
  const desk = await startDesk(t);
  const nginx = await startNginx({ locations: `location / { proxy_pass ${desk.url}; proxy_next_upstream off; }` });
  t.after(nginx.stop);
  await connectorContract(t, {
    connector: connectorFor(nginx.host, callsAt(nginx.url)), secrets: { DESK_TOKEN: token }, good, nowMs,
    bad: {
      'http.find': [{}, { params: {} }, { params: { project: 'keel', more: 1 } }, { params: { project: ['keel'] } }, { params: { project: 'keel' }, body: {} }, { params: { project: 'keel' }, url: 'https://evil.example' }, ...climbs.map((project) => ({ params: { project } }))],
      'http.create': [{ params: { project: 'keel' } }, { params: { project: 'keel' }, body: { subject: 'x', mail: 'no mail' } }, { params: { project: 'keel' }, body: { subject: 'x', mail: 'a@b.example', admin: true } }, { params: { project: 'keel', operation: 'x' }, body: { subject: 'x', mail: 'a@b.example' } }],
      'http.note': [{ body: { subject: 'x', mail: 'a@b.example', marker: 'mine' } }],
      'http.transfer': [-1, 0, 1.5, '100', 2 ** 53].map((amount) => ({ body: { amount, currency: 'EUR', iban: 'DE02' } })),
    },
    provider: { executed: desk.executed, loseNextReply: () => void desk.mode('drop'), silence: () => ({ reached: desk.mode('silent'), end: () => void desk.mode('normal') }) },
  });
  assert.ok(nginx.requests().includes('GET /projects/keel/tickets?state=open%20%26%20shut HTTP/1.1'), nginx.requests().join('\n'));
});

const climbs = ['..', '.', '', '../admin', 'a/../../admin', '..%2fadmin', '%2e%2e', 'a%2fb', 'a\\..\\b', 'a/b', 'x?admin=1', 'x#y', 'a;b=c', 'a\0', 'a\r\nHost: evil.example', '....//', '\u{d800}', 'a'.repeat(400)];

test('a parameter stays in its place, whatever it is', async (t) => {
  const server = await startRude((response) => void response.end('{}'));
  t.after(server.stop);
  const find = actionOf(connectorFor(server.host, [{ name: 'find', method: 'GET', url: `${server.url}/p/{project}.json?q={q?}&fixed=1` }]), 'http.find');
  for (const project of climbs) assert.equal((await failure(find.commit({ params: { project } }, call('op-1')))).code, 'REFUSED', project);
  assert.equal(server.connections(), 0);
  const sent: [object, string][] = [
    [{ project: 'a b' }, '/p/a%20b.json?fixed=1'], [{ project: 'ü@:' }, '/p/%C3%BC%40%3A.json?fixed=1'], [{ project: 7, q: 'a&fixed=2#x' }, '/p/7.json?q=a%26fixed%3D2%23x&fixed=1'],
    [{ project: '@evil.example', q: '../..' }, '/p/%40evil.example.json?q=..%2F..&fixed=1'], [{ project: "it's", q: '' }, "/p/it's.json?q=&fixed=1"],
  ];
  for (const [params, path] of sent) {
    await find.commit({ params }, call('op-1'));
    assert.equal(server.requests.at(-1)?.path, path);
  }
});

test('what must be vouched for is named, and the operator vouches for host and listed values alone', async () => {
  const connector = connectorFor('127.0.0.1:9', callsAt('http://127.0.0.1:9'));
  const plan = await actionOf(connector, 'http.create').plan(good['http.create'], call('op-1'));
  assert.deepEqual(plan.control, [
    { kind: 'host', field: 'host', value: '127.0.0.1:9', vouchedBy: 'declared in connectors/http.json' },
    { kind: 'recipient', field: 'body.mail', value: 'nina@holt.example', vouchedBy: null },
    { kind: 'account', field: 'params.project', value: 'keel', vouchedBy: 'listed in connectors/http.json' },
  ]);
  assert.match(plan.preview, /^POST http:\/\/127\.0\.0\.1:9\/projects\/keel\/tickets\n[^]*Idempotency-Key: op-1\n[^]*Authorization: \(the secret DESK_TOKEN\)\n\n\{\n {2}"subject": "Rudder"/);
  assert.equal((await actionOf(connector, 'http.create').plan({ ...good['http.create'], params: { project: 'other' } }, call('op-1'))).control[2]?.vouchedBy, null);
  const { money } = await actionOf(connector, 'http.transfer').plan(good['http.transfer'], call('op-1'));
  assert.deepEqual(money, { amountMinor: 11_900, currency: 'EUR', payee: 'DE02120300000000202051', moves: true });
});

test('what a server does on a bad day ends in one code, and is asked once', async (t) => {
  const server = await startRude();
  t.after(server.stop);
  const connector = connectorFor(server.host, [
    { name: 'write', method: 'POST', url: `${server.url}/w`, body: { type: 'object' }, maxMs: 1_500 },
    { name: 'read', method: 'GET', url: `${server.url}/r`, maxMs: 1_500 },
  ]);
  const days: [string, Parameters<RudeServer['behave']>[0], write: string, read: string][] = [
    ['wrong JSON', (response) => void response.end('{"id": '), 'SEND_UNKNOWN', 'SEND_REFUSED'],
    ['a login page', (response) => void response.end('<html>Please log in'), 'SEND_UNKNOWN', 'SEND_REFUSED'],
    ['100 MB', (response) => {
      const more = (left: number): void => void (response.destroyed || (left === 0 ? response.end() : response.write(Buffer.alloc(1_000_000, ' '), () => more(left - 1))));
      more(100);
    }, 'SEND_UNKNOWN', 'SEND_REFUSED'],
    ['never', () => {}, 'SEND_UNKNOWN', 'SEND_DEFERRED'],
    ['half an answer', (response) => void response.writeHead(201, { 'content-length': '100' }).write('{', () => response.destroy()), 'SEND_UNKNOWN', 'SEND_DEFERRED'],
    ['a reset', (response) => void response.socket?.resetAndDestroy(), 'SEND_UNKNOWN', 'SEND_DEFERRED'],
    ['500', (response) => void response.writeHead(500).end('oops'), 'SEND_UNKNOWN', 'SEND_DEFERRED'],
    ['a redirect', (response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(), 'SEND_UNKNOWN', 'SEND_REFUSED'],
    ['422', (response) => void response.writeHead(422).end('{"message":"no\u202e\\u0000\r\nsubject"}'), 'SEND_REFUSED', 'SEND_REFUSED'],
    ['429', (response) => void response.writeHead(429, { 'retry-after': '17' }).end(), 'SEND_DEFERRED', 'SEND_DEFERRED'],
  ];
  for (const [day, manners, write, read] of days) {
    server.behave(manners);
    const before = server.requests.length;
    const [wrote, asked] = [await failure(actionOf(connector, 'http.write').commit({ body: {} }, call('op-1'))), await failure(actionOf(connector, 'http.read').commit({}, call('op-2')))];
    assert.deepEqual([day, wrote.code, asked.code], [day, write, read], `${wrote.message} / ${asked.message}`);
    assert.equal(server.requests.length - before, 2, day);
    assert.doesNotMatch(wrote.message, /[\p{Cc}\u202e]/u, day);
    if (day === '429') assert.equal(wrote.retryAfterMs, 17_000);
  }
});

test('nginx: a storm of calls is held off by the server, and each is told when to come back', { skip }, async (t) => {
  const nginx = await startNginx({ http: 'limit_req_zone $binary_remote_addr zone=all:1m rate=1r/m;', files: { 'r.json': '{}' }, locations: 'location = /r.json { limit_req zone=all; limit_req_status 429; add_header Retry-After 60 always; }' });
  t.after(nginx.stop);
  const read = actionOf(connectorFor(nginx.host, [{ name: 'read', method: 'GET', url: `${nginx.url}/r.json` }]), 'http.read');
  const codes = await Promise.all(Array.from({ length: 20 }, (_, n) => read.commit({}, call(`op-${n}`)).then(() => 'done', (error: KeelsonError) => `${error.code} ${error.retryAfterMs}`)));
  assert.deepEqual(codes.toSorted(), [...Array.from({ length: 19 }, () => 'SEND_DEFERRED 60000'), 'done']);
});

test('nginx: a file is put there once and found by its name, and a lookup that finds nothing says no more than that', { skip }, async (t) => {
  const nginx = await startNginx({ files: { 'in/.keep': '' }, locations: 'location /in/ { dav_methods PUT; }' });
  t.after(nginx.stop);
  const { chmodSync } = await import('node:fs');
  chmodSync(`${nginx.root}/in`, 0o777);
  const put = (absentIsFinal: boolean) => actionOf(connectorFor(nginx.host, [{ name: 'put', method: 'PUT', url: `${nginx.url}/in/{operation}.json`, body: { type: 'object', properties: { a: { type: 'integer' } } }, answer: 'nothing', lookup: { url: `${nginx.url}/in/{operation}.json`, absentIsFinal } }]), 'http.put');
  assert.equal((await put(false).lookup!({ body: { a: 1 } }, call('operation/odd id'))).found, 'unclear');
  assert.equal((await put(true).lookup!({ body: { a: 1 } }, call('operation/odd id'))).found, 'absent');
  await put(false).commit({ body: { a: 1 } }, call('operation/odd id'));
  assert.equal((await put(false).lookup!({ body: { a: 1 } }, call('operation/odd id'))).found, 'done');
});

test('a secret stays where it belongs: in one header, to one host, over https', async (t) => {
  const server = await startRude((response, { headers }) => void response.writeHead(200).end(JSON.stringify({ you: headers.authorization, again: [`x${token}y`] })));
  t.after(server.stop);
  const connector = connectorFor(server.host, callsAt(server.url));
  const { result, note } = await actionOf(connector, 'http.find').commit(good['http.find'], call('op-1'));
  assert.equal(server.requests[0]?.headers.authorization, `Bearer ${token}`);
  assert.deepEqual(result, { status: 200, body: { you: 'Bearer [secret]', again: ['x[secret]y'] } });
  assert.ok(!note.includes(token));
  server.behave((response, { headers }) => void response.writeHead(403).end(`no: ${headers.authorization}`));
  const refused = await failure(actionOf(connector, 'http.find').commit(good['http.find'], call('op-1')));
  assert.ok(!JSON.stringify([refused.message, refused.hint]).includes(token) && refused.message.includes('[secret]'));

  const secretless = (url: string, secrets: Record<string, string>, allowPrivate: string[] = []) => () => createHttpConnector(settingsSchema.parse({ calls: [{ name: 'find', method: 'GET', url, secretHeader }], allowPrivate }), { ...ports, secrets });
  assert.throws(secretless('https://desk.example/', {}), /DESK_TOKEN, which is not set/);
  assert.throws(secretless('https://desk.example/', { DESK_TOKEN: 'a\r\nb' }), /line break/);
  assert.throws(secretless('http://desk.example/', ports.secrets), /may not travel without https/);
});
