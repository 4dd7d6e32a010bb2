// Goal: whatever a file holds, import counts it, says why it was not taken, and the server answers afterwards. Method: one
// company, the real CLI, and every kind of broken, huge and repeated mail.
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { randomFrom } from '#test/kit/random.ts';
import { makeCompany } from '#test/kit/server.ts';

interface Imported { imported: number; duplicates: number; rejected: { source: string; reason: string }[] }
interface Status { mails: number; parked: number; inFlight: number; running: boolean; received: number; applied: number; duplicate: number }

const company = makeCompany();
const home = mkdtempSync(join(tmpdir(), 'keelson-bad-mail-'));
before(async () => void (await company.up()), { timeout: 60_000 });
after(async () => {
  await company.remove();
  rmSync(home, { recursive: true, force: true });
});

const mail = (n: string, more = '', text = 'How much would a website cost?') => `From: Nina <nina${n}@holt.example>\nTo: hello@studio-voss.example\nSubject: Website ${n}\nMessage-ID: <${n}@holt.example>\nDate: Mon, 5 Oct 2026 09:30:00 +0000\n${more}\n${text}\n`;
const separator = 'From nina@holt.example Mon Oct  5 09:30:00 2026\n';
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(home, name);
  writeFileSync(path, content);
  return path;
};
const take = (path: string) => company.json<Imported>('mail', 'import', path);
const counts = ({ imported, duplicates, rejected }: Imported) => [imported, duplicates, rejected.length];
/** The server lives, nothing is parked, and it works off what it was given. */
async function assertFine(): Promise<void> {
  const status = await company.until('nothing in flight', 60_000, async () => {
    const now = await company.json<Status>('status');
    return now.inFlight === 0 ? now : null;
  });
  assert.deepEqual([status.running, status.parked, status.received], [true, 0, status.applied + status.duplicate]);
}

test('an mbox that ends in the middle of a mail gives every mail, the last one as far as it goes', async () => {
  const whole = `${separator}${mail('1')}\n${separator}${mail('2')}\n${separator}${mail('3', '', 'The rest of this is missing, I am afraid, because')}`;
  assert.deepEqual(counts(await take(file('cut.mbox', whole.slice(0, -12)))), [3, 0, 0]);
});

test('an mbox that ends within a header gives what can be read', async () => {
  const result = await take(file('cut-header.mbox', `${separator}${mail('4')}\n${separator}From: Half <half@holt.exa`));
  assert.equal(result.imported + result.rejected.length, 2);
  assert.ok(result.imported >= 1);
});

test('an empty file is rejected by name', async () => {
  const path = file('empty.eml', '');
  assert.deepEqual(await take(path), { imported: 0, duplicates: 0, rejected: [{ source: path, reason: 'The mail is empty (0 bytes).' }] });
});

