// Goal: what the operator corrects, states and remarks is taken from the command line, and later drafts are shown it. Method: the
// real CLI against one running company; similar mails before and after a correction.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { makeCompany, runCli, type Run } from '#test/kit/server.ts';

interface Item { id: string; kind: string; reasons: string[]; evidence: { kind: string; id: string }[]; payload: { to?: { address: string }; mail?: string } }
interface Added { fact: string; entity: string; predicate: string; contradiction: string | null }

const company = makeCompany();
const spare = mkdtempSync(join(tmpdir(), 'keelson-facts-'));

before(async () => void (await company.up()), { timeout: 120_000 });
after(async () => {
  await company.remove();
  rmSync(spare, { recursive: true, force: true });
});

/** Hands in a mail and answers what the operator is asked about it. */
async function ask(from: string, subject: string, text: string): Promise<Item> {
  const file = join(spare, `${from}.eml`);
  writeFileSync(file, `From: ${from} <${from}@holt.example>\r\nTo: hello@studio-voss.example\r\nMessage-ID: <${from}@holt.example>\r\nSubject: ${subject}\r\n\r\n${text}\r\n`);
  const known = (await company.json<Item[]>('inbox')).map(({ id }) => id);
  await company.json('mail', 'import', file);
  return company.until(`a question about the mail of ${from}`, 60_000, async () => (await company.json<Item[]>('inbox')).find(({ id }) => !known.includes(id)));
}
const corrections = ({ evidence }: Item) => evidence.filter(({ kind }) => kind === 'annotation').map(({ id }) => id);
const says = 'a similar draft was corrected by the operator before';
function assertOneLine({ code, stdout, stderr }: Run, message: RegExp): void {
  assert.equal(code, 1, stderr);
  assert.match(stderr, message);
  assert.match(stderr, /^keelson: [^\n]+\n$/);
  assert.equal(stdout, '');
}
const write = (name: string, text: string) => {
  const file = join(spare, name);
  writeFileSync(file, text);
  return file;
};

test('a draft that is like a corrected one names the correction', { timeout: 120_000 }, async () => {
  const text = 'How much would a website for my violin workshop cost? Could you send me a quote?';
  const first = await ask('nina', 'Website', text);
  assert.equal(first.kind, 'approval');
  assert.deepEqual(corrections(first), []);
  assertOneLine(await company.cli('approve', first.id, '--reason', 'why'), /--reason says why the text was edited/);
  await company.json('approve', first.id, '--edit', write('edit.txt', 'Websites for workshops start at 900 EUR.'), '--reason', 'workshops get a price at once');

  const second = await ask('paul', 'A website', `Hello, ${text}`);
  const [correction, ...others] = corrections(second);
  assert.match(correction!, /^a-\d+-\d+$/);
  assert.deepEqual([others, second.reasons.includes(says)], [[], true]);
  const unlike = await ask('otto', 'Rechnungskopie', 'Guten Tag, könnten Sie mir bitte eine Kopie der letzten Rechnung schicken? Das Finanzamt verlangt sie.');
  assert.deepEqual(corrections(unlike), []);
});

test('what the operator wrote instead of a suggestion is a correction too', { timeout: 120_000 }, async () => {
  const text = 'Do you know who repairs church organs? Could you please tell me?';
  const first = await ask('clara', 'Church organs', text);
  assert.equal(first.kind, 'question');
  await company.json('respond', first.id, '--text', 'Master Ott in Bremen repairs organs.', '--reason', 'we know him');
  const second = await ask('emil', 'An organ', `Good morning, ${text}`);
  assert.equal(corrections(second).length, 1);
  assert.ok(second.reasons.includes(says));
});

