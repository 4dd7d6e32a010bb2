// `keelson test`: the tests beside the company's own agents and connectors, by Node's own runner, and the scenarios of the company.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { KeelsonError } from '#machines/errors.ts';
import { agentFiles } from './agents.ts';
import type { Output } from './cli-output.ts';
import type { Define } from './cli-read.ts';
import type { ScenarioResult } from './main-scenario.ts';
import { connectorFiles } from './own-connectors.ts';

const imports = fileURLToPath(new URL('./agent-imports.ts', import.meta.url));

/** Files of `scenarios/`, in the order of their names. */
function scenarioFiles(dataDir: string): string[] {
  const folder = join(dataDir, 'scenarios');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).toSorted().map((name) => join(folder, name)) : [];
}

/** Those that are called so, by their name with or without what it ends in. */
function chosen(all: readonly string[], names: readonly string[]): string[] {
  if (names.length === 0) return [...all];
  return names.map((name) => {
    const wanted = basename(name);
    const found = all.find((file) => basename(file) === wanted || basename(file) === `${wanted}.json`);
    if (found === undefined) throw new KeelsonError('NOT_FOUND', `there is no test or scenario '${name}'; there are ${all.map((file) => basename(file)).join(', ') || 'none'}`);
    return found;
  });
}

export function addTestCommand(program: Command, define: Define): void {
  define(program.command('test').argument('[names...]', 'default: all').description('run the scenarios of the company and the tests beside your own agents and connectors: scenarios/*.json, agents/*.test.ts, connectors/*.test.ts'), async ({ dataDir, out }, names: string[]) => {
    const tests = /\.test\.(?:ts|mts|js|mjs)$/;
    const files = chosen([...agentFiles(dataDir, tests), ...connectorFiles(dataDir, tests), ...scenarioFiles(dataDir)], names);
    if (files.length === 0) {
      out.result({ files: 0, ok: true }, () => `There are no tests in agents/ and connectors/ of ${dataDir}, and no scenarios in scenarios/. See docs/agents.md and docs/scenarios.md for one each.`);
      return;
    }
    const [scenarios, own] = [files.filter((file) => file.endsWith('.json')), files.filter((file) => !file.endsWith('.json'))];
    const ownOk = own.length === 0 || (await runOwnTests(own, out));
    const results = await runScenarios(dataDir, scenarios, out);
    const ok = ownOk && results.every((result) => result.ok);
    if (out.json) out.result({ files: files.length, ok, ...(results.length > 0 ? { scenarios: results } : {}) }, () => '');
    if (!ok) process.exitCode = 1;
  });
}

async function runOwnTests(files: readonly string[], out: Output): Promise<boolean> {
  const reporter = out.json ? 'tap' : 'spec';
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // set when a test runs this; a runner inside a runner would stay silent
  const child = spawn(process.execPath, ['--import', imports, '--test', `--test-reporter=${reporter}`, ...files], { env, stdio: ['ignore', out.json ? 'ignore' : 'inherit', 'inherit'] });
  return (await new Promise<number | null>((resolve) => child.once('close', resolve))) === 0;
}

async function runScenarios(dataDir: string, files: readonly string[], out: Output): Promise<ScenarioResult[]> {
  if (files.length === 0) return [];
  const { runScenario } = await import('./main-scenario.ts');
  const results: ScenarioResult[] = [];
  for (const file of files) {
    const result = await runScenario({ dataDir, file, nowMs: () => performance.now() }).catch((error: unknown): ScenarioResult => {
      if (!(error instanceof KeelsonError) || error.code !== 'BAD_CONFIG') throw error;
      return { file, title: basename(file), ok: false, faults: [{ line: 1, expected: 'a scenario that can be run', found: error.message }], ms: 0, modelCalls: 0, costMicros: 0 };
    });
    results.push({ ...result, ms: Math.round(result.ms) });
    if (!out.json) process.stdout.write(`${sayResult(result, dataDir)}\n`);
  }
  if (!out.json) process.stdout.write(`${results.length} scenarios, ${results.filter(({ ok }) => !ok).length} failed\n`);
  return results;
}

function sayResult({ file, title, ok, faults, ms }: ScenarioResult, dataDir: string): string {
  const where = relative(dataDir, file);
  return [`${ok ? '✔' : '✖'} ${title} (${Math.round(ms)} ms)`, ...faults.flatMap(({ line, expected, found }) => [`  ${where}:${line}`, `    expected: ${expected}`, `    found: ${found}`.replace(/ +$/gm, '')])].join('\n');
}
