// A page as it is handed on: bounded, and without what a reader would not see. HTML is parsed in a thread of its own that can be ended,
// because a page can be written to keep a parser busy for hours.
import { Worker } from 'node:worker_threads';
import { KeelsonError } from '#machines/errors.ts';
import { cleanLine, cleanText } from './clean.ts';

export interface Page {
  /** After redirects. */
  url: string;
  title: string;
  byline: string | null;
  text: string;
  links: { text: string; url: string }[];
  /** What was left out, and why. */
  notes: string[];
}

/** What the thread gives back: words as the page has them. */
export interface RawPage { title: string; byline: string; text: string; links: { text: string; url: string }[]; hiddenParts: number }

const limits = { htmlChars: 600_000, textChars: 50_000, titleChars: 300, links: 50, linkChars: 120, parseMs: 10_000, heapMb: 256 };

export function readPlain(text: string, url: string): Page {
  return finish({ title: new URL(url).pathname.split('/').at(-1) ?? '', byline: '', text, links: [], hiddenParts: 0 }, url, []);
}

/** Throws SEND_REFUSED for a page that cannot be parsed within time and memory. */
export async function readHtml(html: string, url: string, signal: AbortSignal): Promise<Page> {
  const cut = html.length > limits.htmlChars;
  // A '<' that opens nothing is text; a parser that looks for its end each time would take for ever.
  const raw = await parseAside(html.slice(0, limits.htmlChars).replace(/<(?![A-Za-z/!?])/g, '&lt;').toWellFormed(), url, signal);
  return finish(raw, url, cut ? [`only the first ${limits.htmlChars} characters of its HTML were looked at`] : []);
}

function finish(raw: RawPage, url: string, notes: string[]): Page {
  const { text, invisible } = cleanText(raw.text);
  return {
    url, title: cleanLine(raw.title, limits.titleChars),
    byline: cleanLine(raw.byline, limits.titleChars) || null,
    text: text.slice(0, limits.textChars).toWellFormed(),
    links: raw.links.slice(0, limits.links).map((link) => ({ text: cleanLine(link.text, limits.linkChars), url: link.url })),
    notes: [
      ...notes,
      ...(raw.hiddenParts > 0 ? [`${raw.hiddenParts} parts that a browser does not show were left out`] : []),
      ...(invisible > 0 ? [`${invisible} invisible characters were left out`] : []),
      ...(text.length > limits.textChars ? [`cut after ${limits.textChars} of ${text.length} characters`] : []),
    ],
  };
}

async function parseAside(html: string, url: string, signal: AbortSignal): Promise<RawPage> {
  const worker = new Worker(new URL('./page-thread.ts', import.meta.url), { workerData: { html, url }, env: {}, resourceLimits: { maxOldGenerationSizeMb: limits.heapMb } });
  const { promise, resolve, reject } = Promise.withResolvers<RawPage>();
  const tooMuch = (why: string) => (): void => reject(new KeelsonError('SEND_REFUSED', `the page at ${new URL(url).host} cannot be read: ${why}`));
  const time = AbortSignal.timeout(limits.parseMs);
  const stop = (): void => reject(new KeelsonError('SEND_DEFERRED', 'reading the page was stopped'));
  time.addEventListener('abort', tooMuch(`parsing it takes more than ${limits.parseMs} ms`), { once: true });
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  worker.once('message', resolve);
  worker.once('error', (error) => tooMuch(error instanceof Error ? error.message.slice(0, 200) : 'its parser failed')());
  worker.once('exit', tooMuch('its parser ended'));
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', stop);
    // Not waited for: a parser deep in one long step ends when that is over.
    void worker.terminate();
  }
}
