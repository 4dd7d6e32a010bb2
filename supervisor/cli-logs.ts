// `keelson logs`: what the processes of this company wrote down, in the order of time.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { KeelsonError } from '#machines/errors.ts';
import { oneLine } from './cli-output.ts';
import type { Define } from './cli-read.ts';

const files = ['keelson.log', 'store.log', 'worker.log'];
const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const;
interface Line { at: string; level: string; part: string; message: string; [field: string]: unknown }

export function addLogsCommand(program: Command, define: Define): void {
  define(program.command('logs').description('what the server, the store and the workers wrote down').option('--level <level>', `at least: ${Object.keys(levels).join(', ')}`, 'info').option('--last <n>', 'only the newest lines', '100'), async ({ dataDir, out }, { level, last }: { level: string; last: string }) => {
    if (!Object.hasOwn(levels, level)) throw new KeelsonError('BAD_ARGUMENT', `there is no level '${level}'; choose one of ${Object.keys(levels).join(', ')}`);
    if (!/^[1-9]\d{0,6}$/.test(last)) throw new KeelsonError('BAD_ARGUMENT', `--last must be a number of lines, not '${last}'`);
    const found = files.filter((file) => existsSync(join(dataDir, file)));
    if (found.length === 0) throw new KeelsonError('NOT_RUNNING', `nothing was written in ${dataDir} yet`);
    const lines = found.flatMap((file) => readFileSync(join(dataDir, file), 'utf8').split('\n').flatMap((text) => toLine(text, file, levels[level as keyof typeof levels])));
    const newest = lines.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).slice(-Number(last));
    out.result(newest, (all) => all.map(({ at, level: l, part, message, ...rest }) => oneLine(`${at} ${l.padEnd(5)} ${part} ${message}${Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : ''}`, 400)).join('\n') || 'Nothing of that level.');
  });
}

/** None when it is below the level. */
function toLine(text: string, file: string, least: number): Line[] {
  if (text === '') return [];
  try {
    const { time, level, msg, pid: _, hostname: __, name, ...rest } = JSON.parse(text) as { time: number; level: number; msg?: string; name?: string; pid: number; hostname: string };
    if (level < least) return [];
    return [{ at: new Date(time).toISOString(), level: Object.entries(levels).findLast(([, n]) => n <= level)?.[0] ?? 'debug', part: name ?? file.replace('.log', ''), message: msg ?? '', ...rest }];
  } catch {
    return []; // cut off by a crash in the middle of a line
  }
}
