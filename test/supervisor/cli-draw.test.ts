// Goal: `machines draw` prints any machine of the build and of the company for documents and other tools. Method: the real command on a
// folder with an agent of its own; nothing needs to run.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { assertWellFormed } from '#test/machines/well-formed.ts';
import { makeCompany } from '#test/kit/server.ts';

const company = makeCompany();
after(() => company.remove());
const given = 'export default';
mkdirSync(join(company.dataDir, 'agents'), { recursive: true });
writeFileSync(join(company.dataDir, 'agents', 'door.ts'), `
  import { setup } from 'xstate';
  import { z } from 'zod';
  import { protocol } from 'keelson';
  const door = protocol({ input: z.any(), output: z.any(), context: z.any(), events: { OPEN: z.object({}), SHUT: z.object({}) } });
  const build = (version, states) => setup({ types: door.types, schemas: door.schemas }).createMachine({ id: 'door', version, initial: 'shut', context: {}, states });
  ${given} [build('1', { shut: {} }), build('2', { shut: { on: { OPEN: 'open' } }, open: { on: { SHUT: 'shut' }, after: { 60000: 'shut' } } })];
`);

test('a machine of the company is drawn as SVG, and without a version the newest', async () => {
  const { code, stdout, stderr } = await company.cli('machines', 'draw', 'door');
  assert.equal(code, 0, stderr);
  assertWellFormed(stdout.trimEnd(), 'door');
  assert.match(stdout, /^<svg [^]*Statechart of door@2[^]*after 1 min[^]*<\/svg>\n$/);
});

test('an older version is drawn by its version', async () => {
  const { stdout } = await company.cli('machines', 'draw', 'door@1', '--format', 'mermaid');
  assert.equal(stdout, 'stateDiagram-v2\n  state "door" as s0 {\n    [*] --> s1\n    state "shut" as s1\n  }\n');
});

test('a machine of the build is printed as SCXML and as JSON', async () => {
  const [scxml, json] = await Promise.all([company.cli('machines', 'draw', 'operation', '--format', 'scxml'), company.cli('machines', 'draw', 'operation', '--format', 'json')]);
  assertWellFormed(scxml.stdout.trimEnd(), 'operation');
  assert.match(scxml.stdout, /<final id="operation.done">/);
  const { id, nodes } = JSON.parse(json.stdout) as { id: string; nodes: { id: string }[] };
  assert.equal(id, 'operation');
  assert.ok(nodes.some((node) => node.id === 'operation.dispatching'));
});

test('what does not exist is said in one line with what to do', async () => {
  const [machine, format] = await Promise.all([company.cli('machines', 'draw', 'window'), company.cli('machines', 'draw', 'door', '--format', 'png')]);
  assert.deepEqual([machine.code, machine.stdout, machine.stderr], [1, '', 'keelson: there is no machine \'window\'. `keelson machines list` shows what there is.\n']);
  assert.match(format.stderr, /--format must be one of svg, mermaid, scxml, json, not 'png'/);
});
