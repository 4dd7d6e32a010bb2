// Goal: a dry run does everything but the last step, in every process, and what was once meant dry never leaves; what was meant in earnest
// waits. Method: first a network in which each attempt to go elsewhere is counted, then a provider and a mail server that count.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withNats, type TestNats } from '#test/kit/nats.ts';
import { networkMissing, runInOwnNetwork } from '#test/kit/own-network.ts';
import { letter, startStepsCompany, type StepsCompany } from '#test/kit/steps-company.ts';

interface Part { part: string; attempts: number; imported?: number; approved?: number; written?: string[]; operations: { id: string; action: string; state: string; reason: string }[] }

test('a dry server with every way out set up reaches nobody; a live one is counted by the same means', { timeout: 170_000, skip: networkMissing() ?? false }, async (t) => {
  const parts = await runInOwnNetwork<Part>(fileURLToPath(import.meta.resolve('./dry-run-inside.ts')));
  const [waiting, dry, live] = parts as [Part, Part, Part];
  const stateIn = ({ operations }: Part, id: string) => operations.find((one) => one.id === id)?.state;
  assert.deepEqual([waiting.attempts, stateIn(waiting, 'in-earnest')], [0, 'awaiting-approval.asked']);

  assert.equal(dry.attempts, 0, 'something wanted to leave a dry server');
  assert.ok(dry.imported! > 30 && dry.approved! > 10, `${dry.imported} mails, ${dry.approved} approved`);
  assert.deepEqual(dry.written, []);
  for (const { id, action, state, reason } of dry.operations.filter((one) => one.id !== 'in-earnest')) {
    assert.equal(state, 'dry-run', `${id} (${action}): ${reason}`);
    assert.match(reason, /^dry run: \w/, 'it says what it would have done');
  }
  assert.deepEqual(['mail.send', 'payments.link', 'payments.charge', 'calendar.slots', 'http.report', 'web.read', 'files.write'].filter((action) => !dry.operations.some((one) => one.action === action)), []);
  assert.equal(stateIn(dry, 'in-earnest'), 'prepared.halted', 'what was meant in earnest waits, approved');

  assert.ok(live.attempts > 0, 'a server that sends is counted');
  assert.equal(stateIn(live, 'dry-0'), 'dry-run', 'what was meant dry stays dry');
  t.diagnostic(`${dry.operations.length} operations on the dry server; ${live.attempts} attempts of the live one to send a single mail`);
});

let at: StepsCompany;
let nats: TestNats;
before(async () => {
  nats = await withNats();
  at = await startStepsCompany({ nats });
}, { timeout: 120_000 });
after(async () => {
  await at?.stop();
  await nats?.stop();
});

const approve = async (id: string, body: object = {}) => at.api().post(`/api/inbox/${(await at.reaches(id, 'awaiting-approval.asked')).approvalId}/approve`, body);
const nothingLeft = (what: string) => assert.deepEqual([at.left(), at.steps.calls.filter(({ step }) => step === 'lookup').length, at.smtp.mails.length], [[], 0, 0], what);
const halted = 'prepared.halted';

test('one operation may be dry on a live server, and nothing that is done with it makes it live', { timeout: 120_000 }, async () => {
  await at.up();
  await at.propose('single', 'steps.native', { name: 'single' }, { mode: 'dry-run' });
  assert.match((await at.reaches('single', 'dry-run')).reason, /^dry run: do single$/);
  for (const name of ['plain', 'edited', 'responded']) await at.propose(name, 'mail.send', letter('nina@nina.example'), { mode: 'dry-run' });
  await approve('plain');
  await approve('edited', { edit: JSON.stringify({ text: 'Good evening.' }), reason: 'it is late' });
  const { approvalId, address } = await at.reaches('responded', 'awaiting-approval.asked');
  await at.api().post(`/api/inbox/${approvalId}/respond`, { text: 'Another text.' });
  const again = await at.company.until('the new question', 30_000, async () => {
    const now = await at.operation('responded');
    return now.state === 'awaiting-approval.asked' && now.approvalId !== approvalId ? now : null;
  });
  const raised = await at.company.cli('approve', again.approvalId!, '--edit', writeEdit({ text: 'Another.', mode: 'live' }));
  assert.notEqual(raised.code, 0, 'the mode is no word of the payload');
  await approve('responded');
  for (const name of ['plain', 'edited', 'responded']) assert.deepEqual([(await at.reaches(name, 'dry-run')).mode], ['dry-run'], name);
  assert.notEqual((await at.company.cli('send', address, 'APPROVE', JSON.stringify({ payloadHash: 'x', mode: 'live' }))).code, 0);
  nothingLeft('after single dry runs');
});

