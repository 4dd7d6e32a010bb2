// Goal: the files in schedules/ are carried out as they stand: each time one run, over restarts, changes of a file and jumps of the
// clock. Method: the plan as a table; then store, bus and host for real, on a clock that is moved by hand.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { createRegistry } from '#actors/registry.ts';
import { openCalendar } from '#connectors/cron.ts';
import { parseSchedule, type Schedule } from '#machines/agents/schedule.ts';
import { protocol } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import { graceMs, missedMax, planRuns, readSchedules, scheduleActivities } from '#supervisor/schedules.ts';
import { withNats, type TestNats } from '#test/kit/nats.ts';
import { handClock, startMoved, tempDir, type MovedOptions } from './moved-world.ts';

const hour = 3_600_000;
const day = 24 * hour;
const iso = (at: number) => new Date(at).toISOString().slice(0, 16);

test('what is due is decided by the policy for missed runs', async () => {
  const calendar = await openCalendar({ cron: '0 9 * * *', timeZone: 'UTC' });
  const nine = Date.parse('2026-11-23T09:00Z');
  const plan = (missed: Schedule['missed'], settledMs: number | null, nowMs: number) => {
    const { runs, missed: passedOver, nextMs } = planRuns(calendar, { missed, settledMs, nowMs });
    return [runs.map(iso), passedOver, iso(nextMs!)];
  };
  const tomorrow = iso(nine + day);
  for (const missed of ['skip', 'once', 'all'] as const) {
    assert.deepEqual(plan(missed, null, nine + 1), [[], 0, tomorrow], 'a new one begins now');
    assert.deepEqual(plan(missed, nine - hour, nine - 1), [[], 0, iso(nine)], 'nothing early');
    assert.deepEqual(plan(missed, nine - hour, nine), [[iso(nine)], 0, tomorrow], 'on time');
    assert.deepEqual(plan(missed, nine, nine + hour), [[], 0, tomorrow], 'settled is settled');
    assert.deepEqual(plan(missed, nine + day, nine + 1), [[], 0, tomorrow], 'the clock was set back');
    assert.deepEqual(plan(missed, nine - hour, nine + graceMs), [[iso(nine)], 0, tomorrow], 'a little late is not missed');
  }
  const three = [nine - 2 * day, nine - day, nine].map(iso);
  assert.deepEqual(plan('skip', nine - 3 * day, nine + graceMs + 1), [[], 3, tomorrow]);
  assert.deepEqual(plan('skip', nine - 3 * day, nine + 1), [[iso(nine)], 2, tomorrow]);
  assert.deepEqual(plan('once', nine - 3 * day, nine + hour), [[iso(nine)], 2, tomorrow]);
  assert.deepEqual(plan('all', nine - 3 * day, nine + hour), [three, 0, tomorrow]);
});

test('of more missed runs than can be made up for the newest are, and ten years are looked over at once', async () => {
  const calendar = await openCalendar({ cron: '* * * * *', timeZone: 'Europe/Berlin' });
  const nowMs = Date.parse('2036-11-23T09:00Z');
  const { runs } = planRuns(calendar, { missed: 'all', settledMs: nowMs - 3_650 * day, nowMs });
  assert.deepEqual([runs.length, runs.at(-1), runs[0]], [missedMax, nowMs, nowMs - (missedMax - 1) * 60_000]);
});

const reportInput = z.object({ kind: z.string() });
const report = protocol({ context: reportInput, input: reportInput, output: z.object({}), events: {} });
const reportMachine = setup({ types: report.types, schemas: report.schemas }).createMachine({ id: 'report', version: '1', context: ({ input }) => input, initial: 'done', states: { done: { type: 'final' } }, output: {} });
const desk = protocol({ context: z.object({ seen: z.array(z.number()) }), input: z.object({}), output: z.unknown(), events: { TICK: z.object({ schedule: z.string(), at: z.number() }) } });
const deskMachine = setup({ types: desk.types, schemas: desk.schemas }).createMachine({ id: 'desk', version: '1', context: { seen: [] }, on: { TICK: { actions: assign({ seen: ({ context, event }) => [...context.seen, event.at] }) as never } } });

