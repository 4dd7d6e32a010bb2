// Goal: a prompt, a rule or a tier is scored on cases from the company's own past before it is published; a worse one scores worse; what
// came of it is kept, compared and said at publication. Method: a real company with a scripted provider whose answers depend on the
// wording it is asked with; the operator's answers make the cases.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { EvalResult } from '#machines/evals.ts';
import { openApi, type Api } from '#test/kit/api.ts';
import { startModelServer, type ModelServer } from '#test/kit/model-server.ts';
import { makeCompany } from '#test/kit/server.ts';
import { createCompany, sampleMailbox } from '#supervisor/company.ts';

const company = makeCompany();
let models: ModelServer;
let api: Api;

interface Report { result: EvalResult; stored: boolean; differences: { id: string; better: boolean | null }[]; stopped: string | null }
const prompt = (name: string, text: string) => {
  const file = join(company.dataDir, '..', `${name}.md`);
  writeFileSync(file, `---\ntask: triage\n---\n${text}\n`);
  return file;
};
const triaged = (category: string, confidence: number) => ({ answer: { category, language: 'en', reason: 'as scripted', confidence } });
/** Knows the truth only when it is asked well. */
const answer: ModelServer['respond'] = ({ system, user }) => {
  if (system.includes('Badly')) return triaged('spam', 0.9);
  return triaged(/invoice|rechnung/i.test(user) ? 'invoice' : /newsletter/i.test(user) ? 'notice' : 'inquiry', 0.9);
};

before(async () => {
  models = await startModelServer({ respond: answer });
  createCompany(company.dataDir);
  writeFileSync(join(company.dataDir, 'models.json'), JSON.stringify({ providers: { here: { baseUrl: models.url } }, tiers: { small: { provider: 'here', model: 'small-1' } }, tasks: { triage: ['local'], draft: [] }, prices: { 'small-1': { inputPerMillionUsd: 1, outputPerMillionUsd: 2 } } }));
  await company.up();
  api = openApi(company.dataDir);
});
after(async () => {
  await company.remove();
  await models.stop();
});

test('cases come from what the operator confirmed and answered, none from what nobody looked at', async () => {
  assert.match((await company.cli('eval', 'triage', '--tier', 'rules')).stderr, /no cases for triage yet/);
  for (const name of ['01-price-question', '02-preisanfrage', '07-cannot-log-in', '17-invoice-hosting', '24-newsletter', '32-vague']) await api.mail(readFileSync(join(sampleMailbox, `${name}.eml`)), name);
  await api.quiet();
  const items = await company.json<{ id: string; kind: string; payloadHash: string }[]>('inbox');
  for (const { id, kind } of items) {
    if (kind === 'approval') await api.post(`/api/inbox/${id}/approve`, id === items.find((one) => one.kind === 'approval')!.id ? { edit: 'Hello Anna, we come back to you on Monday.\n\nMara Voss', reason: 'busy' } : {});
    if (kind === 'task') await api.post(`/api/inbox/${id}/approve`, {});
    if (kind === 'question' && id.startsWith('q-')) await api.post(`/api/inbox/${id}/respond`, { text: 'inquiry' });
  }
  await api.quiet();
  const { result } = await company.json<Report>('eval', 'triage', '--tier', 'rules');
  assert.ok(result.cases >= 4 && result.cases <= 5, `${result.cases} cases: the newsletter was confirmed by nobody`);
  assert.equal(result.costMicros, 0);
});

