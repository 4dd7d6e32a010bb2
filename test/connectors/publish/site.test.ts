// A static site: what is published is served and in the feeds, what is a draft is seen by nobody, and nothing leaves the folder.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { DOMParser, parseHTML } from 'linkedom';
import { createPublishConnector } from '#connectors/publish/connector.ts';
import { renewLists } from '#connectors/publish/lists.ts';
import { openSiteFolder, type SiteFolder } from '#connectors/publish/site-folder.ts';
import { nginxMissing, startNginx } from '#test/kit/nginx.ts';
import { nowMs, page, phasesOf, siteOf, startSite } from './publish-kit.ts';

const dayMs = 86_400_000;
const publish = (connector: Parameters<typeof phasesOf>[0], changed: object = {}, id = 'operation/1', options: Parameters<typeof phasesOf>[4] = {}) => phasesOf(connector, 'publish.site', { ...page, ...changed }, id, options);
const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');
const xml = (text: string) => new DOMParser().parseFromString(text, 'text/xml');
const texts = (text: string, selector: string) => [...xml(text).querySelectorAll(selector)].map(({ textContent }) => String(textContent));
/** Everything below, with its contents. */
const tree = (folder: string) => Object.fromEntries(readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).toSorted().map((path) => [path.slice(folder.length), readFileSync(path, 'utf8')]));
const outside = (t: { after(run: () => unknown): void }) => {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-outside-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

test('a published page is served with its feeds, a draft is not', { skip: nginxMissing() ?? false }, async (t) => {
  const nginx = await startNginx({ locations: 'location ~ /\\. { deny all; }' });
  t.after(() => nginx.stop());
  const connector = createPublishConnector(siteOf(nginx.root, nginx.url), {});
  const get = async (path: string) => {
    const reply = await fetch(`${nginx.url}/${path}`);
    return { status: reply.status, text: await reply.text() };
  };
  const { prepare, commit } = publish(connector);
  const reservation = await prepare();
  assert.equal((await get('spring-hours.html')).status, 404);
  assert.equal((await get(`.drafts/${reservation.ref}/page.html`)).status, 403);
  assert.equal((await get('feed.xml')).status, 404);
  const { result, facts } = await commit(reservation);
  assert.deepEqual(result, { url: `${nginx.url}/spring-hours.html` });
  assert.deepEqual(facts.map(({ entity, predicate }) => [entity, predicate]), [[`asset/${nginx.url}/spring-hours.html`, 'published']]);
  const { document } = parseHTML((await get('spring-hours.html')).text);
  assert.equal(document.querySelector('h1')?.textContent, page.title);
  assert.equal(document.querySelector('article strong')?.textContent, '8');
  const [rss, atom, index] = [await get('feed.xml'), await get('atom.xml'), await get('')];
  assert.deepEqual([texts(rss.text, 'item > title'), texts(rss.text, 'item > link')], [[page.title], [`${nginx.url}/spring-hours.html`]]);
  assert.deepEqual([texts(atom.text, 'entry > title'), texts(atom.text, 'entry > id')], [[page.title], [`${nginx.url}/spring-hours.html`]]);
  assert.equal(parseHTML(index.text).document.querySelector('li a')?.getAttribute('href'), `${nginx.url}/spring-hours.html`);
  assert.deepEqual(readdirSync(join(nginx.root, '.drafts')), []);
});

test('drafts and records are for us alone, pages for everybody', async (t) => {
  const { folder, connector } = startSite(t);
  const { prepare, commit } = publish(connector);
  const reservation = await prepare();
  const mode = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8);
  assert.deepEqual([mode('.drafts'), mode(`.drafts/${reservation.ref}`), mode(`.drafts/${reservation.ref}/page.html`)], ['700', '700', '600']);
  await commit(reservation);
  assert.deepEqual(['.posts', '.posts/spring-hours.json', 'spring-hours.html', 'index.html', 'feed.xml', 'atom.xml'].map(mode), ['700', '600', '644', '644', '644', '644']);
});