test('garbage is rejected by name and the mails beside it are taken', async () => {
  const folder = join(home, 'mixed');
  mkdirSync(folder);
  const random = randomFrom(7);
  writeFileSync(join(folder, '1-garbage.eml'), Buffer.from(Array.from({ length: 20_000 }, () => random.int(256))));
  writeFileSync(join(folder, '2-good.eml'), mail('5'));
  writeFileSync(join(folder, '3-zeros.eml'), Buffer.alloc(5_000));
  writeFileSync(join(folder, '4-garbage.mbox'), Buffer.from(Array.from({ length: 20_000 }, () => random.int(256))));
  writeFileSync(join(folder, '5-prose.eml'), 'Dear diary,\n\nthis is no mail.\n');
  writeFileSync(join(folder, '6-picture.eml'), Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(100, 255)]));
  const result = await take(folder);
  assert.deepEqual(counts(result), [1, 0, 5]);
  assert.deepEqual(result.rejected.map(({ source }) => source.slice(folder.length + 1).replace(/#\d+$/, '')).toSorted(), ['1-garbage.eml', '3-zeros.eml', '4-garbage.mbox', '5-prose.eml', '6-picture.eml']);
  for (const { reason } of result.rejected) assert.match(reason, /no mail|mail header/);
  await assertFine();
});

test('a mail with an attachment of 30 MB is taken', { timeout: 120_000 }, async () => {
  const path = join(home, 'large.eml');
  const out = openSync(path, 'w');
  writeSync(out, mail('6', 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n', '--b\nContent-Type: text/plain\n\nSee the plan. How much would it cost?\n--b\nContent-Type: application/pdf; name="plan.pdf"\nContent-Disposition: attachment; filename="plan.pdf"\nContent-Transfer-Encoding: base64\n'));
  const block = `${Buffer.alloc(57, 'plan').toString('base64')}\n`.repeat(10_000);
  for (let written = 0; written < 40_000_000; written += block.length) writeSync(out, block);
  writeSync(out, '\n--b--\n');
  closeSync(out);
  assert.deepEqual(counts(await take(path)), [1, 0, 0]);
  assert.deepEqual(counts(await take(path)), [0, 1, 0]);
  await assertFine();
});

test('a mail that is larger than any mail is rejected with its size', async () => {
  const path = file('huge.eml', mail('7'));
  truncateSync(path, 60 * 1024 * 1024);
  const { imported, rejected } = await take(path);
  assert.deepEqual([imported, rejected.length], [0, 1]);
  assert.match(rejected[0]!.reason, /has 62914560 bytes; at most 52428800/);
});

test('a mail to ten thousand people is taken', async () => {
  const people = Array.from({ length: 10_000 }, (_, n) => `Person ${n} <p${n}@crowd.example>`).join(',\n ');
  assert.deepEqual(counts(await take(file('crowd.eml', mail('8', `Cc: ${people}\n`)))), [1, 0, 0]);
  await assertFine();
});

test('the same mail is known again, by every route and line end', async () => {
  file('first.eml', mail('9'));
  assert.deepEqual(counts(await take(join(home, 'first.eml'))), [1, 0, 0]);
  assert.deepEqual(counts(await take(file('again.eml', mail('9').replaceAll('\n', '\r\n')))), [0, 1, 0]);
  assert.deepEqual(counts(await take(file('again.mbox', `${separator}${mail('9')}\n${separator}${mail('9')}\n${separator}${mail('10')}`))), [1, 2, 0]);
});

test('mails full of oddities are taken or rejected, never parked, and the server goes on', { timeout: 120_000 }, async () => {
  const odd = [
    mail('a').replace('Website a', `=?utf-8?B?${Buffer.from('\u0000\u0007\u202e').toString('base64')}?=`), mail('b').replace('Date: Mon, 5 Oct 2026 09:30:00 +0000', 'Date: never'),
    mail('c').replace(/From: .*\n/, ''), mail('d').replace(/From: .*\n/, 'From: <>\n'), mail('e', `X-Long: ${'x'.repeat(200_000)}\n`), mail('f', '', '\ud800 lone'), mail('g', '', ''),
    mail('h', 'Content-Type: text/plain; charset=x-unknown\n'), mail('i', 'Content-Type: multipart/mixed; boundary=never\nMIME-Version: 1.0\n'), mail('j', 'Content-Transfer-Encoding: base64\n', '%%%%'),
    mail('k').replace('Website k', 'x'.repeat(5_000)), mail('l', `References: ${Array.from({ length: 5_000 }, (_, n) => `<${n}@x>`).join(' ')}\n`), mail('m').replace('ninam@holt.example', `${'n'.repeat(5_000)}@holt.example`),
    mail('n', 'Reply-To: not an address\n'), mail('o').replace('ninao@holt.example', 'ünïcödé@exämple.example'), mail('p').replace('Message-ID: <p@holt.example>', 'Message-ID: '),
  ];
  const folder = join(home, 'odd');
  mkdirSync(folder);
  odd.forEach((text, n) => writeFileSync(join(folder, `${String(n).padStart(2, '0')}.eml`), text));
  const result = await take(folder);
  assert.equal(result.imported + result.rejected.length, odd.length);
  await assertFine();
});

test('after all of it the chain verifies and every mail has an actor', async () => {
  await assertFine();
  assert.equal((await company.json<{ ok: boolean }>('audit', 'verify')).ok, true);
  const { mails } = await company.json<Status>('status');
  assert.equal((await company.json<unknown[]>('find', 'mail', '--limit', '1000')).length, mails);
  assert.equal(await company.down(), 0);
});
