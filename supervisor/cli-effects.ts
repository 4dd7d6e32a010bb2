// Commands about what leaves: how an unknown operation ended, and the kill switch.
import type { Command } from 'commander';
import type { EffectsState } from '#connectors/console/desk-effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { decide } from './cli-act.ts';
import type { Output } from './cli-output.ts';
import type { Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';

export function addEffectsCommands(program: Command, define: Define): void {
  // The list of operations is in cli-read.ts; without it nobody asked for `ops`.
  const ops = program.commands.find((command) => command.name() === 'ops');
  if (ops) define(ops.command('reconcile').argument('<id>').description('say what really happened to an unknown operation; without an answer the provider is asked once more')
    .option('--done', 'it happened').option('--not-done', 'it did not happen').option('--sent', 'the same as --done').option('--not-sent', 'the same as --not-done').option('--note <text>', 'how you know'), async ({ dataDir, out }, id: string, options: { done?: boolean; notDone?: boolean; sent?: boolean; notSent?: boolean; note?: string }) => {
    const [done, notDone] = [options.done ?? options.sent ?? false, options.notDone ?? options.notSent ?? false];
    if (done && notDone) throw new KeelsonError('BAD_ARGUMENT', 'say either --done or --not-done, or neither to ask the provider');
    await decide(dataDir, out, (server) => server.post(`/api/operations/${encodeURIComponent(id)}/reconcile`, { outcome: done ? 'done' : notDone ? 'not-done' : 'look', ...(options.note ? { note: options.note } : {}) }));
  });

  const effects = (dataDir: string, out: Output, what: 'stop' | 'resume', reason: string) => connectToServer(dataDir)
    .then((server) => server.post<EffectsState>(`/api/effects/${what}`, { reason }))
    .then((now) => out.result(now, (e) => (e.state === 'stopped' ? [`Nothing leaves any more${e.reason ? `: ${e.reason}` : ''}. Lift it with: keelson resume-effects`, ...(e.onTheirWay.length > 0 ? [`Begun before, and ends as it ends: ${e.onTheirWay.join(', ')}`] : [])].join('\n') : 'Effects are on again; what waited goes on. See: keelson ops')));
  define(program.command('stop-effects').description('the kill switch: nothing leaves any more, also after a restart').option('--reason <text>', 'kept with it', ''), ({ dataDir, out }, { reason }: { reason: string }) => effects(dataDir, out, 'stop', reason));
  define(program.command('resume-effects').description('let effects leave again').option('--reason <text>', 'kept with it', ''), ({ dataDir, out }, { reason }: { reason: string }) => effects(dataDir, out, 'resume', reason));
}
