// Goal: scripts find the keys they rely on, and a person's mistake costs one clear line. Method: the real CLI against one real
// company that holds the sample mailbox; then a second company folder that nobody runs.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { sampleMailbox } from '#supervisor/company.ts';
import { makeCompany, runCli, type Run } from '#test/kit/server.ts';

type Json = Record<string, unknown>;
interface InboxItem extends Json { id: string; kind: string; payloadHash: string; summary: string }

const company = makeCompany();
/** Each command is a process: with a cache it starts twice as fast. */
const spare = mkdtempSync(join(tmpdir(), 'keelson-cli-'));
let ready: Json = {};
let imported: Json = {};

const quiet = () => company.until('nothing in flight', 60_000, async () => (await company.json<{ inFlight: number }>('status')).inFlight === 0);
const inbox = () => company.json<InboxItem[]>('inbox');
const hasKeys = (value: unknown, keys: string) => {
  const missing = keys.split(' ').filter((key) => !Object.hasOwn(value as object, key));
  assert.deepEqual(missing, [], `missing in ${JSON.stringify(value)}`);
};
/** One line for a person: what and what to do, nothing on stdout, no stack. */
function assertOneLine({ code, stdout, stderr }: Run, message: RegExp): void {
  assert.equal(code, 1, stderr);
  assert.match(stderr, message);
  assert.match(stderr, /^keelson: [^\n]+\n$/);
  assert.equal(stdout, '');
}

before(async () => {
  ready = { ...(await company.up()) };
  imported = await company.json<Json>('mail', 'import', sampleMailbox);
  await quiet();
}, { timeout: 120_000 });
after(async () => {
  await company.remove();
  rmSync(spare, { recursive: true, force: true });
});

test('up says where everything is, in one line and in run.json, and keeps its token private', () => {
  hasKeys(ready, 'event pid data api console nats');
  assert.deepEqual([ready['event'], ready['data']], ['ready', company.dataDir]);
  assert.deepEqual(JSON.parse(readFileSync(join(company.dataDir, 'run.json'), 'utf8')), ready);
  for (const file of ['token', 'run.json']) assert.equal(statSync(join(company.dataDir, file)).mode & 0o777, 0o600);
  assert.match(String(ready['api']), /^http:\/\/127\.0\.0\.1:\d+$/);
});

test('mail import counts what came, what was known and what was not readable', async () => {
  assert.deepEqual(Object.keys(imported).toSorted(), ['duplicates', 'imported', 'rejected']);
  assert.ok(Number(imported['imported']) >= 30);
  assert.deepEqual([imported['duplicates'], imported['rejected']], [0, []]);
  assert.deepEqual(await company.json('mail', 'import', sampleMailbox), { imported: 0, duplicates: imported['imported'], rejected: [] });
});

test('status adds up when nothing is under way', async () => {
  const status = await company.json<Record<string, number> & { running: boolean }>('status');
  hasKeys(status, 'received applied duplicate parked waiting');
  assert.equal(status['received'], status['applied']! + status['duplicate']! + status['parked']!);
  assert.deepEqual([status['mails'], status['parked'], status.running], [imported['imported'], 0, true]);
});

test('inbox gives everything needed to decide', async () => {
  const items = await inbox();
  for (const item of items) hasKeys(item, 'id kind summary category confidence risk reasons payload payloadHash evidence policy expiresAt');
  assert.ok(items.some(({ kind }) => kind === 'approval') && items.some(({ kind }) => kind === 'question') && items.some(({ kind }) => kind === 'task'));
  assert.equal(items.length, (await company.json<{ waiting: number }>('status')).waiting);
  const { id } = items[0]!;
  assert.deepEqual(await company.json('inbox', id), items[0]);
  assert.match((await company.cli('inbox', id)).stdout, /\nhash [0-9a-z-]+\n/);
});

test('ps, show, history and replay tell about one actor', async () => {
  const actors = await company.json<Json[]>('ps');
  for (const actor of actors) hasKeys(actor, 'address machine version status value rev waitingFor since');
  const lines = async (...args: string[]) => (await company.cli('ps', ...args)).stdout.split('\n').length;
  assert.ok((await lines()) < (await lines('--all')), 'finished actors are listed only with --all');
  const { address } = actors.find((actor) => actor['machine'] === 'mail' && actor['status'] === 'active') as { address: string };
  const shown = await company.json<{ rev: number; next: unknown[] } & Json>('show', address);
  hasKeys(shown, 'address machine version status value context rev next');
  const steps = await company.json<Json[]>('history', address);
  for (const step of steps) hasKeys(step, 'rev at event value');
  assert.equal(steps.at(-1)!['rev'], shown.rev);
  assert.deepEqual((await company.json<Json>('show', address, '--at', '0'))['rev'], 0);
  const replayed = await company.json<{ matches: boolean; steps: number }>('replay', address);
  assert.deepEqual([replayed.matches, replayed.steps], [true, shown.rev + 1]);
});

