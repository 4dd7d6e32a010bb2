// Goal: nobody gets in without the token, from another site or under another name, on any route, and what they send is not read.
// Method: every route of the running server's own list, and some that do not exist, each asked by each intruder in raw HTTP.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import test, { after, before, beforeEach } from 'node:test';
import { sha256 } from '#actors/hash.ts';
import { asJson, assertError, automationToken, bearer, routesOf, startSite, token, type Site } from './server-kit.ts';

let site: Site;
let own = '';
let walk: { method: string; path: string; isOperators: boolean }[] = [];
let opened = 0;
const streams = { open: () => new Response(`opened ${++opened}`), tell: () => {}, position: () => 'x:1', readers: () => 0, stop: async () => {} };
before(async () => {
  site = await startSite({ streams });
  own = `127.0.0.1:${site.port}`;
  const unknown = [['GET', '/nowhere'], ['GET', '/api/nowhere'], ['POST', '/nowhere'], ['GET', '/'], ['GET', '/../etc/passwd'], ['POST', '/assets/x.js']] as const;
  walk = [...(await routesOf(site)), ...unknown.map(([method, path]) => ({ method, path, isOperators: false }))];
});
after(() => site.console.stop());
beforeEach(() => {
  site.reset();
  opened = 0;
});
const send: Site['send'] = (...args) => site.send(...args);
const typeFor = (path: string) => ({ 'content-type': path === '/api/mail' ? 'message/rfc822' : 'application/json' });
const nothingHappened = () => assert.deepEqual([site.calls, opened], [[], 0]);

async function cookieFor(proof: object = { token }): Promise<{ cookie: string; csrf: string; setCookie: string }> {
  const { status, headers, json } = await site.post('/api/session', proof, { 'content-type': 'application/json', origin: `http://${own}` });
  assert.equal(status, 200);
  const setCookie = headers['set-cookie']![0]!;
  return { cookie: setCookie.split(';')[0]!, csrf: json!.csrf!, setCookie };
}
/** A cookie as the server makes it, under the key of a token. */
function forge(key: string, expires: number): string {
  const body = `${expires}.${'0'.repeat(64)}`;
  return `keelson-${site.port}=${body}.${createHmac('sha256', Buffer.from(sha256(`session ${key}`), 'hex')).update(body).digest('hex')}`;
}

const unknown: Record<string, () => Record<string, string>> = {
  'no token': () => ({}),
  'a wrong token': () => ({ authorization: `Bearer ${'t'.repeat(63)}u` }),
  'a token that is too long': () => ({ authorization: `Bearer ${token}t` }),
  'an empty token': () => ({ authorization: 'Bearer ' }),
  'another scheme': () => ({ authorization: `Basic ${Buffer.from(`:${token}`).toString('base64')}` }),
  'two tokens in one header': () => ({ authorization: `Bearer ${token}, Bearer ${token}` }),
  'the token in the query only': () => ({}),
  'a cookie that is none': () => ({ cookie: `keelson-${site.port}=x` }),
  'the token as a cookie': () => ({ cookie: `keelson-${site.port}=${token}` }),
  'a cookie that has expired': () => ({ cookie: forge(token, site.state.nowMs) }),
  'a cookie of another company': () => ({ cookie: forge('u'.repeat(64), site.state.nowMs + 1_000) }),
  'a cookie signed with the automation token': () => ({ cookie: forge(automationToken, site.state.nowMs + 1_000) }),
  'the cookie of a server on another port': () => ({ cookie: forge(token, site.state.nowMs + 1_000).replace(String(site.port), '1') }),
};
for (const [who, headersFor] of Object.entries(unknown)) {
  test(`${who}: nothing opens, no route is told apart from another, and no body is read`, async () => {
    for (const { method, path } of walk) {
      const asked = who.includes('query') ? `${path}?token=${token}&authorization=Bearer%20${token}` : path;
      assertError(await send(method, asked, { ...headersFor(), ...typeFor(path) }, method === 'POST' ? null : ''), 401, 'UNAUTHORIZED', `${method} ${path}`);
    }
    nothingHappened();
  });
}

