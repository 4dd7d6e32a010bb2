// Goal: what is said of the models is what an operator can act on. Method: the pure lines, for no model, working ones and resting ones.
import assert from 'node:assert/strict';
import test from 'node:test';
import { healthLines, type Machine } from '#connectors/console/health.ts';

function modelsLine(models: Machine['models']) {
  const lines = healthLines({
    machine: { busMs: 1, storeBytes: 1, freeBytes: 1e12, isWritable: true, models }, standing: { operations: [], parked: 0, statuses: [], last: null },
    counts: { received: 0, applied: 0, duplicate: 0, parked: 0, waiting: 0, inFlight: 0, deadlines: 0, active: 0, failed: 0, mails: 0, facts: 0, erasing: 0, commits: 0, effects: 'running' },
    effects: { state: 'running', reason: null, dryRun: false }, paused: null, connectors: [], nowMs: 0,
  });
  return lines.find(({ name }) => name === 'Models')!;
}

test('without a model it is said what does the work, and how to set one up', () => {
  const { tone, says, todo } = modelsLine({ tiers: [], resting: [] });
  assert.deepEqual([tone, /rules, templates/.test(says), /models\.json/.test(todo!)], ['good', true, true]);
});

test('models that are set up are named', () => {
  assert.deepEqual(modelsLine({ tiers: ['small', 'large'], resting: [] }), { name: 'Models', tone: 'good', says: 'Set up: small, large.', todo: null, to: '/budgets' });
});

test('a provider that failed is named with its reason and when it is asked again', () => {
  const { tone, says } = modelsLine({ tiers: ['small'], resting: [{ provider: 'local', reason: 'the connection was refused', againAtMs: Date.UTC(2026, 0, 1, 9, 30) }, { provider: 'other', reason: 'x', againAtMs: 0 }] });
  assert.equal(tone, 'bad');
  assert.equal(says, 'local is left alone until 09:30 UTC: the connection was refused. So is other.');
});
