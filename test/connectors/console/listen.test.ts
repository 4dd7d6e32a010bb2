// Goal: the server listens where it was told and answers to names that lead there; who is slow does not hold it up. Method: the real server
// with a certificate made for the test, and sockets that stop in the middle.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { isLoopback, namesOf, type Listen } from '#connectors/console/listen.ts';
import { originOf } from '#connectors/console/guard.ts';
import { KeelsonError } from '#machines/errors.ts';
import { assertError, bearer, startSite, token } from './server-kit.ts';

const dir = mkdtempSync(join(tmpdir(), 'keelson-tls-'));
let tls: Listen['tls'];
before(() => {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=desk.example', '-addext', 'subjectAltName=DNS:desk.example,DNS:*.desk.example,IP:192.0.2.7', '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')], { stdio: 'ignore' });
  tls = { cert: readFileSync(join(dir, 'cert.pem'), 'utf8'), key: readFileSync(join(dir, 'key.pem'), 'utf8') };
});
after(() => rmSync(dir, { recursive: true }));

const said = (at: Listen, port: number, publicUrl?: string) => {
  const { names, address } = namesOf(at, port, publicUrl);
  return { names: names.map(originOf), address: originOf(address) };
};

test('it answers to its address, to the names in its certificate and to its public name, and to nothing else', () => {
  assert.deepEqual(said({ host: '127.0.0.1', tls: null }, 8080), { names: ['http://127.0.0.1:8080', 'http://localhost:8080'], address: 'http://127.0.0.1:8080' });
  assert.deepEqual(said({ host: '::1', tls: null }, 8080), { names: ['http://[::1]:8080', 'http://localhost:8080'], address: 'http://[::1]:8080' });
  assert.deepEqual(said({ host: '127.0.0.1', tls: null }, 8080, 'https://desk.example/'), { names: ['https://desk.example', 'http://127.0.0.1:8080', 'http://localhost:8080'], address: 'http://127.0.0.1:8080' });
  assert.deepEqual(said({ host: '0.0.0.0', tls }, 443), { names: ['https://desk.example', 'https://192.0.2.7', 'https://127.0.0.1', 'https://localhost'], address: 'https://127.0.0.1' });
  assert.deepEqual(said({ host: '192.0.2.7', tls }, 8443), { names: ['https://desk.example:8443', 'https://192.0.2.7:8443'], address: 'https://192.0.2.7:8443' });
});

test('this computer is told from others', () => {
  assert.deepEqual(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].map(isLoopback), [true, true, true, true]);
  assert.deepEqual(['0.0.0.0', '::', '192.0.2.7', '127.example', '127.0.0.1.nip.io', 'localhost.example', '', '128.0.0.1', '127.1'].map(isLoopback), [false, false, false, false, false, false, false, false, false]);
});

test('with TLS the cookie is bound to this host and to TLS', async () => {
  const site = await startSite({ listen: { host: '127.0.0.1', tls } });
  try {
    const ask = (method: string, path: string, headers: Record<string, string>, body = '') => new Promise<{ status: number; cookie: string }>((resolve, reject) => {
      const sent = request({ agent: false, host: '127.0.0.1', port: site.port, method, path, ca: tls!.cert, servername: 'desk.example', headers: { host: `desk.example:${site.port}`, ...headers } }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve({ status: answer.statusCode!, cookie: answer.headers['set-cookie']?.[0] ?? '' }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
    assert.equal(new URL(site.console.link()).origin, `https://desk.example:${site.port}`);
    const { status, cookie } = await ask('POST', '/api/session', { 'content-type': 'application/json', origin: `https://desk.example:${site.port}` }, JSON.stringify({ token }));
    assert.equal(status, 200);
    assert.match(cookie, /^__Host-keelson=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800; Secure$/);
    assert.equal((await ask('GET', '/healthz', { cookie: cookie.split(';')[0]! })).status, 200);
    assert.equal((await ask('GET', '/healthz', { ...bearer, host: 'evil.test' })).status, 403);
    assert.equal((await ask('GET', '/healthz', { ...bearer, origin: `http://desk.example:${site.port}` })).status, 403);
    assert.equal(await site.raw('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n').catch(() => ''), '', 'nothing is said in plain text');
  } finally {
    await site.console.stop();
  }
});

test('a certificate and a key that are not a pair are a wrong setting', async () => {
  await assert.rejects(startSite({ listen: { host: '127.0.0.1', tls: { cert: 'x', key: 'y' } } }), (error) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && error.hint.includes('--tls-cert'));
});

test('nobody signs in through a public name without TLS; a link leads to where it can be used', async () => {
  const site = await startSite({ publicUrl: 'http://desk.example' });
  try {
    const answer = await site.post('/api/session', { token }, { 'content-type': 'application/json', host: 'desk.example' });
    assertError(answer, 403, 'FORBIDDEN');
    assert.match(answer.json!.error!.message, /TLS/);
    assert.equal(new URL(site.console.link()).host, `127.0.0.1:${site.port}`);
  } finally {
    await site.console.stop();
  }
  const proxied = await startSite({ publicUrl: 'https://desk.example' });
  try {
    const { status, headers } = await proxied.post('/api/session', { token }, { 'content-type': 'application/json', host: 'desk.example', origin: 'https://desk.example' });
    assert.equal(status, 200);
    assert.match(headers['set-cookie']![0]!, /^__Host-keelson=.*; Secure$/);
    assert.equal(new URL(proxied.console.link()).origin, 'https://desk.example');
  } finally {
    await proxied.console.stop();
  }
});

test('who never ends his headers, or his body, is cut off', async () => {
  const site = await startSite({ patience: { headersMs: 50, requestMs: 100, lookEveryMs: 20 } });
  try {
    const host = `host: 127.0.0.1:${site.port}\r\n`;
    assert.match(await site.raw(`GET /healthz HTTP/1.1\r\n${host}x-slow: `), /^HTTP\/1\.1 408 /);
    await site.raw(`POST /api/query HTTP/1.1\r\n${host}authorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"name`);
    assert.deepEqual(site.calls, []);
    assert.equal((await site.send('GET', '/healthz', bearer)).status, 200);
  } finally {
    await site.console.stop();
  }
});
