// Goal: a task is answered by the cheapest tier that is believed, for at most one question per tier, whatever the tiers do; and it
// waits only where the profile says so and something that passes stands in the way.
// Method: one ladder in the simulator over scripted tiers; what was asked is counted.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { triedOutcomes, type Tried } from '#machines/agents/activities.ts';
import { decisionOf, isSure, nextTier, startClimb, toClimbed, withPlan, withTried } from '#machines/ladder.ts';
import type { Sim } from '#test/kit/sim.ts';
import { climb, fails, says, tiersOf, tried } from './ladder-kit.ts';
import { modelsAddress } from '#machines/agents/standing.ts';

const both = tiersOf({ small: 0.7, large: 0.6 });
const waiting = tiersOf({ small: 0.7, large: 0.6 }, { otherwise: 'wait' });
/** What models/main was told. */
const heard = (sim: Sim) => sim.history(modelsAddress).map(({ body }) => (body!['message'] as unknown as { event: { type: string; needs?: string[] } }).event);
const guess = { answer: { who: 'rules' }, confidence: 0.5, tier: 'rules' };

test('the first tier that is sure enough ends it, and no dearer one is asked', async () => {
  const { asked, output } = await climb({ plan: both, answers: { small: [says('small', 0.7)], large: [says('large', 1)] } });
  assert.deepEqual(asked, ['small']);
  const { answer, sure, tier, model, costMicros, trail } = output();
  assert.deepEqual([answer, sure, tier, model, costMicros, trail.map((rung) => rung.tier)], [{ who: 'small', confidence: 0.7 }, true, 'small', 'small', 100, ['small']]);
});

test('a tier just below its threshold is climbed over, and both are paid', async () => {
  const { asked, output } = await climb({ plan: both, answers: { small: [says('small', 0.699)], large: [says('large', 0.6, 2_000)] } });
  assert.deepEqual(asked, ['small', 'large']);
  const { tier, sure, costMicros, trail } = output();
  assert.deepEqual([tier, sure, costMicros, trail.map((rung) => [rung.tier, rung.confidence, rung.costMicros])], ['large', true, 2_100, [['small', 0.699, 100], ['large', 0.6, 2_000]]]);
});

test('what is there already counts as the first rung: believed at its threshold, nobody is asked', async () => {
  const { asked, output } = await climb({ plan: tiersOf({ rules: 0.5, small: 0.7 }), floor: guess });
  assert.deepEqual([asked, output().tier, output().sure, output().costMicros], [[], 'rules', true, 0]);
});

test('what is there already is not believed when no threshold is set for it, and stands when nobody is better', async () => {
  const { asked, output } = await climb({ plan: both, floor: guess, answers: { small: [fails('refused')], large: [fails('timeout', { costMicros: 50 })] } });
  assert.deepEqual(asked, ['small', 'large']);
  const { answer, tier, sure, trail, costMicros, reason } = output();
  assert.deepEqual([answer, tier, sure, trail.map((rung) => [rung.tier, rung.outcome])], [{ who: 'rules' }, 'rules', false, [['rules', 'answered'], ['small', 'refused'], ['large', 'timeout']]]);
  assert.equal(costMicros, null, 'a refused call without a cost is not free');
  assert.match(reason, /no tier was sure enough; rules came nearest/);
});

test('without any tier it gives what is there, and without that nothing at all, for nothing', async () => {
  const none = tiersOf({});
  assert.deepEqual(await climb({ plan: none, floor: guess }).then(({ output }) => [output().answer, output().sure, output().costMicros]), [{ who: 'rules' }, false, 0]);
  const { output, status } = await climb({ plan: none });
  assert.deepEqual([status(), output().answer, output().confidence, output().sure, output().tier, output().reason], ['done', null, 0, false, null, 'no tier had an answer']);
});

test('when nobody is sure the answer nearest to being believed is given, and of two alike the dearer', async () => {
  const of = async (small: number, large: number) => (await climb({ plan: both, answers: { small: [says('small', small)], large: [says('large', large)] } })).output();
  assert.deepEqual([await of(0.69, 0.3), await of(0.2, 0.3), await of(0.5, 0.4)].map(({ tier, sure }) => [tier, sure]), [['small', false], ['large', false], ['large', false]]);
});

