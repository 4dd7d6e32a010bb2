// `keelson test`: the tests beside the company's own agents and connectors, by Node's own runner.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { agentFiles } from './agents.ts';
import type { Define } from './cli-read.ts';
import { connectorFiles } from './own-connectors.ts';

const imports = fileURLToPath(new URL('./agent-imports.ts', import.meta.url));

export function addTestCommand(program: Command, define: Define): void {
  define(program.command('test').description('run the tests beside your own agents and connectors: agents/*.test.ts, connectors/*.test.ts'), async ({ dataDir, out }) => {
    const tests = /\.test\.(?:ts|mts|js|mjs)$/;
    const files = [...agentFiles(dataDir, tests), ...connectorFiles(dataDir, tests)];
    if (files.length === 0) {
      out.result({ files: 0, ok: true }, () => `There are no tests in agents/ and connectors/ of ${dataDir}. See docs/agents.md for one.`);
      return;
    }
    const reporter = out.json ? 'tap' : 'spec';
    const { NODE_TEST_CONTEXT: _, ...env } = process.env; // set when a test runs this; a runner inside a runner would stay silent
    const child = spawn(process.execPath, ['--import', imports, '--test', `--test-reporter=${reporter}`, ...files], { env, stdio: ['ignore', out.json ? 'ignore' : 'inherit', 'inherit'] });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    if (out.json) out.result({ files: files.length, ok: code === 0 }, () => '');
    if (code !== 0) process.exitCode = 1;
  });
}
