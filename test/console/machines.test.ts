// Goal: somebody who has never seen a machine can look at it, walk through it by keyboard, follow an actor in it and take it along. Method: a
// real server with an agent of its own, whose names are hostile, and a real browser; what is exported is parsed by that browser.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator, Page } from 'playwright-core';
import { browserMissing, shot, startBrowser, visit, type Visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';

const skip = browserMissing() ?? false;
const company = makeCompany();
const hostile = '<img src=x onerror=document.title=1>';
const given = 'export default';
let api = '';
let token = '';
let browser: Browser;
let visited: Visit;
let page: Page;

before(async () => {
  if (skip) return;
  assert.equal((await company.cli('init', company.dataDir)).code, 0);
  writeFileSync(join(company.dataDir, 'agents', 'lamp.ts'), `
    import { setup } from 'xstate';
    import { z } from 'zod';
    import { protocol } from 'keelson';
    const lamp = protocol({ input: z.any(), output: z.any(), context: z.any(), events: { SWITCH: z.object({}), DIM: z.object({}), BREAK: z.object({}) } });
    ${given} setup({ types: lamp.types, schemas: lamp.schemas, guards: { hasPower: () => true } }).createMachine({
      id: 'lamp', version: '1', description: 'Gives light. ${hostile}', initial: 'off', context: {}, on: { BREAK: '.broken' },
      states: {
        off: { on: { SWITCH: { target: 'on', guard: 'hasPower' } } },
        on: {
          type: 'parallel', on: { SWITCH: 'off' }, after: { 7200000: 'off' },
          states: { light: { initial: 'bright', states: { bright: { on: { DIM: 'dim' } }, dim: { on: { DIM: 'bright' } }, past: { type: 'history', history: 'deep' } } }, ${JSON.stringify(hostile)}: {} },
        },
        broken: { type: 'final' },
      },
    });
  `);
  ({ api } = await company.up());
  token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
  browser = await startBrowser();
  visited = await visit(browser, { api, token, path: '/machines', reducedMotion: 'reduce' });
  ({ page } = visited);
});
after(async () => {
  await browser?.close();
  await company.remove();
});

const send = async (path: string, body: object) => {
  const answer = await fetch(`${api}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.text());
};
const assertAccessible = async (on: Page) => assert.deepEqual((await new AxeBuilder({ page: on }).analyze()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`), []);
const seen = (locator: Locator) => locator.waitFor();

test('the list says what each machine does and how many actors it has, and changes by itself', { skip }, async () => {
  const row = page.getByRole('row', { name: /lamp@1/ });
  await seen(row.getByText('0', { exact: true }));
  await seen(row.getByText(`Gives light. ${hostile}`));
  await send('/api/runs', { machine: 'lamp', key: 'desk', input: {} });
  await seen(row.getByRole('link', { name: '1', exact: true }));
  assert.equal(await row.getByRole('link', { name: '1', exact: true }).getAttribute('href'), '/actors?type=lamp');
  await assertAccessible(page);
  await shot(page, 'machines');
  await row.getByRole('link', { name: 'lamp@1' }).click();
  await seen(page.getByRole('heading', { name: 'lamp@1' }));
});

test('a machine is drawn with its regions, guards and deadlines, and hostile names are words', { skip }, async () => {
  const view = page.getByRole('group', { name: 'Statechart of lamp@1, drawing' });
  await seen(view);
  for (const text of ['SWITCH [hasPower]', 'after 2 h', 'H*', hostile]) await seen(view.locator('text').getByText(text, { exact: true }));
  assert.equal(await view.locator('.state.region').count(), 2);
  assert.equal(await view.locator('.inside').count(), 1, 'one final state');
  assert.equal(await view.locator('.active').count(), 0, 'nothing is active in a definition');
  await assertAccessible(page);
  await shot(page, 'machine');
});

test('the same is a tree for the keyboard', { skip }, async () => {
  const tree = page.getByRole('tree', { name: /Statechart of lamp@1/ });
  const focused = () => page.locator(':focus').evaluate((item) => (item.textContent ?? '').replace(/^[▾▸]/, ''));
  await tree.getByRole('treeitem').first().focus();
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'BREAK → broken');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'off (begins here)');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  assert.equal(await focused(), 'SWITCH [hasPower] → on');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await seen(tree.getByRole('treeitem', { name: 'off (begins here)', expanded: false }));
  await page.keyboard.press('End');
  assert.equal(await focused(), 'broken (final)');
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await tree.getByRole('treeitem', { name: 'broken' }).waitFor({ state: 'detached' });
  await page.keyboard.press('Enter');
  await seen(tree.getByRole('treeitem', { name: 'broken (final)' }));
});

