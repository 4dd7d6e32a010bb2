// `erase`: through the running server, or on the files of a stopped one.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readConfig } from './config.ts';
import type { Define } from './cli-read.ts';
import { connectToServer, runningServer } from './cli-server.ts';
import { eraseStopped } from './main-erase-stopped.ts';
import { outsideOf, type Receipt } from './main-erasure.ts';
import { erasedCopyOf } from './main-heads.ts';

export function addEraseCommand(program: Command, define: Define): void {
  define(program.command('erase').argument('<subject>', 'a person: mail address or entity id').description('take a person out of every file of this company'), async ({ dataDir, out }, subject: string) => {
    const id = randomUUID();
    out.say('Erasing; the database is rewritten, which takes a while when it is large …');
    const receipt = (await runningServer(dataDir)) ? await (await connectToServer(dataDir)).post<Receipt>('/api/erase', { subject, commandId: id }) : await eraseStopped({ dataDir, outside: outsideOf(readConfig(dataDir)), erasedCopy: erasedCopyOf(dataDir) }, { id, subject });
    out.result(receipt, ({ erased, outside, receipt: file }) => [
      `Erased: ${erased.facts} facts, ${erased.artifacts} artifacts, ${erased.intents + erased.decisions + erased.annotations} other records, ${erased.journal} entries of the journal; ${erased.mentions} mentions in the data of others.`,
      `Receipt: ${join(dataDir, file)}`,
      '', 'What lies elsewhere, for you to request:', ...outside.map(({ what, todo }) => `- ${what}: ${todo}`),
    ].join('\n'));
  });
}
