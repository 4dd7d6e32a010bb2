// Goal: an operator sees an agent live, state by state, goes back in time, tries, forks and holds it, and finds it among ten thousand.
// Method: a real company with one small agent and ten thousand actors at rest, seeded through the store's committer; a real browser.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { emptyCommit } from '#machines/commit.ts';
import { createPrivateCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { openApi, type Api } from '#test/kit/api.ts';
import { browserMissing, shot, startBrowser, visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';

const many = 10_000;
const hostile = '<img src=x onerror="document.title=1">\u202Egnp.exe\u200B';
const skip = browserMissing() ?? false;
const company = makeCompany();
let api: Api;
let base = '';
let token = '';
let browser: Browser;
const open: { close(): Promise<void> }[] = [];

const given = 'export default';
const agent = `
  import { assign, setup } from 'xstate';
  import { z } from 'zod';
  import { protocol } from 'keelson';
  const order = protocol({
    input: z.object({ item: z.string() }), output: z.any(), context: z.object({ item: z.string(), paid: z.number() }),
    events: { PAY: z.object({ amount: z.number() }), PACK: z.object({}), SHIP: z.object({}), BACK: z.object({}) },
  });
  ${given} setup({ types: order.types, schemas: order.schemas }).createMachine({
    id: 'order', version: '1', initial: 'open', context: ({ input }) => ({ item: input.item, paid: 0 }),
    states: {
      open: { after: { 86400000: 'late' }, on: { PAY: { target: 'paid', actions: assign({ paid: ({ context, event }) => context.paid + event.amount }) } } },
      paid: { on: { PACK: 'packed' } }, packed: { on: { SHIP: 'shipped' } }, shipped: { on: { BACK: 'open' } }, late: {},
    },
  });
`;

async function seed(): Promise<void> {
  const database = await openDatabase(join(company.dataDir, 'keelson.db'));
  const committer = await createPrivateCommitter(database);
  for (let from = 0; from < many; from += 250) {
    await Promise.all(Array.from({ length: 250 }, async (_, i) => {
      const actor = `order/seed-${String(from + i).padStart(5, '0')}`;
      const record = JSON.stringify({ address: actor, machine: 'order@1', structure: '', rev: 0, status: 'active', parent: null, snapshot: { value: 'paid', context: { item: 'lamp', paid: 1 }, status: 'active', children: {}, historyValue: {}, tags: [] }, children: {}, timers: {} });
      const written = await committer.commit({ ...emptyCommit(`seed:${actor}`, Date.now(), actor, { message: { kind: 'start', machine: 'order@1', input: { item: 'lamp' } } }), step: { rev: 0, machine: 'order@1', status: 'active', value: '"paid"', parent: null, record } });
      assert.equal(written.outcome, 'written');
    }));
  }
  await database.close();
}

before(async () => {
  if (skip) return;
  await company.json('init', company.dataDir);
  mkdirSync(join(company.dataDir, 'agents'), { recursive: true });
  writeFileSync(join(company.dataDir, 'agents', 'order.ts'), agent);
  await company.up();
  await company.down();
  await seed();
  ({ api: base } = await company.up());
  api = openApi(company.dataDir);
  token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
  browser = await startBrowser();
}, { timeout: 120_000 });
after(async () => {
  await Promise.all(open.map((one) => one.close()));
  await browser?.close();
  await company.remove();
});

/** What axe finds, one line each. */
const barriers = async (page: Page) => (await new AxeBuilder({ page }).analyze()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);

let made = 0;
async function order(item = 'lamp'): Promise<string> {
  const { address } = await api.post<{ address: string }>('/api/runs', { machine: 'order', key: `o-${++made}`, input: { item } });
  return address;
}
const send = (address: string, type: string, fields = {}) => api.post(`/api/actors/${encodeURIComponent(address)}/send`, { type, fields });
async function look(path: string, more: { width?: number; reducedMotion?: 'reduce' } = {}): Promise<{ page: Page; errors: string[] }> {
  const { context, page, errors } = await visit(browser, { api: base, token, path, ...more });
  open.push(context);
  return { page, errors };
}
const actorPath = (address: string) => `/actors/${encodeURIComponent(address)}`;
const current = (page: Page) => page.locator('.event-log [aria-current=step] .event');
/** Writes down each step that the page shows, as it shows it. */
const watch = (page: Page) => page.evaluate(`
  const seen = window.seen = [];
  const note = () => {
    const text = document.querySelector('.event-log [aria-current=step] .to')?.textContent ?? '';
    if (text !== '' && text !== seen.at(-1)) seen.push(text);
  };
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  note();
`);
const seen = (page: Page) => page.evaluate<string[]>('window.seen');

test('a run is followed live, state by state, also when its events come at once', { skip, timeout: 60_000 }, async () => {
  const address = await order();
  const { page, errors } = await look(actorPath(address));
  await current(page).getByText('start').waitFor();
  await watch(page);
  for (const [type, fields] of [['PAY', { amount: 40 }], ['PACK', {}], ['SHIP', {}], ['BACK', {}], ['PAY', { amount: 2 }]] as const) await send(address, type, fields);
  await page.locator('.time-bar').getByText('revision 5 of 5').waitFor();
  await page.locator('[aria-current=step]', { hasText: 'PAY' }).waitFor();
  assert.deepEqual(await seen(page), ['→ open', '→ paid', '→ packed', '→ shipped', '→ open', '→ paid']);
  await page.getByText('"paid": 42').waitFor();
  await page.getByRole('treeitem', { name: /paid.*active/ }).first().waitFor();
  await shot(page, 'actor-live');
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(errors, []);
});

test('time goes back by slider and keys: state, data and what that step changed; and then to now again', { skip, timeout: 60_000 }, async () => {
  const address = await order();
  for (const [type, fields] of [['PAY', { amount: 7 }], ['PACK', {}]] as const) await send(address, type, fields);
  const { page, errors } = await look(actorPath(address));
  await page.locator('.time-bar').getByText('revision 2 of 2').waitFor();
  await page.keyboard.press('ArrowLeft');
  await page.getByText('as it was after revision 1').waitFor();
  assert.match(page.url(), /\?at=1$/);
  await page.locator('.changes').getByText('paid').waitFor();
  assert.deepEqual([await page.locator('.changes del').textContent(), await page.locator('.changes ins').textContent()], ['0', '7']);
  await page.getByRole('treeitem', { name: /paid.*active/ }).first().waitFor();
  await page.getByRole('slider').focus();
  await page.keyboard.press('ArrowLeft');
  await page.getByText('as it was after revision 0').waitFor();
  await page.getByText('"paid": 0').waitFor();
  await send(address, 'SHIP');
  await page.locator('.time-bar').getByText('revision 0 of 3').waitFor();
  await page.getByRole('button', { name: 'Back to now' }).click();
  await page.locator('[aria-current=step]', { hasText: 'SHIP' }).waitFor();
  assert.ok(!page.url().includes('at='));
  assert.deepEqual(errors, []);
});

test('a step is forked: the page goes to the fork, which says that nothing leaves it', { skip, timeout: 60_000 }, async () => {
  const address = await order();
  await send(address, 'PAY', { amount: 7 });
  const { page } = await look(`${actorPath(address)}?at=0`);
  await page.getByRole('button', { name: 'Fork from here' }).click();
  await page.getByRole('heading', { level: 1, name: /~fork-/ }).waitFor();
  assert.equal(await page.getByRole('link', { name: `${address} at revision 0` }).getAttribute('href'), `${actorPath(address)}?at=0`);
  await page.locator('.toolbar', { hasText: 'nothing leaves it' }).waitFor();
  await page.getByText('"paid": 0').waitFor();
});

test('an event is tried without effect, and then sent', { skip, timeout: 60_000 }, async () => {
  const address = await order();
  const { page } = await look(actorPath(address));
  await page.getByRole('button', { name: 'Try PAY, nothing leaves' }).click();
  await page.getByLabel('Fields as JSON').fill('{"amount": "much"}');
  await page.getByRole('dialog').getByRole('button', { name: 'Try', exact: true }).click();
  await page.getByRole('alert').getByText(/would not take 'PAY'.*amount/).waitFor();
  await page.getByLabel('Fields as JSON').fill('{"amount": 9}');
  await page.getByRole('dialog').getByRole('button', { name: 'Try', exact: true }).click();
  await page.getByText('PAY would lead to paid').waitFor();
  await page.locator('.time-bar').getByText('revision 0 of 0').waitFor();
  await page.getByRole('button', { name: 'Send PAY' }).click();
  await page.getByLabel('Fields as JSON').fill('{"amount": 9}');
  await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
  await page.locator('.time-bar').getByText('revision 1 of 1').waitFor();
  await page.getByRole('button', { name: 'Send PACK' }).waitFor();
});

test('an actor is paused with a reason and goes on; only what is possible is offered', { skip, timeout: 60_000 }, async () => {
  const address = await order();
  const { page } = await look(actorPath(address));
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByLabel('Reason').fill('let me think');
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await page.getByText('paused', { exact: true }).waitFor();
  await page.getByText('let me think').first().waitFor();
  assert.deepEqual(await page.locator('.screen-head .toolbar button').allTextContents(), ['Resume', 'Stop', 'End the run']);
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
  await page.getByText('It has ended and hears nothing any more.').waitFor();
  assert.deepEqual(await page.locator('.screen-head .toolbar button').allTextContents(), []);
});

test('foreign text is text, with what cannot be seen named; an unknown actor is said plainly; 390 px need no sideways scrolling', { skip, timeout: 60_000 }, async () => {
  const address = await order(hostile);
  const { page, errors } = await look(actorPath(address), { width: 390 });
  await page.locator('pre.text', { hasText: '<img src=x onerror=' }).first().waitFor();
  assert.deepEqual(await page.locator('pre.text mark.hidden-character').allTextContents(), ['U+202E', 'U+200B']);
  assert.ok(!(await page.content()).includes('<img src'));
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
  await page.goto(`${base}/actors/order%2Fnobody`);
  await page.getByRole('alert').first().getByText("There is no actor 'order/nobody'").waitFor();
  assert.deepEqual(errors.filter((text) => !text.includes('404')), []);
});

test('ten thousand actors are listed with few rows in the page; one that moves is asked for alone', { skip, timeout: 60_000 }, async () => {
  const { page, errors } = await look('/actors?type=order&text=seed-');
  await page.getByText(`${many} active`).waitFor();
  const rows = page.getByRole('listitem').filter({ has: page.locator('.actor-row') });
  assert.ok((await rows.count()) <= 60, `${await rows.count()} rows`);
  await page.evaluate('scrollTo(0, document.body.scrollHeight)');
  await page.locator(`[aria-posinset="${many}"]`).waitFor();
  assert.ok((await rows.count()) <= 60, `${await rows.count()} rows at the end`);
  await page.evaluate('scrollTo(0, 0)');
  const asked: string[] = [];
  page.on('request', (request) => request.url().includes('/api/actors') && asked.push(new URL(request.url()).pathname));
  await send('order/seed-07777', 'PACK');
  await page.locator('[aria-posinset="1"]', { hasText: 'order/seed-07777' }).getByText('packed').waitFor();
  await page.getByLabel('Search').fill('seed-0777');
  await page.getByText('10 active').waitFor();
  await page.getByLabel('State').selectOption('in:packed');
  await page.locator('[aria-setsize="1"]').waitFor();
  assert.match(page.url(), /text=seed-0777.*state=in/);
  assert.deepEqual([...new Set(asked)], ['/api/actors/named']);
  await shot(page, 'actors');
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(errors, []);
});