test('a worse prompt scores worse than the one in force, and the cases that differ are named', async () => {
  // The tier is set up, but triage does not use it yet: it is scored before it does.
  writeFileSync(join(company.dataDir, 'models.json'), readFileSync(join(company.dataDir, 'models.json'), 'utf8').replace('"triage":["local"]', '"triage":["local","small"]'));
  await company.down();
  await company.up();
  api = openApi(company.dataDir);
  const good = await company.json<Report>('eval', 'triage', '--prompt', prompt('good', 'Sort Well.'));
  const bad = await company.json<Report>('eval', 'triage', '--prompt', prompt('bad', 'Sort Badly.'));
  assert.ok(good.result.score > bad.result.score, `${good.result.score} > ${bad.result.score}`);
  assert.equal(good.result.score, 1);
  assert.deepEqual([bad.result.score, bad.result.before, bad.result.differs], [0, 1, bad.result.cases]);
  assert.ok(bad.differences.every(({ better }) => better === false));
  assert.deepEqual([good.result.caseSet, good.result.calibrationError], [bad.result.caseSet, 0.1]);
  assert.equal(bad.result.calibrationError, 0.9);
  assert.ok(good.result.costMicros! > 0, 'the provider told its tokens, and they have a price');
  assert.equal(good.stored && bad.stored, true);
});

test('the money is that of the workflow evals, and the same question again costs nothing', async () => {
  const spends = await api.query<{ workflow: string; run: string }[]>('spends', { workflow: 'evals', limit: 1_000 });
  assert.ok(spends.length > 0 && spends.every(({ run }) => run.startsWith('evals/triage-')));
  const asked = models.asked.length;
  const again = await company.json<Report>('eval', 'triage', '--prompt', prompt('good', 'Sort Well.'));
  assert.deepEqual([again.result.costMicros, again.result.score, models.asked.length], [0, 1, asked]);
});

