// Goal: after `erase` no byte of a person is left under the data folder, and everybody else's data is. Method: forty unique markers
// in everything that can hold words about a person, a byte search over every file, and kill -9 after each step.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { after, before, type TestContext } from 'node:test';
import { makeCompany, type Company } from '#test/kit/server.ts';
import { todaysShare } from '#test/kit/todays-share.ts';
import { assertIntact, quiet, type InboxItem } from './checks.ts';

const anna = 'anna.marker@example.org';
const markers = Array.from({ length: 40 }, (_, i) => `Zq${i.toString().padStart(2, '0')}Marker${(i * 7919 + 104_729).toString(36)}`);
const bobs = ['BobKeepsThisQx1', 'BobKeepsThisQx2', 'BobKeepsThisQx3'];

/** Files under a folder that hold any of these texts as whole words. */
function filesWith(dir: string, texts: string[]): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name)).toString('latin1').toLowerCase();
    for (const text of texts) if (new RegExp(`(?<![a-z0-9])${RegExp.escape(text.toLowerCase())}`).test(bytes)) found.push(`${text} in ${join(entry.parentPath, entry.name).slice(dir.length)}`);
  }
  return found;
}

const mail = (from: string, subject: string, text: string, extra: string[] = []) => [`From: ${from}`, 'To: Studio <hello@studio.example>', `Subject: ${subject}`, `Message-ID: <${subject.replace(/\W/g, '').slice(0, 40)}@example.org>`, 'Date: Fri, 20 Nov 2026 10:00:00 +0000', ...extra, '', text, ''].join('\r\n');

