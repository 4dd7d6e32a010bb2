// Commands that only look. They read the database file directly, so they work with and without a running server.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { waitingFor, type Resting } from '#actors/waiting.ts';
import { KeelsonError } from '#machines/errors.ts';
import { toInboxItem, type StoredIntent } from '#machines/inbox.ts';
import { verifyWhole } from '#store/verify-whole.ts';
import { openDatabase, type Database, type Row } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { headsFileOf, readHeads } from './main-heads.ts';
import { isPaused } from './main-pause.ts';
import { renderItem } from './cli-item.ts';
import { oneLine, table, type Output } from './cli-output.ts';
import { runningServer } from './cli-server.ts';

export interface Context { dataDir: string; out: Output }
export type Action = (context: Context, ...args: never[]) => Promise<void>;
export type Define = (command: Command, action: Action) => Command;

const iso = (ms: unknown) => new Date(Number(ms)).toISOString();

export async function withDatabase<T>(dataDir: string, work: (db: Database) => Promise<T>): Promise<T> {
  const file = join(dataDir, 'keelson.db');
  if (!existsSync(file)) throw existsSync(join(dataDir, 'company.json')) ? new KeelsonError('NOT_RUNNING', `the company in ${dataDir} was never started`) : new KeelsonError('NO_COMPANY', `there is no company in ${dataDir}`);
  const db = await openDatabase(file, { readOnly: true });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

export interface StoredOperation { address: string; value: unknown; context: Record<string, unknown>; updated_ms: number; cursor: string }

/** Every operation, the longest resting first. Within a transaction all pages are of one moment. */
export async function* readOperations(db: Database, limit = 500): AsyncGenerator<StoredOperation> {
  for (let cursor: string | undefined; ;) {
    const page = (await runQuery(db, 'operations', { limit, cursor })) as StoredOperation[];
    yield* page;
    if (page.length < limit) return;
    cursor = page.at(-1)!.cursor;
  }
}

/** `{"awaiting-approval": "asked"}` is shown by its outermost state. */
const stateOf = (value: unknown): string => (typeof value === 'object' && value !== null ? Object.keys(value).join('+') : String(value));

export function addReadCommands(program: Command, define: Define): void {
  define(program.command('status').description('counts: what came, what was applied, what waits'), async ({ dataDir, out }) => {
    const counts = await withDatabase(dataDir, (db) => runQuery(db, 'status', {})) as Record<string, number | string>;
    const running = (await runningServer(dataDir)) !== null;
    out.result({ ...counts, running, paused: isPaused(dataDir) }, ({ running: up, paused, ...s }: Record<string, number | string | boolean>) => [
      `${up ? 'running' : 'stopped'}${paused ? ', paused (go on: keelson resume)' : ''}${s['effects'] === 'stopped' ? ', nothing leaves (lift it: keelson resume-effects)' : ''} · ${s['mails']} mails · ${s['waiting']} wait for you · ${s['inFlight']} in flight`,
      `messages: received ${s['received']} = applied ${s['applied']} + duplicate ${s['duplicate']} + parked ${s['parked']}`,
      ...(s['erasing'] ? [`unfinished erasures: ${s['erasing']}; old bytes stay in the file while another program reads it`] : []),
      s['waiting'] ? 'Next: keelson inbox' : 'Nothing waits for you.',
    ].join('\n'));
  });

  define(program.command('inbox').argument('[id]', 'show this one in full').description('what waits for your yes, no or answer'), async ({ dataDir, out }, id: string | undefined) => {
    const items = (await withDatabase(dataDir, (db) => runQuery(db, 'inbox', {})) as StoredIntent[]).map(toInboxItem);
    if (id === undefined) {
      out.result(items, (all) => all.length === 0 ? 'Nothing waits for you. New mail: keelson mail import FILE' : [
        table(['ID', 'KIND', 'CONF', 'RISK', 'SUMMARY'], all.map((i) => [i.id, i.kind, i.confidence?.toFixed(2) ?? '', i.risk, oneLine(i.summary)])),
        '', `${all.length} wait. Look: keelson inbox ID · Decide: keelson approve ID · keelson reject ID --reason "…"`,
      ].join('\n'));
      return;
    }
    const item = items.find((i) => i.id === id);
    if (!item) throw new KeelsonError('NOT_FOUND', `nothing called '${id}' waits`);
    out.result(item, renderItem);
  });

  define(program.command('ps').description('actors and what each waits for').option('--type <type>', 'only actors of this type').option('--all', 'finished ones in the table too'), async ({ dataDir, out }, options: { type?: string; all?: boolean }) => {
    const rows = await withDatabase(dataDir, (db) => runQuery(db, 'actors', { ...(options.type ? { type: options.type } : {}), limit: 1_000_000 })) as Row[];
    const actors = rows.map((row) => {
      const machine = String(row['machine']);
      return { address: String(row['address']), machine: machine.slice(0, machine.lastIndexOf('@')), version: machine.slice(machine.lastIndexOf('@') + 1), status: String(row['status']), value: row['value'], rev: Number(row['rev']), ...waitingFor(row as Resting), since: iso(row['updated_ms']) };
    });
    out.result(actors, (all) => {
      const shown = options.all ? all : all.filter((a) => a.status === 'active');
      if (all.length === 0) return 'No actors yet. Hand in work: keelson mail import FILE';
      const rest = all.length - shown.length;
      return [table(['ADDRESS', 'STATE', 'REV', 'WAITS FOR', 'SINCE', 'UNTIL'], shown.map((a) => [a.address, stateOf(a.value), a.rev, oneLine(a.waitingFor, 70), a.since, a.until])), ...(rest > 0 ? ['', `${rest} more have ended. See them too: keelson ps --all`] : [])].join('\n');
    });
  });

  define(program.command('due').description('what will happen by itself, soonest first: deadlines, reminders, waits before a retry').option('--first <n>', 'so many', '100'), async ({ dataDir, out }, { first }: { first: string }) => {
    if (!/^[1-9]\d{0,3}$/.test(first)) throw new KeelsonError('BAD_ARGUMENT', `--first must be a number from 1 to 9999, not '${first}'`);
    const rows = (await withDatabase(dataDir, (db) => runQuery(db, 'due', { limit: Number(first) }))) as { id: string; actor: string; dueMs: number; kind: string; name: string | null }[];
    const due = rows.map(({ id, actor, dueMs, kind, name }) => ({ id, actor, at: iso(dueMs), kind, name }));
    out.result(due, (all) => (all.length === 0 ? 'Nothing is due by itself.' : table(['AT', 'ACTOR', 'WHAT'], all.map(({ at, actor, kind, name }) => [at, actor, kind === 'job' ? `again: ${name}` : (name ?? kind)]))));
  });

  const audit = program.command('audit').description('the hash chain over everything that was written');
  define(audit.command('verify').description('walk the whole chain; exit 1 when it is broken').option('--heads <file>', 'heads that were written down; default: those of this company'), async ({ dataDir, out }, options: { heads?: string }) => {
    const heads = readHeads(options.heads ?? headsFileOf(dataDir));
    const verdict = await withDatabase(dataDir, (db) => verifyWhole(db, heads));
    out.result(verdict, (v) => (v.ok ? `ok: ${v.rows} rows, head ${v.head}` : `BROKEN at row ${v.firstBad?.seq}: ${v.firstBad?.reason}`));
    if (!verdict.ok) process.exitCode = 1;
  });

  const ops = program.command('ops').description('external operations: what was done, what waits, what nobody knows');
  define(ops.command('list', { isDefault: true }).description('all operations'), async ({ dataDir, out }) => {
    const rows = await withDatabase(dataDir, async (db) => {
      await db.exec('BEGIN'); // one moment for all pages
      return Array.fromAsync(readOperations(db));
    });
    const operations = rows.map(({ address, value, context, updated_ms: updatedMs }) => ({ id: String(context['id']), state: stateOf(value), connector: String(context['action']).split('.')[0], action: context['action'], mode: context['mode'], approvalId: context['approvedHash'] === null ? null : context['approvalId'], providerRef: context['providerRef'], payloadHash: context['payloadHash'], done: context['done'], reason: String(context['reason']), summary: String(context['summary']), address, updatedAt: iso(updatedMs) }));
    out.result(operations, (all) => (all.length === 0 ? 'No operations yet. They appear when a draft is proposed.' : table(['ID', 'ACTION', 'STATE', 'DONE', 'SUMMARY', 'NOTE'], all.map((o) => [o.id, String(o.action), o.state, o.done === null ? '' : o.done ? 'done' : 'not done', oneLine(o.summary, 60), oneLine(o.reason, 70)]))));
  });
}
