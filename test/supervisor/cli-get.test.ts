// Goal: one thing can be looked at as it is and as it was, lists can be read to their end, and what comes from where is shown.
// Method: one real company with the sample mailbox and one approved reply, looked at after it stopped: through the functions of the
// commands, and through the real CLI for what is printed.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { KeelsonError } from '#machines/errors.ts';
import { openDatabase, type Database } from '#store/database.ts';
import { find as findRows } from '#supervisor/cli-find.ts';
import { get as getObject } from '#supervisor/cli-get-kinds.ts';
import { sampleMailbox } from '#supervisor/company.ts';
import { createMachines } from '#supervisor/agents.ts';
import { makeCompany } from '#test/kit/server.ts';

type Json = Record<string, unknown>;
interface Row extends Json { id: string; cursor: string }

const company = makeCompany();
let approval: { id: string; payload: { to: { address: string } } };
let operation = '';
let sent = '';
let someFact = '';
let db: Database;

const quiet = () => company.until('nothing in flight', 60_000, async () => (await company.json<{ inFlight: number }>('status')).inFlight === 0);
const find = async (kind: string, options: Record<string, string> = {}) => (await findRows(db, kind, options)) as unknown as Row[];
const get = async <T = Json>(kind: string, id: string, options: { asOf?: string; knownAt?: string; version?: string } = {}) => (await getObject(db, kind, id, options, async () => createMachines())) as T;
async function assertFails(args: string[], message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await company.cli(...args);
  assert.deepEqual([code, stdout], [1, ''], stderr);
  assert.match(stderr, /^keelson: [^\n]+\n$/);
  assert.match(stderr, message);
}

before(async () => {
  await company.up();
  await company.json('mail', 'import', sampleMailbox);
  await quiet();
  approval = (await company.json<(typeof approval & Json)[]>('inbox')).find(({ kind }) => kind === 'approval')!;
  await company.json('approve', approval.id);
  await quiet();
  sent = (await company.json<Row[]>('find', 'sent'))[0]!.id;
  operation = sent.slice('sent-'.length);
  await company.down();
  // The operator changes a template: a second version.
  appendFileSync(join(company.dataDir, 'templates', 'appointment-en.md'), '\nOne more line.\n');
  await company.up();
  await company.down();
  db = await openDatabase(join(company.dataDir, 'keelson.db'), { readOnly: true });
  someFact = (await find('facts', { limit: '1' }))[0]!.id;
}, { timeout: 180_000 });
after(async () => {
  await db.close();
  await company.remove();
});

test('what was known of a customer when the reply was sent is a view, and before the mail there was nothing', async () => {
  const person = `person/${approval.payload.to.address.toLowerCase()}`;
  const then = await get<{ id: string; knownAt: string; asOf: string; properties: Json; events: Record<string, { count: number }> }>('entity', person, { knownAt: sent });
  assert.deepEqual([then.id, then.asOf === then.knownAt, Object.keys(then.properties)], [person, true, ['person.name']]);
  assert.deepEqual(Object.keys(then.events).toSorted(), ['mail.received', 'mail.written-not-sent']);
  const [received] = await find('facts', { entity: person, predicate: 'mail.received' });
  const first = await get<typeof then>('person', approval.payload.to.address.toLowerCase(), { knownAt: received!.id, asOf: '2999-01-01' });
  assert.deepEqual([Object.keys(first.events), first.asOf], [['mail.received'], '2999-01-01T00:00:00.000Z']);
  const never = await get<typeof then>('person', person, { knownAt: '2020-01-01T12:00+01:00' });
  assert.deepEqual([never.properties, never.events, never.knownAt], [{}, {}, '2020-01-01T11:00:00.000Z']);
});

test('a moment can be a date or the id of whatever was recorded', async () => {
  const [decision] = await find('decisions', { limit: '1' });
  const at = async (moment: string) => (await get('entity', `person/${approval.payload.to.address.toLowerCase()}`, { knownAt: moment }))['knownAt'];
  const version = await get<{ at: string }>('artifact', sent);
  assert.deepEqual([await at(sent), await at(`operation/${operation}`)], [version.at, version.at]);
  assert.equal(await at('2026-03-01T10:00:00'), '2026-03-01T10:00:00.000Z');
  const moments = await Promise.all([decision!.id, approval.id, `mail/${operation}`, `start:${operation}`].map(at));
  for (const moment of moments) assert.match(String(moment), /^20\d\d-/);
  const waiting = (await company.json<{ id: string }[]>('ops')).find(({ id }) => id !== operation)!;
  assert.match(String(await at(`operation/${waiting.id}`)), /^20\d\d-/);
});

