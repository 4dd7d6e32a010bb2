import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { splitMbox } from '#connectors/mail/mbox.ts';
import { parseMail } from '#connectors/mail/parse.ts';
import { readMails, type MailSource } from '#connectors/mail/sources.ts';
import { KeelsonError } from '#machines/errors.ts';

const mailA = 'From: a@example.com\nSubject: A\n\nText of A\n';
const mailB = 'From: b@example.com\nSubject: B\n\nText of B\n';
const separator = 'From a@example.com Mon Nov 23 10:00:00 2026\n';

function folderIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-sources-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function collect(path: string): Promise<MailSource[]> {
  return await drain(readMails(path));
}

async function drain<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function texts(found: MailSource[]): string[] {
  return found.map(({ raw }) => (raw ? Buffer.from(raw).toString('latin1') : 'PROBLEM'));
}

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function split(text: string, size = 7, maxBytes = 1_000_000): Promise<string[]> {
  const entries = await drain(splitMbox(pieces(text, size), maxBytes));
  return entries.map(({ raw, problem }) => raw?.toString('latin1') ?? `PROBLEM ${problem}`);
}

test('an .eml file is one mail under its own name', async (t) => {
  const path = join(folderIn(t), 'a.eml');
  writeFileSync(path, `${mailA}\nFrom x Mon Nov 23 10:00:00 2026\nSubject: not another mail\n`);
  const found = await collect(path);
  assert.deepEqual(found.map(({ source }) => source), [path]);
  assert.equal(found.length, 1);
});

test('an mbox is split into numbered mails, with quoting undone', async (t) => {
  const path = join(folderIn(t), 'all.mbox');
  writeFileSync(path, `${separator}${mailA}>From here\n>>From there\n\n${separator}${mailB}`);
  const found = await collect(path);
  assert.deepEqual(found.map(({ source }) => source), [`${path}#1`, `${path}#2`]);
  assert.deepEqual(texts(found), [`${mailA}From here\n>From there\n`, mailB]);
});

test('an mbox without a telling name is recognised by its first line', async (t) => {
  const path = join(folderIn(t), 'Inbox');
  writeFileSync(path, `${separator}${mailA}\n${separator}${mailB}`);
  assert.deepEqual(texts(await collect(path)), [mailA, mailB]);
});

test('a sentence that begins with "From" and holds a year does not split a mail', async () => {
  const body = 'From here on, in 2024, all is new\nand more\n\nFrom me, 2025.\n\nFrom: quoted 2026\n';
  assert.deepEqual(await split(`${separator}${mailA}\n${body}`), [`${mailA}\n${body}`]);
});

test('a "From " line counts only after an empty line', async () => {
  assert.deepEqual(await split(`${separator}${mailA}${separator}Subject: x\n`), [`${mailA}${separator}Subject: x\n`]);
});

test('CRLF mboxes, empty files and bare separators are read', async () => {
  const crlf = (text: string): string => text.replaceAll('\n', '\r\n');
  assert.deepEqual(await split(crlf(`${separator}${mailA}\n${separator}${mailB}`)), [crlf(mailA), crlf(mailB)]);
  assert.deepEqual(await split(''), []);
  assert.deepEqual(await split(separator), [separator]);
});

test('an mbox cut in the middle still gives the readable part of the cut mail', async (t) => {
  const path = join(folderIn(t), 'cut.mbox');
  writeFileSync(path, `${separator}${mailA}\n${separator}${mailB}`.slice(0, -8));
  const found = await collect(path);
  assert.equal(found.length, 2);
  assert.equal((await parseMail(found[1]?.raw ?? new Uint8Array())).mail.text, 'Te');
});

test('an mbox that does not begin with a separator: with a header it is a mail, without one a problem, and the rest is read', async (t) => {
  const folder = folderIn(t);
  writeFileSync(join(folder, '1.mbox'), mailA);
  writeFileSync(join(folder, '2.mbox'), `only half a mail\n\n${separator}${mailB}`);
  writeFileSync(join(folder, '3.mbox'), 'no mail at all');
  assert.deepEqual(texts(await collect(folder)), [mailA, 'PROBLEM', mailB, 'PROBLEM']);
});

test('a huge mail in an mbox becomes a problem and the next one is read', async () => {
  const huge = `Subject: huge\n\n${'x'.repeat(5_000)}\n`;
  const found = await split(`${separator}${mailA}\n${separator}${huge}\n${separator}${mailB}`, 100, 1_000);
  assert.deepEqual([found[0], found[2]], [mailA, mailB]);
  assert.match(found[1] ?? '', /^PROBLEM The mail has 50\d\d bytes; at most 1000/);
});

