// Goal: the operator sees what is in force, what a draft would change, and puts it in force by one command and no other. Method: the
// commands in this process, on a real store; publication over HTTP to the real desk; last, a whole company by its command line.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Command } from 'commander';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { silentLog } from '#actors/log.ts';
import { createPolicyDesk } from '#connectors/console/desk-policy.ts';
import { readPolicies } from '#connectors/knowledge.ts';
import { startConsole, type ConsoleOptions } from '#connectors/console/server.ts';
import type { PolicyRequest } from '#connectors/policy.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { Tested } from '#connectors/console/policy-view.ts';
import { addPolicyCommands } from '#supervisor/cli-policy.ts';
import { explain } from '#store/why.ts';
import { createMachines } from '#supervisor/agents.ts';
import { get } from '#supervisor/cli-get-kinds.ts';
import { readOperations, withDatabase, type Define } from '#supervisor/cli-read.ts';
import { readToken, sampleMailbox, writeRunFile } from '#supervisor/company.ts';
import { startPolicies } from '#supervisor/main-policies.ts';
import { actions, askAll, assertBad, forbidAll, permitAll, policyStore, request, rule } from '#test/connectors/policy-kit.ts';
import { makeCompany } from '#test/kit/server.ts';
import { cleanups } from '#test/store/temp-store.ts';

