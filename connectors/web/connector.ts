// The web to read: one page, as its readable text. What it says is data from strangers; what is asked for is an address that the operator
// listed, or one that is asked about.
import { domainToUnicode } from 'node:url';
import { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';
import { action, type Connector } from '../connector.ts';
import { createHostRules, readUrl, shownHost } from '../host-rules.ts';
import { statusError } from '../http-errors.ts';
import { createSafeFetch, type SafeFetchSettings } from '../safe-fetch.ts';
import { decodePage, mediaTypeOf } from './decode.ts';
import { readHtml, readPlain } from './page.ts';

/** `connectors/web.json` */
export const settingsSchema = z.strictObject({
  /** `docs.shop.example` · `*`: any public host, and then each that is not listed is asked about. */
  hosts: z.array(z.string()).min(1),
  /** `wiki.example:8080`: hosts of the own network, which must be listed too. */
  allowPrivate: z.array(z.string()).default([]),
  perMinute: z.number().int().positive().default(60),
});
export type WebSettings = z.output<typeof settingsSchema>;

const inputSchema = z.strictObject({ url: z.string().min(1).max(4_000) });
type Payload = z.output<typeof inputSchema>;

const limits = { maxBytes: 5_000_000, maxMs: 30_000 };
const readable = ['text/html', 'application/xhtml+xml', 'text/plain'];

/** Throws BAD_CONFIG for a host that cannot be read. */
export function createWebConnector({ hosts, allowPrivate, perMinute }: WebSettings, { ca, resolve }: Pick<SafeFetchSettings, 'ca' | 'resolve'> = {}): Connector {
  const rules = createHostRules({ allowHosts: hosts, allowPrivate });
  const listed = hosts.filter((host) => host !== '*');
  const target = ({ url: text }: Payload): URL => {
    const url = readUrl(text);
    const why = rules.whyNot(url);
    if (why !== null) throw new KeelsonError('REFUSED', `the page is not read: ${why}`, { hint: 'List the host in connectors/web.json, or read another page.' });
    return url;
  };
  return {
    name: 'web', version: '1', hosts: hosts.map(shownHost), secrets: [], perMinute,
    actions: [action<Payload>({
      name: 'web.read', title: 'Read a page of the web', input: inputSchema,
      effect: 'read', risk: 'low', reversible: true, money: false,
      // Reading again changes nothing.
      idempotency: { kind: 'native', keyLifetimeMs: Number.MAX_SAFE_INTEGER },
      async plan(payload) {
        const url = target(payload);
        const isListed = rules.names(url);
        const unicode = domainToUnicode(url.hostname);
        return {
          summary: `Read ${url.host}${url.pathname.slice(0, 200)}`, preview: `GET ${url.href}`,
          risk: isListed ? 'low' : 'medium',
          reasons: [
            ...(isListed ? [] : [`${url.host} is not listed in connectors/web.json`]),
            ...(isListed || url.search === '' ? [] : ['the address itself carries data to that host, behind its question mark']),
            ...(unicode === url.hostname ? [] : [`the host reads ${unicode} and is ${url.hostname}`]),
          ],
          control: [{ kind: 'host', field: 'url', value: url.host, vouchedBy: isListed ? 'listed in connectors/web.json' : null }],
          enclosures: [], money: null,
        };
      },
      async commit(payload, { signal, nowMs }) {
        const url = target(payload);
        // Only what was listed or agreed to: a redirect to any other host is a page of its own to ask for.
        const fetch = createSafeFetch({ allowHosts: [...listed, url.origin], allowPrivate, ca, resolve, limits });
        const answer = await fetch(url.href, { headers: { accept: readable.join(', ') }, signal });
        const error = statusError({ ...answer, host: url.host, effect: 'read', nowMs: nowMs() });
        if (error !== null) throw error;
        const mediaType = mediaTypeOf(answer.headers['content-type']);
        if (!readable.includes(mediaType)) throw new KeelsonError('SEND_REFUSED', `${url.host} sent ${mediaType === '' ? 'something without a type' : mediaType.slice(0, 60)}, and only pages and plain text are read`);
        const text = decodePage(answer.body, answer.headers['content-type'] ?? '');
        const page = mediaType === 'text/plain' ? readPlain(text, answer.url) : await readHtml(text, answer.url, signal);
        return { done: true, providerRef: answer.url.slice(0, 500), note: `read ${page.text.length} characters from ${new URL(answer.url).host}`, result: { ...page }, facts: [] };
      },
    })],
  };
}
