// The publish connector keeps the contract: a folder on disk, and a server that speaks WordPress's API behind a faulty network.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import test from 'node:test';
import { createPublishConnector, settingsSchema } from '#connectors/publish/connector.ts';
import { connectorContract } from '#test/contract/connector.ts';
import { startFaultyProxy } from '#test/kit/faulty-proxy.ts';
import { startWordpress } from '#test/kit/wordpress.ts';
import { page, siteOf, startSite } from './publish-kit.ts';

const hostileSlugs = ['', '..', '../x', 'a/b', 'a\\b', 'index', '.htaccess', 'a.php', 'a b', 'A', 'a\0', 'con', '-a', 'ä', 'a'.repeat(81), 'a%2fb'];
const hostile = [...hostileSlugs.map((slug) => ({ ...page, slug })), { ...page, title: 'a\nb' }, { ...page, title: 'a\u202eb' }, { ...page, text: ' \n ' }, { ...page, text: 'a\u0000b' }, { ...page, visibility: 'secret' }, { ...page, html: '<b>' }];

test('a static site keeps the contract', async (t) => {
  const { folder, connector } = startSite(t);
  const pages = () => readdirSync(folder).filter((name) => name.endsWith('.html') && name !== 'index.html').length;
  await connectorContract(t, { connector, good: { 'publish.site': (n: number) => ({ ...page, slug: `page-${n}` }) }, bad: { 'publish.site': hostile }, provider: { executed: pages } });
});

test('WordPress keeps the contract', async (t) => {
  const wordpress = await startWordpress();
  t.after(() => wordpress.stop());
  const proxy = await startFaultyProxy(wordpress.url);
  t.after(() => proxy.stop());
  const connector = createPublishConnector(settingsSchema.parse({ wordpress: { url: proxy.url, user: wordpress.user } }), { WORDPRESS_PASSWORD: wordpress.password });
  await connectorContract(t, {
    connector, secrets: { WORDPRESS_PASSWORD: wordpress.password },
    good: { 'publish.wordpress': (n: number) => ({ ...page, slug: `post-${n}` }) },
    bad: { 'publish.wordpress': hostile.filter((one) => one.slug !== 'x').map((one) => (one.visibility === 'secret' ? { ...one, visibility: 'unlisted' } : one)) },
    provider: {
      executed: () => wordpress.published(),
      loseNextReply: () => void proxy.once(/^POST$/, { kind: 'lose-reply' }),
      silence: () => ({ reached: proxy.always({ kind: 'silence' }), end: () => void proxy.always(null) }),
    },
  });
});

test('settings that lead nowhere, or send the password in the clear, are refused', () => {
  const site = { folder: '/srv/www', baseUrl: 'https://holt.example', title: 'Holt', author: 'Anna' };
  const wordpress = { url: 'https://blog.example', user: 'anna' };
  const wrong = [{}, { site: { ...site, folder: 'www' } }, { site: { ...site, baseUrl: 'ftp://x' } }, { site: { ...site, baseUrl: 'https://anna@holt.example' } }, { site: { ...site, baseUrl: 'https://holt.example/?a' } }, { site: { ...site, title: 'a\nb' } }, { wordpress: { ...wordpress, url: 'http://blog.example' } }, { wordpress: { ...wordpress, password: 'x' } }];
  for (const one of wrong) assert.equal(settingsSchema.safeParse(one).success, false, JSON.stringify(one));
  assert.throws(() => createPublishConnector(settingsSchema.parse({ wordpress }), {}), { code: 'BAD_CONFIG' });
  assert.deepEqual(createPublishConnector(settingsSchema.parse({ site, wordpress }), { WORDPRESS_PASSWORD: 'x' }).hosts, ['blog.example']);
  assert.deepEqual(createPublishConnector(siteOf('/srv/www'), {}).secrets, []);
});
