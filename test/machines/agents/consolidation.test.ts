// Goal: repeated corrections become one proposal, once; it looks once a day at most and publishes nothing itself. Method: the agent in the
// simulator, on a clock that only the test moves; what it would look at is given.
import assert from 'node:assert/strict';
import test from 'node:test';
import { consolidationMachine } from '#machines/agents/consolidation.ts';
import { KeelsonError } from '#machines/errors.ts';
import { createSim } from '#test/kit/sim.ts';
import { consolidationAddress as address } from '#machines/agents/standing.ts';

const proposal = (name: string) => ({ fingerprint: `f-${name}`, publish: { kind: 'rule', name, text: '{}' }, hash: `h-${name}`, summary: `Make ${name} a rule?`, reasons: ['so it was'], evidence: [{ kind: 'annotation', id: 'a-1-0' }] });
const hourMs = 3_600_000;

async function start(found: () => unknown[]) {
  const asked: { known: string[]; limit: number }[] = [];
  const sim = createSim({
    machines: [consolidationMachine], permissions: true,
    activities: { 'learning.consolidate': async ({ input }) => {
      asked.push(input);
      return { proposals: found(), atMs: sim.nowMs() };
    } },
  });
  await sim.start(address, consolidationMachine).idle();
  const corrected = () => sim.event(address, { type: 'CORRECTED', change: { atMs: sim.nowMs() } }, 'store/triggers').idle();
  const open = () => new Map(sim.recorded.intents.map((intent) => [intent.id, intent.state]));
  return { sim, asked, corrected, open };
}

test('without a correction it never looks', async () => {
  const { sim, asked } = await start(() => []);
  await sim.advance(240 * hourMs);
  assert.equal(asked.length, 0);
});

test('many corrections at once are looked at together, some minutes later, and then once a day', async () => {
  const { sim, asked, corrected } = await start(() => []);
  for (let i = 0; i < 20; i++) await corrected();
  assert.equal(asked.length, 0);
  await sim.advance(hourMs);
  assert.equal(asked.length, 1);
  for (let hour = 0; hour < 72; hour++) {
    await corrected();
    await sim.advance(hourMs);
  }
  const looks: number = asked.length;
  assert.ok(looks >= 3 && looks <= 4, `looked ${looks} times in three days`);
});

test('a proposal is asked once; the same again is not', async () => {
  const { sim, asked, open } = await start(() => [proposal('club')]);
  await sim.event(address, { type: 'LOOK' }).idle();
  await sim.event(address, { type: 'LOOK' }).idle();
  assert.deepEqual([...open()], [['learnt-1', 'input-required']]);
  assert.deepEqual(asked.map(({ known }) => known), [[], ['f-club']]);
});

test('a yes closes the item, writes nothing but the decision, and only the operator may say it', async () => {
  const { sim, open } = await start(() => [proposal('club')]);
  await sim.event(address, { type: 'LOOK' }).idle();
  await sim.event(address, { type: 'APPROVE', about: 'learnt-1', payloadHash: 'h-club' }, 'mail/m-1').idle();
  assert.equal(open().get('learnt-1'), 'input-required');
  await sim.event(address, { type: 'APPROVE', about: 'learnt-1', payloadHash: 'h-club' }, 'operator/desk').idle();
  assert.equal(open().get('learnt-1'), 'completed');
  assert.deepEqual([sim.recorded.artifacts, sim.recorded.facts, sim.recorded.decisions.map(({ outcome }) => outcome)], [[], [], ['accepted']]);
});

test('what was rejected is never proposed again in this form', async () => {
  const { sim, open, asked } = await start(() => [proposal('club')]);
  await sim.event(address, { type: 'LOOK' }).idle();
  await sim.event(address, { type: 'REJECT', about: 'learnt-1', reason: 'not always' }, 'operator/desk').idle();
  await sim.event(address, { type: 'LOOK' }).idle();
  assert.deepEqual([...open()], [['learnt-1', 'rejected']]);
  assert.deepEqual(asked.at(-1)?.known, ['f-club']);
});

test('an answer about an item that is not open changes nothing', async () => {
  const { sim } = await start(() => [proposal('club')]);
  await sim.event(address, { type: 'APPROVE', about: 'learnt-7', payloadHash: 'x' }, 'operator/desk').idle();
  assert.equal(sim.recorded.intents.length, 0);
});

test('five that wait are enough: it asks for no more until some are decided', async () => {
  let n = 0;
  const { sim, asked } = await start(() => [proposal(`a${++n}`), proposal(`a${++n}`), proposal(`a${++n}`)].slice(0, asked.at(-1)!.limit));
  for (let i = 0; i < 4; i++) await sim.event(address, { type: 'LOOK' }).idle();
  assert.deepEqual(asked.map(({ limit }) => limit), [5, 2, 0, 0]);
});

test('a look that fails for good is not the end of it: the next correction is looked at', async () => {
  let fails = true;
  const { sim, asked, corrected, open } = await start(() => {
    if (fails) throw new KeelsonError('REFUSED', 'no');
    return [proposal('club')];
  });
  await corrected();
  await sim.advance(hourMs);
  assert.ok(asked.length >= 1 && open().size === 0);
  fails = false;
  await corrected();
  await sim.advance(hourMs);
  assert.equal(open().get('learnt-1'), 'input-required');
});
