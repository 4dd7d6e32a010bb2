// Goal: a company that goes on from a backup sends nothing a second time: wherever an operation stood, it asks what became of it.
// Method: the operation alone in the simulator, brought to each state in which it can rest; jobs are held back where needed.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setup } from 'xstate';
import { z } from 'zod';
import { hashJson } from '#actors/hash.ts';
import { protocol } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import { operationMachine } from '#machines/agents/operation.ts';
import { createSim, type Sim } from '#test/kit/sim.ts';
import { operationActivities, performed } from '#test/kit/verdict.ts';

const address = 'operation/o-1';
const day = 86_400_000;
const payload = { from: { address: 'me@studio.example', name: 'Me' }, to: { address: 'nina@holt.example', name: 'Nina' }, subject: 'Re: Price', text: 'It costs 5.', inReplyTo: null, references: [] };
const input = { id: 'o-1', action: 'mail.send', payload, summary: 'Reply to Nina', category: 'inquiry', confidence: 0.8, reasons: [], evidence: [], remindAfterMs: day, expireAfterMs: 7 * day };
const restored = { type: 'RESTORED', note: 'the backup is from Monday' };

interface Run { sim: Sim; sends: unknown[] }

function begin(): Run {
  const sends: unknown[] = [];
  const sim = createSim({
    machines: [operationMachine],
    activities: operationActivities({ async commit(call) {
      sends.push(call.input);
      return performed();
    } }),
  });
  sim.start(address, operationMachine, input);
  return { sim, sends };
}
const hold = (sim: Sim) => {
  sim.runJobs = false;
  return sim.idle();
};
const edited = { ...payload, text: 'It costs 6.' };
const approval = (sim: Sim) => ({ type: 'APPROVE', payloadHash: sim.context<{ payloadHash: string }>(address).payloadHash });

const states: [name: string, value: unknown, reach: (sim: Sim) => Promise<void>, approvalThen: string | undefined][] = [
  ['proposed', 'proposed', hold, undefined],
  ['asked', { 'awaiting-approval': 'asked' }, (sim) => sim.idle(), 'canceled'],
  ['reminded', { 'awaiting-approval': 'reminded' }, (sim) => sim.advance(day), 'canceled'],
  ['proposed again, with another text', 'proposed', async (sim) => {
    await sim.idle();
    await hold(sim.event(address, { type: 'RESPOND', text: 'Another text' }));
  }, 'canceled'],
  ['checking edit', 'checking edit', async (sim) => {
    await sim.idle();
    await hold(sim.event(address, { ...approval(sim), edit: { payload: edited, payloadHash: hashJson(edited) } }));
  }, 'canceled'],
  ['prepared', { prepared: 'preparing' }, async (sim) => {
    await sim.idle();
    await hold(sim.event(address, approval(sim)));
  }, 'completed'],
];

for (const [name, value, reach, approvalThen] of states) {
  test(`an operation that was ${name} in the backup is unknown, asks, and sends nothing by itself`, async () => {
    const { sim, sends } = begin();
    await reach(sim);
    assert.deepEqual(sim.value(address), value);
    await sim.event(address, restored).idle();
    assert.equal(sim.value(address), 'unknown');
    assert.equal(sim.context<{ reason: string }>(address).reason, restored.note);

    const latest = new Map(sim.recorded.intents.map((intent) => [intent.id, intent]));
    const question = latest.get('op-o-1');
    assert.deepEqual([question?.kind, question?.state, question?.summary], ['escalation', 'input-required', `Did this leave? Reply to Nina: ${restored.note}`]);
    assert.deepEqual([...latest.values()].filter(({ kind }) => kind === 'approval').map(({ state }) => state), approvalThen === undefined ? [] : [approvalThen]);

    // Nothing is promised any more: a worker that still holds the job cannot claim it.
    assert.deepEqual([sim.jobs(), sim.deadlines()], [[], []]);
    await sim.advance(30 * day);
    assert.equal(sim.value(address), 'unknown');
    await sim.event(address, { type: 'RECONCILE', outcome: 'not-done', note: 'looked in the folder' }).idle();
    assert.deepEqual([sim.value(address), sends], ['reconciled', []]);
  });
}

test('what is unknown already, or has ended, stays as it is', async () => {
  const { sim } = begin();
  await sim.idle();
  await sim.event(address, restored).idle();
  const stored = sim.stored(address);
  await sim.event(address, { ...restored, note: 'again' }).idle();
  assert.equal(sim.stored(address), stored);
  const other = begin();
  await other.sim.idle();
  await other.sim.event(address, approval(sim)).idle();
  await other.sim.event(address, restored).idle();
  assert.deepEqual([other.sim.value(address), other.sends.length], ['done', 1]);
});

test('nobody but the operator can say that a backup was restored', async () => {
  const { sim } = begin();
  await sim.idle();
  await sim.event(address, restored, 'mail/m-1').idle();
  assert.deepEqual(sim.value(address), { 'awaiting-approval': 'asked' });
  assert.match(sim.notes().at(-1)!, /^refused: 'RESTORED' may only come from the operator/);
});

const waiting = protocol({ input: z.unknown(), context: z.object({}), output: z.unknown(), events: {} });
const impatient = setup({ types: waiting.types, schemas: waiting.schemas, actors: { operation: operationMachine } }).createMachine({
  id: 'impatient',
  version: '1',
  context: {},
  initial: 'waiting',
  states: { waiting: { invoke: { id: 'op', src: 'operation', input: { ...input, mode: 'live', origin: null } as never, onDone: 'done' }, after: { [day / 2]: 'gone' } }, gone: {}, done: {} },
});
async function leave({ approve }: { approve: boolean }) {
  const sim = createSim({ machines: [impatient], activities: operationActivities({ commit: () => Promise.reject(new KeelsonError('SEND_UNKNOWN', 'the line broke')) }) });
  await sim.start('impatient/1', impatient, {}).idle();
  const op = sim.addresses().find((one) => one.startsWith('operation/'))!;
  if (approve) await sim.event(op, { type: 'APPROVE', payloadHash: sim.context<{ payloadHash: string }>(op).payloadHash }).idle();
  await sim.advance(day / 2);
  assert.equal(sim.value('impatient/1'), 'gone');
  return { sim, op };
}

test('an operation that is not approved yet ends with the wait of its parent, and its question goes', async () => {
  const { sim, op } = await leave({ approve: false });
  assert.equal(sim.record(op)?.status, 'stopped');
});

test('an operation that may have happened does not end with the wait of its parent: the doubt stays until it is settled', async () => {
  const { sim, op } = await leave({ approve: true });
  assert.deepEqual([sim.value(op), sim.record(op)?.status], ['unknown', 'active']);
  assert.match(sim.notes().join(' '), /it is unknown, so it ends by itself/);
  await sim.event(op, { type: 'RECONCILE', outcome: 'done', note: 'saw it' }).idle();
  assert.deepEqual([sim.value(op), sim.value('impatient/1')], ['reconciled', 'gone']);
});