test('hostile words stay words in page, list and feeds', async (t) => {
  const { folder, connector } = startSite(t);
  const title = ']]><script>alert(1)</script> & "A" \'B\' &amp; <b>';
  await publish(connector, { title, summary: title, text: `${title}\n\n<img src=x onerror=alert(1)> ]]>` }).publish();
  const { document } = parseHTML(read(folder, 'spring-hours.html'));
  assert.equal(document.querySelectorAll('script, img, b').length, 0);
  assert.equal(document.querySelector('h1')?.textContent, title);
  const list = parseHTML(read(folder, 'index.html')).document;
  assert.deepEqual([list.querySelectorAll('script, b').length, list.querySelector('li a')?.textContent], [0, title]);
  for (const [name, item] of [['feed.xml', 'item'], ['atom.xml', 'entry']] as const) {
    const feed = xml(read(folder, name));
    assert.equal(feed.querySelectorAll(item).length, 1);
    assert.equal(feed.querySelectorAll('script, b, img').length, 0, `${name}: markup of its own`);
    assert.equal(feed.querySelector(`${item} > title`)?.textContent, title, name);
  }
});

test('an unlisted page is in no list and no feed', async (t) => {
  const { folder, connector } = startSite(t);
  await publish(connector, { slug: 'secret', visibility: 'unlisted', title: 'Hidden offer' }, 'operation/2').publish();
  await publish(connector).publish();
  for (const name of ['index.html', 'feed.xml', 'atom.xml']) assert.ok(!read(folder, name).includes('Hidden offer') && read(folder, name).includes(page.title), name);
  assert.match(read(folder, 'secret.html'), /noindex/);
});