async function withAnnaAndBob(company: Company): Promise<void> {
  const folder = join(company.dataDir, '..', 'mail');
  mkdirSync(folder);
  const put = (name: string, raw: string) => writeFileSync(join(folder, `${name}.eml`), raw);
  const m = (i: number) => markers[i]!;
  for (let i = 0; i < 6; i++) put(`anna-${i}`, mail(`"Anna ${m(i)}" <Anna.Marker@example.org>`, `Quote request ${m(6 + i)}`, `Hello,\r\n\r\nCould you send us a quote for a website with 8 pages? We are called ${m(12 + i)}.\r\n\r\nBest regards\r\nAnna ${m(18)}`));
  put('anna-receipt', mail(`Anna <${anna}>`, `Receipt ${m(19)}`, `Thank you for your payment.\r\nTotal paid: 120.00 EUR\r\nPayee: ${m(20)} Ltd\r\nReference ${m(21)}`));
  put('anna-html', mail(`Anna <${anna}>`, 'A question', `<p>Could you send me an offer for ${m(22)}?</p>`, ['MIME-Version: 1.0', 'Content-Type: text/html; charset=utf-8']));
  put('anna-attached', mail(`Anna <${anna}>`, 'With a file', [`--b`, 'Content-Type: text/plain', '', `Please quote for what is attached ${m(23)}, thank you.`, '--b', `Content-Type: text/plain; name="${m(24)}.txt"`, `Content-Disposition: attachment; filename="${m(24)}.txt"`, 'Content-Transfer-Encoding: base64', '', Buffer.from(`attached ${m(25)}`).toString('base64'), '--b--'].join('\r\n'), ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b']));
  put('bob-1', mail('Bob <bob@example.net>', `Hello ${bobs[0]}`, `What would a logo cost? ${bobs[1]}`));
  put('bob-2', mail('Bob <bob@example.net>', 'With Anna in copy', `As ${anna} said, what do you charge per hour? ${bobs[2]}`, [`Cc: Anna <${anna}>`]));
  put('joanna', mail('Joanna <joanna.marker@example.org>', 'Another person', 'What would a poster cost?'));
  await company.json('mail', 'import', folder);
  await quiet(company);
  const inbox = await company.json<(InboxItem & { payload: { to?: { address: string } } })[]>('inbox');
  const drafts = inbox.filter((item) => item.kind === 'approval' && item.payload.to?.address.toLowerCase() === anna);
  const edit = join(company.dataDir, '..', 'edit.txt');
  writeFileSync(edit, `Dear Anna, our offer ${m(26)}`);
  assert.ok(drafts.length >= 3, `${drafts.length} drafts`);
  await company.json('approve', drafts[0]!.id, '--edit', edit);
  await company.json('respond', drafts[1]!.id, '--text', `Another text ${m(27)}`);
  await company.json('reject', drafts[2]!.id, '--reason', `not now ${m(28)}`);
  await company.json('fact', 'add', `person/${anna}`, 'person.role', `Head of ${m(29)}`);
  await company.json('fact', 'add', `person/${anna}`, 'nickname', m(30));
  await company.json('fact', 'add', `person/${anna}`, 'nickname', m(31)); // a contradiction, asked of the operator
  await company.json('annotate', 'entity', `person/${anna}`, '--text', `remark ${m(32)}`);
  const found = (await company.json<{ kind: string; id: string }[]>('search', m(6))).find(({ kind }) => kind === 'mail');
  await company.json('annotate', 'artifact', found!.id, '--text', `remark ${m(33)}`, '--reason', `because ${m(34)}`);
  const facts = await company.json<{ id: string }[]>('find', 'facts', '--entity', `person/${anna}`);
  await company.json('annotate', 'fact', facts[0]!.id, '--text', `remark ${m(35)}`);
  const later = join(company.dataDir, '..', 'later.eml');
  writeFileSync(later, mail(`Anna <${anna}>`, `Later ${m(36)}`, `One more thing: could you also quote ${m(37)}?\r\n\r\n-- \r\n${m(38)}\r\n${m(39)}`));
  await company.json('mail', 'import', later);
  await quiet(company);
  await company.json('export', join(company.dataDir, 'export-1'));
  await company.json('backup', join(company.dataDir, 'backup-1.db'));
}

async function assertErased(company: Company): Promise<void> {
  assert.deepEqual(filesWith(company.dataDir, [...markers, anna, encodeURIComponent(anna)]), []);
  for (const bob of bobs) assert.notEqual((await company.json<unknown[]>('search', bob)).length, 0, `${bob} is still found`);
  assert.equal((await company.json<{ ok: boolean }>('audit', 'verify')).ok, true);
  assert.equal((await company.json<unknown[]>('find', 'facts', '--entity', 'person/joanna.marker@example.org')).length > 0, true);
  assert.deepEqual(await company.json<unknown[]>('find', 'facts', '--entity', `person/${anna}`), []);
}

/** A stopped company with both, made once; each test gets a copy. */
const made = makeCompany();
before(async () => {
  await made.up();
  await withAnnaAndBob(made);
  await made.down();
}, { timeout: 180_000 });
after(() => made.remove());

function copyOf(t: TestContext): Company {
  const company = makeCompany();
  t.after(() => company.remove());
  cpSync(join(made.dataDir, '..'), join(company.dataDir, '..'), { recursive: true });
  // The copies of this folder, not those of the first.
  writeFileSync(join(company.dataDir, 'copies.jsonl'), readFileSync(join(made.dataDir, 'copies.jsonl'), 'utf8').replaceAll(made.dataDir, company.dataDir));
  return company;
}

test('a person is gone from every file, and nobody else is', { timeout: 180_000 }, async (t) => {
  const company = copyOf(t);
  await company.up();
  const found = filesWith(company.dataDir, markers);
  const missing = markers.filter((marker) => !found.some((line) => line.startsWith(marker)));
  assert.deepEqual(missing, [markers[25]], 'all markers but the one inside base64 can be read before');
  const receipt = await company.json<{ receipt: string; erased: Record<string, number>; outside: unknown[] }>('erase', anna);
  assert.ok(receipt.erased['facts']! > 10 && receipt.erased['artifacts']! > 10 && receipt.erased['mentions']! > 0 && receipt.outside.length > 0);
  await quiet(company);
  await assertErased(company);
  assert.match(readFileSync(join(company.dataDir, receipt.receipt), 'utf8'), /"erased"/);
  // The same mails again are known, and start nothing.
  const again = await company.json<{ imported: number }>('mail', 'import', join(company.dataDir, '..', 'mail', 'anna-1.eml'));
  assert.equal(again.imported, 0);
  await company.down();
  await company.up();
  await quiet(company);
  await assertErased(company);
  await assertIntact(company);
});

test('a person is erased from a stopped company as well', { timeout: 120_000 }, async (t) => {
  const company = copyOf(t);
  await company.json('erase', `person/${anna}`);
  await assertErased(company);
  const unknown = await company.cli('erase', anna);
  assert.notEqual(unknown.code, 0);
  assert.match(unknown.stderr, /^keelson: nobody is known as/);
  await company.up();
  await quiet(company);
  await assertErased(company);
});

test('killed after any step, an erasure goes on at the next start or when it is asked for again', { timeout: 300_000 }, async (t) => {
  const killer = fileURLToPath(new URL('erase-killed.ts', import.meta.url));
  for (const [i, step] of todaysShare([...['rows', 'bus', 'files', 'copies', 'tombstone', 'receipt', 'bytes'].entries()], 3)) {
    const company = copyOf(t);
    const { signal } = spawnSync(process.execPath, [killer, company.dataDir, anna, step]);
    assert.equal(signal, 'SIGKILL', step);
    if (i % 2 === 0) {
      await company.up();
      await quiet(company);
    } else if (step !== 'bytes') {
      await company.json('erase', anna);
    }
    await assertErased(company);
    if (i % 2 === 0) await company.down();
  }
});
