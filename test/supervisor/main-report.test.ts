// Goal: the report of each day and week is there in the morning, once, also after days of standing still, and says what was recorded and
// nothing else. Method: the report's machine in the simulator with its real activity, on a real store with records of two days.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { reportMachine } from '#machines/agents/report.ts';
import type { Commit } from '#machines/commit.ts';
import type { Decision } from '#machines/records.ts';
import { runQuery } from '#store/queries.ts';
import { readDebts } from '#supervisor/main-debt.ts';
import { daySpan, dueSpans, midnight, mondayOf, readReport, reportActivity, sayReport, spanOf, weekSpan, type Report } from '#supervisor/main-report.ts';
import { reportSchema, toDemands, qualitySchema } from '#supervisor/quality-settings.ts';
import { commitOf, stepOf, tempStore } from '#test/store/temp-store.ts';
import { createSim } from '#test/kit/sim.ts';
import { reportAddress } from '#machines/agents/standing.ts';

const hourMs = 3_600_000;
const at = (text: string) => new Date(text).getTime(); // by the clock of this computer
const settings = reportSchema.parse({});
const decided = (what: string, outcome: string, more: Partial<Decision> = {}): Decision => ({ what, outcome, confidence: null, reasons: [], evidence: [], policy: null, model: null, costMicros: null, ...more });

async function company() {
  const { db, dir, committer } = await tempStore();
  let n = 0;
  const put = async (when: string, parts: Partial<Commit>) => assert.equal((await committer.commit(commitOf(`c-${++n}`, { atMs: at(when), ...parts }))).outcome, 'written');
  const query = (name: string, args: Record<string, unknown>) => runQuery(db, name, args);
  return { dir, put, query, report: (day: string, now: string, week = false) => readReport({ dataDir: dir, query, settings }, spanOf({ day, week }, at(now)), at(now)) };
}
/** One mail that was sorted, answered as drafted and paid for. */
async function oneMail(put: Awaited<ReturnType<typeof company>>['put'], id: string, day: string) {
  const about = { evidence: [{ kind: 'artifact' as const, id }] };
  await put(`${day}T09:00`, { actor: 'connector/mail', artifacts: [{ id, kind: 'mail', mediaType: 'message/rfc822', hash: id, sizeBytes: 1 }] });
  await put(`${day}T09:01`, { actor: `mail/${id}`, step: stepOf(0) });
  await put(`${day}T09:02`, { actor: `triage/${id}`, step: { ...stepOf(0), parent: `mail/${id}` }, decisions: [decided('triage', 'inquiry', { confidence: 0.9, task: 'triage', tier: 'rules', costMicros: 0, ...about })] });
  await put(`${day}T09:03`, { actor: `copy/${id}`, step: { ...stepOf(0), parent: `mail/${id}` }, decisions: [decided('draft', 'prices', { confidence: 0.8, task: 'draft', tier: 'small', costMicros: 1_200, ...about })] });
  const reserved = { state: 'reserved' as const, id: `call-${id}`, micros: 5_000, workflow: 'mail', run: `mail/${id}`, untilMs: at(`${day}T10:00`), task: 'draft', tier: 'small', provider: 'p', model: 'm', price: 'list' as const };
  await put(`${day}T09:04`, { actor: 'connector/model', spends: [reserved] });
  await put(`${day}T09:05`, { actor: 'connector/model', spends: [{ state: 'settled', id: `call-${id}`, micros: 1_200, outcome: 'answered', inputTokens: 1, outputTokens: 1, note: '' }] });
  await put(`${day}T09:06`, { actor: `operation/${id}`, step: { ...stepOf(0, JSON.stringify({ snapshot: { context: { action: 'mail.send' } } })), parent: `mail/${id}` }, decisions: [decided('approval', 'approved'), decided('operation', 'done')] });
}

