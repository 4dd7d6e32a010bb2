// Goal: the operator's answer reaches the operation that waits, bound to what was shown, once. Method: the real kernel with the
// operation machine; what it does outside is faked.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { hashJson } from '#actors/hash.ts';
import { randomId } from '#actors/ids.ts';
import { createDesk, type Desk } from '#connectors/console/desk.ts';
import { operationMachine } from '#machines/agents/operation.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Item } from '#machines/inbox.ts';
import { outgoingMailSchema, type OutgoingMail } from '#machines/mail.ts';
import { operationActivities, performed, verdictFor } from '#test/kit/verdict.ts';
import { startWorld, type World } from '#test/kit/world.ts';

interface Send { operationId: string; payload: OutgoingMail; payloadHash: string }
interface Shown { id: string; kind: string; state: string; actor: string; data: Item & { payload: OutgoingMail } }
interface Operation { approvedHash: string | null; outcome: string; reason: string; payload: OutgoingMail }

const sends: Send[] = [];
let world: World;
let desk: Desk;
let made = 0;
/** What the world outside does, by operation id. */
const sendFails = new Map<string, KeelsonError>();
const checkFails = new Map<string, (payload: OutgoingMail) => boolean>();

before(async () => {
  world = await startWorld({
    machines: [operationMachine],
    activities: {
      ...operationActivities(),
      async 'operation.check'({ input }) {
        const { operation, payload } = input as { operation: string; payload: OutgoingMail };
        if (checkFails.get(operation)?.(payload)) throw new KeelsonError('REFUSED', 'the dry run failed');
        return verdictFor(input);
      },
      async 'operation.commit'({ input }) {
        const { bound, payload, payloadHash } = input as { bound: { operation: string }; payload: OutgoingMail; payloadHash: string };
        sends.push({ operationId: bound.operation, payload, payloadHash });
        const failure = sendFails.get(bound.operation);
        if (failure) throw failure;
        return performed({ providerRef: `<${bound.operation}@x>` });
      },
    },
  });
  desk = createDesk({ store: world.store, bus: world.bus, clock: systemClock, makeId: randomId, whyNotPayload: (_, payload) => outgoingMailSchema.safeParse(payload).error?.issues[0]?.message ?? null });
});
after(() => world.stop());

const item = (id: string) => world.store.query('intent', { id }) as Promise<Shown | null>;
const inbox = async () => (await world.store.query('inbox', {})) as Shown[];
const waitFor = (actor: string, kind = 'approval', not = '') => world.until(`${kind} of ${actor}`, async () => (await inbox()).find((i) => i.actor === actor && i.kind === kind && i.id !== not));
const context = async (address: string) => (await world.record(address))!.snapshot.context as Operation;
const reaches = (address: string, value: string) => world.until(`${address} ${value}`, async () => (await world.record(address))?.snapshot.value === value);
const refused = (message: RegExp, code = 'REFUSED') => (error: unknown) => error instanceof KeelsonError && error.code === code && message.test(error.message);

async function start(options: { sendFails?: KeelsonError; checkFails?: (payload: OutgoingMail) => boolean } = {}) {
  const id = `op${++made}`;
  const address = `operation/${id}`;
  if (options.sendFails) sendFails.set(id, options.sendFails);
  if (options.checkFails) checkFails.set(id, options.checkFails);
  const payload = { from: { address: 'me@studio.example', name: 'Me' }, to: { address: 'nina@nina.example', name: 'Nina' }, subject: 'Re: Price', text: 'It costs 5.', inReplyTo: null, references: [] };
  const day = 86_400_000;
  await world.start(address, 'operation@1', { id, action: 'mail.send', payload, summary: 'Reply', category: 'inquiry', confidence: 0.8, reasons: [], evidence: [], remindAfterMs: day, expireAfterMs: 7 * day });
  return { id, address };
}
const sendsOf = (id: string) => sends.filter((send) => send.operationId === id);

