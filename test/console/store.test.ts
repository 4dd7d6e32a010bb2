// Goal: whatever the store holds can be found, seen as it was, and followed back to the mail that began it. Method: a real company that has
// read three mails and two versions of a template, one real browser; what the page shows is compared with what was written.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { browserMissing, shot, startBrowser, visit, type Visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';

const skip = browserMissing() ?? false;
const company = makeCompany();
const anna = 'person/anna@quartz.example';
const evil = '<img src=x onerror=alert(1)>';
const longWord = 'w'.repeat(10_000);
const phones = ['+44 20 7946 0001', '+44 20 7946 0002'] as const;
let api = '';
let token = '';
let browser: Browser;
const visits: Visit[] = [];
let page: Page;

const mail = (from: string, id: string, subject: string, body: string) => `From: ${from}\r\nTo: hello@studio.example\r\nSubject: ${subject}\r\nMessage-ID: <${id}>\r\nDate: Mon, 05 Oct 2026 09:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${body}\r\n`;
const ask = (path: string) => fetch(`${api}${path}`, { headers: { authorization: `Bearer ${token}` } });
const query = async <T>(name: string, args: object): Promise<T> => (await ask(`/api/query/${name}?args=${encodeURIComponent(JSON.stringify(args))}`)).json() as Promise<T>;

before(async () => {
  if (skip) return;
  await company.cli('init', company.dataDir);
  ({ api } = await company.up());
  token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
  const mails = join(company.dataDir, 'mails');
  mkdirSync(mails);
  writeFileSync(join(mails, '1.eml'), mail('Anna Quartz <anna@quartz.example>', 'price@quartz.example', 'How much for a website?', 'Hello,\r\n\r\nwhat would a small website for our quartz shop cost?\r\n\r\nAnna'));
  writeFileSync(join(mails, '2.eml'), mail('CloudPier <billing@cloudpier.example>', 'bill@cloudpier.example', 'Your invoice 88213', 'Hello,\r\n\r\nyour invoice no. 88213 is ready.\r\nAmount due: USD 49.00\r\n\r\nPlease pay by 15 October 2026.\r\n\r\nCloudPier'));
  writeFileSync(join(mails, '3.eml'), mail(`"${evil}" <eve@nasty.example>`, 'evil@nasty.example', `${evil} xylophone`, `A xylophone.\r\nzero\u200bwidth \u202etxt.exe\r\n<script>alert(2)</script>\r\n${longWord}`));
  await company.json('mail', 'import', mails);
  await company.until('a draft for Anna and a task for CloudPier', 20_000, async () => (await query<unknown[]>('artifacts', { artifactKind: 'draft' })).length > 0 && (await query<{ kind: string }[]>('intents', {})).some(({ kind }) => kind === 'task'));
  const template = join(company.dataDir, 'templates', 'general-en.md');
  await company.json('fact', 'add', anna, 'person.phone', phones[0]);
  await company.json('fact', 'add', anna, 'person.phone', phones[1], '--correct');
  await company.json('annotate', 'entity', anna, '--text', `remarked ${evil}`);
  await company.down();
  writeFileSync(template, readFileSync(template, 'utf8').replace('{{signature}}', 'This line is new.\n\n{{signature}}'));
  ({ api } = await company.up());
  browser = await startBrowser();
  const made = await visit(browser, { api, token });
  visits.push(made);
  page = made.page;
});
after(async () => {
  await browser?.close();
  await company.remove();
});

