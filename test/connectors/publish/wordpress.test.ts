// WordPress behind a faulty network: what is published is what was approved, once, and whatever is lost is found by the mark in its slug.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { createPublishConnector, settingsSchema } from '#connectors/publish/connector.ts';
import { startFaultyProxy, type Fault } from '#test/kit/faulty-proxy.ts';
import { startWordpress } from '#test/kit/wordpress.ts';
import { page, phasesOf } from './publish-kit.ts';

async function startWorld(t: { after(run: () => unknown): void }) {
  const wordpress = await startWordpress();
  t.after(() => wordpress.stop());
  const proxy = await startFaultyProxy(wordpress.url);
  t.after(() => proxy.stop());
  const connector = (url = proxy.url, password = wordpress.password) => createPublishConnector(settingsSchema.parse({ wordpress: { url, user: wordpress.user } }), { WORDPRESS_PASSWORD: password });
  const publish = (changed: object = {}, id = 'operation/1', options: Parameters<typeof phasesOf>[4] = {}) => phasesOf(connector(), 'publish.wordpress', { ...page, ...changed }, id, options);
  return { wordpress, proxy, connector, publish, posts: () => [...wordpress.posts.values()] };
}

test('a draft is seen by nobody, and published as it was approved whoever changed it meanwhile', async (t) => {
  const { publish, posts, wordpress } = await startWorld(t);
  const { prepare, commit, lookup } = publish({ text: 'Hello <b>you</b> [gallery]', title: 'A & B' });
  const reservation = await prepare();
  assert.deepEqual(posts().map(({ status }) => status), ['draft']);
  assert.equal((await lookup(reservation)).found, 'absent');
  const [draft] = posts();
  wordpress.posts.set(draft!.id, { ...draft!, title: 'Hacked', content: '<script>alert(1)</script>', slug: 'hacked' });
  const { result } = await commit(reservation);
  const [post] = posts();
  assert.deepEqual([post?.status, post?.title, post?.content], ['publish', 'A &amp; B', '<p>Hello &lt;b&gt;you&lt;/b&gt; &#91;gallery&#93;</p>']);
  assert.match(post!.slug, /^spring-hours-[0-9a-f]{12}$/);
  assert.deepEqual(result, { id: post!.id, url: `${wordpress.url}/${post!.slug}` });
});

test('a private post is not public', async (t) => {
  const { publish, posts } = await startWorld(t);
  const { facts } = await publish({ visibility: 'private' }).publish();
  assert.equal(posts()[0]?.status, 'private');
  assert.deepEqual(facts[0]?.value, { title: page.title, visibility: 'private', operation: 'operation/1' });
});

test('a lost reply to the draft is no harm: the same draft is found again', async (t) => {
  const { publish, posts, proxy } = await startWorld(t);
  const { prepare, commit } = publish();
  void proxy.once(/^POST$/, { kind: 'lose-reply' });
  await assert.rejects(prepare(), { code: 'SEND_DEFERRED' });
  await commit(await prepare());
  assert.deepEqual(posts().map(({ status }) => status), ['publish']);
});

for (const fault of [{ kind: 'lose-reply' }, { kind: 'answer-after', status: 500 }, { kind: 'answer-after', status: 502 }, { kind: 'answer-after', status: 302 }] as const satisfies Fault[]) test(`published, and told ${JSON.stringify(fault)}: unknown, then found, and never published again`, async (t) => {
  const { publish, wordpress, proxy } = await startWorld(t);
  const { prepare, commit, lookup } = publish();
  const reservation = await prepare();
  void proxy.once(/^POST$/, fault);
  await assert.rejects(commit(reservation), { code: 'SEND_UNKNOWN' });
  for (const held of [reservation, null]) assert.equal((await lookup(held)).found, 'done');
  await commit(reservation);
  assert.equal(wordpress.published(), 1);
});

test('after a repetition the operator\'s own later changes are still there', async (t) => {
  const { publish, posts, wordpress } = await startWorld(t);
  const { prepare, commit } = publish();
  const reservation = await prepare();
  await commit(reservation);
  const [post] = posts();
  wordpress.posts.set(post!.id, { ...post!, content: '<p>corrected</p>' });
  await commit(reservation);
  assert.equal(posts()[0]?.content, '<p>corrected</p>');
});