test('an approval sends exactly what was shown, and says what became of it', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  assert.equal(shown.data.payloadHash, hashJson({ ...shown.data.bound, payload: shown.data.payload }));
  const outcome = await desk.approve(shown.id, { hash: shown.data.payloadHash });
  assert.deepEqual([outcome.id, outcome.state, outcome.actor], [shown.id, 'completed', address]);
  await reaches(address, 'done');
  assert.deepEqual(sendsOf(id).map(({ payload, payloadHash }) => [payload, payloadHash]), [[shown.data.payload, shown.data.payloadHash]]);
});

test('an approval with another hash than the stored one is refused and nothing moves', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  for (const hash of ['0'.repeat(64), '', shown.data.payloadHash.slice(0, 12)]) await assert.rejects(desk.approve(shown.id, { hash }), refused(/has changed since it was shown/));
  assert.equal((await item(shown.id))?.state, 'input-required');
  assert.deepEqual(sendsOf(id), []);
});

test('a second approval is refused, also when both come at once', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  const answers = await Promise.allSettled([desk.approve(shown.id, {}), desk.approve(shown.id, {})]);
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.match(String(answers.find((one) => one.status === 'rejected')?.reason), /is already completed/, 'the slower one hears why');
  await assert.rejects(desk.approve(shown.id, {}), refused(/is already completed/));
  await reaches(address, 'done');
  assert.equal(sendsOf(id).length, 1);
});

test('an edited text is sent as edited, to the same recipient', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  await desk.approve(shown.id, { edit: 'It costs 6.' });
  await reaches(address, 'done');
  assert.deepEqual(sendsOf(id)[0]?.payload, { ...shown.data.payload, text: 'It costs 6.' });
  assert.equal((await context(address)).approvedHash, sendsOf(id)[0]?.payloadHash);
  assert.equal((await item(shown.id))?.state, 'completed');
});

test('an edit as JSON changes words, and never who it goes to', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  const eve = { address: 'eve@evil.example', name: '' };
  for (const other of [{ to: eve }, { from: eve }, { references: ['<x@y>'] }, { bcc: 'eve@evil.example' }]) await assert.rejects(desk.approve(shown.id, { edit: JSON.stringify({ text: 'Words', ...other }) }), refused(/an edit changes words/, 'BAD_ARGUMENT'));
  await desk.approve(shown.id, { edit: JSON.stringify({ ...shown.data.payload, subject: 'New', text: 'Words' }) });
  await reaches(address, 'done');
  assert.deepEqual(sendsOf(id)[0]?.payload, { ...shown.data.payload, subject: 'New', text: 'Words' });
});

test('an edit that is no mail is a wrong argument and the draft still waits', async () => {
  const { address } = await start();
  const shown = await waitFor(address);
  for (const edit of ['', '{"text": ', '{"text": 7}', '{"subject": ""}', 'x'.repeat(100_001)]) await assert.rejects(desk.approve(shown.id, { edit }), refused(/edit/, 'BAD_ARGUMENT'));
  assert.equal((await item(shown.id))?.state, 'input-required');
});

test('a payload that was tampered with is refused, whatever hash is given', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  const data = { ...shown.data, payload: { ...shown.data.payload, text: 'Send money' } };
  await world.store.commit({ ...emptyCommit(randomId(), systemClock.now(), 'operator/intruder', {}), intents: [{ id: shown.id, kind: 'approval', state: 'input-required', data }] });
  await assert.rejects(desk.approve(shown.id, {}), refused(/is not what its hash/));
  await assert.rejects(desk.approve(shown.id, { hash: shown.data.payloadHash }), refused(/is not what its hash/));
  await assert.rejects(desk.approve(shown.id, { edit: 'Fine' }), refused(/is not what its hash/));
  assert.deepEqual(sendsOf(id), []);
});

test('a payload and its hash both replaced behind the back of the operation are not what it holds', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  const payload = { ...shown.data.payload, text: 'Send money' };
  await world.store.commit({ ...emptyCommit(randomId(), systemClock.now(), 'operator/intruder', {}), intents: [{ id: shown.id, kind: 'approval', state: 'input-required', data: { ...shown.data, payload, payloadHash: hashJson({ ...shown.data.bound, payload }) } }] });
  await assert.rejects(desk.approve(shown.id, {}), refused(/has changed since it was shown/));
  await assert.rejects(desk.approve(shown.id, { edit: 'Also mine' }), refused(/has changed since it was shown/));
  assert.deepEqual(sendsOf(id), []);
});