const elsewhere: Record<string, () => Record<string, string | string[]>> = {
  ...Object.fromEntries(['evil.test', 'localhost.evil.test:PORT', '127.0.0.1.nip.io:PORT', '0.0.0.0:PORT', '2130706433:PORT', '0x7f000001:PORT', '127.1:PORT', '[::1]:PORT', '127.0.0.1', '127.0.0.1:1', 'localhost'].map((host) => [`Host: ${host}`, () => ({ host: host.replace('PORT', String(site.port)) })])),
  'a foreign Origin': () => ({ origin: 'http://evil.test' }),
  'Origin: null': () => ({ origin: 'null' }),
  'an empty Origin': () => ({ origin: '' }),
  'another port of this computer as Origin': () => ({ origin: 'http://127.0.0.1:1' }),
  'our other name as Origin': () => ({ origin: `http://localhost:${site.port}` }),
  'an Origin that only begins like ours': () => ({ origin: `http://${own}.evil.test` }),
  'our Origin by https': () => ({ origin: `https://${own}` }),
  'two Origins': () => ({ origin: [`http://${own}`, 'http://evil.test'] }),
  'Sec-Fetch-Site: cross-site': () => ({ 'sec-fetch-site': 'cross-site' }),
  'Sec-Fetch-Site: same-site': () => ({ 'sec-fetch-site': 'same-site' }),
  'a form of another site that was sent on with 307': () => ({ origin: 'null', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'content-type': 'application/x-www-form-urlencoded' }),
};
for (const [what, headersFor] of Object.entries(elsewhere)) {
  test(`${what}: refused on every route, whoever asks`, async () => {
    const { cookie, csrf } = await cookieFor();
    for (const { method, path } of walk) {
      // A page that is opened from a link elsewhere shows nothing by itself; only what acts or reads is refused then.
      for (const proof of [bearer, { cookie, 'x-csrf-token': csrf }]) {
        const answer = await send(method, path, { ...typeFor(path), ...proof, ...headersFor() }, method === 'POST' ? null : '');
        assertError(answer, 403, 'FORBIDDEN', `${method} ${path}`);
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
      }
    }
    nothingHappened();
  });
}

