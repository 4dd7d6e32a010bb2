// Goal: what the operator corrects is kept, applied to the next mail like it, and the corrected mail is handled as what it is. Method: a
// real server and the command line; mails that the built-in rules are sure about and wrong, as the operator sees it.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { openApi, type Api } from '#test/kit/api.ts';
import { makeCompany, type Company } from '#test/kit/server.ts';

interface Decision { id: string; actor: string; what: string; outcome: string; confidence: number; tier?: string; task?: string; reasons: string[]; evidence: { kind: string; id: string }[]; costMicros: number | null }
interface Item { id: string; kind: string; state: string; summary: string; actor: string; data: { payloadHash: string; reasons: string[]; evidence: { kind: string; id: string }[]; category: string | null; payload: { publish?: { kind: string; name: string; text: string } } } }
interface Corrected { mail: string; before: string | null; after: string; annotation: string | null; run: string | null; why: string | null; retired: string[] }

let company: Company;
let api: Api;

before(async () => {
  company = makeCompany();
  await company.up();
  api = openApi(company.dataDir);
});
after(() => company.remove());

let made = 0;
async function send({ from, subject, text }: { from: string; subject: string; text: string }): Promise<string> {
  const raw = [`From: ${from}`, 'To: hello@studio-voss.example', `Subject: ${subject}`, `Message-ID: <c${++made}@test.example>`, 'Date: Mon, 5 Jan 2026 10:00:00 +0000', 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', '', text, ''].join('\r\n');
  const { mailId } = await api.mail(Buffer.from(raw), `test-${made}`);
  await api.quiet();
  return mailId;
}
const verdictOf = async (mail: string) => {
  const [newest] = await api.query<{ id: string }[]>('verdictsOf', { mail });
  assert.ok(newest, `nobody has judged ${mail}`);
  return api.query<Decision>('decision', { id: newest.id });
};
/** A portal that announces what others pay us, in words that look like a bill. */
const portal = (n: number, amount: string) => ({ from: 'Gallery Portal <sales@galleryportal.example>', subject: `Invoice ${4_000 + n} of your gallery`, text: `Hello,\n\nPlease find attached invoice ${4_000 + n} for the prints sold through our portal.\nTotal amount due: EUR ${amount}, payable by 3 May 2026.\n\nYour gallery portal` });

let first: string;
let correction: string;

test('a verdict that the rules were sure of and wrong about is corrected, and the mail is handled as what it is', async () => {
  first = await send(portal(1, '90.00'));
  const verdict = await verdictOf(first);
  assert.deepEqual([verdict.outcome, verdict.tier, verdict.task, verdict.costMicros], ['invoice', 'rules', 'triage', 0]);
  const open = (await api.query<Item[]>('inbox')).find(({ id }) => id === `t-${first}`);
  assert.ok(open, 'a bill is to be paid');

  const corrected = await company.json<Corrected>('correct', first, 'payment', '--reason', 'the portal pays us');
  assert.deepEqual([corrected.before, corrected.after, corrected.run, corrected.why, corrected.retired.length], ['invoice', 'payment', `mail/${first}-r1`, null, 1]);
  await api.quiet();
  correction = corrected.annotation!;
  assert.equal((await api.query<Item>('intent', { id: `t-${first}` })).state, 'canceled');
  const booked = await api.query<{ predicate: string; source: string }[]>('facts', { predicate: 'payment' });
  assert.equal(booked.filter(({ source }) => source.startsWith(first)).length, 1);
  const [retired] = corrected.retired;
  assert.equal((await api.query<{ supersededBy: unknown[] }>('fact', { id: retired })).supersededBy.length, 1);
  const kept = await api.query<{ kind: string; target: string; before: string; after: string; reason: string; task: string }>('annotation', { id: correction });
  assert.deepEqual([kept.kind, kept.target, kept.before, kept.after, kept.reason, kept.task], ['correction', first, 'invoice', 'payment', 'the portal pays us', 'triage']);
});

test('the next mail like it is judged by the correction and says so, with the correction as its evidence', async () => {
  const next = await send(portal(2, '41.50'));
  const verdict = await verdictOf(next);
  assert.deepEqual([verdict.outcome, verdict.tier], ['payment', 'local'], verdict.reasons.join('\n'));
  assert.ok(verdict.evidence.some(({ kind, id }) => kind === 'annotation' && id === correction), JSON.stringify(verdict.evidence));
  assert.match(verdict.reasons.join(' '), new RegExp(`like ${first}, which you corrected to payment`));
});

test('a mail of somebody else that shares a few words is judged as before', async () => {
  const other = await send({ from: 'Bright Clean <office@brightclean.example>', subject: 'Window cleaning', text: 'Invoice 9 is attached. Amount due: EUR 55.00, payable by 3 May 2026. Please transfer it to the account below.' });
  const verdict = await verdictOf(other);
  assert.deepEqual([verdict.outcome, verdict.tier], ['invoice', 'rules'], verdict.reasons.join('\n'));
});

test('what is refused changes nothing and says why', async () => {
  const again = await company.cli('correct', first, 'payment', '--json');
  assert.notEqual(again.code, 0);
  assert.match(`${again.stdout}${again.stderr}`, /taken for payment already/);
  assert.match((await company.cli('correct', first, 'bill')).stderr, /no category 'bill'/);
  assert.match((await company.cli('correct', 'd-999999-0', 'spam')).stderr, /leads to no mail/);
  await assert.rejects(api.post('/api/correct', { id: first, category: 'toString' }), /BAD_ARGUMENT|category/);
});

test('the token for automation corrects nothing', async () => {
  const { api: base } = JSON.parse(readFileSync(join(company.dataDir, 'run.json'), 'utf8')) as { api: string };
  const authorization = `Bearer ${readFileSync(join(company.dataDir, 'automation-token'), 'utf8').trim()}`;
  const response = await fetch(`${base}/api/correct`, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify({ id: first, category: 'spam' }) });
  assert.equal(response.status, 403);
  assert.equal((await verdictOf(first)).outcome, 'payment');
});

