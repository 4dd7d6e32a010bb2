// Goal: from `keelson demo` to the first approved mail in three steps; and a server that dies under an open page costs nothing. Method: the
// command of the README in a process of its own, killed with -9, and a real browser that follows the printed link.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { browserMissing, shot, startBrowser } from '#test/kit/browser.ts';
import { freePort } from '#test/kit/free-port.ts';

const skip = browserMissing() ?? false;
const root = mkdtempSync(join(tmpdir(), 'keelson-first-start-'));
const dataDir = join(root, 'company');
const cliFile = fileURLToPath(import.meta.resolve('#supervisor/cli.ts'));
let port = 0;
let server: ChildProcess;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let streams: Request[] = [];
const api = () => `http://127.0.0.1:${port}`;
const token = () => readFileSync(join(dataDir, 'token'), 'utf8').trim();

/** Runs the demo; resolves with the sign-in link when `until` was said. */
function demo(until: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    server = spawn(process.execPath, [cliFile, 'demo', '--data', dataDir, '--port', String(port)]);
    let said = '';
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      if (until.test(said)) resolve(/http:\S+#code=\S+/.exec(said)![0]);
    };
    server.stdout!.on('data', hear);
    server.stderr!.on('data', hear);
    server.once('exit', (code) => reject(new Error(`the demo ended with ${code}: ${said}`)));
  });
}
async function kill(): Promise<void> {
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL');
  await gone;
}
async function ask<T>(path: string, body?: object): Promise<T> {
  const answer = await fetch(`${api()}${path}`, { method: body ? 'POST' : 'GET', headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) });
  assert.equal(answer.status, 200, `${path} ${await answer.clone().text()}`);
  return (await answer.json()) as T;
}
const waiting = async () => (await ask<{ id: string; kind: string }[]>('/api/query/inbox')).length;
const outbox = () => (existsSync(join(dataDir, 'outbox')) ? readdirSync(join(dataDir, 'outbox')) : []).filter((name) => name.endsWith('.eml'));
/** As the menu tells it. */
const counted = (count: number, on = page) => on.getByLabel(`${count} wait for you`).waitFor({ state: 'attached' });

before(async () => {
  if (skip) return;
  port = await freePort();
  browser = await startBrowser();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.on('request', (request) => request.url().includes('/api/events') && streams.push(request));
});
after(async () => {
  await browser?.close();
  if (server && server.exitCode === null && server.signalCode === null) await kill();
  rmSync(root, { recursive: true, force: true });
});

test('a newcomer follows the printed link, opens the inbox and approves: the first mail is in the outbox', { skip }, async () => {
  const link = await demo(/drafts wait for your approval/);
  page = await context.newPage();
  let steps = 0;
  const step = async (work: Promise<unknown>) => {
    await work;
    steps += 1;
  };
  await step(page.goto(link));
  await page.getByRole('heading', { level: 1, name: 'Today' }).waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the code is gone from the address');
  assert.ok((await waiting()) > 10, 'there is work in it');
  await shot(page, 'first-start');
  await step(page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: /^Inbox/ }).click());
  const waited = await waiting();
  await step(page.getByRole('group', { name: 'Decide' }).getByRole('button', { name: /^Approve/ }).click());
  await counted(waited - 1);
  assert.equal(steps, 3);
  for (const end = Date.now() + 20_000; outbox().length === 0 && Date.now() < end;) await new Promise((done) => setTimeout(done, 50));
  assert.equal(outbox().length, 1);
});

test('a link that was used is no good to whoever finds it, and the page says what to do', { skip }, async () => {
  const { url } = await ask<{ url: string }>('/api/session/link', {});
  const stranger = await browser.newContext();
  try {
    const first = await stranger.newPage();
    await first.goto(url);
    await first.getByRole('navigation', { name: 'Screens' }).waitFor();
    const other = await (await browser.newContext()).newPage();
    await other.goto(url);
    await other.getByLabel(/token/i).waitFor();
    assert.equal(await other.getByRole('navigation', { name: 'Screens' }).count(), 0);
    await other.context().close();
  } finally {
    await stranger.close();
  }
});

test('two tabs read one stream, and the second goes on when the first is closed', { skip }, async () => {
  const second = await context.newPage();
  await second.goto(`${api()}/inbox`);
  await counted(await waiting(), second);
  assert.equal(streams.length, 1);
  const [one] = await ask<{ id: string }[]>('/api/query/inbox');
  await ask(`/api/inbox/${encodeURIComponent(one!.id)}/reject`, { reason: 'not now' });
  await counted(await waiting(), page);
  await counted(await waiting(), second);
  assert.equal(streams.length, 1, 'what one heard the other knows');
  const taken = context.waitForEvent('request', (request) => request.url().includes('/api/events'));
  await page.close();
  await taken;
  page = second;
  assert.equal(streams.length, 2);
});

test('the server dies under the open page: it says so, comes back by itself, still signed in, and knows what happened meanwhile', { skip }, async () => {
  const waited = await waiting();
  await kill();
  const lost = page.getByRole('status').getByText(/no connection/);
  await lost.waitFor();
  await shot(page, 'server-away');
  // Kept away a little longer, so that something happens that it cannot hear.
  await context.setOffline(true);
  await demo(/Stop with Ctrl-C/);
  assert.equal(await waiting(), waited, 'nothing was lost');
  const [one, two] = await ask<{ id: string }[]>('/api/query/inbox');
  for (const { id } of [one!, two!]) await ask(`/api/inbox/${encodeURIComponent(id)}/reject`, { reason: 'decided elsewhere' });
  const now = await waiting();
  assert.ok(now < waited);
  await context.setOffline(false);
  await lost.waitFor({ state: 'detached' });
  await counted(now);
  assert.equal(await page.getByRole('heading', { level: 1, name: 'Inbox' }).count(), 1, 'nobody was signed out');
});

test('a reader that says what it heard last gets the rest, in order and once', { skip }, async () => {
  const read = async (headers: Record<string, string>, until: RegExp) => {
    const over = new AbortController();
    const answer = await fetch(`${api()}/api/events`, { headers: { authorization: `Bearer ${token()}`, ...headers }, signal: over.signal });
    let text = '';
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) if (until.test((text += chunk))) break;
    over.abort();
    return text;
  };
  const last = /^id: (.+)$/m.exec(await read({}, /event: hello\n[^]*?\n\n/))![1]!;
  const [one] = await ask<{ id: string }[]>('/api/query/inbox');
  await ask(`/api/inbox/${encodeURIComponent(one!.id)}/reject`, { reason: 'no' });
  const text = await read({ 'last-event-id': last }, /"state":"rejected"|event: commits\n[^]*?\n\n/);
  assert.doesNotMatch(text, /event: resync/);
  const seqs = Array.from(text.matchAll(/"seq":(\d+)/g), ([, seq]) => Number(seq));
  const from = Number(last.split(':').at(-1));
  assert.equal(seqs[0], from + 1);
  assert.deepEqual(seqs, seqs.map((_, i) => from + 1 + i));
});
