// Goal: every answer, silence or lie of a server ends in a result or one named code, within time and size, and nothing is sent twice.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { createSafeFetch, type SafeRequest } from '#connectors/safe-fetch.ts';
import { KeelsonError } from '#machines/errors.ts';
import { nginxMissing, startNginx, type NginxFixture, type NginxOptions } from '#test/kit/nginx.ts';
import { startRude } from '#test/kit/rude-http.ts';

const skip = nginxMissing() ?? false;

const failure = async (work: Promise<unknown>): Promise<KeelsonError> => {
  const error = await work.then((value) => assert.fail(`it was answered: ${JSON.stringify(value).slice(0, 200)}`), (thrown: unknown) => thrown);
  assert.ok(error instanceof KeelsonError, String(error));
  return error;
};
const open = (host: string, more: object = {}) => createSafeFetch({ allowHosts: [`http://${host}`], allowPrivate: [host], ...more });
const text = (body: Uint8Array) => Buffer.from(body).toString();

async function withNginx(t: { after(run: () => Promise<void>): void }, options: NginxOptions): Promise<NginxFixture> {
  const nginx = await startNginx(options);
  t.after(nginx.stop);
  return nginx;
}

/** A server that speaks raw bytes: what to say to a connection, at once or to its first request. */
async function rawServer(t: { after(run: () => void): void }, say: (write: (bytes: string) => void, end: () => void) => void, when: 'asked' | 'connected' = 'asked'): Promise<{ host: string; asked: () => number }> {
  let asked = 0;
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    const run = (): void => say((bytes) => void (socket.destroyed || socket.write(bytes)), () => void socket.destroy());
    if (when === 'connected') run();
    socket.on('data', () => {
      asked += 1;
      if (when === 'asked') run();
    });
    t.after(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  return { host: `127.0.0.1:${(server.address() as { port: number }).port}`, asked: () => asked };
}

test('nginx: a page comes as it is, compressed or not, over http and over trusted https', { skip }, async (t) => {
  const nginx = await withNginx(t, { files: { 'a.txt': 'hello '.repeat(1_000) }, locations: 'gzip on; gzip_types text/plain; gzip_min_length 1;' });
  const plain = await open(nginx.host)(`${nginx.url}/a.txt`);
  assert.equal(text(plain.body), 'hello '.repeat(1_000));
  assert.equal(plain.headers['content-encoding'], 'gzip');
  const tls = createSafeFetch({ allowHosts: [nginx.tlsUrl], allowPrivate: [nginx.tlsHost], ca: nginx.ca, resolve: async () => ['127.0.0.1'] });
  assert.equal((await tls(`${nginx.tlsUrl}/a.txt`)).status, 200);
});

test('nginx: a certificate that nobody vouches for, or for another name, ends before anything is sent', { skip }, async (t) => {
  const nginx = await withNginx(t, { files: { 'a.txt': 'x' } });
  const other = nginx.tlsHost.replace('web', 'other');
  for (const [ca, host] of [[undefined, nginx.tlsHost], [nginx.ca, other]]) {
    const fetch = createSafeFetch({ allowHosts: [host!], allowPrivate: [host!], ca, resolve: async () => ['127.0.0.1'] });
    for (const method of ['GET', 'POST'] as const) assert.equal((await failure(fetch(`https://${host}/a.txt`, { method }))).code, 'SEND_DEFERRED');
  }
  assert.deepEqual(nginx.requests(), []);
});

test('nginx: what is too big is refused, whether it says so, hides it in gzip or goes on for ever', { skip }, async (t) => {
  const bomb = gzipSync(Buffer.alloc(30_000_000));
  const nginx = await withNginx(t, {
    files: { 'bomb.html': bomb, 'twice.html': gzipSync(bomb), 'br.html': brotliCompressSync(Buffer.alloc(20_000_000)), 'slow.txt': 'x'.repeat(100_000), 'torn.html': bomb.subarray(0, 5_000), 'lie.html': 'no gzip at all' },
    locations: `
      location ~ ^/(bomb|torn|lie)\\.html$ { add_header Content-Encoding gzip; }
      location = /br.html { add_header Content-Encoding br; }
      location = /twice.html { add_header Content-Encoding "gzip, gzip"; }
      location = /slow.txt { limit_rate 100; }`,
  });
  execFileSync('truncate', ['-s', '100M', join(nginx.root, 'huge.bin')]);
  const fetch = open(nginx.host);
  for (const [path, why] of [['huge.bin', /more than 1000000 bytes/], ['bomb.html', /when decompressed/], ['br.html', /when decompressed/], ['twice.html', /encoded as 'gzip, gzip'/], ['torn.html', /./], ['lie.html', /./]] as const) {
    const read = await failure(fetch(`${nginx.url}/${path}`));
    assert.deepEqual([path, read.code], [path, 'SEND_REFUSED'], read.message);
    assert.match(read.message, why);
    // nginx answers 405 to a POST of a file, so a GET that is declared a write stands for one.
    assert.equal((await failure(fetch(`${nginx.url}/${path}`, { effect: 'write' }))).code, 'SEND_UNKNOWN', path);
  }
  const slow = await failure(fetch(`${nginx.url}/slow.txt`, { maxMs: 1_500 }));
  assert.equal(slow.code, 'SEND_DEFERRED');
  assert.match(slow.message, /in time/);
});

test('an answer without an end, or whose headers have none, is given up', async (t) => {
  const endless = await startRude((response) => {
    response.writeHead(200);
    const more = (): void => void (response.destroyed || response.write(Buffer.alloc(64 * 1024), more));
    more();
  });
  t.after(endless.stop);
  assert.equal((await failure(open(endless.host)(endless.url))).code, 'SEND_REFUSED');
  const cases: [RegExp, SafeRequest, (write: (bytes: string) => void, end: () => void) => void][] = [
    [/SEND_REFUSED|SEND_DEFERRED/, {}, (write) => write(`HTTP/1.1 200 OK\r\n${`x-header: ${'a'.repeat(1_000)}\r\n`.repeat(100)}`)],
    [/SEND_DEFERRED/, { maxMs: 500 }, (write) => write('HTTP/1.1 200 OK\r\nx-slow: ')],
    [/SEND_DEFERRED/, { maxMs: 500 }, () => {}],
    [/SEND_DEFERRED/, { maxMs: 500 }, (write) => write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(50))],
    [/SEND_REFUSED|SEND_DEFERRED/, {}, (write) => write('220 mail.example ESMTP\r\n')],
    [/SEND_DEFERRED/, {}, (write, end) => { write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'); end(); }],
    [/SEND_DEFERRED/, {}, (_write, end) => end()],
    [/SEND_REFUSED|SEND_DEFERRED/, {}, (write) => write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello')],
    [/SEND_REFUSED|SEND_DEFERRED/, {}, (write) => write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nno chunk\r\n')],
  ];
  for (const [code, request, say] of cases) {
    const server = await rawServer(t, say);
    assert.match((await failure(open(server.host)(`http://${server.host}/`, request))).code, code, say.toString());
    assert.equal(server.asked(), 1, `asked once: ${say.toString()}`);
    const unknown = await failure(open(server.host)(`http://${server.host}/`, { ...request, method: 'POST', body: 'once' }));
    assert.equal(unknown.code, 'SEND_UNKNOWN', `${say.toString()}: ${unknown.message}`);
    assert.equal(server.asked(), 2, `sent once: ${say.toString()}`);
  }
});

test('what never reached a server is deferred, also for a write', async (t) => {
  const closed = await startRude();
  await closed.stop();
  const silentTls = await rawServer(t, () => {}, 'connected');
  const nameless = createSafeFetch({ allowHosts: ['shop.example'], resolve: () => Promise.reject(new Error('ENOTFOUND')) });
  const empty = createSafeFetch({ allowHosts: ['shop.example'], resolve: async () => [] });
  const never = createSafeFetch({ allowHosts: ['shop.example'], resolve: () => new Promise(() => {}) });
  const tls = createSafeFetch({ allowHosts: [`https://${silentTls.host}`], allowPrivate: [silentTls.host] });
  const post: SafeRequest = { method: 'POST', body: '{}', maxMs: 500 };
  const shop = 'https://shop.example/';
  for (const work of [() => open(closed.host)(closed.url, post), () => nameless(shop, post), () => empty(shop, post), () => never(shop, post), () => tls(`https://${silentTls.host}/`, post), () => open(closed.host)(closed.url, { ...post, signal: AbortSignal.abort() })]) {
    assert.equal((await failure(work())).code, 'SEND_DEFERRED', work.toString());
  }
});

test('stopped while the answer is awaited, a write is unknown and a read is deferred', async (t) => {
  const silent = await startRude(() => {});
  t.after(silent.stop);
  for (const [method, code] of [['POST', 'SEND_UNKNOWN'], ['DELETE', 'SEND_UNKNOWN'], ['GET', 'SEND_DEFERRED']] as const) {
    const [stop, arrived] = [new AbortController(), Promise.withResolvers<void>()];
    silent.behave(() => arrived.resolve());
    const work = failure(open(silent.host)(silent.url, { method, signal: stop.signal }));
    await arrived.promise;
    stop.abort();
    assert.equal((await work).code, code);
  }
  assert.equal(silent.requests.length, 3);
});

test('nginx: a read follows at most three redirects, a write none', { skip }, async (t) => {
  const nginx = await withNginx(t, {
    files: { 'end.txt': 'here' },
    locations: 'location = /1 { return 301 /2; } location = /2 { return 302 /3; } location = /3 { return 307 /end.txt; } location = /0 { return 308 /1; } location = /loop { return 302 /loop; } location = /nowhere { return 302 ""; }',
  });
  const fetch = open(nginx.host);
  const found = await fetch(`${nginx.url}/1`);
  assert.deepEqual([found.url, text(found.body)], [`${nginx.url}/end.txt`, 'here']);
  for (const path of ['0', 'loop']) assert.equal((await failure(fetch(`${nginx.url}/${path}`))).code, 'SEND_REFUSED');
  assert.equal((await fetch(`${nginx.url}/1`, { method: 'POST' })).status, 301);
  assert.equal((await fetch(`${nginx.url}/1`, { effect: 'write' })).status, 301, 'also a GET that changes something');
  assert.equal((await fetch(`${nginx.url}/1`, { redirects: 0 })).status, 301);
});

test('a redirect to another host takes no header along that could be a credential', async (t) => {
  const [first, second] = [await startRude(), await startRude()];
  t.after(async () => void (await Promise.all([first.stop(), second.stop()])));
  const headers = { authorization: 'Bearer secret', 'x-api-key': 'secret', accept: 'text/plain' };
  const fetch = createSafeFetch({ allowHosts: [first.url, second.url], allowPrivate: [first.host, second.host] });
  first.behave((response, { path }) => void (path === '/' ? response.writeHead(302, { location: '/same', 'set-cookie': 'session=1' }) : path === '/same' ? response.writeHead(302, { location: `${second.url}/other` }) : response).end());
  second.behave((response, { path }) => void (path === '/other' ? response.writeHead(302, { location: `${first.url}/back` }) : response).end());
  await fetch(`${first.url}/`, { headers });
  assert.deepEqual(first.requests.map((one) => [one.path, one.headers['x-api-key'], one.headers.cookie]), [['/', 'secret', undefined], ['/same', 'secret', undefined], ['/back', undefined, undefined]]);
  assert.deepEqual(second.requests.map(({ headers: { authorization, 'x-api-key': key, accept } }) => [authorization, key, accept]), [[undefined, undefined, 'text/plain']]);
});

test('no header can smuggle another line or another host', async (t) => {
  const server = await startRude();
  t.after(server.stop);
  const bad: Record<string, string>[] = [{ 'x-note': 'a\r\nhost: evil.example' }, { 'x-note': 'a\nb' }, { 'x-note': 'a\0' }, { 'x-note': 'ü→' }, { 'x note': 'a' }, { 'x:note': 'a' }, { '': 'a' }, { host: 'evil.example' }, { Cookie: 'a=1' }, { 'Content-Length': '1' }, { 'transfer-encoding': 'chunked' }, { 'proxy-authorization': 'x' }, { connection: 'upgrade' }];
  for (const headers of bad) {
    assert.equal((await failure(open(server.host)(server.url, { headers }))).code, 'REFUSED', JSON.stringify(headers));
  }
  assert.equal(server.connections(), 0);
});

test('no proxy of the environment is used', async (t) => {
  const [server, proxy] = [await startRude(), await startRude()];
  t.after(async () => void (await Promise.all([server.stop(), proxy.stop()])));
  const script = `const { createSafeFetch } = await import('#connectors/safe-fetch.ts');
    const { status } = await createSafeFetch({ allowHosts: ['${server.url}'], allowPrivate: ['${server.host}'] })('${server.url}/');
    process.exit(status === 200 ? 0 : 1);`;
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: join(import.meta.dirname, '../..'), stdio: 'inherit', env: { ...process.env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url, http_proxy: proxy.url, HTTPS_PROXY: proxy.url, ALL_PROXY: proxy.url } });
  assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
  assert.deepEqual([server.requests.length, proxy.connections()], [1, 0]);
});
