import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sendMail } from '#connectors/mail/smtp.ts';
import { KeelsonError, type Code } from '#machines/errors.ts';
import { startSmtp, type SmtpFixtureOptions } from '#test/kit/smtp.ts';

const bytes = Buffer.from('From: me@example.com\r\nTo: you@example.com\r\nSubject: Hi\r\n\r\nHello\r\n.dot\r\n');
const envelope = { from: 'me@example.com', to: 'you@example.com' };

function fails(code: Code, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof KeelsonError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  };
}

async function start(t: TestContext, options: SmtpFixtureOptions): ReturnType<typeof startSmtp> {
  const server = await startSmtp(options);
  t.after(() => server.stop());
  return server;
}

/** A server that answers each line with the reply `script` has for its first word; null drops the connection. */
async function startScripted(t: TestContext, script: Record<string, string | null>): Promise<string> {
  const server = createServer((socket) => {
    let inBody = false;
    socket.on('error', () => undefined);
    socket.write(script['greeting'] ?? '220 hello\r\n');
    socket.on('data', (data) => {
      for (const line of data.toString('latin1').split('\r\n').slice(0, -1)) {
        const word = inBody ? (line === '.' ? 'end' : 'body') : (line.split(/[ :]/)[0] ?? '').toUpperCase();
        const reply = word in script ? script[word] : word === 'DATA' ? '354 go on\r\n' : word === 'body' ? '' : '250 ok\r\n';
        if (reply === null) return void socket.destroy();
        socket.write(reply ?? '');
        if (word === 'DATA' && reply?.startsWith('354')) inBody = true;
        if (word === 'end') inBody = false;
      }
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an accepted mail is reported sent and arrives byte for byte', async (t) => {
  const server = await start(t, {});
  const result = await sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 30_000 });
  assert.equal(result.outcome, 'sent');
  assert.match(result.response, /^250/);
  assert.deepEqual(server.mails, [{ from: 'me@example.com', to: ['you@example.com'], raw: bytes }]);
});

test('a large mail arrives byte for byte', async (t) => {
  const server = await start(t, {});
  const large = Buffer.concat([bytes, Buffer.from('0123456789abcdef\r\n'.repeat(200_000))]);
  await sendMail({ smtpUrl: server.url, envelope, bytes: large, timeoutMs: 20_000 });
  assert.ok(server.mails[0]?.raw.equals(large));
});

test('a slow server is waited for', async (t) => {
  const server = await start(t, { behaviour: 'slow', slowMs: 300 });
  assert.equal((await sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 30_000 })).outcome, 'sent');
});

test('STARTTLS with a self-made certificate is used with a server on this machine, with a password', async (t) => {
  const server = await start(t, { tls: true, password: 'p@ss word' });
  assert.equal((await sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 30_000 })).outcome, 'sent');
});

const refusals: [SmtpFixtureOptions['behaviour'], Code, RegExp][] = [
  ['refuse', 'SEND_REFUSED', /550/],
  ['defer', 'SEND_DEFERRED', /451/],
  ['refuse-mail', 'SEND_REFUSED', /554/],
  ['defer-mail', 'SEND_DEFERRED', /451/],
  ['drop-before-data', 'SEND_DEFERRED', /./],
  ['drop-after-body', 'SEND_UNKNOWN', /begun to leave/],
];
for (const [behaviour, code, text] of refusals) {
  test(`a server that does "${behaviour}" means ${code}`, async (t) => {
    const server = await start(t, { behaviour });
    await assert.rejects(sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 30_000 }), fails(code, text));
  });
}

test('a server that never answers the body means unknown, after the time allowed', async (t) => {
  const server = await start(t, { behaviour: 'hang' });
  const started = performance.now();
  await assert.rejects(sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 300 }), fails('SEND_UNKNOWN', /./));
  assert.ok(performance.now() - started < 3_000);
  assert.equal(server.mails.length, 1);
});

test('a server that never answers before the body means deferred, after the time allowed', async (t) => {
  const server = await start(t, { behaviour: 'hang-before-data' });
  await assert.rejects(sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 300 }), fails('SEND_DEFERRED', /./));
  assert.equal(server.mails.length, 0);
});

test('a server that never greets means deferred', async (t) => {
  const smtpUrl = await startScripted(t, { greeting: '' });
  await assert.rejects(sendMail({ smtpUrl, envelope, bytes, timeoutMs: 300 }), fails('SEND_DEFERRED', /./));
});

test('nobody listening means deferred', async (t) => {
  const server = await startSmtp();
  await server.stop();
  await assert.rejects(sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 30_000 }), fails('SEND_DEFERRED', /ECONNREFUSED/));
  t.diagnostic('connection refused');
});

test('a host name that does not exist means deferred', async () => {
  await assert.rejects(sendMail({ smtpUrl: 'smtp://mail.invalid', envelope, bytes, timeoutMs: 10_000 }), fails('SEND_DEFERRED', /./));
});

