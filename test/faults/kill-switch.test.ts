// Goal: once `stop-effects` has answered, nothing begins to leave, wherever an operation stands, in whatever process, over restarts and
// kill -9; `resume-effects` lets each go on once; nobody but the operator lifts it. Method: real processes, and a provider that holds
// each operation where the test wants it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, beforeEach } from 'node:test';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import { connectStore } from '#actors/store-client.ts';
import type { EffectsState } from '#connectors/console/desk-effects.ts';
import { emptyCommit } from '#machines/commit.ts';
import { letter, startStepsCompany, type StepsCompany } from '#test/kit/steps-company.ts';
import { assertIntact, type Status } from './checks.ts';

let at: StepsCompany;
before(async () => {
  at = await startStepsCompany();
  await at.up();
}, { timeout: 120_000 });
after(() => at?.stop());

beforeEach(async () => void (await resumeEffects()));

const stopEffects = (reason = 'a test') => at.api().post<EffectsState>('/api/effects/stop', { reason });
const resumeEffects = () => at.api().post<EffectsState>('/api/effects/resume', {});
const halted = 'prepared.halted';

test('in every state of an operation the kill switch holds back what has not begun, over kill -9; then each goes on once', { timeout: 170_000 }, async () => {
  const { steps, smtp } = at;
  // Where each is held; the gate asks `plan` once per look: when it is checked, when it is prepared, right before it leaves, when it settles.
  const inPlan = steps.hold('plan', 'in-plan');
  const inPrepare = steps.hold('prepare', 'in-prepare');
  const beforePrepare = steps.hold('plan', 'before-prepare', 1);
  const beforeCommit = steps.hold('plan', 'before-commit', 2);
  const onTheWire = steps.hold('commit', 'on-the-wire');
  const cut = steps.hold('commit', 'cut');
  const toSettle = steps.hold('plan', 'to-settle', 3);
  const lookedUp = steps.hold('lookup', 'looked-up');
  for (const name of ['to-settle', 'looked-up', 'unknown']) steps.answer('commit', name, 'drop');
  steps.answer('commit', 'deferred', 429);
  await at.propose('question', 'mail.send', letter('nina@nina.example'));
  for (const [name, action] of [['in-plan', 'none'], ['in-prepare', 'native'], ['before-prepare', 'native'], ['unknown', 'none'], ['to-settle', 'native'], ['looked-up', 'lookup']] as const) await at.propose(name, `steps.${action}`);
  await at.reaches('unknown', 'unknown');
  await at.reaches('to-settle', 'settling');
  // At most four calls at once: these stand in the way of others.
  for (const name of ['deferred', 'before-commit', 'on-the-wire', 'cut']) await at.propose(name, 'steps.none');
  await Promise.all([inPlan, inPrepare, beforePrepare, beforeCommit, onTheWire, cut, toSettle, lookedUp].map(({ reached }) => reached));
  await at.reaches('question', 'awaiting-approval.asked');

  const { stdout, code } = await at.company.cli('stop-effects', '--reason', 'something is wrong');
  assert.equal(code, 0);
  assert.match(stdout, /Nothing leaves any more: something is wrong\..*keelson resume-effects/s);
  const before_ = at.left();
  for (const name of ['before-commit', 'on-the-wire', 'cut', 'to-settle', 'looked-up']) assert.match(stdout, new RegExp(`operation/${name}\\b`), `what is on its way is named: ${name}`);
  assert.doesNotMatch(stdout, /in-plan|question|unknown/);

  for (const held of [inPlan, inPrepare, beforePrepare, beforeCommit, onTheWire, toSettle]) held.release();
  lookedUp.release('absent');
  const { approvalId } = await at.operation('question');
  await at.api().post(`/api/inbox/${approvalId}/approve`, {});
  await at.propose('afterwards', 'steps.none');
  for (const name of ['in-plan', 'in-prepare', 'before-prepare', 'before-commit', 'looked-up', 'deferred', 'question', 'afterwards']) await at.reaches(name, halted);
  await at.reaches('on-the-wire', 'done');
  await at.reaches('to-settle', 'unknown');
  assert.deepEqual([at.left(), smtp.mails.length], [before_, 0], 'nothing began after the answer');

  const told = await at.company.json<Status & { effects: string }>('status');
  assert.equal(told.effects, 'stopped');
  assert.match((await at.company.cli('status')).stdout, /nothing leaves \(lift it: keelson resume-effects\)/);
  for (const end of [at.company.kill, at.company.down]) {
    await end();
    await at.up();
    assert.equal((await at.company.json<{ effects: string }>('status')).effects, 'stopped');
    await at.reaches('cut', 'unknown');
  }
  await at.propose('after-restart', 'steps.none');
  await at.reaches('after-restart', halted);
  assert.deepEqual([at.left(), smtp.mails.length], [before_, 0], 'a restart does not lift it');

  assert.equal((await resumeEffects()).state, 'running');
  for (const name of ['in-plan', 'in-prepare', 'before-prepare', 'before-commit', 'looked-up', 'deferred', 'question', 'afterwards', 'after-restart']) await at.reaches(name, 'done');
  for (const name of ['in-plan', 'in-prepare', 'before-prepare', 'before-commit', 'afterwards', 'after-restart', 'on-the-wire', 'cut', 'unknown', 'to-settle']) assert.equal(steps.count('commit', name), 1, name);
  // The first try certainly did not do it.
  for (const name of ['looked-up', 'deferred']) assert.equal(steps.count('commit', name), 2, name);
  assert.equal(smtp.mails.length, 1);
  for (const name of ['cut', 'unknown', 'to-settle']) assert.equal((await at.operation(name)).state, 'unknown', 'what nobody can tell is never done again by itself');
});

