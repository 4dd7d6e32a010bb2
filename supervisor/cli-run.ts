// Commands that start things: init, up, demo, doctor.
import { existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Listen } from '#connectors/console/listen.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { openDatabase } from '#store/database.ts';
import { openErasures } from '#store/erase.ts';
import { checkIntegrity } from '#store/integrity.ts';
import { planMigrations } from '#store/migrate.ts';
import { importMails } from './cli-act.ts';
import { table, type Output } from './cli-output.ts';
import type { Define } from './cli-read.ts';
import { readListen, type ListenOptions } from './cli-listen.ts';
import { connectToServer, runningServer } from './cli-server.ts';
import { createCompany, readToken, sampleMailbox } from './company.ts';
import { readConfig, readEnvironment } from './config.ts';
import { startWorkerProcess } from './main-worker.ts';
import { startServer, type Server } from './main.ts';
import { defaultCacheDir, findNatsServer } from './nats-binary.ts';

const draftsWaitMs = 55_000;
const pollMs = 200;
const exitMs = 1_000;

const inspectHelp = 'tools that show XState actors may attach: keelson inspect';

export function addRunCommands(program: Command, define: Define): void {
  define(program.command('init').argument('<dir>').description('a new company folder: settings, templates, policies'), async ({ out }, dir: string) => {
    createCompany(resolve(dir));
    out.result({ created: resolve(dir) }, (r) => `${r.created} is ready. Edit company.json, templates/ and policies/, then: keelson up --data ${dir}`);
  });

  const up = program.command('up').description('run the company').option('--port <n>', 'HTTP port on 127.0.0.1, 0 picks one', '0').option('--nats <url>', 'use this nats-server instead of starting one');
  up.option('--listen <host>', 'where to listen; anything but this computer needs TLS and --allow-remote', '127.0.0.1').option('--tls-cert <file>', 'certificate chain, PEM').option('--tls-key <file>', 'its key, PEM').option('--allow-remote', 'other computers may reach this server');
  up.option('--role <role>', 'all: the server · worker: one more process that hosts and runs jobs for a running server', 'all').option('--dry-run', 'everything is done but what leaves: operations say what they would have done');
  up.option('--inspect', inspectHelp);
  define(up, async ({ dataDir, out }, options: UpOptions & ListenOptions & { role: string }) => {
    if (options.role === 'worker') return serveWorker(dataDir, out, options.nats ?? null);
    if (options.role !== 'all') throw new KeelsonError('BAD_ARGUMENT', `--role must be all or worker, not '${options.role}'`);
    const listen = readListen(options);
    if (isEmpty(dataDir)) {
      createCompany(dataDir);
      out.say(`${dataDir} was empty: a new company was created there.`);
    }
    await serve(dataDir, out, { ...options, at: listen });
  });

  const demo = program.command('demo').description('run the sample company with its sample mailbox').option('--port <n>', 'HTTP port on 127.0.0.1, 0 picks one', '0').option('--nats <url>', 'use this nats-server instead of starting one').option('--inspect', inspectHelp);
  define(demo, async ({ dataDir, out }, options: UpOptions) => {
    if (isEmpty(dataDir)) createCompany(dataDir, { demo: true });
    else if (!readConfig(dataDir).company.demo) throw new KeelsonError('BAD_ARGUMENT', `${dataDir} holds a company of your own; the demo will not touch it`, { hint: 'Run it elsewhere: keelson demo --data DIR' });
    await serve(dataDir, out, options, async (server) => {
      const { imported, duplicates } = await importMails(sampleMailbox, (raw, source) => server.receive(raw, source) as Promise<{ outcome: string }>, out.say);
      out.say(`Sample mailbox: ${imported} mails imported${duplicates ? `, ${duplicates} known from before` : ''}. The agents are reading …`);
      const { drafts, others } = await waitForDrafts(server);
      out.say(`${drafts} drafts wait for your approval, ${others} other questions and tasks wait for you.`);
      out.say(readEnvironment().KEELSON_SMTP_URL ? 'Approved mail is sent by SMTP.' : 'No SMTP server is configured: approved mail is written to outbox/ and not sent.');
      out.say(`Next, in another terminal:  npm run -s keelson -- inbox${dataDir === resolve('.keelson') ? '' : ` --data ${dataDir}`}`);
      out.say(`What was done, in half a minute also as a document:  npm run -s keelson -- report${dataDir === resolve('.keelson') ? '' : ` --data ${dataDir}`}`);
      out.say('Stop with Ctrl-C.');
    });
  });

  define(program.command('console').description('a link that signs a browser in, once, within ten minutes'), async ({ dataDir, out }) => {
    out.result(await (await connectToServer(dataDir)).post<{ url: string }>('/api/session/link', {}), ({ url }) => url);
  });

  define(program.command('doctor').description('is everything here that a run needs?'), async ({ dataDir, out }) => {
    const checks = await diagnose(dataDir);
    out.result(checks, (all) => table(['', 'CHECK', 'DETAIL'], all.map((c) => [c.ok ? 'ok' : 'FAIL', c.check, c.detail])));
    if (checks.some((c) => !c.ok)) process.exitCode = 1;
  });
}

