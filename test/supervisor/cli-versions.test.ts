// One company through three builds of its agent, by the commands of its operator: what is quarantined, checked, migrated and forked.
// Method: the real CLI and server; the build changes by changing the agent's file while the server is down.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { makeCompany } from '#test/kit/server.ts';

interface Show { machine: string; version: string; value: unknown; context: { heard: number[] }; rev: number; dryRun?: object }
interface Report { actors: number; steps: number; skipped: number; stepsPerSecond: number; problems: { actor: string; rev: number; difference: string }[] }

const company = makeCompany();
const me = 'diary/mine';
const file = join(company.dataDir, 'agents', 'diary.ts');
const backup = join(company.dataDir, '..', 'backup.db');
const fixture = join(company.dataDir, '..', 'diary.jsonl');

const given = 'export default';
/** The agent's file: `keeps` is what HEAR does to the list; `more` goes into its protocol. */
function writeAgent(version: string, { keeps = '[...context.heard, event.n]', more = '' } = {}): void {
  mkdirSync(join(company.dataDir, 'agents'), { recursive: true });
  writeFileSync(file, `
    import { assign, setup } from 'xstate';
    import { z } from 'zod';
    import { protocol } from 'keelson';
    const diary = protocol({ input: z.any(), output: z.any(), context: z.object({ heard: z.array(z.number()) }), events: { HEAR: z.object({ n: z.number() }) }, ${more} });
    ${given} setup({ types: diary.types, schemas: diary.schemas }).createMachine({
      id: 'diary', version: '${version}', initial: 'open', context: { heard: [] },
      states: { open: { on: { HEAR: { actions: assign({ heard: ({ context, event }) => ${keeps} }) } } } },
    });
  `);
}
const hear = (n: number, address = me) => company.json<{ outcome: string; note: string | null }>('send', address, 'HEAR', JSON.stringify({ n }));
const show = (...more: string[]) => company.json<Show>('show', me, ...more);
const check = async (...files: string[]) => {
  const { code, stdout } = await company.cli('machines', 'check', '--json', ...files);
  return { code, ...(JSON.parse(stdout) as Report) };
};
async function build(version: string, options: { keeps?: string; more?: string } = {}): Promise<void> {
  await company.down();
  writeAgent(version, options);
}
const migrate = 'migrate: { 1: ({ value, context }) => ({ value, context: { heard: context.heard.map((n) => n * 10) } }) }';

before(async () => {
  await company.up();
  await build('1');
  await company.up();
  await company.json('run', 'diary', '{}', '--key', 'mine');
  for (const n of [1, 2]) await hear(n);
}, { timeout: 120_000 });
after(() => company.remove());

test('machines list shows id, version and hash of each machine, those of the company too', async () => {
  const all = await company.json<{ id: string; version: string; hash: string }[]>('machines', 'list');
  const diary = all.find(({ id }) => id === 'diary')!;
  assert.deepEqual(Object.keys(diary), ['id', 'version', 'hash']);
  assert.deepEqual([diary.version, /^[0-9a-f]{64}$/.test(diary.hash), all.some(({ id }) => id === 'mail')], ['1', true, true]);
});

test('machines check replays the company, a backup and fixtures, and says at what rate', async () => {
  await company.json('backup', backup);
  const { code, stdout } = await company.cli('machines', 'fixture', me);
  assert.equal(code, 0);
  writeFileSync(fixture, stdout);
  for (const files of [[], [fixture, backup]]) {
    const report = await check(...files);
    assert.deepEqual([report.code, report.problems], [0, []]);
    assert.ok(report.actors >= 1 && report.steps >= 3 && report.stepsPerSecond > 0);
  }
});

test('a machine that does something else under its version fails the check, which names actor, revision and difference', async () => {
  await build('1', { keeps: '[event.n, ...context.heard]' });
  for (const files of [[backup], [fixture]]) {
    const { code, problems } = await check(...files);
    assert.deepEqual([code, problems], [1, [{ actor: me, rev: 2, difference: 'gave another state than was stored' }]]);
  }
  const { stdout } = await company.cli('machines', 'check');
  assert.match(stdout, /^diary\/mine at revision 2: gave another state than was stored\n.*1 differ/);
});