test('a file that is wrong stops the start and says which, where and what', async (t) => {
  const registry = createRegistry([reportMachine]);
  const good = { name: 'daily', cron: '0 9 * * *', timeZone: 'Europe/Berlin', missed: 'once', start: { machine: 'report@1', input: { kind: 'sales' } } };
  const read = (text: string) => {
    const dir = tempDir(t);
    mkdirSync(join(dir, 'schedules'));
    writeFileSync(join(dir, 'schedules', 'daily.json'), text);
    return readSchedules(dir, { registry, openCalendar, nowMs: Date.parse('2026-11-23T08:00Z') });
  };
  assert.deepEqual(await read(JSON.stringify(good)), [good]);
  assert.deepEqual(await readSchedules(tempDir(t), { registry, openCalendar, nowMs: 0 }), [], 'no folder, no schedules');
  const bad: [object | string, RegExp][] = [
    ['{', /JSON/], [{ ...good, name: 'other' }, /name: expected 'daily'/], [{ ...good, cron: '0 25 * * *' }, /cron: '0 25 \* \* \*' cannot be read/], [{ ...good, cron: '0 9 30 2 *' }, /cron: .* never comes/],
    [{ ...good, timeZone: undefined }, /timeZone /], [{ ...good, timeZone: 'Europe/Atlantis' }, /timeZone: 'Europe\/Atlantis' is no time zone/], [{ ...good, missed: 'twice' }, /missed /],
    [{ ...good, start: { machine: 'report@2' } }, /start\.machine: this build has no 'report@2'/], [{ ...good, start: { machine: 'report@1', input: { kind: 3 } } }, /start\.input\.kind: /],
    [{ ...good, start: undefined, wake: { to: 'nobody/1', type: 'TICK' } }, /wake\.to: /],
  ];
  for (const [file, words] of bad) {
    await assert.rejects(read(typeof file === 'string' ? file : JSON.stringify(file)), (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && error.message.startsWith('schedules/daily.json: ') && words.test(error.message), JSON.stringify(file));
  }
});

let nats: TestNats;
before(async () => {
  nats = await withNats();
});
after(() => nats.stop());

const startMs = Date.parse('2026-11-23T08:30Z');
const daily = (change: object = {}) => parseSchedule({ name: 'daily', cron: '0 9 * * *', timeZone: 'UTC', missed: 'skip', start: { machine: 'report@1', input: { kind: 'sales' } }, ...change });
function options(t: TestContext, ...schedules: Schedule[]): MovedOptions {
  return { nats, dataDir: tempDir(t), clock: handClock(startMs), machines: [reportMachine, deskMachine], schedules };
}
const runs = (...days: number[]) => days.map((n) => `report/daily-2026-11-${n}T09:00Z`);
/** Until which minute a schedule waits, once it does; its step was taken a little after the calendar was read. */
const waits = (world: Awaited<ReturnType<typeof startMoved>>, name = 'daily') => world.until('it waits', async () => {
  const record = await world.record(`schedule/${name}`);
  return record?.snapshot.value === 'waiting' && Math.floor(Object.values(record.timers)[0]!.dueMs / 60_000) * 60_000;
});

test('each time starts one run with the input of the file, over restarts, and nothing is told twice', async (t) => {
  const opts = options(t, daily({ missed: 'once' }));
  for (let n = 0; n < 3; n++) {
    const world = await startMoved(t, opts);
    await waits(world);
    if (n < 2) await world.pass(day);
    await world.stop();
  }
  const world = await startMoved(t, opts);
  await world.quiet();
  assert.deepEqual(await world.addresses('report'), runs(23, 24));
  assert.deepEqual((await world.record(runs(23)[0]!))?.snapshot.context, { kind: 'sales' });
  const decisions = (await world.store.query('decisions', { what: 'schedule' })) as { outcome: string; reasons: string[]; actor: string }[];
  assert.deepEqual(decisions.map(({ outcome, reasons }) => [outcome, reasons[0]]), [['started', '2026-11-24T09:00:00.000Z'], ['started', '2026-11-23T09:00:00.000Z']]);
  const told = (await world.store.query('history', { address: 'schedule/daily' })) as { body: { from: string } }[];
  assert.equal(told.filter(({ body }) => body.from === 'operator/company').length, 1, 'an unchanged file is not told again');
});

test('runs whose time passed while nothing ran: none, one or each, as the file says', async (t) => {
  for (const [missed, expected] of [['skip', []], ['once', runs(26)], ['all', runs(23, 24, 25, 26)]] as const) {
    const opts = options(t, daily({ missed }));
    const first = await startMoved(t, opts);
    await waits(first);
    await first.stop();
    opts.clock.pass(3 * day + 2 * hour);
    const second = await startMoved(t, opts);
    await second.quiet();
    assert.deepEqual(await second.addresses('report'), expected, missed);
    await waits(second);
    await second.pass(22.5 * hour + 60_000);
    assert.deepEqual(await second.addresses('report'), [...expected, ...runs(27)], 'the next one is in time');
    await second.stop();
  }
});

test('a changed file counts from the start that reads it; a file that went starts nothing; one that is back goes on', async (t) => {
  const opts = options(t, daily({ missed: 'all' }));
  const first = await startMoved(t, opts);
  await waits(first);
  await first.stop();
  opts.clock.pass(2 * day);
  const changed = await startMoved(t, { ...opts, schedules: [daily({ missed: 'all', cron: '0 10 * * *' })] });
  await changed.until('the new wait', async () => (await waits(changed)) === Date.parse('2026-11-25T10:00Z'));
  await changed.quiet();
  assert.deepEqual(await changed.addresses('report'), []);
  await changed.stop();
  const without = await startMoved(t, { ...opts, schedules: [] });
  await without.until('it rests', async () => (await without.record('schedule/daily'))?.snapshot.value === 'removed');
  assert.equal((await without.status()).deadlines, 0);
  await without.pass(day);
  assert.deepEqual(await without.addresses('report'), []);
  await without.stop();
  const back = await startMoved(t, opts);
  await waits(back);
  await back.pass(day);
  assert.deepEqual(await back.addresses('report'), runs(26));
});

test('a wake reaches its actor once per time', async (t) => {
  const world = await startMoved(t, options(t, daily({ missed: 'once', start: undefined, wake: { to: 'desk/main', type: 'TICK' } })));
  await world.start('desk/main', 'desk@1', {});
  await waits(world);
  await world.pass(day);
  assert.deepEqual((await world.record('desk/main'))?.snapshot.context, { seen: [Date.parse('2026-11-23T09:00Z')] });
});

test('a run that is asked for twice, also by a crash before its answer was kept, is started once', async (t) => {
  const opts = options(t);
  const world = await startMoved(t, opts);
  const { 'schedule.start': start } = scheduleActivities({ store: world.store, clock: opts.clock, openCalendar });
  const call = () => start!({ input: { schedule: daily(), runs: [startMs, startMs + day] } as never, operationId: 'x', attempt: 1, signal: new AbortController().signal } as never);
  assert.deepEqual([await call(), await call()], [{ started: [startMs, startMs + day] }, { started: [] }]);
  await world.quiet();
  assert.equal((await world.addresses('report')).length, 2);
});

test('a schedule goes on after the clock was set back by ten years, and no time runs twice', async (t) => {
  const world = await startMoved(t, options(t, daily({ missed: 'once' })));
  await waits(world);
  await world.pass(hour);
  assert.deepEqual(await world.addresses('report'), runs(23));
  await world.jump(-3_650 * day);
  await world.until('it waits for the next time by the clock', async () => (await waits(world)) === Date.parse('2016-11-26T09:00Z'));
  await world.jump(3_650 * day - hour);
  for (const { id } of await world.inbox()) await world.desk.approve(id, {});
  await world.until('it waits for the time that it had run', async () => (await waits(world)) === Date.parse('2026-11-23T09:00Z'));
  await world.pass(hour);
  await world.until('it waits for tomorrow', async () => (await waits(world)) === Date.parse('2026-11-24T09:00Z'));
  assert.equal((await world.record(runs(23)[0]!))?.rev, 0);
});

test('a jump forward holds the run until the operator says yes; then the file says what is made up for', async (t) => {
  const world = await startMoved(t, options(t, daily({ missed: 'all' })));
  await waits(world);
  await world.jump(2 * day);
  assert.deepEqual(await world.addresses('report'), []);
  const [question] = await world.inbox();
  assert.match(question!.summary, /jumped forward by 2 days: 1 timer /);
  await world.desk.approve(question!.id, {});
  await world.quiet();
  assert.deepEqual(await world.addresses('report'), runs(23, 24));
});