interface UpOptions { port: string; nats?: string; dryRun?: boolean; inspect?: boolean; at?: Listen }

async function serve(dataDir: string, out: Output, options: UpOptions, afterStart?: (server: Server) => Promise<void>): Promise<void> {
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new KeelsonError('BAD_ARGUMENT', `--port must be a number from 0 to 65535, not '${options.port}'`);
  process.umask(0o077); // what the server writes is its owner's
  const server = await startServer(readConfig(dataDir, readEnvironment(), { dryRun: options.dryRun ?? false }), { port, ...(options.at ? { listen: options.at } : {}), natsUrl: options.nats ?? null, inspect: options.inspect ?? false, say: out.say });
  const stopped = askedToStop();
  out.result(server.run, (run) => `Keelson runs${run.dryRun ? ' dry: nothing leaves' : ''}. HTTP ${run.console} · bus ${run.nats} · data ${run.data}`);
  out.say(`Console, signed in (works once, for ten minutes; another: keelson console):  ${server.signInLink()}`);
  const ended = Promise.race([stopped, server.failed]);
  const work = afterStart?.(server) ?? Promise.resolve();
  const reason = await Promise.race([ended, work.then(() => ended)]);
  if (typeof reason === 'string') out.say('Finishing what is in hand …');
  await server.stop();
  if (typeof reason !== 'string') throw reason;
}

async function serveWorker(dataDir: string, out: Output, natsUrl: string | null): Promise<void> {
  process.umask(0o077);
  const stopped = askedToStop();
  const worker = await startWorkerProcess(readConfig(dataDir), { natsUrl, say: out.say });
  out.result(worker.run, (run) => `A worker runs. bus ${run.nats} · data ${run.data}`);
  const reason = await Promise.race([stopped, worker.failed]);
  await worker.stop();
  setTimeout(() => process.exit(), exitMs).unref(); // what hangs is not waited for
  if (typeof reason !== 'string') throw reason;
}

function askedToStop(): Promise<NodeJS.Signals> {
  return new Promise((done) => {
    process.once('SIGINT', done);
    process.once('SIGTERM', done);
  });
}

async function waitForDrafts(server: Server): Promise<{ drafts: number; others: number }> {
  const end = Date.now() + draftsWaitMs;
  for (;;) {
    const [status, inbox] = (await Promise.all([server.query('status', {}), server.query('inbox', {})])) as [{ inFlight: number }, { kind: string }[]];
    const drafts = inbox.filter((item) => item.kind === 'approval').length;
    if (status.inFlight === 0 || Date.now() > end) return { drafts, others: inbox.length - drafts };
    await new Promise((done) => setTimeout(done, pollMs));
  }
}

function isEmpty(dir: string): boolean {
  return !existsSync(dir) || readdirSync(dir).length === 0;
}

