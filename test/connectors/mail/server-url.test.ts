import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readServerUrl } from '#connectors/mail/server-url.ts';
import { KeelsonError } from '#machines/errors.ts';

test('host, port, TLS, user and password are read, with percent signs decoded', () => {
  assert.deepEqual(readServerUrl('smtps://me%40example.com:p%25%3Aw@mail.example.com', 'smtp'), {
    host: 'mail.example.com', port: null, secure: true, auth: { user: 'me@example.com', pass: 'p%:w' }, isLocal: false,
  });
  assert.deepEqual(readServerUrl('imap://[::1]:1143', 'imap'), { host: '::1', port: 1143, secure: false, auth: null, isLocal: true });
});

test('only this machine is trusted without a certificate', () => {
  const local = ['localhost', '127.0.0.1', '127.1.2.3', '[::1]'];
  const remote = ['127.example.com', 'localhost.example.com', '128.0.0.1', 'example.com'];
  assert.deepEqual(local.map((host) => readServerUrl(`smtp://${host}`, 'smtp').isLocal), local.map(() => true));
  assert.deepEqual(remote.map((host) => readServerUrl(`smtp://${host}`, 'smtp').isLocal), remote.map(() => false));
});

test('anything else is a configuration error that does not repeat the password', () => {
  for (const text of ['', 'mail.example.com', 'http://u:secret@x', 'imap://u:secret@x', 'smtp://u:secret%zz@x']) {
    assert.throws(() => readServerUrl(text, 'smtp'), (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && !error.message.includes('secret'), text);
  }
});
