// Goal: a tier is believed from the confidence on from which it is right often enough, neither few cases nor luck move that much, and one
// that becomes worse is noticed. Method: simulated tiers whose true accuracy is known, with seeds, and properties.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { calibrationError, findDrift, findThreshold, reliability, type Case } from '#machines/calibration.ts';
import { seeded } from '#test/kit/server.ts';

const demand = { target: 0.8, usual: 0.7, minimum: 0.5 };

/** A tier that claims evenly spread confidences from `from` on, and is right as `accuracy` says. */
function simulate(count: number, accuracy: (confidence: number, i: number) => number, { seed = 1, from = 0.3, weight = 1 } = {}): Case[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, i) => {
    const confidence = from + (1 - from) * random();
    return { atMs: i, confidence, right: random() < accuracy(confidence, i), weight };
  });
}

const caseOf = fc.record({ atMs: fc.nat(1e6), confidence: fc.double({ min: 0, max: 1, noNaN: true }), right: fc.boolean(), weight: fc.constantFrom(0.3, 1) });

test('without cases, the threshold of the settings stands', () => {
  assert.equal(findThreshold([], demand).threshold, 0.7);
  assert.equal(findThreshold([], { ...demand, usual: 0.63 }).threshold, 0.63);
});

test('a threshold is found where the true accuracy crosses what is demanded', () => {
  // Right with probability = confidence² + 0.2: crosses 0.8 at 0.775.
  for (const seed of [1, 2, 3, 4, 5]) {
    const { threshold } = findThreshold(simulate(6_000, (c) => Math.min(1, c * c + 0.2), { seed }), demand);
    assert.ok(threshold !== null && Math.abs(threshold - 0.775) <= 0.076, `seed ${seed}: ${threshold}`);
  }
});

test('one who is better than he claims is believed earlier, one who claims too much later, one who is always wrong never', () => {
  assert.equal(findThreshold(simulate(2_000, () => 0.97), demand).threshold, 0.5, 'never below the minimum');
  const boastful = findThreshold(simulate(2_000, (c) => (c >= 0.9 ? 0.95 : 0.4)), demand).threshold;
  assert.ok(boastful !== null && boastful >= 0.85 && boastful <= 0.95, String(boastful));
  const wrong = findThreshold(simulate(2_000, () => 0.1), demand);
  assert.equal(wrong.threshold, null);
  assert.match(wrong.reason, /at no confidence 80 % are right/);
});

test('a handful of cases moves the threshold by no more than a little, a hundred of them do', () => {
  const lucky: Case[] = Array.from({ length: 3 }, (_, i) => ({ atMs: i, confidence: 0.35, right: true, weight: 1 }));
  const few = findThreshold(lucky, demand).threshold;
  assert.ok(few !== null && few >= 0.65, String(few));
  const many = Array.from({ length: 200 }, (_, i) => ({ atMs: i, confidence: 0.55 + (i % 3) * 0.05, right: true, weight: 1 }));
  assert.ok(findThreshold(many, demand).threshold! <= 0.55);
});

test('whatever the cases, a threshold lies between the minimum and 1 or there is none, and more right answers never raise it', () => {
  fc.assert(fc.property(fc.array(caseOf, { maxLength: 200 }), fc.double({ min: 0.3, max: 0.95, noNaN: true }), (cases, target) => {
    const { threshold } = findThreshold(cases, { ...demand, target });
    assert.ok(threshold === null || (threshold >= demand.minimum && threshold <= 1));
    const better = findThreshold(cases.map((one) => ({ ...one, right: true })), { ...demand, target }).threshold;
    assert.ok(better !== null && better <= (threshold ?? 1));
  }), { seed: 7, numRuns: 500 });
});

test('bins hold every case once, and an honest tier has a small error, a boastful one a large one', () => {
  fc.assert(fc.property(fc.array(caseOf, { maxLength: 100 }), (cases) => {
    const bins = reliability(cases);
    const total = cases.reduce((sum, { weight }) => sum + weight, 0);
    assert.ok(Math.abs(bins.reduce((sum, bin) => sum + bin.cases, 0) - total) < 1e-9);
    for (const { from, to, claimed, share } of bins) assert.ok(claimed === null ? share === null : claimed >= from - 1e-9 && claimed <= to + 1e-9 && share! >= 0 && share! <= 1);
    const error = calibrationError(bins);
    assert.ok(total === 0 ? error === null : error! >= 0 && error! <= 1);
  }), { seed: 7 });
  assert.ok(calibrationError(reliability(simulate(5_000, (c) => c)))! < 0.03);
  assert.ok(calibrationError(reliability(simulate(5_000, (c) => c - 0.3)))! > 0.25);
});

test('a tier that falls from 95 to 65 in a hundred is noticed within fifty cases, in every one of twenty seeds', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const cases = simulate(350, (_, i) => (i < 300 ? 0.95 : 0.65), { seed });
    const { drifts, reason, z } = findDrift(cases, demand);
    assert.ok(drifts, `seed ${seed}: ${reason}, z ${z}`);
  }
});

test('a tier that stays as it is raises hardly any alarm: at most 4 in 2,000 looks', () => {
  let alarms = 0;
  for (let seed = 1; seed <= 2_000; seed++) if (findDrift(simulate(450, () => 0.85, { seed }), demand).drifts) alarms++;
  assert.ok(alarms <= 4, `${alarms} alarms`);
});

test('few cases prove nothing, one that improves does not drift, and a fall that nobody needs to mind is none', () => {
  assert.equal(findDrift(simulate(40, (_, i) => (i < 20 ? 1 : 0)), demand).drifts, false);
  assert.equal(findDrift(simulate(350, (_, i) => (i < 300 ? 0.6 : 0.99)), demand).drifts, false);
  const slight = Array.from({ length: 450 }, (_, i): Case => ({ atMs: i, confidence: 0.9, right: i < 400 || i % 12 !== 0, weight: 1 }));
  const { drifts, z } = findDrift(slight, demand);
  assert.ok(z > 3.1, `a fall that is certain: z ${z}`);
  assert.equal(drifts, false);
});
