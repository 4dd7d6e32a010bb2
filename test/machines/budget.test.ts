// Goal: which limit stands in the way of a call, in which day and month it counts, and what a budget will come to. Method: tables of balances
// and limits, and the borders of UTC days and months.
import assert from 'node:assert/strict';
import test from 'node:test';
import { alertId, alertsOf, outlook, type BalanceRow } from '#machines/budget-outlook.ts';
import { accountsOf, dayOf, dollars, monthOf, overlayLimits, sayShortage, whyUnaffordable, type Budgets, type Limits } from '#machines/budget.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const budgets: Budgets = {
  company: { perRunMicros: 400, perDayMicros: 1_000, perMonthMicros: 5_000 },
  workflows: { mail: { perRunMicros: 100, perDayMicros: 300, perMonthMicros: 2_000 }, free: {}, closed: { perDayMicros: 0 } },
  others: { perDayMicros: 200 },
};
type Taken = Record<string, number | [settled: number, reserved: number]>;
const shortageOf = (taken: Taken, workflow: string, micros: number, limits = budgets) => whyUnaffordable(limits, ({ scope, period }) => {
  const found = taken[`${scope} ${period}`] ?? 0;
  const [settledMicros, reservedMicros] = typeof found === 'number' ? [found, 0] : found;
  return { settledMicros, reservedMicros };
}, { workflow, run: `${workflow}/r1`, micros }, nowMs);
const scopeOf = (...args: Parameters<typeof shortageOf>) => {
  const found = shortageOf(...args);
  return found && `${found.scope} ${found.period}`;
};

const table: [what: string, taken: Taken, workflow: string, micros: number, shortage: string | null][] = [
  ['exactly what a run may cost', {}, 'mail', 100, null],
  ['a millionth of a dollar more than a run may cost', {}, 'mail', 101, 'run/mail/r1 run'],
  ['a run that has spent before', { 'run/mail/r1 run': 60 }, 'mail', 41, 'run/mail/r1 run'],
  ['a workflow without a limit for runs has that of the company', {}, 'free', 401, 'run/free/r1 run'],
  ['the day of a workflow', { 'workflow/mail day:2026-11-23': 250 }, 'mail', 51, 'workflow/mail day:2026-11-23'],
  ['what is reserved counts like what is spent', { 'workflow/mail day:2026-11-23': [150, 100] }, 'mail', 51, 'workflow/mail day:2026-11-23'],
  ['the last of a day', { 'workflow/mail day:2026-11-23': [150, 100] }, 'mail', 50, null],
  ['the month of a workflow', { 'workflow/mail month:2026-11': 1_950 }, 'mail', 51, 'workflow/mail month:2026-11'],
  ['the day before does not count', { 'workflow/mail day:2026-11-22': 300, 'workflow/mail month:2026-10': 2_000 }, 'mail', 100, null],
  ['another workflow does not count', { 'workflow/free day:2026-11-23': 300 }, 'mail', 100, null],
  ['the day of the company, also for a workflow without limits', { 'company day:2026-11-23': 950 }, 'free', 51, 'company day:2026-11-23'],
  ['the month of the company', { 'company month:2026-11': 4_950 }, 'free', 51, 'company month:2026-11'],
  ['a workflow that nobody named has the limits of the others', { 'workflow/odd day:2026-11-23': 150 }, 'odd', 51, 'workflow/odd day:2026-11-23'],
  ['a workflow called like a property of objects is one that nobody named', { 'workflow/constructor day:2026-11-23': 150 }, 'constructor', 51, 'workflow/constructor day:2026-11-23'],
  ['a limit of nothing lets nothing through', {}, 'closed', 1, 'workflow/closed day:2026-11-23'],
  ['what costs nothing is asked also when all is taken', { 'company day:2026-11-23': 1_000 }, 'mail', 0, null],
  ['when more is taken than is allowed now, because a limit was lowered, nothing more is', { 'company day:2026-11-23': 5_000 }, 'mail', 1, 'company day:2026-11-23'],
];
for (const [what, taken, workflow, micros, shortage] of table) test(what, () => assert.equal(scopeOf(taken, workflow, micros), shortage));

