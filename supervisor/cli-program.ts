// `keelson`: every command takes --data, --json and --help.
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { KeelsonError } from '#machines/errors.ts';
import { createOutput, reportFailure } from './cli-output.ts';
import type { Define } from './cli-read.ts';

type AddCommands = (program: Command, define: Define) => void;

/** Which file has which command, so that a command loads what it needs and no more. `ops reconcile` joins the `ops` of the group before it. */
const groups: readonly [names: readonly string[], load: () => Promise<AddCommands>][] = [
  [['init', 'up', 'demo', 'console', 'doctor'], async () => (await import('./cli-run.ts')).addRunCommands],
  [['status', 'inbox', 'ps', 'due', 'audit', 'ops'], async () => (await import('./cli-read.ts')).addReadCommands],
  [['show', 'history', 'replay'], async () => (await import('./cli-look.ts')).addLookCommands],
  [['find', 'search'], async () => (await import('./cli-find.ts')).addFindCommands],
  [['get', 'why', 'diff'], async () => (await import('./cli-get.ts')).addGetCommands],
  [['mail', 'approve', 'reject', 'respond', 'fact', 'annotate'], async () => (await import('./cli-act.ts')).addActCommands],
  [['correct'], async () => (await import('./cli-correct.ts')).addCorrectCommand],
  [['ops', 'stop-effects', 'resume-effects'], async () => (await import('./cli-effects.ts')).addEffectsCommands],
  [['send', 'run', 'cancel', 'pause', 'resume', 'retry', 'skip', 'continue', 'stop'], async () => (await import('./cli-actors.ts')).addActorCommands],
  [['models'], async () => (await import('./cli-models.ts')).addModelCommands],
  [['budget'], async () => (await import('./cli-budget.ts')).addBudgetCommands],
  [['connectors'], async () => (await import('./cli-connectors.ts')).addConnectorCommands],
  [['machines', 'fork'], async () => (await import('./cli-machines.ts')).addMachineCommands],
  [['debt'], async () => (await import('./cli-debt.ts')).addDebtCommand],
  [['report'], async () => (await import('./cli-report.ts')).addReportCommand],
  [['quality'], async () => (await import('./cli-quality.ts')).addQualityCommand],
  [['inspect'], async () => (await import('./cli-inspect.ts')).addInspectCommand],
  [['mcp'], async () => (await import('./cli-mcp.ts')).addMcpCommands],
  [['parked'], async () => (await import('./cli-parked.ts')).addParkedCommands],
  [['policy'], async () => (await import('./cli-policy.ts')).addPolicyCommands],
  [['eval'], async () => (await import('./cli-eval.ts')).addEvalCommands],
  [['prompt'], async () => (await import('./cli-prompt.ts')).addPromptCommands],
  [['schedules'], async () => (await import('./cli-schedules.ts')).addScheduleCommands],
  [['schema'], async () => (await import('./cli-schema.ts')).addSchemaCommands],
  [['test'], async () => (await import('./cli-test.ts')).addTestCommand],
  [['logs'], async () => (await import('./cli-logs.ts')).addLogsCommand],
  [['erase'], async () => (await import('./cli-erase.ts')).addEraseCommand],
  [['export', 'import', 'backup', 'restore', 'migrate'], async () => (await import('./cli-govern.ts')).addGovernCommands],
];

const program = new Command('keelson').description('The operating system of a one-person company.').exitOverride().configureOutput({ outputError: () => {} }).showHelpAfterError(false).showSuggestionAfterError(false);

const define: Define = (command, action) => command
  .option('--data <dir>', 'the company folder', '.keelson')
  .option('--json', 'print JSON for scripts')
  .action(async (...args: unknown[]) => {
    const options = command.opts<{ data: string; json?: boolean }>();
    const context = { dataDir: resolve(options.data), out: createOutput(options.json ?? false) };
    await (action as (...rest: unknown[]) => Promise<void>)(context, ...args.slice(0, -2), options);
  });

/** The command that was asked for is loaded; without a known one all are, for the help. */
async function loadCommands(asked: string | undefined): Promise<void> {
  const wanted = groups.filter(([names]) => asked !== undefined && names.includes(asked));
  for (const [, load] of wanted.length > 0 ? wanted : groups) (await load())(program, define);
}

export async function runProgram(): Promise<void> {
  try {
    await loadCommands(process.argv[2]);
    await program.parseAsync();
  } catch (error) {
    const json = process.argv.includes('--json');
    if (!(error instanceof CommanderError)) reportFailure(error, json);
    else if (error.exitCode !== 0 && error.code !== 'commander.help') reportFailure(new KeelsonError('BAD_ARGUMENT', error.message.replace(/^error: /, '').replace(/\.$/, '')), json);
  }
}
