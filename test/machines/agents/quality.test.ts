// Goal: a tier that becomes worse is passed over with one notice, comes back when it deserves it or when the operator says so, and where
// nothing changed nothing is written. Method: the machine in the simulator with the real measurement; tiers are made of a few lines whose
// accuracy changes on a day.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureQuality, readQuality, unlessDemoted } from '#connectors/quality.ts';
import { qualityMachine } from '#machines/agents/quality.ts';
import { KeelsonError } from '#machines/errors.ts';
import { silence, tierKey, toCase, tierEntity, type Demands, type Outcome } from '#machines/tier-quality.ts';
import { createSim } from '#test/kit/sim.ts';
import { seeded } from '#test/kit/server.ts';
import { qualityAddress } from '#machines/agents/standing.ts';

const dayMs = 86_400_000;
const demands: Demands = { tasks: {}, others: { target: 0.8, usual: 0.7, minimum: 0.5 } };

function world({ chaos = 0, seed = 1 } = {}) {
  let outcomes: Outcome[] = [];
  let failing = false;
  let asks = 0;
  const store = { query: async (name: string, { since = 0 }: { since?: number }) => {
    asks++;
    if (failing) throw new KeelsonError('REFUSED', 'not now');
    assert.equal(name, 'outcomes');
    return outcomes.filter(({ atMs }) => atMs >= since);
  } };
  const sim = createSim({ machines: [qualityMachine], permissions: true, chaos, seed, activities: { 'quality.measure': (call) => measureQuality({ store, clock: { now: sim.nowMs }, demands })(call) } });
  sim.start(qualityAddress, qualityMachine, {});
  const random = seeded(seed);
  return {
    sim,
    asks: () => asks,
    fail: (yes: boolean) => void (failing = yes),
    /** So many answers of a day, so many of them right. */
    async day(count: number, accuracy: number, { tier = 'local', days = 1 } = {}) {
      for (let i = 0; i < days; i++) {
        for (let j = 0; j < count; j++) outcomes.push({ atMs: sim.nowMs(), task: 'triage', tier, confidence: 0.7 + random() * 0.3, outcome: random() < accuracy ? 'approved' : 'edited' });
        await sim.advance(dayMs);
      }
    },
    forget: () => void (outcomes = []),
    facts: () => sim.recorded.facts.map(({ value }) => value as { tier: string; demoted: boolean; threshold: number | null; by: string }),
    open: () => [...new Map(sim.recorded.intents.map((one) => [one.id, one.state]))].filter(([, state]) => state === 'input-required').map(([id]) => id),
    answer: async (event: { type: string; [key: string]: unknown }) => sim.event(qualityAddress, event, 'operator/desk').idle(),
  };
}

test('a tier that becomes worse is demoted once, with one notice, and comes back with one when it is good again', async () => {
  const { sim, day, facts, open } = world();
  await day(10, 0.97, { days: 20 });
  assert.deepEqual([facts().at(-1)?.demoted, open()], [false, []]);
  await day(10, 0.4, { days: 8 });
  assert.equal(facts().filter(({ demoted }) => demoted).length >= 1, true);
  assert.deepEqual(open(), ['tier-triage-local-1']);
  const told = () => sim.recorded.intents.filter(({ summary }) => summary !== undefined);
  assert.match(told()[0]!.summary!, /^The tier local is passed over for triage: \d+ % of the last 50 were right/);
  await day(10, 0.98, { days: 10 });
  assert.equal(facts().at(-1)?.demoted, false);
  assert.deepEqual(open(), ['tier-triage-local-2'], 'the newer notice takes the place of the older');
  assert.equal(told().length, 2);
});

test('the operator keeps it: it is asked at once, and what is known already demotes it no second time', async () => {
  const { day, facts, open, answer } = world();
  await day(10, 0.97, { days: 20 });
  await day(10, 0.5, { days: 7 });
  const [id] = open();
  await answer({ type: 'RESPOND', about: id, text: 'what?' });
  assert.deepEqual(open(), [id], 'other words are no answer');
  await answer({ type: 'RESPOND', about: id, text: ' Keep ' });
  assert.deepEqual([facts().at(-1)!.demoted, facts().at(-1)!.by, open()], [false, 'operator', []]);
  await day(10, 0.5, { days: 4 });
  assert.equal(facts().at(-1)!.demoted, false);
});

test('seen is seen, and only for what is open', async () => {
  const { sim, day, open, answer } = world();
  await day(10, 0.97, { days: 20 });
  await day(10, 0.3, { days: 7 });
  await answer({ type: 'APPROVE', about: 'something-else', payloadHash: 'x' });
  assert.equal(open().length, 1);
  await answer({ type: 'APPROVE', about: open()[0], payloadHash: 'x' });
  assert.deepEqual(open(), []);
  const before = sim.recorded.intents.length;
  await day(10, 0.3, { days: 3 });
  assert.equal(sim.recorded.intents.length, before, 'it is not told again');
});