test('what a dry server was told to do stays dry on a live one; what a live one was told waits for a live one', { timeout: 170_000 }, async () => {
  const { steps } = at;
  // Left behind by a live server: a question, a call that was put off, and calls that were cut by its death.
  await at.propose('question', 'mail.send', letter('otto@otto.example'));
  await at.reaches('question', 'awaiting-approval.asked');
  steps.answer('commit', 'put-off', 429);
  const cut = ['cut-native', 'cut-lookup', 'cut-none'].map((name) => steps.hold('commit', name));
  await at.propose('put-off', 'steps.native');
  for (const kind of ['native', 'lookup', 'none']) await at.propose(`cut-${kind}`, `steps.${kind}`);
  await Promise.all(cut.map(({ reached }) => reached));
  await at.company.until('the first try', 20_000, async () => steps.count('commit', 'put-off') > 0);
  await at.company.kill();
  const before_ = at.left();

  await at.up('--dry-run');
  await approve('question');
  await at.propose('told-dry', 'mail.send', letter('nina@nina.example'));
  await at.reaches('told-dry', 'awaiting-approval.asked');
  await at.reaches('question', halted);
  await at.reaches('put-off', halted);
  for (const name of ['cut-native', 'cut-lookup', 'cut-none']) assert.match((await at.reaches(name, 'unknown')).reason, name === 'cut-none' ? /nobody can tell/ : /runs dry/, name);
  const look = await at.company.cli('ops', 'reconcile', 'cut-lookup');
  assert.equal(look.code, 0, look.stderr);
  await at.reaches('cut-lookup', 'unknown');
  assert.equal((await at.api().post<{ state: string }>('/api/effects/resume', {})).state, 'running');
  await at.api().quiet();
  await at.reaches('question', halted);
  assert.deepEqual([at.left(), steps.calls.filter(({ step }) => step === 'lookup').length, at.smtp.mails.length], [before_, 0, 0], 'a dry server asks nobody');
  await at.company.down();

  await at.up();
  await approve('told-dry');
  await at.reaches('told-dry', 'dry-run');
  await at.reaches('question', 'done');
  await at.reaches('put-off', 'done');
  for (const name of ['cut-native', 'cut-lookup']) {
    await at.company.json('ops', 'reconcile', name);
    await at.reaches(name, 'done');
  }
  assert.equal((await at.operation('cut-none')).state, 'unknown');
  assert.deepEqual(at.smtp.mails.map(({ to }) => to), [['otto@otto.example']]);
  assert.deepEqual(['put-off', 'cut-native', 'cut-lookup', 'cut-none'].map((name) => steps.count('commit', name)), [2, 2, 1, 1], 'the second call of cut-native bears the key of the first');
  assert.equal(new Set(steps.calls.filter(({ name, step }) => name === 'cut-native' && step === 'commit').map(({ key }) => key)).size, 1);
});

test('a worker is as dry as the server: it joins a dry one dry, and ends when the server changes', { timeout: 170_000 }, async () => {
  const { steps } = at;
  const live = await at.worker();
  await at.company.down();
  await at.up('--dry-run');
  const before_ = at.left();
  const names = Array.from({ length: 8 }, (_, n) => `dry-worker-${n}`);
  for (const name of names.slice(0, 4)) await at.propose(name, 'steps.native');
  assert.notEqual(await live.ended, 0);
  assert.match(live.said(), /runs dry now, and this worker did not.*Start this worker again/s);
  const dry = await at.worker();
  for (const name of names.slice(4)) await at.propose(name, 'steps.native');
  for (const name of names) await at.reaches(name, 'dry-run');
  assert.deepEqual(at.left(), before_, 'no process did anything');
  assert.ok(steps.calls.some(({ pid }) => pid === dry.pid), 'the worker had a part in it');
  await at.company.down();
  await at.up();
  await at.propose('live-again', 'steps.native');
  await at.reaches('live-again', 'done');
  assert.notEqual(await dry.ended, 0);
  assert.match(dry.said(), /runs in earnest now/);
});

function writeEdit(edit: object): string {
  const file = join(at.company.dataDir, '..', 'edit.json');
  writeFileSync(file, JSON.stringify(edit));
  return file;
}
