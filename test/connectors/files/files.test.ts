// Goal: nothing outside of a declared root is ever read or written, whatever a path or the disk says, and no file is lost or half
// written. Method: real folders, a corpus of paths, links of each kind, and a writer that is killed.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256 } from '#actors/hash.ts';
import type { Action } from '#connectors/connector.ts';
import { createFilesConnector } from '#connectors/files/connector.ts';
import type { Found, Performed } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { connectorContract } from '#test/contract/connector.ts';
import { folderDocuments } from './folder-documents.ts';

const home = realpathSync(mkdtempSync(join(tmpdir(), 'keelson-files-')));
after(() => rmSync(home, { recursive: true, force: true }));
let made = 0;

/** A root of its own with a secret beside it, and the connector. */
function place({ vouched = false } = {}) {
  const base = join(home, `${++made}`);
  const [folder, dataDir, outside, readOnly] = ['work', 'company', 'outside', 'archive'].map((name) => join(base, name)) as [string, string, string, string];
  for (const dir of [folder, dataDir, outside, readOnly]) mkdirSync(dir, { recursive: true });
  writeFileSync(join(outside, 'secret.txt'), 'secret');
  writeFileSync(join(dataDir, 'token'), 'secret');
  const documents = folderDocuments(join(base, 'documents'));
  const connector = createFilesConnector({ roots: [{ name: 'work', folder, write: true, vouched }, { name: 'archive', folder: readOnly, write: false }] }, { dataDir });
  let operations = 0;
  const actionOf = (name: string) => connector.actions.find((one) => one.name === `files.${name}`) as unknown as Action<unknown>;
  const callOf = (operationId: string, signal = new AbortController().signal) => ({ operationId, documents, signal, nowMs: Date.now, reservation: null });
  return {
    base, folder, dataDir, outside, documents, connector, callOf, actionOf,
    plan: (name: string, payload: object) => actionOf(name).plan(actionOf(name).input.parse({ root: 'work', ...payload }), callOf('operation/plan')),
    async run(name: string, payload: object, operationId = `operation/${++operations}`): Promise<Performed & { result: Record<string, unknown> }> {
      return (await actionOf(name).commit(actionOf(name).input.parse({ root: 'work', ...payload }), callOf(operationId))) as never;
    },
    lookup: (payload: object, operationId: string): Promise<Found> => actionOf('write').lookup!(actionOf('write').input.parse({ root: 'work', ...payload }), callOf(operationId)),
  };
}

