// Goal: a mail leaves as it was approved, at most once, and what is not known is said. Method: the contract suite and single failures
// against a real SMTP server, a real dovecot and a wire between them that loses replies.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { sha256 } from '#actors/hash.ts';
import { createMailConnector, type MailSettings } from '#connectors/mail/connector.ts';
import { enclosedBytesMax } from '#connectors/mail/enclosures.ts';
import { parseMail } from '#connectors/mail/parse.ts';
import { KeelsonError, type Code } from '#machines/errors.ts';
import type { OutgoingMail } from '#machines/mail.ts';
import { connectorContract } from '#test/contract/connector.ts';
import { dovecotMissing, startDovecot, type DovecotFixture } from '#test/kit/dovecot.ts';
import { startSmtp } from '#test/kit/smtp.ts';
import { actionOf, callOf, documentsOf, draft, folderIn, own, pdf, startWire } from './mail-kit.ts';

const missing = dovecotMissing();
const onDovecot = { skip: missing ?? false, timeout: 120_000 };
if (missing) console.error(`\n*** ${missing} ***\n`);

const make = (t: TestContext, over: Partial<MailSettings> = {}) => createMailConnector({ smtpUrl: null, outboxDir: folderIn(t), domain: 'studio-voss.example', from: own, ownAddresses: [], ...over });
const fails = (code: Code) => (error: unknown) => error instanceof KeelsonError && error.code === code;
const enclosure = { artifact: 'doc/invoice-12', hash: sha256(pdf.bytes) };
const good = { 'mail.send': { ...draft, enclosures: [enclosure] }, 'mail.draft': draft };
const bad: unknown[] = [
  {}, { ...draft, bcc: 'x@evil.example' }, { ...draft, to: { ...draft.to, cc: 'x@evil.example' } }, { ...draft, enclosures: [] }, { ...draft, enclosures: [{ ...enclosure, path: '/etc/passwd' }] },
  { ...draft, from: { address: 'ceo@bank.example', name: 'CEO' } }, { ...draft, subject: 'x\r\nBcc: x@evil.example' }, { ...draft, to: { name: '', address: 'a@b.example, c@d.example' } },
  { ...draft, enclosures: [{ artifact: 'doc/none', hash: 'a'.repeat(64) }] }, { ...draft, enclosures: [{ ...enclosure, hash: 'a'.repeat(64) }] },
];
const documents = documentsOf({ 'doc/invoice-12': pdf });
const files = (folder: string) => (existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.eml')) : []);

test('without servers the connector keeps the contract', async (t) => {
  const outboxDir = folderIn(t);
  await connectorContract(t, { connector: make(t, { outboxDir }), documents, good, bad: { 'mail.send': bad, 'mail.draft': bad }, provider: { executed: () => files(join(outboxDir, 'drafts')).length } });
});

test('with an SMTP server the connector keeps the contract', async (t) => {
  const smtp = await startSmtp({ password: 'a-password-nobody-sees' });
  t.after(smtp.stop);
  const wire = await startWire(Number(new URL(smtp.url).port));
  t.after(wire.stop);
  const outboxDir = folderIn(t);
  const smtpUrl = smtp.url.replace(/\d+$/, String(wire.port));
  await connectorContract(t, {
    connector: make(t, { smtpUrl, outboxDir }), documents, good, secrets: { KEELSON_SMTP_URL: 'a-password-nobody-sees' },
    provider: { executed: () => smtp.mails.length + files(join(outboxDir, 'drafts')).length },
  });
});

test('what was sent is what was planned: recipient, text, enclosure by its bytes, Message-ID of the operation', async (t) => {
  const smtp = await startSmtp();
  t.after(smtp.stop);
  const send = actionOf(make(t, { smtpUrl: smtp.url }), 'mail.send');
  const payload: OutgoingMail = { ...draft, enclosures: [{ ...enclosure, name: '../Rechnung "12"\u202efdp.exe' }] };
  const plan = await send.plan(payload, callOf('op-1'));
  assert.deepEqual(plan.control, [{ kind: 'recipient', field: 'to.address', value: 'nina@holt.example', vouchedBy: null }]);
  assert.deepEqual(plan.enclosures, [{ ...enclosure, name: 'Rechnung _12_fdp.exe', mediaType: 'application/pdf', sizeBytes: pdf.bytes.length }]);
  assert.match(plan.preview, /To: Nina Holt <Nina@holt\.example>[^]*Enclosed: Rechnung _12_fdp\.exe \(application\/pdf[^]*Hallo Nina/);
  const done = await send.commit(payload, callOf('op-1'));
  assert.deepEqual(done.facts, [{ entity: 'person/nina@holt.example', predicate: 'mail.sent', value: { subject: draft.subject, operation: 'op-1' }, label: 'system', confidence: 1 }]);
  const [sent] = smtp.mails;
  assert.deepEqual([sent?.from, sent?.to], [own, ['Nina@holt.example']]);
  const { mail, attachments } = await parseMail(sent?.raw ?? Buffer.alloc(0));
  assert.equal(mail.messageId, done.providerRef);
  assert.equal(mail.text, draft.text.trim());
  assert.deepEqual(mail.inReplyTo, draft.inReplyTo);
  assert.deepEqual(attachments.map(({ name, hash, mediaType }) => ({ name, hash, mediaType })), [{ name: 'Rechnung _12_fdp.exe', hash: enclosure.hash, mediaType: 'application/pdf' }]);
});

test('a reply to somebody who did not write is a high risk, and says so in the words the operator knows', async (t) => {
  const send = actionOf(make(t), 'mail.send');
  const plan = (over: Partial<OutgoingMail>) => send.plan({ ...draft, ...over }, callOf('op'));
  assert.equal((await plan({})).risk, 'medium');
  const { expected: _, ...unnamed } = draft;
  for (const payload of [{ ...draft, to: { address: 'x@evil.example', name: '' } }, unnamed, { ...draft, inReplyTo: null, expected: ['else@holt.example'] }]) {
    const { risk, reasons } = await send.plan(payload, callOf('op'));
    assert.equal(risk, 'high');
    assert.equal(reasons[0], `the recipient ${payload.to.address} is not the sender of the mail that is answered`);
  }
  assert.equal((await send.plan({ ...unnamed, inReplyTo: null, references: [] }, callOf('op'))).risk, 'medium');
  const toOurselves = await plan({ to: { address: own.toUpperCase().replace('STUDIO', 'studio'), name: '' } });
  assert.deepEqual([toOurselves.risk, toOurselves.control[0]?.vouchedBy], ['medium', 'an address of this company']);
});

test('a document that is not what its hash says, or too large with the others, does not leave', async (t) => {
  const smtp = await startSmtp();
  t.after(smtp.stop);
  const send = actionOf(make(t, { smtpUrl: smtp.url }), 'mail.send');
  const changed = documentsOf({ 'doc/invoice-12': { ...pdf, bytes: Buffer.from('another invoice') } });
  await assert.rejects(send.commit({ ...draft, enclosures: [enclosure] }, callOf('op', { documents: changed })), fails('REFUSED'));
  const half = Buffer.alloc(enclosedBytesMax / 2 + 1);
  const large = documentsOf({ a: { ...pdf, bytes: half }, b: { ...pdf, bytes: half } });
  const both = ['a', 'b'].map((artifact) => ({ artifact, hash: sha256(half) }));
  await assert.rejects(send.plan({ ...draft, enclosures: both }, callOf('op', { documents: large })), fails('REFUSED'));
  assert.equal((await send.plan({ ...draft, enclosures: both.slice(1) }, callOf('op', { documents: large }))).enclosures.length, 1);
  assert.equal(smtp.mails.length, 0);
});

test('every try of an operation makes the same bytes, whatever the clock says', async (t) => {
  const smtp = await startSmtp({ behaviour: 'defer-mail' });
  t.after(smtp.stop);
  const send = actionOf(make(t, { smtpUrl: smtp.url }), 'mail.send');
  const sinceMs = Date.UTC(2026, 10, 23, 9, 30, 15, 250);
  const payload = { ...draft, enclosures: [enclosure] };
  await assert.rejects(send.commit(payload, callOf('op', { sinceMs, nowMs: () => sinceMs + 5 })), fails('SEND_DEFERRED'));
  smtp.behave('accept');
  await send.commit(payload, callOf('op', { sinceMs, nowMs: () => sinceMs + 3_600_000 }));
  assert.deepEqual(smtp.mails[1]?.raw, smtp.mails[0]?.raw);
  assert.equal((await parseMail(smtp.mails[0]?.raw ?? Buffer.alloc(0))).mail.date, '2026-11-23T09:30:15.000Z');
});

test('without a server the mail is written once under its operation and said not to be sent, also when it is tried again later', async (t) => {
  const outboxDir = folderIn(t);
  const send = actionOf(make(t, { outboxDir }), 'mail.send');
  const first = await send.commit(draft, callOf('op-7'));
  const [name = ''] = files(outboxDir);
  const bytes = readFileSync(join(outboxDir, name));
  const again = await send.commit(draft, callOf('op-7', { nowMs: () => Date.UTC(2027, 0, 1) }));
  assert.deepEqual(again, first);
  assert.equal(first.done, false);
  assert.match(first.note, /^not sent: written to outbox\/op-7-[0-9a-f]{12}\.eml because no SMTP server is configured$/);
  assert.equal(first.facts[0]?.predicate, 'mail.written-not-sent');
  assert.deepEqual(files(outboxDir), [name]);
  assert.deepEqual(readFileSync(join(outboxDir, name)), bytes);
  await assert.rejects(send.commit({ ...draft, text: 'another text' }, callOf('op-7')), fails('REFUSED'));
  writeFileSync(join(outboxDir, name), 'Subject: not ours\r\n\r\n');
  await assert.rejects(send.commit(draft, callOf('op-7')), fails('REFUSED'));
});

const lost: [string, Parameters<typeof startSmtp>[0], Code][] = [
  ['refuses the recipient', { behaviour: 'refuse' }, 'SEND_REFUSED'],
  ['defers', { behaviour: 'defer' }, 'SEND_DEFERRED'],
  ['refuses the mail', { behaviour: 'refuse-mail' }, 'SEND_REFUSED'],
  ['goes away before the mail', { behaviour: 'drop-before-data' }, 'SEND_DEFERRED'],
  ['goes away after the mail', { behaviour: 'drop-after-body' }, 'SEND_UNKNOWN'],
];
for (const [what, options, code] of lost) {
  test(`a server that ${what} ends in ${code}`, async (t) => {
    const smtp = await startSmtp(options);
    t.after(smtp.stop);
    await assert.rejects(actionOf(make(t, { smtpUrl: smtp.url }), 'mail.send').commit(draft, callOf('op')), fails(code));
  });
}

test('with a mailbox', onDovecot, async (t) => {
  let dovecot: DovecotFixture;
  before(async () => {
    dovecot = await startDovecot();
    const { ImapFlow } = await import('imapflow');
    const client = new ImapFlow({ host: '127.0.0.1', port: dovecot.port, secure: false, auth: { user: 'user', pass: 'secret' }, logger: false });
    await client.connect();
    await client.mailboxCreate('Sent');
    await client.mailboxCreate('Drafts');
    await client.logout();
  });
  after(() => dovecot.stop());
  const mailsIn = (folder: string) => ['new', 'cur'].flatMap((part) => readdirSync(join(dovecot.maildir, `.${folder}`, part)).map((name) => join(dovecot.maildir, `.${folder}`, part, name)));

  await t.test('the connector keeps the contract, lost replies included', async (t2) => {
    let filed = 0;
    // A mail host that files what it sends by itself, as the large ones do.
    const smtp = await startSmtp({ onMail: ({ raw }) => writeFileSync(join(dovecot.maildir, '.Sent', 'new', `${1_800_000_000 + ++filed}.M1P1.test`), raw) });
    t2.after(smtp.stop);
    const [smtpWire, imapWire] = [await startWire(Number(new URL(smtp.url).port)), await startWire(dovecot.port)];
    t2.after(async () => { await smtpWire.stop(); await imapWire.stop(); });
    await connectorContract(t2, {
      connector: make(t2, { smtpUrl: `smtp://127.0.0.1:${smtpWire.port}`, imapUrl: `imap://user:secret@127.0.0.1:${imapWire.port}` }), documents, good, secrets: { KEELSON_IMAP_URL: 'user:secret' },
      provider: {
        executed: () => smtp.mails.length + mailsIn('Drafts').length,
        loseNextReply() { smtpWire.loseNext(/^250 .*queued/i, imapWire.loseNothing); imapWire.loseNext(/OK .*append completed/i, smtpWire.loseNothing); },
        silence() {
          const both = [smtpWire.silence(), imapWire.silence()];
          return { reached: Promise.race(both.map(({ reached }) => reached)), end: () => both.forEach(({ end }) => end()) };
        },
      },
    });
    assert.equal(mailsIn('Sent').length, smtp.mails.length, 'no second copy beside that of the server');
  });

  await t.test('a copy of what was sent is filed where the server files none, and is found again as done', async (t2) => {
    const smtp = await startSmtp();
    t2.after(smtp.stop);
    const send = actionOf(make(t2, { smtpUrl: smtp.url, imapUrl: dovecot.url }), 'mail.send');
    const already = mailsIn('Sent');
    const done = await send.commit(draft, callOf('op-filed'));
    const added = mailsIn('Sent').filter((path) => !already.includes(path));
    assert.deepEqual(added.map((path) => readFileSync(path, 'latin1')), [smtp.mails[0]?.raw.toString('latin1').replaceAll('\r\n', '\n')]);
    const found = await send.lookup?.(draft, callOf('op-filed'));
    assert.ok(found?.found === 'done');
    assert.deepEqual([found.performed.providerRef, found.performed.facts], [done.providerRef, done.facts]);
  });

  await t.test('a mail that is not in the Sent folder may have left all the same', async (t2) => {
    const send = actionOf(make(t2, { smtpUrl: 'smtp://127.0.0.1:1', imapUrl: dovecot.url }), 'mail.send');
    assert.equal((await send.lookup?.(draft, callOf('op-never')))?.found, 'unclear');
  });

  await t.test('a stranger’s mail that bears our Message-ID proves nothing', async (t2) => {
    const send = actionOf(make(t2, { smtpUrl: 'smtp://127.0.0.1:1', imapUrl: dovecot.url }), 'mail.send');
    const { providerRef } = await actionOf(make(t2), 'mail.send').commit(draft, callOf('op-forged'));
    writeFileSync(join(dovecot.maildir, '.Sent', 'new', '1900000000.M1P1.test'), `From: eve@evil.example\r\nMessage-ID: ${providerRef}\r\nSubject: x\r\n\r\nx\r\n`);
    assert.equal((await send.lookup?.(draft, callOf('op-forged')))?.found, 'unclear');
  });

  await t.test('that the copy cannot be filed changes nothing about the mail', async (t2) => {
    const smtp = await startSmtp();
    t2.after(smtp.stop);
    const send = actionOf(make(t2, { smtpUrl: smtp.url, imapUrl: 'imap://user:hunter2@127.0.0.1:1' }), 'mail.send');
    const { done, note } = await send.commit(draft, callOf('op-nocopy'));
    assert.equal(done, true);
    assert.match(note, /; no copy in the Sent folder: /);
    assert.ok(!note.includes('hunter2'));
  });

  await t.test('a draft is put into Drafts once, however often it is asked for', async (t2) => {
    const put = actionOf(make(t2, { imapUrl: dovecot.url }), 'mail.draft');
    const already = mailsIn('Drafts').length;
    await put.commit(draft, callOf('op-draft'));
    await put.commit(draft, callOf('op-draft', { nowMs: () => Date.UTC(2027, 0, 1) }));
    assert.equal(mailsIn('Drafts').length, already + 1);
    assert.match(mailsIn('Drafts').join(), /:2,[A-Z]*D/);
  });

  await t.test('a wrong password and a folder that is not there are a definite no, without the password', async (t2) => {
    const refused = (error: unknown) => error instanceof KeelsonError && error.code === 'SEND_REFUSED' && !error.message.includes('wrong-one');
    await assert.rejects(actionOf(make(t2, { imapUrl: `imap://user:wrong-one@127.0.0.1:${dovecot.port}` }), 'mail.draft').commit(draft, callOf('op')), refused);
  });
});
