// The thread that parses one page: takes out what a browser would not show, looks for the article, and walks it into lines.
import { parentPort, workerData } from 'node:worker_threads';
import type { DomDocument, DomElement, DomNode } from './dom.ts';
import type { RawPage } from './page.ts';
import { takeOutHidden } from './hidden.ts';

const { html, url } = workerData as { html: string; url: string };
const block = new Set(['ADDRESS', 'ARTICLE', 'ASIDE', 'BLOCKQUOTE', 'BR', 'DD', 'DIV', 'DL', 'DT', 'FIGCAPTION', 'FIGURE', 'FOOTER', 'FORM', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'HEADER', 'HR', 'LI', 'MAIN', 'NAV', 'OL', 'P', 'PRE', 'SECTION', 'TABLE', 'TR', 'UL']);
const paragraph = new Set(['P', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'UL', 'OL', 'TABLE', 'BLOCKQUOTE', 'PRE']);
/** The article must be at least so long; else the page is taken as a whole. */
const articleChars = 200;
const elementsMax = 50_000;

const { parseHTML } = await import('linkedom');
const { Readability } = await import('@mozilla/readability');
const { document } = parseHTML(/<html[\s>]/i.test(html) ? html : `<html><body>${html}</body></html>`) as unknown as { document: DomDocument };
const hiddenParts = takeOutHidden(document);
const title = document.querySelector('title')?.textContent ?? document.querySelector('h1')?.textContent ?? '';
const whole = textOf(document.body);
const links = linksOf(document.body);
// Readability rewrites the document, so the whole page was read before.
const article = new Readability<DomElement>(document, { maxElemsToParse: elementsMax, serializer: (node) => node }).parse();
const found = article?.content ? textOf(article.content) : '';
const isArticle = found.length >= articleChars && article?.content;
const page: RawPage = {
  title: article?.title || title, byline: article?.byline ?? '',
  text: isArticle ? found : whole,
  links: isArticle ? linksOf(article.content) : links,
  hiddenParts,
};
parentPort!.postMessage(page);

/** Block elements become lines; within `pre` lines stay as they are. */
function textOf(root: DomElement | null | undefined): string {
  const out: string[] = [];
  const pending: (DomNode | string)[] = root ? [root] : [];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (typeof node === 'string') out.push(node);
    else if (node.nodeType === 3) out.push(node.parentNode?.nodeName === 'PRE' ? (node.textContent ?? '') : (node.textContent ?? '').replace(/[ \t\n\r\f]+/g, ' '));
    else if (node.nodeType === 1 || node.nodeType === 11) {
      const name = node.nodeName.toUpperCase();
      const edge = name === 'LI' ? '' : paragraph.has(name) ? '\n\n' : block.has(name) ? '\n' : name === 'TD' || name === 'TH' ? ' | ' : '';
      if (name === 'LI') out.push('\n- ');
      else if (edge !== ' | ') out.push(edge);
      pending.push(edge, ...Array.from(node.childNodes).toReversed());
    }
  }
  return out.join('');
}

function linksOf(root: DomElement | null | undefined): RawPage['links'] {
  const seen = new Map<string, string>();
  for (const anchor of root?.querySelectorAll('a[href]') ?? []) {
    const target = URL.parse(anchor.getAttribute('href') ?? '', url);
    const text = (anchor.textContent ?? '').replace(/\s+/g, ' ').trim();
    if (target !== null && /^https?:$/.test(target.protocol) && target.href.length <= 500 && text !== '' && !seen.has(target.href)) seen.set(target.href, text.slice(0, 500));
    if (seen.size === 50) break;
  }
  return Array.from(seen, ([to, text]) => ({ text, url: to }));
}
