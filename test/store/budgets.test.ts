// Goal: money for models is reserved before a call and settled after it, and settled + reserved never passes a limit, whatever comes together,
// twice, late, forged, or after a restart. Method: real commits on a file, by hand and by the thousand against a small model of what must hold.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { BalanceRow } from '#machines/budget-outlook.ts';
import { accountKey, accountsOf, budgetEntity, budgetPredicate, dayOf, limitOf, type Budgets, type Limits, type Reserved, type Settled } from '#machines/budget.ts';
import type { Commit, Committed } from '#machines/commit.ts';
import { createCommitter, type Committer } from '#store/commit.ts';
import type { Database } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { runQuery } from '#store/queries.ts';
import { createRules } from '#store/rules.ts';
import { changedBalance } from '#store/verify-balances.ts';
import { verifyWhole } from '#store/verify-whole.ts';
import { commitOf, openTemp, tempDir } from './temp-store.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const noLimits: Budgets = { company: {}, workflows: {}, others: {} };
const limitsOf = (company: Limits, mail: Limits = {}, others: Limits = {}): Budgets => ({ company, workflows: { mail }, others });

async function budgetStore(budgets: Budgets | null, file = `${tempDir()}/keelson.db`) {
  const db = await openTemp(file);
  await migrate(db);
  const committer = await createCommitter(db, await nextEpoch(db), { onWritten() {}, budgets, check: createRules({ order: {} }) });
  return { db, committer, file };
}

const reservation = (id: string, micros: number, more: Partial<Reserved> = {}): Reserved => ({ state: 'reserved', id, micros, workflow: 'mail', run: 'mail/r1', untilMs: nowMs + 60_000, task: 'triage', tier: 'small', provider: 'p', model: 'm', price: 'list', ...more });
const settlement = (id: string, micros: number): Settled => ({ state: 'settled', id, micros, outcome: 'answered', inputTokens: 10, outputTokens: 2, note: '' });
const spend = (committer: Committer, id: string, spends: Commit['spends'], more: Partial<Commit> = {}) => committer.commit(commitOf(id, { actor: 'connector/model', atMs: nowMs, spends: spends!, ...more }));
const reserve = (committer: Committer, id: string, micros: number, more: Partial<Reserved> = {}, atMs = nowMs) => spend(committer, `reserve:${id}`, [reservation(id, micros, more)], { atMs });
const settle = (committer: Committer, id: string, micros: number, atMs = nowMs) => spend(committer, `settle:${id}`, [settlement(id, micros)], { atMs });
const said = (answer: Committed) => (answer.outcome === 'unaffordable' ? `${answer.shortage.scope} ${answer.shortage.period}` : answer.outcome);
const balances = async (db: Database) => Object.fromEntries((await db.all<{ scope: string; period: string; settled: number; reserved: number }>('SELECT * FROM balance')).map(({ scope, period, settled, reserved }) => [`${scope} ${period}`, [settled, reserved]]));
const whole = async (db: Database) => assert.equal(await changedBalance(db), null);

for (const [what, budgets, asked, shortage] of [
  ['a run', limitsOf({}, { perRunMicros: 100 }), {}, 'run/mail/r1 run'],
  ['a run whose workflow says nothing', limitsOf({ perRunMicros: 100 }), {}, 'run/mail/r1 run'],
  ['the day of a workflow', limitsOf({}, { perDayMicros: 100 }), {}, 'workflow/mail day:2026-11-23'],
  ['the month of a workflow', limitsOf({}, { perMonthMicros: 100 }), {}, 'workflow/mail month:2026-11'],
  ['the day of the company', limitsOf({ perDayMicros: 100 }), {}, 'company day:2026-11-23'],
  ['the month of the company', limitsOf({ perMonthMicros: 100 }), {}, 'company month:2026-11'],
  ['a workflow that nobody named', limitsOf({}, {}, { perDayMicros: 100 }), { workflow: 'odd' }, 'workflow/odd day:2026-11-23'],
] as const) {
  test(`the limit of ${what} holds to the millionth of a dollar, and a refusal leaves nothing behind`, async () => {
    const { db, committer } = await budgetStore(budgets);
    assert.equal(said(await reserve(committer, 'a', 60, asked)), 'written');
    assert.equal(said(await reserve(committer, 'b', 41, asked)), shortage);
    assert.deepEqual(await db.all("SELECT id FROM spend WHERE id = 'b' UNION ALL SELECT id FROM reservation WHERE id = 'b' UNION ALL SELECT id FROM journal WHERE id = 'reserve:b'"), []);
    assert.equal(said(await reserve(committer, 'c', 40, asked)), 'written');
    assert.equal(said(await reserve(committer, 'd', 1, asked)), shortage);
    assert.equal(said(await settle(committer, 'a', 50)), 'written');
    assert.equal(said(await reserve(committer, 'e', 11, asked)), shortage, 'ten are free again');
    assert.equal(said(await reserve(committer, 'e', 10, asked)), 'written');
    await whole(db);
  });
}