test('a request without a Host, with two, with one that is none or with another one in its address is refused', async () => {
  for (const path of ['/healthz', '/api/events']) {
    assert.match(await site.raw(`GET ${path} HTTP/1.1\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 400 /);
    assert.match(await site.raw(`GET ${path} HTTP/1.0\r\nauthorization: Bearer ${token}\r\n\r\n`), /^HTTP\/1\.1 40[03] /);
    for (const hosts of [[own, 'evil.test'], ['evil.test', own], [own, own], [''], [`${own}.`], [`user@${own}`], [`${own}@evil.test`], [`${own}, evil.test`]]) {
      assert.match(await site.raw(`GET ${path} HTTP/1.1\r\n${hosts.map((host) => `Host: ${host}\r\n`).join('')}authorization: Bearer ${token}\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 40[03] /, hosts.join());
    }
    assert.match(await site.raw(`GET http://evil.test${path} HTTP/1.1\r\nhost: evil.test\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 403 /);
  }
  nothingHappened();
});

test('our own Origin and both our names are let in', async () => {
  for (const name of [own, `localhost:${site.port}`]) {
    const { status, json } = await send('GET', '/healthz', { ...bearer, host: name, origin: `http://${name}` });
    assert.deepEqual([status, json], [200, { ok: true }]);
  }
});

test('a session reads, but changes nothing without the word that only our page knows', async () => {
  const { cookie, csrf } = await cookieFor();
  const other = await cookieFor();
  assert.equal((await send('GET', '/healthz', { cookie })).status, 200);
  for (const { method, path } of walk.filter((route) => route.method === 'POST' && route.path !== '/nowhere' && route.path !== '/assets/x.js')) {
    for (const wrong of [null, '', 'x', other.csrf, `${csrf}, ${csrf}`]) {
      assertError(await send(method, path, { cookie, ...typeFor(path), ...(wrong === null ? {} : { 'x-csrf-token': wrong }) }, null), 403, 'FORBIDDEN', `${method} ${path}`);
    }
  }
  nothingHappened();
  assert.equal((await send('POST', '/api/query', { cookie, 'x-csrf-token': csrf, 'content-type': 'application/json' }, '{"name":"status"}')).status, 200);
});

test('what a page of another site can send without being asked is refused: forms, plain text, beacons', async () => {
  const { cookie } = await cookieFor();
  for (const contentType of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain', 'text/plain;charset=UTF-8', 'application/json']) {
    for (const { path } of walk.filter(({ method }) => method === 'POST')) {
      const ways: Record<string, string>[] = [{ origin: 'http://evil.test', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, { origin: 'http://evil.test' }, { 'sec-fetch-site': 'cross-site' }];
      for (const how of ways) {
        assertError(await send('POST', path, { cookie, 'content-type': contentType, ...how }, null), 403, 'FORBIDDEN', path);
      }
    }
  }
  nothingHappened();
});

test('no other method does anything, and nobody is told that another site may call', async () => {
  for (const { path } of walk) {
    for (const method of ['OPTIONS', 'PUT', 'DELETE', 'PATCH', 'HEAD']) {
      const preflight = { origin: `http://${own}`, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
      const closed = await send(method, path, preflight);
      const known = await send(method, path, { ...preflight, ...bearer });
      assert.deepEqual([closed.status, known.status], [401, 404], `${method} ${path}`);
      for (const { headers } of [closed, known]) assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith('access-control-')), []);
    }
  }
  assert.match(await site.raw(`TRACE / HTTP/1.1\r\nhost: ${own}\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 40[0-5] (?![^]*Bearer)/);
  nothingHappened();
});

test('a hundred megabytes of somebody unknown are cut off, and of the operator refused before they begin', async () => {
  const bytes = 100 * 1024 * 1024;
  for (const proof of [{}, { authorization: 'Bearer x' }]) {
    const answer = await site.raw(`POST /api/mail HTTP/1.1\r\nhost: ${own}\r\n${'authorization' in proof ? 'authorization: Bearer x\r\n' : ''}content-type: message/rfc822\r\ncontent-length: ${bytes}\r\n\r\n`);
    // It hung up, though nothing of the body came.
    assert.match(answer, /^HTTP\/1\.1 401 [^]*\r\nconnection: close\r\n/i);
  }
  for (const path of ['/api/mail', '/api/query']) assertError(await send('POST', path, { ...bearer, ...typeFor(path), 'content-length': String(bytes) }, null), 400, 'BAD_ARGUMENT');
  nothingHappened();
});

test('headers that are too large are refused, and the server goes on', async () => {
  assert.match(await site.raw(`GET /healthz HTTP/1.1\r\nhost: ${own}\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  assert.equal((await send('GET', '/healthz', bearer)).status, 200);
});

test('automation hands in work and reads; every route that is the operator\'s is refused to it and told', async () => {
  const automation = { authorization: `Bearer ${automationToken}` };
  const operators = walk.filter(({ isOperators }) => isOperators);
  assert.ok(operators.length > 12);
  for (const { method, path } of operators) assertError(await send(method, path, { ...automation, ...typeFor(path) }, method === 'POST' ? null : ''), 403, 'FORBIDDEN', path);
  assert.deepEqual(site.refused.toSorted(), operators.map(({ method, path }) => `${method} ${path}`).toSorted());
  nothingHappened();
  for (const decides of ['approve', 'reject', 'respond', 'reconcile', 'effects/resume', 'policies/publish', 'erase', 'session/link', 'facts', 'send', 'order', 'cancel', 'fork']) assert.ok(operators.some(({ path }) => path.endsWith(decides)), decides);
  const json = { ...automation, 'content-type': 'application/json' };
  assert.equal((await site.post('/api/query', { name: 'status' }, json)).status, 200);
  assert.equal((await site.post('/api/mail', 'Subject: x\n\n', { ...automation, 'content-type': 'message/rfc822' })).status, 200);
  assert.equal((await site.post('/api/runs', { machine: 'order' }, json)).status, 200);
  assert.deepEqual(site.calls.at(-1), ['run', 'order', { machine: 'order', input: {} }, 'automation']);
  assertError(await site.post('/api/session', { token: automationToken }, { 'content-type': 'application/json' }), 401, 'UNAUTHORIZED');
});

test('a link signs in once, within ten minutes, and never says the token', async () => {
  const { json } = await site.post('/api/session/link', {});
  const url = new URL(json!.url!);
  assert.equal(url.search, '');
  const code = url.hash.replace('#code=', '');
  assert.ok(!json!.url!.includes(token));
  const { cookie } = await cookieFor({ code });
  assert.equal((await send('GET', '/healthz', { cookie })).status, 200);
  assertError(await site.post('/api/session', { code }, { 'content-type': 'application/json' }), 401, 'UNAUTHORIZED');
  const late = (await site.post('/api/session/link', {})).json!.url!.split('#code=')[1];
  site.state.nowMs += 10 * 60_000;
  assertError(await site.post('/api/session', { code: late }, { 'content-type': 'application/json' }), 401, 'UNAUTHORIZED');
  for (const wrong of [{}, { code: '' }, { token: '' }, { code: 7 }, { token, more: 1 }, { token: 'x'.repeat(201) }]) assert.ok([400, 401].includes((await site.post('/api/session', wrong, { 'content-type': 'application/json' })).status));
});

test('the cookie is for this server, this port and no script, and is no good after signing out or a week', async () => {
  const { cookie, csrf, setCookie } = await cookieFor();
  assert.match(setCookie, new RegExp(`^keelson-${site.port}=[\\w.-]+; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800$`));
  assert.ok(!setCookie.includes(token));
  const end = await send('POST', '/api/session/end', { cookie, 'x-csrf-token': csrf, 'content-type': 'application/json' }, '{}');
  assert.equal(end.status, 200);
  assert.match(end.headers['set-cookie']![0]!, /^keelson-\d+=; .*Max-Age=0/);
  assertError(await send('GET', '/healthz', { cookie }), 401, 'UNAUTHORIZED');
  const other = await cookieFor();
  site.state.nowMs += 7 * 86_400_000;
  assertError(await send('GET', '/healthz', { cookie: other.cookie }), 401, 'UNAUTHORIZED');
});

test('a session outlives the server and dies with the token', async () => {
  const { cookie } = await cookieFor();
  const port = site.port;
  const restart = async (with_: string) => {
    await site.console.stop();
    const { state } = site;
    site = await startSite({ streams, port, token: with_, nowMs: () => state.nowMs });
    return send('GET', '/healthz', { cookie });
  };
  assert.equal((await restart(token)).status, 200);
  assertError(await restart('n'.repeat(64)), 401, 'UNAUTHORIZED');
  await restart(token);
});

test('no answer may be framed, guessed at, kept, or read by another site; a refusal repeats nothing', async () => {
  for (const [path, headers] of [['/healthz', bearer], ['/healthz', { authorization: 'Bearer guess' }], ['/nowhere', bearer], ['/api/session', bearer], ['/openapi.json', bearer]] as const) {
    const answer = await send('GET', path, headers);
    assert.deepEqual(['x-content-type-options', 'cache-control', 'cross-origin-resource-policy', 'content-security-policy'].map((name) => answer.headers[name]), ['nosniff', 'no-store', 'same-origin', "default-src 'none'; frame-ancestors 'none'"]);
    assert.ok(!answer.text.includes('guess') && !answer.text.includes(token));
  }
  const page = await send('GET', '/inbox', { accept: 'text/html' });
  assert.match(String(page.headers['content-security-policy']), /^default-src 'self'; .*object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'$/);
  assert.doesNotMatch(String(page.headers['content-security-policy']), /unsafe|https?:|\*/);
});

test('what comes with the operator\'s token from a program is let in as it is', async () => assert.equal((await site.post('/api/query', { name: 'status' }, { ...asJson, 'user-agent': 'curl/8' })).status, 200));