interface Check { check: string; ok: boolean; detail: string }

async function diagnose(dataDir: string): Promise<Check[]> {
  const checks: Check[] = [];
  const run = async (check: string, work: () => string | Promise<string>) => {
    try {
      checks.push({ check, ok: true, detail: await work() });
    } catch (error) {
      const { message } = plainError(error);
      checks.push({ check, ok: false, detail: error instanceof KeelsonError ? `${message}. ${error.hint}` : message });
    }
  };
  await run('node', () => {
    if (Number(process.versions.node.split('.')[0]) < 24) throw new KeelsonError('BAD_CONFIG', `${process.version} runs this; start it with npm run`);
    return process.version;
  });
  await run('nats-server', async () => {
    const { version, from, path } = await findNatsServer({ cacheDir: defaultCacheDir(), log: (line) => process.stderr.write(`${line}\n`) });
    return `${version} from ${from} (${path})`;
  });
  await run('sqlite', async () => {
    const db = await openDatabase(':memory:');
    const [row] = await db.all<{ v: string }>('SELECT sqlite_version() AS v');
    await db.close();
    return `${row?.v}, driver sqlite3`;
  });
  await run('company', () => `${readConfig(dataDir).company.name} in ${dataDir}`);
  const database = join(dataDir, 'keelson.db');
  if (existsSync(database)) {
    await run('database', () => describeDatabase(database));
    await run('erasures', () => describeErasures(database));
    await run('disk', () => describeDisk(database));
  }
  await run('token', () => (existsSync(join(dataDir, 'token')) ? (readToken(dataDir), 'readable by its owner only') : 'made at the first start'));
  await run('mail out', () => describeUrl(readEnvironment().KEELSON_SMTP_URL, 'KEELSON_SMTP_URL is not set: approved mail is written to outbox/, not sent'));
  await run('mail in', () => describeUrl(readEnvironment().KEELSON_IMAP_URL, 'KEELSON_IMAP_URL is not set: use keelson mail import'));
  await run('model', () => (readEnvironment().OPENAI_API_KEY || readEnvironment().KEELSON_OPENAI_BASE_URL ? 'configured' : 'none: drafts come from the templates'));
  await run('server', async () => {
    const server = await runningServer(dataDir);
    return server ? `running, pid ${server.pid}, ${server.api}` : 'not running';
  });
  await run('version', () => (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version);
  return checks;
}

async function describeErasures(file: string): Promise<string> {
  const database = await openDatabase(file, { readOnly: true });
  try {
    const open = (await openErasures(database)).length;
    if (open > 0) throw new KeelsonError('STORE_FAILED', `${open} begun and not finished: old bytes are still in the file`, { hint: 'A running server tries again every minute; end other programs that read the database (an export, an SQLite tool).' });
    return 'none is unfinished';
  } finally {
    await database.close();
  }
}

/** Every page is read, also while the server writes. */
async function describeDatabase(file: string): Promise<string> {
  const database = await openDatabase(file, { readOnly: true });
  try {
    await checkIntegrity(database, Infinity);
    const { version, newest } = await planMigrations(database);
    return `every page is whole, schema ${version}${version < newest ? `; the next start makes it ${newest}` : ''}. Was anything changed? Run: keelson audit verify`;
  } finally {
    await database.close();
  }
}

function describeDisk(file: string): string {
  const bytes = ['', '-wal'].reduce((sum, end) => sum + (statSync(file + end, { throwIfNoEntry: false })?.size ?? 0), 0);
  const { bavail, bsize } = statfsSync(file);
  const sizes = `${mebibytes(bavail * bsize)} free, the database has ${mebibytes(bytes)}`;
  if (bavail * bsize < bytes) throw new KeelsonError('STORE_FULL', sizes, { hint: 'Free some disk space: erase and backup need as much again as the database has.' });
  return sizes;
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Host and port only: the rest of the URL may hold a password. */
function describeUrl(url: string | undefined, absent: string): string {
  return url ? new URL(url).host : absent;
}