test('of a hundred reservations that come together as many go through as fit, each in the same group as the others', async () => {
  const { db, committer } = await budgetStore(limitsOf({}, { perDayMicros: 100 }));
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => reserve(committer, `call-${i}`, 9, { run: `mail/r${i}` })));
  assert.deepEqual([answers.filter((answer) => said(answer) === 'written').length, answers.filter((answer) => said(answer) === 'workflow/mail day:2026-11-23').length], [11, 89]);
  assert.deepEqual((await balances(db))['workflow/mail day:2026-11-23'], [0, 99]);
});

test('within one group a settlement makes room for what comes after it, not for what came before', async () => {
  const { committer } = await budgetStore(limitsOf({ perDayMicros: 100 }));
  await reserve(committer, 'a', 100);
  assert.deepEqual((await Promise.all([reserve(committer, 'early', 50), settle(committer, 'a', 40), reserve(committer, 'late', 60), reserve(committer, 'later', 1)])).map(said), ['company day:2026-11-23', 'written', 'written', 'company day:2026-11-23']);
});

test('a commit with several reservations is written whole or not at all', async () => {
  const { db, committer } = await budgetStore(limitsOf({ perDayMicros: 100 }));
  assert.equal(said(await spend(committer, 'two', [reservation('a', 60), reservation('b', 60)])), 'company day:2026-11-23');
  assert.deepEqual(await balances(db), {});
  assert.equal(said(await spend(committer, 'fit', [reservation('a', 60), reservation('b', 40)])), 'written');
  assert.deepEqual((await balances(db))['company day:2026-11-23'], [0, 100]);
});

test('without budgets everything is counted and nothing refused', async () => {
  const { db, committer } = await budgetStore(null);
  assert.equal(said(await reserve(committer, 'a', 1e12)), 'written');
  assert.deepEqual((await balances(db))['company day:2026-11-23'], [0, 1e12]);
});

test('a settlement counts in the day and month in which its call began', async () => {
  const { db, committer } = await budgetStore(noLimits);
  const [before, after] = [Date.UTC(2026, 10, 30, 23, 59, 59, 999), Date.UTC(2026, 11, 1)];
  await reserve(committer, 'a', 100, {}, before);
  await reserve(committer, 'b', 100, {}, after);
  await settle(committer, 'a', 70, after + 5_000);
  assert.deepEqual(await balances(db), {
    'company day:2026-11-30': [70, 0], 'company month:2026-11': [70, 0], 'workflow/mail day:2026-11-30': [70, 0], 'workflow/mail month:2026-11': [70, 0],
    'company day:2026-12-01': [0, 100], 'company month:2026-12': [0, 100], 'workflow/mail day:2026-12-01': [0, 100], 'workflow/mail month:2026-12': [0, 100], 'run/mail/r1 run': [70, 100],
  });
  await whole(db);
});

test('at midnight a day\'s budget is open again, the month\'s and the run\'s are not', async () => {
  const { committer } = await budgetStore(limitsOf({ perDayMicros: 100, perMonthMicros: 150, perRunMicros: 120 }));
  const midnight = Date.UTC(2026, 10, 24);
  await reserve(committer, 'a', 100, {}, midnight - 1);
  assert.equal(said(await reserve(committer, 'b', 1, {}, midnight - 1)), 'company day:2026-11-23');
  assert.equal(said(await reserve(committer, 'b', 21, {}, midnight)), 'run/mail/r1 run');
  assert.equal(said(await reserve(committer, 'b', 51, { run: 'mail/r2' }, midnight)), 'company month:2026-11');
  assert.equal(said(await reserve(committer, 'b', 50, { run: 'mail/r2' }, midnight)), 'written');
});

