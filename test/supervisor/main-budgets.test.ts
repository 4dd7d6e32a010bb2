// Goal: money that nobody settled counts in full once its time is over, and each budget that comes near its limit is told of once, in one item
// that goes when its period does. Method: the real store on a file, a clock that is set by hand, and a look at each moment.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import type { Commit, Committed } from '#machines/commit.ts';
import type { Item } from '#machines/inbox.ts';
import { createCommitter } from '#store/commit.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { runQuery } from '#store/queries.ts';
import { createRules } from '#store/rules.ts';
import { changedBalance } from '#store/verify-balances.ts';
import { budgetsSchema, toBudgets } from '#supervisor/budget-settings.ts';
import { keepBudgets } from '#supervisor/main-budgets.ts';
import { commitOf, openTemp, tempDir } from '../store/temp-store.ts';

const dayMs = 86_400_000;
const settings = budgetsSchema.parse({ company: { perDayUsd: 1, perMonthUsd: 2 }, workflows: { mail: { perDayUsd: 0.5 } }, alertAt: [0.5, 0.8, 1] });

async function keeping(more: { commit?(commit: Commit, real: (commit: Commit) => Promise<Committed>): Promise<Committed> } = {}) {
  const db = await openTemp(`${tempDir()}/keelson.db`);
  await migrate(db);
  const committer = await createCommitter(db, await nextEpoch(db), { onWritten() {}, budgets: toBudgets(settings), check: createRules({}) });
  const time = { nowMs: Date.UTC(2026, 10, 23, 12) };
  const clock: Clock = { now: () => time.nowMs, after: () => assert.fail('not used'), every: () => () => {}, sleep: () => assert.fail('not used') };
  const store = { query: (name: string, args: Record<string, unknown>) => runQuery(db, name, args), commit: (commit: Commit) => (more.commit ? more.commit(commit, committer.commit) : committer.commit(commit)) };
  const start = () => keepBudgets({ store, settings, clock, log: silentLog });
  let budgets = start();
  let n = 0;
  return {
    db, time, store,
    look: async () => { await budgets.look(); await budgets.look(); },
    async restart() { await budgets.stop(); budgets = start(); await budgets.look(); },
    async reserve(micros: number, { workflow = 'evals', untilMs = time.nowMs + 60_000 } = {}) {
      const id = `call-${n++}`;
      const answer = await committer.commit(commitOf(`reserve-${id}`, { actor: 'connector/model', atMs: time.nowMs, spends: [{ state: 'reserved', id, micros, workflow, run: `${workflow}/r${n}`, untilMs, task: 't', tier: 'small', provider: 'p', model: 'm', price: 'list' }] }));
      assert.equal(answer.outcome, 'written');
      return id;
    },
    settle: (id: string, micros: number) => committer.commit(commitOf(`settle-${id}`, { actor: 'connector/model', atMs: time.nowMs, spends: [{ state: 'settled', id, micros, outcome: 'answered', inputTokens: null, outputTokens: null, note: '' }] })),
    say: (id: string, value: object) => committer.commit(commitOf(id, { actor: 'operator/desk', atMs: time.nowMs, facts: [{ entity: 'asset/budget-company', predicate: 'budget.limits', value: value as never, label: 'operator', confidence: 1 }] })),
    answer: (id: string) => committer.commit(commitOf(`seen-${id}`, { actor: 'operator/desk', intents: [{ id, kind: 'escalation', state: 'completed' }] })),
    items: async () => (await runQuery(db, 'inbox', {})) as { id: string; kind: string; actor: string; summary: string; data: Item }[],
    totals: async () => (await db.all("SELECT settled, reserved FROM balance WHERE scope = 'company' AND period LIKE 'day:%'"))[0],
  };
}

test('a reservation whose time is over is settled in full; one whose time is not, or that was settled, is left alone', async () => {
  const { db, time, look, reserve, settle, totals } = await keeping();
  const [late, , done] = [await reserve(100_000), await reserve(20_000, { untilMs: time.nowMs + 120_000 }), await reserve(3_000)];
  await settle(done, 1_000);
  await look();
  assert.deepEqual(await totals(), { settled: 1_000, reserved: 120_000 });
  time.nowMs += 60_000;
  await look();
  assert.deepEqual(await totals(), { settled: 1_000, reserved: 120_000 }, 'its last millisecond is its own');
  time.nowMs += 1;
  await look();
  assert.deepEqual(await totals(), { settled: 101_000, reserved: 20_000 });
  assert.deepEqual(await db.all("SELECT id, detail ->> '$.outcome' AS outcome, detail ->> '$.note' AS note FROM spend WHERE state = 'settled' AND id = ?", late), [{ id: late, outcome: 'unknown', note: 'nobody said in time how it ended, so it counts in full' }]);
  assert.equal((await settle(late, 5)).outcome, 'closed', 'a late word changes nothing any more');
  assert.equal(await changedBalance(db), null);
});

