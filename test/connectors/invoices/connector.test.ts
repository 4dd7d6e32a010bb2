// Goal: numbers without gaps and never twice, whatever is lost on the way. Method: the connector on a real store, with wrappers that
// lose answers and keep silent; the shared contract; many invoices at once; a process killed between number and document.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Action } from '#connectors/connector.ts';
import { createDocuments } from '#connectors/documents.ts';
import { createInvoicesConnector, type InvoiceSettings } from '#connectors/invoices/connector.ts';
import { KeelsonError } from '#machines/errors.ts';
import { issuedSchema, type Issued, type Order } from '#machines/invoice.ts';
import { startStore, type Store } from '#store/actor.ts';
import { connectorContract } from '#test/contract/connector.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';
import { pdfToolsMissing, readPdf } from '#test/kit/pdf.ts';
import { lineOf, orderOf, settings } from './kit.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'keelson-invoices-'));
let nats: TestNats;
let store: Store;
const open = () => startStore({ dataDir, bus: { url: nats.url, token: nats.token, company: 'test' }, logFile: join(dataDir, 'store.log'), logLevel: 'warn', permissions: {} });
before(async () => {
  nats = await withNats();
  store = await open();
});
after(async () => {
  await store.close();
  await nats.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const nowMs = Date.parse('2026-11-23T22:30:00Z'); // 23:30 in Berlin
/** Each test has a series of its own. */
let made = 0;
const series = (over: Partial<InvoiceSettings> = {}): InvoiceSettings => ({ ...settings, prefix: `T${++made}-`, ...over });
const direct = (): StorePort => store;

function issuing(own: InvoiceSettings, port: StorePort = direct()) {
  const connector = createInvoicesConnector({ settings: own, store: port });
  const [issue] = connector.actions as unknown as [Action<Order>];
  const documents = createDocuments({ store: port, clock: systemClock, from: 'connector/invoices' });
  return {
    connector, documents,
    plan: (order: Order) => issue.plan(order, { operationId: 'op/plan', documents }),
    async issue(operationId: string, order: Order = orderOf(), { signal = new AbortController().signal, at = nowMs } = {}): Promise<Issued> {
      return issuedSchema.parse((await issue.commit(order, { operationId, documents, signal, nowMs: () => at, reservation: null })).result);
    },
  };
}
const countOf = async (predicate: string, prefix: string) => ((await store.query('facts', { predicate, limit: 10_000 })) as { entity: string }[]).filter(({ entity }) => entity.startsWith(`asset/invoice-${prefix}`)).length;
const failsWith = (code: string) => (error: unknown) => error instanceof KeelsonError && error.code === code;

/** A store whose next commit is done and its answer lost, or that takes everything and answers nothing. */
function troubled() {
  let lost = 0;
  let reached: (() => void) | null = null;
  const silent = <T>(work: () => Promise<T>): Promise<T> => (reached ? (reached(), new Promise<T>(() => {})) : work());
  const port: StorePort = {
    load: (address) => store.load(address),
    query: (name, args) => silent(() => store.query(name, args)),
    commit: (commit) => silent(async () => {
      const answer = await store.commit(commit);
      if (lost === 0) return answer;
      lost--;
      throw new KeelsonError('STORE_FAILED', 'the answer was lost');
    }),
  };
  return {
    port,
    loseNextReply: () => void lost++,
    silence: () => {
      const there = Promise.withResolvers<void>();
      reached = there.resolve;
      return { reached: there.promise, end: () => { reached = null; } };
    },
  };
}

test('the invoices connector keeps the contract', async (t) => {
  const own = series();
  const { port, loseNextReply, silence } = troubled();
  const { connector, documents } = issuing(own, port);
  await connectorContract(t, {
    connector, documents, nowMs: () => nowMs,
    good: { 'invoices.issue': orderOf() },
    bad: {
      'invoices.issue': [
        null, {}, { ...orderOf(), number: 'R-1' }, orderOf({ lines: [] }), orderOf({ currency: 'eur' }), orderOf({ currency: 'XQQ' }), orderOf({ dueDays: -1 }), orderOf({ issueDate: '2026-02-30' }),
        orderOf({ language: 'fr' as never }), orderOf({ lines: [lineOf({ unitMinor: 0.5 })] }), orderOf({ lines: [lineOf({ unitMinor: -1 })] }), orderOf({ customer: { ...orderOf().customer, email: 'nina@holt.example, eve@evil.example' } }),
        orderOf({ customer: { ...orderOf().customer, email: 'nina@holt.example\r\nBcc: eve@evil.example' } }), orderOf({ customer: { ...orderOf().customer, name: 'Łukasz' } }),
      ],
    },
    provider: { executed: () => countOf('invoice.number', own.prefix), loseNextReply, silence },
  });
});

test('an issued invoice is a PDF that is kept, a fact, and all that the next step needs', async () => {
  const own = series();
  const { issue, documents } = issuing(own);
  const issued = await issue('op/kept');
  assert.deepEqual(issued, { number: `${own.prefix}0001`, document: `invoice/${own.prefix}0001`, hash: issued.hash, totalMinor: 11_900, currency: 'EUR', issuedOn: '2026-11-23', dueOn: '2026-12-07', dueInMs: Date.parse('2026-12-08T00:00:00Z') - nowMs });
  const kept = await documents.read(issued.document, issued.hash);
  assert.deepEqual([kept.name, kept.mediaType], [`${own.prefix}0001.pdf`, 'application/pdf']);
  if (pdfToolsMissing() === null) assert.match(readPdf(kept.bytes).page(1), new RegExp(`Invoice ${own.prefix}0001[^]*119\\.00 EUR`));
});

test('what is shown before names amount and payee, and the letterhead is part of what is approved', async () => {
  const own = series();
  const { plan, connector } = issuing(own);
  const { summary, preview, control, money } = await plan(orderOf());
  assert.equal(summary, 'Issue an invoice over 119.00 EUR to Nina Holt <nina@holt.example>');
  assert.match(preview, /Website, first part {2}\| {2}1 {2}\| {2}100\.00 {2}\| {2}19 % {2}\| {2}100\.00\n/);
  assert.deepEqual(control.map(({ kind, value, vouchedBy }) => [kind, value, vouchedBy]), [['amount', { amountMinor: 11_900, currency: 'EUR' }, null], ['payee', 'nina@holt.example', null]]);
  assert.deepEqual(money, { amountMinor: 11_900, currency: 'EUR', payee: 'nina@holt.example', moves: false }, 'an invoice fixes an amount and moves none');
  assert.equal(connector.version, issuing(own).connector.version);
  assert.notEqual(connector.version, issuing({ ...own, seller: { ...own.seller, iban: 'DE00 0000' } }).connector.version);
});

test('the day of issue is that of the company\'s time zone, and stays the same when the operation comes again later', async () => {
  const { issue } = issuing(series({ timeZone: 'Asia/Tokyo' }));
  const first = await issue('op/day');
  assert.deepEqual([first.issuedOn, first.dueOn], ['2026-11-24', '2026-12-08']);
  const again = await issue('op/day', orderOf(), { at: nowMs + 5 * 86_400_000 });
  assert.deepEqual([again.number, again.hash, again.issuedOn], [first.number, first.hash, first.issuedOn]);
  assert.equal(again.dueInMs, first.dueInMs - 5 * 86_400_000);
  const dated = await issue('op/dated', orderOf({ issueDate: '2024-02-28', dueDays: 1 }));
  assert.deepEqual([dated.issuedOn, dated.dueOn, dated.dueInMs], ['2024-02-28', '2024-02-29', 0]);
});

test('two hundred at once have the numbers 1 to 200, no gap and none twice', async () => {
  const own = series();
  const { issue } = issuing(own);
  const issued = await Promise.all(Array.from({ length: 200 }, (_, i) => issue(`op/many-${i}`)));
  const numbers = issued.map(({ number }) => Number(number.slice(own.prefix.length)));
  assert.deepEqual(numbers.toSorted((a, b) => a - b), Array.from({ length: 200 }, (_, i) => i + 1));
  assert.deepEqual([await countOf('invoice.number', own.prefix), new Set(issued.map(({ document }) => document)).size], [200, 200]);
  const again = await Promise.all(Array.from({ length: 20 }, (_, i) => issue(`op/many-${i * 10}`)));
  assert.deepEqual(again.map(({ number, hash }) => [number, hash]), again.map((_, i) => [issued[i * 10]!.number, issued[i * 10]!.hash]));
});

test('the same operation at once in many places has one number', async () => {
  const own = series();
  const both = [issuing(own), issuing(own)];
  const issued = await Promise.all(Array.from({ length: 40 }, (_, i) => both[i % 2]!.issue(`op/same-${i % 4}`)));
  assert.equal(await countOf('invoice.number', own.prefix), 4);
  for (let i = 0; i < 40; i++) assert.equal(issued[i]!.number, issued[i % 4]!.number);
});

for (const [what, answers] of [['the number', 1], ['the document', 2]] as const) {
  test(`when the answer about ${what} is lost it is unknown, and comes to the same number and bytes`, async () => {
    const own = series();
    let commits = 0;
    const lossy: StorePort = { ...direct(), load: (a) => store.load(a), query: (n, a) => store.query(n, a), commit: async (commit) => {
      const answer = await store.commit(commit);
      if (++commits === answers) throw new KeelsonError('STORE_FAILED', 'the answer was lost');
      return answer;
    } };
    const { issue } = issuing(own, lossy);
    await assert.rejects(issue(`op/${what}`), failsWith('SEND_UNKNOWN'));
    const other = await issue(`op/other than ${what}`);
    const found = await issue(`op/${what}`);
    assert.deepEqual([found.number, other.number], [`${own.prefix}0001`, `${own.prefix}0002`]);
    assert.equal(await countOf('invoice.number', own.prefix), 2);
  });
}

test('what cannot be drawn takes no number', async () => {
  const own = series();
  const { issue } = issuing(own);
  await assert.rejects(issue('op/bad', orderOf({ customer: { ...orderOf().customer, name: 'Łukasz' } })), failsWith('REFUSED'));
  await assert.rejects(issue('op/late', orderOf(), { signal: AbortSignal.abort() }), failsWith('SEND_DEFERRED'));
  assert.equal(await countOf('invoice.number', own.prefix), 0);
  assert.equal((await issue('op/good')).number, `${own.prefix}0001`);
});

test('numbers begin where the operator says, go on behind a raised beginning, and never fall behind', async () => {
  const own = series({ from: 40 });
  const numbers = async (from: number, ...operations: string[]) => {
    const { issue } = issuing({ ...own, from });
    const found: string[] = [];
    for (const operation of operations) found.push((await issue(`op/${own.prefix}${operation}`)).number.slice(own.prefix.length));
    return found;
  };
  assert.deepEqual(await numbers(40, 'a', 'b'), ['0040', '0041']);
  assert.deepEqual(await numbers(1, 'c'), ['0042']);
  assert.deepEqual(await numbers(100, 'd', 'a'), ['0100', '0040']);
});

test('another prefix is another series, and an operation keeps the number it had in the old one', async () => {
  const [old, next] = [series(), series({ digits: 2 })];
  assert.equal((await issuing(old).issue('op/moved')).number, `${old.prefix}0001`);
  assert.equal((await issuing(next).issue('op/moved-next')).number, `${next.prefix}01`);
  assert.equal((await issuing(next).issue('op/moved')).number, `${old.prefix}0001`);
});

test('kill -9 between the number and the document: afterwards it has the same number, and the next one follows', async () => {
  const own = series();
  await store.close();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'killed-issue.ts'), JSON.stringify({ dataDir, bus: { url: nats.url, token: nats.token, company: 'test' }, settings: own })], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [exit, said] = await Promise.all([new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal))), child.stdout.toArray()]);
  store = await open();
  assert.deepEqual([exit, said.join('')], ['SIGKILL', 'number taken\n']);
  assert.deepEqual([await countOf('invoice.number', own.prefix), await store.query('document', { id: `invoice/${own.prefix}0001` })], [1, null]);
  const { issue } = issuing(own);
  assert.deepEqual([(await issue('op/after')).number, (await issue('op/killed')).number], [`${own.prefix}0002`, `${own.prefix}0001`]);
});
