// A company that sends invoices and takes payments: the real server as a child process, a real mail server, the stand-in for Stripe. What the
// operator does and sees goes over HTTP, as the CLI does it: faster than a process for each.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { toInboxItem, type StoredIntent } from '#machines/inbox.ts';
import type { InvoiceState, Order } from '#machines/invoice.ts';
import { openApi, type Api } from '#test/kit/api.ts';
import { makeCompany, type Company } from '#test/kit/server.ts';
import { startSmtp, type SmtpFixture } from '#test/kit/smtp.ts';
import { startStripe, type StripeDouble } from '#test/kit/stripe.ts';

export type Item = ReturnType<typeof toInboxItem>;
export interface Row { id: string; actor: string; what: string; outcome: string; predicate: string; label: string; source: string | null; value: unknown }

export const order: Order = {
  customer: { name: 'Elena Petrova', email: 'elena.petrova@example.org', address: ['Museum Square 3', 'Leeds LS1 4AB'] },
  lines: [{ text: 'Branding, first part', quantity: 2.5, unitMinor: 40_000, taxPercent: 19 }],
  currency: 'EUR', dueDays: 14, language: 'en',
};
export const totalMinor = 119_000;
const from = { address: 'hello@studio-voss.example', name: 'Studio Voss' };
const waitMs = 60_000;

export interface Cash {
  company: Company;
  smtp: SmtpFixture;
  stripe: StripeDouble;
  /** The server's HTTP interface as it is now: it moves with each start. */
  api(): Api;
  /** `laterMs`: so much later than it is. */
  up(laterMs?: number): Promise<void>;
  run(key: string, more?: object): Promise<void>;
  /** Waits until this is asked. */
  asked(summary: RegExp): Promise<Item>;
  /** Says yes to exactly what was shown; with `commandId` it may be said again. */
  approve(item: Item, commandId?: string): Promise<void>;
  /** Everything that was said about where it stands, oldest first. */
  states(number: string): Promise<Row[]>;
  untilState(number: string, state: InvoiceState['state']): Promise<void>;
  /** As Stripe delivers it; throws when nobody answers. */
  deliver(event: ReturnType<StripeDouble['event']>): Promise<{ status: number; outcome?: string }>;
  /** The customer pays: by the page, with the marks that Stripe copies from it; or without a page, naming the invoice. */
  pay(reference?: string): ReturnType<StripeDouble['books']['paid']>;
  rows(query: string, args?: Record<string, unknown>): Promise<Row[]>;
}

export async function startCash(t: TestContext): Promise<Cash> {
  const company = makeCompany();
  const { dataDir } = company;
  const [smtp, stripe] = await Promise.all([startSmtp(), startStripe()]);
  t.after(async () => {
    await company.remove();
    await Promise.all([smtp.stop(), stripe.stop()]);
  });
  const made = await company.cli('init', dataDir);
  assert.equal(made.code, 0, made.stderr);
  const settings = join(dataDir, 'connectors');
  mkdirSync(settings, { recursive: true });
  writeFileSync(join(settings, 'invoices.json'), readFileSync(join(settings, 'invoices.example.json')));
  writeFileSync(join(settings, 'payments.json'), JSON.stringify({ account: 'voss-stripe', currencies: ['EUR'], apiUrl: stripe.apiUrl }));
  writeFileSync(join(dataDir, 'secrets.env'), `STRIPE_SECRET_KEY=${stripe.secretKey}\nSTRIPE_WEBHOOK_SECRET=${stripe.webhookSecret}\n`, { mode: 0o600 });
  let api: Api | null = null;
  let base = '';

  const cash: Cash = {
    company, smtp, stripe,
    api: () => api!,
    async up(laterMs = 0) {
      const later: Record<string, string> = laterMs === 0 ? {} : { NODE_OPTIONS: `--import ${import.meta.resolve('#test/kit/later.ts')}`, KEELSON_TEST_LATER_MS: String(laterMs) };
      base = (await company.up({ KEELSON_SMTP_URL: smtp.url, ...later })).api;
      api = openApi(dataDir);
    },
    async run(key, { order: changed = {}, ...more }: { order?: object } = {}) {
      const started = await company.json<{ address: string }>('run', 'invoice', JSON.stringify({ order: { ...order, ...changed }, from, ...more }), '--key', key);
      assert.equal(started.address, `invoice/${key}`);
    },
    asked: (summary) => company.until(`the question ${summary}`, waitMs, async () => {
      const found = (await api!.query<StoredIntent[]>('inbox')).find((one) => summary.test(one.summary));
      return found && toInboxItem(found);
    }),
    async approve({ id, payloadHash }, commandId) {
      await api!.post(`/api/inbox/${encodeURIComponent(id)}/approve`, { hash: payloadHash, ...(commandId === undefined ? {} : { commandId }) });
    },
    states: (number) => cash.rows('facts', { entity: `asset/invoice-${number}`, predicate: 'invoice.state' }),
    untilState: (number, state) => company.until(`invoice ${number} is ${state}`, waitMs, async () => ((await cash.states(number)).at(-1)?.value as InvoiceState | undefined)?.state === state).then(() => undefined),
    async deliver({ body, signature }) {
      const response = await fetch(`${base}/hooks/stripe`, { method: 'POST', headers: { 'stripe-signature': signature, 'content-type': 'application/json' }, body: body as never });
      return { status: response.status, ...((await response.json()) as object) };
    },
    pay(reference) {
      const page = stripe.requests.findLast(({ method, path }) => method === 'POST' && path === '/v1/payment_links');
      const marks = Object.entries(page?.params ?? {}).flatMap(([name, value]) => /^payment_intent_data\[metadata\]\[(\w+)\]$/.exec(name)?.slice(1).map((key) => [key, value]) ?? []);
      return stripe.books.paid(totalMinor, 'eur', reference === undefined ? Object.fromEntries(marks) as Record<string, string> : { reference });
    },
    rows: (query, args = {}) => api!.query<Row[]>(query, { limit: 1_000, ...args }),
  };
  return cash;
}
