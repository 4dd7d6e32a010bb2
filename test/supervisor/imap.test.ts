// Goal: mail that arrives by IMAP is handled like imported mail, once, also over a restart. Method: a real dovecot.
import assert from 'node:assert/strict';
import test from 'node:test';
import { dovecotMissing, startDovecot } from '#test/kit/dovecot.ts';
import { generateMails } from '#test/kit/mails.ts';
import { makeCompany } from '#test/kit/server.ts';

const missing = dovecotMissing();

test('mail from an IMAP mailbox is taken over once, also when it comes while the server is down', { timeout: 120_000, skip: missing ?? false }, async (t) => {
  const dovecot = await startDovecot();
  t.after(() => dovecot.stop());
  const company = makeCompany();
  t.after(() => company.remove());
  const mails = generateMails(3, 5);
  const count = (n: number) => company.until(`${n} mails are known`, 30_000, async () => {
    const status = await company.json<{ mails: number; inFlight: number; duplicate: number }>('status');
    return status.mails === n && status.inFlight === 0 && status;
  });
  dovecot.deliver(Buffer.from(mails[0]!.raw));
  await company.up({ KEELSON_IMAP_URL: dovecot.url });
  await count(1);
  dovecot.deliver(Buffer.from(mails[1]!.raw)); // pushed by IDLE
  await count(2);
  await company.kill();
  dovecot.deliver(Buffer.from(mails[2]!.raw));
  await company.up({ KEELSON_IMAP_URL: dovecot.url });
  const status = await count(3);
  assert.equal(status.mails, 3);
  assert.equal(await company.down(), 0);
});
