// `parked`: what could not be applied and is kept, handing it in again, and throwing it away.
import type { Command } from 'commander';
import type { ActorRecord } from '#actors/record.ts';
import type { Discarded, Retried } from '#connectors/console/desk-parked.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Database } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { oneLine, table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';

/** `state`: parked until you hand it in again, or waiting inside a quarantined actor until a build can take it. */
interface Kept { id: string; actor: string; subject: string | null; reason: string; at: string; state: 'parked' | 'waits' }

export function addParkedCommands(program: Command, define: Define): void {
  const parked = program.command('parked').description('messages that could not be applied; they are kept with their bytes');
  define(parked.command('list', { isDefault: true }).description('what is kept, and why'), async ({ dataDir, out }) => {
    out.result(await withDatabase(dataDir, readKept), (rows) => (rows.length === 0 ? 'Nothing is parked.' : [
      table(['ID', 'ACTOR', 'AT', 'REASON'], rows.map((row) => [row.id, row.actor, row.at, oneLine(row.reason, 80)])),
      '', 'Deliver again: keelson parked retry ID · keelson parked retry --actor ACTOR · Throw away: keelson parked discard ID --reason "…"',
    ].join('\n')));
  });

  define(parked.command('retry').argument('[id]').option('--actor <actor>', 'everything of this actor, in the order it came').description('deliver it again'), async ({ dataDir, out }, id: string | undefined, { actor }: { actor?: string }) => {
    if ((id === undefined) === (actor === undefined)) throw new KeelsonError('BAD_ARGUMENT', 'give either an id or --actor');
    const retried = await (await connectToServer(dataDir)).post<Retried>('/api/parked/retry', id === undefined ? { actor } : { id });
    out.result(retried, (r) => [
      `${r.retried.length} delivered again${r.more ? '; there are more, run it again' : ''}. What became of it: keelson history ACTOR`,
      ...r.kept.map((kept) => `${kept.id} stays parked: ${kept.reason}`),
    ].join('\n'));
  });

  define(parked.command('discard').argument('[id]').option('--actor <actor>', 'everything of this actor').requiredOption('--reason <text>', 'kept as a decision').description('throw it away; its bytes are gone'), async ({ dataDir, out }, id: string | undefined, { actor, reason }: { actor?: string; reason: string }) => {
    if ((id === undefined) === (actor === undefined)) throw new KeelsonError('BAD_ARGUMENT', 'give either an id or --actor');
    const discarded = await (await connectToServer(dataDir)).post<Discarded>('/api/parked/discard', id === undefined ? { actor, reason } : { id, reason });
    out.result(discarded, (r) => `${r.discarded.length} thrown away${r.more ? '; there are more, run it again' : ''}.`);
  });
}

async function readKept(db: Database): Promise<Kept[]> {
  const parked = (await runQuery(db, 'parkedMessages', {})) as { parkId: string; actor: string; subject: string; reason: string; at_ms: number; message: { id: string } | null }[];
  const quarantined = (await runQuery(db, 'quarantined', {})) as { address: string; record: string; updated_ms: number }[];
  return [
    ...parked.map(({ parkId, actor, subject, reason, at_ms: atMs, message }): Kept => ({ id: message?.id ?? parkId, actor, subject, reason, at: new Date(atMs).toISOString(), state: 'parked' })),
    ...quarantined.flatMap(({ address, record }) => {
      const { reason, sinceMs, waiting } = (JSON.parse(record) as ActorRecord).held!;
      return waiting.map(({ id }): Kept => ({ id, actor: address, subject: null, reason: `waits: ${reason}`, at: new Date(sinceMs).toISOString(), state: 'waits' }));
    }),
  ];
}
