// Goal: the operator sees in the browser how far each tier can be believed, that one is passed over and why, what is neglected, and the report
// of the day; on the first screen too. Method: a real company with mail in it, and a real browser.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openApi, type Api } from '#test/kit/api.ts';
import { browserMissing, shot, startBrowser, visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';

const skip = browserMissing() ?? false;
const company = makeCompany();
const samples = join(import.meta.dirname, '..', '..', 'supervisor', 'sample', 'mailbox');
let browser: Browser;
let page: Page;
let api: Api;
const section = (name: string) => page.getByRole('region', { name, exact: true });

before(async () => {
  if (skip) return;
  await company.cli('init', company.dataDir);
  writeFileSync(join(company.dataDir, 'agents', 'untested.ts'), 'export default [];\n');
  browser = await startBrowser();
  const { api: base } = await company.up();
  api = openApi(company.dataDir);
  await company.json('mail', 'import', samples);
  await api.quiet(90_000);
  const [draft] = (await api.query<{ id: string; kind: string }[]>('inbox')).filter(({ kind }) => kind === 'approval');
  await company.json('approve', draft!.id);
  await api.quiet(90_000);
  ({ page } = await visit(browser, { api: base, token: readFileSync(join(company.dataDir, 'token'), 'utf8').trim() }));
}, { timeout: 240_000 });
after(async () => {
  await browser?.close();
  await company.remove();
});

test('the first screen says what is neglected, and leads to the rest', { skip, timeout: 60_000 }, async () => {
  const card = section('Debts and report');
  await card.getByText('automation without test: 1 files').waitFor();
  await card.getByText('keelson test', { exact: true }).waitFor();
  await card.getByRole('link', { name: 'Report of the day' }).click();
  await page.getByRole('heading', { level: 1, name: 'Quality' }).waitFor();
});

test('each tier has its plot with what is known in words, and the threshold from which it is believed', { skip, timeout: 60_000 }, async () => {
  const drafts = section('draft by templates');
  await drafts.getByRole('img', { name: /^draft by templates: claims of 0\.\d to [01]\.?\d?: 100 % of 1 right$/ }).waitFor();
  await drafts.getByText('Believed from 0.60 on.').waitFor();
  assert.equal(await drafts.locator('circle').count(), 1);
  await drafts.getByText(/approved 1/).waitFor();
  await shot(page, 'quality');
});

test('a tier that is passed over is marked as soon as that is known, with the reason', { skip, timeout: 60_000 }, async () => {
  const triage = section('triage by rules');
  await triage.waitFor();
  assert.equal(await triage.getByText('passed over').count(), 0);
  await company.json('fact', 'add', 'asset/tier-triage-rules', 'tier.quality', JSON.stringify({ task: 'triage', tier: 'rules', threshold: 0.8, demoted: true, cases: 50, right: 0.4, error: 0.3, sinceMs: 1_790_000_000_000, freshFromMs: 0, by: 'operator', reason: '40 % of the last 50 were right' }));
  await triage.getByText('passed over').first().waitFor();
  await triage.getByText('40 % of the last 50 were right').waitFor();
});

test('the report is of today, or of the week when that is asked for', { skip, timeout: 60_000 }, async () => {
  const report = page.locator('pre.report');
  await report.filter({ hasText: '# Report of 20' }).waitFor();
  await report.filter({ hasText: '34 mails came' }).waitFor();
  await page.getByRole('button', { name: 'Of this week' }).click();
  await report.filter({ hasText: '# Report of the week from' }).waitFor();
});

test('what was scored is plotted as soon as it is kept, one line for each thing', { skip, timeout: 60_000 }, async () => {
  await page.getByText('Nothing was scored yet').waitFor();
  await company.json('eval', 'triage', '--tier', 'rules');
  const scored = section('rules-triage');
  await scored.getByRole('img', { name: /^rules-triage: \d+ %$/ }).waitFor();
  await company.json('eval', 'triage', '--tier', 'rules');
  await scored.getByRole('img', { name: /^rules-triage: \d+ %, \d+ %$/ }).waitFor();
  await scored.getByText(/accuracy on 1 cases/).waitFor();
});