test('two operations with one slug are one page: the first, whichever way they overlap', async (t) => {
  const { folder, connector } = startSite(t);
  const [first, second] = [publish(connector, {}, 'operation/1'), publish(connector, { title: 'Other' }, 'operation/2')];
  const [held, alsoHeld] = [await first.prepare(), await second.prepare()];
  const settled = await Promise.allSettled([first.commit(held), second.commit(alsoHeld)]);
  assert.deepEqual(settled.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.equal((settled.find(({ status }) => status === 'rejected') as PromiseRejectedResult).reason.code, 'SEND_REFUSED');
  const winner = settled[0].status === 'fulfilled' ? page.title : 'Other';
  assert.equal(parseHTML(read(folder, 'spring-hours.html')).document.querySelector('h1')?.textContent, winner);
  assert.deepEqual(texts(read(folder, 'feed.xml'), 'item > title'), [winner]);
  await assert.rejects(publish(connector, {}, 'operation/3').prepare(), { code: 'SEND_REFUSED' });
});

test('pages published at the same moment are all in the feeds', async (t) => {
  const { folder, connector } = startSite(t);
  const slugs = Array.from({ length: 12 }, (_, n) => `page-${n}`);
  await Promise.all(slugs.map((slug, n) => publish(connector, { slug, title: slug }, `operation/${n}`, { now: nowMs + n }).publish()));
  assert.deepEqual(texts(read(folder, 'feed.xml'), 'item > title').toSorted(), slugs.toSorted());
  assert.equal(parseHTML(read(folder, 'index.html')).document.querySelectorAll('li').length, slugs.length);
});

test('a page that is published while the feeds of another are made is in them all the same', async (t) => {
  const { folder, connector } = startSite(t);
  const first = await publish(connector).prepare();
  const opened = await openSiteFolder(folder);
  const { post } = (await opened.draft(first.ref))!;
  await opened.show(post);
  await opened.record(post);
  let listed = 0;
  const overtaken: SiteFolder = {
    ...opened,
    async posts() {
      const posts = await opened.posts();
      listed += 1;
      if (listed === 1) await publish(connector, { slug: 'next', title: 'Next' }, 'operation/2').publish();
      return posts;
    },
  };
  await renewLists(siteOf(folder).site!, overtaken, first.ref);
  assert.deepEqual(texts(read(folder, 'feed.xml'), 'item > title').toSorted(), ['Next', page.title]);
});

test('whatever a crash left undone, a repetition ends where it would have ended without', async (t) => {
  const reference = startSite(t);
  await publish(reference.connector).publish();
  const whole = tree(reference.folder);
  type Step = (folder: string, draft: string) => void;
  const steps: Record<string, Step> = {
    'before the page': () => undefined,
    'after the rights of the draft': (_, draft) => chmodSync(join(draft, 'page.html'), 0o644),
    'after the page': (folder, draft) => linkSync(join(draft, 'page.html'), join(folder, 'spring-hours.html')),
    'while the record is written': (folder, draft) => { steps['after the page']!(folder, draft); writeFileSync(join(draft, '.writing'), '{"slug":'); },
    'after the record': (folder, draft) => { steps['after the page']!(folder, draft); writeFileSync(join(folder, '.posts/spring-hours.json'), readFileSync(join(draft, 'post.json'))); },
    'with a feed half done': (folder, draft) => { steps['after the record']!(folder, draft); writeFileSync(join(folder, 'index.html'), whole['/index.html']!); writeFileSync(join(draft, '.writing'), '<rss'); },
  };
  for (const [when, leave] of Object.entries(steps)) {
    const { folder, connector } = startSite(t);
    const { prepare, commit, lookup } = publish(connector);
    const reservation = await prepare();
    leave(folder, join(folder, '.drafts', reservation.ref));
    const isOut = existsSync(join(folder, 'spring-hours.html'));
    assert.equal((await lookup(reservation)).found, isOut ? 'done' : 'absent', when);
    // Later, and prepared again, as after a restart.
    const again = publish(connector, {}, 'operation/1', { now: nowMs + 3_600_000 });
    await again.commit(await again.prepare());
    assert.deepEqual(tree(folder), whole, when);
    await commit(reservation);
    assert.deepEqual(tree(folder), whole, `${when}: once more`);
  }
});

test('a draft that was cut by a crash is written again, with the time of then', async (t) => {
  const { folder, connector } = startSite(t);
  const { ref } = await publish(connector).prepare();
  writeFileSync(join(folder, '.drafts', ref, 'post.json'), '{"slug":"spr');
  const later = publish(connector, {}, 'operation/1', { now: nowMs + dayMs });
  await later.commit(await later.prepare());
  assert.match(read(folder, 'spring-hours.html'), /2026-03-02/);
});

test('what is held is let go, and a page that is out stays', async (t) => {
  const { folder, connector } = startSite(t);
  const { prepare, commit, abort, lookup } = publish(connector);
  const first = await prepare();
  await abort(first);
  await abort(first);
  assert.deepEqual(readdirSync(join(folder, '.drafts')), []);
  await assert.rejects(commit(first), { code: 'SEND_REFUSED', message: /lapsed/ });
  assert.equal((await lookup(first)).found, 'absent');
  await commit(await prepare());
  await abort(first);
  assert.ok(existsSync(join(folder, 'spring-hours.html')));
  assert.equal((await lookup(first)).found, 'done');
});

test('a draft lapses, and old ones are swept away by the next', async (t) => {
  const { folder, connector } = startSite(t);
  const old = await publish(connector, { slug: 'old' }, 'operation/old').prepare();
  await assert.rejects(publish(connector, { slug: 'old' }, 'operation/old', { now: old.expiresAtMs + 1 }).commit(old), { code: 'SEND_REFUSED', message: /lapsed/ });
  // What a file's age is, the disk says.
  const far = publish(connector, { slug: 'new' }, 'operation/new', { now: statSync(join(folder, '.drafts', old.ref)).mtimeMs + 9 * dayMs });
  assert.deepEqual(readdirSync(join(folder, '.drafts')), [old.ref]);
  assert.deepEqual([(await far.prepare()).ref], readdirSync(join(folder, '.drafts')));
});

test('a draft that somebody changed is not published', async (t) => {
  const { folder, connector } = startSite(t);
  const { prepare, commit } = publish(connector);
  const reservation = await prepare();
  const draft = join(folder, '.drafts', reservation.ref, 'page.html');
  writeFileSync(draft, readFileSync(draft, 'utf8').replace('We open', 'We close'));
  await assert.rejects(commit(reservation), { code: 'SEND_REFUSED', message: /not what was approved/ });
  assert.ok(!existsSync(join(folder, 'spring-hours.html')));
});

test('files that others made are left as they are', async (t) => {
  const { folder, connector } = startSite(t);
  writeFileSync(join(folder, 'index.html'), '<h1>Mine</h1>');
  writeFileSync(join(folder, 'mine.html'), '<h1>Mine</h1>');
  await assert.rejects(publish(connector, { slug: 'mine' }).prepare(), { code: 'SEND_REFUSED' });
  const { note } = await publish(connector).publish();
  assert.match(note, /index\.html is yours/);
  assert.deepEqual([read(folder, 'index.html'), read(folder, 'mine.html')], ['<h1>Mine</h1>', '<h1>Mine</h1>']);
  assert.ok(existsSync(join(folder, 'feed.xml')));
});

test('a page that the operator takes away leaves the feeds with the next one, and never comes back', async (t) => {
  const { folder, connector } = startSite(t);
  const { prepare, commit } = publish(connector);
  const reservation = await prepare();
  await commit(reservation);
  rmSync(join(folder, 'spring-hours.html'));
  await assert.rejects(commit(reservation), { code: 'SEND_REFUSED' });
  await publish(connector, { slug: 'next', title: 'Next' }, 'operation/2').publish();
  assert.deepEqual(texts(read(folder, 'feed.xml'), 'item > title'), ['Next']);
});

for (const broken of ['', '{', '{"slug":"../x"}', 'null']) test(`a record that cannot be read hides one page from the feeds, and holds nothing up: ${JSON.stringify(broken)}`, async (t) => {
  const { folder, connector } = startSite(t);
  await publish(connector).publish();
  writeFileSync(join(folder, '.posts/spring-hours.json'), broken);
  await publish(connector, { slug: 'next', title: 'Next' }, 'operation/2').publish();
  assert.deepEqual(texts(read(folder, 'feed.xml'), 'item > title'), ['Next']);
});

for (const where of ['.drafts', '.posts', 'spring-hours.html', 'feed.xml', 'index.html', '.posts/spring-hours.json'] as const) test(`a link at ${where} is refused, and nothing outside is touched`, async (t) => {
  const { folder, connector } = startSite(t);
  const away = outside(t);
  const isFolder = !/\w\.\w/.test(where);
  const target = isFolder ? away : join(away, 'target');
  if (!isFolder) writeFileSync(target, 'untouched');
  if (where.startsWith('.posts/')) mkdirSync(join(folder, '.posts'), { mode: 0o700 });
  symlinkSync(target, join(folder, where));
  const before = tree(away);
  await assert.rejects(publish(connector).publish(), { code: /^(REFUSED|SEND_REFUSED|SEND_UNKNOWN)$/ });
  assert.deepEqual(tree(away), before);
});

test('a link that leads nowhere, a folder, a pipe or a missing folder in the way are refused', async (t) => {
  const { folder, connector } = startSite(t);
  symlinkSync(join(folder, 'nowhere'), join(folder, 'spring-hours.html'));
  await assert.rejects(publish(connector).publish(), { code: 'REFUSED' });
  mkdirSync(join(folder, 'other.html'));
  await assert.rejects(publish(connector, { slug: 'other' }).publish(), { code: 'REFUSED' });
  const away = outside(t);
  symlinkSync(folder, join(away, 'link'));
  for (const [path, code] of [[join(away, 'link'), 'REFUSED'], [join(away, 'missing'), 'REFUSED'], [join(folder, 'spring-hours.html'), 'REFUSED']] as const) await assert.rejects(publish(createPublishConnector(siteOf(path), {})).prepare(), { code });
  assert.ok(!existsSync(join(folder, 'nowhere')));
});
