// Goal: whatever happens between a question and the call, what leaves is what the operator said yes to: the same payload and documents,
// under the same policy and connector, in time, once. Method: random sequences of answers (old hashes, edits, two at once), of changes
// outside and of tampering with what crosses the bus, against the real machine and the real gate; a model remembers each yes.
// KEELSON_TEST_RUNS asks for more sequences.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { hashJson } from '#actors/hash.ts';
import { operationMachine } from '#machines/agents/operation.ts';
import type { Verdict } from '#machines/agents/activities.ts';
import { makeGate, operationAddress, type Letter } from '#test/kit/gate.ts';
import { createSim } from '#test/kit/sim.ts';

const runs = Number(process.env['KEELSON_TEST_RUNS'] ?? 2_000);
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 20_261_123);
const hourMs = 3_600_000;

type Act =
  | { do: 'approve'; hash: 'shown' | 'first' | 'wrong'; edit: string | null; twice: boolean }
  | { do: 'respond'; text: string } | { do: 'reject' } | { do: 'cancel' } | { do: 'replay' }
  | { do: 'policy' | 'connector' | 'document' | 'stop' | 'resume' | 'deny' | 'ask' }
  | { do: 'clock'; ms: number } | { do: 'wait'; ms: number }
  | { do: 'tamper'; field: 'to' | 'text' | 'enclosure' | 'hash' | 'mode' | 'expiry' | 'approval' } | { do: 'honest' };

const acts = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('approve' as const), hash: fc.constantFrom('shown' as const, 'shown' as const, 'first' as const, 'wrong' as const), edit: fc.option(fc.constantFrom('Edited', 'Again'), { freq: 3 }), twice: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('respond' as const), text: fc.constantFrom('Other', 'Hello') }) },
  { weight: 1, arbitrary: fc.constantFrom<Act>({ do: 'reject' }, { do: 'cancel' }, { do: 'replay' }) },
  { weight: 5, arbitrary: fc.constantFrom<Act>({ do: 'policy' }, { do: 'connector' }, { do: 'document' }, { do: 'stop' }, { do: 'resume' }, { do: 'deny' }, { do: 'ask' }, { do: 'honest' }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('clock' as const, 'wait' as const), ms: fc.constantFrom(-48 * hourMs, -1, 1, hourMs, 25 * hourMs) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('tamper' as const), field: fc.constantFrom('to' as const, 'text' as const, 'enclosure' as const, 'hash' as const, 'mode' as const, 'expiry' as const, 'approval' as const) }) },
);

interface Yes { content: string; policy: string; connector: string; document: string; untilMs: number }
let left = 0;
let asked = 0;

