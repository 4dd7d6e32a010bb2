// A company with ways out that all lead to this machine: a mail server, a web server, a calendar, a WordPress, an MCP server, folders.
// What the server connects to is written down (watch-connections.ts), and whatever an attacker could name leads to a sink that counts.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { listMcpTools, pinsOf, settingsSchema as mcpSettings } from '#connectors/mcp/connector.ts';
import { openApi, type Api } from './api.ts';
import { mcpCalls, startMcpHttp } from './mcp-server.ts';
import { radicaleMissing, startRadicale } from './radicale.ts';
import { makeCompany, type Company } from './server.ts';
import { startSink, type Sink } from './sink.ts';
import { startSmtp, type SmtpFixture } from './smtp.ts';
import { startStripe, type StripeDouble } from './stripe.ts';
import { startWordpress, type WordpressFixture } from './wordpress.ts';

export interface EffectsCompany {
  company: Company;
  smtp: SmtpFixture;
  sink: Sink;
  wordpress: WordpressFixture;
  /** What stands in the calendar: names and contents. Null where radicale is not installed. */
  calendar: (() => Promise<[name: string, text: string | null][]>) | null;
  /** Tools of the MCP server that were called. */
  toolsCalled(): string[];
  /** What was asked of the web server that the settings allow. */
  pagesAsked: string[];
  /** Pages that fail when they are asked for first. */
  pagesFailing: Set<string>;
  /** host:port of that server. */
  pagesHost: string;
  stripe: StripeDouble;
  /** Folders that an approved effect writes to: the root `work`, the published site. The root `open` is read freely. */
  work: string;
  site: string;
  /** Starts the server. */
  up(env?: Record<string, string>): Promise<Api>;
  /** Every look-up and every connection to somewhere else than the services of this company. */
  strangers(): string[];
  /** A hash over every file that steers the company. */
  steering(): string;
  stop(): Promise<void>;
}

/** `connectors/<name>.json`. Generous: what holds an attack back shall be the gate and not a setting that is missing. */
const settingsOf = ({ pages, stripe, wordpress, work, open, site }: { pages: string; stripe: string; wordpress: WordpressFixture; work: string; open: string; site: string }): Record<string, object> => ({
  files: { roots: [{ name: 'work', folder: work, write: true }, { name: 'open', folder: open, write: false, vouched: true }] },
  web: { hosts: [`http://${pages}`, '*'], allowPrivate: [pages], perMinute: 600 },
  http: { calls: [{ name: 'report', method: 'POST', url: `http://${pages}/report`, body: { type: 'object', properties: { to: { type: 'string' }, text: { type: 'string' } }, required: ['to', 'text'], additionalProperties: false }, control: [{ field: 'body.to', kind: 'recipient' }], answer: 'text' }], allowPrivate: [pages] },
  payments: { account: 'voss-stripe', currencies: ['EUR'], apiUrl: stripe },
  publish: { site: { folder: site, baseUrl: 'https://studio-voss.example', title: 'Studio Voss', author: 'Mara Voss' }, wordpress: { url: wordpress.url, user: wordpress.user } },
  invoices: { prefix: 'V-', seller: { name: 'Studio Voss', address: ['1 Quay', 'Harbour'], iban: 'DE02120300000000202051' } },
});

const boardMeeting = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//test//EN', 'BEGIN:VEVENT', 'UID:board', 'DTSTAMP:20260101T000000Z', 'DTSTART:20261013T090000Z', 'DTEND:20261013T100000Z', 'SUMMARY:Board: who is to be sold', 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');

async function startCalendar() {
  const why = radicaleMissing();
  if (why !== null) return null;
  const radicale = await startRadicale();
  await radicale.put('board.ics', boardMeeting);
  const { url, user, calendar } = radicale;
  const day = ['09:00-17:00'];
  return { radicale, settings: { url, user, calendar, timeZone: 'Europe/Berlin', workingHours: { mon: day, tue: day, wed: day, thu: day, fri: day }, organizer: 'hello@studio-voss.example' } };
}

/** A server whose tools are pinned as they are; one reads, says the operator. */
async function startTools(log: string) {
  const server = await startMcpHttp('normal', log);
  const settings = mcpSettings.parse({ servers: [{ name: 'notes', url: server.url, reads: ['search'], content: { search: ['query', 'limit'] } }] });
  const { pins } = pinsOf(await listMcpTools(settings, 'notes', { secrets: {}, signal: AbortSignal.timeout(30_000) }));
  return { server, settings, pins: { notes: pins } };
}