test('results are kept and listed; publication says what was not evaluated', async () => {
  mkdirSync(join(company.dataDir, 'prompts'), { recursive: true });
  const file = join(company.dataDir, 'prompts', 'triage.md');
  writeFileSync(file, '---\ntask: triage\n---\nNever scored.\n');
  const blind = await company.cli('prompt', 'publish');
  assert.match(blind.stdout, /in force: triage \(not evaluated/);
  writeFileSync(file, readFileSync(prompt('good', 'Sort Well.')));
  assert.match((await company.cli('prompt', 'diff', 'triage')).stdout, /- Never scored\.\n\+ Sort Well\./);
  assert.equal((await company.cli('prompt', 'publish', 'triage')).stdout, 'in force: triage\n');
  assert.match((await company.cli('prompt', 'publish')).stdout, /nothing to publish/);
  const listed = await company.json<{ about: string; hash: string; score: number }[]>('eval', 'list', 'triage');
  assert.ok(listed.filter(({ about }) => about === 'prompt-triage').length >= 3);
  const rows = await company.json<{ name: string; version: number; evaluated: boolean; score: number }[]>('prompt', 'list');
  assert.deepEqual(rows.find(({ name }) => name === 'triage'), { name: 'triage', version: 2, folder: 'same', evaluated: true, score: 1 });
});

test('the prompt in force is what a model is asked with, in its newest version', async () => {
  models.asked.length = 0;
  const { result } = await company.json<Report>('eval', 'triage', '--tier', 'small', '--cases', '1');
  assert.deepEqual([result.kind, result.version], ['prompt', 2]);
  assert.ok(result.hash !== null);
  // The wording is the same as that of the draft that was scored, but its version is another: asked anew.
  assert.match(models.asked.at(-1)?.system ?? '', /^Sort Well\./);
});

test('a prompt with a fault is refused with its line, by the command and by the server', async () => {
  writeFileSync(join(company.dataDir, 'prompts', 'triage.md'), '---\ntask: triage\nmodel: x\n---\nSort.\n');
  assert.match((await company.cli('prompt', 'publish')).stderr, /prompts\/triage\.md: Prompt, line 3: unknown key "model"/);
  await assert.rejects(api.post('/api/prompts/publish', { files: { triage: '---\ntask: triage\n---\nSort {{x}}.' } }), /BAD_ARGUMENT prompts\/triage\.md: Prompt, line 4/);
  await assert.rejects(api.post('/api/evals/ask', { task: 'triage', tier: 'small', input: {}, prompt: 'x', run: 'r', case: 'c' }), /BAD_ARGUMENT Prompt, line 1/);
  writeFileSync(join(company.dataDir, 'prompts', 'triage.md'), '---\ntask: triage\n---\nSort Well.\n');
});

test('an eval without money stops and says so; what was answered before counts', async () => {
  await api.post('/api/budgets/evals', { perDayMicros: 0 });
  const broke = await company.cli('eval', 'triage', '--prompt', prompt('other', 'Sort Well, and shortly.'));
  assert.equal(broke.code, 1);
  assert.match(broke.stderr, /nothing could be asked: unaffordable/);
  await api.post('/api/budgets/evals', { perDayMicros: 'settings' });
});

test('an eval that runs out of money keeps what was answered before', async () => {
  const taken = (await api.query<{ scope: string; period: string; settledMicros: number }[]>('balances', { nowMs: Date.now() })).find(({ scope, period }) => scope === 'workflow/evals' && period.startsWith('day:'))!;
  const [last] = await api.query<{ state: string; heldMicros: number }[]>('spends', { workflow: 'evals', state: 'settled', limit: 1 });
  // Enough for the worst case of one call, and not for that of another after it.
  await api.post('/api/budgets/evals', { perDayMicros: taken.settledMicros + Math.round(last!.heldMicros * 1.2) });
  const stopped = await company.cli('eval', 'triage', '--prompt', prompt('third', 'Sort Well, please.'), '--json');
  assert.equal(stopped.code, 1, stopped.stderr);
  const { result, stopped: why } = JSON.parse(stopped.stdout) as Report;
  assert.match(why!, /^unaffordable: the budget of evals/);
  assert.deepEqual([result.score, result.unanswered, result.before], [1, 0, null]);
  assert.ok(result.cases >= 1 && result.cases < 4, `${result.cases} cases`);
  await api.post('/api/budgets/evals', { perDayMicros: 'settings' });
});

test('a rule is scored without a model, against the rules in force', async () => {
  const file = join(company.dataDir, '..', 'all-spam.json');
  writeFileSync(file, JSON.stringify({ name: 'all-spam', when: { domain: ['example'] }, category: 'spam' }));
  const { result, differences } = await company.json<Report>('eval', 'triage', '--rules', file);
  assert.ok(result.score < result.before!, `${result.score} < ${result.before}`);
  assert.equal(result.differs, differences.length);
  writeFileSync(file, '{"name": "x"}');
  assert.match((await company.cli('eval', 'triage', '--rules', file)).stderr, /all-spam\.json: /);
});

test('drafts are compared with what was sent in the end: unchanged is 1, edited is less', async () => {
  const { result } = await company.json<Report>('eval', 'draft', '--tier', 'templates');
  assert.equal(result.measure, 'similarity');
  assert.match((await company.cli('eval', 'draft')).stderr, /no models are set up for draft/);
  assert.match((await company.cli('eval', 'triage', '--tier', 'huge')).stderr, /triage has no tier 'huge'/);
  assert.ok(result.cases >= 2 && result.score < 1 && result.score > 0.3, JSON.stringify(result));
});

test('without a server the free tiers are scored all the same, and the result is kept', async () => {
  await company.down();
  const { result, stored } = await company.json<Report>('eval', 'triage', '--tier', 'local');
  assert.deepEqual([result.kind, result.tier, stored], ['tier', 'local', true]);
  assert.equal((await company.json<{ about: string }[]>('eval', 'list'))[0]!.about, 'tier-triage-local');
  assert.match((await company.cli('eval', 'triage', '--prompt', prompt('good', 'Sort Well.'))).stderr, /no server is running/);
  assert.equal((await company.cli('audit', 'verify')).code, 0);
  for (const args of [['eval', 'nonsense'], ['eval', 'triage', '--cases', '0'], ['eval', 'draft', '--tier', 'rules'], ['eval', 'triage', '--tier', 'templates']]) assert.equal((await company.cli(...args)).code, 1, args.join(' '));
});