test('a rejection ends the operation with its reason and sends nothing', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  assert.equal((await desk.reject(shown.id, { reason: 'too cheap' })).state, 'rejected');
  await reaches(address, 'rejected');
  assert.equal((await context(address)).reason, 'too cheap');
  await assert.rejects(desk.approve(shown.id, {}), refused(/is already rejected/));
  assert.deepEqual(sendsOf(id), []);
});

test('another text makes a new draft with a new hash, and the old one cannot be approved any more', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  await desk.respond(shown.id, { text: 'Quite different' });
  const next = await waitFor(address, 'approval', shown.id);
  assert.equal(next.data.payload.text, 'Quite different');
  await assert.rejects(desk.approve(shown.id, {}), refused(/is already canceled/));
  await assert.rejects(desk.approve(next.id, { hash: shown.data.payloadHash }), refused(/has changed/));
  await desk.approve(next.id, { hash: next.data.payloadHash });
  await reaches(address, 'done');
  assert.equal(sendsOf(id)[0]?.payload.text, 'Quite different');
});

test('the operator can go back to the first text', async () => {
  const { id, address } = await start();
  const first = await waitFor(address);
  await desk.respond(first.id, { text: 'Second thoughts' });
  const second = await waitFor(address, 'approval', first.id);
  await desk.respond(second.id, { text: first.data.payload.text });
  const third = await world.until('an answer', async () => (await inbox()).find((i) => i.actor === address && i.id !== second.id));
  assert.equal(third.kind, 'approval', third.id);
  await desk.approve(third.id, {});
  await reaches(address, 'done');
  assert.equal(sendsOf(id)[0]?.payload.text, first.data.payload.text);
});

test('an edit that fails its check ends the operation, and its approval does not wait any more', async () => {
  const { id, address } = await start({ checkFails: ({ text }) => text === 'Broken' });
  const shown = await waitFor(address);
  await desk.approve(shown.id, { edit: 'Broken' });
  await reaches(address, 'failed');
  assert.deepEqual(sendsOf(id), []);
  assert.notEqual((await item(shown.id))?.state, 'input-required');
});

test('an unknown operation is settled by the operator, once, and never sent again', async () => {
  for (const outcome of ['done', 'not-done'] as const) {
    const { id, address } = await start({ sendFails: new KeelsonError('SEND_UNKNOWN', 'the line broke') });
    await desk.approve((await waitFor(address)).id, {});
    await reaches(address, 'unknown');
    const escalation = await waitFor(address, 'escalation');
    await assert.rejects(desk.approve(escalation.id, {}), refused(/does not take this answer.*ops reconcile/));
    assert.equal((await desk.reconcile(id, { outcome, note: 'looked in the folder' })).state, 'reconciled');
    await reaches(address, 'reconciled');
    assert.deepEqual([(await context(address)).outcome, (await context(address)).reason], [outcome, 'looked in the folder']);
    assert.equal((await item(escalation.id))?.state, 'completed');
    await assert.rejects(desk.reconcile(id, { outcome }), refused(/not unknown; there is nothing to reconcile/));
    assert.equal(sendsOf(id).length, 1);
  }
});

test('an operation that is not unknown cannot be reconciled', async () => {
  const { id, address } = await start();
  await waitFor(address);
  await assert.rejects(desk.reconcile(id, { outcome: 'done' }), refused(/is .*awaiting-approval.*not unknown/));
  await assert.rejects(desk.reconcile(address, { outcome: 'done' }), refused(/not unknown/));
  await assert.rejects(desk.reconcile('op-nowhere', { outcome: 'done' }), refused(/there is no operation/, 'NOT_FOUND'));
});

test('of several operations under one id, the one that is meant is named by its address', async () => {
  const [first, second] = [await start({ sendFails: new KeelsonError('SEND_UNKNOWN', 'the line broke') }), await start()];
  const other = `operation/${first.id}-too`;
  const payload = { ...(await context(second.address)).payload, text: 'Another text.' };
  await desk.approve((await waitFor(first.address)).id, {});
  await waitFor(first.address, 'escalation');
  await world.start(other, 'operation@1', { id: first.id, action: 'mail.send', payload, summary: 'Another', category: null, confidence: null, reasons: [], evidence: [], remindAfterMs: 86_400_000, expireAfterMs: 86_400_000 });
  await waitFor(other);
  await assert.rejects(desk.reconcile(first.id, { outcome: 'done' }), refused(new RegExp(`several operations are called '${first.id}': ${first.address}, ${other}`)));
  assert.equal((await desk.reconcile(first.address, { outcome: 'done' })).actor, first.address);
  await reaches(first.address, 'reconciled');
});