test('a report counts what was recorded within its span, and says how saved time is reckoned', async () => {
  const { put, report } = await company();
  await oneMail(put, 'm-1', '2026-11-18');
  await oneMail(put, 'm-2', '2026-11-19');
  await put('2026-11-19T10:00', { actor: 'operator/desk', annotations: [{ kind: 'correction', target: { kind: 'artifact', id: 'draft-x' }, text: 'x' }], intents: [{ id: 'i-1', kind: 'task', state: 'input-required', summary: 'Pay' }] });
  const one = await report('2026-11-19', '2026-11-20T06:00');
  assert.deepEqual(one.done, { mails: 1, verdicts: [{ category: 'inquiry', count: 1 }], replies: [{ outcome: 'done', count: 1 }], operations: [], booked: 0, moneyIn: [], moneyOut: [], questions: 1 });
  assert.deepEqual([one.cost.totalMicros, one.cost.workflows], [1_200, [{ workflow: 'mail', micros: 1_200, calls: 1 }]]);
  assert.deepEqual(one.savedMinutes, { total: 9, by: [{ what: 'mails sorted', times: 1, minutesEach: 1 }, { what: 'replies sent as drafted', times: 1, minutesEach: 8 }, { what: 'bookings', times: 0, minutesEach: 4 }] });
  assert.deepEqual([one.learnt.corrections, one.waiting[0]?.kind], [1, 'task']);
  const week = await report('2026-11-19', '2026-11-20T06:00', true);
  assert.deepEqual([week.day, week.done.mails, week.cost.totalMicros], ['2026-11-16', 2, 2_400]);
  const text = sayReport(one);
  for (const part of ['# Report of 2026-11-19', '1 mail came: 1 inquiry', '$0.0012: mail $0.0012 for 1 call', 'about 9 minutes: 1 mails sorted × 1 min', 'company.json (`report.minutes`)', '- 1 correction, 0 facts from you', '## Debts that grew\n- none']) assert.ok(text.includes(part), `${part} in\n${text}`);
  const empty: Report = await report('2026-11-01', '2026-11-20T06:00');
  assert.match(sayReport(empty), /0 mails came: none was sorted[^]*models cost nothing/);
});

test('the report of a day is a document in the next morning, that of a week on Monday, and none is written twice', async () => {
  const { dir, put, query } = await company();
  await oneMail(put, 'm-1', '2026-11-18');
  const offset = at('2026-11-18T12:00') - 1_000_000;
  const sim = createSim({ machines: [reportMachine], permissions: true, activities: { 'report.write': (call) => reportActivity({ dataDir: dir, query, settings, clock: { now: () => sim.nowMs() + offset } })(call) } });
  sim.start(reportAddress, reportMachine, {});
  await sim.advance(17 * hourMs);
  assert.equal(sim.recorded.artifacts.length, 0, 'the day is not over');
  await sim.advance(2 * hourMs);
  assert.deepEqual(sim.recorded.artifacts.map(({ id, kind }) => [id, kind]), [['report/2026-11-18', 'document']]);
  assert.match(sim.recorded.artifacts[0]!.text!, /1 mail came/);
  await sim.event(reportAddress, { type: 'LOOK' }).idle();
  assert.equal(sim.recorded.artifacts.length, 1);
  await sim.advance(5 * 24 * hourMs);
  assert.deepEqual(sim.recorded.artifacts.map(({ id }) => id).slice(1), ['report/2026-11-19', 'report/2026-11-20', 'report/2026-11-21', 'report/2026-11-22', 'report/week-2026-11-16', 'report/2026-11-23']);
});

test('in a demo the first minute has its report', async () => {
  const { dir, query } = await company();
  const sim = createSim({ machines: [reportMachine], activities: { 'report.write': (call) => reportActivity({ dataDir: dir, query, settings, demo: true, clock: { now: () => sim.nowMs() + at('2026-11-18T12:00') } })(call) } });
  sim.start(reportAddress, reportMachine, {});
  await sim.advance(60_000);
  assert.deepEqual(sim.recorded.artifacts.map(({ id }) => id), ['report/2026-11-18']);
});

test('when it cannot be written it is tried again, and days that were missed are made up for, a week of them at most', async () => {
  let fails = true;
  const sim = createSim({ machines: [reportMachine], activities: { 'report.write': async () => {
    if (fails) throw new Error('no');
    return { documents: [], doneMs: 1, waitMs: 1_000 };
  } } });
  sim.start(reportAddress, reportMachine, {});
  await sim.advance(20 * 60_000);
  assert.equal(sim.value(reportAddress), 'resting');
  fails = false;
  await sim.advance(hourMs);
  assert.equal(sim.value(reportAddress), 'waiting');
  const names = (from: string, to: string) => dueSpans(at(from), at(to), 6).map(({ kind, fromMs }) => [kind, new Date(fromMs).getDate()]);
  assert.deepEqual(names('2026-11-18T06:00', '2026-11-19T05:59'), []);
  assert.deepEqual(names('2026-11-18T06:00', '2026-11-19T06:00'), [['day', 18]]);
  assert.deepEqual(names('2026-10-01T06:00', '2026-11-18T12:00').filter(([kind]) => kind === 'day').length, 8);
  assert.deepEqual(dueSpans(null, at('2026-11-18T12:00'), 6), []);
});