test('each kind is one object', async () => {
  const [fact, decision] = [(await find('facts', { limit: '1' }))[0]!, (await find('decisions', { actor: 'operator/none' })).length];
  assert.equal(decision, 0);
  const shown = await get('fact', fact.id);
  assert.deepEqual([shown['id'], shown['entity'], shown['supersededBy'], shown['validTo']], [fact.id, fact['entity'], [], null]);
  const [decided] = await find('decisions', { kind: 'approval' });
  assert.deepEqual(await get('decision', decided!.id).then((d) => [d['what'], d['outcome'], typeof d['at']]), ['approval', 'approved', 'string']);
  const intent = await get<{ state: string; changes: { state: string; actor: string; at: string }[]; summary: string; data: Json }>('intent', approval.id);
  assert.deepEqual([intent.state, intent.changes.map(({ state }) => state)], ['completed', ['input-required', 'completed']]);
  assert.ok(intent.summary.startsWith('Reply to') && 'payload' in intent.data);
  const asked = await get<{ state: string }>('intent', approval.id, { asOf: intent.changes[0]!.at });
  assert.equal(asked.state, 'input-required');
  const done = await get<{ address: string; status: string; rev: number }>('operation', operation);
  const before_ = await get<{ rev: number }>('actor', done.address, { asOf: intent.changes[0]!.at });
  assert.deepEqual([done.status, before_.rev], ['done', 1]);
});

test('a document is shown with its text, its newest version or the one in force then', async () => {
  const [template, older, short] = await Promise.all([get('template', 'appointment-en'), get('artifact', 'template/appointment-en', { version: '1' }), get('template', 'template/appointment-en', { asOf: sent })]);
  assert.deepEqual([template['version'], template['versions'], older['version'], short['version']], [2, 2, 1, 1]);
  assert.match(String(template['text']), /One more line/);
  assert.doesNotMatch(String(older['text']), /One more line/);
  assert.equal((await get('policy', 'set'))['id'], 'policy/set');
});

test('diff shows which lines went and came', async () => {
  const { lines, ...versions } = await company.json<{ lines: { op: string; line: string }[] }>('diff', 'template/appointment-en');
  assert.deepEqual([versions, lines.filter(({ op }) => op !== ' ').map(({ op, line }) => op + line)], [{ id: 'template/appointment-en', from: 1, to: 2 }, ['+', '+One more line.']]);
  assert.match((await company.cli('diff', 'template/appointment-en', '--from', '2', '--to', '1')).stdout, /version 2 → 1\n…\n(?: .*\n)+- \n- One more line\.\n$/);
  assert.match((await company.cli('diff', 'template/appointment-en', '--from', '1', '--to', '1')).stdout, /The same\./);
});

test('why leads from what was sent to the mail it answers, and from a booking to the line', async () => {
  const why = await company.json<{ chain: { actor: string }[]; raw: { artifact: string; hash: string; line?: number; text?: string }[] }>('why', 'operation', operation);
  assert.equal(why.chain.at(-1)!.actor, 'connector/mail');
  assert.ok(why.raw.some(({ artifact, hash }) => artifact === operation && /^[0-9a-f]{64}$/.test(hash)));
  const booked = (await find('facts', { predicate: 'invoice' })).find(({ source }) => String(source).includes('#L'))!;
  const { raw } = await company.json<typeof why>('why', 'fact', booked.id);
  assert.ok(raw.some(({ line, text }) => line === Number(String(booked['source']).split('#L')[1]) && /\d/.test(text ?? '')));
  const { stdout } = await company.cli('why', 'intent', approval.id);
  assert.match(stdout, /decided triage: inquiry[^]+raw input\n {2}m-/);
});

test('lists are filtered and read in pages, in text with the way to the next one', async () => {
  const all = await find('facts', { limit: '1000' });
  const [third] = await find('facts', { limit: '1', after: all[1]!.cursor });
  assert.deepEqual(third, all[2]);
  assert.match((await company.cli('find', 'facts', '--limit', '2')).stdout, new RegExp(`\\n\\nThere may be more: add --after ${all[1]!.cursor}\\n$`));
  const name = all.find(({ predicate }) => predicate === 'person.name')!;
  assert.ok((await find('fact', { predicate: 'person.name', value: String(name['value']) })).some(({ id }) => id === name.id));
  assert.ok((await find('facts', { value: JSON.stringify(name['value']), kind: 'person' })).length > 0);
  assert.deepEqual(await find('facts', { until: '2020-01-01' }), []);
  assert.equal((await find('facts', { since: sent })).length > 0, true);
  assert.ok((await find('intents', { state: 'completed', kind: 'approval' })).some(({ id }) => id === approval.id));
  const kinds = await Promise.all(['entities', 'people', 'organisations', 'mails', 'policies', 'annotations', 'parked', 'actors'].map((kind) => find(kind)));
  assert.deepEqual(kinds.map((rows) => rows.length > 0), [true, true, true, true, true, false, false, true]);
  assert.match((await company.cli('find', 'annotations')).stdout, /No annotations yet/);
});

