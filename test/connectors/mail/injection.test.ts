// Goal: no string that somebody else wrote adds a header, a recipient, a part or a second mail, and none reads differently at the recipient
// than it was approved. Method: a corpus of attacks through every field; what is not refused is read back by another parser and compared.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { sha256 } from '#actors/hash.ts';
import { createMailConnector } from '#connectors/mail/connector.ts';
import { composeMail } from '#connectors/mail/compose.ts';
import { fileName, readEnclosures } from '#connectors/mail/enclosures.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { OutgoingMail } from '#machines/mail.ts';
import { startSmtp } from '#test/kit/smtp.ts';
import { actionOf, callOf, documentsOf, draft, own, pdf } from './mail-kit.ts';

const stamp = { messageId: '<op1@studio-voss.example>', date: '2026-11-23T10:00:00.000Z' };
const breaks = ['\r\n', '\n', '\r', '\n\r', '\r\n ', '\r\n\t', '\0', '\v', '\f', '\u0085', '\u2028', '\u2029', '%0d%0a', '\\r\\n', '=0D=0A', '&#13;&#10;', '\u560d\u560a'];
const additions = ['Bcc: eve@evil.example', 'Bcc:eve@evil.example', 'Content-Type: text/html', 'X: y', '\r\n<html>', '.', '\r\n.\r\nMAIL FROM:<eve@evil.example>', '--_NmP'];
const corpus = [
  ...breaks.flatMap((end) => additions.map((added) => `Hello${end}${added}`)),
  '=?utf-8?q?Hello=0D=0ABcc:_eve=40evil.example?=', '=?UTF-8?B?SGVsbG8NCkJjYzogZXZlQGV2aWwuZXhhbXBsZQ==?=', '=?iso-8859-1?Q?=45=56=45?=', '=?utf-8?q?a?= =?utf-8?q?b?=', '=?x?b?', '=?utf-8*en?q?a?=',
  '"Mara" <eve@evil.example>', 'Mara <eve@evil.example>, Nina', 'eve@evil.example,', 'a@b.example;', '(comment) x', '"', '\\"', '\\', '<', '>', '<>', ':;', 'Group: eve@evil.example;',
  'x'.repeat(300), `${'x'.repeat(75)} ${'y'.repeat(80)}`, 'ü'.repeat(300), '🚀'.repeat(100), ' '.repeat(200), '\u202efdp.exe', 'a\u2066b\u2069', '\ud800', 'a\udc00b', '\ufeff', '\u200b', 'e\u0301', 'ﬁ', 'K', '\u00a0x\u00a0',
];
const fields: Record<string, (evil: string) => Partial<OutgoingMail>> = {
  subject: (subject) => ({ subject: subject.slice(0, 300) }),
  'from name': (name) => ({ from: { ...draft.from, name } }),
  'to name': (name) => ({ to: { ...draft.to, name } }),
  'to address': (evil) => ({ to: { name: '', address: `nina@holt.example${evil}` } }),
  'to local part': (evil) => ({ to: { name: '', address: `${evil}@holt.example` } }),
  'in-reply-to': (evil) => ({ inReplyTo: `<${evil}@holt.example>` }),
  references: (evil) => ({ references: [`<1@holt.example>${evil}`] }),
  text: (text) => ({ text: `${text}\n` }),
};
const isRefused = (error: unknown) => error instanceof KeelsonError && error.code === 'REFUSED';
/** Folding may turn blanks at a fold into one; nothing else may differ. */
const blanks = (text: string) => text.replace(/\s+/g, ' ').trim();
const headerNames = ['content-type', 'date', 'from', 'in-reply-to', 'message-id', 'mime-version', 'references', 'subject', 'to'];

async function assertReadsBack(payload: OutgoingMail, raw: Uint8Array): Promise<void> {
  const text = Buffer.from(raw).toString('latin1');
  assert.ok(!/[^\r]\n|\r[^\n]/.test(text), 'a bare CR or LF');
  assert.ok(text.split('\r\n').every((line) => line.length <= 998), 'a line that is too long');
  const mail = await simpleParser(Buffer.from(raw));
  assert.deepEqual([...mail.headers.keys()].filter((key) => key !== 'content-transfer-encoding').toSorted(), headerNames);
  assert.deepEqual(mail.headerLines.map(({ key }) => key).filter((key, i, all) => all.indexOf(key) !== i), [], 'a field twice');
  const one = (value: typeof mail.from) => ({ address: value?.value[0]?.address?.toLowerCase(), name: blanks(value?.value[0]?.name ?? ''), count: value?.value.length });
  assert.deepEqual(one(mail.from), { address: payload.from.address.toLowerCase(), name: blanks(payload.from.name), count: 1 });
  assert.ok(mail.to && !Array.isArray(mail.to));
  assert.deepEqual(one(mail.to), { address: payload.to.address.toLowerCase(), name: blanks(payload.to.name), count: 1 });
  assert.equal(blanks(mail.subject ?? ''), blanks(payload.subject));
  assert.equal(mail.messageId, stamp.messageId);
  assert.equal(mail.inReplyTo, payload.inReplyTo);
  assert.equal(mail.text?.replace(/\r\n?/g, '\n').trimEnd(), payload.text.replace(/\r\n?/g, '\n').trimEnd());
  assert.deepEqual(mail.attachments, []);
}