test('a second process obeys it too, also in what it had in hand', { timeout: 120_000 }, async () => {
  const { steps } = at;
  const worker = await at.worker();
  // At most four calls are in hand at once, whoever has them: until one of them is the worker's.
  let names: string[] = [];
  let held: ReturnType<typeof steps.hold>[] = [];
  const leaves = (name: string) => steps.calls.filter((call) => call.step === 'plan' && call.name === name)[2]?.pid;
  for (let round = 0; !names.some((name) => leaves(name) === worker.pid); round++) {
    assert.ok(round < 10, 'the worker never got a call');
    for (const { release } of held) release();
    names = Array.from({ length: 4 }, (_, n) => `shared-${round}-${n}`);
    held = names.map((name) => steps.hold('plan', name, 2));
    for (const name of names) await at.propose(name, 'steps.none');
    await Promise.all(held.map(({ reached }) => reached));
  }
  await stopEffects();
  for (const { release } of held) release();
  for (const name of names) await at.reaches(name, halted);
  for (const name of names) assert.equal(steps.count('commit', name), 0, name);
  await resumeEffects();
  for (const name of names) await at.reaches(name, 'done');
  for (const name of names) assert.equal(steps.count('commit', name), 1, name);
  await worker.kill();
});

test('nobody but the operator lifts it: not by a message, not by a fact', { timeout: 120_000 }, async (t) => {
  await stopEffects('hold');
  await at.propose('locked', 'steps.none');
  const { address } = await at.reaches('locked', halted);
  const { nats: url, company } = JSON.parse(readFileSync(join(at.company.dataDir, 'run.json'), 'utf8')) as { nats: string; company: string };
  const token = readFileSync(join(at.company.dataDir, 'token'), 'utf8').trim();
  const bus = await connectBus({ url, token, company, name: 'stranger', clock: systemClock, log: silentLog });
  const store = await connectStore({ url, token, company, name: 'stranger', clock: systemClock, onOtherPast: () => {} });
  t.after(async () => void (await Promise.all([bus.close(), store.close()])));

  for (const from of ['mail/m-1', 'connector/payments', 'host/worker', 'supervisor/main', 'operation/locked']) {
    bus.publish({ id: `lift-${from}`, to: address, from, body: { kind: 'event', event: { type: 'EFFECTS_RESUMED' } } });
    const fact = { entity: 'organisation/self', predicate: 'company.effects', value: { state: 'running' as const, reason: '' }, confidence: 1 };
    for (const label of ['operator', 'system', 'untrusted'] as const) {
      const answer = await store.commit({ ...emptyCommit(`fact-${from}-${label}`, Date.now(), from, {}), facts: [{ ...fact, label }] });
      assert.equal(answer.outcome, 'invalid', `${from} as ${label}`);
    }
  }
  const told = await bus.submit({ id: 'lift-agent', to: address, from: 'stranger/1', body: { kind: 'event', event: { type: 'EFFECTS_RESUMED' } } }, 15_000);
  assert.deepEqual([told.outcome, told.note], ['refused', "'EFFECTS_RESUMED' may only come from the operator, not from stranger/1"]);
  const history = await at.company.json<{ id: string; outcome: string }[]>('history', address);
  assert.deepEqual(history.filter(({ id, outcome }) => id.startsWith('lift-') && outcome !== 'refused'), []);
  assert.equal((await at.company.json<{ effects: string }>('status')).effects, 'stopped');
  assert.equal((await at.operation('locked')).state, halted);
  assert.equal(at.steps.count('commit', 'locked'), 0);
});

test('killed around the resuming, each of the halted still goes on once, as soon as effects are on', { timeout: 170_000 }, async () => {
  const names = ['locked'];
  for (const [round, waitMs] of [0, 8, 30].entries()) {
    await stopEffects();
    for (const name of [`around-${round}-a`, `around-${round}-b`]) {
      names.push(name);
      await at.propose(name, 'steps.none');
      await at.reaches(name, halted);
    }
    const resuming = resumeEffects().catch(() => null);
    await new Promise((done) => setTimeout(done, waitMs));
    await at.company.kill();
    await resuming;
    await at.up();
    const { effects } = await at.company.json<{ effects: string }>('status');
    if (effects === 'stopped') await resumeEffects();
    for (const name of names) await at.reaches(name, 'done');
  }
  for (const name of names) assert.equal(at.steps.count('commit', name), 1, name);
  await assertIntact(at.company);
});

test('what was held for an operation whose yes lapsed meanwhile is let go', { timeout: 60_000 }, async () => {
  const { steps } = at;
  const beforeCommit = steps.hold('plan', 'lapsed', 2);
  await at.propose('lapsed', 'steps.native', { name: 'lapsed' }, { expireAfterMs: 4_000 });
  await beforeCommit.reached;
  await stopEffects();
  beforeCommit.release();
  await at.reaches('lapsed', halted);
  await new Promise((done) => setTimeout(done, 4_000));
  await resumeEffects();
  await at.company.until('its end', 20_000, async () => ['expired', 'failed'].includes((await at.operation('lapsed')).state));
  assert.deepEqual([steps.count('commit', 'lapsed'), steps.count('abort', 'lapsed')], [0, 1]);
});
