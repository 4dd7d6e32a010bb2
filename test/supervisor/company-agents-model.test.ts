// Goal: with a model behind the real gateway, extraction and research ask it only where rules are unsure, show it one text and no tool, book what
// stands there, and pass over what does not; each answer has its tier and its cost. Method: `keelson up`, a local provider that the test scripts.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openApi } from '#test/kit/api.ts';
import { startModelServer, type ModelRequest, type ModelServer } from '#test/kit/model-server.ts';
import { makeCompany } from '#test/kit/server.ts';

const company = makeCompany();
let provider: ModelServer;
const waitMs = 60_000;

interface Decided { actor: string; outcome: string; task?: string; tier?: string; model: string | null; costMicros: number | null; reasons: string[] }
interface Fact { id: string; value: { amountMinor: number; quote: string; claim: string }; label: string; source: string }
const api = () => openApi(company.dataDir);
const extracts = () => api().query<Decided[]>('decisions', { what: 'extract' });
const receive = (id: string, subject: string, body: string) => api().mail(Buffer.from(`From: Bright Clean <receipts@brightclean.example>\r\nTo: hello@studio-voss.example\r\nSubject: ${subject}\r\nMessage-ID: <${id}@brightclean.example>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${body}`), `test/${id}`);
const unclear = (n: number) => `Thank you for your payment. This is your receipt R-5581${n}.\r\n\r\nWindows  34.50 EUR\r\nTotal: 99.00 EUR\r\nTotal: 12.00 EUR\r\n`;
const read = { payee: 'Bright Clean', amountMinor: 9_900, currency: 'EUR', dueDate: null, documentDate: null, reference: null, iban: null, confidence: 0.95 };

before(async () => {
  provider = await startModelServer();
  assert.equal((await company.cli('init', company.dataDir)).code, 0);
  const papers = join(company.dataDir, '..', 'papers');
  mkdirSync(papers);
  writeFileSync(join(papers, 'prices.txt'), 'Our prices.\nA day of consulting costs 640.00 EUR.\n');
  writeFileSync(join(company.dataDir, 'connectors', 'files.json'), JSON.stringify({ roots: [{ name: 'papers', folder: papers, write: false, vouched: true }] }));
  writeFileSync(join(company.dataDir, 'models.json'), JSON.stringify({
    providers: { kit: { baseUrl: provider.url } }, tiers: { small: { provider: 'kit', model: 'small-1' } }, tasks: { '*': [], extract: ['small'], findings: ['small'] },
    prices: { 'small-1': { inputPerMillionUsd: 0.5, outputPerMillionUsd: 2 } },
  }));
  await company.up({ KEELSON_IMAP_URL: '', KEELSON_SMTP_URL: '', OPENAI_API_KEY: '', KEELSON_OPENAI_BASE_URL: '' });
});
after(async () => {
  await company.remove();
  await provider.stop();
});

test('a receipt that the rules cannot read is read by the tier, which sees that mail and no tool, and booked as untrusted', async () => {
  provider.respond = () => ({ answer: read });
  assert.equal((await receive('r-1', 'Your receipt', unclear(1))).outcome, 'imported');
  const [decision] = await company.until('the decision', waitMs, async () => { const all = await extracts(); return all.length > 0 && all; });
  assert.deepEqual([decision!.outcome, decision!.task, decision!.tier, decision!.model], ['clear', 'extract', 'small', 'small-1'], decision!.reasons.join('\n'));
  assert.ok(decision!.costMicros! > 0);
  const [fact] = await company.until('the fact', waitMs, async () => { const all = await api().query<Fact[]>('facts', { predicate: 'receipt' }); return all.length > 0 && all; });
  assert.deepEqual([fact!.value.amountMinor, fact!.label], [9_900, 'untrusted']);
  const [asked] = provider.asked as [ModelRequest];
  assert.deepEqual([provider.asked.length, asked.body['tools'], asked.schema !== null], [1, undefined, true]);
  assert.match(asked.user, /R-55811/);
  assert.doesNotMatch(`${asked.system}${asked.user}`, /Studio Voss · Websites|signature/, 'nothing of the company is shown');
});

test('an amount that does not stand in the mail is asked about, and the answer is booked', async () => {
  provider.respond = () => ({ answer: { ...read, amountMinor: 990_000 } });
  await receive('r-2', 'Your receipt again', unclear(2));
  const item = await company.until('the question', waitMs, async () => (await company.json<{ id: string; summary: string }[]>('inbox')).find(({ summary }) => summary.startsWith('What does the receipt')));
  assert.equal((await api().query<Fact[]>('facts', { predicate: 'receipt' })).length, 1);
  await company.json('respond', item.id, '--text', '12.00 EUR');
  const facts = await company.until('the second fact', waitMs, async () => { const all = await api().query<Fact[]>('facts', { predicate: 'receipt' }); return all.length > 1 && all; });
  assert.deepEqual(facts.map(({ value }) => value.amountMinor), [9_900, 1_200]);
  assert.deepEqual((await extracts()).map(({ outcome }) => outcome), ['corrected', 'clear']);
});

test('research has the tier read a file, and keeps what it quotes from it', async () => {
  provider.respond = () => ({ answer: { findings: [{ claim: 'Consulting is 640.00 EUR a day.', quote: 'A day of consulting costs 640.00 EUR.' }, { claim: 'It is 500 EUR.', quote: 'A day costs 500 EUR.' }], confidence: 0.9 } });
  const { address } = await company.json<{ address: string }>('run', 'research', JSON.stringify({ question: 'What does a day of consulting cost?', sources: [{ kind: 'file', root: 'papers', path: 'prices.txt' }] }), '--key', 'q');
  await company.until('the end', waitMs, async () => (await api().query<{ status: string } | null>('actor', { address }))?.status === 'done');
  assert.deepEqual((await api().query<Fact[]>('facts', { predicate: 'finding' })).map(({ value, label, source }) => [value.claim, value.quote, label, source]), [['Consulting is 640.00 EUR a day.', 'A day of consulting costs 640.00 EUR.', 'untrusted', 'source/q-s1#L2']]);
  const [reading] = await api().query<Decided[]>('decisions', { what: 'reading' });
  assert.deepEqual([reading!.outcome, reading!.task, reading!.tier, reading!.costMicros! > 0], ['read', 'findings', 'small', true]);
});
