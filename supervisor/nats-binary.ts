// Finds a nats-server that is new enough, or fetches one without root and without touching the system: PATH, our cache,
// the official release (checksum), Debian's package (signature). Whatever was fetched replaces the one file in the cache.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { KeelsonError } from '#machines/errors.ts';
import { compareVersions, natsFloor } from '#machines/versions.ts';

const releaseVersion = '2.15.1';
/** Without an answer in this time a host counts as unreachable, so that an offline machine goes on to the next way. */
const connectTimeoutMs = 5_000;
/** For one download, and for the lock of a process that makes one: a second download is a waste, not a danger. */
const patienceMs = 300_000;

export interface NatsBinary { path: string; version: string; from: 'PATH' | 'cache' | 'release' | 'debian' }
/** A way to get the binary: puts it somewhere below `dir` (empty, removed afterwards) and says where. */
export interface Way { from: 'release' | 'debian'; fetchInto(dir: string): Promise<string> }

const run = promisify(execFile);

/** Where the binary is kept between runs: `$XDG_CACHE_HOME/keelson`, by default `~/.cache/keelson`. */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'keelson');
}

/** Throws `NO_NATS_SERVER` naming every way that was tried. Several processes may call at once: one fetches, all find it. */
export async function findNatsServer(options: {
  cacheDir: string; log: (line: string) => void; env?: NodeJS.ProcessEnv; ways?: Way[];
}): Promise<NatsBinary> {
  const { cacheDir, log, env = process.env, ways = [fromRelease(), fromDebian()] } = options;
  const cached = join(cacheDir, 'nats-server');
  const failures: string[] = [];

  const dirs = (env.PATH ?? '').split(delimiter).filter((dir) => isAbsolute(dir));
  const present = [...dirs.map((dir) => ({ from: 'PATH' as const, path: join(dir, 'nats-server') })), { from: 'cache' as const, path: cached }];
  for (const { from, path } of present) {
    const version = await newEnough(path).catch((error: NodeJS.ErrnoException) => {
      if (!['ENOENT', 'EACCES', 'ENOTDIR'].includes(String(error.code))) failed(`${from}: ${path}`, error); // else as a shell: not there
    });
    if (version) return { path, version, from };
  }
  if (failures.length === 0) failures.push('PATH and cache: none');

  try {
    await mkdir(cacheDir, { recursive: true });
    return await holdingLock(join(cacheDir, 'nats-server.lock'), async () => {
      const version = await newEnough(cached).catch(() => undefined); // another process may have fetched it meanwhile
      if (version) return { path: cached, version, from: 'cache' };
      for (const name of await readdir(cacheDir)) if (name.startsWith('fetch-')) await rm(join(cacheDir, name), { recursive: true, force: true }); // of killed processes
      for (const way of ways) {
        const fetched = await fetchToCache(way).catch((error: unknown) => failed(way.from, error));
        if (fetched) return fetched;
      }
      throw new Error('nothing else to try');
    });
  } catch (error) {
    throw new KeelsonError('NO_NATS_SERVER', `no nats-server ${natsFloor} or newer: ${[...failures, reasonOf(error)].join('; ')}`, { cause: error });
  }

  function failed(what: string, error: unknown): void {
    failures.push(`${what}: ${reasonOf(error)}`);
    log(`nats-server: ${what}: ${reasonOf(error)}`);
  }

  async function fetchToCache(way: Way): Promise<NatsBinary> {
    log(`nats-server: fetching (${way.from})`);
    const dir = await mkdtemp(join(cacheDir, 'fetch-')); // same file system as the cache: the rename is atomic
    try {
      const fetched = await way.fetchInto(dir);
      const version = await newEnough(fetched);
      await rename(fetched, cached);
      log(`nats-server: ${version} (${way.from}) is now in ${cached}`);
      return { path: cached, version, from: way.from };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}

/** The official release, checked against its SHA256SUMS. */
export function fromRelease(host = 'https://github.com/nats-io/nats-server/releases/download'): Way {
  return {
    from: 'release',
    async fetchInto(dir) {
      const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
      if (!arch || !['linux', 'darwin'].includes(process.platform)) throw new Error(`none for ${process.platform} ${process.arch}`);
      const name = `nats-server-v${releaseVersion}-${process.platform}-${arch}.tar.gz`;
      const [sums, archive] = [join(dir, 'SHA256SUMS'), join(dir, 'archive.tar.gz')];
      await download(`${host}/v${releaseVersion}/SHA256SUMS`, sums);
      const expected = (await readFile(sums, 'utf8')).split('\n').map((line) => line.trim().split(/\s+\*?/)).find((line) => line[1] === name)?.[0];
      if (!expected) throw new Error(`SHA256SUMS does not name ${name}`);
      await download(`${host}/v${releaseVersion}/${name}`, archive);
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(archive)) hash.update(chunk as Buffer);
      if (hash.digest('hex') !== expected) throw new Error(`checksum of ${name} does not match SHA256SUMS`);
      await run('tar', ['-xzf', archive, '-C', dir, '--strip-components=1'], { timeout: 60_000 });
      return join(dir, 'nats-server');
    },
  };
}

/** Debian's package from `sid` (older suites are below the floor): apt checks the signature, dpkg only unpacks. */
export function fromDebian(aptDir = '/etc/apt'): Way {
  return {
    from: 'debian',
    async fetchInto(dir) {
      const system = await readFile('/etc/os-release', 'utf8').catch(() => '');
      if (!/^ID="?debian"?$/m.test(system)) throw new Error('this system is not Debian');
      const codename = /^VERSION_CODENAME="?(\w+)/m.exec(system)?.[1] ?? 'sid';
      for (const name of ['parts', 'lists/partial', 'cache/archives/partial']) await mkdir(join(dir, name), { recursive: true });
      const listed = (await readdir(join(aptDir, 'sources.list.d')).catch(() => [])).map((name) => join('sources.list.d', name));
      let copied = 0;
      for (const name of ['sources.list', ...listed].filter((file) => /\.(list|sources)$/.test(file))) {
        const text = toSid(await readFile(join(aptDir, name), 'utf8').catch(() => ''), codename);
        if (text) await writeFile(join(dir, 'parts', `${copied++}.${name.split('.').at(-1)}`), text);
      }
      if (copied === 0) throw new Error(`no Debian source for ${codename} in ${aptDir}`);
      // Relative to the working directory, so that no path needs quoting. The machine's hooks are for its own lists only.
      await writeFile(join(dir, 'apt.conf'), `Dir::Etc::SourceList "/dev/null"; Dir::Etc::SourceParts "./parts";
        Dir::State::Lists "./lists"; Dir::Cache "./cache"; Acquire::Languages "none"; Acquire::http::Timeout "10"; Acquire::Retries "1";
        APT::Update::Error-Mode "any"; Acquire::AllowInsecureRepositories "false"; APT::Get::AllowUnauthenticated "false";
        #clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n`);
      const apt = (...args: string[]) => run('apt-get', ['-q', '-c', 'apt.conf', ...args], { cwd: dir, timeout: patienceMs, env: { ...process.env, LC_ALL: 'C' } });
      const updated = await apt('update').catch(reasonOf); // one mirror of several may fail
      await apt('download', 'nats-server').catch((error: unknown) => { throw new Error(typeof updated === 'string' ? updated : reasonOf(error)); });
      const deb = (await readdir(dir)).find((name) => name.endsWith('.deb'));
      if (!deb) throw new Error('apt-get downloaded no package');
      await run('dpkg', ['-x', deb, 'package'], { cwd: dir });
      return join(dir, 'package/usr/sbin/nats-server');
    },
  };
}

/**
 * The Debian entries of one apt sources file (one-line or deb822) with the suite replaced by `sid`. Left out: other entries, and
 * "trusted", with which a machine may wave unsigned packages through for itself, not for us.
 */
export function toSid(text: string, codename: string): string {
  const isDebian = (suites: string, components: string) =>
    components.split(/\s+/).includes('main') && suites.split(/\s+/).some((suite) => [codename, 'stable', 'testing', 'unstable', 'sid'].includes(suite));
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  const oneLine = lines.flatMap((line) => {
    const [, start, suite, components] = /^\s*(deb\s+(?:\[[^\]]*\]\s*)?\S+)\s+(\S+)\s+([^#]+)/.exec(line) ?? [];
    return start && suite && components && isDebian(suite, components.trim()) ? [`${start.replace(/\btrusted=[^\s\]]+/, '').replace(/\[\s*\]/, '')} sid main\n`] : [];
  });
  const stanzas = lines.join('\n').split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]?.trim() ?? '';
    if (!/\bdeb\b/.test(field('Types').replaceAll('deb-src', '')) || /^no$/i.test(field('Enabled')) || !isDebian(field('Suites'), field('Components'))) return [];
    return [`Types: deb\nURIs: ${field('URIs')}\nSuites: sid\nComponents: main\n${field('Signed-By') && `Signed-By: ${field('Signed-By')}\n`}\n`];
  });
  return [...oneLine, ...stanzas].join('');
}