test('a command that comes twice corrects once', async () => {
  const mail = await send({ from: 'Tool News <team@toolnews.example>', subject: 'Your receipt for March', text: 'We have received your payment of EUR 12.00 for invoice 77. Thank you for your order.' });
  assert.equal((await verdictOf(mail)).outcome, 'receipt');
  const body = { id: mail, category: 'spam', commandId: 'twice-1' };
  const one = await api.post<Corrected>('/api/correct', body);
  const two = await api.post<Corrected>('/api/correct', body);
  await api.quiet();
  assert.deepEqual([two.run, two.annotation, two.before], [one.run, one.annotation, one.before]);
  assert.equal((await api.query<unknown[]>('annotations', { target: mail })).length, 1);
  assert.equal((await api.query<{ address: string }[]>('actors', { type: 'mail' })).filter(({ address }) => address.startsWith(`mail/${mail}`)).length, 2);
});

test('second thoughts right after the first are handled too, and only the last run stays', async () => {
  const mail = await send(portal(30, '12.00'));
  const { outcome } = await verdictOf(mail);
  const [one, two] = (['invoice', 'receipt', 'payment'] as const).filter((category) => category !== outcome);
  const corrected = await api.post<Corrected>('/api/correct', { id: mail, category: one });
  const second = await api.post<Corrected>('/api/correct', { id: mail, category: two });
  await api.quiet();
  assert.deepEqual([corrected.run, second.run, second.before], [`mail/${mail}-r1`, `mail/${mail}-r2`, one]);
  const rows = (await api.query<{ address: string; status: string }[]>('actors', { type: 'mail' })).filter(({ address }) => address.startsWith(`mail/${mail}`));
  assert.equal(rows.length, 3);
  assert.ok(rows.filter(({ status }) => status === 'active').every(({ address }) => address === second.run), JSON.stringify(rows));
  assert.equal((await verdictOf(mail)).outcome, two);
});

test('correcting a mail that is being asked about is the answer', async () => {
  const mail = await send({ from: 'Bo <bo@bo.example>', subject: 'Re: Plan', text: 'Let us see.' });
  assert.equal((await api.query<Item>('intent', { id: `q-${mail}` })).state, 'input-required');
  const corrected = await company.json<Corrected>('correct', `q-${mail}`, 'notice');
  assert.match(corrected.why ?? '', /this is the answer/);
  await api.quiet();
  assert.deepEqual([(await api.query<Item>('intent', { id: `q-${mail}` })).state, (await verdictOf(mail)).tier, (await verdictOf(mail)).outcome], ['completed', 'operator', 'notice']);
});

