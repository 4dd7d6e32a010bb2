// `keelson correct`: a mail was taken for something it is not.
import type { Command } from 'commander';
import type { Corrected } from '#connectors/console/desk-correct.ts';
import { KeelsonError } from '#machines/errors.ts';
import { categorySchema } from '#machines/mail.ts';
import type { Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';

export function addCorrectCommand(program: Command, define: Define): void {
  define(program.command('correct').argument('<id>', 'of a mail (m-…), of a decision about it (d-…), or of an inbox item of its run').argument('<category>', categorySchema.options.join(', ')).description('say what a mail really is: it is handled anew, and later ones are judged by it')
    .option('--reason <text>', 'why; kept with the correction'), async ({ dataDir, out }, id: string, category: string, { reason }: { reason?: string }) => {
    if (!categorySchema.safeParse(category).success) throw new KeelsonError('BAD_ARGUMENT', `there is no category '${category}'`, { hint: `Choose one of ${categorySchema.options.join(', ')}.` });
    const server = await connectToServer(dataDir);
    const corrected = await server.post<Corrected>('/api/correct', { id, category, ...(reason === undefined ? {} : { reason }) });
    out.result(corrected, (c) => [
      `${c.mail} is ${c.after}${c.before === null ? '' : `, not ${c.before}`}`,
      c.run === null ? `It is not handled again: ${c.why}` : `${c.why ? `${c.why}: ` : 'It is handled as that by '}${c.run}`,
      ...(c.retired.length > 0 ? [`Taken back: ${c.retired.join(', ')}`] : []),
    ].join('\n'));
  });
}