for (const outcome of triedOutcomes.filter((one) => !['answered', 'cached', 'unsure'].includes(one))) {
  test(`a tier that is '${outcome}' is passed over, and said so`, async () => {
    const { asked, output } = await climb({ plan: both, answers: { small: [fails(outcome)], large: [says('large', 0.9)] } });
    assert.deepEqual([asked, output().tier, output().trail.map((rung) => rung.outcome)], [['small', 'large'], 'large', [outcome, 'answered']]);
  });
}

test('a tier whose job fails for good is passed over, and its cost is unknown', async () => {
  const { output } = await climb({ plan: both, answers: { small: ['the worker broke'], large: [says('large', 0.9)] } });
  assert.deepEqual([output().tier, output().costMicros, output().trail[0]?.outcome], ['large', null, 'unreadable']);
  assert.match(output().trail[0]!.reason, /the worker broke/);
});

test('an answer in another shape than the task asks for is none, however sure it is', async () => {
  const { output } = await climb({ plan: both, task: 'triage', answers: { small: [says('small', 1)], large: [fails('down')] } });
  assert.deepEqual([output().answer, output().trail[0]?.outcome], [null, 'unreadable']);
});

test('a plan that cannot be made leaves what is there, and says why', async () => {
  const { output, asked } = await climb({ plan: 'no settings', floor: guess });
  assert.deepEqual([output().answer, output().sure, asked], [{ who: 'rules' }, false, []]);
  assert.match(output().reason, /no settings/);
});

test('tiers that are passed over stand in the trail with the reason', async () => {
  const { output } = await climb({ plan: tiersOf({ large: 0.6 }, { skipped: [{ name: 'small', reason: 'demoted: it drifts' }] }), answers: { large: [says('large', 0.9)] } });
  assert.deepEqual(output().trail.map(({ tier, reason }) => [tier, reason]), [['small', 'demoted: it drifts'], ['large', 'as the script says']]);
});

test('it waits for what passes, once for all tiers, and asks the tiers that could not be asked once more when told', async () => {
  const { sim, address, status, asked, goOn, output } = await climb({ plan: waiting, answers: { small: [says('small', 0.3)], large: [fails('down'), says('large', 0.9)] } });
  assert.deepEqual([status(), asked], ['waiting', ['small', 'large']]);
  assert.deepEqual(heard(sim), [{ type: 'WAIT', task: 'scripted', needs: ['provider'], reason: 'large: it is down' }]);
  await goOn();
  assert.deepEqual([sim.record(address)!.status, asked, output().tier, output().costMicros], ['done', ['small', 'large', 'large'], 'large', 200]);
  assert.deepEqual(output().trail.map((rung) => [rung.tier, rung.outcome]), [['small', 'answered'], ['large', 'answered']]);
});

test('still no money after a wait: it waits again, and asks nobody who has answered', async () => {
  const { status, asked, goOn } = await climb({ plan: waiting, answers: { small: [says('small', 0.3)], large: [fails('unaffordable', { againAtMs: 5 })] } });
  for (let n = 0; n < 3; n += 1) await goOn();
  assert.deepEqual([status(), asked], ['waiting', ['small', 'large', 'large', 'large', 'large']]);
});

test('told to go on without, it gives what there is and asks nobody', async () => {
  const { asked, goOn, output, status } = await climb({ plan: waiting, floor: guess, answers: { small: [fails('throttled')], large: [fails('down')] } });
  await goOn(true);
  assert.deepEqual([status(), asked, output().tier, output().sure, output().costMicros], ['done', ['small', 'large'], 'rules', false, 0]);
});

test('only models/main can tell it to go on, and what comes late changes nothing', async () => {
  const { status, goOn, sim } = await climb({ plan: waiting, answers: { small: [fails('down')], large: [fails('down'), says('large', 0.9)] } });
  for (const from of ['operator/test', 'mail/1', 'models/other']) await goOn(false, from);
  assert.equal(status(), 'waiting');
  await goOn();
  assert.equal(status(), 'done');
  await goOn();
  assert.match(sim.notes().at(-1)!, /the actor is done/);
});

test('nobody says so for a day: it looks for itself, and says first that it waits no more', async () => {
  const { sim, asked, status } = await climb({ plan: waiting, answers: { small: [fails('down'), says('small', 0.9)], large: [fails('down')] } });
  await sim.advance(86_400_000);
  assert.deepEqual([status(), asked], ['done', ['small', 'large', 'small']]);
  assert.deepEqual(heard(sim).map(({ type }) => type), ['WAIT', 'LEAVE']);
});