test('however the file is cut into chunks, the mails are the same', async () => {
  const line = fc.constantFrom('', 'text', 'From me in 2020', '>From x', '>>From y', 'Subject: z', 'F', '>', separator.trim(), 'x'.repeat(300));
  await fc.assert(fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), fc.constantFrom('\n', '\r\n'), async (lines, size, end) => {
    const text = lines.join(end);
    assert.deepEqual(await split(text, size), await split(text, 1_000_000));
  }), { numRuns: 300 });
});

test('a file of hundreds of megabytes is read with bounded memory', async (t) => {
  const path = join(folderIn(t), 'large.mbox');
  const file = openSync(path, 'w');
  const block = Buffer.from(`${separator}${mailA}${'0123456789 '.repeat(6)}\n`.replace(/(0.*\n)$/, (line) => line.repeat(300)) + '\n').toString().repeat(60);
  for (let count = 0; count < 200; count += 1) writeSync(file, block);
  closeSync(file);
  const before = process.memoryUsage.rss();
  const started = performance.now();
  let mails = 0;
  let peak = 0;
  for await (const { raw } of readMails(path)) {
    if (raw) mails += 1;
    if (mails % 100 === 0) peak = Math.max(peak, process.memoryUsage.rss() - before);
  }
  assert.equal(mails, 12_000);
  t.diagnostic(`${Math.round((block.length * 200) / 1e6)} MB, ${mails} mails: ${Math.round(performance.now() - started)} ms, at most ${Math.round(peak / 1e6)} MB more memory`);
  assert.ok(peak < 150e6, `${peak} bytes more memory`);
});

test('a file without any line end is bounded too', async (t) => {
  const path = join(folderIn(t), 'sparse.mbox');
  writeFileSync(path, '');
  truncateSync(path, 300 * 1024 * 1024);
  const found = await collect(path);
  assert.equal(found.length, 1);
  assert.match(found[0]?.problem ?? '', /at most/);
});

test('a Maildir gives what is in cur and new, not in tmp', async (t) => {
  const folder = folderIn(t);
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'cur', '1.x:2,S'), mailA);
  writeFileSync(join(folder, 'new', '2.x'), mailB);
  writeFileSync(join(folder, 'tmp', '3.x'), 'half');
  assert.deepEqual(texts(await collect(folder)), [mailA, mailB]);
});

test('a folder is walked in name order; hidden and other files are left out; link loops end', async (t) => {
  const folder = folderIn(t);
  mkdirSync(join(folder, 'sub', 'box', 'cur'), { recursive: true });
  mkdirSync(join(folder, 'sub', 'box', 'new'));
  mkdirSync(join(folder, '.hidden'));
  writeFileSync(join(folder, '.hidden', 'x.eml'), mailA);
  writeFileSync(join(folder, '.x.eml'), mailA);
  writeFileSync(join(folder, 'notes.txt'), 'x');
  writeFileSync(join(folder, 'z.EML'), mailA);
  writeFileSync(join(folder, 'sub', 'box', 'new', '1'), mailB);
  writeFileSync(join(folder, 'sub', 'b.mbx'), `${separator}${mailA}`);
  symlinkSync(folder, join(folder, 'sub', 'loop'));
  symlinkSync('self.eml', join(folder, 'self.eml'));
  symlinkSync('gone', join(folder, 'dangling.eml'));
  const found = await collect(folder);
  assert.deepEqual(found.map(({ source, problem }) => [source.slice(folder.length + 1), problem !== undefined]), [
    ['dangling.eml', true], ['self.eml', true], ['sub/b.mbx#1', false], ['sub/box/new/1', false], ['z.EML', false],
  ]);
});

test('an unreadable file is a problem with its name, and the others are read', async (t) => {
  const folder = folderIn(t);
  // A file that can be opened but not read, for root as well (and on systems without /proc, a link to nothing).
  symlinkSync('/proc/self/mem', join(folder, 'a.eml'));
  symlinkSync('/proc/self/mem', join(folder, 'b.mbox'));
  writeFileSync(join(folder, 'c.eml'), mailB);
  const found = await collect(folder);
  assert.deepEqual(found.map(({ problem }) => problem !== undefined), [true, true, false]);
  assert.match(found[0]?.problem ?? '', /^The file cannot be read: /);
  assert.ok(found[0]?.source.endsWith('a.eml'));
});

test('an .eml over the limit is a problem and is not loaded', async (t) => {
  const path = join(folderIn(t), 'big.eml');
  writeFileSync(path, mailA);
  truncateSync(path, 3_000_000_000);
  assert.match((await collect(path))[0]?.problem ?? '', /3000000000 bytes/);
});

test('a path that does not exist or is no file is a wrong argument', async () => {
  for (const path of ['/does/not/exist', '/dev/null']) {
    await assert.rejects(collect(path), (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_ARGUMENT' && error.message.includes(path));
  }
});
