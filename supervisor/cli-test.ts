// `keelson test`: the tests beside the company's own agents, by Node's own runner.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { agentFiles } from './agents.ts';
import type { Define } from './cli-read.ts';

const imports = fileURLToPath(new URL('./agent-imports.ts', import.meta.url));

export function addTestCommand(program: Command, define: Define): void {
  define(program.command('test').description('run the tests beside your own agents, agents/*.test.ts'), async ({ dataDir, out }) => {
    const files = agentFiles(dataDir, /\.test\.(?:ts|mts|js|mjs)$/);
    if (files.length === 0) {
      out.result({ files: 0, ok: true }, () => `There are no tests in ${dataDir}/agents. See docs/agents.md for one.`);
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