for (const [field, change] of Object.entries(fields)) {
  test(`an attack in the ${field} is refused, or arrives as nothing but what was written`, async (t) => {
    let refused = 0;
    for (const evil of corpus) {
      const payload = { ...draft, ...change(evil) };
      const raw = await composeMail(payload, stamp).catch((error: unknown) => error);
      if (raw instanceof Uint8Array) await assertReadsBack(payload, raw).catch((error: Error) => assert.fail(`${JSON.stringify(evil)}: ${error.message}`));
      else assert.ok(isRefused(raw), `${JSON.stringify(evil)}: ${String(raw)}`);
      if (!(raw instanceof Uint8Array)) refused += 1;
      if (/[\r\n\0]/.test(evil) && field !== 'text') assert.ok(!(raw instanceof Uint8Array), `${JSON.stringify(evil)} was not refused`);
    }
    t.diagnostic(`${refused} of ${corpus.length} refused`);
  });
}

test('random strings in subject, names and text read back as they were written, or are refused', async () => {
  const wild = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.array(fc.constantFrom(...corpus), { minLength: 1, maxLength: 2 }).map((parts) => parts.join('').slice(0, 200)));
  await fc.assert(fc.asyncProperty(wild, wild, wild, async (subject, name, text) => {
    const payload = { ...draft, subject: subject || 'x', to: { ...draft.to, name }, text: text || 'x' };
    const raw = await composeMail(payload, stamp).catch((error: unknown) => error);
    if (raw instanceof Uint8Array) await assertReadsBack(payload, raw);
    else assert.ok(isRefused(raw), String(raw));
  }), { numRuns: 300 });
});

test('whatever a document is called, it is one attachment with a harmless name and the bytes that were hashed', async () => {
  for (const name of [...corpus, '../../etc/passwd', 'C:\\Windows\\x.exe', '..', '.', '', '.htaccess', 'a/', 'con.pdf ', 'x.pdf.exe', 'a\u202efdp.exe', 'name="x"; filename="evil.exe"']) {
    const hash = sha256(pdf.bytes);
    const mediaType = name.length % 2 === 0 ? 'message/rfc822' : 'text/html; charset=x\r\nX: y';
    const enclosed = await readEnclosures([{ artifact: 'a', hash }], documentsOf({ a: { ...pdf, name, mediaType } }));
    const raw = await composeMail({ ...draft, enclosures: [{ artifact: 'a', hash }] }, { ...stamp, enclosed });
    const mail = await simpleParser(Buffer.from(raw));
    assert.deepEqual([...mail.headers.keys()].toSorted(), headerNames);
    assert.deepEqual(mail.attachments.map(({ filename, content }) => ({ filename, hash: sha256(content) })), [{ filename: fileName(name), hash }]);
    // Not by the parser, which guesses a type from the name.
    assert.deepEqual(Buffer.from(raw).toString('latin1').match(/^Content-Type: [^;\r]+/gm), ['Content-Type: multipart/mixed', 'Content-Type: text/plain', 'Content-Type: application/octet-stream']);
    assert.match(fileName(name), /^[^\p{Cc}\p{Cf}/\\:<>"|?*;%.][^\p{Cc}\p{Cf}/\\:<>"|?*;%]*$/u);
    assert.ok(Array.from(fileName(name)).length <= 100);
    assert.equal(mail.text?.trim(), draft.text.trim());
  }
});

test('a text cannot close the part it stands in, and other contents give other boundaries', async () => {
  const enclosed = await readEnclosures([{ artifact: 'a', hash: sha256(pdf.bytes) }], documentsOf({ a: pdf }));
  const boundaryOf = (raw: Uint8Array) => /boundary="([^"]+)"/.exec(Buffer.from(raw).toString('latin1'))?.[1] ?? '';
  let payload: OutgoingMail = draft;
  const seen = new Set<string>();
  for (let tries = 0; tries < 5; tries += 1) {
    const raw = await composeMail(payload, { ...stamp, enclosed });
    const boundary = boundaryOf(raw);
    assert.ok(boundary !== '' && !seen.has(boundary));
    seen.add(boundary);
    const mail = await simpleParser(Buffer.from(raw));
    assert.equal(mail.attachments.length, 1);
    assert.equal(mail.text?.trim(), payload.text.trim());
    payload = { ...draft, text: `x\n--${boundary}\nContent-Type: text/html\n\n<b>evil</b>\n--${boundary}--\n` };
  }
});

test('no text ends the mail early and begins another one', async (t) => {
  const smtp = await startSmtp();
  t.after(smtp.stop);
  const send = actionOf(createMailConnector({ smtpUrl: smtp.url, outboxDir: '', domain: 'studio-voss.example', from: own, ownAddresses: [] }), 'mail.send');
  const ends = ['\r\n.\r\n', '\n.\n', '\r.\r', '\n.\r\n', '\r\n.\n', '\r\n..\r\n', '\r.\r\n', '.'];
  const texts = ends.map((end) => `before${end}MAIL FROM:<eve@evil.example>\r\nRCPT TO:<all@holt.example>\r\nDATA\r\nSubject: second\r\n\r\nsecond\r\n.\r\nafter`);
  for (const [i, text] of texts.entries()) await send.commit({ ...draft, text }, callOf(`op-${i}`));
  assert.equal(smtp.mails.length, texts.length);
  for (const [i, { raw, to }] of smtp.mails.entries()) {
    assert.deepEqual(to, [draft.to.address]);
    assert.equal((await simpleParser(raw)).text?.replace(/\r\n?/g, '\n').trimEnd(), texts[i]?.replace(/\r\n?/g, '\n').trimEnd());
  }
});