test('days and weeks are those of the calendar, also when a clock is changed, and what is no day is refused', () => {
  for (const day of ['2026-03-29', '2026-10-25', '2026-12-31']) {
    const { fromMs, untilMs } = daySpan(at(`${day}T12:00`));
    assert.equal(untilMs, midnight(fromMs + 36 * hourMs));
    assert.equal(daySpan(untilMs - 1).fromMs, fromMs);
  }
  assert.equal(mondayOf(at('2026-11-22T23:00')), at('2026-11-16T00:00'));
  assert.equal(weekSpan(at('2026-11-16T00:00')).untilMs, at('2026-11-23T00:00'));
  for (const day of ['2026-02-30', 'yesterday', '2026-1-1', '']) assert.throws(() => spanOf({ day, week: false }, 0), /is no day/);
});

test('files without a test, templates that are edited and items that lie are debts with a trend and a command; what is in order is not named', async () => {
  const { dir, put, query } = await company();
  const nowMs = Date.now();
  const iso = (days: number) => new Date(nowMs - days * 24 * hourMs).toISOString();
  assert.deepEqual(await readDebts({ dataDir: dir, query, nowMs }), []);
  for (const folder of ['agents', 'connectors', 'scenarios']) mkdirSync(join(dir, folder));
  for (const file of ['agents/a.ts', 'agents/a.test.ts', 'agents/b.ts', 'connectors/c.mjs', 'connectors/web.json']) writeFileSync(join(dir, file), '');
  await put(iso(20), { actor: 'mail/1', intents: [{ id: 'i-1', kind: 'task', state: 'input-required', summary: 'Pay' }] });
  for (let i = 0; i < 6; i++) {
    await put(iso(5), { actor: `mail/m${i}`, step: stepOf(0) });
    await put(iso(5), { actor: `copy/m${i}`, step: { ...stepOf(0), parent: `mail/m${i}` }, decisions: [decided('draft', 'prices', { confidence: 0.8, evidence: [{ kind: 'artifact', id: `m${i}` }] })] });
    await put(iso(5), { actor: `operation/m${i}`, step: { ...stepOf(0), parent: `mail/m${i}` }, decisions: [decided('approval', 'approved')], ...(i < 3 ? { annotations: [{ kind: 'correction' as const, target: { kind: 'artifact' as const, id: `draft-m${i}` }, text: 'x' }] } : {}) });
  }
  const debts = await readDebts({ dataDir: dir, query, nowMs: nowMs + 1_000 });
  assert.deepEqual(debts.map(({ kind, number, unit, trend, fix }) => [kind, number, unit, trend, fix]), [
    ['automation without test', 1, 'files', 1, 'keelson test'],
    ['automation without test', 1, 'files', 1, 'keelson test'],
    ['automation without test', 2, 'automations', null, 'keelson test'],
    ['edited by hand', 50, '%', null, 'keelson find annotation --kind correction'],
    ['unowned obligation', 1, 'items', 0, 'keelson inbox'],
  ]);
  assert.match(debts[0]!.what, /agents\/b\.ts/);
});

test('what must be right is the threshold of company.json unless it says otherwise, and measured thresholds are never less strict unless it allows that', () => {
  const thresholds = { triage: 0.7, draft: 0.6 };
  assert.deepEqual(toDemands(qualitySchema.parse({}), thresholds).tasks['triage'], { target: 0.7, usual: 0.7, minimum: 0.7 });
  assert.deepEqual(toDemands(qualitySchema.parse({ mayRelax: true, targets: { triage: 0.9 } }), thresholds).tasks['triage'], { target: 0.9, usual: 0.7, minimum: 0.5 });
  assert.deepEqual(toDemands(qualitySchema.parse({ others: 0.85 }), thresholds).others, { target: 0.85, usual: 0.85, minimum: 0.5 });
});
