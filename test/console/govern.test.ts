// Goal: who runs a company sees in the browser that its records are whole or broken, tries and publishes policies, holds effects back,
// tries a connector without consequences, and erases a person. Method: a real company with mail in it, and a real browser.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openDatabase } from '#store/database.ts';
import { openApi, type Api } from '#test/kit/api.ts';
import { browserMissing, shot, startBrowser, visit, type Visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';

const skip = browserMissing() ?? false;
const company = makeCompany();
const samples = join(import.meta.dirname, '..', '..', 'supervisor', 'sample', 'mailbox');
let browser: Browser;
let visitor: Visit;
let page: Page;
let api: Api;

const open = async () => {
  const { api: base } = await company.up();
  const token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
  api = openApi(company.dataDir);
  visitor = await visit(browser, { api: base, token });
  page = visitor.page;
};
/** By the menu, as a person goes there. */
const goTo = async (title: string) => {
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: title }).click();
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
};
const section = (name: string) => page.getByRole('region', { name, exact: true });
const dialog = () => page.getByRole('dialog');

before(async () => {
  if (skip) return;
  await company.cli('init', company.dataDir);
  mkdirSync(join(company.dataDir, 'schedules'), { recursive: true });
  writeFileSync(join(company.dataDir, 'schedules', 'daily.json'), JSON.stringify({ name: 'daily', cron: '0 9 * * *', timeZone: 'Europe/Berlin', missed: 'once', wake: { to: 'mail/overview', type: 'TICK' } }));
  browser = await startBrowser();
  await open();
  await company.json('mail', 'import', samples);
  await company.until('mails wait for an answer', 30_000, async () => (await api.query<{ kind: string }[]>('inbox')).filter(({ kind }) => kind === 'approval').length >= 10);
}, { timeout: 120_000 });
after(async () => {
  await browser?.close();
  await company.remove();
});

test('decisions are filtered by the rule that spoke, each leads to its reasons, and the chain is found whole', { skip, timeout: 60_000 }, async () => {
  await goTo('Audit');
  const decisions = page.getByRole('list', { name: 'Decisions, newest first' }).locator(':scope > li');
  await decisions.filter({ hasText: 'keelson.tainted' }).first().waitFor();
  await page.getByLabel('About').fill('policy');
  await page.getByLabel('About').press('Tab');
  await page.getByText('That is all.').waitFor();
  assert.equal(await decisions.count(), await decisions.filter({ hasText: 'Rule keelson.tainted' }).count());
  assert.match(page.url(), /\/audit\?what=policy$/);
  await page.getByText('keelson find decision --kind policy').waitFor();
  await page.getByRole('button', { name: 'Verify the chain' }).click();
  await section('The chain').getByText(/whole/).waitFor();
  await shot(page, 'audit');
  await decisions.first().getByRole('link', { name: 'Why' }).click();
  await page.waitForURL(/\/why\/decision\/d-/);
});

test('an export is made where the server says, not where a browser might want it', { skip, timeout: 60_000 }, async () => {
  await goTo('Audit');
  await page.getByRole('button', { name: 'Export everything' }).click();
  const folder = await section('Export').locator('[role=status] code').textContent();
  assert.equal(folder!.startsWith(join(company.dataDir, 'exports')), true);
  assert.ok(existsSync(join(folder!, 'manifest.json')));
});

test('a draft of the policies says what is wrong in it and what it would change, and is published after its changes were read', { skip, timeout: 90_000 }, async () => {
  await goTo('Policies');
  await page.getByRole('button', { name: 'Write a draft' }).click();
  const draft = section('Draft');
  assert.ok(await draft.getByRole('button', { name: 'Publish …' }).isDisabled());
  await draft.getByLabel('New file').fill('mine');
  await draft.getByRole('button', { name: 'Add', exact: true }).click();
  const text = draft.getByLabel('mine.cedar', { exact: true });
  await text.fill('@id("nothing-leaves")\n@why("A quiet week.")\nforbid (');
  await draft.getByRole('button', { name: 'Test against the past' }).click();
  await draft.getByRole('alert').filter({ hasText: 'mine.cedar, line 3' }).waitFor();
  await text.fill('@id("nothing-leaves")\n@why("A quiet week.")\nforbid (principal, action in Action::"writes", resource);');
  await draft.getByRole('button', { name: 'Test against the past' }).click();
  await draft.getByText(/would be answered otherwise/).waitFor();
  const changed = draft.getByRole('region', { name: 'What would change' }).locator('tbody tr');
  assert.deepEqual((await changed.first().locator('td').allTextContents()).slice(1), ['mail.send', '◔ ask', '✕ deny', 'nothing-leaves']);
  await shot(page, 'policies-draft');
  await draft.getByRole('button', { name: 'Publish …' }).click();
  await dialog().getByText('added: + @id("nothing-leaves")').waitFor();
  assert.ok(await dialog().getByRole('button', { name: 'Publish' }).isDisabled());
  await dialog().getByLabel('I have read what changes').check();
  await dialog().getByRole('button', { name: 'Publish' }).click();
  await page.getByText(/In force: version 2\+/).waitFor();
  await page.getByRole('list', { name: 'Rules' }).getByText('nothing-leaves', { exact: true }).waitFor();
  await page.getByText(/The folder policies\/ is not what is in force: removed: nothing-leaves/).waitFor();
  await shot(page, 'policies');
});

