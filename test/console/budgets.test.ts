// Goal: who runs a company sees in the browser what models cost against what they may, where it went, and sets a limit. Method: a real company
// whose store holds calls of models, and a real browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Spend } from '#machines/budget.ts';
import { emptyCommit } from '#machines/commit.ts';
import { createPrivateCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';
import { browserMissing, shot, startBrowser, visit } from '#test/kit/browser.ts';
import { openApi } from '#test/kit/api.ts';
import { makeCompany } from '#test/kit/server.ts';

const skip = browserMissing() ?? false;
const company = makeCompany();
let browser: Browser;
let page: Page;
const section = (name: string) => page.getByRole('region', { name, exact: true });
const dialog = () => page.getByRole('dialog');

const call = (id: string, micros: number, more: object = {}): Spend => ({ state: 'reserved', id, micros, workflow: 'mail', run: 'mail/m-1', untilMs: Date.now() + 3_600_000, task: 'triage', tier: 'small', provider: 'local', model: 'little', price: 'list', ...more });
const ended = (id: string, micros: number): Spend => ({ state: 'settled', id, micros, outcome: 'answered', inputTokens: 900, outputTokens: 40, note: '' });

before(async () => {
  if (skip) return;
  await company.cli('init', company.dataDir);
  const db = await openDatabase(join(company.dataDir, 'keelson.db'));
  await migrate(db);
  const { commit } = await createPrivateCommitter(db);
  const spends = [call('a', 20_000), ended('a', 12_000), call('b', 300_000, { tier: 'large', model: '<b>grand</b>', run: 'mail/m-2', price: 'assumed' })];
  for (const spend of spends) assert.equal((await commit({ ...emptyCommit(`${spend.state}-${spend.id}`, Date.now(), 'connector/model', {}), spends: [spend] })).outcome, 'written');
  await db.close();
  browser = await startBrowser();
  const { api } = await company.up();
  ({ page } = await visit(browser, { api, token: readFileSync(join(company.dataDir, 'token'), 'utf8').trim() }));
}, { timeout: 120_000 });
after(async () => {
  await browser?.close();
  await company.remove();
});

test('today shows what is spent against the budget of the company, and leads to where it went', { skip, timeout: 60_000 }, async () => {
  await page.getByText(/^Today: \$0\.01 spent, \$0\.30 reserved of \$1\.00; forecast \$/).waitFor();
  await page.getByText(/^This month: \$0\.01 spent, \$0\.30 reserved of \$20\.00/).waitFor();
  await page.getByRole('link', { name: 'Spend' }).click();
  await page.getByRole('heading', { level: 1, name: 'Budgets' }).waitFor();
});

test('each budget, tier, run and call is shown, and what a provider calls itself is text', { skip, timeout: 60_000 }, async () => {
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Budgets' }).click();
  await section('company').getByText(/^Today: .* of \$1\.00/).waitFor();
  await section('company').getByText('One run may cost at most $0.25.').waitFor();
  await section('mail').getByText(/^Today: .*, no limit/).waitFor();
  assert.deepEqual((await section('This month by tier').locator('tbody tr').allInnerTexts()).map((row) => row.replaceAll(/\s+/g, ' ')), ['large local: <b>grand</b> ◔ price not known mail 1 $0.30', 'small local: little mail 1 $0.01']);
  await section('Last calls').getByText('under way').waitFor();
  await section('Dearest runs this month').getByRole('link', { name: 'mail/m-2' }).waitFor();
  await shot(page, 'budgets');
});

test('a limit is set on its card, holds in the store, and the card shows it', { skip, timeout: 60_000 }, async () => {
  await section('mail').getByRole('button', { name: 'Set limits of mail' }).click();
  const set = dialog().getByRole('button', { name: 'Set' });
  assert.ok(await set.isDisabled());
  await dialog().getByLabel('For a day').fill('lots');
  assert.ok(await set.isDisabled());
  await dialog().getByLabel('For a day').fill('0.5');
  await dialog().getByLabel('For one run').fill('none');
  await set.click();
  await section('mail').getByText(/^Today: .* of \$0\.50; forecast .*/).waitFor();
  await section('mail').getByText('One run may cost any amount.').waitFor();
  assert.deepEqual(await openApi(company.dataDir).query('budgetLimits'), { mail: { perDayMicros: 500_000, perRunMicros: null } });
});
