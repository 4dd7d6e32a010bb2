// What is known after a request failed: before the connection stands nothing has left, after it a write is in doubt and a read is not.
import assert from 'node:assert/strict';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createTcp, type AddressInfo, type Server } from 'node:net';
import test from 'node:test';
import { exchange, isSafeBase, saidBy, type ExchangeRequest } from '#connectors/named-server.ts';

async function listen(t: { after(run: () => unknown): void }, server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/path`;
}
const ask = (url: string, changed: Partial<ExchangeRequest> = {}) => exchange({ method: 'POST', url, headers: { authorization: 'Basic Y2FuYXJ5' }, body: 'x', signal: new AbortController().signal, write: true, ...changed });
const answering = (t: { after(run: () => unknown): void }, answer: RequestListener) => listen(t, createHttp(answer));

test('an address where nobody listens, a name that is none and a call whose time is up leave nothing', async (t) => {
  const server = createTcp();
  const url = await listen(t, server);
  await new Promise((resolve) => void server.close(resolve));
  await assert.rejects(ask(url), { code: 'SEND_DEFERRED' });
  await assert.rejects(ask('http://no-such-host.invalid/'), { code: 'SEND_DEFERRED' });
  await assert.rejects(ask(url, { signal: AbortSignal.abort() }), { code: 'SEND_DEFERRED' });
});

for (const [what, onConnection] of [['closes at once', 'end'], ['resets', 'resetAndDestroy'], ['speaks no HTTP', 'write']] as const) test(`a server that ${what} leaves a write in doubt, and a read to be tried again`, async (t) => {
  const url = await listen(t, createTcp((socket) => socket.on('error', () => undefined).once('data', () => (onConnection === 'write' ? socket.end('220 hello\r\n') : socket[onConnection]()))));
  await assert.rejects(ask(url), { code: 'SEND_UNKNOWN' });
  await assert.rejects(ask(url, { write: false }), { code: 'SEND_DEFERRED' });
});

test('a reply that drips, is too long, compressed, or cut off ends the request; the error shows no header of it', async (t) => {
  const answers: RequestListener[] = [
    (_, response) => void response.writeHead(200).write('x'),
    (_, response) => void response.end('x'.repeat(2_000)),
    (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    (_, response) => { response.writeHead(200, { 'content-length': '100' }).write('x'); response.socket?.destroySoon(); },
    () => undefined,
  ];
  for (const answer of answers) {
    const url = await answering(t, answer);
    await assert.rejects(ask(url, { maxBytes: 1_000, maxMs: 500 }), (error: { code: string; message: string; cause?: unknown }) => error.code === 'SEND_UNKNOWN' && error.cause === undefined && !error.message.includes('Y2FuYXJ5'));
  }
});

test('a redirect is a reply, and nobody follows it', async (t) => {
  let asked = 0;
  const target = await answering(t, (_, response) => void response.end(String((asked += 1))));
  const url = await answering(t, (_, response) => void response.writeHead(307, { location: target }).end());
  assert.equal((await ask(url)).status, 307);
  assert.equal(asked, 0);
});

test('what a server says is one bounded line', () => {
  assert.equal(saidBy({ status: 500, headers: {}, text: `<h1>Oh\r\n\u001b[31mno</h1>${'x'.repeat(5_000)}` }).length, 200);
  assert.equal(saidBy({ status: 500, headers: {}, text: '<h1>Oh\r\n\u001b[31mno</h1>' }), 'Oh [31mno');
});

test('a password goes out in the clear to this machine only', () => {
  for (const url of ['https://dav.example', 'https://dav.example/a/', 'http://127.0.0.1:5232', 'http://localhost', 'http://[::1]:80']) assert.ok(isSafeBase(url), url);
  for (const url of ['http://dav.example', 'http://127.0.0.1.evil.example', 'http://localhost.evil.example', 'https://a:b@dav.example', 'ftp://dav.example', 'https://dav.example/?a', 'https://dav.example/#a', '', 'dav.example', 'file:///etc/passwd']) assert.ok(!isSafeBase(url), url);
});
