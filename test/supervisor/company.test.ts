// Goal: a company folder is made once and never overwritten, its token is private, and a change to its library is a new version.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { sha256 } from '#actors/hash.ts';
import type { Commit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { assertTriggers } from '#machines/triggers.ts';
import { createMachines } from '#supervisor/agents.ts';
import { createCompany, readLibrary, readPolicyFiles, readToken, readTriggers, removeRunFile, writeRunFile } from '#supervisor/company.ts';
import { readConfig, readEnvironment } from '#supervisor/config.ts';
import { openConnectors } from '#supervisor/main-connectors.ts';

function company(t: TestContext, options = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'keelson-folder-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, 'deep', 'company');
  createCompany(dir, options);
  return dir;
}
const withCode = (code: string, message: RegExp) => (error: unknown) => error instanceof KeelsonError && error.code === code && message.test(`${error.message} ${error.hint}`);
const hashes = (commit: Commit | null) => new Map((commit?.artifacts ?? []).map(({ id, hash }) => [id, hash]));
const read = (dir: string, current = new Map<string, string>()) => readLibrary(dir, current, 'library:1', 1_000);

test('a new company has settings that are valid, templates and policies', (t) => {
  const dir = company(t);
  const { company: settings } = readConfig(dir, readEnvironment({}));
  assert.equal(settings.demo, undefined);
  assert.ok(readdirSync(join(dir, 'templates')).length >= 10);
  assert.deepEqual(readdirSync(join(dir, 'policies')), ['default.cedar', 'standing.cedar']);
  assert.equal(statSync(dir).mode & 0o077, 0);
  assert.equal(readConfig(company(t, { demo: true }), readEnvironment({})).company.demo, true);
});

test('a new company hears of payments, and has an example of each settings file, valid and not read', async (t) => {
  const dir = company(t);
  assertTriggers(readTriggers(dir), createMachines().list().map(({ key }) => key));
  assert.deepEqual(readTriggers(dir).map(({ name }) => name), ['accepted-work', 'payment-mails', 'payments']);
  const schemas: Record<string, { settingsSchema: { safeParse(value: unknown): { success: boolean; error?: unknown } } }> = {
    invoices: await import('#connectors/invoices/connector.ts'), payments: await import('#connectors/payments/connector.ts'), calendar: await import('#connectors/calendar/connector.ts'),
    publish: await import('#connectors/publish/connector.ts'), http: await import('#connectors/http/connector.ts'), web: await import('#connectors/web/connector.ts'),
    files: await import('#connectors/files/connector.ts'), mcp: await import('#connectors/mcp/settings.ts'), notify: await import('#connectors/notify/ntfy.ts'),
  };
  const folder = join(dir, 'connectors');
  assert.deepEqual(readdirSync(folder), Object.keys(schemas).map((name) => `${name}.example.json`).toSorted());
  for (const [name, { settingsSchema }] of Object.entries(schemas)) {
    const { success, error } = settingsSchema.safeParse(JSON.parse(readFileSync(join(folder, `${name}.example.json`), 'utf8')));
    assert.ok(success, `${name}: ${String(error)}`);
  }
  const config = readConfig(dir, readEnvironment({}));
  assert.deepEqual((await openConnectors({ config, store: null as never })).map(({ name }) => name), ['mail']);
});

test('a folder that holds a company is refused and left as it is', (t) => {
  const dir = company(t);
  writeFileSync(join(dir, 'templates', 'quote-en.md'), 'mine');
  assert.throws(() => createCompany(dir), withCode('BAD_ARGUMENT', /already holds a company.*keelson up/));
  assert.equal(readFileSync(join(dir, 'templates', 'quote-en.md'), 'utf8'), 'mine');
});

test('the token is made once, long, and readable by its owner only', (t) => {
  const dir = company(t);
  const token = readToken(dir);
  assert.match(token, /^[0-9a-f]{64}$/);
  assert.equal(readToken(dir), token);
  assert.equal(statSync(join(dir, 'token')).mode & 0o777, 0o600);
  assert.notEqual(readToken(company(t)), token);
});

test('a token that others can read is refused with what to do', (t) => {
  const dir = company(t);
  readToken(dir);
  for (const mode of [0o640, 0o604, 0o660]) {
    chmodSync(join(dir, 'token'), mode);
    assert.throws(() => readToken(dir), withCode('BAD_CONFIG', /token can be read by others.*chmod 600/));
  }
});

test('the run file is private, replaced as a whole and removed without complaint', (t) => {
  const dir = company(t);
  const run = { event: 'ready' as const, pid: 7, data: dir, api: 'http://127.0.0.1:1', console: 'http://127.0.0.1:1', nats: 'nats://127.0.0.1:2', company: 'studio' };
  writeRunFile(dir, { ...run, pid: 6 });
  writeRunFile(dir, run);
  assert.deepEqual(JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8')), run);
  assert.equal(statSync(join(dir, 'run.json')).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(dir).filter((name) => name.startsWith('run.json.')), []);
  removeRunFile(dir);
  removeRunFile(dir);
  assert.equal(existsSync(join(dir, 'run.json')), false);
});

test('the first reading takes every template and trigger with its bytes, and no policy: those are published', (t) => {
  const dir = company(t);
  const commit = read(dir)!;
  assert.equal(commit.artifacts.length, ['templates', 'triggers'].flatMap((folder) => readdirSync(join(dir, folder))).length);
  assert.deepEqual(commit.blobs.map(({ hash }) => hash), commit.artifacts.map(({ hash }) => hash));
  for (const { hash, bytes } of commit.blobs) assert.equal(sha256(bytes), hash);
  assert.equal(commit.actor, 'operator/company');
  assert.ok(hashes(commit).has('template/quote-en'));
  assert.deepEqual(new Set(commit.artifacts.map(({ kind }) => kind)), new Set(['template', 'trigger']));
});

test('an unchanged library is nothing to write', (t) => {
  const dir = company(t);
  assert.equal(read(dir, hashes(read(dir))), null);
});

test('only the changed file becomes a new version', (t) => {
  const dir = company(t);
  const current = hashes(read(dir));
  const file = join(dir, 'templates', 'quote-en.md');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nMore.\n`);
  const commit = read(dir, current)!;
  assert.deepEqual(commit.artifacts.map(({ id, kind }) => [id, kind]), [['template/quote-en', 'template']]);
  assert.match(commit.artifacts[0]?.text ?? '', /More\.$/m);
});

test('a removed file becomes an empty version of its kind', (t) => {
  const dir = company(t);
  const current = hashes(read(dir));
  unlinkSync(join(dir, 'templates', 'quote-en.md'));
  const { artifacts } = read(dir, current)!;
  assert.deepEqual(artifacts.map(({ id, kind, sizeBytes, text }) => ({ id, kind, sizeBytes, text })), [{ id: 'template/quote-en', kind: 'template', sizeBytes: 0, text: undefined }]);
});

test('policies that are in force stay, whatever happens to their files', (t) => {
  const dir = company(t);
  const current = hashes(read(dir)).set('policy/set', 'aa').set('policy/schema', 'bb');
  rmSync(join(dir, 'policies'), { recursive: true });
  assert.equal(read(dir, current), null);
});

test('policy files are read by name; other files are let be, and those of the language before are named', (t) => {
  const dir = company(t);
  assert.deepEqual(readPolicyFiles(dir).map(({ id }) => id), ['default', 'standing']);
  assert.equal(readPolicyFiles(dir)[0]!.text, readFileSync(join(dir, 'policies', 'default.cedar'), 'utf8'));
  writeFileSync(join(dir, 'policies', 'notes.txt'), 'x');
  assert.equal(readPolicyFiles(dir).length, 2);
  writeFileSync(join(dir, 'policies', 'mail.json'), '{}');
  assert.throws(() => readPolicyFiles(dir), withCode('BAD_CONFIG', /policies\/mail\.json: policies are written in Cedar/));
  rmSync(join(dir, 'policies', 'mail.json'));
  mkdirSync(join(dir, 'policies', 'odd.cedar'));
  assert.throws(() => readPolicyFiles(dir), withCode('BAD_CONFIG', /policies\/odd\.cedar: /));
  rmSync(join(dir, 'policies'), { recursive: true });
  assert.deepEqual(readPolicyFiles(dir), []);
});

test('a file that came back is a version again', (t) => {
  const dir = company(t);
  const current = hashes(read(dir));
  current.delete('template/quote-en');
  assert.deepEqual([...hashes(read(dir, current)).keys()], ['template/quote-en']);
});

test('other files beside templates are let be', (t) => {
  const dir = company(t);
  const current = hashes(read(dir));
  writeFileSync(join(dir, 'templates', 'notes.txt'), 'x');
  mkdirSync(join(dir, 'templates', 'drafts'));
  assert.equal(read(dir, current), null);
});

test('a broken template is named with its file and line, and nothing is taken', (t) => {
  const dir = company(t);
  const file = join(dir, 'templates', 'quote-en.md');
  const good = readFileSync(file, 'utf8');
  writeFileSync(file, good.replace('language: en', 'language: xx'));
  assert.throws(() => read(dir), withCode('BAD_CONFIG', /templates\/quote-en\.md: Template, line 3: the language/));
});

test('a folder that is named like a template is said to be one', (t) => {
  const dir = company(t);
  mkdirSync(join(dir, 'templates', 'odd.md'));
  assert.throws(() => read(dir), withCode('BAD_CONFIG', /templates\/odd\.md/));
});
