import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { composeMail, messageIdFor } from '#connectors/mail/compose.ts';
import { parseMail } from '#connectors/mail/parse.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { OutgoingMail } from '#machines/mail.ts';

const stamp = { messageId: '<op1@example.com>', date: '2026-11-23T10:00:00.000Z' };
const draft: OutgoingMail = {
  from: { address: 'me@example.com', name: 'Jörg "JJ" Müller' },
  to: { address: 'ann@example.org', name: 'Ann, Inc.' },
  subject: 'Grüße: Angebot 12 – 4.000 €',
  text: 'Hallo Ann,\n\nviele Grüße\n.\nFrom here on\nJörg 🚀\n',
  inReplyTo: '<2@example.org>',
  references: ['<1@example.org>', '<2@example.org>'],
};

function isRefused(error: unknown): boolean {
  return error instanceof KeelsonError && error.code === 'REFUSED';
}

test('the same arguments give the same bytes, and other arguments other bytes', async () => {
  const one = await composeMail(draft, stamp);
  assert.deepEqual(await composeMail(structuredClone(draft), { ...stamp, date: new Date(stamp.date) }), one);
  assert.notDeepEqual(await composeMail(draft, { ...stamp, messageId: '<op2@example.com>' }), one);
});

test('a composed mail reads back as what was composed', async () => {
  const raw = await composeMail(draft, stamp);
  const { mail } = await parseMail(raw);
  assert.deepEqual(mail.from, draft.from);
  assert.deepEqual(mail.to, [draft.to]);
  assert.equal(mail.subject, draft.subject);
  assert.equal(mail.text, draft.text.trim());
  assert.equal(mail.messageId, stamp.messageId);
  assert.equal(mail.inReplyTo, draft.inReplyTo);
  assert.deepEqual(mail.references, draft.references);
  assert.equal(mail.date, stamp.date);
  assert.deepEqual(mail.warnings, []);
});

test('the bytes are ASCII with CRLF line ends and no line over 998', async () => {
  const raw = Buffer.from(await composeMail({ ...draft, text: `${'lang '.repeat(1_000)}\nü\n` }, stamp)).toString('latin1');
  assert.ok(!/[^\x00-\x7f]/.test(raw));
  assert.ok(!/[^\r]\n/.test(raw));
  assert.ok(raw.split('\r\n').every((line) => line.length <= 998));
  assert.ok(!raw.includes('boundary'));
});

test('control characters in any header field are refused', async () => {
  for (const evil of ['x\r\nBcc: evil@example.com', 'x\nBcc: a@b', 'x\rBcc: a@b', 'x\0y', 'x\u001by', 'x\u0085y', 'x\u2028y']) {
    const changed: Partial<OutgoingMail>[] = [
      { subject: evil }, { from: { ...draft.from, name: evil } }, { to: { ...draft.to, name: evil } },
      { from: { name: '', address: evil } }, { to: { name: '', address: `${evil}@example.com` } }, { to: { name: '', address: `a@example.com${evil}` } },
      { inReplyTo: `<${evil}@x>` }, { references: [`<a@b>`, `<${evil}>`] },
    ];
    for (const change of changed) await assert.rejects(composeMail({ ...draft, ...change }, stamp), isRefused, JSON.stringify(change));
    await assert.rejects(composeMail(draft, { ...stamp, messageId: `<${evil}@x>` }), isRefused);
  }
  await assert.rejects(composeMail({ ...draft, text: 'a\0b' }, stamp), isRefused);
  await assert.rejects(composeMail({ ...draft, text: 'a\u001b[31mb' }, stamp), isRefused);
});

test('anything but one plain address is refused', async () => {
  const wrong = [
    '', 'ann', '@example.com', 'ann@', 'a@example.com,b@example.com', 'a@example.com b@example.com', 'Ann <a@example.com>', '<a@example.com>',
    'a@example.com;b@example.com', 'a b@example.com', 'a@exa mple.com', 'a@-x.com', 'a@x..com', '.a@x.com', 'ann@müller.de', 'änn@example.com',
    '"a\\"@x"@example.com', `${'a'.repeat(65)}@example.com`, `a@${'b.'.repeat(140)}com`, 'a@[127.0.0.1]',
  ];
  for (const address of wrong) await assert.rejects(composeMail({ ...draft, to: { name: '', address } }, stamp), isRefused, address);
});

test('an empty or oversized draft and an unreadable date are refused', async () => {
  await assert.rejects(composeMail({ ...draft, text: '' }, stamp), isRefused);
  await assert.rejects(composeMail({ ...draft, subject: 'x'.repeat(301) }, stamp), isRefused);
  await assert.rejects(composeMail(draft, { ...stamp, date: 'soon' }), isRefused);
});

test('whatever the strings are, a composed mail has exactly the header fields meant', async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }), async (subject, name) => {
    let raw: Uint8Array;
    try {
      raw = await composeMail({ ...draft, subject, to: { ...draft.to, name } }, stamp);
    } catch (error) {
      assert.ok(isRefused(error), String(error));
      return;
    }
    const head = Buffer.from(raw).toString('latin1').split('\r\n\r\n')[0] ?? '';
    const fields = head.split(/\r\n(?![ \t])/).map((line) => line.split(':')[0] ?? '').toSorted((a, b) => (a < b ? -1 : 1));
    assert.deepEqual(fields, ['Content-Transfer-Encoding', 'Content-Type', 'Date', 'From', 'In-Reply-To', 'MIME-Version', 'Message-ID', 'References', 'Subject', 'To']);
    assert.deepEqual((await parseMail(raw)).mail.to.map((to) => to.address), [draft.to.address]);
  }), { numRuns: 300 });
});

test('a message id is the same for the same operation, header-safe, and does not show the operation', () => {
  const id = messageIdFor('mail/ann@example.org#3\r\nBcc: x', 'example.com');
  assert.equal(id, messageIdFor('mail/ann@example.org#3\r\nBcc: x', 'example.com'));
  assert.notEqual(id, messageIdFor('mail/ann@example.org#4', 'example.com'));
  assert.match(id, /^<keelson\.[0-9a-f]{32}@example\.com>$/);
  for (const domain of ['', 'a b', 'x\r\ny', 'x>y', 'müller.de']) assert.throws(() => messageIdFor('op', domain), isRefused);
});