async function company(files: Record<string, string> = { own: askAll('r') }) {
  const { store, disk: { dir } } = await policyStore();
  writeFileSync(join(dir, 'company.json'), '{}');
  const write = (name: string, text: string, folder = 'policies') => {
    mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(join(dir, folder, `${name}.cedar`), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  await startPolicies({ dataDir: dir, store, actions, read: readPolicies(store, actions), clock: systemClock, makeId: randomId, say() {} });
  const operate = (id: string, asked: PolicyRequest | null) => store.commit({
    ...emptyCommit(`m-${id}`, 1_790_000_000_000, `operation/${id}`, {}),
    step: { rev: 0, machine: 'operation@1', status: 'done', value: '"done"', parent: null, record: JSON.stringify({ snapshot: { context: { id, action: asked?.action ?? 'mail.send', verdict: asked ? { answer: 'ask', request: asked } : null } } }) },
  });
  const run = async <T>(...args: string[]): Promise<{ result: T; text: string; said: string[] }> => {
    const ran = { result: null as T, text: '', said: [] as string[] };
    const out = { json: false, say: (line: string) => void ran.said.push(line), result: <V>(value: V, render: (value: V) => string) => void Object.assign(ran, { result: value, text: render(value) }) };
    const define: Define = (command, action) => command.action(async (...given: unknown[]) => (action as (...all: unknown[]) => Promise<void>)({ dataDir: dir, out }, ...given.slice(0, -2)));
    const program = new Command().exitOverride();
    addPolicyCommands(program, define);
    await program.parseAsync(['policy', ...args], { from: 'user' });
    return ran;
  };
  return { dir, store, write, operate, run };
}

/** The HTTP server at the place where commands look for it; only its route for policies is joined to anything. */
async function serve({ dir, store }: Awaited<ReturnType<typeof company>>): Promise<void> {
  const policies = createPolicyDesk({ store, clock: systemClock, makeId: randomId, actions });
  const { url: api, stop } = await startConsole({ port: 0, token: readToken(dir), policies, pausing: { paused: () => null }, log: silentLog } as unknown as ConsoleOptions);
  cleanups.push(stop);
  writeRunFile(dir, { event: 'ready', pid: process.pid, data: dir, api, console: api, nats: '', company: 'x' });
}

interface Listed { version: string | null; problem: string | null; differs: string | null; rules: { id: string; file: string; effect: string; why: string; expiresAfterMs: number | null }[] }

test('the list shows files, rules, sort, reason and version, and that the folder is what is in force', async () => {
  const { run } = await company({ own: askAll('r') + rule('s', 'forbid (principal, action in Action::"spends", resource)', '@expires("1h")') });
  const { result, text } = await run<Listed>('list');
  assert.deepEqual(result.rules.filter(({ file }) => file === 'own'), [{ id: 'r', file: 'own', effect: 'permit', why: 'because r', expiresAfterMs: null }, { id: 's', file: 'own', effect: 'forbid', why: 'because s', expiresAfterMs: 3_600_000 }]);
  assert.deepEqual([result.problem, result.differs], [null, null]);
  assert.match(result.version!, /^1\+[0-9a-f]{8}$/);
  assert.match(text, new RegExp(`^in force: version ${result.version!.replace('+', '\\+')}\n`));
  assert.match(text, /^own +s +forbid +60 min +because s$/m);
  assert.match(text, /policies\/ is what is in force\.$/);
});

test('the list says by rule how the folder differs, and shows what is in force, not the draft', async () => {
  const { run, write, dir } = await company({ own: askAll('r'), gone: forbidAll('old') });
  write('own', permitAll('r') + permitAll('new'));
  rmSync(join(dir, 'policies', 'gone.cedar'));
  const { result, text } = await run<Listed>('list');
  assert.equal(result.differs, 'added: new; changed: r; removed: old');
  assert.deepEqual(result.rules.map(({ id }) => id).filter((id) => !id.startsWith('keelson.')).toSorted(), ['old', 'r']);
  assert.match(text, /differs from what is in force \(added: new; changed: r; removed: old\)/);
  write('own', 'permit (');
  assert.match((await run<Listed>('list')).result.differs!, /^policies\/own\.cedar, line 1: /);
});

test('a draft is asked about every past operation, and only answers that differ are shown', async () => {
  const { run, write, operate } = await company();
  await operate('a', request());
  await operate('b', request('payments.charge'));
  await operate('c', request('payments.charge', { tainted: ['payee'] }));
  await operate('d', request('web.read'));
  await operate('e', null);
  write('own', askAll('r') + rule('pay', 'permit (principal, action in Action::"spends", resource) when { context.amountMinor <= 5000 }') + rule('no-reading', 'forbid (principal, action in Action::"reads", resource)'));
  const { result, text } = await run<Tested>('test');
  assert.deepEqual([result.operations, result.withoutRequest], [5, 1]);
  assert.deepEqual(result.changed, [
    { id: 'b', action: 'payments.charge', before: 'ask', after: 'allow', rule: 'pay' },
    { id: 'd', action: 'web.read', before: 'ask', after: 'deny', rule: 'no-reading' },
  ]);
  assert.match(result.version, /^2\+/);
  assert.match(text, /5 past operations, 2 would be answered otherwise by version 2\+[0-9a-f]{8}; of 1 it is not known what was asked\./);
  assert.equal((await run<Listed>('list')).result.version?.startsWith('1+'), true, 'nothing is published by it');
});

test('a draft that is what is in force changes nothing and has its version', async () => {
  const { run, operate } = await company();
  await operate('a', request());
  const { result } = await run<Tested>('test');
  assert.deepEqual([result.changed, result.version], [[], (await run<Listed>('list')).result.version]);
});

test('a draft in another folder can be tested, and a folder without one is refused', async () => {
  const { run, operate, write, dir } = await company();
  await operate('a', request());
  write('draft', permitAll('x'), 'elsewhere');
  assert.deepEqual((await run<Tested>('test', join(dir, 'elsewhere'))).result.changed.map(({ before, after }) => [before, after]), [['ask', 'allow']]);
  await assertBad(run('test', join(dir, 'nowhere')), /there is no \.cedar file/, 'BAD_ARGUMENT');
  await assertBad(run('test', join(dir, 'elsewhere', 'draft.cedar')), /is a file/);
});

test('a draft with a mistake is refused with its place', async () => {
  const { run, write } = await company();
  write('own', rule('r', 'permit (principal, action, resource) when { context.amountMinr > 1 }'));
  await assertBad(run('test'), /^policies\/own\.cedar, line 2, rule r: attribute `amountMinr`.*did you mean `amountMinor`/);
});

test('an action that no connector has any more is denied by both, so nothing changes for it', async () => {
  const { run, write, operate } = await company();
  await operate('a', { ...request(), action: 'fax.send', connector: 'fax' });
  write('own', permitAll('r'));
  assert.deepEqual((await run<Tested>('test')).result.changed, []);
});

test('thousands of operations are all listed, and all asked about', { timeout: 120_000 }, async () => {
  const { run, write, operate, dir } = await company();
  const all = Array.from({ length: 1_203 }, (_, i) => `op${i}`);
  await Promise.all(all.map((id) => operate(id, request('mail.send', { category: id }))));
  write('own', askAll('r') + rule('some', 'permit (principal, action, resource) when { context.category like "*7" }'));
  const { result } = await run<Tested>('test');
  assert.deepEqual([result.operations, result.changed.map(({ id }) => id).toSorted()], [1_203, all.filter((id) => id.endsWith('7')).toSorted()]);
  const listed = await withDatabase(dir, (db) => Array.fromAsync(readOperations(db)));
  assert.deepEqual(listed.map(({ context }) => String(context['id'])).toSorted(), all.toSorted());
});

test('publishing needs the server, and without one nothing changes', async () => {
  const { run, write } = await company();
  write('own', permitAll('r'));
  await assertBad(run('publish'), /no server is running/, 'NOT_RUNNING');
  assert.equal((await run<Listed>('list')).result.version?.startsWith('1+'), true);
});

test('publishing puts the folder in force, says what changed, and a second time there is nothing to publish', async () => {
  const made = await company();
  await serve(made);
  made.write('own', permitAll('r'));
  made.write('more', permitAll('s'));
  const { text, result } = await made.run<{ published: boolean; version: string }>('publish');
  assert.equal(text, `in force: version ${result.version} (added: s; changed: r)`);
  const { result: listed } = await made.run<Listed>('list');
  assert.deepEqual([listed.version, listed.differs], [result.version, null]);
  assert.match((await made.run('publish')).text, /^nothing to publish/);
});

test('a draft with a mistake is not published, and the reason has its place', async () => {
  const made = await company();
  await serve(made);
  made.write('own', rule('r', 'permit (principal, action == Action::"mail.sent", resource)'));
  await assertBad(made.run('publish'), /^policies\/own\.cedar, line 2, rule r: unrecognized action/, 'BAD_ARGUMENT');
  assert.equal((await made.run<Listed>('list')).result.version?.startsWith('1+'), true);
});

test('every version that was in force can be read again, and leads back to its publication', async () => {
  const made = await company();
  await serve(made);
  made.write('own', permitAll('r'));
  const { result } = await made.run<{ version: string }>('publish');
  await withDatabase(made.dir, async (db) => {
    const read = async (version?: string) => (await get(db, 'policy', 'set', version === undefined ? {} : { version }, async () => createMachines())) as { text: string; version: number; actor: string };
    assert.deepEqual([(await read('1')).text.endsWith(`// ==== own.cedar\n${askAll('r')}`), (await read('1')).actor], [true, 'operator/company']);
    assert.deepEqual([(await read()).text.endsWith(`// ==== own.cedar\n${permitAll('r')}`), (await read()).version, (await read()).actor], [true, 2, 'operator/desk']);
    const [step] = (await explain(db, 'artifact', 'policy/set'))!.chain;
    assert.deepEqual([step!.event, step!.decisions[0]!.outcome, step!.decisions[0]!.reasons[0]], ['PUBLISH_POLICIES', 'published', `version ${result.version}`]);
    assert.match(((await get(db, 'policy', 'schema', {}, async () => createMachines())) as { text: string }).text, /^entity Agent;$/m);
  });
});

test('a company that was never started has nothing to look at', async () => {
  const { store: _, ...made } = await company();
  rmSync(join(made.dir, 'keelson.db'));
  for (const command of ['list', 'test']) await assertBad(made.run(command), /was never started/, 'NOT_RUNNING');
});

test('a whole company: what was asked in the past is asked of a draft, and a draft counts only once it is published', { timeout: 300_000 }, async (t) => {
  const real = makeCompany();
  t.after(() => real.remove());
  await real.up();
  await real.json('mail', 'import', join(sampleMailbox, '01-price-question.eml'));
  await real.until('nothing in flight', 60_000, async () => (await real.json<{ inFlight: number }>('status')).inFlight === 0);
  const first = await real.json<Tested>('policy', 'test');
  assert.ok(first.operations > 0);
  assert.deepEqual([first.withoutRequest, first.changed], [0, []]);

  writeFileSync(join(real.dataDir, 'policies', 'never.cedar'), rule('never', 'forbid (principal, action in Action::"writes", resource)'));
  const draft = await real.json<Tested>('policy', 'test');
  assert.ok(draft.changed.length > 0);
  for (const { action, before, after, rule: decided } of draft.changed) assert.deepEqual([action, before, after, decided], ['mail.send', 'ask', 'deny', 'never']);
  await real.down();
  await real.up();
  assert.equal((await real.json<Listed>('policy', 'list')).differs, 'added: never', 'a start does not publish');
  const { version } = await real.json<{ version: string }>('policy', 'publish');
  const listed = await real.json<Listed>('policy', 'list');
  assert.deepEqual([listed.version, listed.differs], [version, null]);
  writeFileSync(join(real.dataDir, 'policies', 'never.cedar'), 'forbid (');
  const refused = await real.cli('policy', 'publish');
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /^keelson: policies\/never\.cedar, line 1: [^\n]+\n$/);
});
