// `erase`: through the running server, or on the files of a stopped one.
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { KeelsonError } from '#machines/errors.ts';
import { createCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { erase, findSubject, finishErasure, openErasures } from '#store/erase.ts';
import { nextEpoch, takeLock } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { readConfig } from './config.ts';
import type { Define } from './cli-read.ts';
import { connectToServer, runningServer } from './cli-server.ts';
import { erasePerson, outsideOf, type Receipt } from './main-erasure.ts';

export function addEraseCommand(program: Command, define: Define): void {
  define(program.command('erase').argument('<subject>', 'a person: mail address or entity id').description('take a person out of every file of this company'), async ({ dataDir, out }, subject: string) => {
    const id = randomUUID();
    out.say('Erasing; the database is rewritten, which takes a while when it is large …');
    const receipt = (await runningServer(dataDir)) ? await (await connectToServer(dataDir)).post<Receipt>('/api/erase', { subject, commandId: id }) : await eraseStopped(dataDir, id, subject);
    out.result(receipt, ({ erased, outside, receipt: file }) => [
      `Erased: ${erased.facts} facts, ${erased.artifacts} artifacts, ${erased.intents + erased.decisions + erased.annotations} other records, ${erased.journal} entries of the journal; ${erased.mentions} mentions in the data of others.`,
      `Receipt: ${join(dataDir, file)}`,
      '', 'What lies elsewhere, for you to request:', ...outside.map(({ what, todo }) => `- ${what}: ${todo}`),
    ].join('\n'));
  });
}

async function eraseStopped(dataDir: string, id: string, subject: string): Promise<Receipt> {
  const file = join(dataDir, 'keelson.db');
  if (!existsSync(file)) throw new KeelsonError('NO_COMPANY', `there is no database in ${dataDir}`);
  const lock = await takeLock(dataDir);
  const database = await openDatabase(file);
  try {
    await migrate(database);
    const committer = await createCommitter(database, await nextEpoch(database), { onWritten() {} });
    const parts = {
      dataDir, outside: outsideOf(readConfig(dataDir)), now: Date.now,
      eraseRows: async (request: Parameters<typeof erasePerson>[1]) => erase(database, committer, 'entity' in request ? request : { id: request.id, ...(await findSubject(database, request.subject)) }, Date.now()),
      finishRows: (plan: string) => finishErasure(database, committer, plan),
      // Nobody reads it now; the next start builds it again from the outbox.
      purgeBus: async () => rmSync(join(dataDir, 'jetstream'), { recursive: true, force: true }),
    };
    for (const plan of await openErasures(database)) await erasePerson(parts, plan);
    return await erasePerson(parts, { id, subject });
  } finally {
    await database.close();
    await lock.close();
  }
}
