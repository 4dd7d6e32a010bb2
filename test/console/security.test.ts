// Goal: what strangers, models and failures say is text on every screen, nothing leaves the page, and everybody can use it. Method: a real
// company that holds hostile words in every place, the table of screens walked in a real browser, and axe on each of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { connect } from 'nats';
import type { Browser, Page } from 'playwright-core';
import { sha256 } from '#actors/hash.ts';
import { decideLink } from '#connectors/console/decide.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import { openApi, type Api } from '#test/kit/api.ts';
import { browserMissing, shot, startBrowser, visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';
import { takesAll, todaysShare } from '#test/kit/todays-share.ts';
import { hiddenMail, hostileMail, xss } from '#test/kit/xss.ts';

const skip = browserMissing() ?? false;
const company = makeCompany();
const table = readFileSync(fileURLToPath(import.meta.resolve('#connectors/console/app/screens.tsx')), 'utf8');
const patterns = Array.from(table.matchAll(/\{ path: '([^']+)'/g), ([, path]) => path!);
const patternOf = (path: string) => patterns.find((pattern) => new RegExp(`^${pattern.replaceAll(/:\w+/g, '[^/]+')}$`).test(path.split('?')[0]!));
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
let api: Api;
let browser: Browser;
let base = '';
let token = '';
let chosen: string[] = [];

before(async () => {
  if (skip) return;
  const run = await company.up();
  base = run.api;
  token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
  api = openApi(company.dataDir);
  const { mailId } = await api.mail(hostileMail, xss.fileName);
  await api.mail(hiddenMail, 'inbox');
  const payload = { from: { address: 'hello@studio-voss.example', name: 'Mara Voss' }, to: { address: 'new@customer.example', name: xss.sender }, subject: xss.subject, text: xss.draft, inReplyTo: null, references: [] };
  const propose = (key: string, action: string, summary: string) => api.post<{ address: string }>('/api/runs', { machine: 'operation', key, input: { id: key, action, payload, summary } });
  const { address } = await propose(xss.address, 'mail.send', xss.summary);
  await propose('fails', xss.error, 'This fails');
  const { fact } = await api.post<{ fact: string }>('/api/facts', { entity: 'product/logo', predicate: 'product.name', value: xss.fact });
  await api.post('/api/annotations', { kind: 'fact', id: fact, text: xss.hidden });
  const nc = await connect({ servers: run.nats, token });
  nc.publish(`ks.studio-voss.msg.mail.x.shop.${xss.bus}`, xss.bus);
  await nc.drain();
  await api.quiet();
  await company.until('what the bus brought is parked', 20_000, async () => (await api.query<unknown[]>('parked')).length > 0);
  const items = await api.query<{ id: string; actor: string }[]>('inbox');
  const at = (screen: string, id: string) => `/${screen}/${encodeURIComponent(id)}`;
  chosen = [
    ...items.map(({ id }) => at('inbox', id)), ...items.filter(({ actor }) => actor === address).map(({ id }) => at('store/intent', id)), at('actors', address), at('runs', `mail/${mailId}`), at('actors', `mail/${mailId}`), at('store/artifact', mailId), at('store/fact', fact), at('why/fact', fact),
    at('store/entity', 'product/logo'), at('store/entity', 'person/hostile@customer.example'), at('machines', 'mail'), at('inbox', 'gone'), at('actors', 'mail/gone'), at('store/fact', 'f-999999-0'),
  ];
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await company.remove();
});

/** Loads it, and waits until it shows what it has. */
async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${base}${path}`);
  await page.locator('main h1').waitFor();
  await page.locator('main', { hasNotText: 'Loading …' }).waitFor();
}

/** Every screen of the table: those of the menu, these objects, and one that is linked to of each kind that is missing then. */
async function walk(page: Page, objects: readonly string[], look: (path: string, isFirst: boolean) => Promise<void>): Promise<void> {
  const queue = [...patterns.filter((pattern) => !pattern.includes(':')), ...objects];
  const planned = new Set(queue.map(patternOf));
  const looked = new Set<string | undefined>();
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    await open(page, path);
    await look(path, !looked.has(patternOf(path)));
    looked.add(patternOf(path));
    const links = await page.locator('a[href^="/"]').evaluateAll((all) => all.map((link) => link.getAttribute('href')!));
    for (const link of links) {
      const pattern = patternOf(link);
      if (pattern === undefined || planned.has(pattern)) continue;
      planned.add(pattern);
      queue.push(link);
    }
  }
  assert.deepEqual(patterns.filter((pattern) => !looked.has(pattern)), [], 'a screen that nothing leads to');
}

for (const how of [{ colorScheme: 'light', width: 1280, height: 900 }, { colorScheme: 'dark', width: 390, height: 844, isMobile: true, hasTouch: true }] as const) {
  test(`on every screen, ${how.colorScheme} and ${how.width} px wide, hostile words are text, nothing leaves, and axe finds nothing`, { skip }, async () => {
    const { context, page, errors } = await visit(browser, { api: base, token, ...how });
    const abroad: string[] = [];
    const dialogs: string[] = [];
    let where = '';
    context.on('request', (request) => new URL(request.url()).origin !== base && !/^(data|blob):/.test(request.url()) && abroad.push(`${where}: ${request.url()}`));
    context.on('page', (popup) => abroad.push(`${where}: ${popup.url()}`));
    page.on('dialog', (dialog) => {
      dialogs.push(`${where}: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.addInitScript('window.broken = []; addEventListener("securitypolicyviolation", (event) => broken.push(`${event.violatedDirective}: ${event.blockedURI}`));');
    const findings: string[] = [];
    const shown = new Set<string>();
    // On the phone one object of each kind is enough: its words are the same.
    const isWide = how.width === 1280;
    // Axe is slow: a day looks at one half of the screens light and wide, at the other dark and narrow.
    const half = todaysShare(patterns, 2);
    const examined = isWide || takesAll ? half : patterns.filter((pattern) => !half.includes(pattern));
    await walk(page, isWide ? chosen : chosen.filter((path, i) => chosen.findIndex((other) => patternOf(other) === patternOf(path)) === i), async (path, isFirst) => {
      where = path;
      const { text, planted, broken, overflow } = await page.evaluate<{ text: string; planted: string[]; broken: string[]; overflow: number }>(`({
        text: document.body.innerText,
        planted: Array.from(document.querySelectorAll('[onerror], [onload], [ontoggle], [onmouseover], iframe, object, embed, math, a[href^="javascript:" i], img[src="x"], script:not([src])'), (found) => found.outerHTML.slice(0, 200)),
        broken,
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      })`);
      for (const [place, words] of Object.entries(xss)) if (text.replaceAll(/\s+/g, ' ').includes(words.replaceAll(/\s+/g, ' '))) shown.add(place);
      if (text.includes('U+202Efdp.exe')) shown.add('hidden');
      findings.push(...planted.map((html) => `${path}: taken for HTML: ${html}`), ...broken.map((what) => `${path}: against the content security policy: ${what}`));
      if (overflow > 0) findings.push(`${path}: ${overflow} px wider than the window`);
      if (!isFirst) return;
      const name = patternOf(path)?.replaceAll(/[^a-z]+/g, '-').replace(/^-|-$/g, '') || 'today';
      await shot(page, `${name}-${how.colorScheme}-${how.width}`);
      if (!examined.includes(patternOf(path)!)) return;
      const { violations } = await new AxeBuilder({ page }).withTags(tags).setLegacyMode(true).analyze();
      findings.push(...violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${path}: ${id} at ${target.join(' ')}: ${failureSummary?.replaceAll(/\s+/g, ' ').slice(0, 220)}`)));
    });
    assert.deepEqual({ findings, dialogs, abroad, errors: errors.filter((text) => !/status of 404/.test(text)) }, { findings: [], dialogs: [], abroad: [], errors: [] });
    if (isWide) assert.deepEqual(Object.keys(xss).filter((place) => !shown.has(place)), [], 'words that were planted and are shown nowhere');
    await context.close();
  });
}

test('the page takes no server from its address, and shows no token', { skip }, async () => {
  const { context, page } = await visit(browser, { api: base, token });
  const asked: string[] = [];
  context.on('request', (request) => asked.push(new URL(request.url()).origin));
  await open(page, `/inbox?gatewayUrl=${encodeURIComponent('http://evil.test')}&api=http://evil.test&server=//evil.test&token=x#api=http://evil.test`);
  assert.deepEqual(new Set(asked), new Set([base]));
  assert.ok(!(await page.content()).includes(token));
  assert.ok(!(await page.evaluate<string>('JSON.stringify([localStorage, sessionStorage, document.cookie])')).includes('keelson-'), 'scripts do not see the cookie');
  await context.close();
});

test('a page of another site gets nothing out of a signed-in browser: no read, no stream, no change, no frame', { skip }, async () => {
  const { context } = await visit(browser, { api: base, token });
  const headBefore = (await api.query<{ seq: number }>('head')).seq;
  // Same computer, other site: `localhost` and `127.0.0.1` are foreign to each other.
  const foreign = base.replace('127.0.0.1', 'localhost');
  const page = await context.newPage();
  await page.goto(`${foreign}/icon.svg`);
  const results = await page.evaluate(`(async () => {
    const attempt = (work) => work().then((value) => 'got ' + JSON.stringify(value), () => 'refused');
    const ask = (path, init) => attempt(async () => (await fetch('${base}' + path, { credentials: 'include', ...init })).text());
    return [
      await ask('/api/query/inbox', {}), await ask('/api/session', {}), await ask('/api/pause', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }),
      await attempt(() => new Promise((done, fail) => {
        const source = new EventSource('${base}/api/events', { withCredentials: true });
        source.addEventListener('open', () => done('a stream'));
        source.addEventListener('error', fail);
      })),
      await ask('/api/pause', { method: 'POST', body: '{}', mode: 'no-cors', headers: { 'content-type': 'text/plain' } }),
    ];
  })()`);
  assert.deepEqual(results, ['refused', 'refused', 'refused', 'refused', 'refused']);
  assert.equal((await api.query<{ seq: number }>('head')).seq, headBefore, 'nothing was written');
  await context.close();
});

test('a link to one decision works in a browser: its page shows all of it as text, and its button decides', { skip }, async () => {
  const item = (await api.query<StoredIntent[]>('inbox')).find(({ kind, summary }) => kind === 'approval' && summary.includes('hostile@')) ?? assert.fail('no approval');
  const key = Buffer.from(sha256(`decide ${token}`), 'hex');
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  await page.goto(decideLink(base, item, { key, nowMs: Date.now() })!);
  const shown = await page.locator('body').innerText();
  assert.ok(shown.includes(xss.sender), shown);
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('heading', { name: 'Approved.' }).waitFor();
  await context.close();
});
