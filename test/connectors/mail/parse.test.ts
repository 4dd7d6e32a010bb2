import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { composeMail } from '#connectors/mail/compose.ts';
import { splitMbox } from '#connectors/mail/mbox.ts';
import { maxRawBytes, parseMail } from '#connectors/mail/parse.ts';
import { KeelsonError } from '#machines/errors.ts';
import { mailLimits, mailSchema, type Mail } from '#machines/mail.ts';

const head = [
  'From: Ann Example <ann@example.com>', 'To: me@example.org, "Two, B." <b@example.org>', 'Cc: c@example.org', 'Subject: An offer',
  'Message-ID: <1@example.com>', 'In-Reply-To: <0@example.org>', 'References: <00@example.org>\r\n <0@example.org>', 'Date: Mon, 23 Nov 2026 10:00:00 +0100',
].join('\r\n');

/** Latin-1 on purpose: each char of `text` is one byte. */
async function parse(text: string): Promise<Mail> {
  const { mail } = await parseMail(Buffer.from(text, 'latin1'));
  return mailSchema.parse(mail);
}

async function refuses(raw: Uint8Array, reason: RegExp): Promise<void> {
  await assert.rejects(parseMail(raw), (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_MAIL' && reason.test(error.message));
}

function multipart(...parts: string[]): string {
  return `${head}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\n`;
}

function nested(levels: number): string {
  const open = Array.from({ length: levels }, (_, level) => `Content-Type: multipart/mixed; boundary="b${level}"\r\n\r\n--b${level}\r\n`).join('');
  const close = Array.from({ length: levels }, (_, level) => `--b${levels - 1 - level}--\r\n`).join('');
  return `${head}\r\n${open}Content-Type: text/plain\r\n\r\ndeep text\r\n${close}`;
}

test('an ordinary mail is read whole, without warnings', async () => {
  const mail = await parse(`${head}\r\n\r\nHello\r\nthere\r\n`);
  assert.deepEqual({ ...mail, id: '', rawHash: '' }, {
    id: '', rawHash: '', rawBytes: mail.rawBytes, messageId: '<1@example.com>', inReplyTo: '<0@example.org>', references: ['<00@example.org>', '<0@example.org>'],
    from: { address: 'ann@example.com', name: 'Ann Example' }, replyTo: null,
    to: [{ address: 'me@example.org', name: '' }, { address: 'b@example.org', name: 'Two, B.' }], cc: [{ address: 'c@example.org', name: '' }],
    recipientCount: 3, subject: 'An offer', date: '2026-11-23T09:00:00.000Z', text: 'Hello\nthere', textCut: false, attachments: [],
    bulk: { autoSubmitted: false, list: false, precedence: '', bounce: false, spamFlag: false }, warnings: [],
  });
  assert.match(mail.id, /^m-[0-9a-f]{16}$/);
  assert.match(mail.rawHash, /^[0-9a-f]{64}$/);
});

test('nothing, too much, and what is no mail are refused', async () => {
  await refuses(new Uint8Array(0), /empty/);
  await refuses(new Uint8Array(maxRawBytes + 1), /at most/);
  await refuses(Buffer.from('\x89PNG\r\n\x1a\n\0\0\0', 'latin1'), /no mail/);
  await refuses(Buffer.from('Dear reader,\n\nthis is a text.\n'), /no mail/);
  await refuses(Buffer.alloc(100_000), /no mail/);
  await refuses(Buffer.from(`Subject: UTF-16\r\n\r\nHello`, 'utf16le'), /no mail/);
  await refuses(Buffer.from('\r\n\r\n\r\n'), /no mail/);
});

test('a mail with hardly anything is read, and says what is missing', async () => {
  const mail = await parse('Subject: x');
  assert.deepEqual([mail.from, mail.messageId, mail.date, mail.text, mail.recipientCount], [null, null, null, '', 0]);
  assert.deepEqual(mail.warnings, ['The mail has no readable sender.', 'The mail has no date.']);
});

test('a byte order mark, empty lines and an mbox "From " line before the header do no harm', async () => {
  const plain = await parse(`${head}\r\n\r\nHello\r\n`);
  for (const before of ['\xef\xbb\xbf', '\r\n\r\n', 'From ann Mon Nov 23 10:00:00 2026\r\n', '>From ann Mon Nov 23 10:00:00 2026\n']) {
    assert.equal((await parse(`${before}${head}\r\n\r\nHello\r\n`)).id, plain.id, JSON.stringify(before));
  }
});

test('control characters in headers, raw or encoded, are taken out and leave a warning', async () => {
  const mail = await parse('From: =?utf-8?Q?Ann=0D=0ABcc=3A_x?= <ann@example.com>\r\nTo: me@exam\0ple.org\r\nSubject: a\rBcc: evil@example.com\0 =?utf-8?B?4oCuZXhl?=\r\nMessage-ID: <1\x01@x>\r\n\r\nHello \0\x1b[31m there');
  const strings = JSON.stringify([mail.from, mail.to, mail.subject, mail.messageId]);
  assert.ok(!/\\u00|\\r|\\n|\u202e/.test(strings), strings);
  assert.equal(mail.from?.name, 'AnnBcc: x');
  assert.ok(mail.warnings.some((warning) => warning.includes('Control characters') && warning.includes('subject')), mail.warnings.join());
  assert.equal(mail.text, 'Hello [31m there');
});

test('ten thousand recipients are counted, and fifty are kept', async () => {
  const to = Array.from({ length: 10_000 }, (_, number) => `Name ${number} <user${number}@example.com>`).join(',\r\n ');
  const mail = await parse(`From: a@example.com\r\nTo: ${to}\r\nCc: x@example.com\r\n\r\nHi`);
  assert.equal(mail.recipientCount, 10_001);
  assert.deepEqual([mail.to.length, mail.cc.length], [mailLimits.recipients, 0]);
  assert.ok(mail.warnings.some((warning) => warning.includes('10001 recipients')));
});

test('an international domain stays in its ASCII form, so that it can be answered and look-alikes show', async () => {
  const mail = await parse('From: x <x@xn--mller-kva.de>\r\n\r\nHi');
  assert.equal(mail.from?.address, 'x@xn--mller-kva.de');
});

test('an unknown charset is read as well as possible, with a warning', async () => {
  const mail = await parse(`${head}\r\nContent-Type: text/plain; charset=x-klingon\r\n\r\nCaf\xe9 yes`);
  assert.match(mail.text, /^Caf. yes$/u);
  assert.ok(mail.warnings.some((warning) => warning.includes('x-klingon')), mail.warnings.join());
});

test('known charsets and raw Latin-1 headers are decoded', async () => {
  const mail = await parse(`${head.replace('An offer', 'Gr\xfc\xdfe')}\r\nContent-Type: text/plain; charset=windows-1252\r\n\r\n5 \x80 f\xfcr Sie`);
  assert.deepEqual([mail.subject, mail.text, mail.warnings], ['Grüße', '5 € für Sie', []]);
});

test('text comes from HTML when there is no plain part, without scripts and styles', async () => {
  const html = '<html><head><title>t</title><style>a{b:c}</style></head><body><script>alert(1)</script><!-- no --><p>Dear&nbsp;Ann &amp; Bob,</p><p>pay 5&euro;<br>now <a href="http://example.com/x">here</a></p><ul><li>one<li>two</ul><table><tr><td>a</td><td>b</td></tr></table><img src="http://example.com/pixel.gif"></body></html>';
  const mail = await parse(`${head}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n${html}`);
  assert.equal(mail.text, 'Dear Ann & Bob,\n\npay 5€\nnow here\n\n- one\n- two\n\na b');
});

test('an alternative that says much more in HTML than in plain text shows both', async () => {
  const mail = await parse(multipart('Content-Type: text/plain\r\n\r\nPlease use an HTML reader.', `Content-Type: text/html\r\n\r\n<p>${'The invoice is due. '.repeat(50)}</p>`));
  assert.match(mail.text, /^Please use an HTML reader\.\n\nThe invoice is due\./);
  assert.ok(mail.warnings.some((warning) => warning.includes('HTML')));
});

test('a long text is cut at the limit, never inside a character', async () => {
  const mail = await parse(`${head}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nx${Buffer.from('🚀'.repeat(10_000)).toString('latin1')}`);
  assert.ok(mail.textCut);
  assert.equal(mail.text.length, mailLimits.textChars - 1);
  assert.ok(mail.text.isWellFormed());
});

test('MIME cut in the middle, without its boundary, or with broken encodings gives the readable part', async () => {
  const whole = multipart('Content-Type: text/plain\r\n\r\nHello there', 'Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA');
  for (let length = head.length; length < whole.length; length += 7) await parse(whole.slice(0, length));
  assert.equal((await parse(`${head}\r\nContent-Type: multipart/mixed\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello`)).text, 'Hello');
  assert.equal((await parse(`${head}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nA=ZZ=3`)).text.slice(0, 1), 'A');
  assert.equal((await parse(`${head}\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8*gd29y`)).text.slice(0, 5), 'Hello');
});

test('deep nesting and many parts neither hang nor break; the first text is read with a warning', async () => {
  for (const levels of [60, 1_000, 100_000]) {
    const started = performance.now();
    const mail = await parse(nested(levels));
    assert.equal(mail.text, 'deep text', `${levels} levels`);
    assert.equal(mail.warnings.some((warning) => warning.includes('structure')), levels > 300);
    assert.ok(performance.now() - started < 5_000);
  }
  const wide = await parse(multipart(...Array.from({ length: 20_000 }, (_, number) => `Content-Type: text/plain\r\n\r\npart ${number}`)));
  assert.equal(wide.text, 'part 0');
});

test('a header of megabytes is cut at a field, and the text is still read', async () => {
  const mail = await parse(`${head}\r\nX-Junk: ${'x'.repeat(3_000_000)}\r\n\r\nHello`);
  assert.deepEqual([mail.subject, mail.text], ['An offer', 'Hello']);
  const many = await parse(`${head}\r\n${'To: a@b.c\r\n'.repeat(100_000)}\r\nHello`);
  assert.deepEqual([many.subject, many.text], ['An offer', 'Hello']);
});

test('an attachment of 30 MB is hashed in bounded time and memory', async (t) => {
  const data = Buffer.alloc(30 * 1024 * 1024, 'attachment ');
  const raw = Buffer.from(multipart('\r\nsee file', `Content-Type: application/pdf; name="../../offer.pdf"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n${data.toString('base64').replace(/(.{76})/g, '$1\r\n')}`), 'latin1');
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const { mail, attachments } = await parseMail(raw);
  const spent = performance.now() - started;
  t.diagnostic(`${Math.round(raw.length / 1e6)} MB raw: ${Math.round(spent)} ms, ${Math.round((process.memoryUsage.rss() - before) / 1e6)} MB more memory`);
  assert.deepEqual(mail.attachments, [{ name: 'offer.pdf', mediaType: 'application/pdf', sizeBytes: data.length, hash: attachments[0]?.hash }]);
  assert.ok(Buffer.from(attachments[0]?.bytes ?? []).equals(data));
  assert.ok(spent < 20_000);
});

test('an embedded mail is an attachment; more than fifty attachments are counted and cut', async () => {
  const embedded = await parse(multipart('Content-Type: text/plain\r\n\r\nfwd', 'Content-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\nSubject: inner\r\n\r\ninner text'));
  assert.deepEqual([embedded.text, embedded.attachments.map(({ mediaType }) => mediaType)], ['fwd', ['message/rfc822']]);
  const many = await parse(multipart(...Array.from({ length: 60 }, (_, number) => `Content-Type: image/png; name=${number}.png\r\n\r\n${number}`)));
  assert.equal(many.attachments.length, mailLimits.attachments);
  assert.ok(many.warnings.some((warning) => warning.includes('60 attachments')));
});

test('headers that say a machine wrote it are recognised', async () => {
  const { bulk } = await parse('From: mailer-daemon@x.com\r\nReturn-Path: <>\r\nAuto-Submitted: auto-replied\r\nList-Id: <l.x>\r\nPrecedence: Bulk\r\nX-Spam-Flag: YES\r\n\r\n');
  assert.deepEqual(bulk, { autoSubmitted: true, list: true, precedence: 'bulk', bounce: true, spamFlag: true });
});

test('dates are read the same on every machine, and nonsense is no date', async () => {
  const dates: [string, string | null][] = [
    ['Mon, 23 Nov 2026 10:00:00 +0100 (CET)', '2026-11-23T09:00:00.000Z'], ['23 Nov 26 10:00 GMT', '2026-11-23T10:00:00.000Z'], ['Mon, 23 Nov 2026 10:00:00', '2026-11-23T10:00:00.000Z'],
    ['Mon, 23 Nov 2026 10:00:00 PST', '2026-11-23T18:00:00.000Z'], ['2026-11-23T10:00:00Z', '2026-11-23T10:00:00.000Z'], ['yesterday', null], ['99 Foo 2026 10:00', null], ['Mon, 23 Nov 9999 10:00:00 +0000', null], ['', null],
  ];
  for (const [date, expected] of dates) assert.equal((await parse(`From: a@b.c\r\nDate: ${date}\r\n\r\nx`)).date, expected, date);
});

test('the same mail by another route is the same mail: LF or CRLF, trailing blanks, mbox quoting, headers a mail program adds', async () => {
  const body = 'Hello\r\n\r\nFrom here on\r\n>From there\r\nend\r\n';
  const one = multipart(`Content-Type: text/plain\r\n\r\n${body}`, 'Content-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment\r\n\r\na,b\r\n1,2');
  const { id } = await parse(one);
  const lf = one.replaceAll('\r\n', '\n');
  assert.equal((await parse(lf)).id, id);
  assert.equal((await parse(one.replace('Hello\r\n', 'Hello  \r\n') + '\r\n\r\n')).id, id);
  assert.equal((await parse(`Status: RO\r\nX-Mozilla-Status: 0001\r\n${one}`)).id, id);
  const mbox = `From ann Mon Nov 23 10:00:00 2026\n${lf.replace(/^(?=From )/gm, '>')}\n`;
  for await (const { raw } of splitMbox((async function* () { yield Buffer.from(mbox, 'latin1'); })(), maxRawBytes)) assert.equal((await parseMail(raw ?? Buffer.alloc(0))).mail.id, id);
  assert.notEqual((await parse(lf)).rawHash, (await parse(one)).rawHash);
});

test('a mail with the same Message-ID and any other content is another mail', async () => {
  const one = multipart('Content-Type: text/plain\r\n\r\nPay 100 to A', 'Content-Type: text/html\r\n\r\n<p>Pay 100 to A</p>', 'Content-Type: text/csv; name=a.csv\r\n\r\na,b');
  const changes: [string, string][] = [
    ['\r\n\r\nPay 100', '\r\n\r\nPay 900'], ['<p>Pay 100', '<p>Pay 900'], ['a,b', 'a,c'], ['An offer', 'An order'], ['ann@example.com>', 'eve@example.com>'], ['10:00:00', '10:00:01'], ['<1@', '<2@'],
  ];
  const ids = new Set([(await parse(one)).id]);
  for (const [from, to] of changes) ids.add((await parse(one.replace(from, to))).id);
  assert.equal(ids.size, changes.length + 1);
  const long = 'x'.repeat(20_000);
  assert.notEqual((await parse(`${head}\r\n\r\n${long}a`)).id, (await parse(`${head}\r\n\r\n${long}b`)).id, 'a difference beyond the cut counts');
});

test('whatever the bytes are, the result keeps the schema and the limits, or the mail is refused', async () => {
  const fragment = fc.constantFrom('\r\n', '\n', '\r', '\0', ' ', ';', ':', '--b', '--b--', '"', '<', '>', '=?utf-8?B?', '?=', '=', 'Content-Type: multipart/mixed; boundary=b\r\n', 'Content-Type: text/html\r\n', 'Content-Type: message/rfc822\r\n', 'To: ', 'a@b.c', 'Content-Transfer-Encoding: base64\r\n', '\xff', '&#x;', '<script', 'boundary*0=');
  await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fragment, fc.string({ maxLength: 8 })), { maxLength: 60 }), async (parts) => {
    const mail = await parse(`From: x@y.z\r\n${parts.join('')}`).catch((error: unknown) => { assert.ok(error instanceof KeelsonError && error.code === 'BAD_MAIL', String(error)); return null; });
    if (!mail) return;
    assert.ok(mail.text.length <= mailLimits.textChars && mail.subject.length <= mailLimits.subjectChars && mail.to.length + mail.cc.length <= mailLimits.recipients);
    const { text, ...rest } = mail;
    JSON.stringify(rest, (_key, value: unknown) => {
      if (typeof value === 'string') assert.ok(!/[\u0000-\u001f\u007f]/.test(value), JSON.stringify(value));
      return value;
    });
    assert.ok(!/[\u0000-\u0008\u000b-\u001f]/.test(text));
  }), { numRuns: 500 });
});

test('an ordinary mail takes a few milliseconds', async (t) => {
  const raw = await composeMail({ from: { address: 'a@example.com', name: 'A' }, to: { address: 'b@example.com', name: 'B' }, subject: 'Hi', text: 'Grüße, text\n'.repeat(200), inReplyTo: null, references: [] }, { messageId: '<1@example.com>', date: '2026-11-23T10:00:00Z' });
  for (let warm = 0; warm < 50; warm += 1) await parseMail(raw);
  const started = performance.now();
  for (let count = 0; count < 200; count += 1) await parseMail(raw);
  const each = (performance.now() - started) / 200;
  t.diagnostic(`${raw.length} bytes: ${each.toFixed(2)} ms each`);
  assert.ok(each < 50);
});
