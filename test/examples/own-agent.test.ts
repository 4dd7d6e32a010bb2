// Goal: from nothing to a tested agent of one's own, in few lines, in a folder outside of this checkout. Method: the sample agent that
// `keelson init` puts into a new company: its own tests, and the same agent in a running company.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { makeCompany } from '#test/kit/server.ts';

const company = makeCompany();
after(() => company.remove());
const agents = join(company.dataDir, 'agents');

test('a new company has an agent of its own with tests, together at most 80 lines', { timeout: 60_000 }, async () => {
  await company.cli('init', company.dataDir);
  const lines = readdirSync(agents).reduce((sum, file) => sum + readFileSync(join(agents, file), 'utf8').trimEnd().split('\n').length, 0);
  assert.ok(lines > 0 && lines <= 80, `${lines} lines`);
});

test('its tests run, and fail when the agent is wrong', { timeout: 60_000 }, async () => {
  const good = await company.cli('test');
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /pass 3/);
  const file = join(agents, 'follow-up.ts');
  const right = readFileSync(file, 'utf8');
  writeFileSync(file, right.replace("assign({ outcome: 'followed up' })", "assign({ outcome: 'forgotten' })"));
  assert.deepEqual(await company.cli('test', 'follow-up.test.ts', '--json').then(({ code, stdout }) => [code, JSON.parse(stdout)]), [1, { files: 1, ok: false }]);
  writeFileSync(file, right);
});

test('it is hosted like any other: run, waiting with its deadline, answered, replayed after a kill', { timeout: 120_000 }, async () => {
  assert.ok((await company.json<{ id: string }[]>('machines', 'list')).some(({ id }) => id === 'follow-up'));
  await company.up();
  await company.json('run', 'follow-up', '{"customer": "Anna", "offer": "o-7", "days": 14}', '--key', 'o-7');
  const again = await company.cli('run', 'follow-up', '{"customer": "Anna", "offer": "o-7", "days": 14}', '--key', 'o-7');
  assert.match(again.stderr, /^keelson: follow-up\/o-7 was started before\. Give the run another --key\.\n$/);
  const [row] = (await company.json<{ address: string; until: string; value: string }[]>('ps', '--type', 'follow-up'));
  assert.equal(row!.value, 'waiting');
  assert.ok(Date.parse(row!.until) > Date.now() + 13 * 86_400_000);
  assert.deepEqual((await company.json<{ actor: string; at: string }[]>('due')).filter(({ actor }) => actor === 'follow-up/o-7').map(({ at }) => at), [row!.until]);
  await company.kill();
  await company.up();
  await company.json('send', 'follow-up/o-7', 'ANSWERED');
  assert.deepEqual(await company.json('show', 'follow-up/o-7').then((shown) => (shown as { output: unknown }).output), { outcome: 'answered' });
  assert.equal((await company.json<{ matches: boolean }>('replay', 'follow-up/o-7')).matches, true);
});

test('a broken agent stops the start with its file and what is wrong', { timeout: 60_000 }, async () => {
  await company.down();
  for (const [text, message] of [['export default 1;', /agents\/broken\.ts: its default export must be a machine/], ['import "nowhere";', /agents\/broken\.ts: Cannot find package 'nowhere'/], ['export default {', /agents\/broken\.ts: /]] as const) {
    writeFileSync(join(agents, 'broken.ts'), text);
    const { code, stderr } = await company.cli('machines', 'list');
    assert.equal(code, 1);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }
});