test('a fact is stated, corrected and changed, and a contradiction is named and settled', { timeout: 120_000 }, async () => {
  const entity = 'organisation/acme.example';
  const added = await company.json<Added>('fact', 'add', entity, 'organisation.payment-terms-days', '14', '--from', '2026-01-01', '--confidence', '0.8');
  assert.deepEqual(added, { fact: added.fact, entity, predicate: 'organisation.payment-terms-days', contradiction: null });
  assert.match((await company.cli('fact', 'add', entity, 'organisation.payment-terms-days', '30', '--changes-from', '2026-06-01')).stdout, /^f-\d+-0: organisation\.payment-terms-days of organisation\/acme\.example is 30\n$/);
  const contradicted = await company.cli('fact', 'add', entity, 'organisation.payment-terms-days', '45', '--from', '2026-07-01');
  const [, question] = /Something else was known; you decide: keelson inbox (c-\S+)/.exec(contradicted.stdout) ?? [];
  assert.ok(question, contradicted.stdout);
  await company.json('respond', question, '--text', '21');
  assertOneLine(await company.cli('approve', question), /is already completed/);
  const corrected = await company.json<Added>('fact', 'add', entity, 'organisation.name', 'ACME');
  await company.json('fact', 'add', entity, 'organisation.name', 'Acme Ltd', '--supersedes', corrected.fact);
  assert.equal((await company.json<Added>('fact', 'add', entity, 'organisation.name', 'Acme', '--correct')).contradiction, null);
  assert.ok(!(await company.json<Item[]>('inbox')).some(({ id }) => id.startsWith('c-')));
  const own = await company.cli('fact', 'add', entity, 'mood', 'sunny');
  assert.match(own.stdout, /^'mood' is a predicate of your own\nf-\d+-0: mood of /);
});

test('a remark is made on what is there', async () => {
  const { fact } = await company.json<Added>('fact', 'add', 'person/anna@example.org', 'person.phone', '030 1');
  const remark = await company.json<{ annotation: string; target: unknown }>('annotate', 'fact', fact, '--text', 'only before noon', '--reason', 'she said so');
  assert.deepEqual(remark, { annotation: remark.annotation, target: { kind: 'fact', id: fact } });
  assert.match(remark.annotation, /^a-\d+-0$/);
});

const mistakes: [string, string[], RegExp][] = [
  ['a value of the wrong type', ['fact', 'add', 'organisation/x', 'organisation.payment-terms-days', 'soon'], /value: expected number/],
  ['a value with a wrong part', ['fact', 'add', 'product/x', 'product.price', '{"amountMinor":"5","currency":"EUR","unit":"h"}'], /value\.amountMinor: expected number/],
  ['an entity without a kind', ['fact', 'add', 'anna', 'likes', 'tea'], /entity: expected kind\/key/],
  ['a date that is none', ['fact', 'add', 'person/x', 'likes', 'tea', '--from', 'soon'], /from: expected an ISO date/],
  ['a confidence that is none', ['fact', 'add', 'person/x', 'likes', 'tea', '--confidence', 'high'], /--confidence must be a number from 0 to 1/],
  ['a correction of nothing', ['fact', 'add', 'person/x', 'likes', 'tea', '--supersedes', 'f-999999-0'], /there is no fact 'f-999999-0'/],
  ['a change of nothing', ['fact', 'add', 'person/x', 'likes', 'tea', '--changes-from', '2026-01-01'], /nothing is known of likes/],
  ['a source that is not there', ['fact', 'add', 'person/x', 'likes', 'tea', '--source', 'm-nowhere'], /there is no artifact 'm-nowhere'/],
  ['a remark without words', ['annotate', 'fact', 'f-1-0'], /required option '--text <text>'/],
  ['a remark on nothing', ['annotate', 'decision', 'd-999999-0', '--text', 'x'], /there is no decision 'd-999999-0'/],
  ['a remark on an unknown kind', ['annotate', 'unicorn', 'x', '--text', 'x'], /there is no kind 'unicorn'; choose one of artifact, /],
];
test('a wrong argument is one clear line and no stack', { concurrency: 4, timeout: 120_000 }, async (t) => {
  await Promise.all(mistakes.map(([what, args, message]) => t.test(what, async () => assertOneLine(await company.cli(...args), message))));
});

test('without a running server both commands say how to start it', async () => {
  const dir = join(spare, 'mine');
  assert.equal((await runCli(['init', dir])).code, 0);
  for (const args of [['fact', 'add', 'person/x', 'likes', 'tea'], ['annotate', 'fact', 'f-1-0', '--text', 'x']]) assertOneLine(await runCli([...args, '--data', dir]), /Start the server with/);
});