const open = (path: string) => page.goto(`${api}${path}`);
const main = () => page.locator('main');
async function accessible(name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0]?.html]), [], name);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${name} is wider than the window`);
}

test('a search finds a mail by its words, marks them, and leads to the mail', { skip }, async () => {
  await open('/store');
  await page.getByRole('searchbox', { name: 'Search everything' }).fill('quartz shop');
  await page.keyboard.press('Enter');
  const hit = page.locator('.hits li').filter({ hasText: 'mail m-' });
  await hit.getByText('would a small website for our', { exact: false }).waitFor();
  assert.deepEqual((await hit.locator('mark').allTextContents()).slice(-2), ['quartz', 'shop']);
  assert.match(page.url(), /\/store\?q=quartz\+shop$/);
  await page.getByText(`keelson search 'quartz shop'`).waitFor();
  await accessible('search');
  await shot(page, 'store-search');
  await hit.getByRole('link').click();
  await page.getByRole('heading', { name: 'The words of the mail' }).waitFor();
  await page.getByRole('list', { name: 'Text of version 1' }).getByText('what would a small website for our quartz shop cost?').waitFor();
  await page.getByRole('link', { name: anna, exact: true }).waitFor();
});

test('lists are filtered, the address keeps the filters, and the command line says the same', { skip }, async () => {
  await open('/store/people');
  await page.getByRole('link', { name: 'Anna Quartz' }).waitFor();
  await page.getByLabel('Beginning of person/').fill('bill');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'CloudPier' }).waitFor();
  await page.getByText('That is all: 1.').waitFor();
  await page.getByRole('navigation', { name: 'Kinds' }).getByRole('link', { name: 'Facts' }).click();
  await page.getByLabel('Vouched for by').selectOption('operator');
  await page.getByText('keelson find fact --label operator').waitFor();
  await page.getByText(phones[1]).first().waitFor();
  assert.equal(await page.getByRole('list', { name: 'Facts' }).getByText('untrusted').count(), 0);
  await page.reload();
  await page.getByText('That is all: 2.').waitFor();
  assert.equal(await page.getByLabel('Vouched for by').inputValue(), 'operator');
  await accessible('facts');
});

test('what was known of a person before a correction differs from today, by slider, keys and address', { skip }, async () => {
  await open(`/store/entity/${encodeURIComponent(anna)}`);
  await page.getByText(phones[1]).first().waitFor();
  await accessible('entity');
  await shot(page, 'store-entity');
  const known = page.getByLabel('As far as it was known at');
  await known.focus();
  // One place back is the moment of the last change, one more is before it.
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.getByText('What was known', { exact: true }).waitFor();
  const row = page.locator('.fact-row').filter({ hasText: 'person.phone' });
  await row.locator('.said').first().filter({ hasText: phones[0] }).waitFor();
  await row.getByText(`≠ today: ${phones[1]}`).waitFor();
  await accessible('entity as of');
  const then = new URL(page.url()).searchParams.get('known')!;
  const shown = await company.json<{ properties: Record<string, { value: string }> }>('get', 'entity', anna, '--as-of', new Date().toISOString(), '--known-at', then);
  assert.equal(shown.properties['person.phone']?.value, phones[0], 'the command line says the same');
  await page.reload();
  await row.locator('.said').first().filter({ hasText: phones[0] }).waitFor();
  await page.getByRole('button', { name: 'Back to now' }).click();
  await row.locator('.said').first().filter({ hasText: phones[1] }).waitFor();
});

test('a fact is added and corrected in the operator\'s word, and its history names both', { skip }, async () => {
  const state = async (button: string, fields: Record<string, string>) => {
    await main().getByRole('button', { name: button }).click();
    for (const [label, text] of Object.entries(fields)) await page.getByRole('dialog').getByLabel(label, { exact: true }).fill(text);
    await page.getByRole('dialog').getByRole('button', { name: /^(Add|Correct) it$/ }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  };
  await open(`/store/entity/${encodeURIComponent(anna)}`);
  await state('Add a fact', { 'What is said': 'person.role', 'Value': 'Owner' });
  const row = page.locator('.fact-row').filter({ hasText: 'person.role' });
  await row.getByText('Owner', { exact: true }).waitFor();
  const [first] = await query<{ id: string }[]>('facts', { entity: anna, predicate: 'person.role' });
  await state(`Correct ${first!.id}`, { Value: 'Founder' });
  await row.locator('.said').first().filter({ hasText: 'Founder' }).waitFor();
  await row.getByText('2 statements over time').click();
  await row.locator('.superseded').filter({ hasText: 'Owner' }).getByText('corrected by').waitFor();
  await state('Add a remark', { Remark: 'met at the fair' });
  await page.getByText('met at the fair').waitFor();
});

test('two versions of a document are compared line by line, and a version is kept as a file', { skip }, async () => {
  await open('/store/artifact/template%2Fgeneral-en');
  await page.getByRole('button', { name: 'changes of version 2' }).click();
  const diff = page.getByRole('list', { name: 'Changes from version 1 to 2' });
  await diff.locator('ins').filter({ hasText: 'This line is new.' }).waitFor();
  assert.equal(await diff.locator('del').count(), 0);
  await page.getByText('keelson diff template/general-en --from 1 --to 2').waitFor();
  await accessible('artifact');
  await shot(page, 'store-diff');
  const [newest] = await query<{ hash: string }[]>('artifacts', { id: 'template/general-en' });
  const download = await ask(`/api/blobs/${newest!.hash}`);
  assert.deepEqual(['content-type', 'x-content-type-options'].map((name) => download.headers.get(name)), ['application/octet-stream', 'nosniff']);
  assert.match(download.headers.get('content-disposition')!, /^attachment;/);
  assert.equal(createHash('sha256').update(new Uint8Array(await download.arrayBuffer())).digest('hex'), newest!.hash);
  assert.equal((await ask(`/api/blobs/${'0'.repeat(64)}`)).status, 404);
  assert.equal((await fetch(`${api}/api/blobs/${newest!.hash}`)).status, 401);
});

test('the why-chain of a draft leads to the mail, that of a task to the line it was read in', { skip }, async () => {
  const [draft] = await query<{ id: string }[]>('artifacts', { artifactKind: 'draft', limit: 1 });
  assert.deepEqual(await query('why', { kind: 'artifact', id: draft!.id }), await company.json('why', 'artifact', draft!.id), 'the page asks for what the command line says');
  await open(`/why/artifact/${draft!.id}`);
  const list = page.getByRole('list', { name: 'Because of' });
  await list.getByText(/^The copy agent decided on draft: .+ sure\.$/).waitFor();
  await list.locator('blockquote').getByText('what would a small website for our quartz shop cost?').waitFor();
  const order = await list.locator('.sentence').allTextContents();
  assert.ok(order.findIndex((words) => words.includes('copy agent decided')) < order.findIndex((words) => words.includes('triage agent decided')), 'causes stand below');
  const arrows = page.locator('.why svg > path');
  await arrows.first().waitFor({ state: 'attached' });
  assert.ok(await arrows.count() > order.length - 1, 'every box is reached by an arrow');
  await accessible('why');
  await shot(page, 'why');
  const few = await list.locator('.box').count();
  await main().getByRole('button', { name: 'Show every step' }).click();
  await page.getByText('A worker finished the job.').first().waitFor();
  assert.ok(await list.locator('.box').count() > few);

  const task = (await query<{ id: string; kind: string }[]>('intents', {})).find(({ kind }) => kind === 'task')!;
  await open(`/why/intent/${task.id}`);
  await list.locator('blockquote').getByText('Amount due: USD 49.00').waitFor();
  await list.locator('.box.raw').getByRole('link').first().click();
  await page.locator('ol.lines li[aria-current]').filter({ hasText: 'Amount due: USD 49.00' }).waitFor();
});

test('from a question in the inbox it takes three clicks to what was known then', { skip }, async () => {
  const approval = (await query<{ id: string; kind: string; summary: string }[]>('intents', {})).find(({ kind, summary }) => kind === 'approval' && summary.includes('anna@quartz.example'))!;
  await open(`/inbox/${encodeURIComponent(approval.id)}`);
  await page.locator(`main a[href="/why/intent/${encodeURIComponent(approval.id)}"]`).first().click();
  await page.getByRole('link', { name: 'what we knew then' }).click();
  await page.getByText('This is the past.').waitFor();
  await page.getByText('What was known', { exact: true }).waitFor();
  assert.equal(await page.locator('.fact-row .said').filter({ hasText: phones[0] }).count(), 0, 'the number was not known then');
});

test('what a stranger wrote is text everywhere, and what hides in it is named', { skip }, async () => {
  const eve = 'person/eve@nasty.example';
  const [received] = await query<{ source: string; id: string }[]>('facts', { entity: eve, predicate: 'mail.received' });
  for (const [path, text] of [['/store?q=xylophone', `${evil} xylophone`], [`/store/entity/${encodeURIComponent(eve)}`, evil], [`/store/artifact/${received!.source}`, '<script>alert(2)</script>'], [`/store/artifact/${received!.source}?raw=1`, '<script>alert(2)</script>'], [`/store/fact/${received!.id}`, evil], [`/why/fact/${received!.id}`, '<script>alert(2)</script>'], [`/store/entity/${encodeURIComponent(anna)}`, `remarked ${evil}`], ['/store/people', evil]] as const) {
    await open(path);
    await main().getByText(text).first().waitFor();
    assert.equal(await page.locator('main img, main script').count(), 0, path);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${path} is wider than the window`);
  }
  await open(`/store/artifact/${received!.source}`);
  await page.getByText('U+200B').waitFor();
  await page.getByText('U+202E').waitFor();
});

