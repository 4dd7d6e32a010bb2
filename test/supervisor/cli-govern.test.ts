// Goal: copies of the store are made, moved and brought back by commands, and what may have left since a backup is never sent again.
// Method: the real CLI against one real company with drafts; then folders that nobody runs.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { rememberErased } from '#store/erased.ts';
import { quiet, type InboxItem, type Op } from '#test/faults/checks.ts';
import { generateMails } from '#test/kit/mails.ts';
import { makeCompany, runCli } from '#test/kit/server.ts';

const company = makeCompany();
const spare = mkdtempSync(join(tmpdir(), 'keelson-govern-'));
const { dataDir } = company;
const sent = () => (existsSync(join(dataDir, 'outbox')) ? readdirSync(join(dataDir, 'outbox')) : []);
const approvals = async () => (await company.json<InboxItem[]>('inbox')).filter(({ kind }) => kind === 'approval');
const opOf = async (item: InboxItem) => (await company.json<(Op & { reason: string })[]>('ops')).find(({ id }) => item.id.includes(id));
const onStopped = async <T>(...args: string[]) => {
  const { code, stdout, stderr } = await runCli([...args, '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
};
const filesOf = (dir: string) => (readdirSync(dir, { recursive: true }) as string[]).filter((name) => statSync(join(dir, name)).isFile()).toSorted();

before(async () => {
  const folder = join(spare, 'mail');
  mkdirSync(folder);
  for (const { name, raw } of generateMails(40, 11).filter((mail) => mail.category === 'inquiry').slice(0, 6)) writeFileSync(join(folder, `${name}.eml`), raw);
  await company.up();
  await company.json('mail', 'import', folder);
  await quiet(company);
}, { timeout: 120_000 });
after(async () => {
  await company.remove();
  rmSync(spare, { recursive: true, force: true });
});

test('a company that runs can be exported; the export goes into another folder and out again unchanged', { timeout: 60_000 }, async () => {
  const [first, second, there] = [join(spare, 'first'), join(spare, 'second'), join(spare, 'there')];
  const exported = await company.json<{ exported: string; rows: number; files: number }>('export', first);
  assert.deepEqual([exported.exported, exported.files], [first, filesOf(first).length]);
  const imported = await onStopped<{ imported: string; rows: number }>('import', first, '--data', there);
  assert.deepEqual([imported.imported, imported.rows], [first, exported.rows]);
  await onStopped('export', second, '--data', there);
  for (const name of filesOf(first)) assert.ok(readFileSync(join(first, name)).equals(readFileSync(join(second, name))), name);
  assert.deepEqual(filesOf(second), filesOf(first));
  assert.equal((await onStopped<unknown[]>('inbox', '--data', there)).length, (await company.json<unknown[]>('inbox')).length);
  assert.equal((await onStopped<{ ok: boolean }>('audit', 'verify', '--data', there)).ok, true);
});

test('what was approved after the backup is unknown after the restore, and is not sent again', { timeout: 120_000 }, async () => {
  const file = join(spare, 'backup.db');
  const waiting = await approvals();
  assert.ok(waiting.length >= 2, `${waiting.length} drafts wait`);
  const { bytes } = await company.json<{ backup: string; bytes: number }>('backup', file);
  assert.equal(bytes, statSync(file).size);
  await company.json('approve', waiting[0]!.id);
  await quiet(company);
  assert.equal((await opOf(waiting[0]!))?.state, 'done');
  assert.equal(sent().length, 1);

  const busy = await company.cli('restore', file);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /^keelson: another server already owns /);
  await company.down();
  const restored = await company.json<{ restored: string; incarnation: string; unknown: number }>('restore', file);
  assert.equal(restored.restored, file);
  assert.equal(restored.unknown, waiting.length);
  assert.equal(existsSync(join(dataDir, 'jetstream')), false);

  await company.up();
  await quiet(company);
  for (const item of waiting) assert.equal((await opOf(item))?.state, 'unknown');
  assert.match((await opOf(waiting[0]!))!.reason, /restored from a backup/);
  assert.equal((await approvals()).length, 0);
  assert.equal(sent().length, 1);
  await company.json('ops', 'reconcile', (await opOf(waiting[0]!))!.id, '--sent');
  await quiet(company);
  assert.equal((await opOf(waiting[0]!))?.state, 'reconciled');
  assert.equal((await company.json<{ ok: boolean }>('audit', 'verify')).ok, true);
  assert.equal(sent().length, 1);
  await company.down();
});

test('a restore says in words what it did and what to do next', { timeout: 60_000 }, async () => {
  const { code, stdout } = await runCli(['restore', join(spare, 'backup.db'), '--data', join(spare, 'fresh')]);
  assert.equal(code, 0);
  assert.match(stdout, /restored from .*backup\.db: \d+ commits, the last of 20/);
  assert.match(stdout, /operations are unknown: .* keelson ops/);
  assert.match(stdout, /no company\.json/);
  assert.doesNotMatch(stdout, /is deleted/);
  const again = await runCli(['restore', join(spare, 'backup.db'), '--data', join(spare, 'fresh'), '--keep-old', join(spare, 'old.db')]);
  assert.match(again.stdout, /kept as .*old\.db\. It may hold people who were erased/);
  assert.match((await runCli(['restore', join(spare, 'backup.db'), '--data', join(spare, 'fresh')])).stdout, /is deleted/);
});

test('a restore into a new folder warns when it is told of nobody who was erased, and does not when it is', { timeout: 60_000 }, async () => {
  const backup = join(spare, 'backup.db');
  const warned = await runCli(['restore', backup, '--data', join(spare, 'unwarned')]);
  assert.match(warned.stdout, /^No list of erased people was given \(--erased LIST\): .*$/m);
  const person = (await onStopped<{ id: string }[]>('find', 'people', '--data', join(spare, 'unwarned')))[0]!.id;
  const list = join(spare, 'erased.jsonl');
  rememberErased(spare, { id: 'e1', entity: person }, Date.now());
  const told = await runCli(['restore', backup, '--data', join(spare, 'told'), '--erased', list]);
  assert.doesNotMatch(told.stdout, /No list/);
  assert.match(told.stdout, /1 people who were erased here are erased from it too/);
  assert.deepEqual((await onStopped<{ id: string }[]>('find', 'people', '--data', join(spare, 'told'))).filter(({ id }) => id === person), []);
});

test('the list beside the heads that company.json names is found by a restore without being given', { timeout: 60_000 }, async () => {
  const [folder, outside] = [join(spare, 'second-home'), join(spare, 'mounted')];
  mkdirSync(outside);
  await onStopped('init', folder);
  const settings = join(folder, 'company.json');
  writeFileSync(settings, JSON.stringify({ ...JSON.parse(readFileSync(settings, 'utf8')) as object, auditHeads: join(outside, 'heads.jsonl') }));
  await onStopped('restore', join(spare, 'backup.db'), '--data', folder);
  const person = (await onStopped<{ id: string }[]>('find', 'people', '--data', folder))[0]!.id;
  await onStopped('erase', person, '--data', folder);
  assert.equal(readFileSync(join(outside, 'heads-erased.jsonl'), 'utf8'), readFileSync(join(folder, 'erased.jsonl'), 'utf8'));
  for (const name of ['erased.jsonl', 'keelson.db']) rmSync(join(folder, name));
  const { stdout } = await runCli(['restore', join(spare, 'backup.db'), '--data', folder]);
  assert.doesNotMatch(stdout, /No list/);
  assert.deepEqual((await onStopped<{ id: string }[]>('find', 'people', '--data', folder)).filter(({ id }) => id === person), []);
});

test('migrate says what it would do and what it did', { timeout: 60_000 }, async () => {
  const folder = join(spare, 'fresh');
  assert.deepEqual(await onStopped('migrate', '--dry-run', '--data', folder), { from: 4, to: 4, applied: [], dryRun: true });
  assert.deepEqual(await onStopped('migrate', '--data', folder), { from: 4, to: 4, applied: [], dryRun: false });
  assert.match((await runCli(['migrate', '--data', folder])).stdout, /has schema 4, the newest/);
});

const mistakes: [title: string, args: () => string[], message: RegExp][] = [
  ['an export into a folder that holds something', () => ['export', spare, '--data', dataDir], /is not empty\. Name a folder/],
  ['an export of nothing', () => ['export', join(spare, 'x'), '--data', join(spare, 'nothing')], /there is no company in/],
  ['a backup over a file', () => ['backup', join(spare, 'backup.db'), '--data', dataDir], /backup\.db exists\. /],
  ['a backup of nothing', () => ['backup', join(spare, 'y.db'), '--data', join(spare, 'nothing')], /there is no company in/],
  ['an import of what is no export', () => ['import', join(spare, 'mail'), '--data', join(spare, 'z')], /is no export: it has no manifest\.json\. /],
  ['an import into a company that has rows', () => ['import', join(spare, 'first'), '--data', dataDir], /is not empty\. Import into/],
  ['a restore of what is no backup', () => ['restore', join(spare, 'first', 'manifest.json'), '--data', join(spare, 'z')], /manifest\.json cannot be restored: it is no database/],
  ['a restore of a file that is not there', () => ['restore', join(spare, 'q'), '--data', join(spare, 'z')], /there is no file .*\/q\. /],
  ['a restore with a list that is not there', () => ['restore', join(spare, 'backup.db'), '--data', join(spare, 'z'), '--erased', join(spare, 'nobody.jsonl')], /there is no file .*nobody\.jsonl\. /],
  ['a migration of nothing', () => ['migrate', '--data', join(spare, 'nothing')], /there is no company in/],
];
for (const [title, args, message] of mistakes) {
  test(`${title} costs one line and leaves nothing behind`, { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await runCli(args());
    assert.equal(code, 1);
    assert.match(stderr, /^keelson: [^\n]+\n$/);
    assert.match(stderr, message);
    assert.doesNotMatch(stdout, /imported|restored/);
    for (const name of ['x', 'y.db', 'z', 'nothing']) assert.equal(existsSync(join(spare, name)), false, name);
  });
}