test('a call is reserved once and settled once, whoever tries again', async () => {
  const { db, committer } = await budgetStore(noLimits);
  await reserve(committer, 'a', 100);
  assert.deepEqual([said(await reserve(committer, 'a', 100)), said(await spend(committer, 'again', [reservation('a', 100)]))], ['duplicate', 'invalid']);
  await settle(committer, 'a', 30);
  assert.deepEqual([said(await settle(committer, 'a', 30)), said(await spend(committer, 'again', [settlement('a', 5)]))], ['duplicate', 'closed']);
  assert.equal(said(await spend(committer, 'anew', [reservation('a', 100)])), 'invalid', 'what is settled is not reserved again');
  assert.deepEqual((await balances(db))['company day:2026-11-23'], [30, 0]);
  await whole(db);
});

test('of two settlements in one group the first counts', async () => {
  const { db, committer } = await budgetStore(noLimits);
  await reserve(committer, 'a', 100);
  assert.deepEqual((await Promise.all([spend(committer, 's1', [settlement('a', 30)]), spend(committer, 's2', [settlement('a', 5)]), spend(committer, 'r2', [reservation('a', 1)])])).map(said), ['written', 'closed', 'invalid']);
  assert.deepEqual((await balances(db))['company day:2026-11-23'], [30, 0]);
});

test('what was never reserved cannot be settled, so nobody lowers a balance that way', async () => {
  const { db, committer } = await budgetStore(noLimits);
  assert.equal(said(await settle(committer, 'never', 0)), 'closed');
  assert.deepEqual(await balances(db), {});
});

test('one call named twice in one commit is refused', async () => {
  const { db, committer } = await budgetStore(noLimits);
  await reserve(committer, 'a', 100);
  for (const spends of [[settlement('a', 1), settlement('a', 2)], [reservation('b', 1), settlement('b', 1)], [reservation('b', 1), reservation('b', 2)]]) assert.equal(said(await spend(committer, `twice-${spends[0]!.state}-${spends[1]!.state}`, spends)), 'invalid');
  assert.deepEqual((await balances(db))['company day:2026-11-23'], [0, 100]);
});

test('a provider that charges more than the most it could is told as it is, and nothing more starts', async () => {
  const { db, committer } = await budgetStore(limitsOf({ perDayMicros: 100 }));
  await reserve(committer, 'a', 60);
  await settle(committer, 'a', 150);
  assert.deepEqual((await balances(db))['company day:2026-11-23'], [150, 0]);
  assert.equal(said(await reserve(committer, 'b', 1)), 'company day:2026-11-23');
  assert.deepEqual((await runQuery(db, 'spendByTier', { since: nowMs }) as { overrun: number }[]).map(({ overrun }) => overrun), [1]);
});

for (const actor of ['order/1', 'mail/m-1', 'host/worker', 'models/main', 'connectors/model']) {
  test(`${actor} may neither reserve, settle nor keep answers`, async () => {
    const { db, committer } = await budgetStore(noLimits);
    await reserve(committer, 'a', 100);
    for (const [i, parts] of [{ spends: [reservation('b', 1)] }, { spends: [settlement('a', 0)] }, { answers: [{ key: 'k', task: 't', model: 'm', value: '1' }] }].entries()) {
      const answer = await committer.commit(commitOf(`forged-${i}`, { actor, atMs: nowMs, ...parts }));
      assert.ok(answer.outcome === 'invalid' && /may not spend money for models/.test(answer.reason), JSON.stringify(answer));
    }
    assert.deepEqual((await balances(db))['company day:2026-11-23'], [0, 100]);
  });
}

