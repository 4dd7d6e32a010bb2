// Goal: the operator can send, run, hold, release and end actors from the command line, and stop the whole company. Method: the
// real CLI against one running company.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { makeCompany, type Run } from '#test/kit/server.ts';

interface Told { address: string; outcome: string; note: string | null; status: string | null }
interface Row { address: string; status: string; waitingFor: string; until: string | null }

const company = makeCompany();
const spare = mkdtempSync(join(tmpdir(), 'keelson-actors-'));

before(async () => void (await company.up()), { timeout: 120_000 });
after(async () => {
  await company.remove();
  rmSync(spare, { recursive: true, force: true });
});

let mails = 0;
/** An inquiry that waits for its approval: the run and its operation. */
async function inquiry(): Promise<{ mail: string; operation: string; item: string }> {
  const n = ++mails;
  const file = join(spare, `${n}.eml`);
  writeFileSync(file, `From: nina${n} <nina${n}@holt.example>\r\nTo: hello@studio-voss.example\r\nMessage-ID: <${n}@holt.example>\r\nSubject: Website\r\n\r\nHow much would a website for my violin workshop ${n} cost? Could you send me a quote?\r\n`);
  const known = (await inbox()).map(({ id }) => id);
  await company.json('mail', 'import', file);
  const item = await company.until('a draft', 60_000, async () => (await inbox()).find(({ id, kind }) => kind === 'approval' && !known.includes(id)));
  const { parent } = await company.json<{ parent: { address: string } | null }>('show', item.actor);
  return { mail: parent!.address, operation: item.actor, item: item.id };
}
const inbox = () => company.json<{ id: string; kind: string; actor: string }[]>('inbox');
const row = async (address: string) => (await company.json<Row[]>('ps')).find((r) => r.address === address)!;
function assertOneLine({ code, stdout, stderr }: Run, message: RegExp): void {
  assert.equal(code, 1, stdout);
  assert.match(stderr, message);
  assert.match(stderr, /^keelson: [^\n]+\n$/);
}

test('the supervisor is an actor like any other', { timeout: 60_000 }, async () => {
  const supervisor = await company.until('its start', 20_000, () => row('supervisor/main'));
  assert.deepEqual([supervisor.status, supervisor.waitingFor], ['active', 'a message']);
  assert.equal((await company.json<{ matches: boolean }>('replay', 'supervisor/main')).matches, true);
});

test('a paused actor keeps what comes, refuses an answer with the reason, and goes on where it was', { timeout: 120_000 }, async () => {
  const { operation, item } = await inquiry();
  assert.match((await row(operation)).waitingFor, new RegExp(`^you: ${item}`));
  assert.ok((await row(operation)).until, 'its reminder');
  assert.equal((await company.json<Told>('pause', operation, '--reason', 'let me think')).outcome, 'applied');
  assert.equal((await row(operation)).waitingFor, 'you: it is paused (let me think)');
  assertOneLine(await company.cli('pause', operation), /it is paused already/);
  assertOneLine(await company.cli('approve', item), /is held: let me think.*keelson resume operation/);
  await company.json('resume', operation);
  assertOneLine(await company.cli('resume', operation), /it is not paused/);
  await company.json('approve', item);
});

test('cancelling a run ends what it started and takes its questions out of the inbox', { timeout: 120_000 }, async () => {
  const { mail, operation, item } = await inquiry();
  assertOneLine(await company.cli('cancel', operation), new RegExp(`is a part of ${mail}.*keelson cancel ${mail}`));
  assert.equal((await company.json<Told>('cancel', item)).address, mail);
  await company.until('the end of the operation', 20_000, async () => (await row(operation)).status === 'stopped');
  assert.equal((await row(mail)).status, 'stopped');
  assert.ok(!(await inbox()).some(({ id }) => id === item));
  assertOneLine(await company.cli('cancel', mail), /is stopped already/);
});

test('an event that is not understood, an unknown actor, a wrong input and bad JSON are each one clear line', { timeout: 60_000 }, async () => {
  assertOneLine(await company.cli('send', 'supervisor/main', 'DANCE'), /'supervisor' knows no event 'DANCE'/);
  assertOneLine(await company.cli('send', 'supervisor/main', 'keelson.order', '{"do":"stop"}'), /is reserved/);
  assertOneLine(await company.cli('send', 'order/1', 'PAY'), /there is no actor 'order\/1'/);
  assertOneLine(await company.cli('send', 'order', 'PAY'), /'order' is not an address/);
  assertOneLine(await company.cli('run', 'nothing'), /this build has no machine 'nothing'/);
  assertOneLine(await company.cli('run', 'mail', '{"mail": 1}'), /input: mail/);
  assertOneLine(await company.cli('run', 'mail', '{mail}'), /'\{mail\}' is not JSON/);
  assertOneLine(await company.cli('retry', 'supervisor/main'), /it has not failed/);
  assertOneLine(await company.cli('cancel', 'nonsense'), /no actor and no inbox item 'nonsense'/);
});

test('the whole company stands still, also over a restart, and then goes on with what came meanwhile', { timeout: 180_000 }, async () => {
  const { item } = await inquiry();
  await company.json('pause', '--reason', 'holiday');
  assertOneLine(await company.cli('pause'), /paused already/);
  assertOneLine(await company.cli('approve', item), /the company is paused.*keelson resume/);
  const known = (await inbox()).length;
  const file = join(spare, 'meanwhile.eml');
  writeFileSync(file, 'From: kim <kim@holt.example>\r\nTo: hello@studio-voss.example\r\nMessage-ID: <meanwhile@holt.example>\r\nSubject: Website\r\n\r\nHow much would a website for my bakery cost? Could you send me a quote?\r\n');
  assert.equal((await company.json<{ imported: number }>('mail', 'import', file)).imported, 1);
  await company.kill();
  await company.up();
  assert.equal((await inbox()).length, known, 'nobody has read the new mail');
  assert.equal((await company.json<{ paused: boolean }>('status')).paused, true);
  await company.json('resume');
  await company.until('the draft for the mail that came meanwhile', 60_000, async () => (await inbox()).length > known);
  await company.json('approve', item);
  assertOneLine(await company.cli('resume'), /the company is not paused/);
  const decided = (await company.json<{ what: string; outcome: string; reasons: string[] }[]>('find', 'decisions')).filter(({ what }) => what === 'company');
  assert.deepEqual(decided.map(({ outcome }) => outcome).toSorted(), ['paused', 'resumed']);
});

test('the logs are one list in the order of time; a level or number that makes no sense is one clear line', { timeout: 60_000 }, async () => {
  const lines = await company.json<{ at: string; level: string; part: string; message: string }[]>('logs', '--level', 'warn');
  assert.ok(lines.some(({ message, part }) => part === 'keelson' && message === 'the company is paused'));
  assert.deepEqual(lines.map(({ at }) => at), lines.map(({ at }) => at).toSorted());
  assert.ok(lines.every(({ level }) => level === 'warn' || level === 'error'));
  assert.equal((await company.json<unknown[]>('logs', '--last', '1')).length, 1);
  assertOneLine(await company.cli('logs', '--level', 'loud'), /there is no level 'loud'/);
  assertOneLine(await company.cli('logs', '--last', '0'), /--last must be a number/);
});