test('the kill switch on every page stops what leaves and lifts it again', { skip, timeout: 60_000 }, async () => {
  const state = async () => (await api.query<{ state: string }>('effects')).state;
  await page.getByRole('button', { name: 'Stop effects' }).click();
  await dialog().getByLabel('Reason').fill('something is odd');
  await dialog().getByRole('button', { name: 'Stop effects' }).click();
  await page.getByRole('banner').getByText('nothing leaves').waitFor();
  assert.equal(await state(), 'stopped');
  await page.getByRole('button', { name: 'Let effects go on' }).click();
  await dialog().getByRole('button', { name: 'Let them go on' }).click();
  await page.getByRole('banner').getByRole('button', { name: 'Stop effects' }).waitFor();
  assert.equal(await state(), 'running');
});

test('a connector goes into the sandbox, and live again only when its name is typed', { skip, timeout: 60_000 }, async () => {
  await goTo('Connectors');
  await page.getByRole('button', { name: 'Put mail into the sandbox' }).click();
  await dialog().getByLabel('Reason').fill('<img src=x onerror=alert(1)>');
  await dialog().getByRole('button', { name: 'Put it into the sandbox' }).click();
  await page.getByRole('button', { name: 'Let mail go live' }).waitFor();
  await section('mail').getByText('<img src=x onerror=alert(1)>').waitFor();
  await shot(page, 'connectors');
  assert.deepEqual((await api.query<{ sandbox: { connector: string }[] }>('effects')).sandbox.map(({ connector }) => connector), ['mail']);
  await page.getByRole('button', { name: 'Let mail go live' }).click();
  const live = dialog().getByRole('button', { name: 'Go live' });
  await dialog().getByLabel('Type mail to confirm').fill('nail');
  assert.ok(await live.isDisabled());
  await dialog().getByLabel('Type mail to confirm').fill('mail');
  await live.click();
  await page.getByRole('button', { name: 'Put mail into the sandbox' }).waitFor();
  assert.deepEqual((await api.query<{ sandbox: unknown[] }>('effects')).sandbox, []);
});

test('a schedule is paused and goes on', { skip, timeout: 60_000 }, async () => {
  await goTo('Schedules');
  await page.getByRole('button', { name: 'Pause daily' }).click();
  await dialog().getByLabel('Reason').fill('holidays');
  await dialog().getByRole('button', { name: 'Pause' }).click();
  await section('daily').getByText('holidays').waitFor();
  await page.getByRole('button', { name: 'Resume daily' }).click();
  await page.getByRole('button', { name: 'Pause daily' }).waitFor();
  await section('Due by itself').locator('tbody tr').first().waitFor();
  await shot(page, 'schedules');
});

test('a person is erased after being typed twice, and the receipt stands on the page', { skip, timeout: 90_000 }, async () => {
  const [{ id: person } = { id: '' }] = (await api.query<{ id: string }[]>('entities', { entityKind: 'person' })).filter(({ id }) => id.includes('@'));
  const address = person.slice('person/'.length);
  await goTo('Settings');
  await page.getByLabel('Mail address or entity').fill(address);
  await page.getByRole('button', { name: 'Erase …' }).click();
  const erase = dialog().getByRole('button', { name: 'Erase for good' });
  assert.ok(await erase.isDisabled());
  await dialog().getByLabel('Type it once more').fill(address);
  await erase.click();
  const file = await section('Erase a person').locator('[role=status] code').textContent();
  assert.ok(!readFileSync(join(company.dataDir, file!), 'utf8').includes(address));
  assert.deepEqual((await api.query<{ id: string }[]>('entities', { entityKind: 'person' })).filter(({ id }) => id === person), []);
  await shot(page, 'settings');
});

test('at 390 px no screen scrolls sideways', { skip, timeout: 60_000 }, async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const title of ['Audit', 'Policies', 'Connectors', 'Schedules', 'Settings']) {
    await page.getByRole('button', { name: 'Menu' }).click();
    await goTo(title);
    await page.getByText('Loading …').first().waitFor({ state: 'detached' });
    assert.ok(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), title);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  assert.deepEqual(visitor.errors, ['Failed to load resource: the server responded with a status of 400 (Bad Request)'], 'only the draft that could not be read');
});

test('a journal that was changed past the store is shown as broken, with its row', { skip, timeout: 90_000 }, async () => {
  await company.down();
  const file = join(company.dataDir, 'keelson.db');
  const database = await openDatabase(file);
  await database.exec("DROP TRIGGER journal_is_append_only_update; UPDATE journal SET body = body || ' ' WHERE seq = 5");
  await database.close();
  await open();
  await goTo('Audit');
  await page.getByRole('button', { name: 'Verify the chain' }).click();
  await section('The chain').getByText('At row 5: the row was changed.').waitFor();
});
