// Goal: on the real server, work that needs money or a provider waits, is seen as one item, survives a kill, and goes on by itself when the
// operator raises a limit and when the provider is back.
// Method: a real company whose two tiers stand on a local provider that the test scripts, stops and starts; inquiries that no template fits.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openApi } from '#test/kit/api.ts';
import { startModelServer, type ModelServer } from '#test/kit/model-server.ts';
import { makeCompany } from '#test/kit/server.ts';

const company = makeCompany();
let provider: ModelServer;
const reply = 'Hello Nina, thank you for asking. We do not repair church organs, but the organ workshop in the next town does. Kind regards, Mara';

interface Item { id: string; kind: string; summary: string; reasons: string[]; actor: string }
interface Decided { what: string; outcome: string; task?: string; tier?: string; model: string | null; costMicros: number | null; reasons: string[] }
const inbox = () => company.json<Item[]>('inbox');
const notice = async () => (await inbox()).find(({ id }) => id.startsWith('models-'));
const drafts = async () => (await openApi(company.dataDir).query<Decided[]>('decisions', { what: 'draft' }));
const ladders = async () => (await openApi(company.dataDir).query<{ address: string; value: unknown }[]>('actors', { type: 'ladder' }));
const receive = (n: number) => openApi(company.dataDir).mail(Buffer.from(`From: Nina Holt <nina@holt.example>\r\nTo: hello@studio-voss.example\r\nSubject: Church organs ${n}\r\nMessage-ID: <organ-${n}@holt.example>\r\nDate: Mon, 23 Nov 2026 10:0${n}:00 +0000\r\n\r\nDo you know who repairs church organs? Could you please tell me?\r\n`), `test/${n}`);
const start = () => company.up({ KEELSON_IMAP_URL: '', KEELSON_SMTP_URL: '', OPENAI_API_KEY: '', KEELSON_OPENAI_BASE_URL: '' });

before(async () => {
  provider = await startModelServer({ respond: ({ model }) => ({ answer: { text: reply, templateId: null, confidence: model === 'large-1' ? 0.88 : 0.3 } }) });
  assert.equal((await company.cli('init', company.dataDir)).code, 0);
  const price = { inputPerMillionUsd: 0.5, outputPerMillionUsd: 2 };
  writeFileSync(join(company.dataDir, 'models.json'), JSON.stringify({
    providers: { kit: { baseUrl: provider.url } }, tiers: { small: { provider: 'kit', model: 'small-1' }, large: { provider: 'kit', model: 'large-1' } },
    tasks: { '*': [], draft: ['small', 'large'] }, prices: { 'small-1': price, 'large-1': { inputPerMillionUsd: 5, outputPerMillionUsd: 20 } },
  }));
  const file = join(company.dataDir, 'company.json');
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), budgets: { company: { perDayUsd: 1 }, workflows: { mail: { perDayUsd: 0.00001, otherwise: 'wait' } } } }));
  await start();
});
after(async () => {
  await company.remove();
  await provider.stop();
});

test('without money a draft waits, nothing was asked, and one item says what it needs; a raised limit lets it go on at once', async () => {
  assert.equal((await receive(1)).outcome, 'imported');
  const item = await company.until('the item', 60_000, notice);
  assert.match(item.summary, /^1 piece of work waits for a model: /);
  assert.match(item.reasons.join('\n'), /the budget of mail for day .* has \$0\.0000 of \$0\.0000 left/);
  assert.deepEqual([provider.asked.length, (await drafts()).length], [0, 0]);
  assert.equal((await company.cli('budget', 'set', 'mail', '--per-day', '0.5')).code, 0);
  const [draft] = await company.until('the draft', 60_000, async () => { const all = await drafts(); return all.length > 0 && all; });
  assert.deepEqual([draft!.task, draft!.tier, draft!.model], ['draft', 'large', 'large-1']);
  assert.ok(draft!.costMicros! > 0);
  assert.deepEqual(provider.asked.map(({ model }) => model), ['small-1', 'large-1']);
  assert.match(draft!.reasons.join('\n'), /small: answered at 0\.30/);
  // Company data, not commands: what the model was shown.
  const shown = JSON.parse(provider.asked[1]!.user) as { mail: { label: string; subject: string }; templates: object[]; company: { signature: string } };
  assert.deepEqual([shown.mail.label, shown.mail.subject, shown.templates.length > 0], ['untrusted', 'Church organs 1', true]);
  const proposal = await company.until('the proposal', 30_000, async () => (await inbox()).find(({ kind }) => kind === 'approval'));
  assert.match(JSON.stringify(proposal), /organ workshop in the next town/);
});

test('a provider that is gone: the draft waits through a kill of the server, and goes on when the provider is back and the operator says look', async () => {
  const { port } = new URL(provider.url);
  await provider.stop();
  await receive(2);
  await company.until('the second draft waits', 60_000, async () => (await ladders()).find(({ value }) => value === 'waiting'));
  await company.kill();
  await start();
  const item = await company.until('the item', 90_000, notice);
  assert.match(item.reasons.join('\n'), /small: .*could not be reached/);
  assert.equal((await drafts()).length, 1);
  provider = await startModelServer({ port: Number(port), respond: () => ({ answer: { text: reply, templateId: null, confidence: 0.88 } }) });
  const draft = await company.until('the second draft', 90_000, async () => {
    await company.cli('approve', item.id);
    return (await drafts()).find(({ model }) => model === 'small-1');
  });
  assert.deepEqual([draft.tier, (await drafts()).length, provider.asked.length], ['small', 2, 1]);
  assert.equal((await ladders()).filter(({ value }) => value === 'waiting').length, 0);
});