const club = (n: number) => ({ from: `Desk <desk${n % 2}@sailclub.example>`, subject: `Club sheet ${n}`, text: `Dear members,\n\nInvoice ${n} for the boat shed was settled by the club. Amount due: EUR ${n}0.00, payable by 3 May 2026, from the common fund. Nothing is asked of members.\n\nThe club desk` });
const look = async () => {
  await api.post('/api/actors/consolidation%2Fmain/send', { type: 'LOOK' });
  await api.quiet();
  return (await api.query<Item[]>('inbox')).filter(({ actor }) => actor === 'consolidation/main');
};
let proposal: Item;

test('what is corrected again and again becomes one proposal, with its cases and a replay', { timeout: 60_000 }, async () => {
  const mails: string[] = [];
  for (let n = 1; n <= 3; n++) mails.push(await send(club(n)));
  for (const mail of mails) await api.post('/api/correct', { id: mail, category: 'notice' });
  await api.quiet();
  const items = await look();
  assert.equal(items.length, 1, JSON.stringify(items.map(({ summary }) => summary)));
  proposal = items[0]!;
  assert.match(proposal.summary, /mail from sailclub\.example is: notice/i);
  assert.match(proposal.data.reasons.join(' '), /spoken about 3 mails and been right about 3/);
  assert.equal(proposal.data.evidence.filter(({ kind }) => kind === 'annotation').length, 3);
  assert.deepEqual((await look()).map(({ id }) => id), [proposal.id], 'it is asked once');
});

test('a file of that name that says something else is not written over', async () => {
  const { name } = proposal.data.payload.publish!;
  const file = join(company.dataDir, 'rules', `${name}.json`);
  mkdirSync(join(company.dataDir, 'rules'), { recursive: true });
  writeFileSync(file, '{}');
  assert.match((await company.cli('approve', proposal.id)).stderr, /already a file rules\//);
  assert.deepEqual([readFileSync(file, 'utf8'), (await api.query<Item>('intent', { id: proposal.id })).state, await api.query('artifacts', { artifactKind: 'rule' })], ['{}', 'input-required', []]);
  rmSync(file);
});

test('an edited yes to it is refused: what is published is what was shown', async () => {
  await assert.rejects(api.post(`/api/inbox/${proposal.id}/approve`, { edit: '{"name":"x"}' }), /does not take this answer/);
  assert.deepEqual(await api.query('artifacts', { artifactKind: 'rule' }), []);
});

test('approved it is a rule in force, in the operator\'s name, and still so after a restart', { timeout: 60_000 }, async () => {
  await company.json('approve', proposal.id);
  await api.quiet();
  const { name, text } = proposal.data.payload.publish!;
  assert.equal(readFileSync(join(company.dataDir, 'rules', `${name}.json`), 'utf8'), text);
  const [artifact] = await api.query<{ actor: string; kind: string }[]>('artifacts', { id: `rule/${name}` });
  assert.deepEqual([artifact?.kind, artifact?.actor, (await api.query<Item>('intent', { id: proposal.id })).state], ['rule', 'operator/desk', 'completed']);
  const ruled = async (n: number) => {
    const found = await verdictOf(await send(club(n)));
    assert.deepEqual([found.outcome, found.tier, found.evidence.some(({ id }) => id === `rule/${name}`)], ['notice', 'rules', true], found.reasons.join('\n'));
  };
  await ruled(9);
  await company.kill();
  await company.up();
  api = openApi(company.dataDir);
  await ruled(10);
  assert.equal((await api.query<unknown[]>('artifacts', { id: `rule/${name}` })).length, 1, 'the same file is no new version');
});

test('a rule whose file is taken away is in force no more after the next start', { timeout: 60_000 }, async () => {
  const { name } = proposal.data.payload.publish!;
  rmSync(join(company.dataDir, 'rules', `${name}.json`));
  await company.down();
  await company.up();
  api = openApi(company.dataDir);
  assert.deepEqual(await api.query('contents', { artifactKind: 'rule' }), []);
  const found = await verdictOf(await send(club(11)));
  assert.deepEqual([found.outcome, found.tier], ['notice', 'local'], 'what was taught is still known');
});