test('the widest budget is named first, with when it is open again', () => {
  assert.deepEqual(shortageOf({ 'company day:2026-11-23': 990, 'workflow/mail day:2026-11-23': 295 }, 'mail', 50), { scope: 'company', period: 'day:2026-11-23', limitMicros: 1_000, takenMicros: 990, wantedMicros: 50, againAtMs: Date.UTC(2026, 10, 24) });
  assert.equal(shortageOf({ 'workflow/mail month:2026-11': 2_000 }, 'mail', 50)!.againAtMs, Date.UTC(2026, 11, 1));
  assert.equal(shortageOf({}, 'mail', 101)!.againAtMs, null);
});

test('a shortage is said in one sentence', () => {
  assert.equal(sayShortage(shortageOf({ 'workflow/mail day:2026-11-23': 260 }, 'mail', 50)!), 'the budget of mail for day 2026-11-23 has $0.0000 of $0.0003 left, and one call may cost $0.0001');
  assert.equal(sayShortage({ scope: 'company', period: 'month:2026-11', limitMicros: 20_000_000, takenMicros: 19_999_000, wantedMicros: 4_000, againAtMs: 0 }), 'the budget of the company for month 2026-11 has $0.0010 of $20.00 left, and one call may cost $0.0040');
  assert.equal(sayShortage({ scope: 'run/mail/r1', period: 'run', limitMicros: 0, takenMicros: 0, wantedMicros: 4_000, againAtMs: null }), 'the budget of mail/r1 has $0 of $0 left, and one call may cost $0.0040');
});

