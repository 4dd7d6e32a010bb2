// Goal: the operator sees what passes on the bus and what could not be applied, whatever strangers put into it, and gets rid of it; and an
// inspection tool hears what actors do. Method: a real server, a real browser, and a stranger on the bus.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { connect, headers, type NatsConnection } from 'nats';
import type { Browser } from 'playwright-core';
import { browserMissing, shot, startBrowser, visit, type Visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';

const skip = browserMissing() ?? false;
const company = makeCompany();
let api = '';
let token = '';
let name = '';
let nc: NatsConnection;
let browser: Browser;
let shown: Visit;

before(async () => {
  if (skip) return;
  const run = (await company.up({}, ['--inspect'])) as Awaited<ReturnType<typeof company.up>> & { company: string };
  ({ api, company: name } = run);
  token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
  nc = await connect({ servers: run.nats, token });
  browser = await startBrowser();
  shown = await visit(browser, { api, token, path: '/bus' });
  await shown.page.getByText('listening').waitFor();
});
after(async () => {
  await browser?.close();
  await nc?.close();
  await company.remove();
});

let made = 0;
function publish(body: string | Uint8Array, { to = 'mail', id = `stranger-${++made}` } = {}): string {
  const h = headers();
  h.set('ce-id', id);
  h.set('ce-source', 'shop/main');
  h.set('ce-type', 'ORDER');
  h.set('authorization', 'Bearer secret-of-a-stranger');
  nc.publish(`ks.${name}.msg.${to}.x${++made}.shop.main`, body, { headers: h });
  return id;
}
const rows = () => shown.page.getByRole('list', { name: 'Messages, newest first' }).getByRole('listitem');
const cardOf = (id: string) => shown.page.getByRole('article').filter({ hasText: id });
const noFaults = async () => assert.deepEqual((await new AxeBuilder({ page: shown.page }).analyze()).violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);

test('a message that passes is shown with its subject, sender, type and size, and its body when it is opened', { skip }, async () => {
  const id = publish('{"kind":"event","event":{"type":"ORDER","note":"<img src=x onerror=alert(1)>\u202E\u200Bevil"}}');
  const row = rows().filter({ hasText: 'msg.mail.x' }).first();
  await row.waitFor();
  await row.locator('summary').click();
  await row.getByText(id).waitFor();
  const text = await row.innerText();
  for (const part of ['ORDER', 'shop/main', '<img src=x onerror=alert(1)>', 'U+202E', 'U+200B']) assert.ok(text.includes(part), `${part} in ${text}`);
  assert.equal(await shown.page.locator('img').count(), 0);
  assert.ok(!(await shown.page.content()).includes('secret-of-a-stranger'), 'headers are not shown');
  await shot(shown.page, 'bus');
});

test('pause, clear and a filter do what they say, and what is no filter is said at once', { skip }, async () => {
  const { page } = shown;
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByText('Go on to hear what passes').waitFor();
  publish('{}');
  await nc.flush();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('listening').waitFor();
  await page.getByLabel('Subject').fill('msg.>.x');
  await page.getByText('This is no filter').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Filter' }).isDisabled(), true);
  await page.getByLabel('Subject').fill('msg.nosuch.>');
  await page.getByLabel('Subject').press('Enter');
  await page.waitForURL(/filter=msg.nosuch/);
  await page.getByText('listening').waitFor();
  await company.until('a message that fits', 10_000, async () => {
    publish('{}', { to: 'mail' });
    publish('{"kind":"event"}', { to: 'nosuch' });
    await nc.flush();
    return (await rows().count()) > 0;
  });
  for (const text of await rows().allInnerTexts()) assert.match(text, /msg\.nosuch\./);
});

test('a flood is bounded, and what came too fast is counted', { skip }, async () => {
  const { page } = shown;
  await page.goto(`${api}/bus?filter=flood.>`);
  await page.getByText('listening').waitFor();
  await company.until('the flood to be counted', 15_000, async () => {
    for (let i = 0; i < 2_000; i++) nc.publish(`ks.${name}.flood.x`, `"${'x'.repeat(200)}"`);
    await nc.flush();
    return page.getByText(/came too fast to be shown/).isVisible();
  });
  assert.ok((await rows().count()) <= 500);
});

test('a parked message is shown with its bytes, and thrown away for a reason that is kept', { skip }, async () => {
  const { page } = shown;
  await page.goto(`${api}/bus`);
  const [bad, raw] = [publish('{"kind": "<script>alert(1)</script>\u200B'), publish(new Uint8Array([0, 255, 254, 200]))];
  await cardOf(raw).waitFor();
  await cardOf(raw).getByText(/^Bytes \(/).click();
  await cardOf(raw).getByText('00 ff fe c8').waitFor();
  await cardOf(bad).getByText(/^Bytes \(/).click();
  assert.match(await cardOf(bad).locator('pre').innerText(), /<script>alert\(1\)<\/script>U\+200B/);
  await noFaults();
  await cardOf(bad).getByRole('button', { name: 'Hand in again' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Hand in' }).click();
  await page.getByRole('dialog').getByText(/cannot be delivered again/).waitFor();
  await page.keyboard.press('Escape');
  await cardOf(bad).getByRole('button', { name: 'Throw away' }).click();
  assert.equal(await page.getByRole('dialog').getByRole('button', { name: 'Throw away' }).isDisabled(), true, 'not without a reason');
  await page.getByLabel('Reason').fill('a test of the shop');
  await page.getByRole('dialog').getByRole('button', { name: 'Throw away' }).click();
  await cardOf(bad).waitFor({ state: 'detached' });
  await cardOf(raw).waitFor();
  const decided = await company.json<{ what: string; reasons: string[] }[]>('find', 'decisions');
  assert.deepEqual(decided.filter(({ what }) => what === 'parked').map(({ reasons }) => reasons), [['a test of the shop']]);
  const { discarded } = await company.json<{ discarded: string[] }>('parked', 'discard', raw, '--reason', 'bytes of nobody');
  assert.deepEqual(discarded, [raw]);
  await cardOf(raw).waitFor({ state: 'detached' });
});

test('after the server died and came back, the page watches again by itself', { skip }, async () => {
  const { page } = shown;
  const port = new URL(api).port;
  await company.kill();
  await page.getByText('no connection').waitFor();
  await nc.close();
  const { nats } = await company.up({}, ['--inspect', '--port', port]);
  nc = await connect({ servers: nats, token });
  await page.getByText('listening').waitFor();
  const shownBefore = await rows().count();
  await company.until('a message on the page', 20_000, async () => {
    publish('{}');
    await nc.flush();
    return (await rows().count()) > shownBefore;
  });
  await page.getByRole('button', { name: 'Clear' }).click();
});

test('it fits a phone, in the dark, without a fault', { skip }, async () => {
  const { page } = shown;
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 844 });
  publish(`{"kind":"event","event":{"type":"ORDER","note":"${'w'.repeat(10_000)}"}}`);
  await rows().first().waitFor();
  await rows().first().locator('summary').click();
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
  await noFaults();
  await shot(page, 'bus-phone');
  assert.deepEqual(shown.errors.filter((error) => !/409|ERR_CONNECTION|ERR_INCOMPLETE|Failed to load resource/.test(error)), []);
});

test('a tool hears of an actor with its definition, its events and its states; nobody without the token does', { skip }, async () => {
  assert.equal((await fetch(`${api}/inspect`)).status, 401);
  const over = new AbortController();
  const authorization = `Bearer ${token}`;
  const answer = await fetch(`${api}/inspect`, { headers: { authorization }, signal: over.signal });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  const mail = 'From: Mia <mia@example.org>\r\nTo: hello@studio-voss.example\r\nSubject: Offer\r\nMessage-ID: <inspected@example.org>\r\n\r\nCould you send me an offer for a logo?\r\n';
  const sent = await fetch(`${api}/api/mail`, { method: 'POST', headers: { authorization, 'content-type': 'message/rfc822' }, body: mail });
  const { mailId } = (await sent.json()) as { mailId: string };
  const events: { type: string; sessionId: string; rootId: string; _version: string; definition?: string; snapshot?: { value: unknown }; event?: { type: string } }[] = [];
  let rest = '';
  for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.startsWith('data: ')) events.push(JSON.parse(line.slice(6)) as (typeof events)[number]);
    if (new Set(events.filter(({ rootId }) => rootId === `mail/${mailId}`).map(({ sessionId }) => sessionId)).size > 1 && events.length > 6) break;
  }
  over.abort();
  const own = events.filter(({ sessionId }) => sessionId === `mail/${mailId}`);
  assert.deepEqual(own.slice(0, 3).map(({ type, event }) => [type, event?.type]), [['@xstate.actor', undefined], ['@xstate.event', 'xstate.init'], ['@xstate.snapshot', 'xstate.init']]);
  assert.deepEqual([(JSON.parse(own[0]!.definition!) as { id: string }).id, own[0]!._version, own[2]!.snapshot?.value], ['mail', '0.7.2', 'triaging']);
  assert.equal(own.filter(({ type }) => type === '@xstate.actor').length, 1, 'an actor is told once');
});
