// Goal: accepted work is invoiced once, by the operator's word alone; what cannot be invoiced is asked about. Method: the machine with real
// invoices and operations in the simulator; the connector reads facts as the store would give them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { readWork } from '#connectors/billing.ts';
import { billingMachine } from '#machines/agents/billing.ts';
import { lintMachine } from '#machines/lint.ts';
import type { Fact } from '#machines/records.ts';
import { createSim } from '#test/kit/sim.ts';
import { operationActivities } from '#test/kit/verdict.ts';
import { order, performedOf } from '../pipelines/invoice-kit.ts';

const from = { address: 'me@studio.example', name: 'Studio' };
const value = { work: 'Website, first part', order } as unknown as Fact['value'];

interface World { facts?: Partial<Fact & { id: string }>[]; issue?: () => Promise<never>; chaos?: number; seed?: number }
function world({ facts = [{}], issue, chaos = 0, seed = 1 }: World = {}) {
  const stored = facts.map((over, i) => ({ id: `f-${i + 1}-0`, entity: 'project/shop', predicate: 'work.accepted', value, label: 'operator', confidence: 1, ...over }));
  const store = { load: async () => null, commit: () => assert.fail('looking writes nothing'), async query(name: string, args: Record<string, unknown>) {
    return name === 'fact' ? (stored.find(({ id }) => id === args['id']) ?? null) : stored.filter(({ entity, predicate }) => entity === args['entity'] && predicate === args['predicate']);
  } };
  const done: string[] = [];
  const sim = createSim({
    machines: [billingMachine], permissions: true, chaos, seed,
    activities: {
      ...operationActivities({ async commit({ input }) {
        const { bound: { action, operation } } = input as { bound: { action: string; operation: string } };
        if (issue && action === 'invoices.issue') return issue();
        done.push(`${action} ${operation}`);
        return performedOf(action);
      } }),
      'billing.work': readWork(store, from),
    },
  });
  const start = async (id: string) => {
    const at = `billing/accepted-${id}`;
    await sim.start(at, billingMachine, { change: { kind: 'fact', id, seq: 1, atMs: 1, actor: 'operator/desk' } }).idle();
    return at;
  };
  const approve = async (action: string) => {
    const at = sim.addresses().findLast((one) => one.startsWith('operation/') && sim.context<{ action: string }>(one).action === action) ?? assert.fail(`nobody proposed ${action}`);
    await sim.event(at, { type: 'APPROVE', payloadHash: sim.context<{ payloadHash: string }>(at).payloadHash }).idle();
  };
  const invoice = () => sim.addresses().findLast((one) => one.startsWith('invoice/'))!;
  const outcome = (at: string) => [sim.value(at), sim.context<{ outcome: string }>(at).outcome];
  return { sim, done, start, approve, invoice, outcome, asked: () => sim.recorded.intents.filter(({ kind, state }) => kind === 'task' && state === 'input-required').map(({ summary }) => summary) };
}

test('the machine can be hosted durably', () => assert.deepEqual(lintMachine(billingMachine), []));

test('accepted work becomes an invoice that waits for its approvals and ends with the money', async () => {
  const { sim, done, start, approve, invoice, outcome } = world();
  const at = await start('f-1-0');
  assert.deepEqual([sim.value(at), done], ['invoicing', []], 'nothing happens without a yes');
  await approve('invoices.issue');
  await approve('mail.send');
  assert.deepEqual(done.map((one) => one.split(' ')[0]), ['invoices.issue', 'mail.send']);
  await sim.event(invoice(), { type: 'PAID', payment: { id: 'bank-1', amountMinor: 11_900, currency: 'EUR' } }).idle();
  assert.deepEqual([outcome(at), sim.record(at)!.snapshot.output], [['ended', 'paid'], { outcome: 'paid', number: 'R-0001' }]);
});

test('the same work accepted again is not invoiced again; other work of the project is', async () => {
  const { sim, start, outcome } = world({ facts: [{}, {}, { value: { ...(value as object), work: 'Website, second part' } }] });
  await start('f-1-0');
  const again = await start('f-2-0');
  assert.deepEqual([outcome(again), sim.recorded.decisions.find(({ what }) => what === 'billing')!.reasons], [['ended', 'accepted-before'], ['“Website, first part” of project/shop, for Nina Holt was accepted before (f-1-0), and is invoiced by that']]);
  assert.equal(sim.value(await start('f-3-0')), 'invoicing');
});

test('nobody but the operator accepts work: not by a fact of another label, not by another fact, not by a start', async () => {
  const facts = (['untrusted', 'system', 'verified-connector'] as const).map((label) => ({ label }));
  const { sim, start, outcome } = world({ facts: [...facts, { predicate: 'project.status', value: 'done' }, { value: { work: 'x' } }] });
  for (const id of ['f-1-0', 'f-2-0', 'f-3-0', 'f-4-0', 'f-5-0', 'f-99-0']) assert.deepEqual(outcome(await start(id)), ['ended', 'not-believed'], id);
  assert.deepEqual(sim.addresses().filter((one) => one.startsWith('invoice/')), []);
});

test('an invoice that the operator refuses is a task: once more, or no invoice', async () => {
  for (const [answer, end] of [[{ type: 'APPROVE', payloadHash: '' }, 'invoicing'], [{ type: 'REJECT', reason: 'a gift' }, 'ended']] as const) {
    const { sim, start, invoice, outcome, asked, approve } = world();
    const at = await start('f-1-0');
    const operation = sim.addresses().find((one) => one.startsWith('operation/'))!;
    await sim.event(operation, { type: 'REJECT', reason: 'wrong address' }).idle();
    assert.deepEqual([sim.value(at), asked()], ['asking', ['The work “Website, first part” of project/shop, for Nina Holt was accepted and is not invoiced: rejected: wrong address']]);
    const first = invoice();
    await sim.event(at, { type: 'APPROVE', payloadHash: '' }, 'mail/m-1').idle();
    assert.equal(sim.value(at), 'asking');
    await sim.event(at, answer).idle();
    assert.equal(sim.value(at), end);
    if (end === 'ended') assert.deepEqual(outcome(at), ['ended', 'not-issued']);
    else {
      assert.notEqual(invoice(), first);
      await approve('invoices.issue');
    }
  }
});

test('under crashes, repeats and jobs that run twice it is issued once', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const { sim, done, start, approve, invoice, outcome } = world({ chaos: 0.15, seed });
    const at = await start('f-1-0');
    await approve('invoices.issue');
    await approve('mail.send');
    await sim.event(invoice(), { type: 'PAID', payment: { id: 'bank-1', amountMinor: 11_900, currency: 'EUR' } }).idle();
    assert.deepEqual([outcome(at), new Set(done).size, sim.recorded.decisions.filter(({ what }) => what === 'billing').length], [['ended', 'paid'], 2, 1], `seed ${seed}`);
  }
});