test('the escalation of a failed operation is settled by either answer', async () => {
  for (const answer of ['approve', 'reject'] as const) {
    const { address } = await start({ sendFails: new KeelsonError('SEND_REFUSED', '550 no such mailbox') });
    await desk.approve((await waitFor(address)).id, {});
    await reaches(address, 'failed');
    const { id } = await waitFor(address, 'escalation');
    const { state } = answer === 'approve' ? await desk.approve(id, {}) : await desk.reject(id, { reason: 'seen' });
    assert.equal(state, answer === 'approve' ? 'completed' : 'rejected');
    await assert.rejects(desk.approve(id, {}), refused(/is already/));
  }
});

test('the escalation of a parked message is settled although its actor lives on', async () => {
  const { address } = await start();
  const shown = await waitFor(address);
  const id = `parked-${made}`;
  await world.store.commit({ ...emptyCommit(randomId(), systemClock.now(), address, {}), intents: [{ id, kind: 'escalation', state: 'input-required', summary: 'A message could not be applied', data: {} }] });
  assert.equal((await desk.approve(id, {})).state, 'completed');
  assert.equal((await item(id))?.state, 'completed');
  assert.equal((await item(shown.id))?.state, 'input-required');
});

test('an id that nobody knows is not found', async () => {
  for (const id of ['ap-nowhere', '', "x' OR 1=1", 'operation/op1']) {
    await assert.rejects(desk.approve(id, {}), refused(/there is no inbox item/, 'NOT_FOUND'));
    await assert.rejects(desk.reject(id, { reason: 'no' }), refused(/there is no inbox item/, 'NOT_FOUND'));
    await assert.rejects(desk.respond(id, { text: 'no' }), refused(/there is no inbox item/, 'NOT_FOUND'));
  }
});

test('a command that is sent twice under one id is applied once', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  await Promise.allSettled([desk.approve(shown.id, { commandId: `c-${id}` }), desk.approve(shown.id, { commandId: `c-${id}` })]);
  await reaches(address, 'done');
  const again = await desk.approve(shown.id, { commandId: `c-${id}` });
  assert.deepEqual([again.state, again.actor, again.value], ['completed', address, 'done']);
  assert.equal(sendsOf(id).length, 1);
});

test('texts that come and go and come back are asked about each time', async () => {
  const { address } = await start();
  let asked = await waitFor(address);
  for (const text of ['one', 'two', 'one']) {
    await desk.respond(asked.id, { text });
    asked = await waitFor(address, 'approval', asked.id);
    assert.equal(asked.data.payload.text, text);
  }
  await desk.approve(asked.id, {});
  await reaches(address, 'done');
});

test('the same command given again hears how it stands and is not given twice', async () => {
  const { address } = await start();
  const asked = await waitFor(address);
  const first = await desk.approve(asked.id, { commandId: `c-${asked.id}` });
  await reaches(address, 'done');
  const sent = sends.length;
  const second = await desk.approve(asked.id, { commandId: `c-${asked.id}` });
  assert.deepEqual([second.id, second.state], [first.id, 'completed']);
  assert.equal(second.value, 'done');
  assert.equal(sends.length, sent);
});

test('a command id that was used for another answer is refused and changes nothing', async () => {
  const { id, address } = await start();
  const asked = await waitFor(address);
  const commandId = `c-${asked.id}`;
  await desk.reject(asked.id, { reason: 'too cheap', commandId });
  const used = refused(/was used before for another command; nothing was changed/);
  const other = await waitFor((await start()).address);
  const attempts = [
    () => desk.approve(asked.id, { commandId }), () => desk.reject(asked.id, { reason: 'too dear', commandId }), () => desk.respond(asked.id, { text: 'x', commandId }),
    () => desk.reject(other.id, { reason: 'too cheap', commandId }), () => desk.approve(other.id, { commandId }), () => desk.reconcile(id, { outcome: 'done', commandId }),
  ];
  for (const attempt of attempts) await assert.rejects(attempt(), used);
  assert.deepEqual([(await item(asked.id))?.state, (await item(other.id))?.state], ['rejected', 'input-required']);
  assert.equal((await desk.reject(asked.id, { reason: 'too cheap', commandId })).state, 'rejected');
});