const answers: { what: string; fault: Fault; code: string; retryAfterMs?: number }[] = [
  { what: 'too many requests', fault: { kind: 'answer', status: 429, headers: { 'retry-after': '30' } }, code: 'SEND_DEFERRED', retryAfterMs: 30_000 },
  { what: 'a maintenance page with a time', fault: { kind: 'answer', status: 503, headers: { 'retry-after': '600' }, body: '<h1>Back soon</h1>' }, code: 'SEND_DEFERRED', retryAfterMs: 600_000 },
  { what: 'forbidden', fault: { kind: 'answer', status: 403, body: '{"code":"rest_cannot_edit","message":"Sorry, you are not allowed to edit this post."}' }, code: 'SEND_REFUSED' },
  { what: 'a page instead of JSON', fault: { kind: 'answer', status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Please log in</html>' }, code: 'SEND_UNKNOWN' },
  { what: 'JSON of another shape', fault: { kind: 'answer', status: 200, body: '{"id":"7","status":"publish"}' }, code: 'SEND_UNKNOWN' },
  { what: 'JSON cut in the middle', fault: { kind: 'answer', status: 200, body: '{"id":7,"sta' }, code: 'SEND_UNKNOWN' },
  { what: 'an answer of 100 MB', fault: { kind: 'flood', bytes: 100_000_000 }, code: 'SEND_UNKNOWN' },
];
for (const { what, fault, code, retryAfterMs } of answers) test(`publishing ends in a named code: ${what}`, async (t) => {
  const { publish, proxy, wordpress } = await startWorld(t);
  const { prepare, commit, lookup } = publish();
  const reservation = await prepare();
  void proxy.once(/^POST$/, fault);
  await assert.rejects(commit(reservation), { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  assert.equal((await lookup(reservation)).found, 'absent');
  assert.equal(wordpress.published(), 0);
});

test('silence ends with the call', async (t) => {
  const { publish, proxy } = await startWorld(t);
  const reservation = await publish().prepare();
  const controller = new AbortController();
  const met = proxy.once(/^POST$/, { kind: 'silence' });
  const asked = assert.rejects(publish({}, 'operation/1', { signal: controller.signal }).commit(reservation), { code: 'SEND_UNKNOWN' });
  await met;
  controller.abort();
  await asked;
});

test('a user who may only hand in gets a refusal, and the draft is let go', async (t) => {
  const { publish, wordpress, posts } = await startWorld(t);
  wordpress.mayPublish = false;
  const { prepare, commit, abort } = publish();
  const reservation = await prepare();
  await assert.rejects(commit(reservation), { code: 'SEND_REFUSED', message: /pending/ });
  await abort(reservation);
  await abort(reservation);
  assert.deepEqual(posts(), []);
});

test('a draft that is gone or lapsed is not published, and what is out is not taken away', async (t) => {
  const { publish, wordpress, posts } = await startWorld(t);
  const { prepare, commit, abort, lookup } = publish();
  const gone = await prepare();
  wordpress.posts.clear();
  await assert.rejects(commit(gone), { code: 'SEND_REFUSED' });
  assert.equal((await lookup(gone)).found, 'unclear');
  const held = await prepare();
  await assert.rejects(publish({}, 'operation/1', { now: held.expiresAtMs + 1 }).commit(held), { code: 'SEND_REFUSED' });
  const [draft] = posts();
  wordpress.posts.set(draft!.id, { ...draft!, status: 'trash' });
  await assert.rejects(commit(held), { code: 'SEND_REFUSED' });
  assert.equal((await lookup(held)).found, 'unclear');
  wordpress.posts.set(draft!.id, draft!);
  await commit(held);
  await abort(held);
  assert.deepEqual(posts().map(({ status }) => status), ['publish']);
  await assert.rejects(commit(null), { code: 'SEND_REFUSED' });
});

test('two posts with one slug are two posts, each found by its own operation', async (t) => {
  const { publish, posts } = await startWorld(t);
  for (const id of ['operation/1', 'operation/2']) await publish({}, id).publish();
  assert.equal(new Set(posts().map(({ slug }) => slug)).size, 2);
  const [first, second] = [await publish({}, 'operation/1').lookup(null), await publish({}, 'operation/2').lookup(null)];
  assert.ok(first.found === 'done' && second.found === 'done' && first.performed.providerRef !== second.performed.providerRef);
});

test('a wrong password, a server that is no WordPress, and one that is down are told apart', async (t) => {
  const { connector, wordpress } = await startWorld(t);
  const prepare = (url: string | undefined, password?: string) => phasesOf(connector(url, password), 'publish.wordpress', page, 'operation/1').prepare();
  await assert.rejects(prepare(undefined, 'wrong-password-77'), (error: { code: string; message: string }) => error.code === 'SEND_REFUSED' && !error.message.includes('wrong-password-77'));
  const other = createServer((_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>'));
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  await assert.rejects(prepare(url), { code: 'SEND_REFUSED' });
  await new Promise((resolve) => void other.close(resolve));
  await assert.rejects(prepare(url), { code: 'SEND_DEFERRED' });
  await assert.rejects(prepare(`${wordpress.url}/blog`), { code: 'SEND_REFUSED', message: /No route/ });
});