test('a tier that nobody asks any more is tried again after two weeks', async () => {
  const { sim, day, facts } = world();
  await day(10, 0.97, { days: 20 });
  await day(50, 0.2);
  assert.equal(facts().at(-1)?.demoted, true);
  await day(0, 0, { days: 12 });
  assert.equal(facts().at(-1)?.demoted, true);
  await day(0, 0, { days: 3 });
  assert.equal(facts().at(-1)?.demoted, false);
  assert.match(JSON.stringify(sim.recorded.facts.at(-1)), /on trial/);
});

test('where nothing changed nothing is written, and many corrections are looked at before the day is over', async () => {
  const { sim, day, asks } = world();
  await day(10, 0.97, { days: 10 });
  const [facts, looks] = [sim.recorded.facts.length, asks()];
  await sim.advance(5 * dayMs);
  assert.equal(sim.recorded.facts.length, facts);
  assert.equal(asks(), looks + 5);
  for (let i = 0; i < 9; i++) await sim.event(qualityAddress, { type: 'LOOK' }, 'store/triggers').idle();
  assert.equal(asks(), looks + 5, 'a few wait for the day');
  await sim.event(qualityAddress, { type: 'LOOK' }, 'store/triggers').idle();
  assert.equal(asks(), looks + 6);
});

test('when it cannot be measured all stays as it is and it is tried again', async () => {
  const { sim, day, fail, facts, asks } = world();
  await day(10, 0.97, { days: 10 });
  fail(true);
  const before = facts().length;
  await sim.advance(2 * dayMs);
  assert.equal(sim.value(qualityAddress), 'resting');
  assert.equal(facts().length, before);
  fail(false);
  const asked = asks();
  await sim.advance(3_600_000);
  assert.equal(sim.value(qualityAddress), 'waiting');
  assert.equal(asks(), asked + 1);
});

test('with a fifth of everything failing or coming twice, there is still one notice of a tier that becomes worse', async () => {
  for (const seed of [1, 2, 3]) {
    const { sim, day, open } = world({ chaos: 0.2, seed });
    await day(10, 0.97, { days: 20 });
    await day(10, 0.3, { days: 8 });
    assert.deepEqual(open(), ['tier-triage-local-1']);
    assert.ok(sim.trouble.crashes > 5);
  }
});

test('silence counts only after days and for little, and an open question not at all', () => {
  const one = (outcome: string, atMs: number) => toCase({ atMs, task: 't', tier: 'x', confidence: 0.9, outcome }, 10 * dayMs);
  assert.deepEqual(one('unseen', 0), { atMs: 0, confidence: 0.9, right: true, weight: silence.weight });
  assert.equal(one('unseen', 8 * dayMs), null);
  assert.equal(one('open', 0), null);
  for (const wrong of ['edited', 'rejected', 'contradicted']) assert.equal(one(wrong, 0)?.right, false);
});

test('who plans reads the newest finding: a threshold, a demotion, or that nothing is known', async () => {
  const value = { task: 'triage', tier: 'small', threshold: 0.85, demoted: false, cases: 40, right: 0.9, error: 0.1, sinceMs: 1, freshFromMs: 0, by: 'measured', reason: 'r' };
  const rows = [value, { ...value, tier: 'large', demoted: true, reason: 'worse' }, { ...value, tier: 'none', threshold: null, reason: 'never right' }, { broken: true }].map((one) => ({ entity: 'asset/x', atMs: 1, id: 'f-1-0', ...one }));
  const quality = await readQuality({ query: async () => rows })();
  assert.deepEqual([quality.thresholdOf('triage', 'small'), quality.demoted('triage', 'small')], [0.85, null]);
  assert.equal(quality.demoted('triage', 'large'), 'demoted: worse');
  assert.equal(quality.demoted('triage', 'none'), 'not believed: never right');
  assert.deepEqual([quality.thresholdOf('draft', 'small'), quality.demoted('draft', 'small')], [null, null]);
  assert.equal(tierEntity({ task: 'triage', tier: 'My Model/7B' }), 'asset/tier-triage-my-model-7b');
  assert.equal(tierKey({ task: 'a', tier: 'b' }), 'a b');
});

test('what was learnt is unsure of everything while it is demoted, and is not even asked', async () => {
  let asked = 0;
  const answer = { outcome: 'answered' as const, answer: {}, confidence: 1, model: null, costMicros: 0, reason: '', prompt: null, evidence: [], againAtMs: null };
  let why: string | null = 'demoted: worse';
  const local = unlessDemoted(async () => {
    asked++;
    return answer;
  }, async () => ({ thresholdOf: () => null, demoted: (task, tier) => (task === 'triage' && tier === 'local' ? why : null) }));
  assert.deepEqual([(await local('triage', {})).outcome, (await local('triage', {})).reason, asked], ['unsure', 'demoted: worse', 0]);
  assert.equal((await local('draft', {})).outcome, 'answered');
  why = null;
  assert.equal((await local('triage', {})).outcome, 'answered');
});