const fails = (code: string, message = /./) => (error: unknown) => {
  assert.ok(error instanceof KeelsonError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

test('the files connector keeps the contract', (t) => {
  const { connector, folder, documents } = place();
  writeFileSync(join(folder, 'there.txt'), 'hello');
  return connectorContract(t, {
    connector, documents,
    good: { 'files.read': { root: 'work', path: 'there.txt' }, 'files.list': { root: 'work' }, 'files.write': (n: number) => ({ root: 'work', path: `note-${n}.txt`, text: 'hi' }) },
    bad: {
      'files.read': [{ root: 'elsewhere', path: 'a' }, { root: 'work', path: '../a' }, { root: 'work', path: 'a', follow: true }],
      'files.list': [{ root: 'work', path: '..' }],
      'files.write': [{ root: 'archive', path: 'a', text: '' }, { root: 'work', path: 'a' }, { root: 'work', path: 'a', text: '', document: { artifact: 'd', hash: '0'.repeat(64) } }, { root: 'work', path: 'a', document: { artifact: 'd', hash: '0'.repeat(64) } }],
    },
    provider: { executed: () => readdirSync(folder).length },
  });
});

const hostile = [
  '..', '.', '../outside/secret.txt', 'a/../../outside/secret.txt', 'a/..', './a', 'a/./b', '/etc/passwd', '//etc/passwd', 'a//b', 'a/', '', ' ', '\0', 'a\0.txt', 'a.txt\0.png',
  '..\\outside\\secret.txt', 'a\\b', '\\\\server\\share', 'C:\\Windows', 'C:/Windows', 'c:a', 'file:///etc/passwd', 'a:b', 'a.txt::$DATA',
  '%2e%2e/a', '%2e%2e%2fa', '..%2fa', '..%c0%afa', '%252e%252e%252f', 'a%00',
  '․․/a', '‥/a', '．．/a', '…/a', '..／a', '..∕a', '..⁄a', '..＼a', 'ａ.txt', 'ﬁle.txt', 'e\u0301.txt', 'a\u200b.txt', 'a\u200d', 'a\u202egpj.exe', 'a\u2066b', '\ufeffa', 'a\u00a0b', 'a\u00adb', '\ud800', 'a\u2028b',
  'a\nb', 'a\rb', 'a\tb', 'a\u001b[31m', 'a\u007f',
  '.', '.git/hooks/post-commit', '.env', '.ssh/authorized_keys', 'a/.htaccess', '.keelson-x.part', '~', '~root/a', '~/a', '-rf', '--help', 'a/-x',
  'con', 'CON', 'con.txt', 'a/nul', 'NUL.tar.gz', 'aux', 'prn.pdf', 'COM1', 'com9.txt', 'lpt1', 'COM¹', 'conin$',
  'a.', 'a ', 'a. ', 'a./b', 'a /b', '$(id)', '`id`', '$HOME', 'a;b', 'a|b', 'a>b', 'a<b', 'a"b', 'a*b', 'a?b', '{a}', '!a', '^a',
  'a'.repeat(201), 'ü'.repeat(101), 'a/'.repeat(16) + 'a', 'a/'.repeat(200) + 'a', 'x'.repeat(10_000),
];

test('no path that says more than names in folders is taken, for any action', () => {
  const { actionOf } = place();
  for (const path of hostile) {
    for (const name of ['read', 'write'] as const) assert.equal(actionOf(name).input.safeParse({ root: 'work', path, ...(name === 'write' ? { text: '' } : {}) }).success, false, JSON.stringify(path));
    if (path !== '') assert.equal(actionOf('list').input.safeParse({ root: 'work', path }).success, false, JSON.stringify(path));
  }
});

test('names as people write them are taken', async () => {
  const { run, folder } = place();
  for (const path of ['Angebot für Müller & Söhne (2).txt', 'letters/2026/offer_v1.2-final.txt', "Anna's notes #3.md", '見積書.txt', '[draft] a+b=c, d@e.txt', 'constant.txt', 'a'.repeat(200)]) {
    await run('write', { path, text: path });
    assert.equal(readFileSync(join(folder, path), 'utf8'), path);
    assert.equal((await run('read', { path })).result['text'], path);
  }
});

test('no link is followed, at any step, by any action', async () => {
  const { run, folder, outside, dataDir } = place();
  mkdirSync(join(folder, 'real'));
  symlinkSync(outside, join(folder, 'door'));
  symlinkSync(join(outside, 'secret.txt'), join(folder, 'real', 'note.txt'));
  symlinkSync(join(outside, 'not-there.txt'), join(folder, 'dangling.txt'));
  symlinkSync('real', join(folder, 'inner'));
  symlinkSync('loop', join(folder, 'loop'));
  symlinkSync(dataDir, join(folder, 'real', 'company'));
  for (const path of ['door/secret.txt', 'real/note.txt', 'inner/note.txt', 'loop/a', 'loop', 'real/company/token']) await assert.rejects(run('read', { path }), fails('SEND_REFUSED'), path);
  for (const path of ['door', 'inner', 'loop', 'real/company', 'real/note.txt']) await assert.rejects(run('list', { path }), fails('SEND_REFUSED'), path);
  for (const path of ['door/new.txt', 'door/deep/er/new.txt', 'real/note.txt', 'inner/new.txt', 'dangling.txt', 'loop', 'real/company/policies/a']) {
    await assert.rejects(run('write', { path, text: 'mine', replace: true }), fails('SEND_REFUSED'), path);
  }
  assert.deepEqual([readdirSync(outside), readFileSync(join(outside, 'secret.txt'), 'utf8'), readdirSync(dataDir)], [['secret.txt'], 'secret', ['token']]);
  assert.deepEqual((await run('list', {})).result, { root: 'work', path: '', entries: [{ name: 'real', kind: 'folder', sizeBytes: null }], leftOut: 4 });
});

test('a root that was swapped for a link after the start leads nowhere', async () => {
  const { run, folder, outside } = place();
  renameSync(folder, `${folder}-before`);
  symlinkSync(outside, folder);
  await assert.rejects(run('read', { path: 'secret.txt' }), fails('SEND_REFUSED', /link/));
  await assert.rejects(run('list', {}), fails('SEND_REFUSED', /link/));
  await assert.rejects(run('write', { path: 'a.txt', text: '' }), fails('SEND_REFUSED', /link/));
  assert.deepEqual(readdirSync(outside), ['secret.txt']);
});

test('a folder that is swapped for a link again and again gives nothing from outside', async () => {
  const { run, folder, outside } = place();
  writeFileSync(join(outside, 'a.txt'), 'secret');
  mkdirSync(join(folder, 'moving'));
  writeFileSync(join(folder, 'moving', 'a.txt'), 'mine');
  const swapper = spawn('/bin/sh', ['-c', `cd "$1" && while :; do mv -T moving aside; ln -sT "$2" moving; rm -rf moving; mv -T aside moving; done 2>/dev/null`, 'sh', folder, outside], { stdio: 'ignore' });
  try {
    const seen = new Set<string>();
    for (let n = 0; n < 200; n++) {
      const text = await run('read', { path: 'moving/a.txt' }).then(({ result }) => result['text'], (error: KeelsonError) => error.code);
      assert.ok(['mine', 'SEND_REFUSED', 'SEND_DEFERRED'].includes(String(text)), String(text));
      seen.add(String(text));
      await run('write', { path: `moving/new-${n}.txt`, text: 'mine' }).catch((error: KeelsonError) => assert.match(error.code, /^SEND_(REFUSED|DEFERRED)$/, error.message));
    }
    assert.ok(seen.has('mine') && seen.has('SEND_REFUSED'), 'it was there, and it was swapped');
  } finally {
    const ended = new Promise((resolve) => swapper.once('exit', resolve));
    swapper.kill('SIGKILL');
    await ended;
  }
  // The hidden part of a write may be made there for a moment; the file itself never.
  assert.deepEqual(readdirSync(outside).filter((name) => !name.startsWith('.keelson-')).toSorted(), ['a.txt', 'secret.txt']);
});

test('second names of files, pipes, devices and folders are no files, and nothing hangs', async () => {
  const { run, folder, outside } = place();
  linkSync(join(outside, 'secret.txt'), join(folder, 'second.txt'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  mkdirSync(join(folder, 'sub'));
  for (const [path, why] of [['second.txt', /2 names/], ['pipe', /no plain file/], ['sub', /is a folder/], ['missing.txt', /no such file/], ['missing/deep.txt', /no such file/]] as const) await assert.rejects(run('read', { path }), fails('SEND_REFUSED', why));
  for (const path of ['second.txt', 'pipe', 'sub']) await assert.rejects(run('write', { path, text: 'mine', replace: true }), fails('SEND_REFUSED'));
  await assert.rejects(run('write', { path: 'pipe/a.txt', text: 'mine' }), fails('SEND_REFUSED'));
  assert.equal(readFileSync(join(outside, 'secret.txt'), 'utf8'), 'secret');
  assert.equal(((await run('list', {})).result['leftOut']), 1);
});

test('a root that holds the company, lies in it, is missing, is a file or overlaps another stops the start', () => {
  const { base, dataDir, folder, outside } = place();
  mkdirSync(join(dataDir, 'outbox'));
  symlinkSync(dataDir, join(outside, 'way-in'));
  const start = (...roots: { name: string; folder: string; write: boolean }[]) => () => createFilesConnector({ roots }, { dataDir });
  for (const bad of [base, dataDir, join(dataDir, 'outbox'), join(outside, 'way-in'), '/']) assert.throws(start({ name: 'bad', folder: bad, write: false }), fails('BAD_CONFIG', /root 'bad': .*data of the company/), bad);
  assert.throws(start({ name: 'bad', folder: join(base, 'nowhere'), write: false }), fails('BAD_CONFIG', /cannot be opened/));
  assert.throws(start({ name: 'bad', folder: join(outside, 'secret.txt'), write: false }), fails('BAD_CONFIG', /no folder/));
  mkdirSync(join(folder, 'sub'));
  assert.throws(start({ name: 'a', folder, write: false }, { name: 'b', folder: join(folder, 'sub'), write: true }), fails('BAD_CONFIG', /lie in each other/));
  assert.throws(start({ name: 'bad', folder: 'relative', write: false }), /absolute/);
});

test('a folder that is only beside another by its name is no part of it', () => {
  const { base, dataDir } = place();
  mkdirSync(`${dataDir}-files`);
  createFilesConnector({ roots: [{ name: 'beside', folder: join(base, 'company-files'), write: true }] }, { dataDir });
});

test('paths are control fields, vouched for only where the root says so', async () => {
  const fields = async (vouched: boolean) => (await place({ vouched }).plan('write', { path: 'a.txt', text: 'hi' })).control.map(({ kind, field, value, vouchedBy }) => [kind, field, value, vouchedBy !== null]);
  assert.deepEqual(await fields(false), [['path', 'root', 'work', false], ['path', 'path', 'a.txt', false]]);
  assert.deepEqual(await fields(true), [['path', 'root', 'work', true], ['path', 'path', 'a.txt', true]]);
});

test('a plan shows the whole text, and a name that may run is of high risk', async () => {
  const { plan, folder } = place();
  const { preview, risk } = await plan('write', { path: 'a.txt', text: 'all of it\n'.repeat(1_000) });
  assert.deepEqual([preview, risk], [`${folder}/a.txt\n\n${'all of it\n'.repeat(1_000)}`, 'medium']);
  assert.equal((await plan('write', { path: 'deploy.SH', text: '' })).risk, 'high');
  assert.deepEqual(readdirSync(folder), []);
});

test('a file in the way stays, unless it is to be replaced, and then its bytes are kept', async () => {
  const { run, folder, documents } = place();
  writeFileSync(join(folder, 'a.txt'), 'old');
  await assert.rejects(run('write', { path: 'a.txt', text: 'new' }), fails('SEND_REFUSED', /another file/));
  assert.equal(readFileSync(join(folder, 'a.txt'), 'utf8'), 'old');
  chmodSync(join(folder, 'a.txt'), 0o755);
  const { result } = await run('write', { path: 'a.txt', text: 'new', replace: true }, 'operation/r');
  assert.equal(readFileSync(join(folder, 'a.txt'), 'utf8'), 'new');
  assert.equal((result['replaced'] as { artifact: string }).artifact, 'file-before/operation/r');
  assert.equal(Buffer.from((await documents.read('file-before/operation/r')).bytes).toString(), 'old');
  assert.equal(statSync(join(folder, 'a.txt')).mode & 0o111, 0, 'what was written is never a program');
  assert.equal((await run('write', { path: 'a.txt', text: 'new' })).result['replaced'], null, 'the same bytes again are no other file');
  assert.deepEqual(readdirSync(folder), ['a.txt']);
});

test('what cannot be kept is not replaced', async () => {
  const { actionOf, callOf, folder } = place();
  writeFileSync(join(folder, 'a.txt'), 'old');
  const broken = { ...callOf('operation/1'), documents: { read: () => Promise.reject(new Error('no')), keep: () => Promise.reject(new KeelsonError('STORE_FULL', 'the disk is full')) } };
  await assert.rejects(actionOf('write').commit({ root: 'work', path: 'a.txt', text: 'new', replace: true }, broken), fails('SEND_DEFERRED', /disk is full/));
  assert.equal(readFileSync(join(folder, 'a.txt'), 'utf8'), 'old');
});

test('a document is read into the store and written from it, by its hash alone', async () => {
  const { run, folder } = place();
  writeFileSync(join(folder, 'scan.pdf'), Buffer.from([0x25, 0x50, 0x44, 0x46, 0xff, 0x00]));
  await assert.rejects(run('read', { path: 'scan.pdf' }), fails('SEND_REFUSED', /as a document/));
  const { result } = await run('read', { path: 'scan.pdf', as: 'document' });
  const document = result['document'] as { artifact: string; hash: string; mediaType: string };
  assert.deepEqual([document.mediaType, document.hash], ['application/pdf', sha256(readFileSync(join(folder, 'scan.pdf')))]);
  await run('write', { path: 'copy/scan.pdf', document: { artifact: document.artifact, hash: document.hash } });
  assert.deepEqual(readFileSync(join(folder, 'copy', 'scan.pdf')), readFileSync(join(folder, 'scan.pdf')));
  await assert.rejects(run('write', { path: 'b.pdf', document: { artifact: document.artifact, hash: '0'.repeat(64) } }), fails('REFUSED'));
});

test('a file that is too large is named so and not read into memory', async () => {
  const { run, folder } = place();
  execFileSync('truncate', ['-s', '10G', join(folder, 'huge.txt')]);
  await assert.rejects(run('read', { path: 'huge.txt' }), fails('SEND_REFUSED', /more than 25000000 bytes/));
  await assert.rejects(run('write', { path: 'huge.txt', text: 'small', replace: true }), fails('SEND_REFUSED', /more than/));
  execFileSync('truncate', ['-s', '300K', join(folder, 'long.txt')]);
  await assert.rejects(run('read', { path: 'long.txt' }), fails('SEND_REFUSED', /too many for a text/));
});

test('many names are cut, and far too many are refused', async () => {
  const { run, folder } = place();
  for (let n = 0; n < 1_100; n++) writeFileSync(join(folder, `f${n}`), '');
  const { result } = await run('list', {});
  assert.deepEqual([(result['entries'] as unknown[]).length, result['leftOut']], [1_000, 100]);
});

test('a look-up tells done, untouched, put back and changed since apart', async () => {
  const { run, lookup, folder, documents } = place();
  const payload = { path: 'a.txt', text: 'new', replace: true };
  const found = async (id: string) => (await lookup(payload, id)).found;
  writeFileSync(join(folder, 'a.txt'), 'new');
  assert.equal(await found('operation/never'), 'absent', 'that the bytes are there is not enough');
  writeFileSync(join(folder, 'a.txt'), 'old');
  await run('write', payload, 'operation/1');
  const done = await lookup(payload, 'operation/1');
  assert.equal(done.found === 'done' && done.performed.providerRef, 'work/a.txt');
  writeFileSync(join(folder, 'a.txt'), 'old');
  assert.equal(await found('operation/1'), 'absent');
  writeFileSync(join(folder, 'a.txt'), 'by somebody else');
  assert.equal(await found('operation/1'), 'unclear');
  rmSync(join(folder, 'a.txt'));
  assert.equal(await found('operation/1'), 'unclear');
  await documents.keep({ id: 'file-before/operation/2', kind: 'document', name: 'a.txt', mediaType: 'application/x-no-file', bytes: Buffer.of() });
  assert.equal(await found('operation/2'), 'absent');
});

test('a crash between the two names of a new file is healed by the look-up, and by the next try', async () => {
  const { run, lookup, folder, documents } = place();
  for (const heal of ['lookup', 'again']) {
    const [path, id] = [`${heal}.txt`, `operation/${heal}`];
    await documents.keep({ id: `file-before/${id}`, kind: 'document', name: path, mediaType: 'application/x-no-file', bytes: Buffer.of() });
    writeFileSync(join(folder, `.keelson-${sha256(id).slice(0, 24)}.part`), 'new');
    linkSync(join(folder, `.keelson-${sha256(id).slice(0, 24)}.part`), join(folder, path));
    if (heal === 'lookup') assert.equal((await lookup({ path, text: 'new' }, id)).found, 'done');
    else await run('write', { path, text: 'new' }, id);
    assert.equal((await run('read', { path })).result['text'], 'new');
  }
  assert.deepEqual(readdirSync(folder).toSorted(), ['again.txt', 'lookup.txt']);
});

test('killed at any moment, the file is whole, and the look-up knows which version it is', { timeout: 120_000 }, async () => {
  const { base, folder, dataDir, lookup } = place();
  for (let round = 0; round < 12; round++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'killed-writer.ts'), folder, dataDir, join(base, 'documents')], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    const begun = new Promise<void>((resolve) => child.stdout.on('data', (part: Buffer) => (said += part.toString()).includes('3\n') && resolve()));
    await begun;
    await delay(round * 3);
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await ended;
    const last = Number(said.trim().split('\n').at(-1));
    const text = readFileSync(join(folder, 'a', 'report.txt'), 'utf8');
    const { found } = await lookup({ path: 'a/report.txt', text: `${last}\n`.repeat(20_000), replace: true }, `operation/${last}`);
    assert.ok([`${last}\n`.repeat(20_000), `${last - 1}\n`.repeat(20_000)].includes(text), `${last}: ${text.slice(0, 20)}`);
    assert.equal(found, text.startsWith(`${last}\n`) ? 'done' : 'absent');
    rmSync(join(base, 'documents'), { recursive: true });
    rmSync(join(folder, 'a'), { recursive: true });
  }
});

test('a disk that takes nothing is told apart from one that refuses', { skip: process.getuid?.() === 0 ? 'root may write anywhere: THE READ-ONLY FOLDER IS NOT TESTED as root' : false }, async () => {
  const { run, folder } = place();
  chmodSync(folder, 0o500);
  await assert.rejects(run('write', { path: 'a.txt', text: '' }), fails('SEND_REFUSED', /EACCES/));
});