test('search can be narrowed to a kind', async () => {
  const hits = await company.json<Json[]>('search', 'website', '--kind', 'mail');
  assert.deepEqual([...new Set(hits.map(({ kind }) => kind))], ['mail']);
  assert.deepEqual(Object.keys(hits[0]!), ['kind', 'id', 'text', 'score']);
});

const mistakes: [string, () => Promise<unknown>, RegExp][] = [
  ['a kind to get that is not there', () => get('unicorn', 'x'), /no kind 'unicorn'; choose one of entity, person/],
  ['an entity nobody heard of', () => get('entity', 'person/nobody'), /there is no entity 'person\/nobody'/],
  ['a fact that is not there', () => get('fact', 'f-1-99'), /there is no fact 'f-1-99'/],
  ['a fact that was not known yet', () => get('fact', someFact, { knownAt: '2020-01-01' }), /there was no fact 'f-\d+-\d' yet at 2020/],
  ['a decision that is not there', () => get('decision', 'd-1-99'), /there is no decision 'd-1-99'/],
  ['an annotation that is not there', () => get('annotation', 'a-1-0'), /there is no annotation 'a-1-0'/],
  ['an intent that is not there', () => get('intent', 'ap-x'), /there is no intent 'ap-x'/],
  ['an intent that was not asked yet', () => get('intent', approval.id, { asOf: '2020-01-01' }), /no intent .* yet at 2020/],
  ['an artifact that is not there', () => get('artifact', 'x'), /there is no artifact 'x'/],
  ['an artifact that was not there yet', () => get('artifact', sent, { asOf: '2020-01-01' }), /no artifact .* yet at 2020/],
  ['a version that is not there', () => get('artifact', sent, { version: '7' }), /has no version 7/],
  ['a version that is no number', () => get('artifact', sent, { version: 'x' }), /--version must be a number/],
  ['a version of what has none', () => get('fact', someFact, { version: '1' }), /a fact has no --version/],
  ['an actor that is not there', () => get('actor', 'mail/x'), /there is no actor 'mail\/x'/],
  ['an actor that was not there yet', () => get('actor', `mail/${operation}`, { asOf: '2020-01-01' }), /no actor .* yet at 2020/],
  ['an operation that is not there', () => get('operation', 'x'), /there is no operation 'x'/],
  ['a moment that is none', () => get('fact', someFact, { asOf: '2026-02-31' }), /'2026-02-31' is no moment/],
  ['a filter that a list does not take', () => find('people', { label: 'system' }), /find people takes no --label/],
  ['a cursor of another list', () => find('facts', { after: 'd-1-0' }), /'d-1-0' is no place in this list/],
  ['a since that is no moment', () => find('facts', { since: 'yesterday' }), /'yesterday' is no moment/],
];
test('what cannot be shown is named', async (t) => {
  for (const [what, act, message] of mistakes) await t.test(what, () => assert.rejects(act, (error) => error instanceof KeelsonError && ['NOT_FOUND', 'BAD_ARGUMENT'].includes(error.code) && message.test(error.message)));
});

test('a wrong argument is one clear line with a hint', async () => {
  await assertFails(['get', 'artifact', sent, '--version', '7'], /has no version 7\. It has 1 to 1/);
  await assertFails(['why', 'unicorn', 'x'], /no why of 'unicorn'; choose one of fact/);
  await assertFails(['why', 'fact', 'f-1-99'], /there is no fact 'f-1-99'/);
  await assertFails(['diff', sent], /has only one version/);
  await assertFails(['diff', sent, '--from', '0'], /--from must be the number of a version/);
});

test('what was taken away is named: a history that cannot be folded, a text that is no more', async () => {
  const writer = await openDatabase(join(company.dataDir, 'keelson.db'));
  await writer.run("UPDATE journal SET body = NULL, digest = 'd' WHERE actor = ?", `mail/${operation}`);
  await writer.run('DELETE FROM blob WHERE hash = (SELECT hash FROM artifact WHERE id = ? AND version = 1)', 'template/appointment-en');
  await writer.close();
  await assertFails(['get', 'actor', `mail/${operation}`, '--as-of', sent], /early history of mail\/.* is gone.*Ask for it without --as-of/);
  assert.equal((await get('actor', `mail/${operation}`))['status'], 'done');
  assert.equal((await get('template', 'appointment-en', { version: '1' }))['text'], null);
  await assertFails(['diff', 'template/appointment-en'], /version 1 of 'template\/appointment-en' is no text/);
});
