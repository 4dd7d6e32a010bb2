// Goal: each time leads to one run, whatever crashes, comes twice or is changed in between, and nothing stands still unseen. Method:
// the machine in the simulator with the real calendar; the start of a run is a name in a set, as in the store.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCalendar } from '#connectors/cron.ts';
import { parseSchedule, scheduleMachine } from '#machines/agents/schedule.ts';
import { KeelsonError } from '#machines/errors.ts';
import { whyStuck } from '#supervisor/main-supervisor.ts';
import { planRuns } from '#supervisor/schedules.ts';
import { createSim } from '#test/kit/sim.ts';

const minute = 60_000;
const address = 'schedule/quarter';
const quarter = parseSchedule({ name: 'quarter', cron: '*/15 * * * *', timeZone: 'Europe/Berlin', missed: 'all', start: { machine: 'report@1' } });

function world(definition: object = quarter, { chaos = 0, seed = 1 } = {}) {
  const started = new Map<number, number>();
  const asked: unknown[] = [];
  let failing = '';
  const sim = createSim({
    machines: [scheduleMachine], chaos, seed,
    activities: {
      async 'schedule.next'({ input }) {
        const question = input as { cron: string; timeZone: string; missed: 'all'; settledMs: number | null };
        if (failing === 'next') throw new KeelsonError('BAD_CONFIG', 'there is no such zone any more');
        asked.push(question.settledMs);
        return planRuns(await openCalendar(question), { ...question, nowMs: sim.nowMs() });
      },
      async 'schedule.start'({ input }) {
        if (failing === 'start') throw new KeelsonError('REFUSED', 'not now');
        const fresh = (input as { runs: number[] }).runs.filter((at) => !started.has(at));
        for (const at of fresh) started.set(at, sim.nowMs());
        return { started: fresh };
      },
    },
  });
  sim.start(address, scheduleMachine, definition);
  return { sim, started, asked, fail: (what: string) => void (failing = what) };
}

test('each time starts one run, when it comes and not before', async () => {
  const { sim, started } = world();
  await sim.advance(60 * minute);
  assert.equal(started.size, 4);
  for (const [at, nowMs] of started) assert.deepEqual([at % (15 * minute), nowMs - at], [0, 0]);
  assert.equal(sim.value(address), 'waiting');
  assert.equal(sim.recorded.decisions.filter(({ outcome }) => outcome === 'started').length, 4);
});

test('with a third of everything failing or coming twice, each time of a day still starts one run', async () => {
  for (const seed of [1, 2, 3]) {
    const { sim, started } = world(quarter, { chaos: 0.35, seed });
    await sim.advance(24 * 60 * minute);
    assert.equal(started.size, 96);
    assert.ok(sim.trouble.crashes > 50 && sim.trouble.rerunJobs > 20, JSON.stringify(sim.trouble));
    assert.deepEqual(sim.notes().filter((note) => !/stale|already/.test(note)), []);
  }
});

test('other times count from when they are read; the wait for the old ones is withdrawn', async () => {
  const { sim, started } = world();
  await sim.idle();
  const [old] = sim.deadlines();
  await sim.event(address, { type: 'DEFINE', schedule: { ...quarter, cron: '5 * * * *' } }).idle();
  assert.equal(sim.deadlines().length, 1);
  assert.notEqual(sim.deadlines()[0]!.id, old!.id);
  await sim.advance(60 * minute);
  assert.deepEqual([...started.keys()].map((at) => at % (60 * minute)), [5 * minute]);
});

test('another input with the same times changes no wait', async () => {
  const { sim, asked } = world();
  await sim.idle();
  const before = sim.deadlines();
  await sim.event(address, { type: 'DEFINE', schedule: { ...quarter, missed: 'skip' } }).idle();
  assert.deepEqual(sim.deadlines(), before);
  assert.deepEqual([asked, sim.context<{ schedule: { missed: string } }>(address).schedule.missed], [[null], 'skip']);
});

test('without its file it rests, nothing runs, and nobody has to end it; when the file is back it goes on from then', async () => {
  const { sim, started } = world();
  await sim.idle();
  await sim.event(address, { type: 'REMOVE' }).idle();
  assert.deepEqual([sim.deadlines(), sim.value(address)], [[], 'removed']);
  assert.equal(whyStuck(sim.registry, sim.record(address)!), null);
  await sim.advance(60 * minute);
  assert.equal(started.size, 0);
  await sim.event(address, { type: 'DEFINE', schedule: quarter }).idle();
  assert.equal(started.size, 0, 'what passed while it was away is not made up for');
  await sim.advance(15 * minute);
  assert.equal(started.size, 1);
});

test('only the operator may define or remove it', async () => {
  const { sim } = world();
  await sim.idle();
  await sim.event(address, { type: 'REMOVE' }, 'mail/1').event(address, { type: 'DEFINE', schedule: { ...quarter, cron: '* * * * *' } }, 'mail/1').idle();
  assert.equal(sim.value(address), 'waiting');
  assert.equal(sim.notes().filter((note) => /may only come from the operator/.test(note)).length, 2);
});

test('a calendar that cannot be read, and runs that cannot be started, become the operator\'s business; no run is lost', async () => {
  for (const what of ['next', 'start']) {
    const { sim, started, fail } = world();
    await sim.idle();
    fail(what);
    await sim.advance(20 * minute);
    assert.equal(sim.value(address), 'stuck');
    const asked = sim.recorded.intents.at(-1)!;
    assert.deepEqual([asked.id, asked.kind, asked.state], ['schedule-quarter-1', 'escalation', 'input-required']);
    assert.match(asked.summary!, what === 'next' ? /no such zone/ : /not now/);
    fail('');
    await sim.event(address, { type: 'APPROVE', payloadHash: asked.id }).idle();
    assert.equal(started.size, 1);
    assert.deepEqual(sim.recorded.intents.at(-1), { id: 'schedule-quarter-1', kind: 'escalation', state: 'completed' });
    await sim.advance(15 * minute);
    assert.equal(started.size, 2);
  }
});

test('a schedule that stopped goes on with another file, and its question is closed', async () => {
  const { sim, fail, started } = world();
  fail('next');
  await sim.idle();
  fail('');
  await sim.event(address, { type: 'DEFINE', schedule: { ...quarter, cron: '5 * * * *' } }).idle();
  assert.deepEqual([sim.value(address), sim.recorded.intents.at(-1)?.state], ['waiting', 'canceled']);
  await sim.advance(60 * minute);
  assert.equal(started.size, 1);
});

test('a file says what is wrong in it', () => {
  const bad: [object, RegExp][] = [
    [{ name: 'Quarter' }, /^name /], [{ missed: 'later' }, /^missed /], [{ timeZone: undefined }, /^timeZone /], [{ cron: '' }, /^cron /], [{ start: { machine: 'report' } }, /^start\.machine expected id@version/],
    [{ wake: { to: 'review/main', type: 'TICK' } }, /expected either start or wake/], [{ start: undefined }, /expected either start or wake/], [{ start: undefined, wake: { to: 'review', type: 'TICK' } }, /^wake\.to /], [{ start: undefined, wake: { to: 'review/main', type: 'xstate.init' } }, /^wake\.type /], [{ every: 'day' }, /every/],
  ];
  for (const [change, words] of bad) assert.throws(() => parseSchedule({ ...quarter, ...change }), (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && words.test(error.message), JSON.stringify(change));
});