test('under a version that does not take over, the check says what would be quarantined, and the server quarantines it', async () => {
  await build('2');
  const { code, problems } = await check();
  assert.deepEqual([code, problems], [1, [{ actor: me, rev: 2, difference: `would be quarantined: this build has no machine 'diary@1', and diary@2 does not take over from it` }]]);
  await company.up();
  for (const n of [3, 4]) assert.match((await hear(n)).note!, /quarantined|kept/);
  const kept = await company.json<{ actor: string; reason: string; state: string }[]>('parked');
  assert.deepEqual(kept.map(({ actor, state }) => [actor, state]), [[me, 'waits'], [me, 'waits']]);
  const inbox = await company.json<{ id: string; summary: string }[]>('inbox');
  const item = inbox.filter(({ summary }) => summary.startsWith(`${me} is quarantined`));
  assert.equal(item.length, 1);
  assert.equal((await company.json<{ state: string }>('approve', item[0]!.id)).state, 'completed', 'seen');
  assert.match((await company.cli('ps')).stdout, /diary\/mine .* a build that can take it/);
  assert.equal((await company.cli('parked', 'retry', '--actor', me)).code, 0, 'it looks again, and stays');
  assert.deepEqual((await show()).context.heard, [1, 2]);
});

test('a build that migrates goes on by itself, and history, show and replay hold for what was before', async () => {
  await build('2', { more: migrate });
  assert.equal((await check()).code, 0);
  await company.up();
  await company.until('what waited was applied', 30_000, async () => (await show()).context.heard.length === 4);
  assert.deepEqual([(await show()).version, (await show()).context.heard], ['2', [10, 20, 3, 4]]);
  const history = await company.json<{ rev: number; event: string; note: string | null }[]>('history', me);
  const taken = history.find(({ event }) => event === 'version')!;
  assert.equal(taken.note, 'migrated from diary@1 to diary@2');
  assert.deepEqual((await show('--at', String(taken.rev))).context.heard, [10, 20]);
  assert.match((await company.cli('show', me, '--at', '1')).stderr, /cannot be replayed that far: this build has no machine 'diary@1'/);
  const replayed = await company.json<{ matches: boolean; skipped: number }>('replay', me);
  assert.deepEqual([replayed.matches, replayed.skipped], [true, taken.rev + 1], 'every step before it, and the look in between');
  assert.equal((await check()).code, 0);
});

test('a fork goes its own way from a revision', async () => {
  const { rev } = await show();
  const forked = await company.json<{ address: string; from: string; at: number }>('fork', me, '--at', String(rev - 1));
  assert.deepEqual({ ...forked, address: '' }, { address: '', from: me, at: rev - 1 });
  await hear(99, forked.address);
  const twin = await company.json<Show>('show', forked.address);
  assert.deepEqual([twin.context.heard, twin.dryRun, (await show()).context.heard], [[10, 20, 3, 99], { of: me, rev: rev - 1 }, [10, 20, 3, 4]]);
  assert.equal((await company.json<{ matches: boolean }>('replay', forked.address)).matches, true);
  assert.deepEqual((await company.json<{ event: string }[]>('history', forked.address)).map(({ event }) => event), ['fork', 'HEAR']);
  for (const [args, message] of [[['fork', 'diary/nobody'], /there is no actor 'diary\/nobody'/], [['fork', me, '--at', '99'], /has revisions 0 to/], [['fork', me, '--at', 'x'], /--at must be a revision/]] as const) {
    const { code, stderr } = await company.cli(...args);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
});

test('mistakes in these commands are one clear line', async () => {
  for (const [args, message] of [
    [['parked', 'retry'], /give either an id or --actor/],
    [['parked', 'retry', 'no-such-id'], /nothing is parked under the id 'no-such-id'/],
    [['machines', 'check', 'no-such-file'], /there is no file no-such-file/],
    [['machines', 'check', file], /line 2 is no recorded actor/],
    [['machines', 'fixture', 'diary/nobody'], /there is no actor 'diary\/nobody'/],
  ] as const) {
    const { code, stdout, stderr } = await company.cli(...args);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, message);
    assert.match(stderr, /^keelson: [^\n]+\n$/);
  }
  assert.ok(readFileSync(fixture, 'utf8').length > 0);
});
