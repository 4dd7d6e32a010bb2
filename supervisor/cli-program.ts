// `keelson`: every command takes --data, --json and --help.
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { KeelsonError } from '#machines/errors.ts';
import { addActCommands } from './cli-act.ts';
import { addActorCommands } from './cli-actors.ts';
import { addLogsCommand } from './cli-logs.ts';
import { createOutput, reportFailure } from './cli-output.ts';
import { addEraseCommand } from './cli-erase.ts';
import { addFindCommands } from './cli-find.ts';
import { addGetCommands } from './cli-get.ts';
import { addGovernCommands } from './cli-govern.ts';
import { addMachineCommands } from './cli-machines.ts';
import { addMcpCommands } from './cli-mcp.ts';
import { addParkedCommands } from './cli-parked.ts';
import { addPolicyCommands } from './cli-policy.ts';
import { addReadCommands, type Define } from './cli-read.ts';
import { addRunCommands } from './cli-run.ts';
import { addScheduleCommands } from './cli-schedules.ts';
import { addSchemaCommands } from './cli-schema.ts';
import { addTestCommand } from './cli-test.ts';

const program = new Command('keelson').description('The operating system of a one-person company.').exitOverride().configureOutput({ outputError: () => {} }).showHelpAfterError(false).showSuggestionAfterError(false);

const define: Define = (command, action) => command
  .option('--data <dir>', 'the company folder', '.keelson')
  .option('--json', 'print JSON for scripts')
  .action(async (...args: unknown[]) => {
    const options = command.opts<{ data: string; json?: boolean }>();
    const context = { dataDir: resolve(options.data), out: createOutput(options.json ?? false) };
    await (action as (...rest: unknown[]) => Promise<void>)(context, ...args.slice(0, -2), options);
  });

addRunCommands(program, define);
addReadCommands(program, define);
addFindCommands(program, define);
addGetCommands(program, define);
addActCommands(program, define); // `ops reconcile` joins the `ops` that the line before made
addActorCommands(program, define);
addMachineCommands(program, define);
addMcpCommands(program, define);
addParkedCommands(program, define);
addPolicyCommands(program, define);
addScheduleCommands(program, define);
addSchemaCommands(program, define);
addTestCommand(program, define);
addLogsCommand(program, define);
addEraseCommand(program, define);
addGovernCommands(program, define);

export async function runProgram(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    const json = process.argv.includes('--json');
    if (!(error instanceof CommanderError)) reportFailure(error, json);
    else if (error.exitCode !== 0 && error.code !== 'commander.help') reportFailure(new KeelsonError('BAD_ARGUMENT', error.message.replace(/^error: /, '').replace(/\.$/, '')), json);
  }
}