for (const [what, parts] of [
  ['less than nothing', { spends: [reservation('a', -1)] }],
  ['a part of a millionth', { spends: [reservation('a', 0.5)] }],
  ['more than a million dollars', { spends: [reservation('a', 1e12 + 1)] }],
  ['no number', { spends: [reservation('a', Number.NaN)] }],
  ['a call without a name', { spends: [reservation('', 1)] }],
  ['a word too many', { spends: [{ ...reservation('a', 1), held: 5 } as Reserved] }],
  ['half a surrogate pair in the name of a run', { spends: [reservation('a', 1, { run: 'mail/\ud800' })] }],
  ['more reservations than a commit has places', { spends: Array.from({ length: 1_025 }, (_, i) => reservation(`a-${i}`, 1)) }],
  ['an answer that is no JSON', { answers: [{ key: 'k', task: 't', model: 'm', value: '{' }] }],
] as const) {
  test(`${what} is refused`, async () => {
    const { db, committer } = await budgetStore(noLimits);
    assert.equal(said(await committer.commit(commitOf('bad', { actor: 'connector/model', ...(parts as Partial<Commit>) }))), 'invalid');
    assert.deepEqual([await balances(db), await db.all('SELECT * FROM answer')], [{}, []]);
  });
}

test('the operator\'s newest word about a limit counts from the next call on, and nobody else\'s does', async () => {
  const { committer } = await budgetStore(limitsOf({}, { perDayMicros: 100 }));
  const word = (id: string, value: Limits, more: Partial<Commit> = {}, label: 'operator' | 'untrusted' | 'system' = 'operator') => committer.commit(commitOf(id, { actor: 'operator/desk', facts: [{ entity: budgetEntity('mail'), predicate: budgetPredicate, value, label, confidence: 1 }], ...more }));
  assert.equal(said(await reserve(committer, 'a', 101)), 'workflow/mail day:2026-11-23');
  assert.equal(said(await word('w1', { perDayMicros: 500 })), 'written');
  assert.equal(said(await reserve(committer, 'a', 101)), 'written');
  assert.equal(said(await word('w2', { perDayMicros: 150 })), 'written');
  assert.equal(said(await reserve(committer, 'b', 50)), 'workflow/mail day:2026-11-23');
  assert.equal(said(await word('w3', { perDayMicros: 1_000 }, { actor: 'order/1' })), 'invalid');
  assert.equal(said(await word('w4', { perDayMicros: 1_000 }, { actor: 'connector/mail' }, 'untrusted')), 'invalid');
  assert.equal(said(await word('w5', { perDayMicros: 1_000 }, {}, 'untrusted')), 'written', 'the operator repeats what a mail says');
  assert.equal(said(await reserve(committer, 'b', 50)), 'workflow/mail day:2026-11-23');
  assert.equal(said(await word('w6', { perDayMicros: null })), 'written');
  assert.equal(said(await reserve(committer, 'b', 50_000)), 'written');
});

test('the word of the operator and a call in one group: the call is judged by what stood before', async () => {
  const { committer } = await budgetStore(limitsOf({ perDayMicros: 100 }));
  const lower = committer.commit(commitOf('w', { actor: 'operator/desk', facts: [{ entity: budgetEntity(null), predicate: budgetPredicate, value: { perDayMicros: 10 }, label: 'operator', confidence: 1 }] }));
  assert.deepEqual((await Promise.all([lower, reserve(committer, 'a', 50)])).map(said), ['written', 'written']);
  assert.equal(said(await reserve(committer, 'b', 1)), 'company day:2026-11-23');
});

test('balances, open calls and what was settled are the same after a restart', async () => {
  const first = await budgetStore(limitsOf({ perDayMicros: 100 }));
  await reserve(first.committer, 'a', 60);
  await reserve(first.committer, 'b', 40);
  await settle(first.committer, 'b', 10);
  const before = await balances(first.db);
  await first.db.close();
  const { db, committer } = await budgetStore(limitsOf({ perDayMicros: 100 }), first.file);
  assert.deepEqual(await balances(db), before);
  assert.deepEqual([said(await reserve(committer, 'c', 31)), said(await reserve(committer, 'c', 30)), said(await spend(committer, 'b-again', [settlement('b', 0)])), said(await settle(committer, 'a', 5))], ['company day:2026-11-23', 'written', 'closed', 'written']);
  await whole(db);
});

test('a commit that fails for another reason reserves nothing', async () => {
  const { db, committer } = await budgetStore(noLimits);
  const refused = spend(committer, 'x', [reservation('a', 50)], { requires: 'nobody-waits' });
  assert.deepEqual((await Promise.all([refused, reserve(committer, 'b', 20)])).map(said), ['closed', 'written']);
  assert.deepEqual((await balances(db))['company day:2026-11-23'], [0, 20]);
});

