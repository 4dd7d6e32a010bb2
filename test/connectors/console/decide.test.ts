// Goal: a link decides about exactly what it was made for, once, by a button and never by looking; and the page shows all of it, also what
// was meant to be unseen. Method: the real desk and store behind the routes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { Hono } from 'hono';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { decideLink, decideRoutes } from '#connectors/console/decide.ts';
import { decisionPage, visible } from '#connectors/console/decide-page.ts';
import { exactJson } from '#connectors/console/hidden.ts';
import { readTicket, ticketFor } from '#connectors/console/decide-ticket.ts';
import { createDesk, type Desk } from '#connectors/console/desk.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import type { Intent } from '#machines/records.ts';
import { startWorld, type World } from '#test/kit/world.ts';

const key = Buffer.alloc(32, 7);
const publicUrl = 'https://desk.studio-voss.example/';
let world: World;
let desk: Desk;
let nowMs = 0;
let made = 0;
before(async () => {
  world = await startWorld({ machines: [] });
  desk = createDesk({ store: world.store, bus: world.bus, clock: systemClock, makeId: randomId });
});
after(() => world.stop());

const find = (id: string) => world.store.query('intent', { id }) as Promise<StoredIntent | null>;
const write = (intent: Intent) => world.store.commit({ ...emptyCommit(`test:${++made}`, Date.now(), 'host/test', {}), intents: [intent] });
/** Something whose actor is gone: the desk itself settles it, by the same hash as everything. */
async function ask(data: Intent['data'] = {}): Promise<StoredIntent> {
  const id = `failed-${++made}`;
  await write({ id, kind: 'escalation', state: 'input-required', summary: 'Could not be done', data: { risk: 'medium', reasons: [], payload: { text: 'x' }, payloadHash: `hash-${id}`, expiresAfterMs: null, answers: 'approve or reject', ...data } });
  nowMs = Date.now();
  return (await find(id))!;
}
function site(given: Partial<Parameters<typeof decideRoutes>[1]> = {}) {
  const app = new Hono();
  decideRoutes(app, { desk, key, now: () => nowMs, find, ...given });
  return {
    get: (url: string) => app.request(url),
    post: (url: string, fields: Record<string, string> | string, headers: Record<string, string> = {}) => app.request(url, { method: 'POST', body: new URLSearchParams(fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', ...headers } }),
  };
}
const linkOf = (item: StoredIntent) => decideLink(publicUrl, item, { key, nowMs }) ?? assert.fail('no link');
const sentence = async (response: Response) => /<h1>([^<]*)<\/h1>/.exec(await response.text())?.[1];

test('looking shows everything and decides nothing, however often; the button decides, once', async () => {
  const item = await ask();
  const url = linkOf(item);
  for (let n = 0; n < 3; n += 1) assert.equal((await site().get(url)).status, 200);
  assert.equal((await find(item.id))?.state, 'input-required');
  const approved = await site().post(url, { decision: 'approve' });
  assert.deepEqual([approved.status, await sentence(approved)], [200, 'Approved.']);
  assert.equal((await find(item.id))?.state, 'completed');
  for (const again of [await site().post(url, { decision: 'approve' }), await site().post(url, { decision: 'reject', reason: 'no' }), await site().get(url)]) {
    assert.deepEqual([again.status, await sentence(again)], [410, 'This was already decided: it is completed.']);
  }
});

test('what is risky is approved with the words that the page asks for, and with no others', async () => {
  const item = await ask({ risk: 'high', money: { amountMinor: 119_000, currency: 'EUR', payee: 'Acme' } });
  const [id, url] = [item.id, linkOf(item)];
  const words = /To approve, type <b>([^<]+)<\/b>/.exec(await (await site().get(url)).text())?.[1];
  assert.equal(words, '1,190.00 EUR');
  for (const wrong of ['', 'approve', '1,190.00 USD']) assert.equal((await site().post(url, { decision: 'approve', confirm: wrong })).status, 409);
  assert.equal((await site().post(url, { decision: 'approve' })).status, 409);
  assert.equal((await find(id))?.state, 'input-required');
  assert.equal((await site().post(url, { decision: 'approve', confirm: words })).status, 200);
  assert.equal((await find(id))?.state, 'completed');
});

test('two answers at once: one wins, and the other is told; the same button twice is one answer', async () => {
  const item = await ask();
  const url = linkOf(item);
  const [yes, no, yesAgain] = (await Promise.all([site().post(url, { decision: 'approve' }), site().post(url, { decision: 'reject', reason: 'no' }), site().post(url, { decision: 'approve' })])).map(({ status }) => status);
  assert.deepEqual([yes, no], (await find(item.id))?.state === 'completed' ? [200, 409] : [409, 200]);
  assert.ok(yesAgain === yes || yesAgain === 410);
});

test('a rejection needs a reason, and keeps it', async () => {
  const item = await ask();
  const url = linkOf(item);
  for (const fields of [{ decision: 'reject' }, { decision: 'reject', reason: '  ' }, { decision: 'reject', reason: 'x'.repeat(2_001) }]) assert.equal((await site().post(url, fields as Record<string, string>)).status, 400);
  assert.equal((await site().post(url, { decision: 'reject', reason: 'wrong person' })).status, 200);
  assert.equal((await find(item.id))?.state, 'rejected');
});

test('what is no decision of this page decides nothing', async () => {
  const item = await ask();
  const url = linkOf(item);
  const { post, get } = site();
  const tries: [number, Response | Promise<Response>][] = [
    [400, post(url, {})], [400, post(url, { decision: 'APPROVE' })], [400, post(url, 'decision=reject&decision=approve')],
    [403, post(url, { decision: 'approve' }, { 'sec-fetch-site': 'cross-site' })], [403, post(url, { decision: 'approve' }, { 'sec-fetch-site': 'same-site' })],
    [415, post(url, { decision: 'approve' }, { 'content-type': 'application/json' })], [415, post(url, { decision: 'approve' }, { 'content-type': 'text/plain' })],
    [413, post(url, { decision: 'approve', reason: 'x'.repeat(20_000) })], [200, get(`${url}?decision=approve`)],
  ];
  for (const [status, response] of tries) assert.equal((await response).status, status);
  assert.equal((await find(item.id))?.state, 'input-required');
});

test('a link that expired, was changed, was made with another key, or is about something else now says so in one sentence', async () => {
  const item = await ask({ expiresAfterMs: 3_600_000 });
  const url = linkOf(item);
  const ticket = url.split('/').at(-1)!;
  assert.equal(readTicket(ticket, key)?.expiresMs, item.created_ms + 3_600_000);
  nowMs = item.created_ms + 3_600_000;
  const late = await site().post(url, { decision: 'approve' });
  assert.deepEqual([late.status, await sentence(late)], [410, 'This link has expired. Look into the inbox.']);
  nowMs = item.created_ms;

  const [body = '', signature = ''] = ticket.split('.');
  const longer = Buffer.from(JSON.stringify([item.id, item.data?.payloadHash, 9e15])).toString('base64url');
  const forged = ['', body, `${body}.`, `${longer}.${signature}`, `${body}.${signature}.x`, `${body}.${signature.slice(0, -1)}`, `${body}.${signature.slice(0, -1)}!`, 'x'.repeat(5_000), ticketFor(item, { key: Buffer.alloc(32, 8), nowMs })!];
  for (const text of forged) {
    const response = await site().post(`${publicUrl}decide/${encodeURIComponent(text) || '%20'}`, { decision: 'approve' });
    assert.deepEqual([response.status, await sentence(response)], [404, 'This link is not valid.'], text.slice(0, 50));
  }

  await write({ id: item.id, kind: 'escalation', state: 'input-required', summary: 'Another one', data: { ...item.data, payloadHash: 'hash-new' } as Intent['data'] });
  const changed = await site().post(url, { decision: 'approve' });
  assert.deepEqual([changed.status, await sentence(changed)], [409, 'This has changed since the link was made. Look into the inbox.']);
  assert.equal((await find(item.id))?.state, 'input-required');
});

test('one bit of a ticket changed makes it void', () => {
  const item: StoredIntent = { id: 'ap-1', kind: 'approval', state: 'input-required', actor: 'a/b', summary: 's', data: { payloadHash: 'h' }, created_ms: 5 };
  const ticket = ticketFor(item, { key, nowMs: 10 })!;
  assert.deepEqual(readTicket(ticket, key), { id: 'ap-1', payloadHash: 'h', expiresMs: 10 + 7 * 86_400_000 });
  for (let at = 0; at < ticket.length; at += 1) for (const other of ['A', 'z', '.', '_']) {
    const changed = ticket.slice(0, at) + other + ticket.slice(at + 1);
    if (changed !== ticket) assert.equal(readTicket(changed, key), null, `${at}: ${other}`);
  }
  assert.equal(ticketFor({ ...item, data: null }, { key, nowMs: 10 }), null);
});

test('a change between the page and the button is refused by the desk', async () => {
  const item = await ask();
  const url = linkOf(item);
  const stale = site({ find: async (id) => {
    const read = await find(id);
    await write({ id, kind: 'escalation', state: 'input-required', data: { ...item.data, payloadHash: 'hash-later' } as Intent['data'] });
    return read;
  } });
  const response = await stale.post(url, { decision: 'approve' });
  assert.equal(response.status, 409);
  assert.match(await response.text(), /Not decided here: .*has changed since it was shown/);
});

test('when the desk fails nobody is told what it was, and the page says how to go on', async () => {
  const url = linkOf(await ask());
  const response = await site({ desk: { approve: () => Promise.reject(new Error('SQLITE at /data/secret')), reject: () => Promise.reject(new Error('x')) } }).post(url, { decision: 'approve' });
  const text = await response.text();
  assert.equal(response.status, 503);
  assert.ok(!text.includes('SQLITE'));
});

test('every answer forbids scripts, loads, frames and telling the address', async () => {
  const url = linkOf(await ask());
  for (const response of [await site().get(url), await site().get(`${publicUrl}decide/x`), await site().post(url, {})]) {
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/);
    assert.deepEqual(['referrer-policy', 'cache-control', 'x-content-type-options', 'x-frame-options', 'content-type'].map((name) => response.headers.get(name)), ['no-referrer', 'no-store', 'nosniff', 'DENY', 'text/html; charset=utf-8']);
    const html = await response.text();
    assert.ok(!/<script|<img|<link|<iframe|<a |\son\w+=|src=|href=|style=/i.test(html));
  }
});

const evil = '<script>alert(1)</script>"\'&<img src=x onerror=y>\u202egpj.exe\u200b\u00ad\u2066\u{e0041}\ufe0f\u3164\u2800\u00a0\u2028\ud800\u0007\r';
const pageOf = (over: object): string => decisionPage({ id: 'ap-1', kind: 'approval', state: 'input-required', actor: 'a/b', summary: evil, created_ms: 0, data: { payload: { text: evil }, payloadHash: 'h', ...over } }, 0);
const unescape = (html: string) => html.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

test('whatever the strings are, they stay text, and nothing of them is unseen', () => {
  const html = pageOf({
    does: evil, preview: evil, reasons: [evil], answers: evil, risk: evil, payloadHash: evil, money: { amountMinor: 5, currency: 'EUR', payee: evil },
    control: [{ kind: 'recipient', field: evil, value: `nina@${evil}`, vouchedBy: evil }], enclosures: [{ artifact: 'a', name: evil, mediaType: evil, hash: evil, sizeBytes: 1 }],
  });
  const tags = new Set([...html.matchAll(/<\/?([a-z!]\w*)/gi)].map((match) => match[1]?.toLowerCase()));
  for (const tag of tags) assert.ok(['!doctype', 'html', 'head', 'meta', 'title', 'style', 'body', 'h1', 'h2', 'p', 'span', 'pre', 'mark', 'ul', 'li', 'dl', 'dt', 'dd', 'br', 'form', 'button', 'label', 'textarea'].includes(tag ?? ''), tag);
  assert.ok(!/[\u202a-\u202e\u2066-\u2069\u200b\u00ad\u3164\u2800\u00a0\u2028\u0007\r]|[\ufe0f\u{e0041}]/u.test(html));
  for (const code of ['202E', '200B', 'AD', '2066', 'E0041', 'FE0F', '3164', '2800', 'A0', '2028', 'D800', '7', 'D']) assert.ok(html.includes(`<mark>U+${code.padStart(4, '0')}</mark>`), code);
});

test('the exact payload on the page reads back as the payload, for any payload', () => {
  const show = (payload: unknown) => unescape(/<pre id="payload">([^]*?)<\/pre>/.exec(pageOf({ payload }))?.[1] ?? '');
  assert.deepEqual(JSON.parse(show({ text: evil, [evil]: [evil, 1, null] })), { text: evil, [evil]: [evil, 1, null] });
  fc.assert(fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
    const payload = { value: JSON.parse(JSON.stringify(value)) as unknown, text };
    assert.deepEqual(JSON.parse(show(payload)), payload);
    assert.ok(/^[^\p{Cc}\p{Cf}\p{DI}\p{Zl}\p{Zp}]*$/u.test(exactJson(text)));
  }), { numRuns: 100 });
  assert.equal(visible('two\nlines\tand a tab'), 'two\nlines\tand a tab');
});

test('an international domain is shown in both spellings, and money in its own parts', () => {
  const cyrillic = pageOf({ control: [{ kind: 'recipient', field: 'to.address', value: 'nina@xn--hlt-sed.example', vouchedBy: null }] });
  assert.match(cyrillic, /nina@xn--hlt-sed\.example \(also written h\u043elt\.example\)<br>not vouched for/);
  assert.match(pageOf({ control: [{ kind: 'host', field: 'url', value: 'h\u043elt.example', vouchedBy: null }] }), /also written xn--hlt-sed\.example/);
  const money = (amountMinor: number, currency: string) => unescape(pageOf({ money: { amountMinor, currency, payee: 'Holt' } }).replace(/<mark>U\+00A0<\/mark>/g, ' '));
  assert.match(money(11_900, 'EUR'), /119\.00 EUR to Holt/);
  assert.match(money(11_900, 'JPY'), /11,900 JPY to Holt/);
});