test('search and find answer rows', async () => {
  for (const hit of await company.json<Json[]>('search', 'website')) hasKeys(hit, 'kind id text score');
  const kinds = ['fact', 'person', 'mail', 'policy', 'decision', 'intent', 'parked'];
  for (const rows of await Promise.all(kinds.map((kind) => company.json('find', kind)))) assert.ok(Array.isArray(rows));
});

test('the audit chain verifies', async () => {
  const verdict = await company.json<{ ok: boolean; rows: number } & Json>('audit', 'verify');
  hasKeys(verdict, 'ok rows head');
  assert.deepEqual([verdict.ok, verdict.rows > 100], [true, true]);
});

test('an approval is an operation that is done, and saying it twice is refused', async () => {
  const item = (await inbox()).find(({ kind }) => kind === 'approval')!;
  assertOneLine(await company.cli('approve', item.id, '--hash', '0'.repeat(64)), /has changed since it was shown/);
  hasKeys(await company.json('approve', item.id, '--hash', item.payloadHash), 'id state actor value');
  await quiet();
  const operations = await company.json<Json[]>('ops');
  for (const operation of operations) hasKeys(operation, 'id state connector action mode approvalId providerRef payloadHash done');
  const done = operations.find((operation) => item.id.includes(String(operation['id'])))!;
  assert.deepEqual([done['state'], done['approvalId'], done['payloadHash'], done['done'], done['mode']], ['done', item.id, item.payloadHash, false, 'live']);
  assertOneLine(await company.cli('approve', item.id), /is already completed/);
  assert.ok(!(await inbox()).some(({ id }) => id === item.id));
});

test('reject and respond settle what waits', async () => {
  const items = await inbox();
  const rejected = items.find(({ kind }) => kind === 'approval')!;
  assert.equal((await company.json<Json>('reject', rejected.id, '--reason', 'wrong tone'))['state'], 'rejected');
  const question = items.find(({ id }) => id.startsWith('q-'))!;
  assertOneLine(await company.cli('respond', question.id, '--text', 'no such category'), /does not take this answer\. Possible: approve/);
  await company.json('respond', question.id, '--text', 'notice');
  await quiet();
  const left = (await inbox()).map(({ id }) => id);
  assert.ok(!left.includes(rejected.id) && !left.includes(question.id));
});

const mistakes: [string, string[], RegExp][] = [
  ['an unknown command', ['explode'], /unknown command 'explode'/],
  ['an unknown option', ['status', '--loud'], /unknown option '--loud'/],
  ['too many arguments', ['status', 'now'], /too many arguments/],
  ['no argument', ['approve'], /missing required argument 'id'/],
  ['no reason', ['reject', 'ap-1'], /required option '--reason <text>'/],
  ['no text', ['respond', 'q-1'], /required option '--text <text>'/],
  ['an item that is not there', ['approve', 'ap-nowhere'], /there is no inbox item 'ap-nowhere'/],
  ['an item to look at that is not there', ['inbox', 'ap-nowhere'], /nothing called 'ap-nowhere' waits/],
  ['a file that is not there', ['approve', 'ap-1', '--edit', '/nowhere/x.txt'], /cannot read \/nowhere\/x\.txt/],
  ['a mailbox that is not there', ['mail', 'import', '/nowhere.mbox'], /nowhere\.mbox.*does not exist/],
  ['an actor that is not there', ['show', 'mail/nowhere'], /there is no actor 'mail\/nowhere'/],
  ['a history of nobody', ['history', 'x'], /there is no actor 'x'/],
  ['a replay of nobody', ['replay', 'x'], /there is no actor 'x'/],
  ['a kind that is not there', ['find', 'unicorn'], /there is no kind 'unicorn'; choose one of/],
  ['a limit that is no number', ['find', 'fact', '--limit', 'many'], /'limit' must be a whole number/],
  ['an operation that is not there', ['ops', 'reconcile', 'x', '--done'], /there is no operation 'x'/],
  ['a provider to ask about nothing', ['ops', 'reconcile', 'x'], /there is no operation 'x'/],
  ['a reconcile that says both', ['ops', 'reconcile', 'x', '--done', '--not-done'], /either --done or --not-done/],
  ['a reconcile that says both in older words', ['ops', 'reconcile', 'x', '--sent', '--not-sent'], /either --done or --not-done/],
  ['a port that is none', ['up', '--port', 'eighty'], /--port must be a number/],
];
test('a wrong argument is one clear line and no stack', { concurrency: 4, timeout: 120_000 }, async (t) => {
  await Promise.all(mistakes.map(([what, args, message]) => t.test(what, async () => assertOneLine(await company.cli(...args), message))));
});

