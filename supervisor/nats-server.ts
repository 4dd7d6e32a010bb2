// Runs the nats-server of one data folder as a child process: on loopback, configured by nats.conf, with the data folder as
// its working directory. Two promises: it never outlives us, not even our kill -9, and no second one works on the folder.

import { spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, realpath, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { KeelsonError } from '#machines/errors.ts';
import { compareVersions, natsFloor } from '#machines/versions.ts';
import { defaultCacheDir, findNatsServer, isAlive } from './nats-binary.ts';

const configFile = fileURLToPath(new URL('../nats.conf', import.meta.url));
/** The first start on an existing folder reads all of JetStream's files back. */
const startTimeoutMs = 60_000;
const stopTimeoutMs = 5_000;
const logLimitBytes = 10_000_000;
/** flock(1) ends with this when somebody else holds the lock. */
const lockedExitCode = 75;

export interface NatsServer {
  url: string;
  token: string;
  /** Of nats-server itself, not of a wrapper. */
  pid: number;
  version: string;
  /** Resolves when the process is gone; asked nicely first, killed after 5 s. Safe to call again. */
  stop: () => Promise<void>;
  /** Its exit code, null when a signal ended it. */
  exited: Promise<number | null>;
}

/**
 * Resolves when JetStream answers. Errors: `NO_NATS_SERVER`, `STORE_BUSY` (another process runs one on this folder),
 * `BUS_DOWN` (it did not start; the message quotes its log). Call it from the main thread: the kernel ties the child's life
 * to the *thread* that started it. `tether` is chosen by what the system offers; tests name it.
 */
export async function startNatsServer(options: {
  dataDir: string; token: string; log: (line: string) => void; binary?: string; port?: number; tether?: 'kernel' | 'pipe';
}): Promise<NatsServer> {
  const { token, log, port = -1, tether = hasKernelTether() ? 'kernel' : 'pipe' } = options;
  if (!/^[\w-]{16,}$/.test(token)) throw new KeelsonError('BAD_CONFIG', 'the bus token needs at least 16 letters, digits, _ or -');
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = await realpath(options.dataDir);
  const binary = options.binary ?? (await findNatsServer({ cacheDir: defaultCacheDir(), log })).path;
  await stopOrphan(dataDir, log);
  await removeStalePorts(dataDir);

  const logFile = join(dataDir, 'nats.log');
  if (((await stat(logFile).catch(() => undefined))?.size ?? 0) > logLimitBytes) await truncate(logFile);
  const logFd = openSync(logFile, constants.O_CREAT | constants.O_APPEND | constants.O_WRONLY, 0o600);
  const spawnOptions: SpawnOptions = {
    cwd: dataDir,
    detached: true, // Ctrl-C is for us: we finish our messages first and then stop the server
    stdio: ['ignore', logFd, logFd],
    env: { PATH: process.env.PATH, KEELSON_NATS_PORT: `${port}`, KEELSON_NATS_TOKEN: `'${token}'`, KEELSON_PARENT: `${process.pid}` },
  };
  // flock and setpriv replace themselves by the next program: one process, one pid, and the kernel keeps both promises.
  // A moment of patience: the lock of a process that was just stopped is let go a little after everything else of it is gone.
  const wrappers = ['--timeout', '2', '--no-fork', '--conflict-exit-code', `${lockedExitCode}`, 'nats.lock', 'setpriv', '--pdeathsig', 'TERM'];
  const child = tether === 'kernel'
    ? spawn('flock', [...wrappers, binary, '-c', configFile], spawnOptions)
    : spawn(binary, ['-c', configFile], spawnOptions);
  closeSync(logFd);
  let failure: Error | undefined;
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', (error) => { failure = error; resolve(null); });
  });
  if (tether === 'pipe' && child.pid) tieByPipe(child.pid, exited);

  async function stop(): Promise<void> {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await exited;
    clearTimeout(timer);
  }

  try {
    const url = await waitForUrl();
    const version = await checkHealth(url, token);
    log(`nats-server: ${version} at ${url}, pid ${child.pid}`);
    return { url, token, pid: child.pid as number, version, stop, exited };
  } catch (error) {
    await stop();
    if (error instanceof KeelsonError) throw error;
    throw new KeelsonError('BUS_DOWN', `nats-server did not start in ${dataDir}: ${(error as Error).message}`, { cause: error, hint: `Look at ${logFile}.` });
  }

  async function waitForUrl(): Promise<string> {
    let exitCode: number | null | undefined;
    void exited.then((code) => { exitCode = code; });
    for (const deadline = Date.now() + startTimeoutMs; Date.now() < deadline; await sleep(10)) {
      if (failure) throw failure;
      if (exitCode === lockedExitCode) throw busy(dataDir, 'holds nats.lock');
      if (exitCode !== undefined) throw new Error((await lastComplaint(logFile)) ?? `it ended with code ${exitCode}`);
      const ports = await readFile(join(dataDir, await portsFileOf(dataDir, child.pid)), 'utf8').then(JSON.parse).catch(() => undefined);
      if (ports?.nats?.[0]) return String(ports.nats[0]);
    }
    throw new Error(`not ready after ${startTimeoutMs} ms`);
  }
}

