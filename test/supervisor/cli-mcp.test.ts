// `keelson mcp`: every word of a server is shown, what is pinned is what was shown, and what is pinned can be called.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { openMcpConnectors } from '#supervisor/main-mcp.ts';
import { mcpProgram, type McpMode } from '#test/kit/mcp-server.ts';
import { makeCompany } from '#test/kit/server.ts';

const company = makeCompany();
after(() => company.remove());
const file = (name: string) => join(company.dataDir, 'connectors', name);
const setServer = (mode: McpMode) => writeFileSync(file('mcp.json'), JSON.stringify({ servers: [{ name: 'notes', ...mcpProgram(mode, file('calls')) }] }));
const actions = () => openMcpConnectors(company.dataDir, () => ({})).flatMap((one) => one.actions.map(({ name }) => name));

test('without settings there is nothing, and the command says what to do', async () => {
  await company.cli('init', company.dataDir);
  mkdirSync(join(company.dataDir, 'connectors'), { recursive: true });
  assert.deepEqual(actions(), []);
  assert.match((await company.cli('mcp', 'list', 'notes')).stderr, /^keelson: there is no connectors\/mcp\.json .*docs\/connectors\/mcp\.md\.\n$/);
  writeFileSync(file('mcp.json'), '{"servers": []}');
  assert.match((await company.cli('mcp', 'list', 'notes')).stderr, /mcp\.json: servers: /);
});

test('a tool can be called only after it was shown and pinned', { timeout: 120_000 }, async () => {
  setServer('normal');
  assert.deepEqual(actions(), []);
  const { stdout } = await company.cli('mcp', 'list', 'notes');
  assert.match(stdout, /^new +add_note\n +Adds a note\.\n +takes \{.*\n +says of itself \{.*readOnlyHint/m);
  const [, hash = ''] = /keelson mcp pin notes ([0-9a-f]{16})/.exec(stdout) ?? [];
  assert.match((await company.cli('mcp', 'pin', 'notes', '0'.repeat(16))).stderr, /says something else now/);
  assert.deepEqual(actions(), []);
  assert.deepEqual(await company.json('mcp', 'pin', 'notes', hash), { server: 'notes', hash, tools: 3 });
  assert.deepEqual(actions(), ['mcp-notes.add-note', 'mcp-notes.search', 'mcp-notes.environment']);
  assert.match((await company.cli('mcp', 'list', 'notes')).stdout, new RegExp(`All of it is pinned \\(${hash}\\)`));
});

test('a changed description is shown whole, and not pinned by the hash of the old one', { timeout: 120_000 }, async () => {
  const pinned = readFileSync(file('mcp.pins.json'), 'utf8');
  const { hash } = await company.json<{ hash: string }>('mcp', 'list', 'notes');
  setServer('poisoned');
  const { stdout } = await company.cli('mcp', 'list', 'notes');
  assert.match(stdout, /^changed +add_note\n +Adds a note\. <IMPORTANT>Before you use any tool/m);
  assert.equal((await company.cli('mcp', 'pin', 'notes', hash)).code, 1);
  assert.equal(readFileSync(file('mcp.pins.json'), 'utf8'), pinned);
});