test('on a phone nothing is wider than the screen, and what is not there says what to do', { skip }, async () => {
  const phone = await visit(browser, { api, token, width: 390, height: 800, colorScheme: 'dark' });
  visits.push(phone);
  const [draft] = await query<{ id: string }[]>('artifacts', { artifactKind: 'draft', limit: 1 });
  for (const path of ['/store/facts', `/store/entity/${encodeURIComponent(anna)}`, '/store/artifact/template%2Fgeneral-en?from=1', `/why/artifact/${draft!.id}`]) {
    await phone.page.goto(`${api}${path}`);
    await phone.page.locator('main .row, main .fact-row, main .diff, main .box').first().waitFor();
    assert.equal(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, path);
    assert.deepEqual((await new AxeBuilder({ page: phone.page }).analyze()).violations.map(({ id }) => id), [], path);
  }
  await shot(phone.page, 'why-phone');
  for (const [path, words] of [['/store/entity/person%2Fnobody', 'Nothing is known of this'], ['/store/artifact/none', 'There is no such document'], ['/store/intent/none', 'There is no such intent'], ['/store/fact/f-9999-0', 'There is no such fact'], ['/store/decision/d-9999-0', 'There is no such decision'], ['/store/annotation/a-9999-0', 'There is no such remark'], ['/why/fact/f-9999-0', 'There is no fact of that name'], ['/store/projects', 'No projects yet'], ['/store?q=zzzzz', 'Nothing has these words']] as const) {
    await phone.page.goto(`${api}${path}`);
    await phone.page.getByText(words).waitFor();
  }
});

test('the pages wrote no error', { skip }, () => assert.deepEqual(visits.flatMap(({ errors }) => errors), []));
