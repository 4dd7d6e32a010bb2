// `machines draw`: one machine as a picture or for other tools, on standard output.
import type { Command } from 'commander';
import { chartFormats, exportChart, type ChartFormat } from '#connectors/console/chart-export.ts';
import { layoutChart } from '#connectors/console/chart-layout.ts';
import type { Definition, Registry } from '#actors/registry.ts';
import { toChart } from '#machines/chart.ts';
import { KeelsonError } from '#machines/errors.ts';
import { companyMachines } from './agents.ts';
import type { Define } from './cli-read.ts';

/** `machines` is the command under which it stands. */
export function addDrawCommand(machines: Command, define: Define): void {
  define(machines.command('draw').argument('<id>', 'a machine: id, or id@version').option('--format <format>', chartFormats.join(', '), 'svg').description('the statechart as a drawing, or for other tools'), async ({ dataDir }, id: string, { format }: { format: string }) => {
    if (!isFormat(format)) throw new KeelsonError('BAD_ARGUMENT', `--format must be one of ${chartFormats.join(', ')}, not '${format}'`);
    const { key, machine } = findMachine(await companyMachines(dataDir), id);
    const chart = toChart(machine);
    process.stdout.write(`${(await exportChart(chart, format, () => layoutChart(key, chart))).trimEnd()}\n`);
  });
}

const isFormat = (text: string): text is ChartFormat => (chartFormats as readonly string[]).includes(text);

/** Without a version the newest: the one that is registered last. */
function findMachine(registry: Registry, id: string): Definition {
  const found = registry.get(id) ?? registry.list().findLast((definition) => definition.id === id);
  if (!found) throw new KeelsonError('NOT_FOUND', `there is no machine '${id}'`, { hint: '`keelson machines list` shows what there is.' });
  return found;
}
