// Goal: the operator sees what models cost, sets what they may cost, and is told when a budget comes to its end, from the command line and over
// HTTP. Method: a real company whose store holds calls of models; the server in a child process, driven by the command line.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Spend } from '#machines/budget.ts';
import { emptyCommit } from '#machines/commit.ts';
import { createPrivateCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';
import { openApi } from '#test/kit/api.ts';
import { makeCompany } from '#test/kit/server.ts';

const company = makeCompany();
interface Budget { workflow: string | null; period: string; spentMicros: number; reservedMicros: number; limitMicros: number | null; forecastMicros: number }
interface Shown { currency: string; budgets: Budget[]; perRun: { workflow: string | null; limitMicros: number | null }[]; tiers: object[]; runs: object[]; calls: object[] }
const budgetOf = (shown: Shown, workflow: string | null, period: string) => shown.budgets.find((one) => one.workflow === workflow && one.period === period)!;

/** As the gateway writes it; no server runs. */
async function write(spends: Spend[]): Promise<void> {
  const db = await openDatabase(join(company.dataDir, 'keelson.db'));
  try {
    await migrate(db);
    const { commit } = await createPrivateCommitter(db);
    for (const spend of spends) assert.equal((await commit({ ...emptyCommit(`${spend.state}-${spend.id}`, Date.now(), 'connector/model', {}), spends: [spend] })).outcome, 'written');
  } finally {
    await db.close();
  }
}
const call = (id: string, micros: number, more: object = {}): Spend => ({ state: 'reserved', id, micros, workflow: 'mail', run: 'mail/m-1', untilMs: Date.now() + 3_600_000, task: 'triage', tier: 'small', provider: 'local', model: 'little', price: 'settings', ...more });
const ended = (id: string, micros: number): Spend => ({ state: 'settled', id, micros, outcome: 'answered', inputTokens: 900, outputTokens: 40, note: '' });

before(async () => assert.equal((await company.cli('init', company.dataDir)).code, 0));
after(() => company.remove());

test('a company that asked no model says so, with its limits and what to do', async () => {
  await write([]);
  const { code, stdout } = await company.cli('budget');
  assert.equal(code, 0);
  assert.match(stdout, /^BUDGET +PERIOD +SPENT +RESERVED +LIMIT +USED +FORECAST\ncompany +day +\$0 +\$0 +\$1\.00 +0 % +\$0\n/);
  assert.match(stdout, /No model was asked this month\..*keelson budget set company --per-day 2/);
  assert.match((await company.cli('budget', '--runs')).stdout, /^No run has asked a model this month\./);
});

test('what was spent is shown by budget, tier and run, for people and for scripts', async () => {
  await write([call('a', 20_000), ended('a', 12_000), call('b', 300_000, { tier: 'large', model: 'grand', run: 'mail/m-2', price: 'assumed' }), call('c', 100), ended('c', 150)]);
  const shown = await company.json<Shown>('budget');
  assert.deepEqual([shown.currency, shown.perRun[0]], ['USD', { workflow: null, limitMicros: 250_000 }]);
  for (const workflow of [null, 'mail']) {
    const { spentMicros, reservedMicros, limitMicros, forecastMicros } = budgetOf(shown, workflow, 'day');
    assert.deepEqual([spentMicros, reservedMicros, limitMicros], [12_150, 300_000, workflow === null ? 1_000_000 : null]);
    assert.ok(forecastMicros >= 312_150 && forecastMicros <= 312_150 * 5, `${forecastMicros}`);
  }
  assert.deepEqual(shown.tiers, [
    { workflow: 'mail', tier: 'large', provider: 'local', model: 'grand', calls: 1, micros: 300_000, inputTokens: null, outputTokens: null, assumed: 1, overrun: 0 },
    { workflow: 'mail', tier: 'small', provider: 'local', model: 'little', calls: 2, micros: 12_150, inputTokens: 1_800, outputTokens: 80, assumed: 0, overrun: 1 },
  ]);
  const { stdout } = await company.cli('budget');
  assert.match(stdout, /company +day +\$0\.0121 +\$0\.3000 +\$1\.00 +31 % /);
  assert.match(stdout, /small +local +little +mail +2 +\$0\.0121 +1800 +80/);
  assert.match(stdout, /The price of 1 of these calls is not known/);
  assert.match(stdout, /1 of these calls cost more than was reserved/);
  assert.match(stdout, /the pace of the last seven days/);
  assert.match((await company.cli('budget', '--runs', '--first', '1')).stdout, /^RUN +WORKFLOW +CALLS +COST +RESERVED +LAST CALL\nmail\/m-2 +mail +1 +\$0\.3000 +\$0\.3000 /);
});

for (const [what, args, message] of [
  ['no limit', ['company'], /say which limit: --per-run, --per-day or --per-month/],
  ['an amount that is none', ['company', '--per-day', 'lots'], /--per-day must be an amount in US dollars up to 1000000, such as 0\.50, or none, or settings, not 'lots'/],
  ['less than nothing', ['company', '--per-day=-1'], /--per-day must be an amount/],
  ['more than a million', ['company', '--per-month', '1000001'], /--per-month must be an amount/],
] as const) {
  test(`setting ${what} is refused in one line`, async () => {
    const { code, stderr } = await company.cli('budget', 'set', ...args);
    assert.deepEqual([code, stderr.split('\n').length], [1, 2]);
    assert.match(stderr, message);
  });
}

test('a limit is set in the operator\'s name, holds beside the others, is lifted, and goes back to the settings', { timeout: 60_000 }, async () => {
  assert.match((await company.cli('budget', 'set', 'mail', '--per-day', '0.5')).stderr, /no server|not running/i);
  await company.up();
  assert.match((await company.cli('budget', 'set', 'mail', '--per-day', '0.5')).stdout, /^f-\d+-0: mail may spend \$0\.5000 a day\n$/);
  assert.match((await company.cli('budget', 'set', 'mail', '--per-run', '0.10')).stdout, /mail may spend \$0\.5000 a day, \$0\.1000 for a run|mail may spend \$0\.1000 for a run, \$0\.5000 a day/);
  let shown = await company.json<Shown>('budget');
  assert.deepEqual([budgetOf(shown, 'mail', 'day').limitMicros, shown.perRun], [500_000, [{ workflow: null, limitMicros: 250_000 }, { workflow: 'mail', limitMicros: 100_000 }]]);
  await company.json('budget', 'set', 'mail', '--per-day', 'none');
  await company.json('budget', 'set', 'company', '--per-day', '0.4');
  shown = await company.json<Shown>('budget');
  assert.deepEqual([budgetOf(shown, 'mail', 'day').limitMicros, budgetOf(shown, null, 'day').limitMicros, budgetOf(shown, null, 'month').limitMicros], [null, 400_000, 20_000_000]);
  await company.json('budget', 'set', 'company', '--per-day', 'settings');
  assert.equal(budgetOf(await company.json<Shown>('budget'), null, 'day').limitMicros, 1_000_000);
});

test('who is no operator sees budgets and sets none, and what is no limit is refused', async () => {
  const api = openApi(company.dataDir);
  await assert.rejects(api.post('/api/budgets/mail', { perDayMicros: -5 }), /BAD_ARGUMENT/);
  await assert.rejects(api.post('/api/budgets/mail', { perDay: 5 }), /BAD_ARGUMENT/);
  await assert.rejects(api.post('/api/budgets/no%20workflow', { perDayMicros: 5 }), /BAD_ARGUMENT/);
  const { readFileSync } = await import('node:fs');
  const { api: base } = JSON.parse(readFileSync(join(company.dataDir, 'run.json'), 'utf8')) as { api: string };
  const automation = { authorization: `Bearer ${readFileSync(join(company.dataDir, 'automation-token'), 'utf8').trim()}`, 'content-type': 'application/json' };
  assert.equal((await fetch(`${base}/api/budgets`, { headers: automation })).status, 200);
  assert.equal((await fetch(`${base}/api/budgets/mail`, { method: 'POST', headers: automation, body: '{"perDayMicros":5}' })).status, 403);
  const metrics = await (await fetch(`${base}/metrics`, { headers: automation })).text();
  assert.match(metrics, /^keelson_model_spend_dollars_total\{workflow="mail"\} 0\.01215$/m);
  assert.match(metrics, /^keelson_model_reserved_dollars\{workflow="mail"\} 0\.3$/m);
});

test('a running server tells of a budget that is half used up, and the operator answers it like anything else', { timeout: 60_000 }, async () => {
  await company.json('budget', 'set', 'company', '--per-day', '0.5');
  assert.equal(await company.down(), 0);
  await company.up();
  const items = await company.until('an item about the budget', 20_000, async () => {
    const found = (await company.json<{ id: string; summary: string }[]>('inbox')).filter(({ id }) => id.startsWith('budget-'));
    return found.length > 0 && found;
  });
  assert.match(items.map(({ summary }) => summary).join('\n'), /^Models: 62 % of what the company may spend today is taken, \$0\.3121 of \$0\.5000$/);
  await company.json('approve', items[0]!.id);
  assert.deepEqual((await company.json<{ id: string }[]>('inbox')).filter(({ id }) => id.startsWith('budget-')), []);
  assert.match((await company.json<{ ok: boolean }>('audit', 'verify')).ok ? 'whole' : 'broken', /whole/);
});
