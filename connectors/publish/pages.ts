// What the site's files say: a page, the list of pages, and both feeds. The same posts give the same bytes.
import { z } from 'zod';
import { withSlash } from '../named-server.ts';
import { escapeHtml, renderText } from './markup.ts';
import type { SiteSettings } from './settings.ts';

/** What is kept of each page, so that list and feeds can be made anew. */
export const postSchema = z.strictObject({
  slug: z.string(), title: z.string(), summary: z.string(), html: z.string(),
  visibility: z.enum(['public', 'unlisted']),
  publishedMs: z.number().int(),
  /** Of the operation that made it. */
  mark: z.string(),
});
export type Post = z.output<typeof postSchema>;

const generator = 'Keelson';
const inFeedMax = 50;
export const urlOf = ({ baseUrl }: SiteSettings, slug: string) => `${withSlash(baseUrl)}${slug}.html`;
/** Did we make this file? Others are never replaced. */
export const isOurs = (text: string) => text.includes(`<meta name="generator" content="${generator}">`) || text.includes(`<generator>${generator}</generator>`);
export const markIn = (html: string) => /<meta name="keelson-operation" content="([0-9a-f]{40})">/.exec(html)?.[1] ?? null;

export function makePost({ slug, title, summary, text, visibility }: { slug: string; title: string; summary: string; text: string; visibility: Post['visibility'] }, mark: string, publishedMs: number): Post {
  return { slug, title, summary, html: renderText(text), visibility, publishedMs, mark };
}

export function renderPage(site: SiteSettings, post: Post): string {
  const date = new Date(post.publishedMs).toISOString();
  return frame(site, `${post.title} · ${site.title}`, [
    `<meta name="keelson-operation" content="${post.mark}">`,
    ...(post.visibility === 'unlisted' ? ['<meta name="robots" content="noindex">'] : []),
    `<link rel="canonical" href="${escapeHtml(urlOf(site, post.slug))}">`,
  ], `<article>\n<h1>${escapeHtml(post.title)}</h1>\n<p><time datetime="${date}">${date.slice(0, 10)}</time> · ${escapeHtml(site.author)}</p>\n${post.html}\n</article>`);
}

/** `posts`: newest first. */
export function renderIndex(site: SiteSettings, posts: readonly Post[]): string {
  const items = posts.map(({ slug, title, summary, publishedMs }) => `<li><time>${new Date(publishedMs).toISOString().slice(0, 10)}</time> <a href="${escapeHtml(urlOf(site, slug))}">${escapeHtml(title)}</a>${summary === '' ? '' : `: ${escapeHtml(summary)}`}</li>`);
  return frame(site, site.title, [], `<h1>${escapeHtml(site.title)}</h1>\n<ul>\n${items.join('\n')}\n</ul>`);
}

export async function renderFeeds(site: SiteSettings, posts: readonly Post[]): Promise<{ rss: string; atom: string }> {
  const { Feed } = await import('feed');
  const base = withSlash(site.baseUrl);
  const feed = new Feed({
    id: base, link: base, title: site.title, description: site.title, language: site.language, generator, author: { name: site.author },
    updated: new Date(posts[0]?.publishedMs ?? 0), feedLinks: { rss: `${base}feed.xml`, atom: `${base}atom.xml` },
  });
  for (const { slug, title, summary, html, publishedMs } of posts.slice(0, inFeedMax)) {
    const [link, date] = [urlOf(site, slug), new Date(publishedMs)];
    feed.addItem({ title, id: link, link, date, published: date, content: html, author: [{ name: site.author }], ...(summary === '' ? {} : { description: summary }) });
  }
  return { rss: feed.rss2(), atom: feed.atom1() };
}

// Nothing on a page may load or run, whatever slips into it.
function frame({ baseUrl, language }: SiteSettings, title: string, head: readonly string[], body: string): string {
  const base = escapeHtml(withSlash(baseUrl));
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="${generator}">
${[...head, `<title>${escapeHtml(title)}</title>`].join('\n')}
<link rel="alternate" type="application/rss+xml" href="${base}feed.xml">
<link rel="alternate" type="application/atom+xml" href="${base}atom.xml">
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}