const tampering: [what: string, sql: string, reason: RegExp][] = [
  ['a balance that was lowered', "UPDATE balance SET settled = 0 WHERE scope = 'company'", /balance of company/],
  ['a balance that was taken away', "DELETE FROM balance WHERE scope = 'run/mail/r1'", /balance of run\/mail\/r1/],
  ['a balance that nobody spent', "INSERT INTO balance VALUES ('company', 'day:2027-01-01', -5, 0)", /balance of company for day:2027-01-01/],
  ['a reservation that was taken away', "DELETE FROM reservation WHERE id = 'b'", /reserved under b/],
  ['a reservation that nobody made', "INSERT INTO reservation VALUES ('z', 'mail', 'mail/r1', 5, 1, 1)", /reserved under z/],
  ['a reservation that was lowered', "UPDATE reservation SET micros = 1 WHERE id = 'b'", /reserved under b/],
];
for (const [what, sql, reason] of tampering) {
  test(`verification finds ${what}`, async () => {
    const { db, committer } = await budgetStore(noLimits);
    await reserve(committer, 'a', 100);
    await reserve(committer, 'b', 40);
    await settle(committer, 'a', 30);
    const look = async () => {
      try {
        return await verifyWhole(db, []);
      } finally {
        await db.exec('COMMIT');
      }
    };
    assert.deepEqual((await look()).ok, true);
    await db.exec(sql);
    assert.match((await look()).firstBad!.reason, reason);
  });
}

test('reads tell of each budget, of what is open, of every call, and where the money went', async () => {
  const { db, committer } = await budgetStore(noLimits);
  await reserve(committer, 'a', 100);
  await settle(committer, 'a', 30);
  await reserve(committer, 'b', 40, { run: 'mail/r2', tier: 'large', model: 'big', price: 'assumed' }, nowMs + 1);
  await reserve(committer, 'c', 5, { workflow: 'evals', run: 'evals/e1' }, nowMs - 86_400_000);
  const read = (name: string, args: object = {}) => runQuery(db, name, args as Record<string, unknown>);
  assert.deepEqual((await read('balances', { nowMs }) as BalanceRow[]).map((one) => `${accountKey(one)} ${one.settledMicros} ${one.reservedMicros}`), [
    'company day:2026-11-22 0 5', 'company day:2026-11-23 30 40', 'company month:2026-11 30 45', 'workflow/evals day:2026-11-22 0 5', 'workflow/evals month:2026-11 0 5', 'workflow/mail day:2026-11-23 30 40', 'workflow/mail month:2026-11 30 40',
  ]);
  assert.deepEqual((await read('reservations', { before: nowMs + 60_001 }) as { id: string }[]).map(({ id }) => id), ['b', 'c']);
  assert.deepEqual(await read('reservations', { before: nowMs + 60_000 }), []);
  assert.deepEqual((await read('spendByTier', { since: 0 }) as { tier: string; model: string; calls: number; micros: number; assumed: number }[]).map(({ tier, model, calls, micros, assumed }) => [tier, model, calls, micros, assumed]), [['large', 'big', 1, 40, 1], ['small', 'm', 1, 30, 0], ['small', 'm', 1, 5, 0]]);
  assert.deepEqual(await read('dearestRuns', { since: nowMs, limit: 1 }), [{ workflow: 'mail', run: 'mail/r2', calls: 1, micros: 40, reservedMicros: 40, atMs: nowMs + 1 }]);
  assert.deepEqual((await read('modelCalls', {}) as { id: string; micros: number | null; outcome: string | null; tier: string }[]).map(({ id, micros, outcome, tier }) => [id, micros, outcome, tier]), [['c', null, null, 'small'], ['b', null, null, 'large'], ['a', 30, 'answered', 'small']]);
  assert.deepEqual(await read('spendTotals'), [{ workflow: 'evals', settledMicros: 0, reservedMicros: 5 }, { workflow: 'mail', settledMicros: 30, reservedMicros: 40 }]);
  assert.deepEqual((await read('spends', { run: 'mail/r1' }) as { id: string; state: string }[]).map(({ id, state }) => `${id} ${state}`), ['a settled', 'a reserved']);
});

