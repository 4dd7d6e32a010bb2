// `machines`: what this build hosts, and whether it carries on what was recorded. `fork`: try what would have happened.
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Command } from 'commander';
import { checkActor, type Checked, type Recorded } from '#actors/check.ts';
import type { Forked } from '#actors/fork.ts';
import type { ActorRecord } from '#actors/record.ts';
import type { Registry } from '#actors/registry.ts';
import { KeelsonError } from '#machines/errors.ts';
import { openDatabase, type Database } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { table } from './cli-output.ts';
import { readHistory } from './cli-look.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';
import { companyMachines } from './agents.ts';
import { addDrawCommand } from './cli-draw.ts';

const page = 1_000;
const sayEveryMs = 2_000;

interface Report { actors: number; steps: number; skipped: number; stepsPerSecond: number; problems: NonNullable<Checked['problem']>[] }

export function addMachineCommands(program: Command, define: Define): void {
  const machines = program.command('machines').description('the machines of this build and of this company');
  define(machines.command('list', { isDefault: true }).description('id, version and the hash of the structure'), async ({ dataDir, out }) => {
    const all = (await companyMachines(dataDir)).list().map(({ id, version, hash }) => ({ id, version, hash }));
    out.result(all, (rows) => table(['ID', 'VERSION', 'HASH'], rows.map((m) => [m.id, m.version, m.hash.slice(0, 12)])));
  });

  addDrawCommand(machines, define);
  define(machines.command('check').argument('[files...]', 'backups, or fixtures; without one: this company').description('replay what was recorded against this build; exit 1 when something differs'), async ({ dataDir, out }, files: string[]) => {
    const sources = files.length > 0 ? files.map(readFrom) : [(use: Use) => withDatabase(dataDir, (db) => readAll(db, use))];
    const report = await check(await companyMachines(dataDir), sources, out.json ? () => {} : (line) => process.stderr.write(`${line}\n`));
    out.result(report, (r) => [
      ...r.problems.map(({ actor, rev, difference }) => `${actor} at revision ${rev ?? 'none'}: ${difference}`),
      `${r.actors} actors, ${r.steps} steps replayed${r.skipped > 0 ? `, ${r.skipped} of older definitions skipped` : ''}, ${r.stepsPerSecond} steps/s: ${r.problems.length === 0 ? 'all the same' : `${r.problems.length} differ`}`,
    ].join('\n'));
    if (report.problems.length > 0) process.exitCode = 1;
  });

  define(machines.command('fixture').argument('<actor>').description('one actor with its history as a line of JSON, for `machines check`'), async ({ dataDir }, address: string) => {
    const recorded = await withDatabase(dataDir, async (db) => {
      await db.exec('BEGIN'); // one moment for record and history
      return readOne(db, address);
    });
    process.stdout.write(`${JSON.stringify(recorded)}\n`);
  });

  define(program.command('fork').argument('<actor>').description('a sibling from what it was, whose effects are written down and never done').option('--at <rev>', 'as it was after this revision; default: as it is'), async ({ dataDir, out }, actor: string, { at }: { at?: string }) => {
    const rev = at === undefined ? undefined : Number(at);
    if (rev !== undefined && !(Number.isInteger(rev) && rev >= 0)) throw new KeelsonError('BAD_ARGUMENT', `--at must be a revision, not '${at}'`);
    const forked = await (await connectToServer(dataDir)).post<Forked>('/api/fork', { actor, ...(rev === undefined ? {} : { at: rev }) });
    out.result(forked, (f) => `${f.address} is what ${f.from} was at revision ${f.at}. It is a dry run: nothing leaves it. Send it events: keelson send ${f.address} TYPE`);
  });
}

type Use = (recorded: Recorded) => void;
type Source = (use: Use) => Promise<void>;

async function check(registry: Registry, sources: Source[], say: (line: string) => void): Promise<Report> {
  const begin = performance.now();
  let said = begin;
  const report: Report = { actors: 0, steps: 0, skipped: 0, stepsPerSecond: 0, problems: [] };
  const rate = () => Math.round((report.steps * 1_000) / Math.max(performance.now() - begin, 1));
  for (const source of sources) {
    await source((recorded) => {
      const { steps, skipped, problem } = checkActor(registry, recorded, Date.now());
      report.actors++;
      report.steps += steps;
      report.skipped += skipped;
      if (problem) report.problems.push(problem);
      if (performance.now() - said < sayEveryMs) return;
      said = performance.now();
      say(`${report.actors} actors, ${report.steps} steps, ${rate()} steps/s …`);
    });
  }
  return { ...report, stepsPerSecond: rate() };
}

async function readAll(db: Database, use: Use): Promise<void> {
  await db.exec('BEGIN'); // one moment, also while the server writes
  for (let cursor: string | undefined; ;) {
    const rows = (await runQuery(db, 'actors', { limit: page, ...(cursor === undefined ? {} : { cursor }) })) as { address: string }[];
    for (const { address } of rows) use(await readOne(db, address));
    if (rows.length < page) return;
    cursor = rows.at(-1)!.address;
  }
}

async function readOne(db: Database, address: string): Promise<Recorded> {
  const text = (await runQuery(db, 'record', { address })) as string | null;
  if (text === null) throw new KeelsonError('NOT_FOUND', `there is no actor '${address}'`);
  return { address, record: JSON.parse(text) as ActorRecord, history: await readHistory(db, address) };
}

/** A backup is a database; anything else must be lines of JSON as `machines fixture` prints them. */
function readFrom(file: string): Source {
  if (!existsSync(file)) throw new KeelsonError('BAD_ARGUMENT', `there is no file ${file}`);
  return async (use) => {
    if (isDatabase(file)) {
      const db = await openDatabase(file, { readOnly: true });
      try {
        return await readAll(db, use);
      } finally {
        await db.close();
      }
    }
    for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
      if (line.trim() === '') continue;
      try {
        use(JSON.parse(line) as Recorded);
      } catch (cause) {
        throw new KeelsonError('BAD_COPY', `${file}, line ${i + 1} is no recorded actor: ${(cause as Error).message}`, { cause });
      }
    }
  };
}

function isDatabase(file: string): boolean {
  const head = Buffer.alloc(16);
  const fd = openSync(file, 'r');
  readSync(fd, head);
  closeSync(fd);
  return head.toString('latin1').startsWith('SQLite format 3');
}
