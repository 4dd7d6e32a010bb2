// Goal: Today, the runs and the metrics say what the command line says, and a run can be looked into, compared and tried again without
// anything leaving. Method: a real company with mail in it, a real browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Today } from '#connectors/console/today-routes.ts';
import type { Rerun, RunPage } from '#connectors/console/trace-routes.ts';
import type { Trace } from '#connectors/console/trace.ts';
import { browserMissing, shot, startBrowser, visit, type Visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';

const skip = browserMissing() ?? false;
const company = makeCompany();
const samples = join(import.meta.dirname, '..', '..', 'supervisor', 'sample', 'mailbox');
let browser: Browser | undefined;
let seen: Visit;
let api = '';
let token = '';

const read = async <T>(path: string) => (await (await fetch(`${api}${path}`, { headers: { authorization: `Bearer ${token}` } })).json()) as T;
const send = async <T>(path: string, body: object) => {
  const answer = await fetch(`${api}${path}`, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
  return { status: answer.status, body: (await answer.json()) as T };
};
const runPath = (address: string) => `/runs/${encodeURIComponent(address)}`;
const tracePath = (address: string) => `/api/traces/${encodeURIComponent(address)}`;
const proposing = async () => (await read<RunPage>('/api/traces?machine=mail&status=waiting')).runs.filter(({ value }) => value === 'proposing');
const open = async (path: string): Promise<Page> => {
  await seen.page.goto(`${api}${path}`);
  return seen.page;
};
const isFresh = async () => (await read<Today>('/api/today')).isFresh;

before(async () => {
  ({ api } = await company.up());
  token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
  assert.equal(await isFresh(), true);
  if (!skip) {
    browser = await startBrowser();
    seen = await visit(browser, { api, token });
  }
});
after(async () => {
  await browser?.close();
  await company.remove();
});

test('a company in which nothing has happened says what to do first', { skip }, async () => {
  const page = await open('/');
  await page.getByRole('region', { name: 'First steps' }).waitFor();
  await page.getByText('keelson mail import FILE.eml').waitFor();
  await (await open('/runs')).getByText('Nothing has run yet.').waitFor();
});

test('Today has the numbers of the command line', async () => {
  await company.json('mail', 'import', samples);
  await company.until('nothing is under way but waiting', 20_000, async () => (await proposing()).length >= 12 && (await company.json<{ inFlight: number }>('status')).inFlight === 0);
  const [today, status, inbox, ops, ps] = [await read<Today>('/api/today?span=24h'), await company.json<{ mails: number; waiting: number; commits: number }>('status'), await company.json<{ kind: string }[]>('inbox'), await company.json<unknown[]>('ops'), await company.json<{ address: string; status: string }[]>('ps')];
  assert.deepEqual([today.done.mails, today.needsYou.waiting, today.isFresh], [status.mails, inbox.length, false]);
  assert.deepEqual(Object.fromEntries(today.needsYou.byKind.map(({ kind, count }) => [kind, count])), Object.fromEntries([...Map.groupBy(inbox, ({ kind }) => kind)].map(([kind, { length }]) => [kind, length])));
  assert.equal(today.running.runs, ps.filter((one) => one.status === 'active' && one.address.startsWith('mail/')).length);
  assert.equal(today.needsYou.first.length, 5);
  assert.deepEqual(today.health.filter(({ tone }) => tone !== 'good'), []);
  assert.match(today.health.find(({ name }) => name === 'Store')!.says, new RegExp(`${status.commits} commits`));
  const metrics = await (await fetch(`${api}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
  const number = (name: string) => Number(metrics.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ')[1]);
  assert.deepEqual([number('keelson_commits_total'), number('keelson_inbox_waiting'), number('keelson_operations{state="awaiting-approval"}'), number('keelson_paused')], [status.commits, inbox.length, ops.length, 0]);
  assert.ok(number('keelson_process_resident_memory_bytes') > 1_000_000);
  assert.equal((await fetch(`${api}/metrics`)).status, 401);
});

test('what stands still is said with what to do', async () => {
  await send('/api/effects/stop', { reason: 'a test' });
  const said = (await read<Today>('/api/today')).health.find(({ name }) => name === 'Effects')!;
  await send('/api/effects/resume', {});
  assert.deepEqual([said.tone, said.says], ['bad', 'Nothing leaves: a test']);
  assert.match(said.todo!, /button/);
});

test('the list of runs has every run once, page by page, and only those that are asked for', async () => {
  const all: string[] = [];
  for (let cursor: number | null = Number.MAX_SAFE_INTEGER; cursor !== null;) {
    const page: RunPage = await read<RunPage>(`/api/traces?limit=7&cursor=${cursor}`);
    all.push(...page.runs.map(({ address }) => address));
    cursor = page.next;
  }
  const mails = (await company.json<{ address: string; status: string }[]>('ps')).filter(({ address }) => address.startsWith('mail/'));
  assert.deepEqual(all.toSorted(), mails.map(({ address }) => address).toSorted());
  assert.equal((await read<RunPage>('/api/traces?status=done')).runs.length, mails.filter(({ status }) => status === 'done').length);
  assert.deepEqual((await read<RunPage>('/api/traces?machine=order')).runs, []);
  assert.equal((await fetch(`${api}/api/traces?status=strange`, { headers: { authorization: `Bearer ${token}` } })).status, 400);
  assert.equal((await fetch(`${api}/api/traces/mail%2Fnobody`, { headers: { authorization: `Bearer ${token}` } })).status, 404);
});

test('the trace of a mail shows its stages, jobs, decisions and its wait for you, and grows when you decide', { skip }, async () => {
  const [run] = await proposing();
  const page = await open(runPath(run!.address));
  const bars = page.getByRole('list', { name: 'What went on, in the order in which it began' });
  for (const name of ['stage triaging', 'stage drafting', 'job knowledge-search', 'stage awaiting-approval']) await bars.getByRole('button', { name }).waitFor();
  await bars.getByRole('button', { name: /^copy/ }).click();
  const detail = page.getByRole('region', { name: 'The bar that is selected' });
  await detail.getByText(/^draft: /).waitFor();
  await detail.getByRole('link', { name: 'why' }).waitFor();
  await bars.getByRole('button', { name: /awaiting-approval waits for you/ }).focus();
  await page.keyboard.press('Enter');
  assert.match(await detail.getByRole('link', { name: /^Reply to / }).getAttribute('href') ?? '', /^\/inbox\/ap-/);
  await shot(page, 'run');
  const trace = await read<Trace>(tracePath(run!.address));
  const item = trace.spans.flatMap(({ waits }) => waits).find(({ toMs }) => toMs === null)!.item;
  await send(`/api/inbox/${item}/approve`, {});
  await bars.getByRole('button', { name: /stage dispatching/ }).waitFor();
  await page.getByText('waiting for you', { exact: false }).first().waitFor();
  const ended = await company.until('the run has ended', 10_000, async () => {
    const now = await read<Trace>(tracePath(run!.address));
    return now.status === 'done' && now;
  });
  const sent = ended.spans.find(({ operation }) => operation !== null)!.operation!;
  assert.deepEqual([ended.waitsForYou, sent.action, sent.outcome, typeof sent.providerRef], [false, 'mail.send', 'not-done', 'string']);
  assert.equal(ended.decisions.filter(({ what, outcome }) => what === 'approval' && outcome === 'approved').length, 1);
});

test('a stage tried again is a dry run that says what it would have done, and nothing of it is done', { skip }, async () => {
  const [run] = await proposing();
  const was = await company.json<{ waiting: number; facts: number }>('status');
  const operations = (await company.json<unknown[]>('ops')).length;
  const page = await open(runPath(run!.address));
  await page.getByRole('button', { name: 'stage drafting' }).click();
  await page.getByRole('button', { name: 'Try this stage again (dry run)' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Try it (dry run)' }).click();
  const told = page.getByRole('status').filter({ hasText: 'as a dry run' });
  await told.getByText('drafting').waitFor();
  await told.getByText(/^start copy\//).waitFor();
  await told.getByRole('link', { name: 'Look at the dry run' }).click();
  await page.getByText('Nothing leaves it.').waitFor();
  const now = await company.json<{ waiting: number; facts: number }>('status');
  assert.deepEqual([now.waiting, now.facts, (await company.json<unknown[]>('ops')).length], [was.waiting, was.facts, operations]);
  const trace = await read<Trace>(tracePath(run!.address));
  assert.equal(trace.forks.length, 1);
  assert.ok(trace.spans.every(({ actor }) => !actor.includes('~fork-')), 'a dry run is no part of the run');
});

test('the same request tries a stage once, and a revision that is not there is refused', async () => {
  const [run] = await proposing();
  const again = () => send<Rerun>(`${tracePath(run!.address)}/rerun`, { rev: 3, commandId: 'once' });
  const [first, second] = [await again(), await again()];
  assert.deepEqual([first.status, second.body.address, first.body.value], [200, first.body.address, 'proposing']);
  assert.deepEqual(first.body.would!.sends.map(({ to }) => to.split('/')[0]), ['operation']);
  assert.equal((await send(`${tracePath(run!.address)}/rerun`, { rev: 99 })).status, 404);
  assert.equal((await send(`${tracePath(run!.address)}/rerun`, { rev: 0 })).status, 400);
});

test('two runs stand side by side with what differs marked, and their drafts line by line', { skip }, async () => {
  const runs = await proposing();
  const drafts = new Map(await Promise.all(runs.map(async ({ address }) => [(await read<Trace>(tracePath(address))).decisions.find(({ what }) => what === 'draft')!.outcome, address] as const)));
  const [first, second] = [...drafts];
  const page = await open(`${runPath(first![1])}?with=${encodeURIComponent(second![1])}`);
  await page.getByRole('rowheader', { name: '≠ copy' }).waitFor();
  await page.getByRole('cell', { name: new RegExp(`draft: ${second![0]}`) }).first().waitFor();
  await page.locator('.diff ins').first().waitFor();
  await page.locator('.diff del').first().waitFor();
  await shot(page, 'compare');
  await (await open(`${runPath(first![1])}?with=${encodeURIComponent(first![1])}`)).getByText('Both went the same way.').waitFor();
});

test('run again begins a run with the same input', { skip }, async () => {
  const [run] = await proposing();
  const page = await open(runPath(run!.address));
  await page.getByRole('button', { name: 'Run again' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Run again' }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/runs/') && url.pathname !== runPath(run!.address));
  const address = decodeURIComponent(new URL(page.url()).pathname.slice('/runs/'.length));
  const input = async (of: string) => (await read<{ body: { message: { input: unknown } } }[]>(`/api/query/history?args=${encodeURIComponent(JSON.stringify({ address: of, limit: 1 }))}`))[0]!.body.message.input;
  assert.deepEqual(await input(address), await input(run!.address));
});

test('a run that is not there, and screens on a phone, look right', { skip }, async () => {
  await (await open('/runs/mail%2Fnobody')).getByText("There is no run 'mail/nobody'.").waitFor();
  const phone = await visit(browser!, { api, token, path: '/', width: 390, colorScheme: 'dark' });
  for (const path of ['/', '/runs', runPath((await proposing())[0]!.address)]) {
    await phone.page.goto(`${api}${path}`);
    await phone.page.locator('main section, main table, main ol').first().waitFor();
    assert.equal(await phone.page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, path);
    await shot(phone.page, `phone-${path.split('/')[1] || 'today'}`);
  }
  await phone.context.close();
  assert.deepEqual(seen.errors.filter((error) => !error.includes('404')), []);
});