/** What may happen to a few calls of two workflows over two days; ids repeat, so that everything also comes twice and too late. */
const happening = fc.record({
  do: fc.constantFrom('reserve', 'reserve', 'reserve', 'settle', 'settle', 'limit'),
  id: fc.integer({ min: 0, max: 14 }), micros: fc.integer({ min: 0, max: 60 }), workflow: fc.constantFrom('mail', 'odd'), run: fc.integer({ min: 0, max: 3 }), day: fc.integer({ min: 0, max: 1 }), together: fc.boolean(),
});
const settings: Budgets = { company: { perDayMicros: 150, perMonthMicros: 220, perRunMicros: 90 }, workflows: { mail: { perDayMicros: 100, perRunMicros: 70 } }, others: { perMonthMicros: 80 } };

test('whatever comes in whatever order and groups: no limit is passed by a call, balances are the sums of the rows, and each answer is the model\'s', { timeout: 240_000 }, async (t) => {
  let reservations = 0;
  let refusals = 0;
  const runs = Number(process.env['KEELSON_TEST_RUNS'] ?? 60);
  await fc.assert(fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 40 }), async (all) => {
    const { db, committer } = await budgetStore(settings, `${tempDir()}/keelson.db`);
    const open = new Map<string, { workflow: string; run: string; micros: number; atMs: number }>();
    const known = new Set<string>();
    const taken = new Map<string, number>();
    const laid: Limits = {};
    let pending: { answer: Promise<Committed>; expected: string }[] = [];
    const flush = async () => {
      const batch = pending;
      pending = [];
      assert.deepEqual((await Promise.all(batch.map(({ answer }) => answer))).map(({ outcome }) => outcome), batch.map(({ expected }) => expected));
      for (const { scope, period, settled, reserved } of await db.all<{ scope: string; period: string; settled: number; reserved: number }>('SELECT * FROM balance')) assert.deepEqual([settled >= 0, reserved >= 0, settled + reserved], [true, true, taken.get(`${scope} ${period}`)], `${scope} ${period}`);
      assert.equal(await changedBalance(db), null);
    };
    for (const [i, { do: what, id: number, micros, workflow, run: place, day, together }] of all.entries()) {
      const [id, run, atMs] = [`call-${number}`, `${workflow}/r${place}`, nowMs + day * 86_400_000];
      const accounts = accountsOf(workflow, run, atMs);
      if (what === 'limit') {
        await flush(); // a limit counts for the groups after it
        laid.perDayMicros = micros * 4;
        pending.push({ expected: 'written', answer: committer.commit(commitOf(`limit-${i}`, { actor: 'operator/desk', atMs, facts: [{ entity: budgetEntity(null), predicate: budgetPredicate, value: { ...laid }, label: 'operator', confidence: 1 }] })) });
        await flush();
      } else if (what === 'reserve') {
        const budgets = { ...settings, company: { ...settings.company, ...laid } };
        const short = accounts.some((account) => {
          const limit = limitOf(budgets, account, workflow);
          return limit !== null && (taken.get(accountKey(account)) ?? 0) + micros > limit;
        });
        const expected = known.has(id) ? 'invalid' : short ? 'unaffordable' : 'written';
        if (expected === 'written') {
          reservations++;
          known.add(id);
          open.set(id, { workflow, run, micros, atMs });
          for (const account of accounts) taken.set(accountKey(account), (taken.get(accountKey(account)) ?? 0) + micros);
        } else if (expected === 'unaffordable') refusals++;
        pending.push({ expected, answer: spend(committer, `r-${i}`, [reservation(id, micros, { workflow, run })], { atMs }) });
      } else {
        const held = open.get(id);
        const cost = Math.min(micros, held?.micros ?? 0);
        open.delete(id);
        for (const account of held ? accountsOf(held.workflow, held.run, held.atMs) : []) taken.set(accountKey(account), taken.get(accountKey(account))! - held!.micros + cost);
        pending.push({ expected: held ? 'written' : 'closed', answer: spend(committer, `s-${i}`, [settlement(id, cost)], { atMs }) });
      }
      if (!together) await flush();
    }
    await flush();
    await db.close();
  }), { numRuns: runs, seed: Number(process.env['KEELSON_TEST_SEED'] ?? 7) });
  t.diagnostic(`${runs} sequences, ${reservations} reservations, ${refusals} refusals`);
  assert.ok(reservations > runs && refusals > runs / 2, 'both happen');
  assert.equal(dayOf(nowMs), 'day:2026-11-23');
});