test('with --json a mistake is JSON on stderr', async () => {
  const { code, stdout, stderr } = await company.cli('show', 'mail/nowhere', '--json');
  assert.deepEqual([code, stdout], [1, '']);
  hasKeys((JSON.parse(stderr) as { error: Json }).error, 'code message hint');
});

test('a revision that the actor does not have is named with those it has', async () => {
  const [actor] = await company.json<{ address: string }[]>('ps');
  for (const run of await Promise.all(['99999', '-1', '1.5', 'x'].map((at) => company.cli('show', actor!.address, '--at', at)))) assertOneLine(run, /--at must be a revision from 0 to \d+/);
});

test('help is no failure', async () => {
  for (const args of [['--help'], ['mail', '--help'], ['mail', 'import', '--help'], ['ops', 'reconcile', '--help'], ['help']]) {
    const { code, stdout, stderr } = await runCli(args);
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    assert.match(stdout, /^Usage: keelson/);
  }
});

test('a folder that is missing or holds no company is one clear line for every command', { timeout: 120_000 }, async () => {
  writeFileSync(join(spare, 'notes.txt'), 'not a company');
  for (const dir of [join(spare, 'nowhere'), spare]) {
    const runs = [['status'], ['inbox'], ['ops'], ['audit', 'verify'], ['mail', 'import', sampleMailbox], ['approve', 'x']].map((args) => runCli([...args, '--data', dir]));
    for (const run of await Promise.all(runs)) assertOneLine(run, /there is no company in .*keelson init DIR/);
  }
  assertOneLine(await runCli(['up', '--data', spare]), /there is no company in/);
});

test('a company that is not running says how to start it', async () => {
  const dir = join(spare, 'mine');
  assert.equal((await runCli(['init', dir])).code, 0);
  assertOneLine(await runCli(['init', dir]), /already holds a company/);
  for (const args of [['status'], ['mail', 'import', sampleMailbox], ['reject', 'x', '--reason', 'y']]) assertOneLine(await runCli([...args, '--data', dir]), /Start the server with/);
  assertOneLine(await runCli(['demo', '--data', dir]), /a company of your own; the demo will not touch it/);
  writeFileSync(join(dir, 'company.json'), '{}');
  assertOneLine(await runCli(['up', '--data', dir]), /company\.json: name: .*; operator: /);
});

test('a wrong setting stops the start with its name and without its value', async () => {
  const stopped = await runCli(['up', '--data', join(spare, 'other')], { KEELSON_SMTP_URL: 'http://user:hunter2@mail.example' });
  assertOneLine({ ...stopped, stdout: '' }, /KEELSON_SMTP_URL: /);
  assert.ok(!`${stopped.stdout}${stopped.stderr}`.includes('hunter2'));
});

test('a second server on the same folder is refused with one line, and the first goes on', async () => {
  assertOneLine(await runCli(['up', '--data', company.dataDir]), /already works? on|already runs on/);
  assert.deepEqual(JSON.parse(readFileSync(join(company.dataDir, 'run.json'), 'utf8')), ready);
  assert.equal((await company.json<{ running: boolean }>('status')).running, true);
});

test('SIGTERM ends the server cleanly, and what it knew can still be read', async () => {
  assert.equal(await company.down(), 0);
  assert.equal(existsSync(join(company.dataDir, 'run.json')), false);
  const status = await company.json<Json>('status');
  assert.deepEqual([status['running'], status['mails']], [false, imported['imported']]);
  assertOneLine(await company.cli('mail', 'import', sampleMailbox), /no server is running for .*Start the server/);
  assert.equal((await company.json<{ ok: boolean }>('audit', 'verify')).ok, true);
});