/** Runs `work` while holding the lock file, which spares parallel downloads. A lock of a dead process is taken over. */
async function holdingLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  while (!(await writeFile(file, String(process.pid), { flag: 'wx' }).then(() => true, (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  }))) {
    if (await isAbandoned(file)) await removeAbandoned(file);
    else await sleep(100);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function isAbandoned(file: string): Promise<boolean> {
  const [pid, found] = await Promise.all([readFile(file, 'utf8'), stat(file)]).catch(() => ['', undefined] as const);
  return (pid !== '' && !isAlive(Number(pid))) || (found !== undefined && Date.now() - found.mtimeMs > patienceMs);
}

/** One at a time, and looked at again: else the second to come would remove the lock that the first has taken meanwhile. */
async function removeAbandoned(file: string): Promise<void> {
  const guard = `${file}.removing`;
  const isMine = await mkdir(guard).then(() => true, () => false);
  if (!isMine) {
    const found = await stat(guard).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > patienceMs) await rm(guard, { recursive: true, force: true });
    else await sleep(20);
    return;
  }
  try {
    if (await isAbandoned(file)) await rm(file, { force: true });
  } finally {
    await rm(guard, { recursive: true, force: true });
  }
}

/** Whether a process with this id exists, ours or not. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function download(url: string, file: string): Promise<void> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error(`no answer within ${connectTimeoutMs} ms`)), connectTimeoutMs);
  const response = await fetch(url, { signal: abort.signal }).finally(() => clearTimeout(timer));
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(file), { signal: AbortSignal.timeout(patienceMs) });
}

/** The version of the binary, when it runs and is not too old; else an error that says so. */
async function newEnough(path: string): Promise<string> {
  const { stdout } = await run(path, ['--version'], { timeout: 5_000 });
  const version = /v?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (!version) throw new Error(`said ${JSON.stringify(stdout.slice(0, 80))} when asked for its version`);
  if (compareVersions(version, natsFloor) < 0) throw new Error(`version ${version} is older than ${natsFloor}`);
  return version;
}

/** One line: the cause of a failed fetch, apt's own error line, or the last line a command printed. */
function reasonOf(error: unknown): string {
  const { message, cause, stderr } = error as Error & { stderr?: string };
  if (cause instanceof Error) return `${message}: ${cause.message || String((cause as NodeJS.ErrnoException).code)}`;
  const lines = (stderr || message).trim().split('\n');
  return lines.find((line) => line.startsWith('E: ')) ?? lines.at(-1) ?? 'failed';
}