for (const [moment, day, month, nextDay, nextMonth] of [
  ['2026-12-31T23:59:59.999Z', 'day:2026-12-31', 'month:2026-12', '2027-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
  ['2027-01-01T00:00:00.000Z', 'day:2027-01-01', 'month:2027-01', '2027-01-02T00:00:00.000Z', '2027-02-01T00:00:00.000Z'],
  ['2028-02-28T12:00:00.000Z', 'day:2028-02-28', 'month:2028-02', '2028-02-29T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
  ['2026-03-29T01:30:00.000Z', 'day:2026-03-29', 'month:2026-03', '2026-03-30T00:00:00.000Z', '2026-04-01T00:00:00.000Z'],
] as const) {
  test(`${moment} counts in the day and month of UTC, and both end there`, () => {
    const ms = Date.parse(moment);
    assert.deepEqual([dayOf(ms), monthOf(ms)], [day, month]);
    const ends = Object.fromEntries(accountsOf('mail', 'mail/r1', ms).map(({ period, againAtMs }) => [period, againAtMs === null ? null : new Date(againAtMs).toISOString()]));
    assert.deepEqual(ends, { [day]: nextDay, [month]: nextMonth, run: null });
  });
}

test('the operator\'s limits count over the settings, field by field, and null lifts one', () => {
  const laid = overlayLimits(budgets, { company: { perDayMicros: 9_000 }, mail: { perRunMicros: null }, odd: { perMonthMicros: 7 } });
  assert.deepEqual(laid.company, { perRunMicros: 400, perDayMicros: 9_000, perMonthMicros: 5_000 });
  assert.deepEqual(laid.workflows['mail'], { perRunMicros: null, perDayMicros: 300, perMonthMicros: 2_000 });
  assert.deepEqual(laid.workflows['odd'], { perDayMicros: 200, perMonthMicros: 7 }, 'the limits of the others, where nothing was said');
  assert.deepEqual(overlayLimits(budgets, { constructor: { perRunMicros: 1 } }).workflows['constructor'], { perDayMicros: 200, perRunMicros: 1 });
  assert.deepEqual(laid.others, budgets.others);
  assert.equal(scopeOf({}, 'mail', 401, laid), 'workflow/mail day:2026-11-23');
  assert.equal(scopeOf({}, 'mail', 401, overlayLimits(budgets, { mail: { perRunMicros: null, perDayMicros: null } })), 'run/mail/r1 run', 'without a limit of its own, that of the company');
});

test('small amounts are said with four places', () => assert.deepEqual([0, 1_200, 999_999, 1_000_000, 20_000_000].map(dollars), ['$0', '$0.0012', '$1.0000', '$1.00', '$20.00']));

const row = (scope: string, period: string, settledMicros: number, reservedMicros = 0): BalanceRow => ({ scope, period, settledMicros, reservedMicros });
const forecastOf = (rows: BalanceRow[], at = nowMs, said: Record<string, Limits> = {}) => Object.fromEntries(outlook(budgets, said, rows, at).map(({ workflow, period, forecastMicros }) => [`${workflow ?? 'company'} ${period}`, forecastMicros]));

test('a forecast is what is taken, and for the rest of the period the pace of seven days', () => {
  // 65 in six and a half days: 10 a day. Half a day is left of the day, seven and a half of the month.
  const rows = [17, 18, 19, 20, 21, 22].map((day) => row('company', `day:2026-11-${day}`, 10));
  const found = forecastOf([...rows, row('company', 'day:2026-11-23', 3, 2), row('company', 'month:2026-11', 200)]);
  assert.equal(found['company day:2026-11-23'], 10);
  assert.equal(found['company month:2026-11'], 275);
});

test('days longer ago than seven, and other scopes, are no part of the pace', () => {
  const rows = [row('company', 'day:2026-11-16', 1_000_000), row('workflow/mail', 'day:2026-11-23', 12), row('company', 'day:2026-11-23', 12)];
  const found = forecastOf(rows);
  assert.equal(found['company day:2026-11-23'], 24, 'spent since midnight, so as much again until midnight');
  assert.equal(found['mail day:2026-11-23'], 24);
});

test('one call in the first minute of a young company is counted as if it were six hours of work', () => {
  const at = Date.UTC(2026, 10, 23, 0, 1);
  assert.equal(forecastOf([row('company', 'day:2026-11-23', 6)], at)['company day:2026-11-23'], 6 + Math.round(6 * 23.9833 / 6));
  assert.equal(forecastOf([], at)['company day:2026-11-23'], 0);
});

test('every workflow with a limit or a cost is told of, those the operator named too, the company first', () => {
  const told = outlook(budgets, { billing: { perDayMicros: 5 } }, [row('workflow/odd', 'day:2026-11-23', 1), row('workflow/gone', 'day:2026-11-20', 1)], nowMs);
  assert.deepEqual(told.map(({ workflow, period, limitMicros }) => `${workflow ?? 'company'} ${period} ${limitMicros}`), [
    'company day:2026-11-23 1000', 'company month:2026-11 5000', 'billing day:2026-11-23 5', 'billing month:2026-11 null', 'closed day:2026-11-23 0', 'closed month:2026-11 null',
    'free day:2026-11-23 null', 'free month:2026-11 null', 'mail day:2026-11-23 300', 'mail month:2026-11 2000', 'odd day:2026-11-23 200', 'odd month:2026-11 null',
  ]);
});

test('of the thresholds that a budget has reached the highest is told, and what is reserved counts', () => {
  const told = (settled: number, reserved = 0) => alertsOf(outlook(budgets, {}, [row('workflow/mail', 'day:2026-11-23', settled, reserved)], nowMs), [0.5, 0.8, 1]).map(({ threshold }) => threshold);
  assert.deepEqual([told(149), told(150), told(200, 39), told(200, 40), told(300), told(900)], [[], [0.5], [0.5], [0.8], [1], [1]]);
});

test('a budget of nothing and one without a limit have no thresholds', () => {
  assert.deepEqual(alertsOf(outlook(budgets, {}, [row('workflow/closed', 'day:2026-11-23', 0), row('workflow/free', 'day:2026-11-23', 900)], nowMs), [0.5]), []);
});

test('an alert has a name for budget, period, threshold and limit, so that a raised limit is told anew', () => {
  const [alert] = alertsOf(outlook(budgets, {}, [row('workflow/mail', 'day:2026-11-23', 250)], nowMs), [0.5, 0.8]);
  assert.equal(alertId(alert!), 'budget-workflow-mail-day-2026-11-23-80-of-300');
  assert.notEqual(alertId({ ...alert!, limitMicros: 600 }), alertId(alert!));
  assert.equal(alertId({ ...alert!, workflow: null }), 'budget-company-day-2026-11-23-80-of-300');
});
