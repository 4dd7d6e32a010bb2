// Goal: what was approved is what is sent. Method: change the draft between display and approval, in every way there is.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { generateMails } from '#test/kit/mails.ts';
import { makeCompany, type Company } from '#test/kit/server.ts';
import { startSmtp } from '#test/kit/smtp.ts';
import { quiet, type InboxItem, type Op } from './checks.ts';

async function withDraft(company: Company, env: Record<string, string> = {}): Promise<InboxItem & { payload: { text: string } }> {
  const folder = join(company.dataDir, '..', 'mail');
  mkdirSync(folder);
  for (const { name, raw } of generateMails(40, 11).filter((mail) => mail.category === 'inquiry').slice(0, 4)) writeFileSync(join(folder, `${name}.eml`), raw);
  await company.up(env);
  await company.json('mail', 'import', folder);
  await quiet(company);
  return (await company.json<(InboxItem & { payload: { text: string } })[]>('inbox')).find((i) => i.kind === 'approval')!;
}
const stateOf = async (company: Company, shown: InboxItem) => (await company.json<Op[]>('ops')).find((op) => shown.id.includes(op.id))?.state;

test('an approval is refused when the draft was rewritten after it was shown', { timeout: 120_000 }, async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  const shown = await withDraft(company);
  await company.json('respond', shown.id, '--text', 'Quite another text');
  await quiet(company);

  const refused = await company.cli('approve', shown.id);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /^keelson: /);
  assert.equal(await stateOf(company, shown), 'awaiting-approval');
  const now = (await company.json<InboxItem[]>('inbox')).find((i) => i.kind === 'approval' && i.id.startsWith(shown.id.slice(0, -9)))!;
  assert.notEqual(now.payloadHash, shown.payloadHash);
  const wrongHash = await company.cli('approve', now.id, '--hash', shown.payloadHash);
  assert.notEqual(wrongHash.code, 0);
  assert.match(wrongHash.stderr, /has changed since it was shown/);
  await company.json('approve', now.id, '--hash', now.payloadHash);
  await quiet(company);
  assert.equal(await stateOf(company, shown), 'done');
});

test('an approval is refused when somebody changed the stored payload', { timeout: 120_000 }, async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  const shown = await withDraft(company);
  await company.down();
  // Behind the back of the store, as an intruder with the file would.
  const script = "const s=require('sqlite3');const d=new s.Database(process.argv[1]);d.run(\"UPDATE intent SET data = json_set(data, '$.payload.text', 'send money') WHERE id = ?\", [process.argv[2]], (e) => { if (e) throw e; d.close(); });";
  execFileSync(process.execPath, ['-e', script, join(company.dataDir, 'keelson.db'), shown.id], { cwd: process.cwd() });
  await company.up();
  const refused = await company.cli('approve', shown.id);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /is not what its hash/);
  assert.equal(await stateOf(company, shown), 'awaiting-approval');
});

test('an approval works once: a second one is refused and nothing is sent twice', { timeout: 120_000 }, async (t) => {
  const smtp = await startSmtp({ behaviour: 'accept' });
  t.after(() => smtp.stop());
  const company = makeCompany();
  t.after(() => company.remove());
  const shown = await withDraft(company, { KEELSON_SMTP_URL: smtp.url });
  const answers = await Promise.all([company.cli('approve', shown.id), company.cli('approve', shown.id)]);
  assert.equal(answers.filter((a) => a.code === 0).length, 1);
  await quiet(company);
  assert.notEqual((await company.cli('approve', shown.id)).code, 0);
  assert.equal(smtp.mails.length, 1);
});

test('an edited draft is sent as edited, to the same recipient', { timeout: 120_000 }, async (t) => {
  const smtp = await startSmtp({ behaviour: 'accept' });
  t.after(() => smtp.stop());
  const company = makeCompany();
  t.after(() => company.remove());
  const shown = await withDraft(company, { KEELSON_SMTP_URL: smtp.url });
  const file = join(company.dataDir, 'edit.txt');
  writeFileSync(file, 'My own words.\n');
  await company.json('approve', shown.id, '--edit', file);
  await quiet(company);
  assert.equal(await stateOf(company, shown), 'done');
  assert.match(smtp.mails[0]!.raw.toString(), /My own words\./);
  assert.equal((smtp.mails[0]!.to)[0], (shown as unknown as { payload: { to: { address: string } } }).payload.to.address);
});

test('without an SMTP server the approved mail is written to outbox/ and called not sent', { timeout: 120_000 }, async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  const shown = await withDraft(company);
  await company.json('approve', shown.id);
  await quiet(company);
  const op = (await company.json<(Op & { reason: string })[]>('ops')).find((o) => shown.id.includes(o.id))!;
  assert.equal(op.done, false);
  assert.match(op.reason, /^not sent/);
  const files = readdirSync(join(company.dataDir, 'outbox'));
  assert.equal(files.length, 1);
  assert.match(readFileSync(join(company.dataDir, 'outbox', files[0]!), 'utf8'), /^Message-ID: /m);
});

test('an approval under a policy that has changed since is not executed', { timeout: 120_000 }, async (t) => {
  const smtp = await startSmtp({ behaviour: 'accept' });
  t.after(() => smtp.stop());
  const company = makeCompany();
  t.after(() => company.remove());
  const shown = await withDraft(company, { KEELSON_SMTP_URL: smtp.url });
  appendFileSync(join(company.dataDir, 'policies', 'default.cedar'), '// A line that says nothing is another version too.\n');
  await company.json('policy', 'publish');
  await company.json('approve', shown.id);
  await quiet(company);
  assert.equal(await stateOf(company, shown), 'failed');
  assert.equal(smtp.mails.length, 0);
});
