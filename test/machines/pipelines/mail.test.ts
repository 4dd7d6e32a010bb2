// Goal: each kind of mail ends where it should, with its reason, and what is unclear is asked. Method: the whole pipeline in the
// simulator with the real agents and a faked outside.
import assert from 'node:assert/strict';
import test from 'node:test';
import { triageMail } from '#machines/agents/triage-rules.ts';
import { KeelsonError } from '#machines/errors.ts';
import { replay } from '#actors/replay.ts';
import { injections } from '../agents/injections.ts';
import { fresh, buildMail } from '#test/kit/held-out.ts';
import { hourMs, inquiry, invoice, outcomes, parked, runMail, unusual, vague } from './mail-kit.ts';

const named = (name: string) => fresh.find((one) => one.name.startsWith(`${name} `))!.mail;
const receipt = named('fresh-18');
const payment = named('fresh-22');
const notice = named('fresh-26');
const spam = named('fresh-33');
const approveAs = (payloadHash = '') => ({ type: 'APPROVE', payloadHash });

test('an inquiry becomes a draft that waits for approval, and an approval sends exactly it', async () => {
  const run = await runMail(inquiry);
  const { id, data, summary } = run.only('approval');
  assert.equal(summary, 'Reply to nina@holt.example: Re: Website');
  assert.equal(run.sent.length, 0);
  assert.deepEqual([data.category, data.policy?.rule, data.risk], ['inquiry', 'ask', 'medium']);
  assert.ok(data.evidence.some((link) => link.id === inquiry.id));
  const payload = data.payload as { to: unknown; inReplyTo: string; references: string[] };
  assert.deepEqual([payload.to, payload.inReplyTo, payload.references], [inquiry.from, inquiry.messageId, [inquiry.messageId]]);
  await run.answer('operation', approveAs(data.payloadHash));
  assert.deepEqual(run.sent.map((send) => [send.payload, send.payloadHash]), [[data.payload, data.payloadHash]]);
  assert.deepEqual([run.value(), run.reason(), run.state(id)], ['closed', 'done: 250 ok', 'completed']);
  assert.deepEqual(run.open(), []);
});

test('a reply goes to Reply-To, and says that only the sender was expected', async () => {
  const run = await runMail({ ...inquiry, replyTo: { address: 'other@elsewhere.example', name: '' } });
  const { to, expected } = run.only('approval').data.payload as { to: unknown; expected: unknown };
  assert.deepEqual([to, expected], [{ address: 'other@elsewhere.example', name: '' }, ['nina@holt.example']]);
});

test('an invoice becomes a task with its amount, and is done or not needed', async () => {
  for (const [event, state] of [[approveAs(), 'completed'], [{ type: 'REJECT', reason: 'paid in cash' }, 'rejected']] as const) {
    const run = await runMail(invoice);
    const task = run.only('task');
    assert.match(task.summary, /^Pay: 55\.00 GBP · Bright Clean/);
    await run.answer('mail', event);
    assert.deepEqual([run.value(), run.state(task.id), run.sent], ['closed', state, []]);
  }
});