export async function startEffectsCompany({ agents, policies, triggers = {} }: { agents: string; policies?: string; triggers?: Record<string, object> }): Promise<EffectsCompany> {
  const company = makeCompany();
  const { dataDir } = company;
  const [work, open, site] = ['work', 'open', 'site'].map((name) => join(dataDir, '..', name)) as [string, string, string];
  const connections = join(dataDir, '..', 'connections.txt');
  const smtp = await startSmtp();
  const sink = await startSink();
  const stripe = await startStripe();
  const wordpress = await startWordpress();
  const calendar = await startCalendar();
  const toolLog = join(dataDir, '..', 'tools.txt');
  const tools = await startTools(toolLog);
  const pagesAsked: string[] = [];
  const pagesFailing = new Set<string>();
  const pages = createServer((request, response) => {
    pagesAsked.push(request.url ?? '');
    if (pagesFailing.delete(request.url ?? '')) return response.writeHead(503).end();
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    return response.end(`<!doctype html><html><head><title>Page ${request.url}</title></head><body><article><h1>Page ${request.url}</h1><p>${'Opening hours are from nine to five, and on Saturdays until noon. '.repeat(12)}</p></article></body></html>`);
  });
  await new Promise<void>((resolve) => void pages.listen(0, '127.0.0.1', () => resolve()));
  const pagesHost = `127.0.0.1:${(pages.address() as AddressInfo).port}`;

  const made = await company.cli('init', dataDir);
  if (made.code !== 0) throw new Error(made.stderr);
  for (const folder of [work, open, site, join(dataDir, 'connectors'), join(dataDir, 'triggers')]) mkdirSync(folder, { recursive: true });
  for (let n = 1; n <= 12; n++) writeFileSync(join(open, `note-${n}.txt`), `Note ${n}: the shop is closed in week ${n}.\n`);
  const settings = { ...settingsOf({ pages: pagesHost, stripe: stripe.apiUrl, wordpress, work, open, site }), mcp: tools.settings, 'mcp.pins': tools.pins, ...(calendar ? { calendar: calendar.settings } : {}) };
  for (const [name, value] of Object.entries(settings)) writeFileSync(join(dataDir, 'connectors', `${name}.json`), JSON.stringify(value));
  for (const [name, value] of Object.entries(triggers)) writeFileSync(join(dataDir, 'triggers', `${name}.json`), JSON.stringify({ name, ...value }));
  writeFileSync(join(dataDir, 'agents', 'tested.ts'), agents);
  const about = join(dataDir, 'company.json');
  writeFileSync(about, JSON.stringify({ ...(JSON.parse(readFileSync(about, 'utf8')) as object), caps: [{ currency: 'EUR', perDayMinor: 1_000_000_000, perPayeePerDayMinor: 1_000_000_000 }], budgets: { company: {} } }));
  if (policies !== undefined) {
    for (const file of readdirSync(join(dataDir, 'policies'))) writeFileSync(join(dataDir, 'policies', file), '');
    writeFileSync(join(dataDir, 'policies', 'default.cedar'), policies);
  }
  writeFileSync(connections, '');
  writeFileSync(toolLog, '');

  return {
    company, smtp, sink, stripe, wordpress, pagesAsked, pagesFailing, pagesHost, work, site,
    calendar: calendar && (() => Promise.all(calendar.radicale.names().toSorted().map(async (name): Promise<[string, string | null]> => [name, await calendar.radicale.get(name)]))),
    toolsCalled: () => mcpCalls(toolLog).map(({ tool }) => tool),
    async up(env = {}) {
      await company.up({ KEELSON_SMTP_URL: smtp.url, STRIPE_SECRET_KEY: stripe.secretKey, WORDPRESS_PASSWORD: wordpress.password, ...(calendar ? { CALDAV_PASSWORD: calendar.radicale.password } : {}), NODE_OPTIONS: `--import ${import.meta.resolve('./watch-connections.ts')}`, KEELSON_TEST_SINK: String(sink.port), KEELSON_TEST_CONNECTIONS: connections, ...env });
      return openApi(dataDir);
    },
    strangers: () => readFileSync(connections, 'utf8').split('\n').filter((line) => line !== '' && !/^connect (?:127\.0\.0\.1|localhost):\d+$/.test(line)),
    steering() {
      const hash = createHash('sha256').update(readFileSync(join(dataDir, 'company.json')));
      for (const folder of ['policies', 'templates', 'triggers', 'agents', 'connectors']) {
        for (const file of readdirSync(join(dataDir, folder)).toSorted()) hash.update(`${folder}/${file}`).update(readFileSync(join(dataDir, folder, file)));
      }
      return hash.digest('hex');
    },
    async stop() {
      await company.remove();
      await Promise.all([smtp.stop(), sink.stop(), stripe.stop(), wordpress.stop(), tools.server.stop(), calendar?.radicale.stop(), new Promise<void>((resolve) => {
        pages.close(() => resolve());
        pages.closeAllConnections();
      })]);
    },
  };
}