test('the drawing is made larger and smaller by buttons and by keys', { skip }, async () => {
  const size = async () => Number((await page.getByRole('group', { name: 'Size of the drawing' }).innerText()).match(/(\d+) %/)![1]);
  const begin = await size();
  await page.getByRole('button', { name: 'Larger' }).click();
  await seen(page.getByText(`${Math.round(begin * 1.25)} %`));
  await page.getByRole('group', { name: 'Statechart of lamp@1, drawing' }).focus();
  await page.keyboard.press('-');
  await seen(page.getByText(`${begin} %`));
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole('button', { name: 'All', exact: true }).click();
  const fits = await page.locator('.chart-view').evaluate((view) => view.scrollWidth <= view.clientWidth + 1 && view.scrollHeight <= view.clientHeight + 1);
  assert.ok(fits, 'after All the whole drawing is in sight');
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'the page itself does not scroll sideways');
  await assertAccessible(page);
  await shot(page, 'machine-390');
  await page.setViewportSize({ width: 1280, height: 900 });
});

test('SVG and SCXML are saved as files that a browser reads as XML, Mermaid and JSON are copied', { skip }, async () => {
  const reader = await (await browser.newContext()).newPage(); // without our page's rules, which forbid to parse text
  for (const [title, root] of [['SVG', 'svg'], ['SCXML', 'scxml']] as const) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: `Download ${title}` }).click()]);
    assert.equal(download.suggestedFilename(), `lamp@1.${root}`);
    const text = readFileSync(await download.path(), 'utf8');
    const read = await reader.evaluate(`(() => {
      const parsed = new DOMParser().parseFromString(${JSON.stringify(text)}, 'application/xml');
      return { root: parsed.documentElement.localName, failed: parsed.querySelector('parsererror')?.textContent ?? null, foreign: parsed.querySelectorAll('img, script').length };
    })()`);
    assert.deepEqual(read, { root, failed: null, foreign: 0 });
  }
  await visited.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy Mermaid' }).click();
  await seen(page.getByText('Mermaid copied'));
  assert.match(String(await page.evaluate('navigator.clipboard.readText()')), /^stateDiagram-v2\n {2}state "lamp" as s0 \{/);
});

test('an actor is followed in its chart: filled, framed, marked, named in the tree and said aloud', { skip }, async () => {
  await page.goto(`${api}/actors/lamp%2Fdesk`);
  const chart = page.locator('.chart');
  await seen(chart.locator('.active[data-state="lamp.off"]').locator('text').getByText('● off'));
  await send('/api/actors/lamp%2Fdesk/send', { type: 'SWITCH' });
  await seen(chart.locator('.active[data-state="lamp.on.light.bright"]').locator('text').getByText('● bright'));
  await chart.locator('.active[data-state="lamp.off"]').waitFor({ state: 'detached' });
  await seen(chart.locator('text.taken').getByText('SWITCH [hasPower]'));
  await seen(chart.getByRole('treeitem', { name: /^bright .*active$/ }));
  await chart.getByRole('status').filter({ hasText: /on, light, bright and on, </ }).waitFor({ state: 'attached' });
  await shot(page, 'chart-live');
});

test('a machine that is not in this build is said, with where those are that are', { skip }, async () => {
  await page.goto(`${api}/machines/gone%401`);
  await seen(page.getByRole('alert').getByText('This build has no machine \'gone@1\'.'));
  assert.equal(await page.title(), 'gone@1 · Keelson');
  assert.deepEqual(visited.errors.filter((error) => !error.includes('404')), []);
});