test('it does not wait where the profile says go on, nor for what does not pass', async () => {
  const goesOn = await climb({ plan: both, answers: { small: [fails('down')], large: [fails('unaffordable')] } });
  assert.equal(goesOn.status(), 'done');
  const refused = await climb({ plan: waiting, answers: { small: [fails('refused')], large: [fails('unpriced')] } });
  assert.equal(refused.status(), 'done');
});

test('a run whose own budget is used up waits for the operator, a day that is for the next', async () => {
  const needs = async (againAtMs: number | null) => heard((await climb({ plan: waiting, answers: { small: [fails('unaffordable', { againAtMs })], large: [fails('refused')] } })).sim).map((event) => event.needs);
  assert.deepEqual([await needs(null), await needs(7)], [[['operator']], [['money']]]);
});

test('whatever strikes, each tier is asked once and the answer is the same', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { sim, output } = await climb({ plan: both, answers: { small: [says('small', 0.2)], large: [says('large', 0.9)] }, options: { chaos: 0.3, seed } });
    assert.deepEqual([output().tier, output().costMicros, output().trail.length], ['large', 200, 2], `seed ${seed}`);
    // A job may run twice; it is asked for once.
    assert.equal(sim.history('ladder/1').filter(({ outcome }) => outcome === 'applied').length, 4, `seed ${seed}`);
  }
});

test('the decision of a climb names the tier, the model, the cost, the prompt, and every tier that had its say', async () => {
  const { output } = await climb({ plan: both, answers: { small: [fails('throttled')], large: [tried({ model: 'gpt-x', costMicros: 1_234, confidence: 0.8, prompt: { id: 'draft', version: 3 } })] } });
  const { task, tier, model, costMicros, reasons } = decisionOf('draft', output());
  assert.deepEqual([task, tier, model, costMicros], ['draft', 'large', 'gpt-x', 1_234]);
  assert.deepEqual(reasons, ['large is sure enough: as the script says', 'small: throttled: it is throttled', 'large: answered at 0.80, $0.0012: as the script says', 'prompt draft, version 3']);
});

test('for any tiers and any answers: each is asked at most once, in order, none after one that is believed, and the cost is the sum', () => {
  const said: fc.Arbitrary<Tried> = fc.record({ outcome: fc.constantFrom(...triedOutcomes), confidence: fc.double({ min: 0, max: 1, noNaN: true }), costMicros: fc.option(fc.nat(10_000)), hasAnswer: fc.boolean() })
    .map(({ hasAnswer, ...rest }) => tried({ ...rest, answer: hasAnswer ? { confidence: rest.confidence } : null }));
  fc.assert(fc.property(fc.array(fc.record({ threshold: fc.double({ min: 0, max: 1, noNaN: true }), said }), { maxLength: 6 }), (tiers) => {
    let state = withPlan(startClimb({ task: 'scripted', input: null, floor: null }), tiersOf(Object.fromEntries(tiers.map(({ threshold }, i) => [`t${i}`, threshold]))));
    const asked: number[] = [];
    for (let tier = nextTier(state); tier !== null && !isSure(state); tier = nextTier(state)) {
      const i = Number(tier.slice(1));
      asked.push(i);
      state = withTried(state, tier, tiers[i]!.said);
    }
    assert.deepEqual(asked, asked.map((_, i) => i));
    const believed = tiers.findIndex(({ threshold, said: { answer, confidence } }) => answer !== null && confidence! >= threshold);
    assert.equal(asked.length, believed === -1 ? tiers.length : believed + 1);
    const { sure, costMicros, trail } = toClimbed(state);
    assert.equal(sure, believed !== -1);
    assert.equal(trail.length, asked.length);
    const costs = asked.map((i) => tiers[i]!.said);
    const unknown = costs.some(({ costMicros: cost, outcome }) => cost === null && !['throttled', 'down', 'unaffordable', 'unpriced', 'unsupported'].includes(outcome));
    assert.equal(costMicros, unknown ? null : costs.reduce((sum, { costMicros: cost }) => sum + (cost ?? 0), 0));
  }));
});