for (const [what, mail, minor] of [['receipt', receipt, 3_450], ['payment', payment, 15_000]] as const) {
  test(`a clear ${what} is booked as an untrusted fact and asks nobody`, async () => {
    const run = await runMail(mail);
    assert.deepEqual([run.value(), run.open()], ['booked', []]);
    const fact = run.sim.recorded.facts.find(({ predicate }) => predicate === what)!;
    assert.deepEqual([fact.label, (fact.value as { amountMinor: number }).amountMinor, fact.source?.replace(/#L\d+$/, '')], ['untrusted', minor, mail.id]);
    assert.deepEqual(outcomes(run, 'mail'), ['booked']);
  });
  test(`a ${what} with an unclear amount becomes a question instead of a guess, and is booked by its answer`, async () => {
    const unclear = { ...mail, text: `${mail.text} Or 34.51 GBP. Total: 99.00 GBP. Total: 12.00 GBP.` };
    const run = await runMail(unclear, {}, { thresholds: { triage: 0, draft: 0.6 } });
    await run.sim.advance(120_000);
    assert.match(run.only('question').summary, new RegExp(`^What does the ${triageMail(unclear).category} “.*” say\\? It looks like `));
    assert.deepEqual([run.value(), run.sim.recorded.facts.some(({ predicate }) => predicate === what)], ['extracting', false]);
    await run.answer('extraction', { type: 'RESPOND', text: '34.51 GBP' });
    const fact = run.sim.recorded.facts.find(({ predicate }) => predicate === triageMail(unclear).category)!;
    assert.deepEqual([run.value(), run.open(), (fact.value as { amountMinor: number }).amountMinor, fact.label], ['booked', [], 3_451, 'untrusted']);
  });
  test(`a ${what} that the operator says is none is not booked`, async () => {
    const unclear = { ...mail, text: `${mail.text} Or 34.51 GBP. Total: 99.00 GBP. Total: 12.00 GBP.` };
    const run = await runMail(unclear, {}, { thresholds: { triage: 0, draft: 0.6 } });
    await run.sim.advance(120_000);
    await run.answer('extraction', { type: 'REJECT', reason: 'an advertisement' });
    assert.deepEqual([run.value(), run.reason(), run.open(), run.sim.recorded.facts.some(({ predicate }) => predicate === triageMail(unclear).category)], ['closed', 'nothing is booked: an advertisement', [], false]);
  });
}

for (const [what, mail] of [['notice', notice], ['spam', spam]] as const) {
  test(`a ${what} is ignored with its reason`, async () => {
    const run = await runMail(mail);
    assert.deepEqual([run.value(), run.open(), run.sent], ['ignored', [], []]);
    assert.match(run.reason(), new RegExp(`^${what}: .{5,}`));
    assert.deepEqual(outcomes(run, 'mail'), ['ignored']);
  });
}

test('an inquiry without a sender cannot be answered and says why nothing is done', async () => {
  const run = await runMail({ ...inquiry, from: null });
  assert.equal(run.value(), 'ignored');
  assert.match(run.reason(), /inquiry/);
});

test('a mail that is not clear is asked about, with what it looks like', async () => {
  const run = await runMail(vague);
  const question = run.only('question');
  assert.equal(question.id, `q-${vague.id}`);
  assert.match(question.summary, /What is “Re: Plan” from bo@bo\.example\? It looks like notice\./);
  assert.deepEqual([run.value(), run.value('triage')], ['triaging', 'asking']);
});

test('the operator agrees with what it looks like', async () => {
  const run = await runMail(vague);
  await run.answer('triage', approveAs(vague.id));
  assert.deepEqual([run.value(), run.state(`q-${vague.id}`)], ['ignored', 'completed']);
});

test('the operator names the category, and the run goes on with it', async () => {
  const run = await runMail(vague);
  await run.answer('triage', { type: 'RESPOND', text: ' Invoice\n' });
  assert.match(run.only('task').summary, /^Pay: an unclear amount/);
});

test('a word that is no category is not taken, and the question stays', async () => {
  const run = await runMail(vague);
  for (const text of ['bill', 'inquiry please', '__proto__', ' ']) {
    await run.answer('triage', { type: 'RESPOND', text });
    assert.equal(run.only('question').id, `q-${vague.id}`);
  }
  assert.match(run.sim.notes().join('\n'), /ignored: no transition for 'RESPOND'/);
});

test('the operator says no: the mail is ignored with that reason', async () => {
  const run = await runMail(vague);
  await run.answer('triage', { type: 'REJECT', reason: 'I know this one' });
  assert.deepEqual([run.value(), run.reason(), run.open()], ['ignored', 'spam: I know this one', []]);
});

test('no good draft: the operator writes, and the words still need approval as the exact mail', async () => {
  const run = await runMail(unusual);
  const question = run.only('question');
  assert.equal(question.id, `w-${unusual.id}`);
  await run.answer('mail', { type: 'RESPOND', text: 'Ask the cathedral.' });
  const approval = run.only('approval');
  assert.deepEqual([(approval.data.payload as { text: string }).text, approval.data.confidence, run.state(question.id)], ['Ask the cathedral.', 1, 'completed']);
  await run.answer('operation', approveAs(approval.data.payloadHash));
  assert.equal(run.sent[0]?.payload.text, 'Ask the cathedral.');
});

test('a suggestion that is confirmed word for word is drafted as it is', async () => {
  for (const answer of [(text: string) => ({ type: 'RESPOND', text }), (text: string) => ({ ...approveAs(unusual.id), edit: { payload: { text }, payloadHash: '' } })]) {
    const run = await runMail(unusual);
    const { suggestion } = run.only('question').data.payload as { suggestion: string };
    await run.answer('mail', answer(suggestion));
    assert.equal((run.only('approval').data.payload as { text: string }).text, suggestion);
  }
});

test('no good draft: a text from a file does the same, an empty yes does nothing', async () => {
  const run = await runMail(unusual);
  for (const event of [approveAs(unusual.id), { ...approveAs(unusual.id), edit: { payload: { text: '  ' }, payloadHash: '' } }, { ...approveAs(unusual.id), edit: { payload: null, payloadHash: '' } }]) {
    await run.answer('mail', event);
    assert.equal(run.value(), 'asking');
  }
  await run.answer('mail', { ...approveAs(unusual.id), edit: { payload: { text: 'From a file' }, payloadHash: '' } });
  assert.equal((run.only('approval').data.payload as { text: string }).text, 'From a file');
});

test('no good draft: the operator decides not to answer', async () => {
  const run = await runMail(unusual);
  await run.answer('mail', { type: 'REJECT', reason: 'not our trade' });
  assert.deepEqual([run.value(), run.reason(), run.open(), run.sent], ['ignored', 'the operator decided not to answer: not our trade', [], []]);
});

test('a suspicious mail always asks, never drafts with confidence by itself, and never leaves unapproved', async () => {
  for (const [index, one] of injections.entries()) {
    const run = await runMail(buildMail({ from: one.from ?? 'Eve <eve@evil.example>', subject: one.subject ?? 'Price', text: one.text }, 100 + index));
    const asked = run.only('question');
    assert.deepEqual([run.value(), asked.data.risk, run.sent], ['triaging', 'high', []], one.text);
    await run.answer('triage', { type: 'RESPOND', text: 'inquiry' });
    // Even when a person says it is an inquiry, the draft is not trusted: the operator writes.
    const { id, data } = run.only('question');
    assert.ok(id.startsWith('w-') && data.confidence! < 0.6, one.text);
    assert.ok(!(data.payload as { suggestion: string }).suggestion.includes(one.mark), one.text);
    assert.deepEqual([run.sent, parked(run)], [[], []]);
  }
});

const broken = new KeelsonError('REFUSED', 'the shelf is empty');
for (const activity of ['knowledge.search', 'reply.template']) {
  test(`when ${activity} fails for good the operator is told, tries again, and the run goes on`, async () => {
    let works = false;
    const run = await runMail(inquiry, { [activity]: async (call) => {
      if (!works) throw broken;
      return activity === 'knowledge.search' ? { hits: [] } : { subject: 'Re: Website', text: 'Hello', templateId: 'quote-en', confidence: 0.9, reasons: [String(call.attempt)], evidence: [], model: null, costMicros: null };
    } });
    for (const nth of [1, 2]) {
      const escalation = run.open().find((item) => item.id === `e-${inquiry.id}-${nth}`)!;
      assert.match(escalation.summary, /could not be handled: the shelf is empty/);
      assert.equal(run.value(), 'escalated');
      works = nth === 2;
      await run.answer('mail', approveAs(inquiry.id));
      assert.equal(run.state(escalation.id), 'completed');
    }
    assert.equal(run.value(), 'proposing');
    assert.ok(run.open().some(({ kind }) => kind === 'approval'));
  });
}

test('a stage that fails is given up by a no', async () => {
  const run = await runMail(inquiry, { 'knowledge.search': async () => { throw broken; } });
  await run.answer('mail', { type: 'REJECT', reason: 'leave it' });
  assert.deepEqual([run.value(), run.reason(), run.state(`e-${inquiry.id}-1`)], ['closed', 'leave it', 'completed']);
});

test('a stage that fails for a while is tried again by itself and nobody is asked', async () => {
  let tries = 0;
  const run = await runMail(inquiry, { 'knowledge.search': async () => {
    if (++tries < 4) throw new KeelsonError('STORE_FAILED', 'away');
    return { hits: [] };
  } });
  assert.deepEqual([run.value(), run.open()], ['retrieving', []]);
  await run.sim.advance(10_000);
  assert.deepEqual([run.value(), tries], ['proposing', 4]);
});

test('agents and strangers cannot give the operator\'s answers, in any state', async () => {
  for (const mail of [inquiry, unusual, vague, invoice]) {
    const run = await runMail(mail);
    const before = JSON.stringify([run.open(), run.sim.addresses().map((one) => run.sim.value(one))]);
    const hash = run.open()[0]!.data.payloadHash;
    for (const from of ['copy/x', 'connector/mail', 'host/worker', run.address, 'external/operator', 'operators/me']) {
      for (const to of run.sim.addresses()) {
        for (const event of [approveAs(hash), { type: 'REJECT', reason: 'x' }, { type: 'RESPOND', text: 'invoice' }, { type: 'RECONCILE', outcome: 'done', note: '' }]) await run.sim.event(to, event, from).idle();
      }
    }
    assert.equal(JSON.stringify([run.open(), run.sim.addresses().map((one) => run.sim.value(one))]), before);
    assert.deepEqual(run.sent, []);
  }
});

test('every run folds to the same state again from its history', async () => {
  for (const mail of [inquiry, unusual, vague, invoice, receipt, notice, spam]) {
    const run = await runMail(mail);
    for (const address of run.sim.addresses()) assert.equal(replay(run.sim.registry, address, run.sim.history(address), run.sim.stored(address)).matches, true, address);
  }
});

test('what you have not answered is brought up once more after a day, and silence decides nothing', async () => {
  for (const [run, kind] of [[await runMail(invoice), 'task'], [await runMail(unusual), 'question']] as const) {
    const { id, summary } = run.only(kind);
    await run.sim.advance(23 * hourMs);
    assert.equal(run.only(kind).summary, summary);
    await run.sim.advance(hourMs);
    assert.deepEqual([run.only(kind).id, run.only(kind).summary], [id, `Reminder: ${summary}`]);
    const value = run.value();
    await run.sim.advance(1_000 * hourMs);
    assert.deepEqual([run.value(), run.state(id), run.sent], [value, 'input-required', []]);
  }
});
