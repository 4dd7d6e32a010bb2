// Goal: an item is decided in seconds, by mouse, keyboard or thumb, and what the page says is what the store then holds. Method: a real company
// with mail in it, real browsers, and the outbox folder as the world outside.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import type { InboxList } from '#connectors/console/inbox-routes.ts';
import { browserMissing, shot, startBrowser, visit, type Visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';

const skip = browserMissing() ?? false;
const company = makeCompany();
const visits: Visit[] = [];
let browser: Browser;
let api = '';
let token = '';

const samples = join(import.meta.dirname, '..', '..', 'supervisor', 'sample', 'mailbox');
/** Its subject and text hide characters and would be elements, were they not shown as text. No template fits, so its words reach the inbox. */
const hostile = ['From: Eve <eve@nasty.example>', 'To: me@studio.example', `Subject: =?utf-8?B?${Buffer.from('An odd web\u200Bsite <img src=x onerror=alert(1)>').toString('base64')}?=`, 'Message-ID: <hostile@nasty.example>', 'Date: Mon, 05 Oct 2026 08:00:00 +0000', 'Content-Type: text/plain; charset=utf-8', '', 'Dear Ms Voss,', '', 'I sing in a choir that performs in caves. Do you know anybody who could build bam\u00ADboo instruments? <script>alert(1)</script>', '', 'Eve', ''].join('\r\n');

before(async () => {
  if (skip) return;
  ({ api } = await company.up());
  token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
  writeFileSync(join(company.dataDir, 'hostile.eml'), hostile);
  await company.json('mail', 'import', samples);
  await company.json('mail', 'import', join(company.dataDir, 'hostile.eml'));
  await company.until('12 drafts wait', 20_000, async () => (await waiting('approval')).length >= 12 && (await waiting('question')).length >= 4 && (await read<InboxList>('/api/inbox?text=nasty.example')).items.length === 1);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await company.remove();
});

const read = async <T>(path: string) => (await (await fetch(`${api}${path}`, { headers: { authorization: `Bearer ${token}` } })).json()) as T;
const waiting = async (kind: string) => (await read<InboxList>('/api/inbox')).items.filter((item) => item.kind === kind);
const state = async (id: string) => (await read<{ state: string }>(`/api/inbox/${encodeURIComponent(id)}`)).state;
const settled = (id: string, wanted: string) => company.until(`${id} is ${wanted}`, 10_000, async () => (await state(id)) === wanted);
const outbox = () => {
  const dir = join(company.dataDir, 'outbox');
  return existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.eml')).map((name) => readFileSync(join(dir, name), 'utf8')) : [];
};
/** The page of the computer is one for all tests; a second one, or a phone, is a browser of its own. */
async function open(path: string, options: Partial<Parameters<typeof visit>[1]> & { isOther?: boolean } = {}): Promise<Page> {
  const { isOther = options.width !== undefined, ...given } = options;
  const known = visits[0]?.page;
  if (known && !isOther) {
    await known.goto(`${api}${path}`);
    return known;
  }
  const made = await visit(browser, { api, token, path, ...given });
  visits.push(made);
  return made.page;
}
const heading = (page: Page) => page.locator('.inbox-card h2');
/** The item that the address names, once its card is there. */
async function shown(page: Page): Promise<string> {
  await page.waitForURL(/\/inbox\/./);
  await heading(page).waitFor();
  return decodeURIComponent(new URL(page.url()).pathname.slice('/inbox/'.length));
}
const says = (page: Page, text: RegExp) => page.locator('.inbox-status').filter({ hasText: text }).waitFor();
/** What axe finds, one line each. */
const barriers = async (page: Page) => (await new AxeBuilder({ page }).analyze()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);

/** Nothing went wrong in it. */
function leave(page: Page): void {
  assert.deepEqual(visits.find((one) => one.page === page)?.errors, []);
}

test('One key approves the card that is shown, says so, and shows the next one.', { skip }, async () => {
  const page = await open('/inbox');
  const first = await shown(page);
  await page.getByText(/^Lapses in \d+ h/).waitFor();
  await page.getByRole('heading', { name: 'What is different' }).waitFor();
  await shot(page, 'inbox');
  await page.keyboard.press('a');
  await says(page, /^Approved: Send “Re: /);
  await page.waitForURL((url) => !url.pathname.endsWith(first));
  await settled(first, 'completed');
  await company.until('it is in the outbox', 10_000, async () => outbox().length === 1);
  leave(page);
});

test('A double click is one command, and edited words are what leaves.', { skip }, async () => {
  const left = outbox().length;
  const page = await open('/inbox');
  const id = await shown(page);
  await page.keyboard.press('e');
  await page.getByLabel('text', { exact: true }).fill('Hello,\n\nit costs exactly 512 EUR.');
  await page.getByText('New hash of the content').waitFor();
  assert.deepEqual(await barriers(page), [], 'also while words are edited');
  await shot(page, 'inbox-edit');
  await page.getByRole('button', { name: 'Approve my words' }).dblclick();
  await says(page, /^Approved with your words/);
  await settled(id, 'completed');
  await company.until('it is in the outbox', 10_000, async () => outbox().some((mail) => mail.includes('it costs exactly 512 EUR.')));
  assert.equal(outbox().length, left + 1);
  leave(page);
});

test('A rejection needs a reason, and keeps it.', { skip }, async () => {
  const page = await open('/inbox');
  const id = await shown(page);
  await page.keyboard.press('r');
  assert.deepEqual(await barriers(page), [], 'also in front of a question');
  const no = page.getByRole('dialog').getByRole('button', { name: 'Reject' });
  assert.ok(await no.isDisabled());
  await page.getByLabel('Why', { exact: true }).fill('wrong price');
  await no.click();
  await says(page, /^Rejected: /);
  const { decided } = await read<{ decided: { reason: string } }>(`/api/inbox/${id}`);
  assert.equal(decided.reason, 'wrong price');
  await page.goto(`${api}/inbox/${id}`);
  await page.getByText(/Already decided by the operator at .*: rejected/).waitFor();
  leave(page);
});

test('A question is answered in words, and the answer becomes the draft of the reply.', { skip }, async () => {
  const { id } = (await waiting('question')).find((item) => item.id.startsWith('w-'))!;
  const page = await open(`/inbox/${id}`);
  await page.getByLabel(/^Your answer/).fill('Hello,\n\nask Bamboo & Sons.');
  await page.getByRole('button', { name: 'Send this answer' }).click();
  await says(page, /^Answered/);
  await company.until('it is proposed', 10_000, async () => (await read<{ data: { preview?: string } }[]>('/api/query/inbox')).some(({ data }) => data.preview?.includes('ask Bamboo & Sons.')));
  leave(page);
});

test('What is risky is approved by typing its words, and by nothing else.', { skip }, async () => {
  const { id } = (await waiting('question')).find((item) => item.risk === 'high')!;
  const page = await open(`/inbox/${id}`);
  await shown(page);
  await page.keyboard.press('a');
  const dialog = page.getByRole('dialog');
  const yes = dialog.getByRole('button', { name: 'Approve' });
  assert.ok(await yes.isDisabled());
  await dialog.getByLabel('The words above').fill('approv');
  assert.ok(await yes.isDisabled());
  assert.equal(await state(id), 'input-required');
  await dialog.getByLabel('The words above').fill('approve');
  await dialog.getByLabel('The words above').press('Enter');
  await says(page, /^Approved/);
  await settled(id, 'completed');
  leave(page);
});

test('By keyboard alone: move, filter, put off, help.', { skip }, async () => {
  const page = await open('/inbox');
  const first = await shown(page);
  await page.keyboard.press('j');
  await page.waitForURL((url) => !url.pathname.endsWith(first));
  await page.keyboard.press('k');
  await page.waitForURL((url) => url.pathname.endsWith(first));
  await page.keyboard.press('/');
  await page.keyboard.type('no such words');
  await page.getByText('Nothing that waits has these words.').waitFor();
  await page.getByLabel('Look for words in the list').fill('');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('reject, with a reason').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('z');
  await page.getByRole('dialog').getByRole('button', { name: 'Put it off' }).press('Enter');
  await says(page, /^Put off until later/);
  await page.getByText('Put off until later (1)').waitFor();
  assert.equal((await read<InboxList>('/api/inbox')).items.at(-1)?.id, first);
  leave(page);
});

test('On a phone the list and the card are pages of their own, decided with a thumb, and nothing is wider than the screen.', { skip }, async () => {
  const page = await open('/inbox', { width: 390, height: 800, isMobile: true, hasTouch: true, colorScheme: 'dark' });
  assert.equal(await page.locator('.inbox-card').count(), 0);
  await page.locator('.inbox-line').first().tap();
  const id = await shown(page);
  assert.equal(await page.locator('.inbox-list').count(), 0);
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
  const button = page.getByRole('button', { name: 'Approve' });
  const box = (await button.boundingBox())!;
  assert.ok(box.height >= 44 && box.y > 600, 'it is large, and where the thumb is');
  assert.deepEqual(await barriers(page), []);
  await shot(page, 'inbox-phone');
  await button.tap();
  await says(page, /^Approved/);
  await settled(id, 'completed');
  leave(page);
});

test('Of two pages the second hears at once that the first has decided, and cannot decide again.', { skip }, async () => {
  const { id } = (await waiting('approval')).find(({ snoozedUntil }) => snoozedUntil === null)!;
  const [one, two] = [await open(`/inbox/${id}`), await open(`/inbox/${id}`, { isOther: true })];
  await shown(one);
  await shown(two);
  await one.keyboard.press('a');
  await says(one, /^Approved/);
  await two.getByText(/Already decided by the operator at .*: approved/).waitFor();
  assert.equal(await two.getByRole('button', { name: 'Approve' }).count(), 0);
  await two.getByRole('button', { name: 'Next item' }).click();
  await two.waitForURL((url) => !url.pathname.endsWith(id));
  leave(one);
  leave(two);
});

test('Hidden characters are named and foreign markup is text, in the list, on the card and in what is approved.', { skip }, async () => {
  const item = (await read<InboxList>('/api/inbox?text=nasty.example')).items[0]!;
  const page = await open(`/inbox/${item.id}`);
  await shown(page);
  await heading(page).getByText('U+200B').waitFor();
  await heading(page).getByText('<img src=x onerror=alert(1)>').waitFor();
  await page.locator('.inbox-line[aria-current]').getByText('U+200B').waitFor();
  await page.locator('pre.text').getByText('U+00AD').first().waitFor();
  assert.equal(await page.locator('main img, main script').count(), 0);
  await page.getByText('Exactly what is approved').click();
  const shownJson = (await page.locator('details', { hasText: 'Exactly what is approved' }).locator('pre').textContent())!;
  const { payload } = await read<{ payload: object }>(`/api/inbox/${item.id}`);
  assert.deepEqual(JSON.parse(shownJson), payload, 'what is shown reads back as what is approved');
  assert.doesNotMatch(shownJson, /[\u200B\u00AD]/);
  await shot(page, 'inbox-hostile');
  leave(page);
});

test('Several of one kind are decided together; money cannot be chosen with them.', { skip }, async () => {
  const page = await open('/inbox');
  await shown(page);
  await page.getByRole('button', { name: 'Choose several' }).click();
  const boxes = page.getByRole('checkbox', { name: /^Choose: Reply/ });
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  assert.ok(await page.getByRole('checkbox', { name: /^Choose: Pay:/ }).first().isDisabled());
  await page.getByRole('button', { name: 'Reject these' }).click();
  await page.getByLabel('Why', { exact: true }).fill('not this week');
  await page.getByRole('button', { name: 'Reject all of these' }).click();
  await says(page, /^Rejected: 2 of 2\./);
  await page.getByText(/\(median\)/).waitFor();
  leave(page);
});
