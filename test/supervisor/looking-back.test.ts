// Goal: in a real company what the operator decides shows in quality, debt and report, on the command line and over HTTP alike, and a word
// of the operator's about a tier reaches the runs that begin after it. Method: the server in a child process with the sample mailbox.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { TierView } from '#connectors/console/quality-view.ts';
import type { Debt } from '#supervisor/main-debt.ts';
import type { Report } from '#supervisor/main-report.ts';
import { openApi, type Api } from '#test/kit/api.ts';
import { makeCompany, type Company } from '#test/kit/server.ts';

let company: Company;
let api: Api;
let base = '';
const samples = join(import.meta.dirname, '..', '..', 'supervisor', 'sample', 'mailbox');
const get = async <T>(path: string): Promise<T> => (await (await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${readFileSync(join(company.dataDir, 'token'), 'utf8').trim()}` } })).json()) as T;

before(async () => {
  company = makeCompany();
  await company.cli('init', company.dataDir);
  ({ api: base } = await company.up());
  api = openApi(company.dataDir);
  await company.json('mail', 'import', samples);
  await api.quiet();
}, { timeout: 120_000 });
after(() => company.remove());

test('what is approved, edited and rejected shows for the tier that drafted it, in the report of the day, and over HTTP', { timeout: 180_000 }, async () => {
  const drafts = (await api.query<{ id: string; kind: string; data: { payloadHash: string } }[]>('inbox')).filter(({ kind }) => kind === 'approval');
  const [first, second, third] = drafts;
  await company.json('approve', first!.id);
  await company.json('reject', second!.id, '--reason', 'no');
  writeFileSync(join(company.dataDir, 'words.txt'), 'In other words.');
  await company.json('approve', third!.id, '--edit', join(company.dataDir, 'words.txt'));
  await api.quiet();
  const tiers = await company.json<TierView[]>('quality');
  const templates = tiers.find(({ task, tier }) => task === 'draft' && tier === 'templates')!;
  assert.deepEqual([templates.outcomes['approved'], templates.outcomes['edited'], templates.outcomes['rejected'], templates.cases, templates.threshold], [1, 1, 1, 3, 0.6]);
  assert.deepEqual((await get<TierView[]>('/api/quality')).map(({ task, tier }) => [task, tier]), tiers.map(({ task, tier }) => [task, tier]));
  const report = await company.json<Report>('report');
  assert.equal(report.done.mails, 34);
  assert.deepEqual([report.learnt.corrections, report.savedMinutes.by.find(({ what }) => what === 'replies sent as drafted')?.times], [1, 1]);
  const shown = await get<{ text: string; day: string }>('/api/report?week=true');
  assert.match(shown.text, /^# Report of the week from/);
  assert.match((await company.cli('report')).stdout, /34 mails came/);
  assert.match((await company.cli('report', '--day', '2026-02-31')).stderr, /'2026-02-31' is no day/);
});

test('debts have all their fields, with and without a server, and a company in order says so', { timeout: 120_000 }, async () => {
  assert.match((await company.cli('debt')).stdout, /^No debts: everything that is measured is in order/);
  writeFileSync(join(company.dataDir, 'agents', 'untested.ts'), 'export default [];\n');
  const debts = await company.json<Debt[]>('debt');
  assert.deepEqual(debts, [{ kind: 'automation without test', what: 'no test beside agents/untested.ts', number: 1, unit: 'files', trend: 1, fix: 'keelson test' }]);
  assert.deepEqual(await get<Debt[]>('/api/debt'), debts);
});

test('a tier that is said to be demoted is passed over by runs that begin then', { timeout: 120_000 }, async () => {
  const value = { task: 'triage', tier: 'rules', threshold: 0.7, demoted: true, cases: 1, right: 1, error: 0, sinceMs: 1, freshFromMs: 0, by: 'operator', reason: 'by hand' };
  await company.json('fact', 'add', 'asset/tier-triage-rules', 'tier.quality', JSON.stringify(value));
  const raw = readFileSync(join(samples, '24-newsletter.eml'), 'utf8').replace(/^Message-ID:.*$/im, 'Message-ID: <another@letters.example>');
  const { mailId } = await api.mail(Buffer.from(raw), 'test');
  await company.until('the question', 20_000, async () => (await api.query<{ id: string }[]>('inbox')).find(({ id }) => id === `q-${mailId}`));
  const tiers = await company.json<TierView[]>('quality');
  assert.equal(tiers.find(({ task, tier }) => task === 'triage' && tier === 'rules')?.demoted, true);
  assert.match((await company.cli('quality')).stdout, /triage\s+rules.*passed over/);
});

test('who looks back is there after a kill, too, and once', { timeout: 120_000 }, async () => {
  await company.kill();
  ({ api: base } = await company.up());
  api = openApi(company.dataDir);
  const rows = await company.until('both wait', 20_000, async () => {
    const all = (await api.query<{ address: string; value: unknown }[]>('actors')).filter(({ address }) => address === 'quality/main' || address === 'report/main');
    return all.every(({ value }) => value === 'waiting') && all;
  });
  assert.deepEqual(rows.map(({ address }) => address), ['quality/main', 'report/main']);
  assert.equal((await api.query<unknown[]>('due', { limit: 1_000 })).filter((one) => /^(?:quality|report)\/main$/.test((one as { actor: string }).actor)).length, 2);
});