test('a wrong password is refused, and the message does not show it', async (t) => {
  const server = await start(t, { password: 'right' });
  const smtpUrl = server.url.replace('right', 'wrong-secret');
  await assert.rejects(sendMail({ smtpUrl, envelope, bytes, timeoutMs: 30_000 }), (error: unknown) => {
    assert.ok(error instanceof KeelsonError);
    assert.equal(error.code, 'SEND_REFUSED');
    return !error.message.includes('wrong-secret');
  });
});

test('a mail larger than the server says it takes is refused', async (t) => {
  const server = await start(t, { size: 20 });
  await assert.rejects(sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 30_000 }), fails('SEND_REFUSED', /size/));
});

test('554 to the DATA command means refused, 421 to it means deferred', async (t) => {
  const refusing = await startScripted(t, { DATA: '554 no\r\n' });
  await assert.rejects(sendMail({ smtpUrl: refusing, envelope, bytes, timeoutMs: 30_000 }), fails('SEND_REFUSED', /554/));
  const closing = await startScripted(t, { DATA: '421 going down\r\n' });
  await assert.rejects(sendMail({ smtpUrl: closing, envelope, bytes, timeoutMs: 30_000 }), fails('SEND_DEFERRED', /421/));
});

test('a greeting of 554 means refused, of 421 deferred', async (t) => {
  const refusing = await startScripted(t, { greeting: '554 go away\r\n' });
  await assert.rejects(sendMail({ smtpUrl: refusing, envelope, bytes, timeoutMs: 30_000 }), fails('SEND_REFUSED', /554/));
  const busy = await startScripted(t, { greeting: '421 busy\r\n' });
  await assert.rejects(sendMail({ smtpUrl: busy, envelope, bytes, timeoutMs: 30_000 }), fails('SEND_DEFERRED', /421/));
});

test('a reply to the body that says neither yes nor no means unknown', async (t) => {
  for (const end of ['blah blah\r\n', '354 more\r\n', '250-ok\r\n', null]) {
    const smtpUrl = await startScripted(t, { end });
    await assert.rejects(sendMail({ smtpUrl, envelope, bytes, timeoutMs: 500 }), fails('SEND_UNKNOWN', /./));
  }
});

test('a reply cut off before its line end means unknown', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('220 hello\r\n');
    socket.on('data', (data) => {
      const text = data.toString('latin1');
      if (text.includes('\r\n.\r\n')) socket.end('550 refu');
      else socket.write(text.startsWith('DATA') ? '354 go on\r\n' : '250 ok\r\n');
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  const smtpUrl = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await assert.rejects(sendMail({ smtpUrl, envelope, bytes, timeoutMs: 2_000 }), fails('SEND_UNKNOWN', /./));
});

test('a "250" that comes before the body was handed over is not believed', async (t) => {
  const smtpUrl = await startScripted(t, { DATA: '354 go on\r\n250 queued\r\n' });
  const large = Buffer.alloc(20_000_000, 'x\r\n');
  await assert.rejects(sendMail({ smtpUrl, envelope, bytes: large, timeoutMs: 2_000 }), fails('SEND_UNKNOWN', /./));
});

test('an abort means deferred before the body and unknown after it', async (t) => {
  const server = await start(t, { behaviour: 'hang' });
  await assert.rejects(
    sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 30_000, signal: AbortSignal.abort() }), fails('SEND_DEFERRED', /stopped/));
  const abort = new AbortController();
  const sending = sendMail({ smtpUrl: server.url, envelope, bytes, timeoutMs: 30_000, signal: abort.signal });
  const outcome = assert.rejects(sending, fails('SEND_UNKNOWN', /stopped/));
  // It ends without the mail when it cannot be sent at all: then the outcome says why.
  const ended = new AbortController();
  outcome.catch(() => {}).finally(() => ended.abort());
  while (server.mails.length === 0 && !ended.signal.aborted) await delay(10);
  abort.abort();
  await outcome;
});

test('an envelope address with a line break is refused before anything is sent', async (t) => {
  const server = await start(t, {});
  const evil = { from: 'me@example.com', to: 'you@example.com>\r\nRCPT TO:<third@example.com' };
  await assert.rejects(sendMail({ smtpUrl: server.url, envelope: evil, bytes, timeoutMs: 30_000 }), fails('SEND_REFUSED', /Invalid recipient/));
  assert.equal(server.mails.length, 0);
});

test('an unusable URL is a configuration error that does not repeat the password', async () => {
  await assert.rejects(sendMail({ smtpUrl: 'http://u:secret@x', envelope, bytes, timeoutMs: 100 }), (error: unknown) => {
    assert.ok(error instanceof KeelsonError);
    assert.equal(error.code, 'BAD_CONFIG');
    return !error.message.includes('secret');
  });
});