/** A listening port is not enough: an old server listens too, and JetStream can be off. */
async function checkHealth(url: string, token: string): Promise<string> {
  const connection = await connect({ servers: url, token, reconnect: false, noAsyncTraces: true, timeout: stopTimeoutMs });
  try {
    const version = connection.info?.version ?? '0.0.0';
    if (compareVersions(version, natsFloor) < 0) throw new KeelsonError('NO_NATS_SERVER', `nats-server is ${version}, older than ${natsFloor}`);
    await jetstreamManager(connection); // asks for the account's JetStream state
    return version;
  } finally {
    await connection.close();
  }
}

/** A server whose parent is gone is stopped; one whose parent lives belongs to somebody. */
async function stopOrphan(dataDir: string, log: (line: string) => void): Promise<void> {
  const pid = Number(await readFile(join(dataDir, 'nats.pid'), 'utf8').catch(() => '0'));
  if (pid === 0 || !isAlive(pid)) return;
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-p', `${pid}`, '-o', 'command='], { encoding: 'utf8' });
    if (stdout.includes('nats.conf')) throw busy(dataDir, `is process ${pid}`);
    return;
  }
  if (!(await worksOn(pid, dataDir))) return; // the id was given to another process since
  const [environment, status] = await Promise.all(['environ', 'status'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')));
  const parent = /^PPid:\s*(\d+)/m.exec(status ?? '')?.[1];
  if (environment?.split('\0').includes(`KEELSON_PARENT=${parent}`)) throw busy(dataDir, `is process ${pid}, started by process ${parent}`);
  log(`nats-server: stopping process ${pid}, left over from an earlier run`);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (await worksOn(pid, dataDir)) process.kill(pid, signal);
    for (const deadline = Date.now() + stopTimeoutMs; Date.now() < deadline; await sleep(20)) {
      if (!(await worksOn(pid, dataDir))) return;
    }
  }
  throw busy(dataDir, `is process ${pid} and does not stop`);
}

/** False also for a zombie, which has neither folder nor arguments. */
async function worksOn(pid: number, dataDir: string): Promise<boolean> {
  const [folder, argv] = await Promise.all([
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
  ]);
  return folder === dataDir && argv.split('\0').some((arg) => arg.endsWith('nats.conf'));
}

function busy(dataDir: string, which: string): KeelsonError {
  return new KeelsonError('STORE_BUSY', `a nats-server already works on ${dataDir}: it ${which}`);
}

/** Process ids repeat, in containers at every start: an old file would name an old port. */
async function removeStalePorts(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) if (/_\d+\.ports$/.test(name)) await rm(join(dataDir, name), { force: true });
}

async function portsFileOf(dataDir: string, pid: number | undefined): Promise<string> {
  return (await readdir(dataDir)).find((name) => name.endsWith(`_${pid}.ports`)) ?? 'none';
}

async function lastComplaint(logFile: string): Promise<string | undefined> {
  const lines = (await readFile(logFile, 'utf8')).trim().split('\n');
  return lines.findLast((line) => /\[FTL\]|\[ERR\]|nats-server:/.test(line)) ?? lines.at(-1);
}

/** util-linux, or a setpriv that can do as much (BusyBox cannot). */
function hasKernelTether(): boolean {
  return process.platform === 'linux' && spawnSync('flock', ['--no-fork', '/', 'setpriv', '--pdeathsig', 'TERM', 'true']).status === 0;
}

/** A shell that waits for the end of a pipe only we hold open, which comes when we die in whatever way. */
function tieByPipe(pid: number, exited: Promise<unknown>): void {
  const watcher = spawn('/bin/sh', ['-c', `read line; kill -TERM ${pid}`], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  void exited.then(() => watcher.kill('SIGKILL'));
}