test('one command id with two answers at once gives one of them', async () => {
  const { address } = await start();
  const asked = await waitFor(address);
  const commandId = `c-${asked.id}`;
  const both = await Promise.allSettled([desk.approve(asked.id, { commandId }), desk.reject(asked.id, { reason: 'no', commandId })]);
  assert.deepEqual(both.map(({ status }) => status), ['fulfilled', 'rejected']);
  await reaches(address, 'done');
});

test('an answer that was not taken is not taken either when it is given again', async () => {
  const { id, address } = await start({ sendFails: new KeelsonError('SEND_UNKNOWN', 'the line broke') });
  await desk.approve((await waitFor(address)).id, {});
  const escalation = await waitFor(address, 'escalation');
  for (let i = 0; i < 2; i++) await assert.rejects(desk.approve(escalation.id, { commandId: `c-${id}` }), refused(/does not take this answer/));
  for (let i = 0; i < 2; i++) assert.equal((await desk.reconcile(id, { outcome: 'done', commandId: `r-${id}` })).state, 'reconciled');
});

test('an escalation that the desk settles itself is settled once under one id', async () => {
  const { address } = await start({ sendFails: new KeelsonError('SEND_REFUSED', '550 no such mailbox') });
  await desk.approve((await waitFor(address)).id, {});
  await reaches(address, 'failed');
  const { id } = await waitFor(address, 'escalation');
  const commandId = `c-${id}`;
  for (let i = 0; i < 2; i++) assert.equal((await desk.approve(id, { commandId })).state, 'completed');
  await assert.rejects(desk.reject(id, { reason: 'seen', commandId }), refused(/was used before/));
});

test('an edit is a correction of the draft, with what it was, what it is and why', async () => {
  const { id, address } = await start();
  const shown = await waitFor(address);
  await desk.approve(shown.id, { edit: 'It costs 6.', reason: 'prices rose' });
  await reaches(address, 'done');
  const [correction, ...others] = (await world.store.query('annotations', { target: `draft-${id}` })) as Record<string, unknown>[];
  assert.deepEqual(others, []);
  assert.deepEqual([correction!['kind'], correction!['target_kind'], correction!['before'], correction!['after'], correction!['reason'], correction!['rule'], correction!['actor']], ['correction', 'artifact', 'It costs 5.', 'It costs 6.', 'prices rose', 'ask', address]);
});

test('an edit of the subject shows both subjects', async () => {
  const { id, address } = await start();
  await desk.approve((await waitFor(address)).id, { edit: JSON.stringify({ subject: 'New' }) });
  await reaches(address, 'done');
  const [correction] = (await world.store.query('annotations', { target: `draft-${id}` })) as Record<string, unknown>[];
  assert.deepEqual([correction!['before'], correction!['after']], ['Re: Price\n\nIt costs 5.', 'New\n\nIt costs 5.']);
});

test('another text is a correction, the same text and an edit that changes nothing are none', async () => {
  const { id, address } = await start();
  const first = await waitFor(address);
  const corrections = async () => ((await world.store.query('annotations', { target: `draft-${id}` })) as Record<string, unknown>[]).map(({ before: was, after: is }) => [was, is]);
  await desk.respond(first.id, { text: 'It costs 5.' });
  const second = await waitFor(address, 'approval', first.id);
  assert.deepEqual(await corrections(), []);
  await desk.respond(second.id, { text: 'It costs 7.', reason: 'a typing mistake' });
  const third = await waitFor(address, 'approval', second.id);
  await desk.approve(third.id, { edit: 'It costs 7.' });
  await reaches(address, 'done');
  assert.deepEqual(await corrections(), [['It costs 5.', 'It costs 7.']]);
});
