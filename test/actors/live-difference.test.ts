// Goal: a machine hosted durably does what XState's own interpreter does, restored from JSON for every message, also through crashes,
// redeliveries and duplicates. Method and the differences that are meant: live-kit.ts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { charts } from './live-charts.ts';
import { families } from './live-families.ts';
import { compare } from './live-kit.ts';
import { randomChart } from './live-random.ts';

const modes = [[0, ''], [0.35, ', through crashes, redeliveries and duplicates']] as const;
const stepsEach = 400;
const written = [...charts, ...families];

for (const [chaos, how] of modes) {
  for (const plan of written) {
    test(`'${plan.machine.id}' does what the live interpreter does in ${stepsEach} random steps${how}`, async () => {
      const { situations, trouble, taken } = await compare(plan, { steps: stepsEach, seed: 1, chaos });
      assert.equal(taken, stepsEach);
      assert.ok(situations.size >= 15, `only ${situations.size} situations were reached`);
      for (const times of [trouble.crashes, trouble.redeliveries, trouble.duplicates]) assert.equal(times > 0, chaos > 0, JSON.stringify(trouble));
    });
  }

  test(`charts that nobody wrote do what the live interpreter does${how}`, async () => {
    let situations = 0;
    for (let seed = 1; seed <= 40; seed++) situations += (await compare(randomChart(seed), { steps: 80, seed, chaos })).situations.size;
    assert.ok(situations >= 800, `only ${situations} situations were reached`);
  });
}