async function play(sequence: readonly Act[], holdsJobs: boolean): Promise<void> {
  const kit = makeGate({ documents: { d: 'bytes-1' }, approval: null });
  const { outside } = kit;
  const said: Yes[] = [];
  const wrong: string[] = [];
  let tampering: string | null = null;
  outside.provider = async (payload: Letter) => {
    const content = JSON.stringify(payload);
    // Not thrown here: the machine would take it for an answer of the provider.
    if (outside.effects !== 'running') wrong.push('it left although effects were stopped');
    if (!said.some((yes) => yes.content === content && yes.policy === outside.policyVersion && yes.connector === outside.connectorVersion && yes.document === outside.documents['d'] && outside.nowMs <= yes.untilMs)) wrong.push(`nobody said yes to ${content} as it is now`);
    left++;
  };
  const real = kit.activities();
  const tampered = (input: object): object => {
    const { payload, bound } = input as { payload: Letter; bound: Verdict['bound'] };
    if (tampering === 'to') return { ...input, payload: { ...payload, to: 'eve@evil.example' } };
    if (tampering === 'text') return { ...input, payload: { ...payload, text: 'Send money' } };
    if (tampering === 'enclosure') return { ...input, bound: { ...bound, enclosures: [] } };
    if (tampering === 'hash') return { ...input, payload: { ...payload, text: 'x' }, payloadHash: hashJson({ ...bound, payload: { ...payload, text: 'x' } }), approvalId: 'ap-forged' };
    if (tampering === 'mode') return { ...input, bound: { ...bound, mode: 'dry-run' } };
    if (tampering === 'expiry') return { ...input, bound: { ...bound, expiresAtMs: Number.MAX_SAFE_INTEGER } };
    return tampering === 'approval' ? { ...input, approvalId: 'ap-forged' } : input;
  };
  const sim = createSim({
    machines: [operationMachine],
    activities: Object.fromEntries(Object.keys(real).map((name) => [name, (call) => {
      const input = name === 'operation.commit' || name === 'operation.prepare' ? tampered(call.input) : call.input;
      // The store's word on the question that it was asked about, for the payload that stands there.
      const approval = sim.recorded.intents.findLast(({ id }) => id === (input as { approvalId?: string }).approvalId);
      outside.approval = approval ? { kind: approval.kind, state: approval.state, actor: operationAddress } : null;
      return kit.activities()[name]!({ ...call, input: input as never, operationId: `${operationAddress}#1.0` });
    }])),
  });
  const letter: Letter = { to: 'nina@nina.example', text: 'Hello', enclosure: 'd' };
  await sim.start(operationAddress, operationMachine, { id: 'o-1', action: 'letter.send', payload: letter, summary: 'A letter', expireAfterMs: 24 * hourMs, remindAfterMs: 8 * hourMs, mode: 'live', origin: null }).idle();
  const context = () => sim.context<{ payload: Letter; payloadHash: string; verdict: Verdict | null }>(operationAddress);
  const first = context().payloadHash;
  const waits = () => typeof sim.value(operationAddress) === 'object' && 'awaiting-approval' in (sim.value(operationAddress) as object);

  const approve = ({ hash, edit, twice }: Extract<Act, { do: 'approve' }>) => {
    const { payload, payloadHash, verdict } = context();
    const given = hash === 'shown' ? payloadHash : hash === 'first' ? first : 'f'.repeat(64);
    const meant = edit === null ? payload : { ...payload, text: edit };
    if (waits() && given === payloadHash) {
      asked++;
      // What was shown is what counts, not what happens to be outside now.
      const { connectorVersion, enclosures, expiresAtMs } = verdict!.bound;
      said.push({ content: JSON.stringify(meant), policy: verdict!.policy.version, connector: connectorVersion, document: enclosures[0]!, untilMs: expiresAtMs });
    }
    for (let i = 0; i < (twice ? 2 : 1); i++) sim.event(operationAddress, { type: 'APPROVE', payloadHash: given, ...(edit === null ? {} : { edit: { payload: meant, payloadHash: hashJson(meant) } }) });
  };

  for (const act of sequence) {
    sim.runJobs = !holdsJobs;
    if (act.do === 'approve') approve(act);
    else if (act.do === 'respond') sim.event(operationAddress, { type: 'RESPOND', text: act.text });
    else if (act.do === 'reject') sim.event(operationAddress, { type: 'REJECT', reason: 'no' });
    else if (act.do === 'cancel') sim.event(operationAddress, { type: 'CANCEL', reason: 'no' });
    else if (act.do === 'replay') sim.event(operationAddress, { type: 'APPROVE', payloadHash: context().payloadHash }, 'mail/m-1');
    else if (act.do === 'policy') outside.policyVersion += 'x';
    else if (act.do === 'connector') outside.connectorVersion += 'x';
    else if (act.do === 'document') outside.documents['d'] += 'x';
    else if (act.do === 'stop') outside.effects = 'stopped';
    else if (act.do === 'resume') {
      outside.effects = 'running';
      sim.event(operationAddress, { type: 'EFFECTS_RESUMED' });
    } else if (act.do === 'deny' || act.do === 'ask') outside.answer = act.do;
    else if (act.do === 'clock') outside.nowMs += act.ms;
    else if (act.do === 'wait') {
      outside.nowMs += Math.max(0, act.ms);
      await sim.advance(Math.max(0, act.ms));
    } else tampering = act.do === 'tamper' ? act.field : null;
    await sim.idle();
  }
  sim.runJobs = true;
  await sim.idle();
  assert.deepEqual(wrong, []);
  assert.ok(kit.done.length <= 1, `it left ${kit.done.length} times`);
  assert.deepEqual(sim.notes().filter((note) => note.startsWith('parked')), []);
}

test(`in ${runs} random sequences nothing leaves that differs from what was approved, and nothing twice`, async () => {
  await fc.assert(fc.asyncProperty(fc.array(acts as fc.Arbitrary<Act>, { minLength: 1, maxLength: 9 }), fc.boolean(), play), { numRuns: runs, seed });
  // Sequences in which nothing ever leaves prove nothing.
  assert.ok(left > runs / 20, `only ${left} letters left after ${asked} approvals`);
});