test('what died open before a start is settled at the start, also when there is more than one page of it', { timeout: 60_000 }, async () => {
  const { time, restart, reserve, totals } = await keeping();
  await Promise.all(Array.from({ length: 1_050 }, () => reserve(10)));
  time.nowMs += dayMs;
  await restart();
  assert.deepEqual(await totals(), { settled: 10_500, reserved: 0 });
});

test('a call that is settled while the sweep looks at it keeps its own settlement', async () => {
  const { time, look, reserve, settle, totals, ...rest } = await keeping({
    commit: async (commit, real) => {
      if (commit.id.startsWith('budget:unsettled:')) await settle(commit.spends![0]!.id, 7);
      return real(commit);
    },
  });
  await reserve(100);
  time.nowMs += dayMs;
  await look();
  assert.deepEqual(await totals(), { settled: 7, reserved: 0 });
  assert.equal((await rest.db.all("SELECT id FROM spend WHERE state = 'settled'")).length, 1);
});

test('each threshold is told once, in one item per budget and period, with what can be done', async () => {
  const { look, restart, reserve, items } = await keeping();
  await reserve(499_999);
  await look();
  assert.deepEqual(await items(), []);
  const second = await reserve(1);
  await look();
  await look();
  const [item, ...others] = await items();
  assert.deepEqual([others.length, item!.id, item!.kind, item!.actor], [0, 'budget-company-day-2026-11-23-50-of-1000000', 'escalation', 'store/budgets']);
  assert.equal(item!.summary, 'Models: 50 % of what the company may spend today is taken, $0.5000 of $1.00');
  assert.match(item!.data.reasons.join('\n'), /will be \$1\.00 at the end of the period.*\n.*is not made.*\n.*keelson budget set company --per-day 2\./);
  assert.equal(item!.data.category, 'budget');
  await restart();
  assert.equal((await items()).length, 1);
  await reserve(300_000);
  await look();
  assert.deepEqual((await items()).map(({ id }) => id), ['budget-company-day-2026-11-23-80-of-1000000'], 'what was told at half has nothing left to say');
  assert.equal(second, 'call-1');
});

test('several thresholds passed at once are one item', async () => {
  const { look, reserve, items } = await keeping();
  await reserve(900_000);
  await look();
  assert.deepEqual((await items()).map(({ id }) => id), ['budget-company-day-2026-11-23-80-of-1000000']);
});

test('a workflow has items of its own', async () => {
  const { look, reserve, items } = await keeping();
  await reserve(400_000, { workflow: 'mail' });
  await look();
  assert.deepEqual((await items()).map(({ id, summary }) => [id, summary]), [['budget-workflow-mail-day-2026-11-23-80-of-500000', 'Models: 80 % of what the workflow mail may spend today is taken, $0.4000 of $0.5000']]);
});

test('what the operator has seen does not come again, nor after a restart; a raised limit is told anew', async () => {
  const { look, restart, reserve, answer, say, items } = await keeping();
  await reserve(500_000);
  await look();
  assert.equal((await answer((await items())[0]!.id)).outcome, 'written');
  await look();
  await restart();
  assert.deepEqual(await items(), []);
  await say('w', { perDayMicros: 600_000 });
  await look();
  assert.deepEqual((await items()).map(({ id }) => id), ['budget-company-day-2026-11-23-80-of-600000']);
});

test('when the day is over its item goes, also after a restart, and the new day has one of its own', async () => {
  const { time, look, restart, reserve, items } = await keeping();
  await reserve(500_000);
  await look();
  time.nowMs += dayMs;
  await restart();
  assert.deepEqual(await items(), []);
  await reserve(700_000);
  await look();
  assert.deepEqual((await items()).map(({ id }) => id), ['budget-company-day-2026-11-24-50-of-1000000', 'budget-company-month-2026-11-50-of-2000000']);
});

test('who died between the new item and the end of the old one ends it at the next start', async () => {
  let dies = false;
  const { look, restart, reserve, items } = await keeping({ commit: (commit, real) => (dies && commit.id.startsWith('budget:over:') ? Promise.reject(new Error('killed')) : real(commit)) });
  await reserve(500_000);
  await look();
  await reserve(300_000);
  dies = true;
  await look();
  assert.equal((await items()).length, 2);
  dies = false;
  await restart();
  assert.deepEqual((await items()).map(({ id }) => id), ['budget-company-day-2026-11-23-80-of-1000000']);
});

test('a store that does not answer is asked again at the next look', async () => {
  let away = true;
  const { time, look, reserve, totals } = await keeping({ commit: (commit, real) => (away ? Promise.reject(new Error('the disk is away')) : real(commit)) });
  await reserve(100);
  time.nowMs += dayMs;
  await look();
  assert.deepEqual(await totals(), { settled: 0, reserved: 100 });
  away = false;
  await look();
  assert.deepEqual(await totals(), { settled: 100, reserved: 0 });
});
